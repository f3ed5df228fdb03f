package iam

import (
	"context"
	"slices"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// maxGroups is how many groups a user can be in (UG quotas).
const maxGroups = 10

// CreateGroup makes a group without members.
func (s *Service) CreateGroup(ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreateGroupInput) (*api.CreateGroupOutput, error) {
	var created *directory.Group
	err := s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		g := &directory.Group{Account: req.Caller.Account, Name: in.GroupName, Path: pathOr(in.Path), Created: now(req)}
		g.ARN = arn.Group(v.Partition(), g.Account, g.Path, g.Name)
		err := s.authorize(v, req, ask{operation: "CreateGroup", name: g.Name, path: g.Path})
		if err != nil {
			return nil, err
		}
		if err := checkARN(g.ARN); err != nil {
			return nil, err
		}
		if _, taken := v.Group(g.Account, g.Name); taken {
			return nil, alreadyExists("Group", g.Name)
		}
		if g.ID, err = s.newID(v, arn.GroupID, g.Account); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		c.Put(g)
		created = g
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateGroupOutput{Group: showGroup(created)}, nil
}

// GetGroup shows a group and lists its members.
func (s *Service) GetGroup(_ context.Context, v *directory.View, req *identity.Request, in *api.GetGroupInput) (*api.GetGroupOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, "GetGroup", directory.FoldName(in.GroupName))
	if err != nil {
		return nil, err
	}
	g, err := s.group(v, req, ask{operation: "GetGroup", name: in.GroupName})
	if err != nil {
		return nil, err
	}
	l, err := list(p, v.Members(g), userKey, showUser)
	if err != nil {
		return nil, err
	}
	return &api.GetGroupOutput{Group: showGroup(g), Users: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// UpdateGroup changes a group's name or path. Its members stay, since they hold its unique id.
func (s *Service) UpdateGroup(ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdateGroupInput) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		old, err := s.group(v, req, ask{operation: "UpdateGroup", name: in.GroupName})
		if err != nil || in.NewGroupName == nil && in.NewPath == nil {
			return nil, err
		}
		g := old.Clone()
		g.Name, g.Path = valueOr(in.NewGroupName, g.Name), valueOr(in.NewPath, g.Path)
		g.ARN = arn.Group(v.Partition(), g.Account, g.Path, g.Name)
		// API, UpdateGroup: permission is needed on both the source and the target.
		if err := s.authorize(v, req, ask{operation: "UpdateGroup", name: g.Name, path: g.Path}); err != nil {
			return nil, err
		}
		if err := checkARN(g.ARN); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		if sameName(g.Name, old.Name) {
			c.Put(g)
			return c, nil
		}
		if _, taken := v.Group(g.Account, g.Name); taken {
			return nil, alreadyExists("Group", g.Name)
		}
		g.Meta = directory.Meta{}
		c.Delete(old) // before the new record, so that the View's indexes end with that
		c.Put(g)
		return c, nil
	}))
}

// DeleteGroup removes a group that has neither members nor policies.
func (s *Service) DeleteGroup(ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteGroupInput) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		g, err := s.group(v, req, ask{operation: "DeleteGroup", name: in.GroupName})
		if err != nil {
			return nil, err
		}
		for range v.Members(g) {
			return nil, deleteConflict("remove users from group")
		}
		switch {
		case len(g.Inline) > 0:
			return nil, deleteConflict("delete policies")
		case len(g.Attached) > 0:
			return nil, deleteConflict("detach all policies")
		}
		c := new(directory.Change)
		c.Delete(g)
		c.Freeze(v, g.Account, directory.KindUser) // nobody becomes a member meanwhile
		return c, nil
	}))
}

// ListGroups lists the groups under a path.
func (s *Service) ListGroups(_ context.Context, v *directory.View, req *identity.Request, in *api.ListGroupsInput) (*api.ListGroupsOutput, error) {
	prefix := pathOr(in.PathPrefix)
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListGroups", prefix)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(v, req, ask{operation: "ListGroups", path: prefix}); err != nil {
		return nil, err
	}
	groups := only(v.Groups(req.Caller.Account), func(g *directory.Group) bool { return within(g.Path, prefix) })
	l, err := list(p, groups, groupKey, showGroup)
	if err != nil {
		return nil, err
	}
	return &api.ListGroupsOutput{Groups: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// AddUserToGroup makes a user a member. One who is a member already stays one.
func (s *Service) AddUserToGroup(ctx context.Context, _ *directory.View, req *identity.Request, in *api.AddUserToGroupInput) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		g, u, err := s.membership(v, req, "AddUserToGroup", in.GroupName, in.UserName)
		if err != nil || slices.Contains(u.Groups, g.ID) {
			return nil, err
		}
		if len(u.Groups) >= maxGroups {
			return nil, quotaExceeded("GroupsPerUser", maxGroups)
		}
		u.Groups = append(u.Groups, g.ID)
		c := new(directory.Change)
		c.Require(g)
		c.Put(u)
		return c, nil
	}))
}

// RemoveUserFromGroup ends a membership.
func (s *Service) RemoveUserFromGroup(ctx context.Context, _ *directory.View, req *identity.Request, in *api.RemoveUserFromGroupInput) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		g, u, err := s.membership(v, req, "RemoveUserFromGroup", in.GroupName, in.UserName)
		if err != nil {
			return nil, err
		}
		i := slices.Index(u.Groups, g.ID)
		if i < 0 {
			return nil, identity.NewFault(identity.NoSuchEntity, "User "+in.UserName+" not in group "+in.GroupName)
		}
		u.Groups = slices.Delete(u.Groups, i, i+1)
		c := new(directory.Change)
		c.Put(u)
		return c, nil
	}))
}

// membership finds a group and a copy of a user. The SAR asks for permission on the group alone.
func (s *Service) membership(
	v *directory.View, req *identity.Request, operation, groupName, userName string,
) (*directory.Group, *directory.User, error) {
	g, err := s.group(v, req, ask{operation: operation, name: groupName})
	if err != nil {
		return nil, nil, err
	}
	u, ok := v.User(req.Caller.Account, userName)
	if !ok {
		return nil, nil, noSuch("user", userName)
	}
	return g, u.Clone(), nil
}

// ListGroupsForUser lists the groups that a user is in.
func (s *Service) ListGroupsForUser(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListGroupsForUserInput,
) (*api.ListGroupsForUserOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListGroupsForUser", directory.FoldName(in.UserName))
	if err != nil {
		return nil, err
	}
	u, err := s.user(v, req, ask{operation: "ListGroupsForUser", name: in.UserName})
	if err != nil {
		return nil, err
	}
	l, err := list(p, sorted(slices.Collect(v.GroupsOf(u)), groupKey), groupKey, showGroup)
	if err != nil {
		return nil, err
	}
	return &api.ListGroupsForUserOutput{Groups: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

func groupKey(g *directory.Group) string { return directory.FoldName(g.Name) }

func showGroup(g *directory.Group) api.Group {
	return api.Group{Path: g.Path, GroupName: g.Name, GroupId: g.ID, Arn: g.ARN, CreateDate: g.Created}
}
