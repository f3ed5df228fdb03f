package gate_test

import (
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/store"
	"github.com/stint-sts/stint/sigv4"
)

// stored is a world whose directory is in a store, with the user alice and the roles deploy and other of account A.
type stored struct {
	*world
	store         *store.Store
	alice         *directory.User
	deploy, other *directory.Role
}

func newStored(t *testing.T) *stored {
	t.Helper()
	w := newWorld(t)
	s := &stored{world: w, alice: w.User(dt.A, "alice"), deploy: w.Role(dt.A, "deploy", anyone), other: w.Role(dt.A, "other", anyone)}
	var err error
	s.store, err = store.Open(t.Context(), store.Options{
		Dir: t.TempDir(), RootKey: secret.FromString("0123456789abcdef0123456789abcdef"), Partition: arn.AWS, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.store.Close(); err != nil {
			t.Error(err)
		}
	})
	key, err := session.NewSealingKey(1, dt.Created, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := new(directory.Change)
	for _, e := range []directory.Entity{
		key, s.alice, s.deploy, s.other, w.relying,
		&directory.Account{ID: dt.A, ARN: arn.Root(arn.AWS, dt.A), Created: dt.Created}, &directory.Account{ID: dt.B, ARN: arn.Root(arn.AWS, dt.B), Created: dt.Created},
	} {
		c.Put(e)
	}
	if err := s.store.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	s.service.Directory = s.store
	return s
}

func (s *stored) session(kind identity.SessionKind, principal, name string, issued time.Duration) credential {
	return s.begin(s.store.View(), identity.Session{
		Kind: kind, Account: dt.A, PrincipalID: principal, Name: name, Issued: now.Add(issued), Expires: now.Add(time.Hour),
	})
}

// accepted reports whether a credential still counts.
func (s *stored) accepted(c credential) bool {
	s.t.Helper()
	out, err := s.key(s.store.View(), as(s.relying), c, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return out.Refusal == nil
}

func (s *stored) revoke(in gate.RevokeSessionsInput) *gate.RevokeSessionsOutput {
	s.t.Helper()
	out, err := s.service.RevokeSessions(s.t.Context(), s.store.View(), as(s.relying), &in)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// Each way to name sessions ends those and no others, at once; what is issued afterwards counts, whatever its clock says.
func TestRevokeSessions(t *testing.T) {
	t.Parallel()
	s := newStored(t)
	begin := func() map[string]credential {
		return map[string]credential{
			"deploy/s1":     s.session(identity.RoleSession, s.deploy.ID, "s1", -time.Minute),
			"deploy/s2":     s.session(identity.RoleSession, s.deploy.ID, "s2", -time.Minute),
			"deploy/s1 old": s.session(identity.RoleSession, s.deploy.ID, "s1", -time.Hour),
			"other/s1":      s.session(identity.RoleSession, s.other.ID, "s1", -time.Minute),
			"alice":         s.session(identity.UserSession, s.alice.ID, "", -time.Minute),
			"federated":     s.session(identity.FederationSession, s.alice.ID, "bob", -time.Minute),
			"alice's key":   long(s.alice.AccessKeys[0]),
		}
	}
	one := s.session(identity.RoleSession, s.deploy.ID, "s1", -time.Minute)
	for _, tt := range []struct {
		name, target string
		in           gate.RevokeSessionsInput
		gone         []string
	}{
		{"role before a time", s.deploy.ID, gate.RevokeSessionsInput{Role: "deploy", Before: now.Add(-30 * time.Minute)}, []string{"deploy/s1 old"}},
		{"session name before a time", s.deploy.ID + ":s1", gate.RevokeSessionsInput{Role: "deploy", SessionName: "s1", Before: now}, []string{"deploy/s1", "deploy/s1 old"}},
		{"session name", s.deploy.ID + ":s1", gate.RevokeSessionsInput{Role: s.deploy.ARN, SessionName: "s1"}, []string{"deploy/s1", "deploy/s1 old"}},
		{"federated user", s.alice.ID + ":bob", gate.RevokeSessionsInput{User: "alice", SessionName: "bob"}, []string{"federated"}},
		{"another's name", s.deploy.ID + ":S1", gate.RevokeSessionsInput{Role: "deploy", SessionName: "S1"}, nil},
		{"role", s.deploy.ID, gate.RevokeSessionsInput{Role: "DEPLOY"}, []string{"deploy/s1", "deploy/s2", "deploy/s1 old"}},
		{"user", s.alice.ID, gate.RevokeSessionsInput{User: s.alice.ARN}, []string{"alice", "federated"}},
	} {
		sessions := begin()
		out := s.revoke(tt.in)
		if out.Target != tt.target || out.Revision <= 0 || out.Revision > s.store.View().Revision() {
			t.Errorf("%s: %+v", tt.name, out)
		}
		over := make(map[string]bool)
		for _, name := range tt.gone {
			over[name] = true
		}
		for name, c := range sessions {
			if got := s.accepted(c); got == over[name] {
				t.Errorf("%s: %s is accepted: %v", tt.name, name, got)
			}
		}
		for name, c := range begin() {
			if !s.accepted(c) {
				t.Errorf("%s: %s, issued afterwards, is refused", tt.name, name)
			}
		}
	}
	one = s.session(identity.RoleSession, s.deploy.ID, "s1", -time.Minute)
	beside := s.session(identity.RoleSession, s.deploy.ID, "s1", -time.Minute)
	if out := s.revoke(gate.RevokeSessionsInput{AccessKeyID: one.id}); out.Target != one.id || s.accepted(one) || !s.accepted(beside) {
		t.Errorf("access key: %+v", out)
	}
	// A revocation is told to relying services as the refusal of a token that counts no more.
	out, err := s.key(s.store.View(), as(s.relying), one, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, "revoked", out.Refusal, out.Reason, "InvalidToken", "The provided token is malformed or otherwise invalid.", "the session was revoked")
}

func TestRevokeSessionsFaults(t *testing.T) {
	t.Parallel()
	s := newStored(t)
	own := s.User(dt.A, "own", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"stint:RevokeSessions","Resource":"`+s.deploy.ARN+`"}]}`)
	c := new(directory.Change)
	c.Put(own)
	if err := s.store.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	key := s.session(identity.RoleSession, s.deploy.ID, "s1", -time.Minute)
	for name, tt := range map[string]struct {
		as      *directory.User
		in      gate.RevokeSessionsInput
		code    identity.Code // empty: done
		message string
	}{
		"its own":              {own, gate.RevokeSessionsInput{Role: "deploy"}, "", ""},
		"another":              {own, gate.RevokeSessionsInput{Role: "other"}, identity.AccessDenied, "stint:RevokeSessions on resource: " + s.other.ARN},
		"one not there":        {own, gate.RevokeSessionsInput{Role: "none"}, identity.AccessDenied, "stint:RevokeSessions on resource: arn:aws:iam::111122223333:role/none"},
		"a key":                {own, gate.RevokeSessionsInput{AccessKeyID: key.id}, identity.AccessDenied, "is not authorized to perform: stint:RevokeSessions"},
		"not there":            {s.relying, gate.RevokeSessionsInput{Role: "none"}, identity.NoSuchEntity, "no such role or user"},
		"not there, by ARN":    {s.relying, gate.RevokeSessionsInput{User: arn.User(arn.AWS, dt.A, "/px/", "alice")}, identity.NoSuchEntity, "no such role or user"},
		"nothing":              {s.relying, gate.RevokeSessionsInput{}, identity.ValidationError, "one of role, user and accessKeyId"},
		"a time alone":         {s.relying, gate.RevokeSessionsInput{Before: now}, identity.ValidationError, "one of role, user and accessKeyId"},
		"role and user":        {s.relying, gate.RevokeSessionsInput{Role: "deploy", User: "alice"}, identity.ValidationError, "one of role, user and accessKeyId"},
		"the future":           {s.relying, gate.RevokeSessionsInput{Role: "deploy", Before: now.Add(time.Second)}, identity.ValidationError, "in the future"},
		"long-term key":        {s.relying, gate.RevokeSessionsInput{AccessKeyID: s.alice.AccessKeys[0].ID}, identity.ValidationError, "must be that of a session"},
		"no key at all":        {s.relying, gate.RevokeSessionsInput{AccessKeyID: "ASIA"}, identity.ValidationError, "must be that of a session"},
		"key and more":         {s.relying, gate.RevokeSessionsInput{AccessKeyID: key.id, SessionName: "s1"}, identity.ValidationError, "nothing else can be given"},
		"key and time":         {s.relying, gate.RevokeSessionsInput{AccessKeyID: key.id, Before: now}, identity.ValidationError, "nothing else can be given"},
		"another account's":    {s.relying, gate.RevokeSessionsInput{Role: arn.Role(arn.AWS, dt.B, "/", "deploy")}, identity.ValidationError, "of the caller's account"},
		"a user for a role":    {s.relying, gate.RevokeSessionsInput{Role: s.alice.ARN}, identity.ValidationError, "ARN of a role"},
		"a wildcard":           {s.relying, gate.RevokeSessionsInput{Role: "*"}, identity.ValidationError, "the name or the ARN of a role"},
		"an ARN with wildcard": {s.relying, gate.RevokeSessionsInput{User: "arn:aws:iam::111122223333:user/*"}, identity.ValidationError, "the name or the ARN of a user"},
		"name with a colon":    {s.relying, gate.RevokeSessionsInput{Role: "deploy", SessionName: "a:b"}, identity.ValidationError, "sessionName"},
		"short name":           {s.relying, gate.RevokeSessionsInput{Role: "deploy", SessionName: "a"}, identity.ValidationError, "sessionName"},
	} {
		_, err := s.service.RevokeSessions(t.Context(), s.store.View(), as(tt.as), &tt.in)
		if tt.code == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		wantFault(t, name, err, tt.code, tt.message)
	}
	foreign, err := arn.NewID(arn.TemporaryKeyID, dt.B, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.service.RevokeSessions(t.Context(), s.store.View(), as(s.relying), &gate.RevokeSessionsInput{AccessKeyID: foreign})
	wantFault(t, "another account's key", err, identity.ValidationError, "not of the caller's account")
	frozen := *s.service
	frozen.Directory = fixed{s.store.View()}
	_, err = frozen.RevokeSessions(t.Context(), s.store.View(), as(s.relying), &gate.RevokeSessionsInput{Role: "deploy"})
	wantFault(t, "nothing can be written", err, identity.ServiceUnavailable, "temporary failure")
	// What was given for an access key id and is none is not repeated.
	if got := asJSON(t, (&gate.RevokeSessionsInput{AccessKeyID: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}).Audited()); got != `{"accessKeyId":"?"}` {
		t.Errorf("the audit log is told %s", got)
	}
}

// Revocations of the same sessions at once are all made, and a later one takes nothing back of an earlier one.
func TestRevokeSessionsAtOnce(t *testing.T) {
	t.Parallel()
	s := newStored(t)
	older := s.session(identity.RoleSession, s.deploy.ID, "s1", -time.Hour)
	newer := s.session(identity.RoleSession, s.deploy.ID, "s1", -time.Minute)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			in := gate.RevokeSessionsInput{Role: "deploy", Before: now.Add(-time.Duration(20+i) * time.Minute)}
			if _, err := s.service.RevokeSessions(t.Context(), s.store.View(), as(s.relying), &in); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s.accepted(older) || !s.accepted(newer) {
		t.Errorf("the older is accepted: %v, the newer %v", s.accepted(older), s.accepted(newer))
	}
	s.revoke(gate.RevokeSessionsInput{Role: "deploy"})
	s.revoke(gate.RevokeSessionsInput{Role: "deploy", Before: now.Add(-30 * time.Minute)})
	if s.accepted(newer) {
		t.Error("a second revocation takes the first one back")
	}
}

// After a revocation is acknowledged not one request of the session is accepted: of 100,000 here, some of them under way before it.
func TestNothingIsAcceptedAfterRevocation(t *testing.T) {
	t.Parallel()
	const requests, rounds, askers = 100_000, 10, 8
	s := newStored(t)
	authenticator := authn.New(s.sealer, []string{"us-east-1"})
	body := []byte("Action=GetCallerIdentity&Version=2011-06-15")
	hash := sha256.Sum256(body)
	var before, after atomic.Int64
	inUse := make(chan struct{})
	for range rounds {
		c := s.session(identity.RoleSession, s.deploy.ID, "s1", -time.Minute)
		r, err := http.NewRequest(http.MethodPost, "http://sts.example/", nil)
		if err != nil {
			t.Fatal(err)
		}
		signer := sigv4.Signer{Credentials: sigv4.NewCredentials(c.id, c.secret, c.token), Region: "us-east-1", Service: "sts"}
		if err := signer.Sign(r, body, now); err != nil {
			t.Fatal(err)
		}
		signed := sigv4.FromHTTP(r)
		var acknowledged atomic.Bool
		var left atomic.Int64
		left.Store(requests / rounds)
		var all sync.WaitGroup
		for range askers {
			all.Go(func() {
				for {
					late := acknowledged.Load()
					if late && left.Add(-1) < 0 {
						return
					}
					_, _, err := authenticator.Authenticate(s.store.View(), &signed, hash, "sts", now)
					switch {
					case err == nil && late:
						t.Error("accepted after the revocation was acknowledged")
						return
					case err == nil:
						before.Add(1)
						select {
						case inUse <- struct{}{}:
						default:
						}
					case late:
						after.Add(1)
					}
				}
			})
		}
		for range 20 {
			<-inUse
		}
		s.revoke(gate.RevokeSessionsInput{Role: "deploy"})
		acknowledged.Store(true)
		all.Wait()
	}
	if after.Load() != requests {
		t.Errorf("%d requests were refused after the revocation, want %d", after.Load(), requests)
	}
	t.Logf("accepted before: %d; after: 0 of %d", before.Load(), after.Load())
}
