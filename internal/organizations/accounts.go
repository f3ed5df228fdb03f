package organizations

import (
	"context"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

const statusActive = "ACTIVE"

// DescribeAccount shows an account of the organization.
func (s *Service) DescribeAccount(_ context.Context, v *directory.View, req *identity.Request, in *api.DescribeAccountInput) (*api.DescribeAccountOutput, error) {
	if _, err := s.enter(v, req, ask{operation: "DescribeAccount", ids: []string{in.AccountId}}); err != nil {
		return nil, err
	}
	standing, ok := v.Standing(arn.AccountID(in.AccountId))
	if !ok {
		return nil, accountNotFound
	}
	return &api.DescribeAccountOutput{Account: new(showAccount(v, standing.Member))}, nil
}

// ListAccounts lists the accounts of the organization.
func (s *Service) ListAccounts(_ context.Context, v *directory.View, req *identity.Request, in *api.ListAccountsInput) (*api.ListAccountsOutput, error) {
	p, err := s.page(v, req, in.NextToken, in.MaxResults, "ListAccounts")
	if err != nil {
		return nil, err
	}
	if _, err := s.enter(v, req, ask{operation: "ListAccounts"}); err != nil {
		return nil, err
	}
	accounts, next, err := list(p, v.OrganizationMembers(), accountID, func(m *directory.Member) api.Account { return showAccount(v, m) })
	if err != nil {
		return nil, err
	}
	return &api.ListAccountsOutput{Accounts: accounts, NextToken: next}, nil
}

// ListAccountsForParent lists the accounts directly under the root or a unit.
func (s *Service) ListAccountsForParent(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListAccountsForParentInput,
) (*api.ListAccountsForParentOutput, error) {
	p, err := s.page(v, req, in.NextToken, in.MaxResults, "ListAccountsForParent", in.ParentId)
	if err != nil {
		return nil, err
	}
	o, err := s.enter(v, req, ask{operation: "ListAccountsForParent", ids: []string{in.ParentId}})
	if err != nil {
		return nil, err
	}
	if _, ok := parentOf(v, o, in.ParentId); !ok {
		return nil, parentNotFound
	}
	accounts, next, err := list(p, membersUnder(v, in.ParentId), accountID, func(m *directory.Member) api.Account { return showAccount(v, m) })
	if err != nil {
		return nil, err
	}
	return &api.ListAccountsForParentOutput{Accounts: accounts, NextToken: next}, nil
}

// RemoveAccountFromOrganization makes a member account stand alone.
func (s *Service) RemoveAccountFromOrganization(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.RemoveAccountFromOrganizationInput,
) (*api.Empty, error) {
	a := ask{operation: "RemoveAccountFromOrganization", ids: []string{in.AccountId}}
	return done(s.change(ctx, req, a, func(v *directory.View, o *directory.Organization, c *directory.Change) error {
		standing, ok := v.Standing(arn.AccountID(in.AccountId))
		if !ok {
			return accountNotFound
		}
		if standing.Management() {
			return masterStays
		}
		return remove(v, o, standing.Member, c)
	}))
}

func accountID(m *directory.Member) string { return string(m.Account) }

func showAccount(v *directory.View, m *directory.Member) api.Account {
	standing, _ := v.Standing(m.Account)
	out := api.Account{
		Id:              new(string(m.Account)),
		Arn:             new(standing.Organization.ARN(v.Partition(), "account", string(m.Account))),
		Name:            &m.Name,
		Status:          new(statusActive),
		State:           new(statusActive),
		Paths:           []string{standing.Paths[0] + string(m.Account) + "/"},
		JoinedMethod:    new(joinedMethod(m)),
		JoinedTimestamp: &m.Joined,
	}
	if m.Email != "" {
		out.Email = &m.Email
	}
	return out
}

func joinedMethod(m *directory.Member) string {
	if m.Created {
		return "CREATED"
	}
	return "INVITED"
}
