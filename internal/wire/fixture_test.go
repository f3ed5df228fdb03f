package wire_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/mfa"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/sts"
	"github.com/stint-sts/stint/internal/wire"
	"github.com/stint-sts/stint/sigv4"
)

// started is the clock of the tests.
var started = time.Date(2026, 7, 1, 12, 0, 10, 0, time.UTC)

const (
	stsVersion   = "Version=2011-06-15"
	identityForm = "Action=GetCallerIdentity&" + stsVersion
	formType     = "application/x-www-form-urlencoded"
	contextPath  = "/stint/v1/context-assertion"
	provider     = "arn:aws:iam::111122223333:contextProvider/portal"
	openTrust    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},` +
		`"Action":["sts:AssumeRole","sts:TagSession","sts:SetContext","sts:SetSourceIdentity"]}]}`
)

// pipeline is a Frontend over the real packages, without a socket.
type pipeline struct {
	*wire.Frontend
	t         testing.TB
	entities  *directorytest.Builder
	view      atomic.Pointer[directory.View]
	clock     atomic.Int64 // seconds after started
	log       *audit.Log
	auditPath string
	errors    *lockedBuffer
	tokens    *sts.Service
	alice     *directory.User // may do anything in account A
	bob       *directory.User // may do nothing in account A
	carol     *directory.User // may do anything in account B
	role      *directory.Role // in account A, whom everybody may assume
	requests  atomic.Int64
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// ledger keeps the guarantees of mfa.Ledger for as long as the process lives.
type ledger struct {
	mu   sync.Mutex
	last map[string]int64
}

func (l *ledger) Spend(_ context.Context, account arn.AccountID, device string, step int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := string(account) + device
	if last, ok := l.last[key]; ok && step <= last {
		return mfa.ErrSpent
	}
	l.last[key] = step
	return nil
}

func newPipeline(t testing.TB) *pipeline {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	return newAuditedPipeline(t, audit.Options{Path: path})
}

func newAuditedPipeline(t testing.TB, auditOptions audit.Options) *pipeline {
	t.Helper()
	key, err := session.NewSealingKey(1, directorytest.Created, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &pipeline{t: t, entities: directorytest.New(t, key), auditPath: auditOptions.Path, errors: new(lockedBuffer)}
	p.alice = p.entities.User(directorytest.A, "alice", directorytest.AllowAll)
	p.bob = p.entities.User(directorytest.A, "bob")
	p.carol = p.entities.User(directorytest.B, "carol", directorytest.AllowAll)
	p.role = p.entities.Role(directorytest.A, "target", openTrust, directorytest.AllowAll)
	p.refresh()
	logger := slog.New(slog.NewTextHandler(p.errors, &slog.HandlerOptions{Level: slog.LevelDebug}))
	auditOptions.Now, auditOptions.Logger = p.now, logger
	if p.log, err = audit.Open(auditOptions); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.log.Close() })
	sealer := session.NewSealer(rand.Reader, p.now)
	p.tokens = &sts.Service{
		Authorizer: authz.New(), Sealer: sealer, Random: rand.Reader,
		MFA: mfa.New(&ledger{last: make(map[string]int64)}),
	}
	p.Frontend = wire.NewFrontend(wire.Options{
		View: p.view.Load, Authn: authn.New(sealer, []string{"us-east-1", "eu-west-1"}), Audit: p.log,
		EncodeDenial: p.tokens.EncodeAuthorizationMessage, Now: p.now, Region: "us-east-1", Log: logger,
		Bindings: []wire.Binding{
			wire.Bind(wire.AssumeRole, p.tokens.AssumeRole),
			wire.Bind(wire.DecodeAuthorizationMessage, p.tokens.DecodeAuthorizationMessage),
			wire.Bind(wire.GetAccessKeyInfo, p.tokens.GetAccessKeyInfo),
			wire.Bind(wire.GetCallerIdentity, p.tokens.GetCallerIdentity),
			wire.Bind(wire.GetSessionToken, p.tokens.GetSessionToken),
		},
		JSON: map[string]wire.JSONBinding{contextPath: wire.BindJSON("IssueContextAssertion", p.tokens.IssueContext)},
	})
	return p
}

// bind adds operations to the frontend.
func (p *pipeline) bind(more ...wire.Binding) {
	o := p.Options
	o.Bindings = append(slices.Clone(o.Bindings), more...)
	p.Frontend = wire.NewFrontend(o)
}

// refresh publishes the entities as they are now.
func (p *pipeline) refresh() { p.view.Store(p.entities.View()) }

func (p *pipeline) now() time.Time { return started.Add(time.Duration(p.clock.Load()) * time.Second) }

func keyOf(u *directory.User) sigv4.Credentials {
	k := u.AccessKeys[0]
	return sigv4.NewCredentials(k.ID, k.Secret.Key.RevealString(), "")
}

// request is one request in the making. An edit after signing is what an attacker does.
type request struct {
	method, target, service, region string
	body                            string
	header                          http.Header
	as                              sigv4.Credentials
	unsigned                        bool
	presign                         bool
	late                            func(*http.Request) // after signing
	sentBody                        *string             // in place of the body that is signed
}

func post(as sigv4.Credentials, form string) *request {
	return &request{
		method: "POST", target: "/", service: "sts", region: "us-east-1", body: form,
		header: http.Header{"Content-Type": {formType}}, as: as,
	}
}

func get(as sigv4.Credentials, query string) *request {
	return &request{method: "GET", target: "/?" + query, service: "sts", region: "us-east-1", header: http.Header{}, as: as}
}

func anonymous(form string) *request {
	r := post(sigv4.Credentials{}, form)
	r.unsigned = true
	return r
}

func (r *request) with(name string, values ...string) *request {
	r.header[name] = values
	return r
}

func (r *request) then(late func(*http.Request)) *request {
	r.late = late
	return r
}

func (r *request) build(t testing.TB, at time.Time) *http.Request {
	t.Helper()
	h := httptest.NewRequest(r.method, r.target, strings.NewReader(r.body))
	h.Header = r.header.Clone()
	h.Host = "sts.example.com"
	signer := sigv4.Signer{Credentials: r.as, Region: r.region, Service: r.service}
	switch {
	case r.unsigned:
	case r.presign:
		if err := signer.Presign(h, []byte(r.body), at, time.Minute); err != nil {
			t.Fatal(err)
		}
		h.RequestURI = h.URL.RequestURI()
	default:
		if err := signer.Sign(h, []byte(r.body), at); err != nil {
			t.Fatal(err)
		}
	}
	if r.late != nil {
		r.late(h)
	}
	return h
}

// reply is what came back.
type reply struct {
	*httptest.ResponseRecorder
	id string // the request id that was given
}

func (p *pipeline) serve(r *request) reply {
	p.t.Helper()
	n := p.requests.Add(1)
	ids := wire.IDs{Request: fmt.Sprintf("00000000-0000-4000-8000-%012d", n), Event: fmt.Sprintf("00000000-0000-4000-9000-%012d", n)}
	h := r.build(p.t, p.now())
	body := r.body
	if r.sentBody != nil {
		body = *r.sentBody
	}
	w := httptest.NewRecorder()
	if strings.HasPrefix(r.target, "/stint/") {
		if !p.ServeJSON(w, h, []byte(body), ids) {
			p.t.Fatalf("there is no operation at %s", r.target)
		}
	} else {
		p.ServeQuery(w, h, []byte(body), ids)
	}
	return reply{w, ids.Request}
}

var (
	codeElement    = regexp.MustCompile(`<Code>([^<]*)</Code>`)
	messageElement = regexp.MustCompile(`<Message>([^<]*)</Message>`)
)

func (r reply) code() string    { return submatch(codeElement, r.Body.String()) }
func (r reply) message() string { return unescape(submatch(messageElement, r.Body.String())) }

func submatch(re *regexp.Regexp, s string) string {
	if m := re.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return ""
}

func unescape(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#39;", "'", "&apos;", "'", "&amp;", "&").Replace(s)
}

func (r reply) ok(t testing.TB) reply {
	t.Helper()
	if r.Code != http.StatusOK {
		t.Fatalf("status %d, want 200: %s", r.Code, r.Body)
	}
	return r
}

// refused demands status, code and message.
func (r reply) refused(t testing.TB, status int, code, message string) reply {
	t.Helper()
	if r.Code != status || r.code() != code || r.message() != message {
		t.Errorf("%d %s %q, want %d %s %q", r.Code, r.code(), r.message(), status, code, message)
	}
	return r
}

func (r reply) element(t testing.TB, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(r.Body.String(), "<"+name+">")
	value, _, closed := strings.Cut(rest, "</"+name+">")
	if !ok || !closed {
		t.Fatalf("no element %s in %s", name, r.Body)
	}
	return unescape(value)
}

// begin assumes the role and returns the session's credentials.
func (p *pipeline) begin(form string) sigv4.Credentials {
	p.t.Helper()
	r := p.serve(post(keyOf(p.alice), form)).ok(p.t)
	return sigv4.NewCredentials(r.element(p.t, "AccessKeyId"), r.element(p.t, "SecretAccessKey"), r.element(p.t, "SessionToken"))
}

func (p *pipeline) assume(more ...string) string {
	form := "Action=AssumeRole&" + stsVersion + "&RoleArn=" + url.QueryEscape(p.role.ARN) + "&RoleSessionName=work"
	for _, m := range more {
		form += "&" + m
	}
	return form
}

// auditLine is what the tests read of a line.
type auditLine struct {
	UserIdentity struct{ Type, ARN, AccessKeyID, UserName string }
	EventSource, EventName, AWSRegion, SourceIPAddress,
	UserAgent, ErrorCode, ErrorMessage, RequestID, EventID, RecipientAccountID string
	RequestParameters, ResponseElements json.RawMessage
	AdditionalEventData                 struct{ PolicyWarnings []string }
	ReadOnly                            bool
	Resources                           []struct{ ARN, AccountID, Type string }
	Stint                               struct{ Reason string }
}

// audited closes the log, verifies its chain and returns its lines.
func (p *pipeline) audited() ([]auditLine, string) {
	p.t.Helper()
	if err := p.log.Close(); err != nil {
		p.t.Fatal(err)
	}
	text, err := os.ReadFile(p.auditPath)
	if err != nil {
		p.t.Fatal(err)
	}
	report, err := audit.Verify(bytes.NewReader(text))
	if err != nil || report.Break != nil || report.TornBytes != 0 {
		p.t.Fatalf("the chain is broken: %+v, %v", report, err)
	}
	var lines []auditLine
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		var line auditLine
		if err := d.Decode(&line); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			p.t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if len(lines) != report.Lines || bytes.Count(text, []byte{'\n'}) != len(lines) {
		p.t.Fatalf("%d lines, %d of them verified", len(lines), report.Lines)
	}
	return lines, string(text)
}
