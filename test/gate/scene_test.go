package gate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stint-sts/stint/test/harness"
)

const (
	account    = "111122223333"
	startLimit = 20 * time.Second
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// scene is Stint, a gate, a proxy and a service.
type scene struct {
	stint *harness.Server
	alice harness.Credentials // may read and write below a/ of the bucket
	bob   harness.Credentials // may nothing
	proxy string              // host:port
	gate  *process

	mu   sync.Mutex
	seen []*http.Request // what the service received
}

// directory is the directory file: the gate's own user, and the callers.
const directory = `
accounts:
  "111122223333":
    users:
      gate:
        access_keys: [{id: %s, secret: "%s"}]
        inline_policies:
          gate:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: ["stint:GetSigningKey", "stint:GetCallerPolicies"], Resource: "arn:aws:stint:us-east-1:111122223333:service/s3"}
              - {Effect: Allow, Action: "stint:WatchChanges", Resource: "*"}
      alice:
        access_keys: [{id: %s, secret: "%s"}]
        inline_policies:
          a: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["s3:GetObject", "s3:PutObject"], Resource: "arn:aws:s3:::bucket/a/*"}]}
      bob:
        access_keys: [{id: %s, secret: "%s"}]
`

// open starts everything but the proxy, and gives the addresses of gate and service.
func open(t *testing.T) (s *scene, gate, service string) {
	t.Helper()
	s = &scene{alice: harness.NewKey(account), bob: harness.NewKey(account)}
	own := harness.NewKey(account)
	s.stint = harness.Start(t, harness.Options{Directory: fmt.Appendf(nil, directory, own.AccessKeyID, own.SecretAccessKey,
		s.alice.AccessKeyID, s.alice.SecretAccessKey, s.bob.AccessKeyID, s.bob.SecretAccessKey)})
	behind := httptest.NewServer(s)
	t.Cleanup(behind.Close)
	gate = free(t)
	configuration := filepath.Join(t.TempDir(), "gate.yaml")
	text := fmt.Sprintf("listen: %s\nstint: {endpoint: %q, service: s3}\nrules:\n  - {mapper: s3}\nlog: {level: debug}\n", gate, s.stint.URL())
	if err := os.WriteFile(configuration, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.gate = start(t, gate, append(harness.Environment(), "AWS_ACCESS_KEY_ID="+own.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+own.SecretAccessKey),
		harness.Binary(), "gate", "--config", configuration)
	return s, gate, behind.Listener.Addr().String()
}

// ServeHTTP is the service: it remembers what it received.
func (s *scene) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.seen = append(s.seen, r.Clone(r.Context()))
	s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "served %s, %d bytes", r.RequestURI, len(body))
}

// last takes what the service received since it was asked the last time.
func (s *scene) last() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

// send sends a request of a caller through the proxy.
func (s *scene) send(t *testing.T, caller harness.Credentials, method, target, body string, spoil func(*harness.Request)) *harness.Response {
	t.Helper()
	path, query, _ := strings.Cut(target, "?")
	plain, err := url.PathUnescape(path) // S3 encodes a path once, which the harness does when it signs
	if err != nil {
		t.Fatal(err)
	}
	r := &harness.Request{Method: method, Path: plain, Query: query, Body: []byte(body)}
	hash := sha256.Sum256([]byte(body))
	r.Set("X-Amz-Content-Sha256", hex.EncodeToString(hash[:]))
	harness.Sign(r, harness.Signing{Credentials: caller, Host: s.proxy, At: s.stint.Now(), Region: harness.Region, Service: "s3"})
	r.Path = path
	if spoil != nil {
		spoil(r)
	}
	answer, err := harness.Exchange(s.proxy, method, r.Bytes(s.proxy))
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// session is a session of alice's.
func (s *scene) session(t *testing.T) harness.Credentials {
	t.Helper()
	r := harness.NewPost(harness.Field{Name: "Action", Value: "GetSessionToken"}, harness.Field{Name: "Version", Value: "2011-06-15"})
	harness.Sign(r, harness.Signing{Credentials: s.alice, Host: s.stint.Address, At: s.stint.Now(), Region: harness.Region, Service: "sts"})
	answer, err := s.stint.Send(r)
	if err != nil || answer.Status != http.StatusOK {
		t.Fatalf("%v, %v", answer, err)
	}
	text := func(name string) string {
		_, rest, _ := strings.Cut(string(answer.Body), "<"+name+">")
		value, _, _ := strings.Cut(rest, "</"+name+">")
		return value
	}
	return harness.Credentials{AccessKeyID: text("AccessKeyId"), SecretAccessKey: text("SecretAccessKey"), SessionToken: text("SessionToken")}
}

// process is a running program.
type process struct {
	command *exec.Cmd
	mu      sync.Mutex
	output  bytes.Buffer
	ended   chan error
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(b)
}

func (p *process) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// await waits until the program has printed a text after a number of bytes: what it prints comes through a pipe.
func (p *process) await(t *testing.T, after int, text string) {
	t.Helper()
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(p.String()[after:], text) {
			return
		}
	}
	t.Errorf("%q was not printed:\n%s", text, p.String()[after:])
}

// start starts a program and waits until it listens. It is told to end when the test does.
func start(t *testing.T, address string, env []string, program string, arguments ...string) *process {
	t.Helper()
	p := &process{command: exec.Command(program, arguments...), ended: make(chan error, 1)}
	p.command.Env, p.command.Stdout, p.command.Stderr = env, p, p
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.command.Wait() }()
	t.Cleanup(func() {
		_ = p.command.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-p.ended:
			if err != nil {
				t.Errorf("%s ended with %v", program, err)
			}
		case <-time.After(harness.StopLimit):
			_ = p.command.Process.Kill()
			t.Errorf("%s did not end", program)
		}
		if t.Failed() {
			t.Logf("%s printed:\n%s", program, harness.Tail(p.String(), 4000))
		}
	})
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return p
		}
		select {
		case err := <-p.ended:
			p.ended <- err
			t.Fatalf("%s ended: %v\n%s", program, err, p)
		default:
		}
	}
	t.Fatalf("%s does not listen on %s\n%s", program, address, p)
	return nil
}

// free is an address that nothing listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
