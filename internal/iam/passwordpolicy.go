package iam

import (
	"context"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// minimumLength is MinimumPasswordLength where none is given (API, UpdateAccountPasswordPolicy).
const minimumLength = 6

// GetAccountPasswordPolicy shows the account's own password policy.
func (s *Service) GetAccountPasswordPolicy(
	_ context.Context, v *directory.View, req *identity.Request, _ *api.Empty,
) (*api.GetAccountPasswordPolicyOutput, error) {
	a, known := v.Account(req.Caller.Account)
	granted := known && letsUsersChange(a) && req.Caller.Kind == identity.User
	if err := s.authorize(v, req, ask{operation: "GetAccountPasswordPolicy", granted: granted}); err != nil {
		return nil, err
	}
	if !known || a.Passwords == nil {
		return nil, noPasswordPolicy(req)
	}
	return &api.GetAccountPasswordPolicyOutput{PasswordPolicy: showPasswordPolicy(a.Passwords)}, nil
}

// UpdateAccountPasswordPolicy replaces the account's password policy. What is not given is set to its default (API: "This
// operation does not support partial updates"). Passwords that there are stay good until they are changed or expire.
func (s *Service) UpdateAccountPasswordPolicy(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdateAccountPasswordPolicyInput,
) (*api.Empty, error) {
	p := &directory.PasswordPolicy{
		MinimumLength:   minimumLength,
		Symbols:         isTrue(in.RequireSymbols),
		Numbers:         isTrue(in.RequireNumbers),
		Uppercase:       isTrue(in.RequireUppercaseCharacters),
		Lowercase:       isTrue(in.RequireLowercaseCharacters),
		UsersMayChange:  isTrue(in.AllowUsersToChangePassword),
		MaxAgeDays:      numberOf(in.MaxPasswordAge),
		ReusePrevention: numberOf(in.PasswordReusePrevention),
		HardExpiry:      in.HardExpiry,
	}
	if in.MinimumPasswordLength != nil {
		p.MinimumLength = *in.MinimumPasswordLength
	}
	return done(s.changeAccount(ctx, req, "UpdateAccountPasswordPolicy", func(_ *directory.View, a *directory.Account) error {
		a.Passwords = p
		return nil
	}))
}

// DeleteAccountPasswordPolicy takes the account's password policy away; that of every account holds from then on.
func (s *Service) DeleteAccountPasswordPolicy(ctx context.Context, _ *directory.View, req *identity.Request, _ *api.Empty) (*api.Empty, error) {
	return done(s.changeAccount(ctx, req, "DeleteAccountPasswordPolicy", func(_ *directory.View, a *directory.Account) error {
		if a.Passwords == nil {
			return noPasswordPolicy(req)
		}
		a.Passwords = nil
		return nil
	}))
}

// letsUsersChange reports whether the account lets its users change their passwords: they need no identity-based policy then for
// ChangePassword and GetAccountPasswordPolicy (UG, account password policy, "Allow users to change their own password").
func letsUsersChange(a *directory.Account) bool {
	return a.Passwords != nil && a.Passwords.UsersMayChange
}

func noPasswordPolicy(req *identity.Request) *identity.Fault {
	return identity.NewFault(identity.NoSuchEntity, "The Password Policy with domain name "+string(req.Caller.Account)+" cannot be found.")
}

// showPasswordPolicy leaves out what was not set: no age, no number of passwords, no word on hard expiry.
func showPasswordPolicy(p *directory.PasswordPolicy) api.PasswordPolicy {
	out := api.PasswordPolicy{
		MinimumPasswordLength:      &p.MinimumLength,
		RequireSymbols:             &p.Symbols,
		RequireNumbers:             &p.Numbers,
		RequireUppercaseCharacters: &p.Uppercase,
		RequireLowercaseCharacters: &p.Lowercase,
		AllowUsersToChangePassword: &p.UsersMayChange,
		ExpirePasswords:            new(p.MaxAgeDays > 0),
		HardExpiry:                 p.HardExpiry,
	}
	if p.MaxAgeDays > 0 {
		out.MaxPasswordAge = &p.MaxAgeDays
	}
	if p.ReusePrevention > 0 {
		out.PasswordReusePrevention = &p.ReusePrevention
	}
	return out
}

func isTrue(b *bool) bool { return b != nil && *b }

func numberOf(n *int32) int32 {
	if n == nil {
		return 0
	}
	return *n
}
