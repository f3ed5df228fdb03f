package manifest

import (
	"slices"
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
)

// organizer plans the organization.
type organizer struct {
	*planner
	file    *organization
	next    *directory.Organization
	units   map[string]*directory.Unit          // of the file, by path
	members map[arn.AccountID]*directory.Member // of whom the file says something new
	placed  map[arn.AccountID]string            // the parents that the file says
}

// organize plans the organization of the file. Its accounts are members beside those that are members already.
func (p *planner) organize(f *File) {
	o := f.organization
	if o == nil {
		return
	}
	z := &organizer{planner: p, file: o, units: make(map[string]*directory.Unit), members: make(map[arn.AccountID]*directory.Member),
		placed: make(map[arn.AccountID]string)}
	if !z.begin(f) {
		return
	}
	z.place()
	z.control()
	p.put(z.next)
	every(o.units, func(u *unit) { p.put(z.units[u.path]) })
	for _, id := range z.next.Members {
		if m := z.members[id]; m != nil {
			p.put(m)
		}
	}
}

// begin finds or makes the organization with its members and the units of the file.
func (z *organizer) begin(f *File) bool {
	if old, ok := z.view.Organization(); ok {
		z.next = old.Clone()
	} else if z.next, z.failure = directory.NewOrganization(z.file.management, z.Now, z.Random); z.failure != nil {
		return false
	}
	if z.next.ManagementAccount != z.file.management {
		z.add(z.file.place, "the organization has management account %s, which cannot change", z.next.ManagementAccount)
	}
	z.next.RootSessions = z.file.rootSessions
	known := f.Accounts()
	if !slices.Contains(known, z.file.management) {
		z.add(z.file.place, "the management account %s is not among the accounts", z.file.management)
	}
	for _, u := range z.file.units {
		z.unit(u, z.next.RootID)
	}
	for _, a := range z.file.accounts {
		z.placed[arn.AccountID(a.name)] = z.next.RootID
	}
	every(z.file.units, func(u *unit) {
		for _, a := range u.accounts {
			if z.units[u.path] != nil {
				z.placed[arn.AccountID(a.name)] = z.units[u.path].ID
			}
		}
	})
	z.join(known)
	return z.failure == nil
}

// join adds the members.
func (z *organizer) join(known []arn.AccountID) {
	joining := known
	if z.file.listsAccounts() {
		joining = []arn.AccountID{z.file.management}
		listed := slices.Clone(z.file.accounts)
		every(z.file.units, func(u *unit) { listed = append(listed, u.accounts...) })
		for _, a := range listed {
			id := arn.AccountID(a.name)
			if _, there := z.view.Account(id); !there && !slices.Contains(known, id) {
				z.add(a.place, "there is no account %s", id)
			}
			joining = append(joining, id)
		}
	}
	for _, id := range joining {
		if !slices.Contains(z.next.Members, id) {
			z.next.Members = append(z.next.Members, id)
		}
	}
}

// unit finds a unit of the file by its name under its parent, or begins it.
func (z *organizer) unit(u *unit, parent string) {
	var next *directory.Unit
	for old := range z.view.Units() {
		if old.Parent == parent && old.Name == u.name {
			next = old.Clone()
		}
	}
	if next == nil && z.failure == nil {
		next = &directory.Unit{Name: u.name, Parent: parent}
		next.ID, z.failure = z.next.NewUnitID(z.Random)
	}
	if z.failure != nil {
		return
	}
	z.units[u.path] = next
	for _, below := range u.units {
		z.unit(below, next.ID)
	}
}

// memberOf returns a copy of what is known of a member.
func (z *organizer) memberOf(id arn.AccountID) *directory.Member {
	m := &directory.Member{Account: id, Name: string(id), Joined: z.Now, Parent: z.next.RootID}
	if s, ok := z.view.Standing(id); ok {
		m = s.Member.Clone()
	}
	return m
}

// place puts the accounts where the file says. One that the file does not place stays where it is.
func (z *organizer) place() {
	for _, id := range z.next.Members {
		parent, said := z.placed[id]
		if s, ok := z.view.Standing(id); said && (!ok || s.Member.Parent != parent) && (ok || parent != z.next.RootID) {
			m := z.memberOf(id)
			m.Parent = parent
			z.members[id] = m
		}
	}
}

// control plans the policies and what they are attached to.
func (z *organizer) control() {
	for _, t := range []directory.ControlType{directory.ServiceControl, directory.ResourceControl} {
		c := z.file.control[t]
		if c == nil {
			continue
		}
		if state := z.next.Control(t); !state.Enabled {
			state.Enabled = true
			state.Era++
		}
		a := &attacher{organizer: z, kind: t, ids: make(map[string]string), wanted: make(map[string][]string), whole: make(map[string]bool),
			moving: make(map[string]bool)}
		a.policies(c)
		a.targets(c)
		a.attach()
	}
}

// attacher plans what the policies of one type are attached to.
type attacher struct {
	*organizer
	kind   directory.ControlType
	ids    map[string]string   // of policies, by name
	wanted map[string][]string // ids of the policies that the file attaches, by id of the target
	whole  map[string]bool     // targets of which the file lists all policies
	moving map[string]bool     // policies of which the file lists all targets
}

func (a *attacher) policies(c *control) {
	old := make(map[string]*directory.ControlPolicy)
	for p := range a.view.ControlPolicies() {
		if p.Type == a.kind {
			old[p.Name], a.ids[p.Name] = p, p.ID
		}
	}
	for _, m := range c.policies {
		next := &directory.ControlPolicy{Owner: directory.Global, Name: m.name, Type: a.kind}
		if p, ok := old[m.name]; ok {
			next = p.Clone()
		} else if next.ID, a.failure = directory.NewControlPolicyID(a.Random); a.failure != nil {
			return
		}
		if next.Owner == directory.AWSAccount {
			a.add(m.place, "the policy %s is AWS's own", m.name)
			continue
		}
		if next.Document == nil || next.Document.Text() != m.document.text {
			next.Document = directory.NewDocument(m.document.text)
		}
		next.Description = orElse(m.description, next.Description)
		a.ids[m.name] = next.ID
		a.put(next)
	}
}

// targets reads what the file attaches to what.
func (a *attacher) targets(c *control) {
	for _, m := range c.policies {
		a.moving[a.ids[m.name]] = m.targets != nil
		for _, r := range m.targets {
			if id, ok := a.target(r); ok {
				a.wanted[id] = append(a.wanted[id], a.ids[m.name])
			}
		}
	}
	every(a.file.units, func(u *unit) {
		attached, given := u.attached[a.kind]
		if !given {
			return
		}
		id := a.organizer.units[u.path].ID
		a.whole[id] = true
		for _, r := range attached {
			policyID, ok := a.ids[r.name]
			if !ok {
				a.add(r.place, "there is no policy %s of type %s", r.name, a.kind)
			} else if !slices.Contains(a.wanted[id], policyID) && policyID != a.kind.FullAccess() {
				a.wanted[id] = append(a.wanted[id], policyID)
			}
		}
	})
}

// target finds the root, an account, or a unit by its path.
func (a *attacher) target(r reference) (string, bool) {
	if r.name == rootTarget {
		return a.next.RootID, true
	}
	if slices.Contains(a.next.Members, arn.AccountID(r.name)) {
		return r.name, true
	}
	if u := a.organizer.units[r.name]; u != nil {
		return u.ID, true
	}
	parent := a.next.RootID
	for name := range strings.SplitSeq(r.name, "/") {
		found := ""
		for u := range a.view.Units() {
			if u.Parent == parent && u.Name == name {
				found = u.ID
			}
		}
		if found == "" {
			a.add(r.place, "there is no unit or member account %s", r.name)
			return "", false
		}
		parent = found
	}
	return parent, true
}

// attach alters the targets whose policies differ from what the file says.
func (a *attacher) attach() {
	a.set(a.next.RootID, &a.next.Root, nil)
	inFile := make(map[string]bool)
	for _, u := range a.organizer.units {
		inFile[u.ID] = true
		a.set(u.ID, &u.Node, nil)
	}
	for old := range a.view.Units() {
		if !inFile[old.ID] {
			u := old.Clone()
			if e, ok := a.planner.next[u.Key()]; ok {
				u, _ = e.(*directory.Unit)
			}
			a.set(u.ID, &u.Node, func() { a.putOnce(u) })
		}
	}
	for _, id := range a.next.Members {
		m, said := a.members[id]
		if !said {
			m = a.memberOf(id)
		}
		a.set(string(id), &m.Node, func() { a.members[id] = m })
	}
}

func (a *attacher) putOnce(u *directory.Unit) {
	if _, there := a.planner.next[u.Key()]; !there {
		a.put(u)
	}
}

// set gives a target its policies. AWS's own stays as it is.
func (a *attacher) set(id string, n *directory.Node, altered func()) {
	has := a.next.Attached(n, a.kind)
	var want []string
	for _, p := range has {
		if p == a.kind.FullAccess() || slices.Contains(a.wanted[id], p) || !a.whole[id] && !a.moving[p] {
			want = append(want, p)
		}
	}
	for _, p := range a.wanted[id] {
		if !slices.Contains(want, p) {
			want = append(want, p)
		}
	}
	if slices.Equal(has, want) {
		return
	}
	limit := maxSCPs
	if a.kind == directory.ResourceControl {
		limit = maxRCPs
	}
	if len(want) > limit {
		a.add(a.file.place, "%s would have %d policies of type %s, at most %d are allowed", id, len(want), a.kind, limit)
	}
	a.next.Attach(n, a.kind, want)
	if altered != nil {
		altered()
	}
}
