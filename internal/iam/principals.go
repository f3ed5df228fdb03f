package iam

import (
	"slices"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// principal is a user, group or role that a request names by its ARN, with the policies that give it permissions.
type principal struct {
	kind, name, arn, id string
	// sources are its own policies and then its groups', inline ones first; a managed policy is there once.
	sources  []source
	boundary string
}

// source is where a permission comes from.
type source struct {
	policy      string // its name
	arn         string // empty for an inline policy
	kind, owner string // who has it: "user", "alice"
	document    *directory.Document
}

// inline reports whether the policy is part of its owner.
func (s *source) inline() bool { return s.arn == "" }

// grants reports whether the policy allows anything of a service. One that no longer parses does not.
func (s *source) grants(namespace string) bool {
	return s.document.Policy(policy.Identity).Document().GrantsService(namespace)
}

// principal authorizes and finds the user, group or role with an ARN. AWS goes by kind and name; the path may be another.
func (s *Service) principal(v *directory.View, req *identity.Request, operation, entityARN string) (*principal, error) {
	kind, name, err := principalNamed(entityARN, req.Caller.Account)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(v, req, ask{operation: operation, name: entityARN}); err != nil {
		return nil, err
	}
	p, ok := principalIn(v, req.Caller.Account, kind, name)
	if !ok {
		return nil, noSuch(kind, name)
	}
	return p, nil
}

// principalNamed reads the ARN of a user, group or role of the account.
func principalNamed(entityARN string, account arn.AccountID) (kind, name string, err error) {
	a, err := arn.Parse(entityARN)
	kind, _, name = a.Entity()
	if err != nil || a.Service != "iam" || a.Region != "" || !slices.Contains([]string{"user", "group", "role"}, kind) || name == "" {
		return "", "", identity.NewFault(identity.InvalidInput, "Invalid Entity Arn: "+entityARN+" does not clearly define entity type and name.")
	}
	if a.Account != string(account) {
		return "", "", identity.NewFault(identity.InvalidInput, "Invalid Policy Source Arn: caller's account "+string(account)+
			" does not have access to policies in account "+a.Account)
	}
	return kind, name, nil
}

func principalIn(v *directory.View, account arn.AccountID, kind, name string) (*principal, bool) {
	switch kind {
	case "user":
		if u, ok := v.User(account, name); ok {
			return userPrincipal(v, u), true
		}
	case "group":
		if g, ok := v.Group(account, name); ok {
			p := &principal{kind: kind, name: g.Name, arn: g.ARN, id: g.ID}
			p.add(v, kind, g.Name, g.Inline, g.Attached)
			return p, true
		}
	case "role":
		if r, ok := v.Role(account, name); ok {
			return rolePrincipal(v, r), true
		}
	}
	return nil, false
}

func userPrincipal(v *directory.View, u *directory.User) *principal {
	p := &principal{kind: "user", name: u.Name, arn: u.ARN, id: u.ID, boundary: u.Boundary}
	p.add(v, p.kind, u.Name, u.Inline, u.Attached)
	for g := range v.GroupsOf(u) {
		p.add(v, "group", g.Name, g.Inline, g.Attached)
	}
	return p
}

func rolePrincipal(v *directory.View, r *directory.Role) *principal {
	p := &principal{kind: "role", name: r.Name, arn: r.ARN, id: r.ID, boundary: r.Boundary}
	p.add(v, p.kind, r.Name, r.Inline, r.Attached)
	return p
}

func (p *principal) add(v *directory.View, kind, owner string, inline []directory.InlinePolicy, attached []string) {
	for _, i := range inline {
		p.sources = append(p.sources, source{policy: i.Name, kind: kind, owner: owner, document: i.Document})
	}
	for _, policyARN := range attached {
		if slices.ContainsFunc(p.sources, func(s source) bool { return s.arn == policyARN }) {
			continue
		}
		if m, ok := v.PolicyByARN(policyARN); ok && m.Default() != nil {
			p.sources = append(p.sources, source{policy: m.Name, arn: m.ARN, kind: kind, owner: owner, document: m.Default()})
		}
	}
}

// grants reports whether any of its policies allows anything of a service.
func (p *principal) grants(namespace string) bool {
	return slices.ContainsFunc(p.sources, func(s source) bool { return s.grants(namespace) })
}

// entityNamed is the resource of the operations that name a user, group, role or managed policy by its ARN. One that does not
// exist is judged as it is named.
func entityNamed(v *directory.View, c *identity.Caller, a ask) target {
	parsed, err := arn.Parse(a.name)
	if err != nil {
		return target{arn: a.name}
	}
	switch kind, _, name := parsed.Entity(); kind {
	case "user":
		if _, ok := v.User(c.Account, name); ok {
			return user(v, c, ask{name: name})
		}
	case "group":
		if _, ok := v.Group(c.Account, name); ok {
			return group(v, c, ask{name: name})
		}
	case "role":
		if _, ok := v.Role(c.Account, name); ok {
			return role(v, c, ask{name: name})
		}
	case "policy":
		return managedPolicy(v, c, a)
	}
	return target{arn: a.name}
}
