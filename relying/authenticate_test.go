package relying_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/relying"
	"github.com/stint-sts/stint/sigv4"
)

// Every kind of credential is known for whom it is, and Stint is asked once for each.
func TestAuthenticate(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	alice, target := s.User(dt.A, "alice", dt.AllowAll), s.Role(dt.A, "target", anyone, dt.AllowAll)
	s.refresh()
	for name, tt := range map[string]struct {
		c   credential
		arn string
	}{
		"user":         {long(alice.AccessKeys[0]), alice.ARN},
		"role session": {s.begin(identity.Session{Kind: identity.RoleSession, Account: dt.A, PrincipalID: target.ID, Name: "s1"}), "arn:aws:sts::111122223333:assumed-role/target/s1"},
		"federated":    {s.begin(identity.Session{Kind: identity.FederationSession, Account: dt.A, PrincipalID: alice.ID, Name: "bob"}), "arn:aws:sts::111122223333:federated-user/bob"},
	} {
		asked := s.asked.Load()
		for range 3 {
			c, err := s.verifier.Authenticate(s.received(tt.c, http.MethodGet, "/b/k%20x?list-type=2", ""))
			if err != nil || c.Principal.ARN != tt.arn || c.AccessKeyID != tt.c.id || c.Principal.Account != string(dt.A) {
				t.Fatalf("%s: %+v, %v", name, c, err)
			}
		}
		if n := s.asked.Load() - asked; n != 1 {
			t.Errorf("%s: Stint was asked %d times", name, n)
		}
	}
	presigned := s.presigned(long(alice.AccessKeys[0]), "/b/k", time.Hour)
	if c, err := s.verifier.Authenticate(presigned); err != nil || c.Principal.ARN != alice.ARN {
		t.Errorf("presigned: %+v, %v", c, err)
	}
	s.at.Add(3601)
	_, err := s.verifier.Authenticate(presigned)
	wantError(t, "presigned, an hour later", err, "SignatureDoesNotMatch", "", "")
}

func (s *stage) presigned(c credential, target string, expires time.Duration) *http.Request {
	s.t.Helper()
	r := incoming(http.MethodGet, target, "")
	g := s.signer(c)
	g.UnsignedPayload = true
	if err := g.Presign(r, nil, s.now(), expires); err != nil {
		s.t.Fatal(err)
	}
	r.RequestURI = r.URL.RequestURI()
	return r
}

// Refusals: the same outward answer for unknown, disabled and wrongly signed.
func TestAuthenticateRefusals(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	alice, off, target := s.User(dt.A, "alice"), s.User(dt.A, "off"), s.Role(dt.A, "target", anyone)
	off.AccessKeys[0].Status = directory.Inactive
	other := s.User(dt.B, "other")
	s.refresh()
	good := long(alice.AccessKeys[0])
	role := identity.Session{Kind: identity.RoleSession, Account: dt.A, PrincipalID: target.ID, Name: "s1"}
	spoiled := s.begin(role)
	spoiled.token = "AAAA" + spoiled.token[4:]
	role.Issued, role.Expires = s.now().Add(-time.Hour), s.now()
	ended := s.begin(role)
	unknown := credential{id: "AKIA" + strings.Repeat("Q", 16), secret: "s"}
	wrong := good
	wrong.secret = "another"
	for name, tt := range map[string]struct {
		r                     *http.Request
		code, message, reason string
	}{
		"unknown":           {s.received(unknown, "GET", "/b/k", ""), "SignatureDoesNotMatch", mismatch, "Stint refuses"},
		"disabled":          {s.received(long(off.AccessKeys[0]), "GET", "/b/k", ""), "SignatureDoesNotMatch", mismatch, "Stint refuses"},
		"wrongly signed":    {s.received(wrong, "GET", "/b/k", ""), "SignatureDoesNotMatch", mismatch, "signature differs"},
		"another account's": {s.received(long(other.AccessKeys[0]), "GET", "/b/k", ""), "SignatureDoesNotMatch", mismatch, "Stint refuses"},
		"spoiled token":     {s.received(spoiled, "GET", "/b/k", ""), "InvalidToken", "The provided token is malformed or otherwise invalid.", "Stint refuses"},
		"expired":           {s.received(ended, "GET", "/b/k", ""), "ExpiredToken", "The provided token has expired.", "Stint refuses"},
		"not signed":        {incoming("GET", "/b/k", ""), "MissingAuthenticationToken", "Request is missing Authentication Token", ""},
		"another service":   {s.sent(service(s.signer(good), "ec2"), "GET", "/b/k", ""), "SignatureDoesNotMatch", "", ""},
		"another region":    {s.sent(inRegion(s.signer(good), "eu-west-1"), "GET", "/b/k", ""), "SignatureDoesNotMatch", "", ""},
		"unsigned x-amz":    {with(s.received(good, "GET", "/b/k", ""), "X-Amz-Copy-Source", "/b/x"), "SignatureDoesNotMatch", mismatch, "x-amz-copy-source is not signed"},
		"two credentials":   {both(s.received(good, "GET", "/b/k", "")), "SignatureDoesNotMatch", "Access Denied", "both in the Authorization header and in the query string"},
	} {
		c, err := s.verifier.Authenticate(tt.r)
		wantError(t, name, err, tt.code, tt.message, tt.reason)
		if c.AccessKeyID != "" {
			t.Errorf("%s: a caller is told: %+v", name, c)
		}
	}
	if _, err := s.verifier.Authenticate(s.received(good, "GET", "/b/k", "")); err != nil {
		t.Errorf("the control: %v", err)
	}
}

func service(g sigv4.Signer, s string) sigv4.Signer  { g.Service = s; return g }
func inRegion(g sigv4.Signer, r string) sigv4.Signer { g.Region = r; return g }

func with(r *http.Request, name, value string) *http.Request {
	r.Header.Set(name, value)
	return r
}

func both(r *http.Request) *http.Request {
	r.RequestURI += "?X-Amz-Signature=00"
	return r
}

// A body is held to its hash while it is read, and its last bytes are not given if it is another one.
func TestBody(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	alice := s.User(dt.A, "alice")
	s.refresh()
	c := long(alice.AccessKeys[0])
	read := func(r *http.Request) (string, error) {
		if _, err := s.verifier.Authenticate(r); err != nil {
			return "", err
		}
		b, err := io.ReadAll(r.Body)
		return string(b), err
	}
	swap := func(body string, length int64) *http.Request {
		r := s.received(c, "PUT", "/b/k", "what was signed")
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), length
		return r
	}
	if got, err := read(s.received(c, "PUT", "/b/k", "what was signed")); err != nil || got != "what was signed" {
		t.Errorf("the control: %q, %v", got, err)
	}
	const code, message = "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."
	for name, tt := range map[string]struct {
		r          *http.Request
		code, text string
	}{
		"same length":     {swap("what was sogned", 15), code, message},
		"unknown length":  {swap("what was signed and more", -1), code, message},
		"ends early":      {swap("what was", 15), "IncompleteBody", ""},
		"nothing at all":  {swap("", 0), code, message},
		"no body, a hash": {func() *http.Request { r := swap("", 0); r.Body = http.NoBody; return r }(), code, message},
	} {
		got, err := read(tt.r)
		wantError(t, name, err, tt.code, tt.text, "")
		if strings.HasSuffix(got, "sogned") {
			t.Errorf("%s: the last bytes were given: %q", name, got)
		}
	}
	unsigned := s.signer(c)
	unsigned.UnsignedPayload = true
	if got, err := read(s.sent(unsigned, "PUT", "/b/k", "any")); err != nil || got != "any" {
		t.Errorf("UNSIGNED-PAYLOAD: %q, %v", got, err)
	}
	strict := newStage(t, func(c *relying.Config) { c.RequireSignedPayload = true })
	bob := strict.User(dt.A, "bob")
	strict.refresh()
	unsigned = strict.signer(long(bob.AccessKeys[0]))
	unsigned.UnsignedPayload = true
	_, err := strict.verifier.Authenticate(strict.sent(unsigned, "PUT", "/b/k", "any"))
	wantError(t, "UNSIGNED-PAYLOAD where it is refused", err, "SignatureDoesNotMatch", mismatch, "")
}

// A body whose hash is not stated is read before it is verified, up to a limit.
func TestUnstatedBody(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *relying.Config) { c.Service, c.MaxBody = "jobs", 20 })
	alice := s.User(dt.A, "alice")
	s.refresh()
	g := sigv4.Signer{Credentials: s.signer(long(alice.AccessKeys[0])).Credentials, Region: region, Service: "jobs"}
	r := s.sent(g, "POST", "/", "what was signed")
	if _, err := s.verifier.Authenticate(r); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r.Body); err != nil || string(b) != "what was signed" {
		t.Errorf("the body afterwards: %q, %v", b, err)
	}
	r = s.sent(g, "POST", "/", "what was signed")
	r.Body = io.NopCloser(strings.NewReader("what was sogned"))
	_, err := s.verifier.Authenticate(r)
	wantError(t, "another body", err, "SignatureDoesNotMatch", mismatch, "signature differs")
	_, err = s.verifier.Authenticate(s.sent(g, "POST", "/", strings.Repeat("x", 21)))
	wantError(t, "too long", err, "RequestEntityTooLarge", "", "")
}

// Whoever asks at the same time shares one question, and refusals are remembered for a moment.
func TestOneQuestion(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	alice := s.User(dt.A, "alice")
	s.refresh()
	hold := make(chan struct{})
	s.before = func() { <-hold }
	var all sync.WaitGroup
	for range 20 {
		r := s.received(long(alice.AccessKeys[0]), "GET", "/b/k", "")
		all.Go(func() {
			if _, err := s.verifier.Authenticate(r); err != nil {
				t.Error(err)
			}
		})
	}
	close(hold)
	all.Wait()
	if n := s.asked.Load(); n != 1 {
		t.Errorf("Stint was asked %d times", n)
	}
	unknown := credential{id: "AKIA" + strings.Repeat("Q", 16), secret: "s"}
	for range 5 {
		if _, err := s.verifier.Authenticate(s.received(unknown, "GET", "/b/k", "")); err == nil {
			t.Error("an unknown key is accepted")
		}
	}
	if n := s.asked.Load(); n != 2 {
		t.Errorf("Stint was asked %d times", n)
	}
	s.at.Add(4)
	_, _ = s.verifier.Authenticate(s.received(unknown, "GET", "/b/k", ""))
	if n := s.asked.Load(); n != 3 {
		t.Errorf("Stint was asked %d times after the refusal's time", n)
	}
}
