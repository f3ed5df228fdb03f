package organizations

import (
	"cmp"
	"context"
	"slices"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// EnableAWSServiceAccess lets a service act in the accounts of the organization. iam.amazonaws.com is what central root access
// needs.
func (s *Service) EnableAWSServiceAccess(ctx context.Context, _ *directory.View, req *identity.Request, in *api.EnableAWSServiceAccessInput) (*api.Empty, error) {
	a := ask{operation: "EnableAWSServiceAccess", service: in.ServicePrincipal}
	return done(s.change(ctx, req, a, func(_ *directory.View, o *directory.Organization, c *directory.Change) error {
		if granted(o.TrustedServices, in.ServicePrincipal) < 0 {
			next := o.Clone()
			next.TrustedServices = append(next.TrustedServices, directory.Grant{Service: in.ServicePrincipal, Since: now(req)})
			c.Put(next)
		}
		return nil
	}))
}

// DisableAWSServiceAccess takes it back.
func (s *Service) DisableAWSServiceAccess(ctx context.Context, _ *directory.View, req *identity.Request, in *api.DisableAWSServiceAccessInput) (*api.Empty, error) {
	a := ask{operation: "DisableAWSServiceAccess", service: in.ServicePrincipal}
	return done(s.change(ctx, req, a, func(_ *directory.View, o *directory.Organization, c *directory.Change) error {
		if i := granted(o.TrustedServices, in.ServicePrincipal); i >= 0 {
			next := o.Clone()
			next.TrustedServices = slices.Delete(next.TrustedServices, i, i+1)
			c.Put(next)
		}
		return nil
	}))
}

// ListAWSServiceAccessForOrganization lists the services that may act in the accounts of the organization.
func (s *Service) ListAWSServiceAccessForOrganization(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListAWSServiceAccessForOrganizationInput,
) (*api.ListAWSServiceAccessForOrganizationOutput, error) {
	p, err := s.page(v, req, in.NextToken, in.MaxResults, "ListAWSServiceAccessForOrganization")
	if err != nil {
		return nil, err
	}
	o, err := s.enter(v, req, ask{operation: "ListAWSServiceAccessForOrganization"})
	if err != nil {
		return nil, err
	}
	services, next, err := list(p, slices.Values(inOrder(o.TrustedServices)), grantKey, func(g directory.Grant) api.EnabledServicePrincipal {
		return api.EnabledServicePrincipal{ServicePrincipal: &g.Service, DateEnabled: &g.Since}
	})
	if err != nil {
		return nil, err
	}
	return &api.ListAWSServiceAccessForOrganizationOutput{EnabledServicePrincipals: services, NextToken: next}, nil
}

// RegisterDelegatedAdministrator makes a member account administrate the organization for a service, which lets it read the
// organization.
func (s *Service) RegisterDelegatedAdministrator(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.RegisterDelegatedAdministratorInput,
) (*api.Empty, error) {
	a := ask{operation: "RegisterDelegatedAdministrator", ids: []string{in.AccountId}, service: in.ServicePrincipal}
	return done(s.change(ctx, req, a, func(v *directory.View, o *directory.Organization, c *directory.Change) error {
		standing, ok := v.Standing(arn.AccountID(in.AccountId))
		switch {
		case !ok:
			return accountNotFound
		case standing.Management():
			return masterNoDelegate
		case granted(o.TrustedServices, in.ServicePrincipal) < 0:
			return serviceAccess
		case granted(standing.Member.Administers, in.ServicePrincipal) >= 0:
			return alreadyRegistered
		}
		next := standing.Member.Clone()
		next.Administers = append(next.Administers, directory.Grant{Service: in.ServicePrincipal, Since: now(req)})
		c.Require(o)
		c.Put(next)
		return nil
	}))
}

// DeregisterDelegatedAdministrator takes it back.
func (s *Service) DeregisterDelegatedAdministrator(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeregisterDelegatedAdministratorInput,
) (*api.Empty, error) {
	a := ask{operation: "DeregisterDelegatedAdministrator", ids: []string{in.AccountId}, service: in.ServicePrincipal}
	return done(s.change(ctx, req, a, func(v *directory.View, _ *directory.Organization, c *directory.Change) error {
		standing, ok := v.Standing(arn.AccountID(in.AccountId))
		if !ok {
			return accountNotFound
		}
		i := granted(standing.Member.Administers, in.ServicePrincipal)
		if i < 0 {
			return notRegistered
		}
		next := standing.Member.Clone()
		next.Administers = slices.Delete(next.Administers, i, i+1)
		c.Put(next)
		return nil
	}))
}

// ListDelegatedAdministrators lists the accounts that administrate the organization for a service, or for any.
func (s *Service) ListDelegatedAdministrators(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListDelegatedAdministratorsInput,
) (*api.ListDelegatedAdministratorsOutput, error) {
	service := ""
	if in.ServicePrincipal != nil {
		service = *in.ServicePrincipal
	}
	p, err := s.page(v, req, in.NextToken, in.MaxResults, "ListDelegatedAdministrators", service)
	if err != nil {
		return nil, err
	}
	if _, err := s.enter(v, req, ask{operation: "ListDelegatedAdministrators", service: service}); err != nil {
		return nil, err
	}
	administrators := only(v.OrganizationMembers(), func(m *directory.Member) bool {
		return len(m.Administers) > 0 && (service == "" || granted(m.Administers, service) >= 0)
	})
	out, next, err := list(p, administrators, accountID, func(m *directory.Member) api.DelegatedAdministrator { return showAdministrator(v, m) })
	if err != nil {
		return nil, err
	}
	return &api.ListDelegatedAdministratorsOutput{DelegatedAdministrators: out, NextToken: next}, nil
}

// ListDelegatedServicesForAccount lists the services for which an account administrates the organization.
func (s *Service) ListDelegatedServicesForAccount(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListDelegatedServicesForAccountInput,
) (*api.ListDelegatedServicesForAccountOutput, error) {
	p, err := s.page(v, req, in.NextToken, in.MaxResults, "ListDelegatedServicesForAccount", in.AccountId)
	if err != nil {
		return nil, err
	}
	if _, err := s.enter(v, req, ask{operation: "ListDelegatedServicesForAccount", ids: []string{in.AccountId}}); err != nil {
		return nil, err
	}
	standing, ok := v.Standing(arn.AccountID(in.AccountId))
	switch {
	case !ok:
		return nil, accountNotFound
	case len(standing.Member.Administers) == 0:
		return nil, notRegistered
	}
	out, next, err := list(p, slices.Values(inOrder(standing.Member.Administers)), grantKey, func(g directory.Grant) api.DelegatedService {
		return api.DelegatedService{ServicePrincipal: &g.Service, DelegationEnabledDate: &g.Since}
	})
	if err != nil {
		return nil, err
	}
	return &api.ListDelegatedServicesForAccountOutput{DelegatedServices: out, NextToken: next}, nil
}

func granted(grants []directory.Grant, service string) int {
	return slices.IndexFunc(grants, func(g directory.Grant) bool { return g.Service == service })
}

func grantKey(g directory.Grant) string { return g.Service }

func inOrder(grants []directory.Grant) []directory.Grant {
	return slices.SortedFunc(slices.Values(grants), func(a, b directory.Grant) int { return cmp.Compare(a.Service, b.Service) })
}

func showAdministrator(v *directory.View, m *directory.Member) api.DelegatedAdministrator {
	a := showAccount(v, m)
	first := slices.MinFunc(m.Administers, func(a, b directory.Grant) int { return a.Since.Compare(b.Since) })
	return api.DelegatedAdministrator{
		Id: a.Id, Arn: a.Arn, Email: a.Email, Name: a.Name, Status: a.Status, State: a.State, JoinedMethod: a.JoinedMethod,
		JoinedTimestamp: a.JoinedTimestamp, DelegationEnabledDate: &first.Since,
	}
}
