package iam

import (
	"context"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// boundaryType is what AWS answers, whatever the model's enumeration says (docs/wire-compatibility.md §11).
const boundaryType = "Policy"

// PutUserPermissionsBoundary sets the permissions boundary of a user.
func (s *Service) PutUserPermissionsBoundary(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.PutUserPermissionsBoundaryInput,
) (*api.Empty, error) {
	find := s.userHolder(req, ask{operation: "PutUserPermissionsBoundary", name: in.UserName, boundary: in.PermissionsBoundary})
	return done(s.putBoundary(ctx, req, find, in.PermissionsBoundary))
}

// PutRolePermissionsBoundary sets the permissions boundary of a role.
func (s *Service) PutRolePermissionsBoundary(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.PutRolePermissionsBoundaryInput,
) (*api.Empty, error) {
	find := s.roleHolder(req, ask{operation: "PutRolePermissionsBoundary", name: in.RoleName, boundary: in.PermissionsBoundary})
	return done(s.putBoundary(ctx, req, find, in.PermissionsBoundary))
}

func (s *Service) putBoundary(ctx context.Context, req *identity.Request, find finder, policyARN string) error {
	return s.changeHolder(ctx, req, find, func(v *directory.View, h *holder, c *directory.Change) (err error) {
		*h.boundary, err = setBoundary(c, v, req.Caller.Account, policyARN)
		return err
	})
}

// DeleteUserPermissionsBoundary takes the permissions boundary of a user away.
func (s *Service) DeleteUserPermissionsBoundary(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteUserPermissionsBoundaryInput,
) (*api.Empty, error) {
	return done(s.deleteBoundary(ctx, req, s.userHolder(req, ask{operation: "DeleteUserPermissionsBoundary", name: in.UserName})))
}

// DeleteRolePermissionsBoundary takes the permissions boundary of a role away.
func (s *Service) DeleteRolePermissionsBoundary(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteRolePermissionsBoundaryInput,
) (*api.Empty, error) {
	return done(s.deleteBoundary(ctx, req, s.roleHolder(req, ask{operation: "DeleteRolePermissionsBoundary", name: in.RoleName})))
}

func (s *Service) deleteBoundary(ctx context.Context, req *identity.Request, find finder) error {
	return s.changeHolder(ctx, req, find, func(_ *directory.View, h *holder, _ *directory.Change) error {
		*h.boundary = ""
		return nil
	})
}

// setBoundary checks the policy that is to be a boundary and makes the change depend on it. An empty ARN is no boundary.
func setBoundary(c *directory.Change, v *directory.View, account arn.AccountID, policyARN string) (string, error) {
	if policyARN == "" {
		return "", nil
	}
	if err := policyShaped(policyARN); err != nil {
		return "", err
	}
	p, ok := visiblePolicy(v, account, policyARN)
	if !ok {
		return "", identity.NewFault(identity.NoSuchEntity, "Scope ARN: "+policyARN+" does not exist or is not attachable.")
	}
	c.Require(p)
	return p.ARN, nil
}

func showBoundary(policyARN string) *api.AttachedPermissionsBoundary {
	if policyARN == "" {
		return nil
	}
	return &api.AttachedPermissionsBoundary{PermissionsBoundaryType: new(boundaryType), PermissionsBoundaryArn: &policyARN}
}
