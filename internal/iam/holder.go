package iam

import (
	"context"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// holder is a user, group or role in so far as it holds policies. It is a copy that may be altered.
type holder struct {
	entity   directory.Entity
	kind     string // as refusals name it
	name     string
	inline   *[]directory.InlinePolicy
	attached *[]string
	boundary *string // nil for a group
	// inlineSize is the quota of its inline policies together, in characters other than white space; attachedQuota the name of
	// that of its managed policies (UG quotas).
	inlineSize    int
	attachedQuota string
	// protected refuses changes; nil if they are allowed.
	protected *identity.Fault
}

// finder authorizes and finds a holder in a View.
type finder func(v *directory.View) (*holder, error)

func (s *Service) userHolder(req *identity.Request, a ask) finder {
	return func(v *directory.View) (*holder, error) {
		found, err := s.user(v, req, a)
		if err != nil {
			return nil, err
		}
		u := found.Clone()
		return &holder{
			entity: u, kind: "user", name: u.Name, inline: &u.Inline, attached: &u.Attached, boundary: &u.Boundary,
			inlineSize: 2048, attachedQuota: "PoliciesPerUser",
		}, nil
	}
}

func (s *Service) groupHolder(req *identity.Request, a ask) finder {
	return func(v *directory.View) (*holder, error) {
		found, err := s.group(v, req, a)
		if err != nil {
			return nil, err
		}
		g := found.Clone()
		return &holder{
			entity: g, kind: "group", name: g.Name, inline: &g.Inline, attached: &g.Attached,
			inlineSize: 5120, attachedQuota: "PoliciesPerGroup",
		}, nil
	}
}

func (s *Service) roleHolder(req *identity.Request, a ask) finder {
	return func(v *directory.View) (*holder, error) {
		found, err := s.role(v, req, a)
		if err != nil {
			return nil, err
		}
		r := found.Clone()
		h := &holder{
			entity: r, kind: "role", name: r.Name, inline: &r.Inline, attached: &r.Attached, boundary: &r.Boundary,
			inlineSize: 10240, attachedQuota: "PoliciesPerRole",
		}
		if serviceLinked(r.Path) {
			h.protected = protectedRole(r)
		}
		return h, nil
	}
}

// changeHolder alters a holder and commits it. alter may add to the change what it depends on.
func (s *Service) changeHolder(
	ctx context.Context, req *identity.Request, find finder, alter func(v *directory.View, h *holder, c *directory.Change) error,
) error {
	return s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		h, err := find(v)
		if err != nil {
			return nil, err
		}
		if h.protected != nil {
			return nil, h.protected
		}
		c := new(directory.Change)
		if err := alter(v, h, c); err != nil {
			return nil, err
		}
		c.Put(h.entity)
		return c, nil
	})
}
