package forward

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const s3Rules = "- {mapper: s3, s3: {domains: [s3.example.com]}}"

// ask is what Caddy and Traefik ask about a request.
func ask(about *http.Request, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, AuthPath, nil)
	r.RemoteAddr = "127.0.0.1:40000"
	r.Header = about.Header.Clone()
	r.Header.Set("X-Forwarded-Method", about.Method)
	r.Header.Set("X-Forwarded-Uri", about.URL.RequestURI())
	r.Header.Set("X-Forwarded-Host", about.URL.Host)
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set("X-Forwarded-For", "192.0.2.7")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "RemoteAddr" {
			r.RemoteAddr = value
			continue
		}
		r.Header[name] = append(r.Header[name], value)
	}
	return r
}

func (s *scene) answer(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.gate.Handler().ServeHTTP(w, r)
	return w
}

// TestAllowed holds what the service is told of who may.
func TestAllowed(t *testing.T) {
	t.Parallel()
	s := open(t, "s3", s3Rules)
	w := s.answer(ask(signed(t, aliceKey, aliceSecret, "GET", "http://s3.example.com/bucket/a/b%20c?versionId=", "", "s3")))
	if w.Code != http.StatusForbidden {
		t.Errorf("a request of an empty version: %d", w.Code)
	}
	w = s.answer(ask(signed(t, aliceKey, aliceSecret, "GET", "http://s3.example.com/bucket/a/b%20c", "", "s3")))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s\n%s", w.Code, w.Body, s.log)
	}
	for name, want := range map[string]string{
		"X-Stint-Arn": "arn:aws:iam::111122223333:user/alice", "X-Stint-Account": account, "X-Stint-User-Id": "AIDAALICE", "X-Stint-Access-Key-Id": aliceKey,
		"X-Stint-Session-Name": "", "X-Stint-Source-Identity": "",
	} {
		if got, ok := w.Header()[name]; !ok || len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
}

// TestRefused holds what does not pass, and that the log has the reason.
func TestRefused(t *testing.T) {
	t.Parallel()
	const reading = "http://s3.example.com/bucket/a/b"
	for _, tt := range []struct {
		name   string
		ask    func(t *testing.T) *http.Request
		status int
		code   string // in body and header
		reason string // in the log
	}{
		{name: "control", status: http.StatusOK, ask: func(t *testing.T) *http.Request {
			return ask(signed(t, aliceKey, aliceSecret, "GET", reading, "", "s3"))
		}},
		{name: "another prefix", code: "AccessDenied", reason: "resource=arn:aws:s3:::bucket/c", ask: func(t *testing.T) *http.Request {
			return ask(signed(t, aliceKey, aliceSecret, "GET", "http://s3.example.com/bucket/c", "", "s3"))
		}},
		{name: "another caller", code: "AccessDenied", reason: "action=s3:GetObject", ask: func(t *testing.T) *http.Request {
			return ask(signed(t, bobKey, bobSecret, "GET", reading, "", "s3"))
		}},
		{name: "unsigned", code: "MissingAuthenticationToken", reason: "refused", ask: func(t *testing.T) *http.Request {
			r, _ := http.NewRequest("GET", reading, nil)
			return ask(r)
		}},
		{name: "another method than signed", code: "SignatureDoesNotMatch", reason: "refused", ask: func(t *testing.T) *http.Request {
			r := ask(signed(t, aliceKey, aliceSecret, "HEAD", reading, "", "s3"))
			r.Header.Set("X-Forwarded-Method", "GET")
			return r
		}},
		{name: "another path than signed", code: "SignatureDoesNotMatch", reason: "refused", ask: func(t *testing.T) *http.Request {
			r := ask(signed(t, aliceKey, aliceSecret, "GET", reading, "", "s3"))
			r.Header.Set("X-Forwarded-Uri", "/bucket/a/other")
			return r
		}},
		{name: "another host than signed", code: "SignatureDoesNotMatch", reason: "refused", ask: func(t *testing.T) *http.Request {
			r := ask(signed(t, aliceKey, aliceSecret, "GET", reading, "", "s3"))
			r.Header.Set("X-Forwarded-Host", "bucket.s3.example.com")
			return r
		}},
		{name: "host of no rule", code: "AccessDenied", reason: "no rule fits", ask: func(t *testing.T) *http.Request {
			return ask(signed(t, aliceKey, aliceSecret, "GET", "http://other.example.com/bucket/a/b", "", "s3"))
		}},
		{name: "dot segments", code: "AccessDenied", reason: "segment", ask: func(t *testing.T) *http.Request {
			return ask(signed(t, aliceKey, aliceSecret, "GET", "http://s3.example.com/bucket/a/%2e%2e/c", "", "s3"))
		}},
		{name: "unsigned body", code: "AccessDenied", reason: "does not state the hash of the body", ask: func(t *testing.T) *http.Request {
			return ask(signed(t, aliceKey, aliceSecret, "PUT", reading, "data", "s3", "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD"))
		}},
		{name: "identity of its own", code: "AccessDenied", reason: "the client sent the header", ask: func(t *testing.T) *http.Request {
			return ask(signed(t, aliceKey, aliceSecret, "GET", reading, "", "s3"), "X-Stint-Arn: arn:aws:iam::111122223333:user/root")
		}},
		{name: "identity with underscores", code: "AccessDenied", reason: "the client sent the header", ask: func(t *testing.T) *http.Request {
			return ask(signed(t, aliceKey, aliceSecret, "GET", reading, "", "s3"), "X_Stint_Arn: arn:aws:iam::111122223333:user/root")
		}},
		{name: "identity that is not ours", code: "AccessDenied", reason: "the client sent the header", ask: func(t *testing.T) *http.Request {
			return ask(signed(t, aliceKey, aliceSecret, "GET", reading, "", "s3"), "X-Stint-Admin: true")
		}},
		{name: "method override", code: "AccessDenied", reason: "X-Http-Method-Override", ask: func(t *testing.T) *http.Request {
			return ask(signed(t, aliceKey, aliceSecret, "GET", reading, "", "s3"), "X-Http-Method-Override: DELETE")
		}},
		{name: "two targets", code: "AccessDenied", reason: "comes 2 times", ask: func(t *testing.T) *http.Request {
			return ask(signed(t, aliceKey, aliceSecret, "GET", reading, "", "s3"), "X-Forwarded-Uri: /bucket/a/b")
		}},
		{name: "no method", code: "AccessDenied", reason: "the method", ask: func(t *testing.T) *http.Request {
			r := ask(signed(t, aliceKey, aliceSecret, "GET", reading, "", "s3"))
			r.Header.Del("X-Forwarded-Method")
			return r
		}},
		{name: "absolute target", code: "AccessDenied", reason: "the target", ask: func(t *testing.T) *http.Request {
			r := ask(signed(t, aliceKey, aliceSecret, "GET", reading, "", "s3"))
			r.Header.Set("X-Forwarded-Uri", reading)
			return r
		}},
		{name: "address that is none", code: "AccessDenied", reason: "the client's address", ask: func(t *testing.T) *http.Request {
			return ask(signed(t, aliceKey, aliceSecret, "GET", reading, "", "s3"), "X-Forwarded-For: unknown")
		}},
		{name: "length that is none", code: "AccessDenied", reason: "content length", ask: func(t *testing.T) *http.Request {
			return ask(signed(t, aliceKey, aliceSecret, "GET", reading, "", "s3"), "X-Original-Content-Length: -1")
		}},
		{name: "asked by a stranger", reason: "no trusted proxy", ask: func(t *testing.T) *http.Request {
			return ask(signed(t, aliceKey, aliceSecret, "GET", reading, "", "s3"), "RemoteAddr: 192.0.2.1:1")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, "s3", s3Rules)
			w := s.answer(tt.ask(t))
			want := tt.status
			if want == 0 {
				want = http.StatusForbidden
			}
			if w.Code != want {
				t.Errorf("status %d, not %d\n%s", w.Code, want, s.log)
			}
			if tt.code != "" && (!strings.Contains(w.Body.String(), "<Code>"+tt.code+"</Code>") || w.Header().Get("X-Stint-Error") != tt.code) {
				t.Errorf("not %s: %q %s", tt.code, w.Header().Get("X-Stint-Error"), w.Body)
			}
			if !strings.Contains(s.log.String(), tt.reason) {
				t.Errorf("the log lacks %q:\n%s", tt.reason, s.log)
			}
			if want != http.StatusOK && w.Header().Get("X-Stint-Arn") != "" {
				t.Error("a denial tells who calls")
			}
		})
	}
}

// TestUnknownAndWrongAreOneAnswer holds that nobody can tell an unknown key from a wrong signature.
func TestUnknownAndWrongAreOneAnswer(t *testing.T) {
	t.Parallel()
	s := open(t, "s3", s3Rules)
	const url = "http://s3.example.com/bucket/a/b"
	wrong := s.answer(ask(signed(t, aliceKey, "another-secret", "GET", url, "", "s3")))
	unknown := s.answer(ask(signed(t, "AKIADDDDDDDDDDDDDDDD", "another-secret", "GET", url, "", "s3")))
	if wrong.Code != http.StatusForbidden || wrong.Code != unknown.Code || wrong.Body.String() != unknown.Body.String() {
		t.Errorf("wrong: %d %s\nunknown: %d %s", wrong.Code, wrong.Body, unknown.Code, unknown.Body)
	}
}

// TestUnsignedPayload holds that a rule can let uploads pass whose signature does not cover the body.
func TestUnsignedPayload(t *testing.T) {
	t.Parallel()
	s := open(t, "s3", "- {mapper: s3, unsigned_payload: true}")
	for _, payload := range []string{"UNSIGNED-PAYLOAD"} {
		w := s.answer(ask(signed(t, aliceKey, aliceSecret, "PUT", "http://s3.example.com/bucket/a/b", "data", "s3", "X-Amz-Content-Sha256: "+payload)))
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s\n%s", payload, w.Code, w.Body, s.log)
		}
	}
}

// TestSignedLength holds that a client may sign the length of the body that does not come along.
func TestSignedLength(t *testing.T) {
	t.Parallel()
	s := open(t, "s3", s3Rules)
	about := signed(t, aliceKey, aliceSecret, "PUT", "http://s3.example.com/bucket/a/b", "data", "s3", "Content-Length: 4")
	if w := s.answer(ask(about, "X-Original-Content-Length: 4")); w.Code != http.StatusOK {
		t.Errorf("%d %s\n%s", w.Code, w.Body, s.log)
	}
	if w := s.answer(ask(about, "X-Original-Content-Length: 5")); w.Code != http.StatusForbidden {
		t.Errorf("another length: %d", w.Code)
	}
}

// TestWhereARequestCameFrom holds that the address is the one that the proxy saw, whatever the client claims.
func TestWhereARequestCameFrom(t *testing.T) {
	t.Parallel()
	const rule = "- {methods: [GET], path: /net, action: net:Get, resource: '*'}"
	for _, tt := range []struct {
		address, proto string
		want           int
	}{
		{"192.0.2.7", "https", http.StatusOK},
		{"198.51.100.1, 192.0.2.7", "https", http.StatusOK},
		{"::ffff:192.0.2.7", "https", http.StatusOK},
		{"192.0.2.7, 198.51.100.1", "https", http.StatusForbidden},
		{"192.0.2.7", "http", http.StatusForbidden},
		{"", "https", http.StatusForbidden},
	} {
		s := open(t, "app", rule)
		r := ask(signed(t, aliceKey, aliceSecret, "GET", "http://h.example.com/net", "", "app"))
		r.Header.Set("X-Forwarded-Proto", tt.proto)
		r.Header.Set("X-Forwarded-For", tt.address)
		if tt.address == "" {
			r.Header.Del("X-Forwarded-For")
		}
		if w := s.answer(r); w.Code != tt.want {
			t.Errorf("%s by %s: %d, not %d\n%s", tt.address, tt.proto, w.Code, tt.want, s.log)
		}
	}
}

// TestPrefixed holds that ext_authz over HTTP, which keeps method, host and path, is answered.
func TestPrefixed(t *testing.T) {
	t.Parallel()
	s := open(t, "s3", s3Rules)
	about := signed(t, aliceKey, aliceSecret, "PUT", "http://s3.example.com/bucket/a/b%2Bc?x-id=PutObject", "data", "s3")
	r := httptest.NewRequest("PUT", EnvoyPath+about.URL.RequestURI(), nil)
	r.RemoteAddr, r.Host, r.Header = "[::1]:40000", about.URL.Host, about.Header.Clone()
	if w := s.answer(r); w.Code != http.StatusOK || w.Header().Get("X-Stint-Access-Key-Id") != aliceKey {
		t.Errorf("%d %s\n%s", w.Code, w.Body, s.log)
	}
	r.RequestURI = EnvoyPath + "/bucket/a/other"
	if w := s.answer(r); w.Code != http.StatusForbidden {
		t.Errorf("another path: %d", w.Code)
	}
	for _, path := range []string{"/", "/auth/x", "/envoyx", "/healthz"} {
		r := httptest.NewRequest("GET", path, nil)
		r.RemoteAddr = "127.0.0.1:1"
		if w := s.answer(r); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestWithoutStint holds that nothing passes by failure.
func TestWithoutStint(t *testing.T) {
	t.Parallel()
	s := open(t, "s3", s3Rules)
	s.stint.mu.Lock()
	s.stint.down = true
	s.stint.mu.Unlock()
	w := s.answer(ask(signed(t, aliceKey, aliceSecret, "GET", "http://s3.example.com/bucket/a/b", "", "s3")))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s\n%s", w.Code, w.Body, s.log)
	}
}

// TestJSON holds that services other than s3 are answered in JSON.
func TestJSON(t *testing.T) {
	t.Parallel()
	s := open(t, "app", reports)
	w := s.answer(ask(signed(t, aliceKey, aliceSecret, "GET", "http://reports.example.com/v1/red/reports/7", "", "app")))
	body, _ := io.ReadAll(w.Body)
	if w.Code != http.StatusForbidden || !strings.Contains(string(body), `"Code":"AccessDenied"`) || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", w.Code, body)
	}
	if !strings.Contains(string(body), "is not authorized to perform: reports:GetReport") {
		t.Errorf("the message is not AWS's: %s", body)
	}
	if w := s.answer(ask(signed(t, aliceKey, aliceSecret, "GET", "http://reports.example.com/v1/blue/reports/7", "", "app"))); w.Code != http.StatusOK {
		t.Errorf("%d %s\n%s", w.Code, w.Body, s.log)
	}
}
