package manifest

import (
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
)

const (
	defaultPath           = "/"
	defaultSessionSeconds = 3600
)

// shells finds or begins the entities of an account that others may refer to, so that a file may name what comes later.
func (p *planner) shells(a *account) {
	next := &directory.Account{ID: a.id, ARN: arn.Root(p.view.Partition(), a.id), Created: p.Now}
	if old, ok := p.view.Account(a.id); ok {
		next = old.Clone()
	}
	next.Alias = orElse(a.alias, next.Alias)
	p.put(next)
	for _, m := range a.policies {
		p.policyShell(a.id, m)
	}
	for _, g := range a.groups {
		p.groupShell(a.id, g)
	}
	for _, u := range a.users {
		p.userShell(a.id, u)
	}
	for _, r := range a.roles {
		p.roleShell(a.id, r)
	}
	p.providers(a)
}

func orElse(given *string, otherwise string) string {
	if given == nil {
		return otherwise
	}
	return *given
}

// keepPath refuses another path for what AWS gives a path but once: the ARN is what others know it by.
func (p *planner) keepPath(at place, given *string, old string) {
	if given != nil && *given != old {
		p.add(at, "exists with path %s: delete it first to give it path %s", old, *given)
	}
}

func (p *planner) policyShell(id arn.AccountID, m *managedPolicy) {
	key := directory.Key{Account: id, Kind: directory.KindPolicy, Name: directory.FoldName(m.name)}
	if old, ok := existing[*directory.ManagedPolicy](p, key); ok {
		p.keepPath(m.place, m.path, old.Path)
		p.put(p.version(old, m.document.text))
		return
	}
	path := orElse(m.path, defaultPath)
	p.put(&directory.ManagedPolicy{
		Account: id, Name: m.name, Path: path, ID: p.newID(arn.PolicyID, id),
		ARN:     arn.Policy(p.view.Partition(), id, path, m.name),
		Created: p.Now, Updated: p.Now,
		Versions:       []directory.PolicyVersion{{ID: "v1", Document: directory.NewDocument(m.document.text), Created: p.Now}},
		DefaultVersion: "v1", NextVersion: 2,
	})
}

func (p *planner) groupShell(id arn.AccountID, g *group) {
	key := directory.Key{Account: id, Kind: directory.KindGroup, Name: directory.FoldName(g.name)}
	next := &directory.Group{Account: id, Name: g.name, Path: defaultPath, Created: p.Now}
	if old, ok := existing[*directory.Group](p, key); ok {
		next = old.Clone()
	} else {
		next.ID = p.newID(arn.GroupID, id)
	}
	next.Path = orElse(g.path, next.Path)
	next.ARN = arn.Group(p.view.Partition(), id, next.Path, next.Name)
	p.put(next)
}

func (p *planner) userShell(id arn.AccountID, u *user) {
	key := directory.Key{Account: id, Kind: directory.KindUser, Name: directory.FoldName(u.name)}
	next := &directory.User{Account: id, Name: u.name, Path: defaultPath, Created: p.Now}
	if old, ok := existing[*directory.User](p, key); ok {
		next = old.Clone()
	} else {
		next.ID = p.newID(arn.UserID, id)
	}
	next.Path = orElse(u.path, next.Path)
	next.ARN = arn.User(p.view.Partition(), id, next.Path, next.Name)
	p.put(next)
	for _, d := range u.devices {
		p.deviceShell(id, next, d)
	}
}

func (p *planner) deviceShell(id arn.AccountID, owner *directory.User, d device) {
	next := &directory.Device{Account: id, Name: d.serial, Serial: d.serial, Created: p.Now}
	if d.serial == "" {
		next.Name, next.Path = d.name, defaultPath
		next.Serial = arn.MFADevice(p.view.Partition(), id, defaultPath, d.name)
	}
	if old, ok := existing[*directory.Device](p, next.Key()); ok {
		next = old.Clone()
	}
	if next.UserID != owner.ID {
		next.Enabled = p.Now
	}
	next.Seed.Key = d.seed
	p.put(next)
}

func (p *planner) roleShell(id arn.AccountID, r *role) {
	key := directory.Key{Account: id, Kind: directory.KindRole, Name: directory.FoldName(r.name)}
	if old, ok := existing[*directory.Role](p, key); ok {
		p.keepPath(r.place, r.path, old.Path)
		p.put(old.Clone())
		return
	}
	path := orElse(r.path, defaultPath)
	p.put(&directory.Role{
		Account: id, Name: r.name, Path: path, ID: p.newID(arn.RoleID, id),
		ARN:     arn.Role(p.view.Partition(), id, path, r.name),
		Created: p.Now, MaxSessionSeconds: defaultSessionSeconds,
	})
}

// version returns the policy with the text as its default version.
func (p *planner) version(old *directory.ManagedPolicy, text string) *directory.ManagedPolicy {
	next := old.Clone()
	if d := old.Default(); d != nil && d.Text() == text {
		return next
	}
	if len(next.Versions) >= maxVersions {
		next.Versions = withoutOldest(next.Versions, next.DefaultVersion)
	}
	id := versionID(next.NextVersion)
	next.Versions = append(next.Versions, directory.PolicyVersion{ID: id, Document: directory.NewDocument(text), Created: p.Now})
	next.DefaultVersion, next.Updated = id, p.Now
	next.NextVersion++
	return next
}

// principal returns the unique id of the user or role that will have an ARN.
func (p *planner) principal(principalARN string) (string, bool) {
	a, err := arn.Parse(principalARN)
	if err != nil {
		return "", false
	}
	kind, _, name := a.Entity()
	for _, k := range []directory.Kind{directory.KindUser, directory.KindRole} {
		if kind != string(k) {
			continue
		}
		e, ok := p.lasting(directory.Key{Account: arn.AccountID(a.Account), Kind: k, Name: directory.FoldName(name)})
		if !ok {
			return "", false
		}
		switch e := e.(type) {
		case *directory.User:
			return e.ID, e.ARN == principalARN
		case *directory.Role:
			return e.ID, e.ARN == principalARN
		}
	}
	return "", false
}

// policyARN holds that a managed policy will be there for an account to attach: its own, or an AWS-managed one.
func (p *planner) policyARN(id arn.AccountID, r reference) {
	a, err := arn.Parse(r.name)
	if err != nil || a.Service != "iam" || !strings.HasPrefix(a.Resource, "policy/") {
		p.add(r.place, "%q is not the ARN of a managed policy", r.name)
		return
	}
	owner := arn.AccountID(a.Account)
	if owner != id && owner != directory.AWSAccount {
		p.add(r.place, "%s is of another account", r.name)
		return
	}
	_, _, name := a.Entity()
	e, ok := p.lasting(directory.Key{Account: owner, Kind: directory.KindPolicy, Name: directory.FoldName(name)})
	if m, is := e.(*directory.ManagedPolicy); !ok || !is || m.ARN != r.name {
		p.add(r.place, "there is no policy %s", r.name)
		return
	}
	p.rely(e)
}
