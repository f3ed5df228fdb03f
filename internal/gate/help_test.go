package gate_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/store"
	"github.com/stint-sts/stint/internal/sts"
	"github.com/stint-sts/stint/sigv4"
)

var now = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

const (
	today         = "20260506"
	sessionSecret = "0123456789012345678901234567890123456789"
	anyone        = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
	mismatch      = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing " +
		"method. Consult the service documentation for details."
)

// fixed is a directory that nothing can be written to.
type fixed struct{ view *directory.View }

func (f fixed) View() *directory.View { return f.view }

func (f fixed) Commit(context.Context, *directory.Change) error { return store.ErrUnavailable }

// world is a directory and the service in front of it, with a relying service's user in account A.
type world struct {
	*dt.Builder
	t       *testing.T
	sealer  *session.Sealer
	service *gate.Service
	tokens  *sts.Service
	relying *directory.User
}

func newWorld(t *testing.T) *world {
	t.Helper()
	key, err := session.NewSealingKey(1, dt.Created, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return now }
	sealer := session.NewSealer(rand.Reader, clock)
	authorizer := authz.New()
	tokens := &sts.Service{Authorizer: authorizer, Sealer: sealer, Random: rand.Reader}
	w := &world{Builder: dt.New(t, key), t: t, sealer: sealer, tokens: tokens}
	w.service = &gate.Service{
		Authn: authn.New(sealer, []string{"us-east-1"}), Authorizer: authorizer, EncodeDenial: tokens.EncodeAuthorizationMessage,
		Feed: gate.NewFeed(0), Now: clock,
	}
	w.relying = w.User(dt.A, "objects", dt.AllowAll)
	return w
}

// refresh makes the entities so far the service's directory.
func (w *world) refresh() *directory.View {
	v := w.View()
	w.service.Directory = fixed{v}
	return v
}

func as(u *directory.User) *identity.Request {
	return &identity.Request{
		ID: "r", Time: now, Region: "us-east-1", SourceIP: netip.MustParseAddr("192.0.2.7"), SecureTransport: true,
		Caller: identity.Caller{
			Kind: identity.User, Account: u.Account, ARN: u.ARN, UserID: u.ID, PrincipalID: u.ID, AccessKeyID: u.AccessKeys[0].ID,
		},
	}
}

// credential is what a caller signs with.
type credential struct{ id, secret, token string }

func long(k directory.AccessKey) credential {
	return credential{id: k.ID, secret: k.Secret.Key.RevealString()}
}

// begin seals a session as package sts does.
func (w *world) begin(v *directory.View, s identity.Session) credential {
	w.t.Helper()
	id, err := arn.NewID(arn.TemporaryKeyID, s.Account, rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	s.AccessKeyID, s.Secret, s.Revision = id, secret.FromString(sessionSecret), v.Revision()
	if s.Issued.IsZero() {
		s.Issued = now.Add(-time.Minute)
	}
	if s.Expires.IsZero() {
		s.Expires = now.Add(time.Hour)
	}
	token, err := w.sealer.Seal(v, &s)
	if err != nil {
		w.t.Fatal(err)
	}
	return credential{id, sessionSecret, token}
}

func (w *world) key(v *directory.View, req *identity.Request, c credential, change func(*gate.SigningKeyInput)) (*gate.SigningKeyOutput, error) {
	w.t.Helper()
	in := &gate.SigningKeyInput{
		AccessKeyID: c.id, SessionToken: c.token, Algorithm: string(sigv4.HMAC), Date: today, Region: "us-east-1", Service: "s3", Policies: true,
	}
	if change != nil {
		change(in)
	}
	return w.service.SigningKey(w.t.Context(), v, req, in)
}

// received is a request to S3 as a relying service got it.
func (w *world) received(c credential, g sigv4.Signer, method, target, body string, sign func(sigv4.Signer, *http.Request) error) gateapi.Request {
	w.t.Helper()
	r, err := http.NewRequest(method, "https://s3.example"+target, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	g.Credentials = sigv4.NewCredentials(c.id, c.secret, c.token)
	if g.Region == "" {
		g.Region = "us-east-1"
	}
	if g.Service == "" {
		g.Service, g.Path, g.SendContentHash = "s3", sigv4.PathS3, true
	}
	if sign == nil {
		sign = func(g sigv4.Signer, r *http.Request) error { return g.Sign(r, []byte(body), now) }
	}
	if err := sign(g, r); err != nil {
		w.t.Fatal(err)
	}
	out := gateapi.Request{Method: method, Target: r.URL.RequestURI(), Headers: []gateapi.Header{{Name: "Host", Value: r.URL.Host}}}
	for name, values := range r.Header {
		for _, value := range values {
			out.Headers = append(out.Headers, gateapi.Header{Name: name, Value: value})
		}
	}
	return out
}

func wantFault(t *testing.T, what string, err error, code identity.Code, message string) {
	t.Helper()
	f, ok := errors.AsType[*identity.Fault](err)
	if !ok {
		t.Errorf("%s: %v, want %s", what, err, code)
		return
	}
	if f.Code != code || !strings.Contains(f.Message, message) {
		t.Errorf("%s: %s %q, want %s %q", what, f.Code, f.Message, code, message)
	}
}

func wantRefusal(t *testing.T, what string, r *gateapi.Refusal, reason, code, message, wantReason string) {
	t.Helper()
	if r == nil {
		t.Errorf("%s: no refusal", what)
		return
	}
	if r.Code != code || r.Message != message || !strings.Contains(reason, wantReason) {
		t.Errorf("%s: %s %q (%s), want %s %q (%s)", what, r.Code, r.Message, reason, code, message, wantReason)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func scopeOf(c credential) *authn.Scope {
	return &authn.Scope{Algorithm: sigv4.HMAC, AccessKeyID: c.id, SessionToken: c.token, Date: today, Region: "us-east-1", Service: "s3"}
}
