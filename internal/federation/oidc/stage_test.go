package oidc

import (
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/federation"
	"github.com/stint-sts/stint/internal/federation/oidc/oidctest"
	"github.com/stint-sts/stint/internal/identity"
)

var now = time.Date(2026, 7, 8, 9, 10, 11, 0, time.UTC)

const (
	issuer  = "https://idp.example.com/tenant"
	roleARN = "arn:aws:iam::111122223333:role/web"
	leeway  = time.Minute
)

// stage is an account with a provider whose keys are pinned.
type stage struct {
	t          testing.TB
	rsa, ec    *oidctest.Key
	builder    *dt.Builder
	verifier   *Verifier
	providerID *string
}

func options() Options {
	return Options{
		Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Leeway: leeway, AnyAddress: true,
		Own: func(issuer string) bool { return strings.HasPrefix(issuer, "https://own.example.com/") },
	}
}

func newStage(t testing.TB) *stage {
	s := &stage{t: t, rsa: oidctest.NewKey(t, "rsa", "RS256"), ec: oidctest.NewKey(t, "ec", "ES256"), builder: dt.New(t, nil)}
	s.verifier = New(options())
	s.provide(dt.A, issuer, func(p *directory.OIDCProvider) { p.JWKS = oidctest.Set(s.rsa, s.ec) })
	return s
}

// provide adds a provider to an account.
func (s *stage) provide(account arn.AccountID, issuer string, change func(*directory.OIDCProvider)) {
	url := strings.TrimPrefix(issuer, "https://")
	p := &directory.OIDCProvider{Account: account, URL: url, ARN: arn.OIDCProvider(arn.AWS, account, url), ClientIDs: []string{"client-1", "client-2"}}
	if change != nil {
		change(p)
	}
	s.builder.Put(p)
}

func (s *stage) verify(token string) (*federation.Assertion, error) {
	return s.verifier.Verify(s.t.Context(), s.builder.View(), Presented{
		Token: token, ProviderID: s.providerID, Account: dt.A, RoleARN: roleARN, Time: now,
	})
}

// gone in place of a claim leaves it out.
type gone struct{}

// claimed are the claims of a good token, with changes.
func claimed(changes map[string]any) map[string]any {
	c := map[string]any{
		"iss": issuer, "aud": "client-1", "sub": "subject-1", "iat": now.Add(-10 * time.Second).Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == gone{} })
	return c
}

// merged is a header with changes.
func merged(h, changes map[string]any) string {
	h = maps.Clone(h)
	maps.Copy(h, changes)
	maps.DeleteFunc(h, func(_ string, v any) bool { return v == gone{} })
	return oidctest.JSON(h)
}

// wantRefused checks the answer and, beside it, the reason.
func wantRefused(t *testing.T, err error, code identity.Code, message, reason string) {
	t.Helper()
	f, ok := errors.AsType[*identity.Fault](err)
	if !ok {
		t.Fatalf("got %v, want %s %q", err, code, message)
	}
	if f.Code != code || f.Message != message {
		t.Errorf("got %s %q\nwant %s %q", f.Code, f.Message, code, message)
	}
	if f.Cause == nil || f.Cause.Error() != reason {
		t.Errorf("got the reason %v\nwant %s", f.Cause, reason)
	}
}

func codeOf(err error) identity.Code {
	if f, ok := errors.AsType[*identity.Fault](err); ok {
		return f.Code
	}
	return ""
}

// authoritiesOf trusts the issuer's certificate for other issuers.
func authoritiesOf(i *oidctest.Issuer, urls ...string) map[string]*x509.CertPool {
	pools := make(map[string]*x509.CertPool)
	for _, u := range urls {
		pools[u] = i.Authorities()
	}
	return pools
}
