package versitygw_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/gate/versitygw"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/store"
	"github.com/stint-sts/stint/sigv4"
)

var now = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

const (
	sessionSecret = "0123456789012345678901234567890123456789"
	permissions   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["stint:GetSigningKey","stint:GetCallerPolicies"],"Resource":"arn:aws:stint:us-east-1:111122223333:service/s3"}]}`
	anyone        = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
)

// fixed is a directory that nothing can be written to.
type fixed struct{ view *directory.View }

func (f *fixed) View() *directory.View { return f.view }

func (f *fixed) Commit(context.Context, *directory.Change) error { return store.ErrUnavailable }

// world is a directory, the handler in front of it, and the gateway's principal.
type world struct {
	*dt.Builder
	t       *testing.T
	sealer  *session.Sealer
	fixed   *fixed
	handler *versitygw.Handler
	gateway *directory.User
	path    string   // of the audit log
	speaks  []string // what the gateway says of its version
}

func newWorld(t *testing.T) *world {
	t.Helper()
	key, err := session.NewSealingKey(1, dt.Created, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return now }
	w := &world{Builder: dt.New(t, key), t: t, sealer: session.NewSealer(rand.Reader, clock), fixed: new(fixed), path: filepath.Join(t.TempDir(), "audit.jsonl"), speaks: []string{"1"}}
	log := slog.New(slog.DiscardHandler)
	lines, err := audit.Open(audit.Options{Path: w.path, Now: clock, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lines.Close() })
	w.handler = &versitygw.Handler{
		Gate:  &gate.Service{Authn: authn.New(w.sealer, []string{"us-east-1"}), Authorizer: authz.New(), Directory: w.fixed, Now: clock},
		Audit: lines, NewID: func() string { return "id" }, Version: "test", Log: log,
	}
	w.gateway = w.User(dt.A, "gateway", permissions)
	return w
}

// credential is what a caller signs with.
type credential struct{ id, secret, token string }

func long(u *directory.User) credential {
	return credential{id: u.AccessKeys[0].ID, secret: u.AccessKeys[0].Secret.Key.RevealString()}
}

// begin seals a session of a role.
func (w *world) begin(r *directory.Role, edit func(*identity.Session)) credential {
	w.t.Helper()
	w.fixed.view = w.View()
	id, err := arn.NewID(arn.TemporaryKeyID, r.Account, rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	s := identity.Session{Kind: identity.RoleSession, Account: r.Account, PrincipalID: r.ID, Name: "work", AccessKeyID: id, Secret: secret.FromString(sessionSecret),
		Revision: w.fixed.view.Revision(), Issued: now.Add(-time.Minute), Expires: now.Add(time.Hour)}
	if edit != nil {
		edit(&s)
	}
	token, err := w.sealer.Seal(w.fixed.view, &s)
	if err != nil {
		w.t.Fatal(err)
	}
	return credential{id, sessionSecret, token}
}

// request is a signed POST, which an edit may spoil.
func (w *world) request(as credential, path, body string, edits ...func(*http.Request)) *httptest.ResponseRecorder {
	w.t.Helper()
	w.fixed.view = w.View()
	r := httptest.NewRequest(http.MethodPost, "http://unix"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header["X-Vgw-Private-Protocol"] = w.speaks
	signer := sigv4.Signer{Credentials: sigv4.NewCredentials(as.id, as.secret, as.token), Region: "us-east-1", Service: "iam", SendContentHash: true}
	if err := signer.Sign(r, []byte(body), now); err != nil {
		w.t.Fatal(err)
	}
	for _, edit := range edits {
		edit(r)
	}
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, r)
	if got := recorder.Header().Get("X-Vgw-Private-Protocol"); got != "1" {
		w.t.Errorf("%s: the answer's protocol is %q", path, got)
	}
	return recorder
}

// ask demands an answer to the gateway.
func (w *world) ask(path string, in, out any) {
	w.t.Helper()
	r := w.request(long(w.gateway), path, text(w.t, in))
	if err := json.Unmarshal(r.Body.Bytes(), out); r.Code != http.StatusOK || err != nil {
		w.t.Fatalf("%s: %d %s: %v", path, r.Code, r.Body, err)
	}
}

// refused demands an error.
func refused(t *testing.T, name string, r *httptest.ResponseRecorder, status int, code, message string) {
	t.Helper()
	var got struct{ Error, Code string }
	if err := json.Unmarshal(r.Body.Bytes(), &got); err != nil || r.Code != status || got.Code != code || !strings.Contains(got.Error, message) {
		t.Errorf("%s: %d %s, want %d %s %q", name, r.Code, r.Body, status, code, message)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

type object = map[string]any

func deriving(c credential) object {
	return object{"accessKeyId": c.id, "sessionToken": c.token, "date": "20260506", "region": "us-east-1", "service": "s3"}
}

func with(o object, key string, value any) object {
	o[key] = value
	return o
}

func TestProtocol(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.User(dt.A, "alice")
	derive := text(t, deriving(long(alice)))
	if r := w.request(long(w.gateway), "/private/derive-signing-key", derive); r.Code != http.StatusOK {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	w.speaks = []string{"2"}
	if r := w.request(long(w.gateway), "/private/derive-signing-key", derive); r.Code != http.StatusOK {
		t.Errorf("a newer gateway, which decides by itself: %d %s", r.Code, r.Body)
	}
	for _, versions := range [][]string{nil, {""}, {"0"}, {"-1"}, {"+1"}, {"1 "}, {"x"}, {"00001"}, {"1", "1"}} {
		w.speaks = versions
		refused(t, strings.Join(versions, ","), w.request(long(w.gateway), "/private/derive-signing-key", derive), 400, "ProtocolMismatch", "version 1")
	}
	w.speaks = []string{"0"}
	r := w.request(long(w.gateway), "/private/version", "{}")
	w.speaks = []string{"1"}
	if got := r.Body.String(); got != `{"protocol":1,"minClient":1,"serverVersion":"test","accountId":"111122223333"}` {
		t.Errorf("version: %d %s", r.Code, got)
	}
	for _, path := range []string{"/", "/private", "/private/", "/private/version/", "/private/versio%6e", "/private/version?a=b", "/PRIVATE/version"} {
		refused(t, path, w.request(long(w.gateway), path, "{}"), 404, "NotFound", "")
	}
	refused(t, "GET", w.request(long(w.gateway), "/private/version", "{}", func(r *http.Request) { r.Method = "GET" }), 404, "NotFound", "")
	for name, body := range map[string]string{
		"nothing": "", "null": "null", "list": "[]", "text": `"a"`, "cut": derive[:len(derive)-1], "two": derive + "{}", "twice": `{"date":"20260506",` + derive[1:],
		"another case": `{"DATE":"20260506",` + derive[1:], "unknown": `{"more":1,` + derive[1:], "a number": strings.Replace(derive, `"s3"`, "3", 1),
	} {
		refused(t, name, w.request(long(w.gateway), "/private/derive-signing-key", body), 400, "BadRequest", "malformed request body")
	}
	large := strings.Repeat(" ", 9<<20)
	refused(t, "large", w.request(long(w.gateway), "/private/derive-signing-key", large), 400, "BadRequest", "malformed request body")
}

// TestGatewayAuthenticates: nobody is answered but a principal that signed this very request.
func TestGatewayAuthenticates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger := dt.New(t, nil).User(dt.A, "stranger")
	for name, r := range map[string]*httptest.ResponseRecorder{
		"unsigned":       w.request(long(w.gateway), "/private/version", "{}", func(r *http.Request) { r.Header.Del("Authorization") }),
		"another body":   w.request(long(w.gateway), "/private/version", "{}", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("{ }")) }),
		"another path":   w.request(long(w.gateway), "/private/derive-signing-key", "{}", func(r *http.Request) { r.URL.Path, r.RequestURI = "/private/version", "/private/version" }),
		"another host":   w.request(long(w.gateway), "/private/version", "{}", func(r *http.Request) { r.Host = "other" }),
		"unknown":        w.request(long(stranger), "/private/version", "{}"),
		"another secret": w.request(credential{id: w.gateway.AccessKeys[0].ID, secret: sessionSecret}, "/private/version", "{}"),
	} {
		if r.Code != http.StatusForbidden || strings.Contains(r.Body.String(), "protocol") {
			t.Errorf("%s: %d %s", name, r.Code, r.Body)
		}
	}
	if r := w.request(long(w.gateway), "/private/version", "{}"); r.Code != http.StatusOK {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

// TestPermissions: the gateway's principal needs the permissions of a relying service, and gets no key of Stint's own services.
func TestPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.User(dt.A, "alice", dt.AllowAll)
	evaluate := with(with(deriving(long(alice)), "actions", []string{"s3:GetObject"}), "resources", []string{"arn:aws:s3:::b/k"})
	delete(evaluate, "date")
	bodies := map[string]string{"/private/derive-signing-key": text(t, deriving(long(alice))), "/private/evaluate-policy": text(t, evaluate),
		"/private/resolve-identity": `{"accessKeyIds":[]}`, "/private/resolve-principals": `{"principals":[]}`}
	nobody := w.User(dt.A, "nobody")
	half := w.User(dt.A, "half", strings.Replace(permissions, `"stint:GetCallerPolicies"`, `"stint:Authorize"`, 1))
	elsewhere := w.User(dt.A, "elsewhere", strings.Replace(permissions, "us-east-1", "eu-west-1", 1))
	for path, body := range bodies {
		if r := w.request(long(w.gateway), path, body); r.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, r.Code, r.Body)
		}
		action := "stint:GetSigningKey"
		refused(t, path, w.request(long(nobody), path, body), 403, "AccessDenied", "user/nobody is not authorized to perform: "+action)
		refused(t, path, w.request(long(elsewhere), path, body), 403, "AccessDenied", "is not authorized to perform: "+action)
	}
	refused(t, "half", w.request(long(half), "/private/evaluate-policy", bodies["/private/evaluate-policy"]), 403, "AccessDenied", "stint:GetCallerPolicies")
	if r := w.request(long(half), "/private/derive-signing-key", bodies["/private/derive-signing-key"]); r.Code != http.StatusOK {
		t.Errorf("half: %d %s", r.Code, r.Body)
	}
	admin := w.User(dt.A, "admin", dt.AllowAll)
	for _, service := range []string{"iam", "sts", "stint", "S3", "", "ec2"} {
		refused(t, service, w.request(long(admin), "/private/derive-signing-key", text(t, with(deriving(long(alice)), "service", service))), 400, "BadRequest", "the service must be s3")
	}
	for _, date := range []string{"", "20260508", "20260401", "2026-05-06"} {
		refused(t, date, w.request(long(admin), "/private/derive-signing-key", text(t, with(deriving(long(alice)), "date", date))), 400, "BadRequest", "date")
	}
}

func TestDerive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, foreign := w.User(dt.A, "alice"), w.User(dt.B, "foreign")
	asleep := w.User(dt.A, "asleep")
	asleep.AccessKeys[0].Status = directory.Inactive
	role := w.Role(dt.A, "target", anyone)
	work := w.begin(role, nil)
	over := w.begin(role, func(s *identity.Session) { s.Expires = now })
	type output struct {
		DerivedKey            []byte
		PrincipalArn, RoleArn string
	}
	for name, c := range map[string]struct {
		as        credential
		arn, role string
	}{
		"a user":    {long(alice), alice.ARN, ""},
		"a session": {work, "arn:aws:sts::111122223333:assumed-role/target/work", role.ARN},
	} {
		var got output
		w.ask("/private/derive-signing-key", deriving(c.as), &got)
		want := sigv4.DeriveKey(c.as.secret, "20260506", "us-east-1", "s3")
		if !bytes.Equal(got.DerivedKey, want.Reveal()) || got.PrincipalArn != c.arn || got.RoleArn != c.role {
			t.Errorf("%s: %+v", name, got)
		}
	}
	spoiled := work
	spoiled.token = work.token[:len(work.token)-2] + "AA"
	swapped := work
	swapped.id = over.id
	mixed := long(alice)
	mixed.token = work.token
	bare := work
	bare.token = ""
	for name, c := range map[string]struct {
		as   credential
		code string
	}{
		"unknown": {long(dt.New(t, nil).User(dt.A, "stranger")), "NoSuchIdentity"}, "inactive": {long(asleep), "NoSuchIdentity"}, "foreign": {long(foreign), "NoSuchIdentity"},
		"a spoiled token": {spoiled, "InvalidToken"}, "expired": {over, "InvalidToken"}, "a token of another key": {swapped, "InvalidToken"},
		"a user's key with a token": {mixed, "InvalidToken"}, "no token": {bare, "NoSuchIdentity"},
	} {
		refused(t, name, w.request(long(w.gateway), "/private/derive-signing-key", text(t, deriving(c.as))), 403, c.code, "")
	}
	w.handler.Gate.Trusted = gate.Trusted{Accounts: []arn.AccountID{dt.A}}
	var got output
	if w.ask("/private/derive-signing-key", deriving(long(foreign)), &got); got.PrincipalArn != foreign.ARN {
		t.Errorf("foreign, trusted: %+v", got)
	}

	if err := w.handler.Audit.Close(); err != nil {
		t.Fatal(err)
	}
	lines, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(lines), `"eventName":"GetSigningKey"`) || !strings.Contains(string(lines), work.id) || !strings.Contains(string(lines), "relying.accounts does not name") {
		t.Errorf("the audit log lacks what happened: %s", lines)
	}
	for _, hidden := range []string{work.token, spoiled.token, long(alice).secret, sessionSecret} {
		if strings.Contains(string(lines), hidden) {
			t.Errorf("the audit log has %q", hidden)
		}
	}
}
