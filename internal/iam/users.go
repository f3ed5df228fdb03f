package iam

import (
	"context"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// CreateUser makes a user, who may do nothing yet.
func (s *Service) CreateUser(ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreateUserInput) (*api.CreateUserOutput, error) {
	tags, err := requestedTags(in.Tags)
	if err != nil {
		return nil, err
	}
	var created *directory.User
	err = s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		u := &directory.User{
			Account: req.Caller.Account,
			Name:    in.UserName,
			Path:    pathOr(in.Path),
			Created: now(req),
			Tags:    tags,
		}
		u.ARN = arn.User(v.Partition(), u.Account, u.Path, u.Name)
		boundary := valueOf(in.PermissionsBoundary)
		if err := s.authorize(v, req, ask{operation: "CreateUser", name: u.Name, path: u.Path, boundary: boundary, tags: tags}); err != nil {
			return nil, err
		}
		if err := checkARN(u.ARN); err != nil {
			return nil, err
		}
		if _, taken := v.User(u.Account, u.Name); taken {
			return nil, alreadyExists("User", u.Name)
		}
		c := new(directory.Change)
		if u.Boundary, err = setBoundary(c, v, u.Account, boundary); err != nil {
			return nil, err
		}
		if u.ID, err = s.newID(v, arn.UserID, u.Account); err != nil {
			return nil, err
		}
		c.Put(u)
		created = u
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateUserOutput{User: new(fullUser(created))}, nil
}

// GetUser shows a user; without a name, the caller.
func (s *Service) GetUser(_ context.Context, v *directory.View, req *identity.Request, in *api.GetUserInput) (*api.GetUserOutput, error) {
	o, err := s.owner(v, req, "GetUser", in.UserName)
	if err != nil {
		return nil, err
	}
	if o.user == nil {
		return &api.GetUserOutput{User: showRoot(o.account)}, nil
	}
	return &api.GetUserOutput{User: fullUser(o.user)}, nil
}

// UpdateUser changes a user's name or path. The unique id stays, and with it groups, keys, devices and trust.
func (s *Service) UpdateUser(ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdateUserInput) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		old, err := s.user(v, req, ask{operation: "UpdateUser", name: in.UserName})
		if err != nil || in.NewUserName == nil && in.NewPath == nil {
			return nil, err
		}
		u := old.Clone()
		u.Name, u.Path = valueOr(in.NewUserName, u.Name), valueOr(in.NewPath, u.Path)
		u.ARN = arn.User(v.Partition(), u.Account, u.Path, u.Name)
		// API, UpdateUser: "you must have the appropriate permissions on both the source object and the target object".
		if err := s.authorize(v, req, ask{operation: "UpdateUser", name: u.Name, path: u.Path, resourceTags: u.Tags}); err != nil {
			return nil, err
		}
		if err := checkARN(u.ARN); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		if sameName(u.Name, old.Name) {
			c.Put(u)
			return c, nil
		}
		if _, taken := v.User(u.Account, u.Name); taken {
			return nil, alreadyExists("User", u.Name)
		}
		u.Meta = directory.Meta{}
		c.Delete(old) // before the new record, so that the View's indexes end with that
		c.Put(u)
		return c, nil
	}))
}

// DeleteUser removes a user that has nothing any more (API, DeleteUser).
func (s *Service) DeleteUser(ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteUserInput) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		u, err := s.user(v, req, ask{operation: "DeleteUser", name: in.UserName})
		if err != nil {
			return nil, err
		}
		if must := leftOf(v, u); must != "" {
			return nil, deleteConflict(must)
		}
		c := new(directory.Change)
		c.Delete(u)
		c.Freeze(v, u.Account, directory.KindDevice) // no device becomes this user's meanwhile
		return c, nil
	}))
}

// leftOf is what must be done before a user can go; empty if it can.
func leftOf(v *directory.View, u *directory.User) string {
	switch {
	case u.Login != nil:
		return "delete login profile"
	case len(u.AccessKeys) > 0:
		return "delete access keys"
	case len(u.Certificates) > 0:
		return "delete certificates"
	case hasDevice(v, u.ID):
		return "delete MFA device"
	case len(u.Inline) > 0:
		return "delete policies"
	case len(u.Attached) > 0:
		return "detach all policies"
	case len(u.Groups) > 0:
		return "remove users from group"
	case len(u.PublicKeys) > 0 || len(u.ServiceCredentials) > 0:
		return "remove referenced objects"
	}
	return ""
}

// ListUsers lists the users under a path.
func (s *Service) ListUsers(_ context.Context, v *directory.View, req *identity.Request, in *api.ListUsersInput) (*api.ListUsersOutput, error) {
	prefix := pathOr(in.PathPrefix)
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListUsers", prefix)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(v, req, ask{operation: "ListUsers", path: prefix}); err != nil {
		return nil, err
	}
	users := only(v.UsersFrom(req.Caller.Account, p.after), func(u *directory.User) bool { return within(u.Path, prefix) })
	l, err := list(p, users, userKey, showUser)
	if err != nil {
		return nil, err
	}
	return &api.ListUsersOutput{Users: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// TagUser adds tags to a user.
func (s *Service) TagUser(ctx context.Context, _ *directory.View, req *identity.Request, in *api.TagUserInput) (*api.Empty, error) {
	tags, err := someTags(in.Tags)
	if err != nil {
		return nil, err
	}
	return s.changeUser(ctx, req, ask{operation: "TagUser", name: in.UserName, tags: tags}, func(u *directory.User) error {
		return addTags(&u.Tags, tags)
	})
}

// UntagUser removes tags from a user.
func (s *Service) UntagUser(ctx context.Context, _ *directory.View, req *identity.Request, in *api.UntagUserInput) (*api.Empty, error) {
	return s.changeUser(ctx, req, ask{operation: "UntagUser", name: in.UserName, tagKeys: in.TagKeys}, func(u *directory.User) error {
		removeTags(&u.Tags, in.TagKeys)
		return nil
	})
}

// ListUserTags lists a user's tags.
func (s *Service) ListUserTags(_ context.Context, v *directory.View, req *identity.Request, in *api.ListUserTagsInput) (*api.ListUserTagsOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListUserTags", directory.FoldName(in.UserName))
	if err != nil {
		return nil, err
	}
	u, err := s.user(v, req, ask{operation: "ListUserTags", name: in.UserName})
	if err != nil {
		return nil, err
	}
	l, err := list(p, inOrder(u.Tags), tagKey, showTag)
	if err != nil {
		return nil, err
	}
	return &api.ListUserTagsOutput{Tags: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// changeUser alters a copy of the user that a names and commits it.
func (s *Service) changeUser(ctx context.Context, req *identity.Request, a ask, alter func(u *directory.User) error) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		found, err := s.user(v, req, a)
		if err != nil {
			return nil, err
		}
		u := found.Clone()
		if err := alter(u); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		c.Put(u)
		return c, nil
	}))
}

func userKey(u *directory.User) string { return directory.FoldName(u.Name) }

// showUser is a user in a list: AWS leaves out tags and boundary there.
func showUser(u *directory.User) api.User {
	out := api.User{Path: u.Path, UserName: u.Name, UserId: u.ID, Arn: u.ARN, CreateDate: u.Created}
	if !u.PasswordLastUsed.IsZero() {
		out.PasswordLastUsed = &u.PasswordLastUsed
	}
	return out
}

func fullUser(u *directory.User) api.User {
	out := showUser(u)
	out.Tags, out.PermissionsBoundary = showTags(u.Tags), showBoundary(u.Boundary)
	return out
}

// showRoot is what GetUser answers to root: the account, under its alias if it has one.
func showRoot(a *directory.Account) api.User {
	return api.User{Path: "/", UserName: a.Alias, UserId: string(a.ID), Arn: a.ARN, CreateDate: a.Created}
}

func valueOf(s *string) string { return valueOr(s, "") }

func valueOr(s *string, otherwise string) string {
	if s == nil {
		return otherwise
	}
	return *s
}
