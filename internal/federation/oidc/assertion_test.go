package oidc

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/federation"
	"github.com/stint-sts/stint/internal/federation/oidc/oidctest"
	"github.com/stint-sts/stint/internal/identity"
)

func TestAssertion(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	a, err := s.verify(s.ec.Token(claimed(map[string]any{
		"azp": "client-2", "aud": []string{"client-1", "other"}, "amr": []string{"pwd", "mfa"}, "email": "a@example.com", "groups": "admins",
		tagsClaim:           map[string]any{"principal_tags": map[string]any{"Team": []string{"blue"}}, "transitive_tag_keys": []string{"team"}},
		flatTag + "Cost":    "42",
		flatTransitive:      []string{"Cost"},
		sourceIdentityClaim: "carol",
		rolesClaim:          []string{roleARN},
	})))
	if err != nil {
		t.Fatal(err)
	}
	const prefix = "idp.example.com/tenant:"
	want := &federation.Assertion{
		Kind: identity.WebIdentityUser, Account: dt.A, Provider: "arn:aws:iam::111122223333:oidc-provider/idp.example.com/tenant", Issuer: issuer,
		Subject: "subject-1", Audience: "client-2", SourceIdentity: "carol",
		Tags: []identity.SessionTag{{Key: "Team", Value: "blue", Transitive: true}, {Key: "Cost", Value: "42", Transitive: true}},
		Keys: []federation.Key{
			{Name: prefix + "aud", Values: []string{"client-2"}, Lasting: true},
			{Name: prefix + "sub", Values: []string{"subject-1"}, Lasting: true},
			{Name: prefix + "oaud", Values: []string{"client-1", "other"}, Multivalued: true},
			{Name: prefix + "azp", Values: []string{"client-2"}},
			{Name: prefix + "amr", Values: []string{"pwd", "mfa"}, Lasting: true, Multivalued: true},
			{Name: prefix + "email", Values: []string{"a@example.com"}},
			{Name: "sts:roleauthorizedbyidp", Values: []string{"true"}},
		},
	}
	if !reflect.DeepEqual(a, want) {
		t.Errorf("got\n%+v\nwant\n%+v", a, want)
	}
	if c := a.Caller(); c.UserID != want.Provider+":client-2:subject-1" || c.Federation.Subject != "subject-1" || c.Kind != identity.WebIdentityUser || c.ARN != "" {
		t.Errorf("caller %+v", c)
	}
}

// TestOwnClaims: what each of the known issuers says beside the registered claims is a condition key for that issuer alone.
func TestOwnClaims(t *testing.T) {
	t.Parallel()
	for iss, own := range map[string][]string{
		"https://token.actions.githubusercontent.com":            {"actor", "repository", "job_workflow_ref", "environment", "repository_id"},
		"https://token.actions.githubusercontent.com/enterprise": {"actor", "enterprise_id"},
		"https://gitlab.com":                      {"namespace_id", "project_id", "ref_protected"},
		"https://agent.buildkite.com":             {"pipeline_slug", "cluster_id"},
		"https://oidc.circleci.com/org/1234":      {"oidc.circleci.com/project-id"},
		"https://idcs-1.identity.oraclecloud.com": {"rpst_id"},
		"https://idp.example.com":                 nil,
		"https://gitlab.com.example.com":          nil,
		"https://gitlab.com/other":                nil,
	} {
		s := newStage(t)
		s.provide(dt.A, iss, func(p *directory.OIDCProvider) { p.JWKS = oidctest.Set(s.ec) })
		all := map[string]any{"iss": iss}
		for _, name := range []string{"actor", "repository", "job_workflow_ref", "environment", "repository_id", "enterprise_id", "namespace_id", "project_id",
			"pipeline_slug", "cluster_id", "oidc.circleci.com/project-id", "rpst_id", "kubernetes.io"} {
			all[name] = "v"
		}
		all["project_id"], all["ref_protected"], all["actor"] = 42, true, "octocat"
		a, err := s.verify(s.ec.Token(claimed(all)))
		if err != nil {
			t.Fatalf("%s: %v", iss, err)
		}
		prefix := strings.TrimPrefix(iss, "https://") + ":"
		names := make(map[string][]string)
		for _, k := range a.Keys {
			names[k.Name] = k.Values
		}
		for _, name := range own {
			want := map[string]string{"project_id": "42", "ref_protected": "true", "actor": "octocat"}[name]
			if want == "" {
				want = "v"
			}
			if !slices.Equal(names[prefix+name], []string{want}) {
				t.Errorf("%s%s is %v", prefix, name, names[prefix+name])
			}
		}
		if own == nil && len(names) != 4 { // aud, sub, oaud, sts:RoleAuthorizedByIdp
			t.Errorf("%s has keys %v", iss, names)
		}
		if _, ok := names[prefix+"kubernetes.io"]; ok {
			t.Errorf("%s: a claim of no known issuer is a key", iss)
		}
	}
}

// elsewhere has every name lead to an address.
func elsewhere(f *fetcher, address string) {
	f.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

// TestBuiltInProviders: Google's and Cognito's tokens need no provider; whoever made one of that name asks that.
func TestBuiltInProviders(t *testing.T) {
	t.Parallel()
	for name, issuers := range map[string][]string{
		"accounts.google.com":            {"https://accounts.google.com", "accounts.google.com"},
		"cognito-identity.amazonaws.com": {"https://cognito-identity.amazonaws.com"},
	} {
		s := newStage(t)
		server := oidctest.NewIssuer(t, "", s.ec)
		server.Serve("/.well-known/openid-configuration", oidctest.JSON(map[string]any{"issuer": "https://" + name, "jwks_uri": "https://example.com/keys"}))
		o := options()
		f := newFetcher(addresses{any: true}, nil)
		elsewhere(f, server.Address())
		f.authorities = authoritiesOf(server, "https://"+name)
		s.verifier = newVerifier(o, f)
		for _, iss := range issuers {
			a, err := s.verify(s.ec.Token(claimed(map[string]any{"iss": iss, "aud": "anybody's", "azp": "app"})))
			if err != nil {
				t.Errorf("%s: %v", iss, err)
				continue
			}
			if a.Provider != name || a.Audience != "app" || a.Keys[0].Name != name+":aud" {
				t.Errorf("%s: %+v", iss, a)
			}
		}
		_, err := s.verify(oidctest.NewKey(t, "ec", "ES256").Token(claimed(map[string]any{"iss": "https://" + name})))
		wantRefused(t, err, identity.InvalidIdentityToken, notValid, "the signature is wrong")
		s.provide(dt.A, "https://"+name, func(p *directory.OIDCProvider) { p.JWKS = oidctest.Set(s.ec) })
		_, err = s.verify(s.ec.Token(claimed(map[string]any{"iss": "https://" + name, "aud": "anybody's"})))
		wantRefused(t, err, identity.InvalidIdentityToken, wrongAudience, "the audience is not registered with the provider")
	}
	s := newStage(t)
	_, err := s.verify(s.ec.Token(claimed(map[string]any{"iss": "cognito-identity.amazonaws.com"})))
	wantRefused(t, err, identity.InvalidIdentityToken, noProvider+"cognito-identity.amazonaws.com", "the issuer is no URL of https")
}

// TestAccessTokens: of the two providers that AWS knows, where a URL for it is configured; nothing of a token is remembered.
func TestAccessTokens(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	server := oidctest.NewIssuer(t, "")
	o := options()
	o.AmazonTokenInfo, o.FacebookDebugToken, o.FacebookAppToken = "https://api.amazon.example/tokeninfo", "https://facebook.example/debug", "app-secret"
	f := newFetcher(addresses{any: true}, nil)
	elsewhere(f, server.Address())
	f.authorities = authoritiesOf(server, "https://www.amazon.com", "https://graph.facebook.com")
	s.verifier = newVerifier(o, f)
	ask := func(provider, token, answer string) (*federation.Assertion, error) {
		server.Handle(func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			if q.Get("access_token") != token && (q.Get("input_token") != token || q.Get("access_token") != "app-secret") {
				http.Error(w, "{}", http.StatusBadRequest)
				return
			}
			_, _ = io.WriteString(w, answer)
		})
		s.providerID = &provider
		return s.verify(token)
	}
	amazonAnswer := `{"aud":"client.app","user_id":"amzn1.account.A","app_id":"amzn1.application.B","iss":"https://www.amazon.com","exp":3600}`
	a, err := ask(amazon, "Atza|token", amazonAnswer)
	if err != nil || a.Subject != "amzn1.account.A" || a.Audience != "client.app" || a.Provider != amazon || a.Keys[0].Name != "www.amazon.com:user_id" ||
		a.Keys[1].Values[0] != "amzn1.application.B" {
		t.Errorf("amazon: %+v, %v", a, err)
	}
	facebookAnswer := `{"data":{"app_id":"42","user_id":"7","is_valid":true,"expires_at":%d}}`
	a, err = ask(facebook, "EAAB", fmt.Sprintf(facebookAnswer, now.Unix()+1))
	if err != nil || a.Subject != "7" || a.Audience != "42" || a.Keys[0].Name != "graph.facebook.com:app_id" || a.Keys[1].Name != "graph.facebook.com:id" {
		t.Errorf("facebook: %+v, %v", a, err)
	}
	const unvouched = "the provider's answer does not vouch for the token"
	for name, row := range map[string]struct{ provider, answer string }{
		"amazon, over":            {amazon, strings.Replace(amazonAnswer, "3600", "0", 1)},
		"amazon, nobody":          {amazon, strings.Replace(amazonAnswer, "user_id", "x", 1)},
		"amazon, no client":       {amazon, strings.Replace(amazonAnswer, "aud", "x", 1)},
		"amazon, no end":          {amazon, strings.Replace(amazonAnswer, "exp", "x", 1)},
		"amazon, control":         {amazon, strings.Replace(amazonAnswer, "account.A", `account\nA`, 1)},
		"facebook, over":          {facebook, fmt.Sprintf(facebookAnswer, now.Unix())},
		"facebook, invalid":       {facebook, strings.Replace(fmt.Sprintf(facebookAnswer, 0), "true", "false", 1)},
		"facebook, valid a text":  {facebook, strings.Replace(fmt.Sprintf(facebookAnswer, 0), "true", `"true"`, 1)},
		"facebook, nobody":        {facebook, strings.Replace(fmt.Sprintf(facebookAnswer, 0), "user_id", "x", 1)},
		"facebook, an error":      {facebook, `{"error":{"message":"no"}}`},
		"facebook, data a number": {facebook, `{"data":1}`},
	} {
		_, err := ask(row.provider, "token", row.answer)
		wantRefused(t, err, identity.IDPRejectedClaim, rejected+row.provider, unvouched)
		_ = name
	}
	_, err = ask(amazon, "token", `<html>`)
	wantRefused(t, err, identity.IDPCommunicationError, "The identity provider www.amazon.com gave no answer that can be read.", "the provider's answer is not strict JSON")
	_, err = ask(amazon, s.ec.Token(claimed(nil)), amazonAnswer)
	wantRefused(t, err, identity.InvalidIdentityToken, "Provided Token is not a Login With Amazon token", "a JWT was presented as an access token")
	_, err = ask("accounts.google.com", "token", "")
	wantRefused(t, err, identity.AccessDenied, "Unrecognized OAuth provider. Do not include a provider parameter when submitting OpenIDConnect ID tokens",
		"the ProviderId is neither www.amazon.com nor graph.facebook.com")
	for status, want := range map[int]identity.Code{400: identity.IDPRejectedClaim, 401: identity.IDPRejectedClaim, 500: identity.IDPCommunicationError, 302: identity.IDPCommunicationError} {
		server.Handle(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		provider := amazon
		s.providerID = &provider
		if _, err := s.verify("token"); codeOf(err) != want {
			t.Errorf("status %d: %v", status, err)
		}
	}
	for range maxIntrospections {
		s.verifier.tokens.slots <- struct{}{}
	}
	_, err = ask(amazon, "token", amazonAnswer)
	wantRefused(t, err, identity.Throttling, "Rate exceeded", "too many access tokens are being verified")
	// Without a URL nothing is sent anywhere.
	s.verifier = New(options())
	for _, provider := range []string{amazon, facebook} {
		s.providerID = &provider
		_, err := s.verify("token")
		wantRefused(t, err, identity.InvalidIdentityToken, "Access tokens of "+provider+" are not accepted: this server has no URL at which to verify them.",
			"no URL is configured at which access tokens of the provider are verified")
	}
}

// TestSignatureComesFirst: advisory 63 (CVE-2024-51744): of a token that is wrong in several ways nothing is told but that its
// signature is: no claim of it was read.
func TestSignatureComesFirst(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	forger := oidctest.NewKey(t, "ec", "ES256")
	for name, changes := range map[string]map[string]any{
		"expired": {"exp": 1}, "for another": {"aud": "other"}, "no subject": {"sub": gone{}}, "tags": {tagsClaim: "x"}, "all at once": {"exp": "x", "aud": nil, "sub": ""},
	} {
		_, err := s.verify(forger.Token(claimed(changes)))
		wantRefused(t, err, identity.InvalidIdentityToken, notValid, "the signature is wrong")
		if _, err := s.verify(s.ec.Token(claimed(changes))); err == nil {
			t.Errorf("%s: taken with a good signature", name)
		}
	}
}

// TestUnknownIssuerIsNotAsked: advisory 74: the issuer must be that of a provider before anything is fetched, so that nobody makes
// this server connect to where a token says; whether a provider is missing or a signature is wrong, the code is the same.
func TestUnknownIssuerIsNotAsked(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	foreign := oidctest.NewIssuer(t, "", s.ec)
	_, err := s.verify(s.ec.Token(claimed(map[string]any{"iss": foreign.URL})))
	wantRefused(t, err, identity.InvalidIdentityToken, noProvider+foreign.URL, "the account has no provider for the issuer")
	if n := foreign.Fetches.Load(); n != 0 {
		t.Errorf("the issuer was asked %d times", n)
	}
}
