package iam

import (
	"context"
	"fmt"
	"slices"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// PutUserPolicy adds or replaces an inline policy of a user.
func (s *Service) PutUserPolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.PutUserPolicyInput) (*api.Empty, error) {
	find := s.userHolder(req, ask{operation: "PutUserPolicy", name: in.UserName})
	return done(s.putInline(ctx, req, find, in.PolicyName, in.PolicyDocument))
}

// PutGroupPolicy adds or replaces an inline policy of a group.
func (s *Service) PutGroupPolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.PutGroupPolicyInput) (*api.Empty, error) {
	find := s.groupHolder(req, ask{operation: "PutGroupPolicy", name: in.GroupName})
	return done(s.putInline(ctx, req, find, in.PolicyName, in.PolicyDocument))
}

// PutRolePolicy adds or replaces an inline policy of a role.
func (s *Service) PutRolePolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.PutRolePolicyInput) (*api.Empty, error) {
	find := s.roleHolder(req, ask{operation: "PutRolePolicy", name: in.RoleName})
	return done(s.putInline(ctx, req, find, in.PolicyName, in.PolicyDocument))
}

func (s *Service) putInline(ctx context.Context, req *identity.Request, find finder, name, text string) error {
	return s.changeHolder(ctx, req, find, func(_ *directory.View, h *holder, _ *directory.Change) error {
		document, err := identityDocument(text, policy.Identity)
		if err != nil {
			return err
		}
		p := directory.InlinePolicy{Name: name, Document: document}
		if i := h.inlineIndex(name); i >= 0 {
			(*h.inline)[i] = p
		} else {
			*h.inline = append(*h.inline, p)
		}
		total := 0
		for _, p := range *h.inline {
			total += policy.Size(p.Document.Text())
		}
		if total > h.inlineSize {
			return identity.NewFault(identity.LimitExceeded,
				fmt.Sprintf("Maximum policy size of %d bytes exceeded for %s %s", h.inlineSize, h.kind, h.name))
		}
		warn(req, text, policy.Identity)
		return nil
	})
}

// DeleteUserPolicy removes an inline policy of a user.
func (s *Service) DeleteUserPolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteUserPolicyInput) (*api.Empty, error) {
	return done(s.deleteInline(ctx, req, s.userHolder(req, ask{operation: "DeleteUserPolicy", name: in.UserName}), in.PolicyName))
}

// DeleteGroupPolicy removes an inline policy of a group.
func (s *Service) DeleteGroupPolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteGroupPolicyInput) (*api.Empty, error) {
	return done(s.deleteInline(ctx, req, s.groupHolder(req, ask{operation: "DeleteGroupPolicy", name: in.GroupName}), in.PolicyName))
}

// DeleteRolePolicy removes an inline policy of a role.
func (s *Service) DeleteRolePolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteRolePolicyInput) (*api.Empty, error) {
	return done(s.deleteInline(ctx, req, s.roleHolder(req, ask{operation: "DeleteRolePolicy", name: in.RoleName}), in.PolicyName))
}

func (s *Service) deleteInline(ctx context.Context, req *identity.Request, find finder, name string) error {
	return s.changeHolder(ctx, req, find, func(_ *directory.View, h *holder, _ *directory.Change) error {
		i := h.inlineIndex(name)
		if i < 0 {
			return noSuch(h.kind+" policy", name)
		}
		*h.inline = slices.Delete(*h.inline, i, i+1)
		return nil
	})
}

// GetUserPolicy shows an inline policy of a user.
func (s *Service) GetUserPolicy(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetUserPolicyInput,
) (*api.GetUserPolicyOutput, error) {
	h, p, err := getInline(v, s.userHolder(req, ask{operation: "GetUserPolicy", name: in.UserName}), in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &api.GetUserPolicyOutput{UserName: h.name, PolicyName: p.Name, PolicyDocument: encoded(p.Document.Text())}, nil
}

// GetGroupPolicy shows an inline policy of a group.
func (s *Service) GetGroupPolicy(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetGroupPolicyInput,
) (*api.GetGroupPolicyOutput, error) {
	h, p, err := getInline(v, s.groupHolder(req, ask{operation: "GetGroupPolicy", name: in.GroupName}), in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &api.GetGroupPolicyOutput{GroupName: h.name, PolicyName: p.Name, PolicyDocument: encoded(p.Document.Text())}, nil
}

// GetRolePolicy shows an inline policy of a role.
func (s *Service) GetRolePolicy(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetRolePolicyInput,
) (*api.GetRolePolicyOutput, error) {
	h, p, err := getInline(v, s.roleHolder(req, ask{operation: "GetRolePolicy", name: in.RoleName}), in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &api.GetRolePolicyOutput{RoleName: h.name, PolicyName: p.Name, PolicyDocument: encoded(p.Document.Text())}, nil
}

func getInline(v *directory.View, find finder, name string) (*holder, directory.InlinePolicy, error) {
	h, err := find(v)
	if err != nil {
		return nil, directory.InlinePolicy{}, err
	}
	i := h.inlineIndex(name)
	if i < 0 {
		return nil, directory.InlinePolicy{}, noSuch(h.kind+" policy", name)
	}
	return h, (*h.inline)[i], nil
}

// ListUserPolicies lists the names of a user's inline policies.
func (s *Service) ListUserPolicies(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListUserPoliciesInput,
) (*api.ListUserPoliciesOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListUserPolicies", directory.FoldName(in.UserName))
	if err != nil {
		return nil, err
	}
	l, err := listInline(v, p, s.userHolder(req, ask{operation: "ListUserPolicies", name: in.UserName}))
	if err != nil {
		return nil, err
	}
	return &api.ListUserPoliciesOutput{PolicyNames: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// ListGroupPolicies lists the names of a group's inline policies.
func (s *Service) ListGroupPolicies(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListGroupPoliciesInput,
) (*api.ListGroupPoliciesOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListGroupPolicies", directory.FoldName(in.GroupName))
	if err != nil {
		return nil, err
	}
	l, err := listInline(v, p, s.groupHolder(req, ask{operation: "ListGroupPolicies", name: in.GroupName}))
	if err != nil {
		return nil, err
	}
	return &api.ListGroupPoliciesOutput{PolicyNames: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// ListRolePolicies lists the names of a role's inline policies.
func (s *Service) ListRolePolicies(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListRolePoliciesInput,
) (*api.ListRolePoliciesOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListRolePolicies", directory.FoldName(in.RoleName))
	if err != nil {
		return nil, err
	}
	l, err := listInline(v, p, s.roleHolder(req, ask{operation: "ListRolePolicies", name: in.RoleName}))
	if err != nil {
		return nil, err
	}
	return &api.ListRolePoliciesOutput{PolicyNames: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

func listInline(v *directory.View, p *page, find finder) (listed[string], error) {
	h, err := find(v)
	if err != nil {
		return listed[string]{}, err
	}
	key := func(p directory.InlinePolicy) string { return directory.FoldName(p.Name) }
	return list(p, sorted(*h.inline, key), key, func(p directory.InlinePolicy) string { return p.Name })
}

func (h *holder) inlineIndex(name string) int {
	return slices.IndexFunc(*h.inline, func(p directory.InlinePolicy) bool { return sameName(p.Name, name) })
}
