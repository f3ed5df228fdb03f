package organizations

import (
	"fmt"
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// ask is what an operation wants to do to what. Which of it reaches the policies is the operation's row's business.
type ask struct {
	operation string
	// ids are of the root, units, accounts and policies that the request names. The caller needs permission on each.
	ids []string

	policyType string // in the request; else that of the policy that an id names
	service    string
	tags       []directory.Tag
	tagKeys    []string
}

// enter refuses what the caller may not do: by its policies first, whether or not what it names exists, and then by the place of
// its account in the organization. It returns the organization, nil for an operation that any account may call.
func (s *Service) enter(v *directory.View, req *identity.Request, a ask) (*directory.Organization, error) {
	r, ok := rules[a.operation]
	if !ok {
		return nil, fmt.Errorf("authorizing %s: the operation has no rule", a.operation)
	}
	standing, in := v.Standing(req.Caller.Account)
	targets := []target{{arn: "*"}}
	if in && len(a.ids) > 0 {
		targets = targets[:0]
		for _, id := range a.ids {
			targets = append(targets, find(v, standing.Organization, id))
		}
	}
	for _, t := range targets {
		if err := s.permitted(v, req, a, r, t); err != nil {
			return nil, err
		}
	}
	switch {
	case r.reach == anyone:
		return nil, nil
	case !in:
		return nil, notInUse
	case r.reach == members || standing.Management():
		return standing.Organization, nil
	case r.reach == readers && len(standing.Member.Administers) > 0:
		return standing.Organization, nil
	}
	return nil, notYours
}

func (s *Service) permitted(v *directory.View, req *identity.Request, a ask, r rule, t target) error {
	query := authz.Query{Action: "organizations:" + a.operation, Resource: t.arn, ResourceTags: t.tags, Keys: r.keys.values(a, t)}
	if r.keys&requestTags != 0 {
		query.RequestTags = a.tags
	}
	if decision := s.Authorizer.Authorize(v, req, query); !decision.Allowed() {
		return decision.Fault()
	}
	return nil
}

// values are the condition keys that the request has a value for.
func (k keys) values(a ask, t target) (out []authz.Key) {
	add := func(has keys, name, value string) {
		if k&has != 0 && value != "" {
			out = append(out, authz.Key{Name: name, Value: policy.One(value)})
		}
	}
	kind := a.policyType
	if kind == "" {
		kind = t.policyType
	}
	add(policyType, "organizations:policytype", kind)
	add(servicePrincipal, "organizations:serviceprincipal", a.service)
	if k&tagKeys != 0 && len(a.tagKeys) > 0 {
		out = append(out, authz.Key{Name: "aws:tagkeys", Value: policy.Many(a.tagKeys)})
	}
	return out
}

// target is what an id names.
type target struct {
	arn        string
	tags       []directory.Tag
	policyType string
}

// find makes the ARN of what an id names, be it there or not.
func find(v *directory.View, o *directory.Organization, id string) target {
	p := v.Partition()
	switch {
	case strings.HasPrefix(id, "p-"):
		if found, ok := v.ControlPolicy(id); ok {
			return target{v.ControlPolicyARN(o, found), found.Tags, string(found.Type)}
		}
		return target{arn: o.ARN(p, "policy", "service_control_policy/"+id)}
	case strings.HasPrefix(id, "r-"):
		return target{arn: o.ARN(p, "root", id), tags: o.Root.Tags}
	case strings.HasPrefix(id, "ou-"):
		t := target{arn: o.ARN(p, "ou", id)}
		if u, ok := v.Unit(id); ok {
			t.tags = u.Tags
		}
		return t
	default:
		t := target{arn: o.ARN(p, "account", id)}
		if s, ok := v.Standing(arn.AccountID(id)); ok {
			t.tags = s.Member.Tags
		}
		return t
	}
}
