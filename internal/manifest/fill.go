package manifest

import (
	"errors"
	"slices"
	"strconv"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
)

// fill gives the entities of an account what the file says of them.
func (p *planner) fill(a *account) {
	p.fillAccount(a)
	for _, g := range a.groups {
		next := p.next[directory.Key{Account: a.id, Kind: directory.KindGroup, Name: directory.FoldName(g.name)}].(*directory.Group)
		next.Inline, next.Attached = p.held(a.id, &g.holder, next.Inline, next.Attached)
	}
	for _, u := range a.users {
		p.fillUser(a.id, u)
	}
	for _, r := range a.roles {
		p.fillRole(a.id, r)
	}
}

func (p *planner) fillAccount(a *account) {
	next := p.next[(&directory.Account{ID: a.id}).Key()].(*directory.Account)
	if a.alias != nil {
		p.uniqueAlias(a)
	}
	if a.disabledRegions != nil {
		next.DisabledRegions = keep(next.DisabledRegions, a.disabledRegions)
	}
	next.RootKeys = p.keys(a.id, "", a.place, next.RootKeys, a.rootKeys)
}

// uniqueAlias: an alias is of one account alone.
func (p *planner) uniqueAlias(a *account) {
	for other := range p.view.Accounts() {
		if e, ok := p.next[other.Key()]; ok {
			other = e.(*directory.Account)
		}
		if other.ID != a.id && other.Alias == *a.alias {
			p.add(a.place, "the alias %s is that of account %s", *a.alias, other.ID)
		}
	}
}

// held returns the policies of a user, group or role as they are to be.
func (p *planner) held(id arn.AccountID, h *holder, inline []directory.InlinePolicy, attached []string) ([]directory.InlinePolicy, []string) {
	if h.inline != nil {
		inline = keepInline(inline, h.inline)
	}
	if h.attached != nil {
		for _, r := range h.attached {
			p.policyARN(id, r)
		}
		attached = keep(attached, names(h.attached))
	}
	for _, policyARN := range attached {
		p.notPruned(h.place, policyARN)
	}
	return inline, attached
}

// notPruned refuses to leave an entity with a policy that goes.
func (p *planner) notPruned(at place, policyARN string) {
	if p.lostPolicies[policyARN] {
		p.add(at, "has the policy %s, which the file does not list and pruning would delete", policyARN)
	}
}

func (p *planner) boundary(id arn.AccountID, h *person, boundary string) string {
	if h.boundary != nil {
		if boundary = h.boundary.name; boundary != "" {
			p.policyARN(id, *h.boundary)
		}
	}
	if boundary != "" {
		p.notPruned(h.place, boundary)
	}
	return boundary
}

func (p *planner) fillUser(id arn.AccountID, u *user) {
	next := p.next[directory.Key{Account: id, Kind: directory.KindUser, Name: directory.FoldName(u.name)}].(*directory.User)
	next.Inline, next.Attached = p.held(id, &u.holder, next.Inline, next.Attached)
	next.Boundary = p.boundary(id, &u.person, next.Boundary)
	if u.tags != nil {
		next.Tags = keep(next.Tags, u.tags)
	}
	p.fillGroups(id, u, next)
	next.AccessKeys = p.keys(id, next.Name, u.place, next.AccessKeys, u.keys)
	p.fillDevices(id, u, next)
}

func (p *planner) fillGroups(id arn.AccountID, u *user, next *directory.User) {
	if u.groups == nil {
		next.Groups = slices.DeleteFunc(next.Groups, func(groupID string) bool {
			e, ok := p.view.ByID(groupID)
			if !ok {
				return true
			}
			_, gone := p.pruned[e.Key()]
			return gone
		})
		return
	}
	ids := []string{}
	for _, r := range u.groups {
		e, ok := p.lasting(directory.Key{Account: id, Kind: directory.KindGroup, Name: directory.FoldName(r.name)})
		if !ok {
			p.add(r.place, "there is no group %s", r.name)
			continue
		}
		p.rely(e)
		ids = append(ids, e.(*directory.Group).ID)
	}
	next.Groups = keep(next.Groups, ids)
}

func (p *planner) fillDevices(id arn.AccountID, u *user, owner *directory.User) {
	count := 0
	for d := range p.view.DevicesOf(owner.ID) {
		_, gone := p.pruned[d.Key()]
		_, listed := p.next[d.Key()]
		if !gone && !listed {
			count++
		}
	}
	for _, d := range u.devices {
		next := p.next[directory.Key{Account: id, Kind: directory.KindDevice, Name: directory.FoldName(d.name + d.serial)}].(*directory.Device)
		if next.UserID != "" && next.UserID != owner.ID && p.lives(next.UserID) {
			p.add(d.place, "the device %s is another user's", d.name+d.serial)
		}
		next.UserID = owner.ID
		count++
	}
	if count > maxDevices {
		p.add(u.place, "has more than %d MFA devices with those that it has already", maxDevices)
	}
}

// lives reports whether the owner of an id will be there.
func (p *planner) lives(ownerID string) bool {
	e, ok := p.view.ByID(ownerID)
	if !ok {
		_, root := p.view.Account(arn.AccountID(ownerID))
		return root
	}
	_, gone := p.pruned[e.Key()]
	return !gone
}

func (p *planner) fillRole(id arn.AccountID, r *role) {
	next := p.next[directory.Key{Account: id, Kind: directory.KindRole, Name: directory.FoldName(r.name)}].(*directory.Role)
	next.Inline, next.Attached = p.held(id, &r.holder, next.Inline, next.Attached)
	next.Boundary = p.boundary(id, &r.person, next.Boundary)
	if r.tags != nil {
		next.Tags = keep(next.Tags, r.tags)
	}
	if r.maxSessionSeconds != nil {
		next.MaxSessionSeconds = *r.maxSessionSeconds
	}
	text, err := directory.ResolveTrust(r.trust.text, p.principal)
	var unknown *directory.UnknownPrincipalError
	switch {
	case errors.As(err, &unknown):
		p.add(r.trust.place, "the trust policy of role %s names %s, which is neither in the file nor in the directory", r.name, unknown.ARN)
	case err != nil:
		p.add(r.trust.place, "%s", err)
	case next.Trust == nil || next.Trust.Text() != text:
		next.Trust = directory.NewDocument(text)
	}
}

// keep returns the old list if the new one differs at most in its order, which says nothing.
func keep[T comparable](old, next []T) []T {
	if len(old) != len(next) {
		return next
	}
	for _, e := range next {
		if !slices.Contains(old, e) {
			return next
		}
	}
	return old
}

func keepInline(old []directory.InlinePolicy, next []inlinePolicy) []directory.InlinePolicy {
	list := make([]directory.InlinePolicy, len(next))
	unchanged := 0
	for i, n := range next {
		list[i] = directory.InlinePolicy{Name: n.name, Document: directory.NewDocument(n.text)}
		for _, o := range old {
			if o.Name == n.name && o.Document.Text() == n.text {
				list[i] = o
				unchanged++
			}
		}
	}
	if unchanged == len(old) && unchanged == len(next) {
		return old
	}
	return list
}

func versionID(n int) string { return "v" + strconv.Itoa(n) }

func withoutOldest(versions []directory.PolicyVersion, keepID string) []directory.PolicyVersion {
	for i := range versions {
		if versions[i].ID != keepID {
			return slices.Delete(versions, i, i+1)
		}
	}
	return versions
}
