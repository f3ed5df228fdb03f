package peers

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stint-sts/stint/test/harness"
)

const caddyProgram = "caddy@v2.11.9"

// caddyScene is Caddy with docs/relying/Caddyfile, `stint gate` beside it, and a server of static files behind it.
type caddyScene struct {
	server *harness.Server
	alice  harness.Credentials // may read and write below a/ of the bucket
	bob    harness.Credentials // may nothing
	proxy  string              // host:port

	mu   sync.Mutex
	seen []http.Header // of what reached the files; guarded by mu
}

func listens(address string) func() error {
	return func() error {
		c, err := net.Dial("tcp", address)
		if err == nil {
			err = c.Close()
		}
		return err
	}
}

func startCaddy(t *testing.T) *caddyScene {
	t.Helper()
	s := &caddyScene{alice: harness.NewKey(account), bob: harness.NewKey(account), proxy: freeAddress(t)}
	own := harness.NewKey(account)
	s.server = harness.Start(t, harness.Options{Directory: []byte(`accounts:
  "` + account + `":
    users:
      gate:
        access_keys: [{id: ` + own.AccessKeyID + `, secret: ` + own.SecretAccessKey + `}]
        inline_policies: {p: {Version: "2012-10-17", Statement: [
          {Effect: Allow, Action: ["stint:GetSigningKey", "stint:GetCallerPolicies"], Resource: "arn:aws:stint:us-east-1:` + account + `:service/s3"},
          {Effect: Allow, Action: "stint:WatchChanges", Resource: "*"}]}}
      alice:
        access_keys: [{id: ` + s.alice.AccessKeyID + `, secret: ` + s.alice.SecretAccessKey + `}]
        inline_policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["s3:GetObject", "s3:PutObject"], Resource: "arn:aws:s3:::bucket/a/*"}]}}
      bob:
        access_keys: [{id: ` + s.bob.AccessKeyID + `, secret: ` + s.bob.SecretAccessKey + `}]
`)})
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "bucket", "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bucket/a/b.txt", "bucket/c.txt"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("the file "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := http.FileServer(http.Dir(folder))
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, r.Header.Clone())
		s.mu.Unlock()
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(behind.Close)

	gate := freeAddress(t)
	gateFile := filepath.Join(t.TempDir(), "gate.yaml")
	text := fmt.Sprintf("listen: %s\nstint: {endpoint: %q, service: s3}\nrules:\n  - {mapper: s3}\n", gate, s.server.URL())
	if err := os.WriteFile(gateFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, environment(t, signedInAs(own)...), listens(gate), os.Getenv("STINT_BINARY"), "gate", "--config", gateFile)

	template, err := os.ReadFile(filepath.Join(harness.ProjectRoot(), "docs/relying/Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	written := string(template)
	for from, to := range map[string]string{"127.0.0.1:8080": behind.Listener.Addr().String(), "127.0.0.1:8330": gate, "127.0.0.1:8000": s.proxy} {
		if !strings.Contains(written, from) {
			t.Fatalf("docs/relying/Caddyfile has no %q", from)
		}
		written = strings.ReplaceAll(written, from, to)
	}
	caddyFile := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(caddyFile, []byte(written), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, environment(t), listens(s.proxy), program(t, caddyProgram), "run", "--config", caddyFile, "--adapter", "caddyfile")
	return s
}

// last takes what reached the files since it was asked the last time.
func (s *caddyScene) last() []http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

// send sends a request of a caller through the proxy. What is edited was not signed.
func (s *caddyScene) send(t *testing.T, caller harness.Credentials, method, path string, edits ...func(*harness.Request)) *harness.Response {
	t.Helper()
	r := &harness.Request{Method: method, Path: path}
	empty := sha256.Sum256(nil)
	r.Set("X-Amz-Content-Sha256", hex.EncodeToString(empty[:]))
	harness.Sign(r, harness.Signing{Credentials: caller, Host: s.proxy, At: s.server.Now(), Region: harness.Region, Service: "s3"})
	for _, edit := range edits {
		edit(r)
	}
	answer, err := harness.Exchange(s.proxy, method, r.Bytes(s.proxy))
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// TestCaddy: what `stint gate` allows reaches the files, with the caller's name in headers that nobody else can write.
func TestCaddy(t *testing.T) {
	t.Parallel()
	s := startCaddy(t)
	env := environment(t, signedInAs(s.alice)...)
	if got := must(t, env, debianCLI, "--endpoint-url", "http://"+s.proxy, "s3", "cp", "s3://bucket/a/b.txt", "-"); got != "the file bucket/a/b.txt" {
		t.Errorf("the AWS CLI read %q", got)
	}
	for _, h := range s.last() {
		for name, want := range map[string]string{"X-Stint-Arn": "arn:aws:iam::" + account + ":user/alice", "X-Stint-Account": account, "X-Stint-Access-Key-Id": s.alice.AccessKeyID} {
			if got := h.Values(name); len(got) != 1 || got[0] != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if h.Get("Authorization") != "" || h.Get("X-Amz-Security-Token") != "" {
			t.Errorf("the files are shown the caller's credentials: %v", h)
		}
	}
	if _, stderr, ok := run(t, env, debianCLI, "--endpoint-url", "http://"+s.proxy, "s3", "cp", "s3://bucket/c.txt", "-"); ok || !strings.Contains(stderr, "(403)") {
		t.Errorf("the AWS CLI, outside of the folder: %t %s", ok, stderr)
	}
	if seen := s.last(); len(seen) != 0 {
		t.Errorf("reached the files: %v", seen)
	}

	set := func(name, value string) func(*harness.Request) {
		return func(r *harness.Request) { r.Set(name, value) }
	}
	for name, c := range map[string]struct {
		caller       harness.Credentials
		method, path string
		edit         func(*harness.Request)
		code         string
	}{
		"another prefix":       {s.alice, "GET", "/bucket/c.txt", nil, "AccessDenied"},
		"another operation":    {s.alice, "DELETE", "/bucket/a/b.txt", nil, "AccessDenied"},
		"another caller":       {s.bob, "GET", "/bucket/a/b.txt", nil, "AccessDenied"},
		"an unknown key":       {harness.NewKey(account), "GET", "/bucket/a/b.txt", nil, "SignatureDoesNotMatch"},
		"a wrong secret":       {harness.Credentials{AccessKeyID: s.alice.AccessKeyID, SecretAccessKey: s.bob.SecretAccessKey}, "GET", "/bucket/a/b.txt", nil, "SignatureDoesNotMatch"},
		"unsigned":             {s.alice, "GET", "/bucket/a/b.txt", func(r *harness.Request) { r.Drop("Authorization") }, "MissingAuthenticationToken"},
		"dot segments":         {s.alice, "GET", "/bucket/a/../c.txt", nil, "AccessDenied"},
		"a name of its own":    {s.alice, "GET", "/bucket/a/b.txt", set("X-Stint-Arn", "arn:aws:iam::"+account+":root"), "AccessDenied"},
		"another session name": {s.alice, "GET", "/bucket/a/b.txt", set("X-Stint-Session-Name", "admin"), "AccessDenied"},
		"a forwarded path":     {s.alice, "GET", "/bucket/c.txt", set("X-Forwarded-Uri", "/bucket/a/b.txt"), "AccessDenied"},
		"a forwarded method":   {s.alice, "DELETE", "/bucket/a/b.txt", set("X-Forwarded-Method", "GET"), "AccessDenied"},
	} {
		var edits []func(*harness.Request)
		if c.edit != nil {
			edits = append(edits, c.edit)
		}
		if answer := s.send(t, c.caller, c.method, c.path, edits...); answer.Status != http.StatusForbidden || !strings.Contains(string(answer.Body), "<Code>"+c.code+"</Code>") {
			t.Errorf("%s: %s, want %s", name, answer, c.code)
		}
		if seen := s.last(); len(seen) != 0 {
			t.Errorf("%s: reached the files: %v", name, seen)
		}
	}
	if answer := s.send(t, s.alice, "GET", "/bucket/a/b.txt"); answer.Status != http.StatusOK || string(answer.Body) != "the file bucket/a/b.txt" {
		t.Errorf("alice: %s", answer)
	}
}
