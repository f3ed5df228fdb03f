package iam

import (
	"context"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation/outbound"
	"github.com/stint-sts/stint/internal/identity"
)

// EnableOutboundWebIdentityFederation lets the account's principals have tokens of its own issuer (GetWebIdentityToken). An
// account that had an issuer before has it again.
func (s *Service) EnableOutboundWebIdentityFederation(
	ctx context.Context, _ *directory.View, req *identity.Request, _ *api.Empty,
) (*api.EnableOutboundWebIdentityFederationOutput, error) {
	var issuer string
	err := s.changeAccount(ctx, req, "EnableOutboundWebIdentityFederation", func(_ *directory.View, a *directory.Account) error {
		if a.Outbound == nil {
			id, err := directory.NewUUID(s.Random)
			if err != nil {
				return err
			}
			a.Outbound = &directory.OutboundIssuer{ID: id}
		}
		if a.Outbound.Enabled {
			return identity.NewFault(identity.FeatureEnabled, "The request failed because outbound identity federation is already enabled for your account.")
		}
		if err := outbound.Renew(a.Outbound, req.Time); err != nil {
			return err
		}
		a.Outbound.Enabled = true
		issuer = s.OutboundIssuer(a.Outbound.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.EnableOutboundWebIdentityFederationOutput{IssuerIdentifier: &issuer}, nil
}

// DisableOutboundWebIdentityFederation stops the account's issuer. What it issued stays good until it expires.
func (s *Service) DisableOutboundWebIdentityFederation(
	ctx context.Context, _ *directory.View, req *identity.Request, _ *api.Empty,
) (*api.Empty, error) {
	return done(s.changeAccount(ctx, req, "DisableOutboundWebIdentityFederation", func(_ *directory.View, a *directory.Account) error {
		if a.Outbound == nil || !a.Outbound.Enabled {
			return outboundDisabled()
		}
		a.Outbound.Enabled = false
		return nil
	}))
}

// GetOutboundWebIdentityFederationInfo shows the account's issuer while it is enabled.
func (s *Service) GetOutboundWebIdentityFederationInfo(
	_ context.Context, v *directory.View, req *identity.Request, _ *api.Empty,
) (*api.GetOutboundWebIdentityFederationInfoOutput, error) {
	if err := s.authorize(v, req, ask{operation: "GetOutboundWebIdentityFederationInfo"}); err != nil {
		return nil, err
	}
	a, ok := v.Account(req.Caller.Account)
	if !ok || a.Outbound == nil || !a.Outbound.Enabled {
		return nil, outboundDisabled()
	}
	return &api.GetOutboundWebIdentityFederationInfoOutput{
		IssuerIdentifier:  new(s.OutboundIssuer(a.Outbound.ID)),
		JwtVendingEnabled: new(true),
	}, nil
}

func outboundDisabled() *identity.Fault {
	return identity.NewFault(identity.FeatureDisabled, "The request failed because outbound identity federation is disabled for your account.")
}

// SetSecurityTokenServicePreferences says which version of token the global endpoint gives. All of Stint's tokens are good in
// every region, which is what the second version is for; the preference is kept and shown.
func (s *Service) SetSecurityTokenServicePreferences(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.SetSecurityTokenServicePreferencesInput,
) (*api.Empty, error) {
	return done(s.changeAccount(ctx, req, "SetSecurityTokenServicePreferences", func(_ *directory.View, a *directory.Account) error {
		a.GlobalEndpointTokenVersion = 1
		if in.GlobalEndpointTokenVersion == "v2Token" {
			a.GlobalEndpointTokenVersion = 2
		}
		return nil
	}))
}
