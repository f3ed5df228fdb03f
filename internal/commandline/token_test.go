package commandline

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stint-sts/stint/internal/loginapi"
)

// code has alice say yes to goodQuery, and returns the code.
func (w *world) code() string {
	w.t.Helper()
	b := w.browser("alice")
	page := b.get(w.url + loginapi.AuthorizePath + "?" + goodQuery().Encode())
	u, err := url.Parse(b.post(w.url+loginapi.AuthorizePath, page.form(decisionAllow), nil).location)
	if err != nil || u.Query().Get("code") == "" || u.Query().Get("state") != "the-state" {
		w.t.Fatalf("%v, %v", u, err)
	}
	return u.Query().Get("code")
}

func codeForm(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"stint-cli"}, "code": {code}, "redirect_uri": {"http://127.0.0.1:9/callback"}, "code_verifier": {verifier},
	}
}

// ask sends a form to the token endpoint.
func (w *world) ask(form url.Values) (status int, token loginapi.Token, fault loginapi.Error) {
	w.t.Helper()
	r := w.browser("").post(w.url+loginapi.TokenPath, form, func(r *http.Request) { r.Header.Del("Sec-Fetch-Site") })
	if r.header.Get("Cache-Control") != "no-store" || r.header.Get("Content-Type") != "application/json" || r.header.Get("Access-Control-Allow-Origin") != "" {
		w.t.Errorf("headers %v", r.header)
	}
	var answer any = &fault
	if r.status == http.StatusOK {
		answer = &token
	}
	if err := json.Unmarshal([]byte(r.body), answer); err != nil {
		w.t.Errorf("%s: %v", r.body, err)
	}
	return r.status, token, fault
}

func TestToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status, token, fault := w.ask(codeForm(w.code()))
	if status != http.StatusOK || token.TokenType != "AWS4-HMAC-SHA256" || token.ExpiresIn != 7*60*60 || token.Expiration != "2026-11-24T19:00:00Z" ||
		token.AccessToken == "" || token.SecretAccessKey == "" || token.ARN != w.alice.ARN {
		t.Errorf("%d, %+v, %+v", status, token, fault)
	}
	for _, tt := range []struct {
		name      string
		parameter string
		values    []string
		status    int
		code      string
		reason    string // in the audit log
	}{
		{"another verifier", "code_verifier", []string{strings.Repeat("a", 43)}, 400, "invalid_grant", "the code verifier does not match"},
		{"the challenge for the verifier", "code_verifier", []string{challenge}, 400, "invalid_grant", "the code verifier does not match"},
		{"another port", "redirect_uri", []string{"http://127.0.0.1:10/callback"}, 400, "invalid_grant", "the code was sent to another address"},
		{"another address", "redirect_uri", []string{"https://evil.example/"}, 400, "invalid_grant", "the code was sent to another address"},
		{"guessed code", "code", []string{challenge}, 400, "invalid_grant", "the code is unknown, over or used before"},
		{"malformed code", "code", []string{"code-abc"}, 400, "invalid_grant", "the code is malformed"},
		{"no verifier", "code_verifier", nil, 400, "invalid_request", "is missing"},
		{"no redirect", "redirect_uri", nil, 400, "invalid_request", "is missing"},
		{"two codes", "code", []string{"a", "b"}, 400, "invalid_request", "code is given more than once"},
		{"another client", "client_id", []string{"other"}, 401, "invalid_client", "the client is unknown"},
		{"password grant", "grant_type", []string{"password"}, 400, "unsupported_grant_type", "the grant type is unknown"},
		{"a code for a device code", "grant_type", []string{loginapi.GrantDevice}, 400, "invalid_grant", "the device code is malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			code := w.code()
			status, _, fault := w.ask(set(codeForm(code), tt.parameter, tt.values...))
			if status != tt.status || fault.Error != tt.code {
				t.Errorf("%d, %+v, want %d %s", status, fault, tt.status, tt.code)
			}
			// Whoever has a code and no verifier has stolen it: it is spent.
			status, _, _ = w.ask(codeForm(code))
			if spent := tt.code == "invalid_grant" && tt.parameter != "code" && tt.parameter != "grant_type"; spent != (status != http.StatusOK) {
				t.Errorf("the right request after that: %d", status)
			}
			if n := w.events(`"CreateOAuth2Token"`, tt.code, tt.reason); n < 1 {
				t.Errorf("no line with %q:\n%s", tt.reason, w.audit)
			}
		})
	}
}

// A code is good for one minute and one use.
func TestTokenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code()
	var mu sync.Mutex
	given := 0
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			status, token, fault := w.ask(codeForm(code))
			mu.Lock()
			defer mu.Unlock()
			if status == http.StatusOK && token.AccessToken != "" {
				given++
			} else if fault.Error != "invalid_grant" {
				t.Errorf("%d, %+v", status, fault)
			}
		})
	}
	all.Wait()
	if given != 1 {
		t.Errorf("%d of 20 got credentials, want one", given)
	}
	late := w.code()
	w.pass(codeLifetime)
	if status, _, fault := w.ask(codeForm(late)); status != http.StatusBadRequest || fault.Error != "invalid_grant" {
		t.Errorf("after a minute: %d, %+v", status, fault)
	}
	if n := w.events("the code is over"); n < 1 {
		t.Errorf("no line says why:\n%s", w.audit)
	}
}

// What cannot be written down is not given out, and what cannot be reached is told so.
func TestTokenWithoutAudit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code()
	w.audit.mu.Lock()
	w.audit.full = true
	w.audit.mu.Unlock()
	if status, token, fault := w.ask(codeForm(code)); status != http.StatusServiceUnavailable || token.AccessToken != "" || fault.Error != "temporarily_unavailable" {
		t.Errorf("%d, %+v", status, fault)
	}
	w = newWorld(t)
	w.grants.away = true
	r := w.browser("").post(w.url+loginapi.DevicePath, url.Values{"client_id": {"stint-cli"}}, nil)
	r.want(t, "no store", http.StatusServiceUnavailable, "temporarily_unavailable")
	if r.header.Get("Retry-After") == "" {
		t.Error("nothing says when to come back")
	}
}

func TestTokenEndpointTakesFormsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser("alice")
	b.get(w.url+loginapi.TokenPath+"?"+codeForm("x").Encode()).want(t, "GET", http.StatusMethodNotAllowed, "")
	b.post(w.url+loginapi.TokenPath, codeForm("x"), func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }).
		want(t, "JSON", http.StatusBadRequest, "the body is no form")
	b.post(w.url+loginapi.TokenPath, codeForm("x"), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }).
		want(t, "a page of another site", http.StatusForbidden, "not of this server")
	b.post(w.url+loginapi.TokenPath, set(codeForm("x"), "y", strings.Repeat("z", maxForm)), nil).want(t, "huge", http.StatusBadRequest, "too long")
	b.post(w.url+loginapi.TokenPath+"?client_id=stint-cli", url.Values{}, nil).want(t, "query", http.StatusUnauthorized, "invalid_client")
}
