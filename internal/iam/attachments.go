package iam

import (
	"context"
	"slices"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// maxAttached is how many managed policies a user, group or role can have (UG quotas).
const maxAttached = 10

// AttachUserPolicy attaches a managed policy to a user.
func (s *Service) AttachUserPolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.AttachUserPolicyInput) (*api.Empty, error) {
	find := s.userHolder(req, ask{operation: "AttachUserPolicy", name: in.UserName, policyARN: in.PolicyArn})
	return done(s.attach(ctx, req, find, in.PolicyArn))
}

// AttachGroupPolicy attaches a managed policy to a group.
func (s *Service) AttachGroupPolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.AttachGroupPolicyInput) (*api.Empty, error) {
	find := s.groupHolder(req, ask{operation: "AttachGroupPolicy", name: in.GroupName, policyARN: in.PolicyArn})
	return done(s.attach(ctx, req, find, in.PolicyArn))
}

// AttachRolePolicy attaches a managed policy to a role.
func (s *Service) AttachRolePolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.AttachRolePolicyInput) (*api.Empty, error) {
	find := s.roleHolder(req, ask{operation: "AttachRolePolicy", name: in.RoleName, policyARN: in.PolicyArn})
	return done(s.attach(ctx, req, find, in.PolicyArn))
}

func (s *Service) attach(ctx context.Context, req *identity.Request, find finder, policyARN string) error {
	if err := policyShaped(policyARN); err != nil {
		return err
	}
	return s.changeHolder(ctx, req, find, func(v *directory.View, h *holder, c *directory.Change) error {
		p, ok := visiblePolicy(v, req.Caller.Account, policyARN)
		if !ok {
			return identity.NewFault(identity.NoSuchEntity, "Policy "+policyARN+" does not exist or is not attachable.")
		}
		c.Require(p)
		if slices.Contains(*h.attached, p.ARN) {
			return nil
		}
		if len(*h.attached) >= maxAttached {
			return quotaExceeded(h.attachedQuota, maxAttached)
		}
		*h.attached = append(*h.attached, p.ARN)
		return nil
	})
}

// DetachUserPolicy detaches a managed policy from a user.
func (s *Service) DetachUserPolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.DetachUserPolicyInput) (*api.Empty, error) {
	find := s.userHolder(req, ask{operation: "DetachUserPolicy", name: in.UserName, policyARN: in.PolicyArn})
	return done(s.detach(ctx, req, find, in.PolicyArn))
}

// DetachGroupPolicy detaches a managed policy from a group.
func (s *Service) DetachGroupPolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.DetachGroupPolicyInput) (*api.Empty, error) {
	find := s.groupHolder(req, ask{operation: "DetachGroupPolicy", name: in.GroupName, policyARN: in.PolicyArn})
	return done(s.detach(ctx, req, find, in.PolicyArn))
}

// DetachRolePolicy detaches a managed policy from a role.
func (s *Service) DetachRolePolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.DetachRolePolicyInput) (*api.Empty, error) {
	find := s.roleHolder(req, ask{operation: "DetachRolePolicy", name: in.RoleName, policyARN: in.PolicyArn})
	return done(s.detach(ctx, req, find, in.PolicyArn))
}

func (s *Service) detach(ctx context.Context, req *identity.Request, find finder, policyARN string) error {
	if err := policyShaped(policyARN); err != nil {
		return err
	}
	return s.changeHolder(ctx, req, find, func(_ *directory.View, h *holder, _ *directory.Change) error {
		i := slices.Index(*h.attached, policyARN)
		if i < 0 {
			return policyNotFound(policyARN)
		}
		*h.attached = slices.Delete(*h.attached, i, i+1)
		return nil
	})
}

// ListAttachedUserPolicies lists the managed policies of a user.
func (s *Service) ListAttachedUserPolicies(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListAttachedUserPoliciesInput,
) (*api.ListAttachedUserPoliciesOutput, error) {
	prefix := pathOr(in.PathPrefix)
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListAttachedUserPolicies", directory.FoldName(in.UserName), prefix)
	if err != nil {
		return nil, err
	}
	l, err := listAttached(v, p, s.userHolder(req, ask{operation: "ListAttachedUserPolicies", name: in.UserName}), prefix)
	if err != nil {
		return nil, err
	}
	return &api.ListAttachedUserPoliciesOutput{AttachedPolicies: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// ListAttachedGroupPolicies lists the managed policies of a group.
func (s *Service) ListAttachedGroupPolicies(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListAttachedGroupPoliciesInput,
) (*api.ListAttachedGroupPoliciesOutput, error) {
	prefix := pathOr(in.PathPrefix)
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListAttachedGroupPolicies", directory.FoldName(in.GroupName), prefix)
	if err != nil {
		return nil, err
	}
	l, err := listAttached(v, p, s.groupHolder(req, ask{operation: "ListAttachedGroupPolicies", name: in.GroupName}), prefix)
	if err != nil {
		return nil, err
	}
	return &api.ListAttachedGroupPoliciesOutput{AttachedPolicies: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// ListAttachedRolePolicies lists the managed policies of a role.
func (s *Service) ListAttachedRolePolicies(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListAttachedRolePoliciesInput,
) (*api.ListAttachedRolePoliciesOutput, error) {
	prefix := pathOr(in.PathPrefix)
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListAttachedRolePolicies", directory.FoldName(in.RoleName), prefix)
	if err != nil {
		return nil, err
	}
	l, err := listAttached(v, p, s.roleHolder(req, ask{operation: "ListAttachedRolePolicies", name: in.RoleName}), prefix)
	if err != nil {
		return nil, err
	}
	return &api.ListAttachedRolePoliciesOutput{AttachedPolicies: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

func listAttached(v *directory.View, p *page, find finder, prefix string) (listed[api.AttachedPolicy], error) {
	h, err := find(v)
	if err != nil {
		return listed[api.AttachedPolicy]{}, err
	}
	var policies []*directory.ManagedPolicy
	for _, policyARN := range *h.attached {
		if p, ok := v.PolicyByARN(policyARN); ok && within(p.Path, prefix) {
			policies = append(policies, p)
		}
	}
	return list(p, sorted(policies, policyName), policyName, func(p *directory.ManagedPolicy) api.AttachedPolicy {
		return api.AttachedPolicy{PolicyName: &p.Name, PolicyArn: &p.ARN}
	})
}
