package iam

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/store"
)

// organized is the shared directory with an organization of one test's own: a directory has but one.
type organized struct {
	*store.Store
	mu           sync.Mutex
	organization *directory.Organization // guarded by mu
}

func (o *organized) View() *directory.View {
	o.mu.Lock()
	defer o.mu.Unlock()
	v := o.Store.View()
	return v.Apply(v.Revision(), []directory.Event{{Key: o.organization.Key(), Entity: o.organization}})
}

func (o *organized) Commit(_ context.Context, c *directory.Change) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.organization = c.Writes[0].Entity.(*directory.Organization)
	return nil
}

func (s *stage) organize(management arn.AccountID, members ...arn.AccountID) *stage {
	o := &organized{Store: shared, organization: &directory.Organization{ID: "o-abcdefghij", ManagementAccount: management, Members: members}}
	return &stage{Service: s.over(o), t: s.t, account: s.account}
}

// settingCalls has a call of every operation on the settings of an account or of an organization.
var settingCalls = []call{
	inOrganization("DisableOrganizationsRootCredentialsManagement", bind((*Service).DisableOrganizationsRootCredentialsManagement)),
	inOrganization("DisableOrganizationsRootSessions", bind((*Service).DisableOrganizationsRootSessions)),
	inOrganization("EnableOrganizationsRootCredentialsManagement", bind((*Service).EnableOrganizationsRootCredentialsManagement)),
	inOrganization("EnableOrganizationsRootSessions", bind((*Service).EnableOrganizationsRootSessions)),
	inOrganization("ListOrganizationsFeatures", bind((*Service).ListOrganizationsFeatures)),
	on("EnableOutboundWebIdentityFederation", bind((*Service).EnableOutboundWebIdentityFederation), of(api.Empty{}), "*"),
	{"DisableOutboundWebIdentityFederation", []string{"*"}, func(s *stage, ctx context.Context, r *identity.Request) error {
		s.enableOutbound()
		_, err := s.Service.DisableOutboundWebIdentityFederation(ctx, s.view(), r, &api.Empty{})
		return err
	}},
	{"GetOutboundWebIdentityFederationInfo", []string{"*"}, func(s *stage, ctx context.Context, r *identity.Request) error {
		s.enableOutbound()
		_, err := s.Service.GetOutboundWebIdentityFederationInfo(ctx, s.view(), r, &api.Empty{})
		return err
	}},
	on("SetSecurityTokenServicePreferences", bind((*Service).SetSecurityTokenServicePreferences),
		of(api.SetSecurityTokenServicePreferencesInput{GlobalEndpointTokenVersion: "v2Token"}), "*"),
}

func inOrganization[In, Out any](operation string, h func(*Service) handler[In, Out]) call {
	return call{operation, []string{"*"}, func(s *stage, ctx context.Context, r *identity.Request) error {
		o := s.organize(s.account)
		_, err := h(o.Service)(ctx, o.Directory.View(), r, new(In))
		return err
	}}
}

func (s *stage) enableOutbound() {
	s.t.Helper()
	a, _ := s.view().Account(s.account)
	if a.Outbound == nil {
		ok2(s.EnableOutboundWebIdentityFederation(s.t.Context(), s.view(), s.root(), &api.Empty{}))(s.t)
	}
}

func TestOutboundWebIdentityFederation(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	const off = "The request failed because outbound identity federation is disabled for your account."
	_, err := s.GetOutboundWebIdentityFederationInfo(ctx, s.view(), r, &api.Empty{})
	refused(t, err, identity.FeatureDisabled, off)
	_, err = s.DisableOutboundWebIdentityFederation(ctx, s.view(), r, &api.Empty{})
	refused(t, err, identity.FeatureDisabled, off)

	issuer := *ok2(s.EnableOutboundWebIdentityFederation(ctx, s.view(), r, &api.Empty{}))(t).IssuerIdentifier
	if !regexp.MustCompile(`^https://[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.issuers\.example$`).MatchString(issuer) {
		t.Fatalf("issuer %s", issuer)
	}
	_, err = s.EnableOutboundWebIdentityFederation(ctx, s.view(), r, &api.Empty{})
	refused(t, err, identity.FeatureEnabled, "The request failed because outbound identity federation is already enabled for your account.")
	got := ok2(s.GetOutboundWebIdentityFederationInfo(ctx, s.view(), r, &api.Empty{}))(t)
	equal(t, "issuer", *got.IssuerIdentifier, issuer)
	equal(t, "enabled", *got.JwtVendingEnabled, true)

	ok2(s.DisableOutboundWebIdentityFederation(ctx, s.view(), r, &api.Empty{}))(t)
	_, err = s.GetOutboundWebIdentityFederationInfo(ctx, s.view(), r, &api.Empty{})
	refused(t, err, identity.FeatureDisabled, off)
	equal(t, "the issuer when enabled again", *ok2(s.EnableOutboundWebIdentityFederation(ctx, s.view(), r, &api.Empty{}))(t).IssuerIdentifier, issuer)

	other := newStage(t, allowAll)
	equal(t, "another account's issuer is the same",
		*ok2(other.EnableOutboundWebIdentityFederation(ctx, s.view(), other.root(), &api.Empty{}))(t).IssuerIdentifier == issuer, false)
}

func TestSecurityTokenServicePreferences(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	version := func() int {
		a, _ := s.view().Account(s.account)
		return a.GlobalEndpointTokenVersion
	}
	equal(t, "version before anyone said", version(), 0)
	for _, want := range []int{2, 1} {
		in := &api.SetSecurityTokenServicePreferencesInput{GlobalEndpointTokenVersion: []string{"v1Token", "v2Token"}[want-1]}
		ok2(s.SetSecurityTokenServicePreferences(t.Context(), s.view(), s.as("caller"), in))(t)
		equal(t, "version", version(), want)
	}
}

func TestOrganizationsFeatures(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	o := s.organize(s.account, s.account)
	ctx, r := t.Context(), s.as("caller")
	features := func() string {
		t.Helper()
		out := ok2(o.ListOrganizationsFeatures(ctx, o.Directory.View(), r, &api.ListOrganizationsFeaturesInput{}))(t)
		equal(t, "organization", *out.OrganizationId, "o-abcdefghij")
		return strings.Join(out.EnabledFeatures, " ")
	}
	equal(t, "at first", features(), "")
	sessions := ok2(o.EnableOrganizationsRootSessions(ctx, o.Directory.View(), r, &api.EnableOrganizationsRootSessionsInput{}))(t)
	equal(t, "answer", strings.Join(sessions.EnabledFeatures, " "), "RootSessions")
	both := ok2(o.EnableOrganizationsRootCredentialsManagement(ctx, o.Directory.View(), r, &api.EnableOrganizationsRootCredentialsManagementInput{}))(t)
	equal(t, "answer", strings.Join(both.EnabledFeatures, " "), "RootCredentialsManagement RootSessions")
	ok2(o.EnableOrganizationsRootSessions(ctx, o.Directory.View(), r, &api.EnableOrganizationsRootSessionsInput{}))(t) // again
	equal(t, "both", features(), "RootCredentialsManagement RootSessions")
	left := ok2(o.DisableOrganizationsRootSessions(ctx, o.Directory.View(), r, &api.DisableOrganizationsRootSessionsInput{}))(t)
	equal(t, "answer", strings.Join(left.EnabledFeatures, " "), "RootCredentialsManagement")
	none := ok2(o.DisableOrganizationsRootCredentialsManagement(ctx, o.Directory.View(), r, &api.DisableOrganizationsRootCredentialsManagementInput{}))(t)
	equal(t, "answer", len(none.EnabledFeatures), 0)
}

// Members and strangers change nothing, and strangers do not learn that there is an organization.
func TestOrganizationsFeaturesOfOthers(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	const (
		management arn.AccountID = "999999999999"
		none                     = "The request was rejected because no organization is associated with your account."
		member                   = "The request was rejected because the account making the request is not the management account or delegated administrator account for centralized root access."
		enabling                 = "The request was rejected because the account making the request is not the management account for the organization."
	)
	for _, tt := range []struct {
		stage            *stage
		code, enable     identity.Code
		message, enabled string
	}{
		{s, identity.OrganizationNotFound, identity.OrganizationNotFound, none, none},
		{s.organize(management), identity.OrganizationNotFound, identity.OrganizationNotFound, none, none},
		{s.organize(management, s.account), identity.AccountNotManagement, identity.CallerIsNotManagement, member, enabling},
	} {
		o, ctx, r := tt.stage, t.Context(), s.root()
		v := o.Directory.View()
		_, err := o.ListOrganizationsFeatures(ctx, v, r, &api.ListOrganizationsFeaturesInput{})
		refused(t, err, tt.code, tt.message)
		_, err = o.DisableOrganizationsRootSessions(ctx, v, r, &api.DisableOrganizationsRootSessionsInput{})
		refused(t, err, tt.code, tt.message)
		_, err = o.DisableOrganizationsRootCredentialsManagement(ctx, v, r, &api.DisableOrganizationsRootCredentialsManagementInput{})
		refused(t, err, tt.code, tt.message)
		_, err = o.EnableOrganizationsRootSessions(ctx, v, r, &api.EnableOrganizationsRootSessionsInput{})
		refused(t, err, tt.enable, tt.enabled)
		_, err = o.EnableOrganizationsRootCredentialsManagement(ctx, v, r, &api.EnableOrganizationsRootCredentialsManagementInput{})
		refused(t, err, tt.enable, tt.enabled)
	}
}
