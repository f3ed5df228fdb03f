package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/organizations"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/sts"
	"github.com/stint-sts/stint/internal/wire"
	"github.com/stint-sts/stint/sigv4"
)

const (
	identityForm = "Action=GetCallerIdentity&Version=2011-06-15"
	formType     = "application/x-www-form-urlencoded"
	contextPath  = "/stint/v1/context-assertion"
	openTrust    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["sts:AssumeRole","sts:TagSession"]}]}`
)

// service is the real packages behind a Handler.
type service struct {
	handler *Handler
	alice   *directory.User
	role    *directory.Role
	log     *logged
	audit   *audit.Log
	path    string // of the audit log
}

// logged is the server's own log.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newService(t testing.TB, hosts ...string) *service {
	t.Helper()
	key, err := session.NewSealingKey(1, directorytest.Created, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	entities := directorytest.New(t, key)
	s := &service{log: new(logged), path: filepath.Join(t.TempDir(), "audit.jsonl")}
	s.alice = entities.User(directorytest.A, "alice", directorytest.AllowAll)
	s.role = entities.Role(directorytest.A, "target", openTrust, directorytest.AllowAll)
	entities.Put(&directory.Organization{ID: "o-abcdefghij", RootID: "r-abcd", ManagementAccount: directorytest.A, Created: directorytest.Created})
	view := entities.View()
	logger := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if s.audit, err = audit.Open(audit.Options{Path: s.path, Now: time.Now, Logger: logger}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.audit.Close() })
	sealer := session.NewSealer(rand.Reader, time.Now)
	tokens := &sts.Service{Authorizer: authz.New(), Sealer: sealer, Random: rand.Reader}
	accounts := &organizations.Service{Authorizer: authz.New(), Sealer: sealer}
	frontend := wire.NewFrontend(wire.Options{
		View: func() *directory.View { return view }, Authn: authn.New(sealer, []string{"us-east-1"}), Audit: s.audit,
		EncodeDenial: tokens.EncodeAuthorizationMessage, Now: time.Now, Region: "us-east-1", Log: logger,
		Bindings: []wire.Binding{
			wire.Bind(wire.AssumeRole, tokens.AssumeRole),
			wire.Bind(wire.GetCallerIdentity, tokens.GetCallerIdentity),
			wire.Bind(wire.DescribeAccount, accounts.DescribeAccount),
			wire.Bind(wire.ListRoots, accounts.ListRoots),
		},
		JSON: map[string]wire.JSONBinding{contextPath: wire.BindJSON("IssueContextAssertion", tokens.IssueContext)},
	})
	s.handler = NewHandler(frontend, hosts, logger)
	return s
}

// auditLines closes the audit log and counts its lines.
func (s *service) auditLines(t testing.TB) int {
	t.Helper()
	if err := s.audit.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	report, err := audit.Verify(bytes.NewReader(text))
	if err != nil || report.Break != nil {
		t.Fatalf("%+v, %v", report, err)
	}
	return report.Lines
}

func (s *service) assumeForm() string {
	return "Action=AssumeRole&Version=2011-06-15&RoleSessionName=work&RoleArn=" + url.QueryEscape(s.role.ARN)
}

// sign signs a request as alice.
func (s *service) sign(t testing.TB, r *http.Request, body []byte, service string) {
	t.Helper()
	k := s.alice.AccessKeys[0]
	signer := sigv4.Signer{Credentials: sigv4.NewCredentials(k.ID, k.Secret.Key.RevealString(), ""), Region: "us-east-1", Service: service}
	if err := signer.Sign(r, body, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// raw is a signed POST as it goes over the socket.
func (s *service) raw(t testing.TB, target, body string, header http.Header) string {
	t.Helper()
	return s.rawFor(t, "sts", target, body, header)
}

// rawFor is the same for another service.
func (s *service) rawFor(t testing.TB, service, target, body string, header http.Header) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://sts.example.com"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if header["Content-Type"] == nil {
		r.Header.Set("Content-Type", formType)
	}
	s.sign(t, r, []byte(body), service)
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: sts.example.com\r\nContent-Length: %d\r\n", target, len(body))
	if err := r.Header.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String() + "\r\n" + body
}

// start serves on a loopback listener until the test ends. An edit may change the limits of time.
func (s *service) start(t testing.TB, tlsConfig *tls.Config, edits ...func(*http.Server)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := New(s.handler, tlsConfig, s.handler.Log)
	for _, edit := range edits {
		edit(server.http)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// send writes the bytes of one request and reads the answer to it.
func send(t testing.TB, address, request string) answer {
	t.Helper()
	return exchangeOn(t, dial(t, address), request)
}

func exchangeOn(t testing.TB, c net.Conn, request string) answer {
	t.Helper()
	go func() { _, _ = io.WriteString(c, request) }() // an early answer must not wait for the rest
	method, _, _ := strings.Cut(request, " ")
	response, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%.60q: %v", request, err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%.60q: %v", request, err)
	}
	return answer{response, string(body)}
}

// isBare demands an empty answer with the status and no request id.
func (a answer) isBare(t testing.TB, name string, status int) {
	t.Helper()
	if a.StatusCode != status || a.body != "" || a.ContentLength != 0 || a.Header.Get("X-Amzn-Requestid") != "" || a.Header.Get("Content-Type") != "" {
		t.Errorf("%s: %d %v %q, want a bare %d", name, a.StatusCode, a.Header, a.body, status)
	}
}
