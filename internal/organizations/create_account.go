package organizations

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

const (
	// accessRole is the name of the role by which the management account comes into a new account (API, CreateAccount).
	accessRole        = "OrganizationAccountAccessRole"
	accessRoleSeconds = 3600
	// maxAccounts bounds an organization. AWS begins with 10 and raises it for whoever asks.
	maxAccounts = 10_000
	// requestLife is how long the outcome of a call can be asked for (UG, ListCreateAccountStatus: 90 days).
	requestLife = 90 * 24 * time.Hour

	emailTaken = "EMAIL_ALREADY_EXISTS"
	succeeded  = "SUCCEEDED"
	failed     = "FAILED"
)

// CreateAccount makes an account under the root with a role that the management account's administrators may assume. The
// account is there when the operation answers.
func (s *Service) CreateAccount(ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreateAccountInput) (*api.CreateAccountOutput, error) {
	tags, err := requestedTags(in.Tags)
	if err != nil {
		return nil, err
	}
	var answer *directory.AccountRequest
	err = s.change(ctx, req, ask{operation: "CreateAccount", tags: tags}, func(v *directory.View, o *directory.Organization, c *directory.Change) error {
		if len(o.Members) >= maxAccounts {
			return accountLimit
		}
		id, err := directory.NewAccountRequestID(s.Random)
		if err != nil {
			return err
		}
		answer = &directory.AccountRequest{ID: id, Organization: o.ID, Name: in.AccountName, Requested: now(req)}
		if taken(v, in.Email) {
			answer.Failure = emailTaken
			c.PutFor(answer, requestLife)
			return nil
		}
		m := &directory.Member{
			Node: directory.Node{Tags: tags}, Name: in.AccountName, Email: in.Email, Created: true, Joined: now(req), Parent: o.RootID,
		}
		if m.Account, err = s.newAccountID(v); err != nil {
			return err
		}
		answer.Account = m.Account
		c.PutFor(answer, requestLife)
		return s.open(v, o, m, in.RoleName, c)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateAccountOutput{CreateAccountStatus: new(showRequest(answer))}, nil
}

// open puts a new account with its role into the organization.
func (s *Service) open(v *directory.View, o *directory.Organization, m *directory.Member, roleName *string, c *directory.Change) error {
	name := accessRole
	if roleName != nil {
		name = *roleName
	}
	roleID, err := arn.NewID(arn.RoleID, m.Account, s.Random)
	if err != nil {
		return fmt.Errorf("making the role of a new account: %w", err)
	}
	partition := v.Partition()
	next := o.Clone()
	next.Members = append(next.Members, m.Account)
	c.Put(next)
	c.Put(m)
	c.Put(&directory.Account{ID: m.Account, ARN: arn.Root(partition, m.Account), Created: m.Joined})
	c.Put(&directory.Role{
		Account: m.Account, Name: name, Path: "/", ID: roleID, ARN: arn.Role(partition, m.Account, "/", name), Created: m.Joined,
		Trust: directory.NewDocument(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` +
			arn.Root(partition, o.ManagementAccount) + `"},"Action":"sts:AssumeRole"}]}`),
		MaxSessionSeconds: accessRoleSeconds,
		Attached:          []string{arn.Policy(partition, directory.AWSAccount, "/", "AdministratorAccess")},
	})
	return nil
}

// taken reports whether an account of the organization has the e-mail address.
func taken(v *directory.View, email string) bool {
	for m := range v.OrganizationMembers() {
		if strings.EqualFold(m.Email, email) {
			return true
		}
	}
	return false
}

// newAccountID makes a number that no account has. The first digit is never 0, which many a program loses.
func (s *Service) newAccountID(v *directory.View) (arn.AccountID, error) {
	const attempts = 4
	for range attempts {
		var raw [12]byte
		if _, err := io.ReadFull(s.Random, raw[:]); err != nil {
			return "", fmt.Errorf("making an account id: %w", err)
		}
		for i, b := range raw {
			raw[i] = '0' + b%10
		}
		if raw[0] == '0' {
			raw[0] = '1'
		}
		id := arn.AccountID(raw[:])
		if _, exists := v.Account(id); !exists {
			return id, nil
		}
	}
	return "", fmt.Errorf("making an account id: the random source repeats itself")
}

// DescribeCreateAccountStatus tells what became of a call of CreateAccount.
func (s *Service) DescribeCreateAccountStatus(
	_ context.Context, v *directory.View, req *identity.Request, in *api.DescribeCreateAccountStatusInput,
) (*api.DescribeCreateAccountStatusOutput, error) {
	o, err := s.enter(v, req, ask{operation: "DescribeCreateAccountStatus"})
	if err != nil {
		return nil, err
	}
	r, ok := v.AccountRequest(in.CreateAccountRequestId)
	if !ok || r.Organization != o.ID {
		return nil, requestNotFound
	}
	return &api.DescribeCreateAccountStatusOutput{CreateAccountStatus: new(showRequest(r))}, nil
}

// ListCreateAccountStatus lists the calls of CreateAccount that ended in one of the states.
func (s *Service) ListCreateAccountStatus(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListCreateAccountStatusInput,
) (*api.ListCreateAccountStatusOutput, error) {
	p, err := s.page(v, req, in.NextToken, in.MaxResults, append([]string{"ListCreateAccountStatus"}, in.States...)...)
	if err != nil {
		return nil, err
	}
	o, err := s.enter(v, req, ask{operation: "ListCreateAccountStatus"})
	if err != nil {
		return nil, err
	}
	wanted := only(v.AccountRequests(), func(r *directory.AccountRequest) bool {
		return r.Organization == o.ID && (in.States == nil || slices.Contains(in.States, state(r)))
	})
	statuses, next, err := list(p, wanted, func(r *directory.AccountRequest) string { return r.ID }, showRequest)
	if err != nil {
		return nil, err
	}
	return &api.ListCreateAccountStatusOutput{CreateAccountStatuses: statuses, NextToken: next}, nil
}

func state(r *directory.AccountRequest) string {
	if r.Failure != "" {
		return failed
	}
	return succeeded
}

func showRequest(r *directory.AccountRequest) api.CreateAccountStatus {
	out := api.CreateAccountStatus{
		Id: &r.ID, AccountName: &r.Name, State: new(state(r)), RequestedTimestamp: &r.Requested, CompletedTimestamp: &r.Requested,
	}
	if r.Failure != "" {
		out.FailureReason = &r.Failure
	} else {
		out.AccountId = new(string(r.Account))
	}
	return out
}
