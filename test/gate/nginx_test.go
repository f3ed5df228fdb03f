package gate

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stint-sts/stint/test/harness"
)

// nginx starts Debian's nginx with docs/relying/nginx.conf, in which only the addresses are others.
func nginx(t *testing.T) *scene {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // which is in the PATH of root alone
		if _, err := os.Stat(program); err != nil {
			t.Fatal("there is no nginx: test/install.sh installs it")
		}
	}
	s, gate, service := open(t)
	text, err := os.ReadFile(filepath.Join(harness.ProjectRoot(), "docs/relying/nginx.conf"))
	if err != nil {
		t.Fatal(err)
	}
	s.proxy = free(t)
	folder := t.TempDir()
	written := string(text)
	places := "http {\n    access_log off;\n" // where who is not root may write
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		places += "    " + kind + "_temp_path " + folder + "/" + kind + ";\n"
	}
	for from, to := range map[string]string{"127.0.0.1:8080": service, "127.0.0.1:8330": gate, "127.0.0.1:8000": s.proxy, "http {\n": places} {
		if !strings.Contains(written, from) {
			t.Fatalf("docs/relying/nginx.conf has no %q", from)
		}
		written = strings.ReplaceAll(written, from, to)
	}
	written = "daemon off;\nmaster_process off;\npid " + folder + "/pid;\nerror_log stderr info;\n" + written
	file := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(file, []byte(written), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, s.proxy, harness.Environment(), program, "-p", folder, "-e", "stderr", "-c", file)
	return s
}

// TestNginx holds what passes nginx, what the service is told, and what does not pass.
func TestNginx(t *testing.T) {
	s := nginx(t)
	t.Run("allowed", func(t *testing.T) {
		for _, tt := range []struct{ method, target, body string }{
			{"GET", "/bucket/a/b.txt", ""},
			{"HEAD", "/bucket/a/b.txt", ""},
			{"GET", "/bucket/a/b%20c%2Bd/%C3%A4?response-content-type=text%2Fplain", ""},
			{"PUT", "/bucket/a/new?x-id=PutObject", "some data"},
		} {
			s.last()
			answer := s.send(t, s.alice, tt.method, tt.target, tt.body, nil)
			if answer.Status != http.StatusOK {
				t.Fatalf("%s %s: %s\n%s", tt.method, tt.target, answer, harness.Tail(s.gate.String(), 2000))
			}
			seen := s.last()
			if len(seen) != 1 || seen[0].Method != tt.method || seen[0].RequestURI != tt.target || seen[0].ContentLength != int64(len(tt.body)) {
				t.Errorf("%s %s: the service received %v", tt.method, tt.target, seen)
				continue
			}
			h := seen[0].Header
			for name, want := range map[string]string{
				"X-Stint-Arn": "arn:aws:iam::" + account + ":user/alice", "X-Stint-Account": account, "X-Stint-Access-Key-Id": s.alice.AccessKeyID,
			} {
				if got := h.Values(name); len(got) != 1 || got[0] != want {
					t.Errorf("%s is %q, not %q", name, got, want)
				}
			}
			if !strings.HasPrefix(h.Get("X-Stint-User-Id"), "AIDA") {
				t.Errorf("X-Stint-User-Id is %q", h.Get("X-Stint-User-Id"))
			}
			for _, name := range []string{"Authorization", "X-Amz-Security-Token", "X-Stint-Session-Name", "X-Stint-Source-Identity"} {
				if got, ok := h[name]; ok {
					t.Errorf("the service received %s: %q", name, got)
				}
			}
		}
	})
	t.Run("session", func(t *testing.T) {
		s.last()
		session := s.session(t)
		if answer := s.send(t, session, "GET", "/bucket/a/b.txt", "", nil); answer.Status != http.StatusOK {
			t.Fatalf("%s\n%s", answer, harness.Tail(s.gate.String(), 2000))
		}
		seen := s.last()
		if len(seen) != 1 || seen[0].Header.Get("X-Stint-Access-Key-Id") != session.AccessKeyID || seen[0].Header.Get("X-Amz-Security-Token") != "" {
			t.Errorf("the service received %v", seen)
		}
	})
	for _, tt := range []struct {
		name   string
		caller harness.Credentials
		method string
		target string
		spoil  func(*harness.Request)
		code   string // in the body
		reason string // in the gate's log
	}{
		{name: "another prefix", caller: s.alice, method: "GET", target: "/bucket/c", code: "AccessDenied", reason: "resource=arn:aws:s3:::bucket/c"},
		{name: "another operation", caller: s.alice, method: "DELETE", target: "/bucket/a/b", code: "AccessDenied", reason: "action=s3:DeleteObject"},
		{name: "another caller", caller: s.bob, method: "GET", target: "/bucket/a/b", code: "AccessDenied", reason: "user/bob"},
		{name: "unknown key", caller: harness.NewKey(account), method: "GET", target: "/bucket/a/b", code: "SignatureDoesNotMatch", reason: "code=SignatureDoesNotMatch"},
		{name: "wrong secret", caller: harness.Credentials{AccessKeyID: s.alice.AccessKeyID, SecretAccessKey: "x"}, method: "GET", target: "/bucket/a/b", code: "SignatureDoesNotMatch", reason: "code=SignatureDoesNotMatch"},
		{name: "dot segments", caller: s.alice, method: "GET", target: "/bucket/a/../c", code: "AccessDenied", reason: "segment"},
		{name: "encoded dot segments", caller: s.alice, method: "GET", target: "/bucket/a/%2e%2E/c", code: "AccessDenied", reason: "segment"},
		{name: "keys in a body", caller: s.alice, method: "POST", target: "/bucket?delete=", code: "AccessDenied", reason: "did not come along"},
		{
			name: "an identity of its own", caller: s.alice, method: "GET", target: "/bucket/a/b", code: "AccessDenied", reason: "the client sent the header",
			spoil: func(r *harness.Request) { r.Set("X-Stint-Arn", "arn:aws:iam::111122223333:root") },
		},
		{
			name: "another target in a header", caller: s.alice, method: "GET", target: "/bucket/c", code: "AccessDenied", reason: "resource=arn:aws:s3:::bucket/c",
			spoil: func(r *harness.Request) { r.Set("X-Forwarded-Uri", "/bucket/a/b") },
		},
		{
			name: "unsigned", caller: s.alice, method: "GET", target: "/bucket/a/b", code: "MissingAuthenticationToken", reason: "code=MissingAuthenticationToken",
			spoil: func(r *harness.Request) { r.Drop("Authorization") },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.last()
			before := len(s.gate.String())
			answer := s.send(t, tt.caller, tt.method, tt.target, "", tt.spoil)
			if answer.Status != http.StatusForbidden || !strings.Contains(string(answer.Body), "<Code>"+tt.code+"</Code>") {
				t.Errorf("%s", answer)
			}
			s.gate.await(t, before, tt.reason)
			if seen := s.last(); len(seen) != 0 {
				t.Errorf("the service received %v", seen)
			}
		})
	}
	t.Run("an underscore", func(t *testing.T) { // advisory 15: nginx drops it before it asks
		s.last()
		answer := s.send(t, s.alice, "GET", "/bucket/a/b", "", func(r *harness.Request) { r.Set("X_Stint_Arn", "arn:aws:iam::111122223333:root") })
		seen := s.last()
		if answer.Status != http.StatusOK || len(seen) != 1 || seen[0].Header.Get("X-Stint-Arn") != "arn:aws:iam::"+account+":user/alice" {
			t.Fatalf("%s: the service received %v", answer, seen)
		}
		for name := range seen[0].Header {
			if strings.Contains(name, "_") {
				t.Errorf("the service received %s", name)
			}
		}
	})
}
