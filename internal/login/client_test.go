package login

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/loginapi"
)

// provider is a server with the two endpoints that programs use. It answers what answer says, and keeps what it was sent.
type provider struct {
	*httptest.Server
	mu    sync.Mutex
	forms map[string][]url.Values // by path; guarded by mu
}

func newProvider(t *testing.T, answer func(path string, form url.Values, n int) (status int, body any)) *provider {
	p := &provider{forms: make(map[string][]url.Values)}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		p.mu.Lock()
		p.forms[r.URL.Path] = append(p.forms[r.URL.Path], r.PostForm)
		n := len(p.forms[r.URL.Path])
		p.mu.Unlock()
		status, body := answer(r.URL.Path, r.PostForm, n)
		if status == http.StatusFound {
			w.Header().Set("Location", "https://elsewhere.example/")
		}
		w.WriteHeader(status)
		if text, ok := body.(string); ok {
			_, _ = io.WriteString(w, text)
			return
		}
		_ = json.NewEncoder(w).Encode(body)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) sent(path string) []url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.forms[path]
}

func goodToken() loginapi.Token {
	return loginapi.Token{
		AccessToken: "the-session-token", TokenType: loginapi.TokenType, ExpiresIn: 3600,
		AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "the-secret", Expiration: "2026-11-24T13:00:00Z",
		ARN: "arn:aws:sts::111122223333:assumed-role/reader/alice", RoleARN: "arn:aws:iam::111122223333:role/reader", Region: "us-east-1",
	}
}

// person is a client whose person does what browse says with the page.
func person(browse func(page string)) *Client {
	return &Client{
		Random: rand.Reader, Now: func() time.Time { return noon }, UserAgent: "test",
		Sleep:  func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Browse: browse,
		Code:   func(string, string, string) {},
	}
}

func get(t *testing.T, target string, change func(*http.Request)) int {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		t.Error(err)
		return 0
	}
	if change != nil {
		change(r)
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

// query takes the parameters of the authorization page apart.
func query(t *testing.T, page string) url.Values {
	t.Helper()
	u, err := url.Parse(page)
	if err != nil {
		t.Error(err)
		return nil
	}
	return u.Query()
}

func TestBrowser(t *testing.T) {
	t.Parallel()
	p := newProvider(t, func(string, url.Values, int) (int, any) { return http.StatusOK, goodToken() })
	var asked url.Values
	c := person(func(page string) {
		if want := p.URL + loginapi.AuthorizePath + "?"; !strings.HasPrefix(page, want) {
			t.Errorf("the page is %s, want %s…", page, want)
		}
		asked = query(t, page)
		back := asked.Get("redirect_uri")
		state := url.QueryEscape(asked.Get("state"))
		// What other pages and programs may try changes nothing.
		for name, try := range map[string]struct {
			target string
			change func(*http.Request)
		}{
			"no state":       {back + "?code=bad", nil},
			"wrong state":    {back + "?code=bad&state=" + strings.Repeat("A", 43), nil},
			"two states":     {back + "?code=bad&state=" + state + "&state=x", nil},
			"another path":   {strings.TrimSuffix(back, "/callback") + "/?code=bad&state=" + state, nil},
			"another host":   {back + "?code=bad&state=" + state, func(r *http.Request) { r.Host = "rebound.example" }},
			"another method": {back + "?code=bad&state=" + state, func(r *http.Request) { r.Method = http.MethodPost }},
		} {
			if status := get(t, try.target, try.change); status != http.StatusNotFound {
				t.Errorf("%s: status %d", name, status)
			}
		}
		if status := get(t, back+"?code=good&state="+state, nil); status != http.StatusOK {
			t.Errorf("the good one: status %d", status)
		}
	})
	got, err := c.Browser(t.Context(), &Request{Endpoint: Endpoint(p.URL), Role: goodToken().RoleARN, Duration: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if got.SessionToken.RevealString() != "the-session-token" || got.Secret.RevealString() != "the-secret" ||
		got.AccessKeyID != "ASIAEXAMPLE" || !got.Expires.Equal(noon.Add(time.Hour)) || got.AskedRole != got.RoleARN {
		t.Errorf("got %+v", got)
	}
	sent := p.sent(loginapi.TokenPath)
	if len(sent) != 1 || sent[0].Get("code") != "good" || sent[0].Get("redirect_uri") != asked.Get("redirect_uri") ||
		challengeOf(sent[0].Get("code_verifier")) != asked.Get("code_challenge") || sent[0].Get("grant_type") != "authorization_code" {
		t.Errorf("the token endpoint was sent %v", sent)
	}
	if asked.Get("code_challenge_method") != "S256" || asked.Get("response_type") != "code" || asked.Get("duration_seconds") != "3600" ||
		asked.Get("role_arn") != got.RoleARN || asked.Get("client_id") != "stint-cli" || !strings.HasPrefix(asked.Get("redirect_uri"), "http://127.0.0.1:") {
		t.Errorf("the page was asked %v", asked)
	}
	if response, err := http.Get(asked.Get("redirect_uri")); err == nil {
		response.Body.Close()
		t.Error("the port is open still")
	}
}

// RFC 7636, appendix B.
func TestChallenge(t *testing.T) {
	t.Parallel()
	if got := challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"); got != "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" {
		t.Errorf("the challenge is %s", got)
	}
}

func TestBrowserRefused(t *testing.T) {
	t.Parallel()
	answer := func(parameters string) func(t *testing.T) func(string) {
		return func(t *testing.T) func(string) {
			return func(page string) {
				asked := query(t, page)
				get(t, asked.Get("redirect_uri")+"?state="+url.QueryEscape(asked.Get("state"))+parameters, nil)
			}
		}
	}
	token := func(change func(*loginapi.Token)) any {
		good := goodToken()
		change(&good)
		return good
	}
	for _, tt := range []struct {
		name   string
		came   string
		status int
		body   any
		reason string
	}{
		{"the person says no", "&error=access_denied&error_description=not%1B[2Jnow", 0, nil, "the server answers access_denied: not[2Jnow"},
		{"neither", "", 0, nil, "neither a code nor an error"},
		{"both", "&code=a&error=b", 0, nil, "neither a code nor an error"},
		{"two codes", "&code=a&code=b", 0, nil, "neither a code nor an error"},
		{"code that is spent", "&code=a", 400, loginapi.Error{Error: "invalid_grant", Description: "spent"}, "the server answers invalid_grant: spent"},
		{"error with a control character", "&code=a", 400, `{"error":"\u001b[2J"}`, "no answer of a sign-in endpoint"},
		{"a server that is another", "&code=a", 404, "<UnknownOperationException/>", "no answer of a sign-in endpoint"},
		{"redirect", "&code=a", 302, "", "no answer of a sign-in endpoint"},
		{"no JSON", "&code=a", 200, "{", "no answer of a sign-in endpoint"},
		{"key twice", "&code=a", 200, `{"access_token":"a","access_token":"b"}`, "no answer of a sign-in endpoint"},
		{"endless", "&code=a", 200, strings.Repeat(" ", maxAnswer+1), "no answer of a sign-in endpoint"},
		{"no object", "&code=a", 200, "[]", "no JSON object"},
		{"bearer token", "&code=a", 200, token(func(t *loginapi.Token) { t.TokenType = "Bearer" }), "token_type is not AWS4"},
		{"no secret", "&code=a", 200, token(func(t *loginapi.Token) { t.SecretAccessKey = "" }), "secret_access_key is missing"},
		{"line break in the key id", "&code=a", 200, token(func(t *loginapi.Token) { t.AccessKeyID = "a\nb" }), "access_key_id has characters"},
		{"no time", "&code=a", 200, token(func(t *loginapi.Token) { t.Expiration = "soon" }), "expiration is no time"},
		{"another role", "&code=a", 200, token(func(t *loginapi.Token) { t.RoleARN = "arn:aws:iam::111122223333:role/admin" }), "is not the role"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, func(string, url.Values, int) (int, any) { return tt.status, tt.body })
			c := person(answer(tt.came)(t))
			got, err := c.Browser(t.Context(), &Request{Endpoint: Endpoint(p.URL), Role: goodToken().RoleARN})
			if err == nil || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("%+v, %v, want %q", got, err, tt.reason)
			}
			for _, s := range []string{"the-secret", "the-session-token"} {
				if strings.Contains(fmt.Sprint(err), s) {
					t.Errorf("the error tells a secret: %v", err)
				}
			}
		})
	}
}

func TestBrowserEnds(t *testing.T) {
	t.Parallel()
	p := newProvider(t, func(string, url.Values, int) (int, any) { return http.StatusOK, goodToken() })
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := person(func(string) { cancel() }).Browser(ctx, &Request{Endpoint: Endpoint(p.URL)}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if _, err := person(func(string) {}).Browser(ctx, &Request{Endpoint: Endpoint(p.URL)}); !errors.Is(err, ErrTimeout) {
		t.Errorf("nobody came: %v", err)
	}
}

func TestDevice(t *testing.T) {
	t.Parallel()
	const pending, slow, away = "authorization_pending", "slow_down", "away"
	polls := []string{pending, slow, pending, away, pending}
	var p *provider
	p = newProvider(t, func(path string, _ url.Values, n int) (int, any) {
		switch {
		case path == loginapi.DevicePath:
			return http.StatusOK, loginapi.Device{
				DeviceCode: "device", UserCode: "BCDF-GHJK", VerificationURI: p.URL + "/signin/device/verify",
				VerificationURIComplete: p.URL + "/signin/device/verify?user_code=BCDF-GHJK", ExpiresIn: 600, Interval: 5,
			}
		case n > len(polls):
			return http.StatusOK, goodToken()
		case polls[n-1] == away:
			return http.StatusBadGateway, "<html>"
		default:
			return http.StatusBadRequest, loginapi.Error{Error: polls[n-1]}
		}
	})
	c := person(func(string) { t.Error("a browser was opened") })
	var slept []time.Duration
	c.Sleep = func(_ context.Context, d time.Duration) error { slept = append(slept, d); return nil }
	shown := ""
	c.Code = func(page, code, complete string) { shown = page + " " + code + " " + complete }
	got, err := c.Device(t.Context(), &Request{Endpoint: Endpoint(p.URL), Role: goodToken().RoleARN, Duration: time.Hour})
	if err != nil || got.SessionToken.RevealString() != "the-session-token" {
		t.Fatalf("%+v, %v", got, err)
	}
	// slow_down adds five seconds for good (RFC 8628, 3.5), a server that is away doubles.
	if got, want := fmt.Sprint(slept), "[5s 5s 10s 10s 20s 20s]"; got != want {
		t.Errorf("slept %s, want %s", got, want)
	}
	if want := p.URL + "/signin/device/verify BCDF-GHJK " + p.URL + "/signin/device/verify?user_code=BCDF-GHJK"; shown != want {
		t.Errorf("shown is %s, want %s", shown, want)
	}
	first, last := p.sent(loginapi.DevicePath)[0], p.sent(loginapi.TokenPath)[5]
	if first.Get("role_arn") != got.RoleARN || first.Get("duration_seconds") != "3600" || first.Get("client_id") != "stint-cli" {
		t.Errorf("asked for a code with %v", first)
	}
	if last.Get("grant_type") != loginapi.GrantDevice || last.Get("device_code") != "device" || last.Get("client_id") != "stint-cli" {
		t.Errorf("asked for the token with %v", last)
	}
}

func TestDeviceRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		device func(*loginapi.Device)
		poll   loginapi.Error
		reason string
	}{
		{"the person says no", func(*loginapi.Device) {}, loginapi.Error{Error: "access_denied"}, "the server answers access_denied"},
		{"too late", func(*loginapi.Device) {}, loginapi.Error{Error: "expired_token"}, ErrTimeout.Error()},
		{"code that lasts no time", func(d *loginapi.Device) { d.ExpiresIn = 0 }, loginapi.Error{Error: "authorization_pending"}, ErrTimeout.Error()},
		{"page of another server", func(d *loginapi.Device) { d.VerificationURI = "https://elsewhere.example/" }, loginapi.Error{}, "is of another server"},
		{"page of a server that begins alike", beginsAlike, loginapi.Error{}, "is of another server"},
		{"code that clears the terminal", func(d *loginapi.Device) { d.UserCode = "\x1b[2J" }, loginapi.Error{}, "user_code has characters"},
		{"no device code", func(d *loginapi.Device) { d.DeviceCode = "" }, loginapi.Error{}, "device_code is missing"},
		{"negative interval", func(d *loginapi.Device) { d.Interval = -1 }, loginapi.Error{}, "interval is no whole number"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var p *provider
			p = newProvider(t, func(path string, _ url.Values, _ int) (int, any) {
				if path == loginapi.TokenPath {
					return http.StatusBadRequest, tt.poll
				}
				d := loginapi.Device{
					DeviceCode: "device", UserCode: "BCDF-GHJK", VerificationURI: p.URL + "/v", VerificationURIComplete: p.URL + "/v?c", ExpiresIn: 600, Interval: 5,
				}
				tt.device(&d)
				return http.StatusOK, d
			})
			c := person(nil)
			c.Now = stepping()
			if got, err := c.Device(t.Context(), &Request{Endpoint: Endpoint(p.URL)}); err == nil || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("%+v, %v, want %q", got, err, tt.reason)
			}
		})
	}
}

func beginsAlike(d *loginapi.Device) {
	d.VerificationURIComplete = strings.TrimSuffix(d.VerificationURI, "/v") + ".elsewhere.example/"
}

// stepping is a clock that goes on by a second whenever it is read.
func stepping() func() time.Time {
	now := noon
	return func() time.Time {
		now = now.Add(time.Second)
		return now
	}
}

func TestCAFile(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_request"}`)
	}))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	folder := t.TempDir()
	good := writePEM(t, folder, s.Certificate().Raw)
	for file, reason := range map[string]string{
		good:                                  "invalid_request",
		"":                                    "certificate signed by unknown authority",
		folder + "/none.pem":                  "reading the authorities",
		writeFile(t, folder, "empty.pem", ""): "has no certificate",
	} {
		_, err := person(nil).Device(t.Context(), &Request{Endpoint: Endpoint(s.URL), CAFile: file})
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v, want %q", file, err, reason)
		}
	}
}

func writePEM(t *testing.T, folder string, der []byte) string {
	t.Helper()
	return writeFile(t, folder, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}

func writeFile(t *testing.T, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
