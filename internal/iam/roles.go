package iam

import (
	"context"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// defaultSessionSeconds is MaxSessionDuration where none is given (API, CreateRole and UpdateRole).
const defaultSessionSeconds = 3600

// CreateRole makes a role that the principals of its trust policy can assume.
func (s *Service) CreateRole(ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreateRoleInput) (*api.CreateRoleOutput, error) {
	tags, err := requestedTags(in.Tags)
	if err != nil {
		return nil, err
	}
	var answer api.Role
	err = s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		r := &directory.Role{
			Account:           req.Caller.Account,
			Name:              in.RoleName,
			Path:              pathOr(in.Path),
			Description:       in.Description,
			Created:           now(req),
			MaxSessionSeconds: secondsOr(in.MaxSessionDuration),
			Tags:              tags,
		}
		c := new(directory.Change)
		if err := s.completeRole(v, req, in, r, c); err != nil {
			return nil, err
		}
		c.Put(r)
		answer = createdRole(v, r)
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateRoleOutput{Role: answer}, nil
}

// completeRole adds what depends on the View, after the checks.
func (s *Service) completeRole(v *directory.View, req *identity.Request, in *api.CreateRoleInput, r *directory.Role, c *directory.Change) error {
	boundary := valueOf(in.PermissionsBoundary)
	err := s.authorize(v, req, ask{operation: "CreateRole", name: r.Name, path: r.Path, boundary: boundary, tags: r.Tags})
	if err != nil {
		return err
	}
	if serviceLinked(r.Path) {
		// SCPs spare the roles under this path: only a service may have one.
		return identity.NewFault(identity.InvalidInput, "The path "+servicePath+" is reserved for service-linked roles.")
	}
	r.ARN = arn.Role(v.Partition(), r.Account, r.Path, r.Name)
	if err := checkARN(r.ARN); err != nil {
		return err
	}
	if r.Trust, err = trustDocument(v, req, in.AssumeRolePolicyDocument); err != nil {
		return err
	}
	if _, taken := v.Role(r.Account, r.Name); taken {
		return alreadyExists("Role", r.Name)
	}
	if r.Boundary, err = setBoundary(c, v, r.Account, boundary); err != nil {
		return err
	}
	r.ID, err = s.newID(v, arn.RoleID, r.Account)
	return err
}

// GetRole shows a role.
func (s *Service) GetRole(_ context.Context, v *directory.View, req *identity.Request, in *api.GetRoleInput) (*api.GetRoleOutput, error) {
	r, err := s.role(v, req, ask{operation: "GetRole", name: in.RoleName})
	if err != nil {
		return nil, err
	}
	out := fullRole(v, r)
	out.RoleLastUsed = s.roleLastUsed(v, r)
	return &api.GetRoleOutput{Role: out}, nil
}

// UpdateRole changes a role's description and maximum session duration. One that is not given becomes an hour (API).
func (s *Service) UpdateRole(ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdateRoleInput) (*api.UpdateRoleOutput, error) {
	err := s.changeAnyRole(ctx, req, ask{operation: "UpdateRole", name: in.RoleName}, func(_ *directory.View, r *directory.Role) error {
		if serviceLinked(r.Path) && in.MaxSessionDuration != nil {
			return protectedRole(r)
		}
		if in.Description != nil {
			r.Description = in.Description
		}
		r.MaxSessionSeconds = secondsOr(in.MaxSessionDuration)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateRoleOutput{}, nil
}

// UpdateRoleDescription changes a role's description.
func (s *Service) UpdateRoleDescription(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdateRoleDescriptionInput,
) (*api.UpdateRoleDescriptionOutput, error) {
	var answer api.Role
	err := s.changeAnyRole(ctx, req, ask{operation: "UpdateRoleDescription", name: in.RoleName}, func(v *directory.View, r *directory.Role) error {
		r.Description = &in.Description
		answer = fullRole(v, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateRoleDescriptionOutput{Role: &answer}, nil
}

// UpdateAssumeRolePolicy replaces a role's trust policy.
func (s *Service) UpdateAssumeRolePolicy(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdateAssumeRolePolicyInput,
) (*api.Empty, error) {
	return done(s.changeRole(ctx, req, ask{operation: "UpdateAssumeRolePolicy", name: in.RoleName}, func(v *directory.View, r *directory.Role) (err error) {
		r.Trust, err = trustDocument(v, req, in.PolicyDocument)
		return err
	}))
}

// DeleteRole removes a role that has no policies any more. Its sessions end with it, since they hold its unique id.
func (s *Service) DeleteRole(ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteRoleInput) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		r, err := s.roleToChange(v, req, ask{operation: "DeleteRole", name: in.RoleName})
		if err != nil {
			return nil, err
		}
		switch {
		case len(r.Attached) > 0:
			return nil, deleteConflict("detach all policies")
		case len(r.Inline) > 0:
			return nil, deleteConflict("delete policies")
		case hasProfile(v, r):
			return nil, deleteConflict("remove roles from instance profile")
		}
		c := new(directory.Change)
		c.Delete(r)
		c.Freeze(v, r.Account, directory.KindInstanceProfile) // none gets this role meanwhile
		return c, nil
	}))
}

// ListRoles lists the roles under a path.
func (s *Service) ListRoles(_ context.Context, v *directory.View, req *identity.Request, in *api.ListRolesInput) (*api.ListRolesOutput, error) {
	prefix := pathOr(in.PathPrefix)
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListRoles", prefix)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(v, req, ask{operation: "ListRoles", path: prefix}); err != nil {
		return nil, err
	}
	roles := only(v.RolesFrom(req.Caller.Account, p.after), func(r *directory.Role) bool { return within(r.Path, prefix) })
	l, err := list(p, roles, roleKey, func(r *directory.Role) api.Role { return showRole(v, r) })
	if err != nil {
		return nil, err
	}
	return &api.ListRolesOutput{Roles: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// TagRole adds tags to a role.
func (s *Service) TagRole(ctx context.Context, _ *directory.View, req *identity.Request, in *api.TagRoleInput) (*api.Empty, error) {
	tags, err := someTags(in.Tags)
	if err != nil {
		return nil, err
	}
	return done(s.changeAnyRole(ctx, req, ask{operation: "TagRole", name: in.RoleName, tags: tags}, func(_ *directory.View, r *directory.Role) error {
		return addTags(&r.Tags, tags)
	}))
}

// UntagRole removes tags from a role.
func (s *Service) UntagRole(ctx context.Context, _ *directory.View, req *identity.Request, in *api.UntagRoleInput) (*api.Empty, error) {
	a := ask{operation: "UntagRole", name: in.RoleName, tagKeys: in.TagKeys}
	return done(s.changeAnyRole(ctx, req, a, func(_ *directory.View, r *directory.Role) error {
		removeTags(&r.Tags, in.TagKeys)
		return nil
	}))
}

// ListRoleTags lists a role's tags.
func (s *Service) ListRoleTags(_ context.Context, v *directory.View, req *identity.Request, in *api.ListRoleTagsInput) (*api.ListRoleTagsOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListRoleTags", directory.FoldName(in.RoleName))
	if err != nil {
		return nil, err
	}
	r, err := s.role(v, req, ask{operation: "ListRoleTags", name: in.RoleName})
	if err != nil {
		return nil, err
	}
	l, err := list(p, inOrder(r.Tags), tagKey, showTag)
	if err != nil {
		return nil, err
	}
	return &api.ListRoleTagsOutput{Tags: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// changeRole alters a copy of the role that a names and commits it.
func (s *Service) changeRole(ctx context.Context, req *identity.Request, a ask, alter func(v *directory.View, r *directory.Role) error) error {
	return s.changeFoundRole(ctx, req, func(v *directory.View) (*directory.Role, error) { return s.roleToChange(v, req, a) }, alter)
}

// changeAnyRole alters service-linked roles too, in so far as their owners may: tags and description (UG, service-linked roles).
func (s *Service) changeAnyRole(ctx context.Context, req *identity.Request, a ask, alter func(v *directory.View, r *directory.Role) error) error {
	return s.changeFoundRole(ctx, req, func(v *directory.View) (*directory.Role, error) { return s.role(v, req, a) }, alter)
}

func (s *Service) changeFoundRole(
	ctx context.Context, req *identity.Request, find func(v *directory.View) (*directory.Role, error),
	alter func(v *directory.View, r *directory.Role) error,
) error {
	return s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		found, err := find(v)
		if err != nil {
			return nil, err
		}
		r := found.Clone()
		if err := alter(v, r); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		c.Put(r)
		return c, nil
	})
}

func secondsOr(seconds *int32) int32 {
	if seconds == nil {
		return defaultSessionSeconds
	}
	return *seconds
}

func roleKey(r *directory.Role) string { return directory.FoldName(r.Name) }

// createdRole is what CreateRole answers: no MaxSessionDuration (LSI).
func createdRole(v *directory.View, r *directory.Role) api.Role {
	out := fullRole(v, r)
	out.MaxSessionDuration = nil
	return out
}

// showRole is a role in a list: AWS leaves out tags and boundary there (LSI).
func showRole(v *directory.View, r *directory.Role) api.Role {
	return api.Role{
		Path:                     r.Path,
		RoleName:                 r.Name,
		RoleId:                   r.ID,
		Arn:                      r.ARN,
		CreateDate:               r.Created,
		AssumeRolePolicyDocument: new(encoded(v.ShowTrust(r.Trust.Text()))),
		Description:              r.Description,
		MaxSessionDuration:       new(r.MaxSessionSeconds),
	}
}

func fullRole(v *directory.View, r *directory.Role) api.Role {
	out := showRole(v, r)
	out.Tags, out.PermissionsBoundary = showTags(r.Tags), showBoundary(r.Boundary)
	return out
}
