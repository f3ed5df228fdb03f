package relying_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
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
	"github.com/stint-sts/stint/relying"
	"github.com/stint-sts/stint/sigv4"
)

const (
	region        = "us-east-1"
	sessionSecret = "0123456789012345678901234567890123456789"
	anyone        = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
	mismatch      = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing " +
		"method. Consult the service documentation for details."
)

// stage is Stint's side of the protocol behind a loopback listener, of the parts that the server is made of, and a relying service's
// verifier. Both have one clock.
type stage struct {
	*dt.Builder
	t        testing.TB
	relying  *directory.User
	sealer   *session.Sealer
	service  *gate.Service
	server   *httptest.Server
	verifier *relying.Verifier

	mu   sync.Mutex // guards view
	view *directory.View

	at     atomic.Int64 // the clock, Unix seconds
	asked  atomic.Int64 // signing keys asked for
	broken atomic.Int64 // status to answer with, if not zero
	before func()       // runs after a signing key was made and before it is answered
}

func (s *stage) now() time.Time { return time.Unix(s.at.Load(), 0).UTC() }

func (s *stage) View() *directory.View {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view
}

func (*stage) Commit(context.Context, *directory.Change) error { return store.ErrUnavailable }

// newStage begins on a fixed day. Alter may change the verifier's configuration.
func newStage(t testing.TB, alter func(*relying.Config)) *stage {
	t.Helper()
	key, err := session.NewSealingKey(1, dt.Created, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{Builder: dt.New(t, key), t: t}
	s.at.Store(time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC).Unix())
	s.sealer = session.NewSealer(rand.Reader, s.now)
	s.relying = s.User(dt.A, "objects", dt.AllowAll)
	s.view = s.Builder.View()
	s.service = &gate.Service{
		Authn: authn.New(s.sealer, []string{region}), Authorizer: authz.New(), Directory: s, Feed: gate.NewFeed(s.view.Revision()), Now: s.now,
	}
	s.server = httptest.NewServer(s.handler())
	t.Cleanup(s.server.Close)
	t.Cleanup(s.service.Feed.Close)
	own := s.relying.AccessKeys[0]
	c := relying.Config{
		Endpoint: s.server.URL, Region: region, Service: "s3", Now: s.now,
		Credentials: relying.Static(sigv4.NewCredentials(own.ID, own.Secret.Key.RevealString(), "")),
	}
	if alter != nil {
		alter(&c)
	}
	if s.verifier, err = relying.New(c); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) request() *identity.Request {
	u := s.relying
	return &identity.Request{ID: "r", Time: s.now(), Region: region, Caller: identity.Caller{
		Kind: identity.User, Account: u.Account, ARN: u.ARN, UserID: u.ID, PrincipalID: u.ID, AccessKeyID: u.AccessKeys[0].ID,
	}}
}

func (s *stage) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+gateapi.SigningKeyPath, func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if status := s.broken.Load(); status != 0 {
			w.WriteHeader(int(status))
			return
		}
		body, _ := io.ReadAll(r.Body)
		if err := s.signed(r, body); err != nil {
			s.t.Errorf("the question is not signed well: %v", err)
		}
		var in gate.SigningKeyInput
		if err := json.Unmarshal(body, &in); err != nil {
			s.t.Error(err)
		}
		out, err := s.service.SigningKey(r.Context(), s.View(), s.request(), &in)
		if err != nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if s.before != nil {
			s.before()
		}
		_ = json.NewEncoder(w).Encode(out)
	})
	mux.HandleFunc("GET "+gateapi.ChangesPath, func(w http.ResponseWriter, r *http.Request) {
		if status := s.broken.Load(); status != 0 {
			w.WriteHeader(int(status))
			return
		}
		if err := s.signed(r, nil); err != nil {
			s.t.Errorf("the stream is not asked for well: %v", err)
		}
		stream, err := s.service.WatchChanges(r.Context(), s.View(), s.request(), r.Header.Get("Last-Event-ID"))
		if err != nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		defer stream.Close()
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			id, data, err := stream.Next(r.Context())
			if err != nil {
				return
			}
			fmt.Fprintf(w, ": beat\nid: %s\ndata: %s\n\n", id, data)
			_ = http.NewResponseController(w).Flush()
		}
	})
	return mux
}

// signed verifies the relying service's own signature.
func (s *stage) signed(r *http.Request, body []byte) error {
	req := sigv4.FromHTTP(r)
	sig, err := sigv4.Parse(&req)
	if err != nil {
		return err
	}
	if err := sig.Check(sigv4.Options{Now: s.now(), Service: "stint", Regions: []string{region}}); err != nil {
		return err
	}
	key, err := sig.DeriveKey(s.relying.AccessKeys[0].Secret.Key.RevealString())
	if err != nil {
		return err
	}
	return sig.Verify(key, sha256.Sum256(body))
}

// refresh makes the entities so far the server's directory; move does it as a step that the stream of changes tells.
func (s *stage) refresh() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view = s.Builder.View()
	s.service.Feed.Observe(s.view, s.view, nil)
}

func (s *stage) move(events ...directory.Event) {
	s.mu.Lock()
	before := s.view
	s.view = before.Apply(before.Revision()+1, events)
	after := s.view
	s.mu.Unlock()
	s.service.Feed.Observe(before, after, events)
}

// credential is what a caller signs with.
type credential struct{ id, secret, token string }

func long(k directory.AccessKey) credential {
	return credential{id: k.ID, secret: k.Secret.Key.RevealString()}
}

func (s *stage) begin(of identity.Session) credential {
	s.t.Helper()
	v := s.View()
	id, err := arn.NewID(arn.TemporaryKeyID, of.Account, rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	of.AccessKeyID, of.Secret, of.Revision = id, secret.FromString(sessionSecret), v.Revision()
	if of.Issued.IsZero() {
		of.Issued = s.now().Add(-time.Minute)
	}
	if of.Expires.IsZero() {
		of.Expires = s.now().Add(time.Hour)
	}
	token, err := s.sealer.Seal(v, &of)
	if err != nil {
		s.t.Fatal(err)
	}
	return credential{id, sessionSecret, token}
}

func (s *stage) signer(c credential) sigv4.Signer {
	return sigv4.Signer{
		Credentials: sigv4.NewCredentials(c.id, c.secret, c.token), Region: region, Service: "s3", Path: sigv4.PathS3, SendContentHash: true,
	}
}

// received is a request as a server has it, signed over its body.
func (s *stage) received(c credential, method, target, body string) *http.Request {
	s.t.Helper()
	return s.sent(s.signer(c), method, target, body)
}

func (s *stage) sent(g sigv4.Signer, method, target, body string) *http.Request {
	s.t.Helper()
	r := incoming(method, target, body)
	if err := g.Sign(r, []byte(body), s.now()); err != nil {
		s.t.Fatal(err)
	}
	return r
}

func incoming(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, "http://s3.example"+target, strings.NewReader(body))
	r.RequestURI = target
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	return r
}

// wantError holds an error to its code, message and reason.
func wantError(t *testing.T, what string, err error, code, message, reason string) {
	t.Helper()
	e, ok := errors.AsType[*relying.Error](err)
	if !ok || e.Code != code || message != "" && e.Message != message || !strings.Contains(e.Reason, reason) {
		t.Errorf("%s: %v, want %s: %s [%s]", what, err, code, message, reason)
	}
}
