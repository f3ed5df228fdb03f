package iam

import (
	"context"
	"slices"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// ListOrganizationsFeatures lists what the organization may do with the root users of its members. IAM's access to the
// organization is always on here: they are one server.
func (s *Service) ListOrganizationsFeatures(
	_ context.Context, v *directory.View, req *identity.Request, _ *api.ListOrganizationsFeaturesInput,
) (*api.ListOrganizationsFeaturesOutput, error) {
	o, err := s.managedOrganization(v, req, "ListOrganizationsFeatures", notManagement())
	if err != nil {
		return nil, err
	}
	return &api.ListOrganizationsFeaturesOutput{OrganizationId: &o.ID, EnabledFeatures: rootFeatures(o)}, nil
}

// EnableOrganizationsRootCredentialsManagement lets the management account see to the root credentials of the members.
func (s *Service) EnableOrganizationsRootCredentialsManagement(
	ctx context.Context, _ *directory.View, req *identity.Request, _ *api.EnableOrganizationsRootCredentialsManagementInput,
) (*api.EnableOrganizationsRootCredentialsManagementOutput, error) {
	o, err := s.changeRootFeatures(ctx, req, "EnableOrganizationsRootCredentialsManagement", onlyManagement(),
		func(o *directory.Organization) { o.RootCredentials = true })
	if err != nil {
		return nil, err
	}
	return &api.EnableOrganizationsRootCredentialsManagementOutput{OrganizationId: &o.ID, EnabledFeatures: rootFeatures(o)}, nil
}

// DisableOrganizationsRootCredentialsManagement takes that back.
func (s *Service) DisableOrganizationsRootCredentialsManagement(
	ctx context.Context, _ *directory.View, req *identity.Request, _ *api.DisableOrganizationsRootCredentialsManagementInput,
) (*api.DisableOrganizationsRootCredentialsManagementOutput, error) {
	o, err := s.changeRootFeatures(ctx, req, "DisableOrganizationsRootCredentialsManagement", notManagement(),
		func(o *directory.Organization) { o.RootCredentials = false })
	if err != nil {
		return nil, err
	}
	return &api.DisableOrganizationsRootCredentialsManagementOutput{OrganizationId: &o.ID, EnabledFeatures: rootFeatures(o)}, nil
}

// EnableOrganizationsRootSessions lets the management account begin root sessions in the members (AssumeRoot).
func (s *Service) EnableOrganizationsRootSessions(
	ctx context.Context, _ *directory.View, req *identity.Request, _ *api.EnableOrganizationsRootSessionsInput,
) (*api.EnableOrganizationsRootSessionsOutput, error) {
	o, err := s.changeRootFeatures(ctx, req, "EnableOrganizationsRootSessions", onlyManagement(),
		func(o *directory.Organization) { o.RootSessions = true })
	if err != nil {
		return nil, err
	}
	return &api.EnableOrganizationsRootSessionsOutput{OrganizationId: &o.ID, EnabledFeatures: rootFeatures(o)}, nil
}

// DisableOrganizationsRootSessions takes that back.
func (s *Service) DisableOrganizationsRootSessions(
	ctx context.Context, _ *directory.View, req *identity.Request, _ *api.DisableOrganizationsRootSessionsInput,
) (*api.DisableOrganizationsRootSessionsOutput, error) {
	o, err := s.changeRootFeatures(ctx, req, "DisableOrganizationsRootSessions", notManagement(),
		func(o *directory.Organization) { o.RootSessions = false })
	if err != nil {
		return nil, err
	}
	return &api.DisableOrganizationsRootSessionsOutput{OrganizationId: &o.ID, EnabledFeatures: rootFeatures(o)}, nil
}

// managedOrganization finds the organization whose management account the caller's is. Of one that the account is not in it
// learns nothing; a member gets the fault given.
func (s *Service) managedOrganization(
	v *directory.View, req *identity.Request, operation string, forMembers *identity.Fault,
) (*directory.Organization, error) {
	if err := s.authorize(v, req, ask{operation: operation}); err != nil {
		return nil, err
	}
	o, ok := v.Organization()
	if !ok || o.ManagementAccount != req.Caller.Account && !slices.Contains(o.Members, req.Caller.Account) {
		return nil, identity.NewFault(identity.OrganizationNotFound, "The request was rejected because no organization is associated with your account.")
	}
	if o.ManagementAccount != req.Caller.Account {
		return nil, forMembers
	}
	return o, nil
}

func (s *Service) changeRootFeatures(
	ctx context.Context, req *identity.Request, operation string, forMembers *identity.Fault, alter func(o *directory.Organization),
) (*directory.Organization, error) {
	var changed *directory.Organization
	err := s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		found, err := s.managedOrganization(v, req, operation, forMembers)
		if err != nil {
			return nil, err
		}
		changed = found.Clone()
		alter(changed)
		c := new(directory.Change)
		c.Put(changed)
		return c, nil
	})
	return changed, err
}

// notManagement and onlyManagement are the API's sentences.
func notManagement() *identity.Fault {
	return identity.NewFault(identity.AccountNotManagement, "The request was rejected because the account making the request is not "+
		"the management account or delegated administrator account for centralized root access.")
}

func onlyManagement() *identity.Fault {
	return identity.NewFault(identity.CallerIsNotManagement, "The request was rejected because the account making the request is not "+
		"the management account for the organization.")
}

func rootFeatures(o *directory.Organization) []string {
	out := []string{}
	if o.RootCredentials {
		out = append(out, "RootCredentialsManagement")
	}
	if o.RootSessions {
		out = append(out, "RootSessions")
	}
	return out
}
