package iam

import (
	"context"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// CreateInstanceProfile makes an instance profile without a role.
func (s *Service) CreateInstanceProfile(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreateInstanceProfileInput,
) (*api.CreateInstanceProfileOutput, error) {
	tags, err := requestedTags(in.Tags)
	if err != nil {
		return nil, err
	}
	p := &directory.InstanceProfile{
		Account: req.Caller.Account,
		Name:    in.InstanceProfileName,
		Path:    pathOr(in.Path),
		Created: now(req),
		Tags:    tags,
	}
	err = s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		p.ARN = arn.InstanceProfile(v.Partition(), p.Account, p.Path, p.Name)
		err := s.authorize(v, req, ask{operation: "CreateInstanceProfile", name: p.Name, path: p.Path, tags: tags})
		if err != nil {
			return nil, err
		}
		if err := checkARN(p.ARN); err != nil {
			return nil, err
		}
		if _, taken := v.InstanceProfile(p.Account, p.Name); taken {
			return nil, identity.NewFault(identity.EntityAlreadyExists, "Instance Profile "+p.Name+" already exists.")
		}
		if p.ID, err = s.newID(v, arn.InstanceProfileID, p.Account); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		c.Put(p)
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateInstanceProfileOutput{InstanceProfile: fullProfile(s.Directory.View(), p)}, nil
}

// GetInstanceProfile shows an instance profile and its role.
func (s *Service) GetInstanceProfile(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetInstanceProfileInput,
) (*api.GetInstanceProfileOutput, error) {
	p, err := s.instanceProfile(v, req, ask{operation: "GetInstanceProfile", name: in.InstanceProfileName})
	if err != nil {
		return nil, err
	}
	return &api.GetInstanceProfileOutput{InstanceProfile: fullProfile(v, p)}, nil
}

// ListInstanceProfiles lists the instance profiles under a path.
func (s *Service) ListInstanceProfiles(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListInstanceProfilesInput,
) (*api.ListInstanceProfilesOutput, error) {
	prefix := pathOr(in.PathPrefix)
	page, err := s.page(v, req, in.Marker, in.MaxItems, "ListInstanceProfiles", prefix)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(v, req, ask{operation: "ListInstanceProfiles", path: prefix}); err != nil {
		return nil, err
	}
	profiles := only(v.InstanceProfiles(req.Caller.Account), func(p *directory.InstanceProfile) bool { return within(p.Path, prefix) })
	l, err := list(page, profiles, profileKey, func(p *directory.InstanceProfile) api.InstanceProfile { return showProfile(v, p) })
	if err != nil {
		return nil, err
	}
	return &api.ListInstanceProfilesOutput{InstanceProfiles: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// ListInstanceProfilesForRole lists the instance profiles that hold a role.
func (s *Service) ListInstanceProfilesForRole(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListInstanceProfilesForRoleInput,
) (*api.ListInstanceProfilesForRoleOutput, error) {
	page, err := s.page(v, req, in.Marker, in.MaxItems, "ListInstanceProfilesForRole", directory.FoldName(in.RoleName))
	if err != nil {
		return nil, err
	}
	r, err := s.role(v, req, ask{operation: "ListInstanceProfilesForRole", name: in.RoleName})
	if err != nil {
		return nil, err
	}
	l, err := list(page, v.InstanceProfilesOf(r), profileKey, func(p *directory.InstanceProfile) api.InstanceProfile { return showProfile(v, p) })
	if err != nil {
		return nil, err
	}
	return &api.ListInstanceProfilesForRoleOutput{InstanceProfiles: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// DeleteInstanceProfile removes an instance profile that has no role any more.
func (s *Service) DeleteInstanceProfile(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteInstanceProfileInput,
) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		p, err := s.instanceProfile(v, req, ask{operation: "DeleteInstanceProfile", name: in.InstanceProfileName})
		if err != nil {
			return nil, err
		}
		if _, has := v.RoleOf(p); has {
			return nil, deleteConflict("remove roles from instance profile")
		}
		c := new(directory.Change)
		c.Delete(p)
		return c, nil
	}))
}

// AddRoleToInstanceProfile puts a role into an instance profile, which takes one. The caller passes the role to EC2 (API).
func (s *Service) AddRoleToInstanceProfile(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.AddRoleToInstanceProfileInput,
) (*api.Empty, error) {
	a := ask{operation: "AddRoleToInstanceProfile", name: in.InstanceProfileName}
	return done(s.changeProfile(ctx, req, a, func(v *directory.View, p *directory.InstanceProfile, c *directory.Change) error {
		r, err := s.roleToPass(v, req, in.RoleName)
		if err != nil {
			return err
		}
		if _, has := v.RoleOf(p); has {
			return quotaExceeded("InstanceSessionsPerInstanceProfile", 1)
		}
		p.RoleID = r.ID
		c.Require(r)
		return nil
	}))
}

// RemoveRoleFromInstanceProfile takes the role out of an instance profile.
func (s *Service) RemoveRoleFromInstanceProfile(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.RemoveRoleFromInstanceProfileInput,
) (*api.Empty, error) {
	a := ask{operation: "RemoveRoleFromInstanceProfile", name: in.InstanceProfileName}
	return done(s.changeProfile(ctx, req, a, func(v *directory.View, p *directory.InstanceProfile, _ *directory.Change) error {
		r, has := v.RoleOf(p)
		if !has || !sameName(r.Name, in.RoleName) {
			return noSuch("role", in.RoleName)
		}
		p.RoleID = ""
		return nil
	}))
}

// TagInstanceProfile adds tags to an instance profile.
func (s *Service) TagInstanceProfile(ctx context.Context, _ *directory.View, req *identity.Request, in *api.TagInstanceProfileInput) (*api.Empty, error) {
	tags, err := someTags(in.Tags)
	if err != nil {
		return nil, err
	}
	a := ask{operation: "TagInstanceProfile", name: in.InstanceProfileName, tags: tags}
	return done(s.changeProfile(ctx, req, a, func(_ *directory.View, p *directory.InstanceProfile, _ *directory.Change) error {
		return addTags(&p.Tags, tags)
	}))
}

// UntagInstanceProfile removes tags from an instance profile.
func (s *Service) UntagInstanceProfile(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UntagInstanceProfileInput,
) (*api.Empty, error) {
	a := ask{operation: "UntagInstanceProfile", name: in.InstanceProfileName, tagKeys: in.TagKeys}
	return done(s.changeProfile(ctx, req, a, func(_ *directory.View, p *directory.InstanceProfile, _ *directory.Change) error {
		removeTags(&p.Tags, in.TagKeys)
		return nil
	}))
}

// ListInstanceProfileTags lists an instance profile's tags.
func (s *Service) ListInstanceProfileTags(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListInstanceProfileTagsInput,
) (*api.ListInstanceProfileTagsOutput, error) {
	page, err := s.page(v, req, in.Marker, in.MaxItems, "ListInstanceProfileTags", directory.FoldName(in.InstanceProfileName))
	if err != nil {
		return nil, err
	}
	p, err := s.instanceProfile(v, req, ask{operation: "ListInstanceProfileTags", name: in.InstanceProfileName})
	if err != nil {
		return nil, err
	}
	l, err := list(page, inOrder(p.Tags), tagKey, showTag)
	if err != nil {
		return nil, err
	}
	return &api.ListInstanceProfileTagsOutput{Tags: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// instanceProfile authorizes and finds.
func (s *Service) instanceProfile(v *directory.View, req *identity.Request, a ask) (*directory.InstanceProfile, error) {
	if err := s.authorize(v, req, a); err != nil {
		return nil, err
	}
	p, ok := v.InstanceProfile(req.Caller.Account, a.name)
	if !ok {
		return nil, identity.NewFault(identity.NoSuchEntity, "Instance Profile "+a.name+" cannot be found.")
	}
	return p, nil
}

// changeProfile alters a copy of the instance profile that a names and commits it. alter may add to the change what it depends
// on.
func (s *Service) changeProfile(
	ctx context.Context, req *identity.Request, a ask, alter func(v *directory.View, p *directory.InstanceProfile, c *directory.Change) error,
) error {
	return s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		found, err := s.instanceProfile(v, req, a)
		if err != nil {
			return nil, err
		}
		p, c := found.Clone(), new(directory.Change)
		if err := alter(v, p, c); err != nil {
			return nil, err
		}
		c.Put(p)
		return c, nil
	})
}

func hasProfile(v *directory.View, r *directory.Role) bool {
	for range v.InstanceProfilesOf(r) {
		return true
	}
	return false
}

func profileKey(p *directory.InstanceProfile) string { return directory.FoldName(p.Name) }

// showProfile is an instance profile in a list: AWS leaves out tags there (API, ListInstanceProfiles).
func showProfile(v *directory.View, p *directory.InstanceProfile) api.InstanceProfile {
	out := api.InstanceProfile{
		Path:                p.Path,
		InstanceProfileName: p.Name,
		InstanceProfileId:   p.ID,
		Arn:                 p.ARN,
		CreateDate:          p.Created,
		Roles:               []api.Role{},
	}
	if r, ok := v.RoleOf(p); ok {
		shown := showRole(v, r)
		shown.MaxSessionDuration = nil
		out.Roles = append(out.Roles, shown)
	}
	return out
}

func fullProfile(v *directory.View, p *directory.InstanceProfile) api.InstanceProfile {
	out := showProfile(v, p)
	out.Tags = showTags(p.Tags)
	return out
}
