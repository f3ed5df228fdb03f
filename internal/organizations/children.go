package organizations

import (
	"context"
	"iter"
	"slices"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// ListChildren lists the ids of the units or of the accounts directly under the root or a unit.
func (s *Service) ListChildren(_ context.Context, v *directory.View, req *identity.Request, in *api.ListChildrenInput) (*api.ListChildrenOutput, error) {
	p, err := s.page(v, req, in.NextToken, in.MaxResults, "ListChildren", in.ParentId, in.ChildType)
	if err != nil {
		return nil, err
	}
	o, err := s.enter(v, req, ask{operation: "ListChildren", ids: []string{in.ParentId}})
	if err != nil {
		return nil, err
	}
	if _, ok := parentOf(v, o, in.ParentId); !ok {
		return nil, parentNotFound
	}
	children := func(yield func(string) bool) {
		if in.ChildType == kindUnit {
			for u := range unitsUnder(v, in.ParentId) {
				if !yield(u.ID) {
					return
				}
			}
			return
		}
		for m := range membersUnder(v, in.ParentId) {
			if !yield(string(m.Account)) {
				return
			}
		}
	}
	shown, next, err := list(p, children, itself, func(id string) api.Child { return api.Child{Id: &id, Type: &in.ChildType} })
	if err != nil {
		return nil, err
	}
	return &api.ListChildrenOutput{Children: shown, NextToken: next}, nil
}

// ListParents tells the root or unit that an account or a unit is directly under: there is one.
func (s *Service) ListParents(_ context.Context, v *directory.View, req *identity.Request, in *api.ListParentsInput) (*api.ListParentsOutput, error) {
	p, err := s.page(v, req, in.NextToken, in.MaxResults, "ListParents", in.ChildId)
	if err != nil {
		return nil, err
	}
	o, err := s.enter(v, req, ask{operation: "ListParents", ids: []string{in.ChildId}})
	if err != nil {
		return nil, err
	}
	n, ok := nodeOf(v, o, in.ChildId)
	if !ok || n.kind == kindRoot {
		return nil, childNotFound
	}
	kind := kindUnit
	if n.parent == o.RootID {
		kind = kindRoot
	}
	parents, next, err := list(p, slices.Values([]string{n.parent}), itself, func(id string) api.Parent { return api.Parent{Id: &id, Type: &kind} })
	if err != nil {
		return nil, err
	}
	return &api.ListParentsOutput{Parents: parents, NextToken: next}, nil
}

// MoveAccount puts an account under another root or unit, and so under other policies.
func (s *Service) MoveAccount(ctx context.Context, _ *directory.View, req *identity.Request, in *api.MoveAccountInput) (*api.Empty, error) {
	a := ask{operation: "MoveAccount", ids: []string{in.AccountId, in.SourceParentId, in.DestinationParentId}}
	return done(s.change(ctx, req, a, func(v *directory.View, o *directory.Organization, c *directory.Change) error {
		standing, ok := v.Standing(arn.AccountID(in.AccountId))
		if !ok {
			return accountNotFound
		}
		if standing.Member.Parent != in.SourceParentId {
			return sourceNotFound
		}
		destination, ok := parentOf(v, o, in.DestinationParentId)
		if !ok {
			return destNotFound
		}
		if in.SourceParentId == in.DestinationParentId {
			return duplicateAccount
		}
		next := standing.Member.Clone()
		next.Parent = in.DestinationParentId
		destination.rely(c)
		c.Require(o)
		c.Put(next)
		return nil
	}))
}

func unitsUnder(v *directory.View, parent string) iter.Seq[*directory.Unit] {
	return only(v.Units(), func(u *directory.Unit) bool { return u.Parent == parent })
}

func membersUnder(v *directory.View, parent string) iter.Seq[*directory.Member] {
	return only(v.OrganizationMembers(), func(m *directory.Member) bool { return m.Parent == parent })
}

func itself(id string) string { return id }
