package organizations

import (
	"context"
	"slices"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

const (
	allFeatures = "ALL"
	billingOnly = "CONSOLIDATED_BILLING"
)

// CreateOrganization makes the caller's account the management account of an organization. A directory has one at most.
func (s *Service) CreateOrganization(ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreateOrganizationInput) (*api.CreateOrganizationOutput, error) {
	var answer *api.Organization
	err := s.change(ctx, req, ask{operation: "CreateOrganization"}, func(v *directory.View, _ *directory.Organization, c *directory.Change) error {
		if s.Founder != "" && req.Caller.Account != s.Founder {
			return notFounder
		}
		if _, in := v.Standing(req.Caller.Account); in {
			return alreadyIn
		}
		if _, exists := v.Organization(); exists {
			return identity.NewFault(identity.NotImplemented, "This server holds one organization, and another account has made it.")
		}
		o, err := directory.NewOrganization(req.Caller.Account, now(req), s.Random)
		if err != nil {
			return err
		}
		o.BillingOnly = in.FeatureSet != nil && *in.FeatureSet == billingOnly
		c.Put(o)
		answer = showOrganization(v, o, "")
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateOrganizationOutput{Organization: answer}, nil
}

// DescribeOrganization shows the organization to any of its accounts.
func (s *Service) DescribeOrganization(_ context.Context, v *directory.View, req *identity.Request, _ *api.Empty) (*api.DescribeOrganizationOutput, error) {
	o, err := s.enter(v, req, ask{operation: "DescribeOrganization"})
	if err != nil {
		return nil, err
	}
	email := ""
	if s, ok := v.Standing(o.ManagementAccount); ok {
		email = s.Member.Email
	}
	return &api.DescribeOrganizationOutput{Organization: showOrganization(v, o, email)}, nil
}

// DeleteOrganization ends an organization of which nothing but the management account is left.
func (s *Service) DeleteOrganization(ctx context.Context, _ *directory.View, req *identity.Request, _ *api.Empty) (*api.Empty, error) {
	return done(s.change(ctx, req, ask{operation: "DeleteOrganization"}, func(v *directory.View, o *directory.Organization, c *directory.Change) error {
		if len(o.Members) > 1 {
			return notEmpty
		}
		for range v.Units() {
			return notEmpty
		}
		for p := range v.ControlPolicies() {
			if p.Owner != directory.AWSAccount {
				return notEmpty
			}
		}
		c.Freeze(v, directory.Global, directory.KindUnit, directory.KindControlPolicy)
		c.Delete(o)
		if m, ok := v.Get((&directory.Member{Account: o.ManagementAccount}).Key()); ok {
			c.Delete(m)
		}
		return nil
	}))
}

// LeaveOrganization takes the caller's own account out of the organization.
func (s *Service) LeaveOrganization(ctx context.Context, _ *directory.View, req *identity.Request, _ *api.Empty) (*api.Empty, error) {
	return done(s.change(ctx, req, ask{operation: "LeaveOrganization"}, func(v *directory.View, o *directory.Organization, c *directory.Change) error {
		standing, ok := v.Standing(req.Caller.Account)
		if !ok {
			return notInUse
		}
		if standing.Management() {
			return masterStays
		}
		return remove(v, o, standing.Member, c)
	}))
}

// remove takes an account out of the organization. The account and all that is in it stay.
func remove(v *directory.View, o *directory.Organization, m *directory.Member, c *directory.Change) error {
	if len(m.Administers) > 0 {
		return delegateStays
	}
	next := o.Clone()
	next.Members = slices.DeleteFunc(next.Members, isAccount(m.Account))
	c.Put(next)
	if stored, ok := v.Get(m.Key()); ok {
		c.Delete(stored)
	}
	return nil
}

func showOrganization(v *directory.View, o *directory.Organization, email string) *api.Organization {
	out := &api.Organization{
		Id:              &o.ID,
		Arn:             new(o.ARN(v.Partition(), "organization", "")),
		FeatureSet:      new(allFeatures),
		MasterAccountId: new(string(o.ManagementAccount)),
		MasterAccountArn: new(
			o.ARN(v.Partition(), "account", string(o.ManagementAccount))),
		AvailablePolicyTypes: []api.PolicyTypeSummary{},
	}
	if email != "" {
		out.MasterAccountEmail = &email
	}
	if o.BillingOnly {
		out.FeatureSet = new(billingOnly)
		return out
	}
	// What this member holds has nothing to do with the types that are enabled; ListRoots tells those (API, Organization).
	out.AvailablePolicyTypes = append(out.AvailablePolicyTypes, policyTypeSummary(directory.ServiceControl))
	return out
}
