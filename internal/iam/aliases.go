package iam

import (
	"context"
	"slices"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// CreateAccountAlias gives the account an alias in place of the one it has (UG, account alias). Two accounts that ask for one
// alias at the same moment may both get it: an alias is shown and decides nothing.
func (s *Service) CreateAccountAlias(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreateAccountAliasInput,
) (*api.Empty, error) {
	return done(s.changeAccount(ctx, req, "CreateAccountAlias", func(v *directory.View, a *directory.Account) error {
		for other := range v.Accounts() {
			if other.ID != a.ID && other.Alias == in.AccountAlias {
				return identity.NewFault(identity.EntityAlreadyExists, "The account alias "+in.AccountAlias+" already exists.")
			}
		}
		a.Alias = in.AccountAlias
		return nil
	}))
}

// DeleteAccountAlias takes the account's alias away.
func (s *Service) DeleteAccountAlias(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteAccountAliasInput,
) (*api.Empty, error) {
	return done(s.changeAccount(ctx, req, "DeleteAccountAlias", func(_ *directory.View, a *directory.Account) error {
		if a.Alias != in.AccountAlias {
			return identity.NewFault(identity.NoSuchEntity, "The Account Alias "+in.AccountAlias+" cannot be found.")
		}
		a.Alias = ""
		return nil
	}))
}

// ListAccountAliases lists the alias of the account, if it has one.
func (s *Service) ListAccountAliases(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListAccountAliasesInput,
) (*api.ListAccountAliasesOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, "ListAccountAliases")
	if err != nil {
		return nil, err
	}
	if err := s.authorize(v, req, ask{operation: "ListAccountAliases"}); err != nil {
		return nil, err
	}
	var aliases []string
	if a, ok := v.Account(req.Caller.Account); ok && a.Alias != "" {
		aliases = []string{a.Alias}
	}
	same := func(alias string) string { return alias }
	l, err := list(p, slices.Values(aliases), same, same)
	if err != nil {
		return nil, err
	}
	return &api.ListAccountAliasesOutput{AccountAliases: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// changeAccount alters a copy of the caller's account and commits it.
func (s *Service) changeAccount(
	ctx context.Context, req *identity.Request, operation string, alter func(v *directory.View, a *directory.Account) error,
) error {
	return s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		if err := s.authorize(v, req, ask{operation: operation}); err != nil {
			return nil, err
		}
		found, ok := v.Account(req.Caller.Account)
		if !ok {
			return nil, noSuch("account", string(req.Caller.Account))
		}
		a := found.Clone()
		if err := alter(v, a); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		c.Put(a)
		return c, nil
	})
}
