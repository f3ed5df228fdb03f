package iam

import (
	"context"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// CreateLoginProfile gives a user a password; without a name, the caller. Root has none here, and gets none.
func (s *Service) CreateLoginProfile(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreateLoginProfileInput,
) (*api.CreateLoginProfileOutput, error) {
	find := func(v *directory.View) (*directory.User, error) {
		name, err := implied(v, &req.Caller, in.UserName)
		if err != nil {
			return nil, err
		}
		u, err := s.user(v, req, ask{operation: "CreateLoginProfile", name: name})
		switch {
		case err != nil:
			return nil, err
		case in.Password == nil: // the model lets it out for root's sake
			return nil, identity.NewFault(identity.ValidationError,
				"1 validation error detected: Value null at 'password' failed to satisfy constraint: Member must not be null")
		case u.Login != nil:
			return nil, identity.NewFault(identity.EntityAlreadyExists, "Login Profile for user "+u.Name+" already exists.")
		}
		return u, nil
	}
	u, err := s.setPassword(ctx, req, find, in.Password, func(l *directory.Login) { l.ResetRequired = isTrue(in.PasswordResetRequired) })
	if err != nil {
		return nil, err
	}
	return &api.CreateLoginProfileOutput{LoginProfile: showLogin(u)}, nil
}

// GetLoginProfile shows that a user has a password; without a name, the caller.
func (s *Service) GetLoginProfile(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetLoginProfileInput,
) (*api.GetLoginProfileOutput, error) {
	u, err := s.withLogin(v, req, "GetLoginProfile", in.UserName)
	if err != nil {
		return nil, err
	}
	return &api.GetLoginProfileOutput{LoginProfile: showLogin(u)}, nil
}

// UpdateLoginProfile gives a user another password, or says whether the user must choose another at the next sign-in.
func (s *Service) UpdateLoginProfile(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdateLoginProfileInput,
) (*api.Empty, error) {
	find := func(v *directory.View) (*directory.User, error) {
		return s.withLogin(v, req, "UpdateLoginProfile", &in.UserName)
	}
	_, err := s.setPassword(ctx, req, find, in.Password, func(l *directory.Login) {
		if in.PasswordResetRequired != nil {
			l.ResetRequired = *in.PasswordResetRequired
		}
	})
	return done(err)
}

// DeleteLoginProfile takes a user's password away; without a name, the caller's. Access keys and sessions stay as they are.
func (s *Service) DeleteLoginProfile(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteLoginProfileInput,
) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		found, err := s.withLogin(v, req, "DeleteLoginProfile", in.UserName)
		if err != nil {
			return nil, err
		}
		u, c := found.Clone(), new(directory.Change)
		u.Login = nil
		c.Put(u)
		return c, nil
	}))
}

// ChangePassword gives the caller, a user, another password for the old one.
func (s *Service) ChangePassword(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.ChangePasswordInput,
) (*api.Empty, error) {
	if req.Caller.Kind != identity.User {
		return nil, identity.NewFault(identity.InvalidUserType, "Only IAM Users can change their own password.")
	}
	find := func(v *directory.View) (*directory.User, error) {
		name, err := implied(v, &req.Caller, nil)
		if err != nil {
			return nil, err
		}
		a, known := v.Account(req.Caller.Account)
		if err := s.authorize(v, req, ask{operation: "ChangePassword", name: name, granted: known && letsUsersChange(a)}); err != nil {
			return nil, err
		}
		return loginOf(v, req, name)
	}
	u, err := find(s.Directory.View())
	if err != nil {
		return nil, err
	}
	right, err := s.Passwords.Verify(ctx, u.Login, in.OldPassword)
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, identity.NewFault(identity.AccessDenied, "The old password was incorrect.")
	}
	proved := u.Login.Hash.Key
	again := func(v *directory.View) (*directory.User, error) {
		u, err := find(v)
		if err == nil && !u.Login.Hash.Key.Equal(proved) {
			return nil, loginMoved(u)
		}
		return u, err
	}
	_, err = s.setPassword(ctx, req, again, &in.NewPassword, func(l *directory.Login) { l.ResetRequired = false })
	return done(err)
}

// setPassword makes a password, unless it is nil, that of the user whom find authorizes and finds, alters the login profile and
// commits it. Hashing takes long and is done once, before the account's turn comes: so what it was based on must be there still.
func (s *Service) setPassword(
	ctx context.Context, req *identity.Request, find func(*directory.View) (*directory.User, error), password *string, alter func(*directory.Login),
) (*directory.User, error) {
	v := s.Directory.View()
	before, err := find(v)
	if err != nil {
		return nil, err
	}
	a, ok := v.Account(before.Account)
	if !ok {
		return nil, noSuch("account", string(before.Account))
	}
	var fresh *directory.Login
	if password != nil {
		if fresh, err = s.Passwords.Set(ctx, a, before.Login, *password, now(req)); err != nil {
			return nil, err
		}
	}
	var after *directory.User
	err = s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		found, err := find(v)
		if err != nil {
			return nil, err
		}
		u, c := found.Clone(), new(directory.Change)
		if fresh != nil {
			if found.ID != before.ID || !sameLogin(found.Login, before.Login) {
				return nil, loginMoved(found)
			}
			login := *fresh
			u.Login = &login
		}
		alter(u.Login)
		c.Put(u)
		after = u
		return c, nil
	})
	return after, err
}

// sameLogin reports whether the password is the same. Each hash has a salt of its own.
func sameLogin(a, b *directory.Login) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Hash.Key.Equal(b.Hash.Key)
}

// withLogin authorizes and finds a user with a password; without a name, the caller. Root never has one.
func (s *Service) withLogin(v *directory.View, req *identity.Request, operation string, userName *string) (*directory.User, error) {
	o, err := s.owner(v, req, operation, userName)
	if err != nil {
		return nil, err
	}
	if o.user == nil {
		return nil, noLogin(string(o.account.ID))
	}
	return loginOf(v, req, o.user.Name)
}

func loginOf(v *directory.View, req *identity.Request, name string) (*directory.User, error) {
	u, ok := v.User(req.Caller.Account, name)
	if !ok {
		return nil, noSuch("user", name)
	}
	if u.Login == nil {
		return nil, noLogin(u.Name)
	}
	return u, nil
}

func noLogin(name string) *identity.Fault {
	return identity.NewFault(identity.NoSuchEntity, "Login Profile for User "+name+" cannot be found.")
}

func loginMoved(u *directory.User) *identity.Fault {
	return identity.NewFault(identity.EntityTemporarilyUnmod, "Login Profile for User "+u.Name+" cannot be modified while login profile is being changed.")
}

func showLogin(u *directory.User) api.LoginProfile {
	return api.LoginProfile{UserName: u.Name, CreateDate: u.Login.Created, PasswordResetRequired: &u.Login.ResetRequired}
}
