package commandline

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/login"
	"github.com/stint-sts/stint/internal/loginapi"
)

func TestBrowserLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.program(func(page string) { w.allow("alice", page) }, nil)
	own, err := c.Browser(t.Context(), &login.Request{Endpoint: login.Endpoint(w.url)})
	if err != nil {
		t.Fatal(err)
	}
	s, before := w.session(own), w.signedIn["alice"].Caller.Session
	if own.ARN != w.alice.ARN || own.RoleARN != "" || own.Region != "eu-central-1" || s.PrincipalID != w.alice.ID || !s.MFATime.Equal(before.MFATime) {
		t.Errorf("got %+v of %+v", own, s)
	}
	// What revokes the sign-in revokes this too, and it ends with it.
	if !s.Issued.Equal(before.Issued) || s.Revision != before.Revision || !s.Expires.Equal(before.Expires) || s.AccessKeyID == before.AccessKeyID {
		t.Errorf("the session is of %v, revision %d, until %v", s.Issued, s.Revision, s.Expires)
	}
	short, err := c.Browser(t.Context(), &login.Request{Endpoint: login.Endpoint(w.url), Duration: time.Hour})
	if err != nil || !w.session(short).Expires.Equal(began.Add(time.Hour)) {
		t.Errorf("for an hour: %+v, %v", short, err)
	}
	role, err := c.Browser(t.Context(), &login.Request{Endpoint: login.Endpoint(w.url), Role: w.reader.ARN, Duration: 20 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if s := w.session(role); role.ARN != "arn:aws:sts::111122223333:assumed-role/reader/alice" || role.RoleARN != w.reader.ARN || s.PrincipalID != w.reader.ID ||
		s.Name != "alice" || !s.Chained || !s.Expires.Equal(began.Add(20*time.Minute)) {
		t.Errorf("got %+v of %+v", role, s)
	}
	if yes, fetched := w.events(`"AuthorizeOAuth2Access"`, own.AccessKeyID, w.alice.ARN), w.events(`"CreateOAuth2Token"`, own.AccessKeyID, w.alice.ARN); yes != 1 || fetched != 1 {
		t.Errorf("%d and %d lines, want one each:\n%s", yes, fetched, w.audit)
	}
	if yes, fetched := w.events(`"AuthorizeOAuth2Access"`, `"roleArn":"`+w.reader.ARN, role.AccessKeyID), w.events(`"CreateOAuth2Token"`, role.ARN); yes != 1 || fetched != 1 {
		t.Errorf("%d and %d lines of the role, want one each:\n%s", yes, fetched, w.audit)
	}
	for _, l := range []*login.Login{own, short, role} {
		for _, s := range []string{l.Secret.RevealString(), l.SessionToken.RevealString()} {
			if strings.Contains(w.audit.String(), s) {
				t.Error("the audit log holds a secret")
			}
		}
	}
}

func TestBrowserRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		request login.Request
		// person does what the person does with the page.
		person func(w *world, page string)
		reason string
	}{
		{"the person says no", login.Request{}, func(w *world, page string) {
			b := w.browser("alice")
			b.get(b.post(w.url+loginapi.AuthorizePath, b.get(page).form(decisionDeny), nil).location)
		}, "access_denied: the person said no"},
		{"the person says nothing", login.Request{}, func(w *world, page string) {
			b := w.browser("alice")
			b.get(b.post(w.url+loginapi.AuthorizePath, b.get(page).form(""), nil).location)
		}, "access_denied: the person said no"},
		{"too short", login.Request{Duration: time.Minute}, func(w *world, page string) {
			b := w.browser("alice")
			b.get(b.get(page).location)
		}, "invalid_request: duration_seconds is not a number of seconds from 900 to 129600"},
		{"the audit log cannot be written", login.Request{}, func(w *world, page string) {
			w.audit.mu.Lock()
			w.audit.full = true
			w.audit.mu.Unlock()
			w.allow("alice", page)
		}, "temporarily_unavailable"},
		{"the store is away", login.Request{}, func(w *world, page string) {
			w.grants.away = true
			w.allow("alice", page)
		}, "temporarily_unavailable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tt.request.Endpoint = login.Endpoint(w.url)
			c := w.program(func(page string) { tt.person(w, page) }, nil)
			if got, err := c.Browser(t.Context(), &tt.request); err == nil || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("%+v, %v, want %q", got, err, tt.reason)
			}
		})
	}
}

// goodQuery is a request for a code by a program at a port where nobody listens.
func goodQuery() url.Values {
	a := authorization{Redirect: "http://127.0.0.1:9/callback", State: "the-state", Challenge: challenge}
	return a.query()
}

// The example of RFC 7636, appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func set(query url.Values, name string, values ...string) url.Values {
	query[name] = values
	return query
}

// What a link may ask for. Nothing is sent to an address that is not the machine's own.
func TestAuthorizeRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser("alice")
	page := w.url + loginapi.AuthorizePath + "?"
	good := b.get(page + goodQuery().Encode())
	good.want(t, "control", http.StatusOK, "at 127.0.0.1:9, asks for credentials")
	good.want(t, "control", http.StatusOK, w.alice.ARN)
	for header, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' http://127.0.0.1:9",
		"Cache-Control":           "no-store", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
	} {
		if got := good.header.Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
	b.get(page+set(goodQuery(), "redirect_uri", "http://[::1]:65535/callback").Encode()).want(t, "IPv6", http.StatusOK, "[::1]:65535")
	w.browser("").get(page+goodQuery().Encode()).want(t, "nobody", http.StatusSeeOther, "/signin?to=%2Fsignin%2Fauthorize%3F")
	w.browser("mallory").get(page+goodQuery().Encode()).want(t, "a cookie of nobody", http.StatusSeeOther, "/signin?to=")

	for _, redirect := range []string{
		"https://evil.example/callback", "http://evil.example/callback", "http://127.0.0.1.evil.example:9/callback",
		"http://127.0.0.1:9@evil.example/callback", "http://evil.example:9/callback", "http://localhost:9/callback", "http://127.0.0.1/callback",
		"http://127.0.0.1:0/callback", "http://127.0.0.1:09/callback", "http://127.0.0.1:9/callback/", "http://127.0.0.1:9/callback?a=b", "http://127.0.0.1:9/callback#a",
		"http://127.0.0.1:9/../callback", "HTTP://127.0.0.1:9/callback", "http://0.0.0.0:9/callback", "http://169.254.169.254:80/callback", "http://[::ffff:127.0.0.1]:9/callback",
		"http://[::1%25lo]:9/callback", "http://127.1:9/callback", "http://2130706433:9/callback", "javascript:alert(1)", "stint:callback", "",
	} {
		for _, who := range []string{"alice", ""} {
			r := w.browser(who).get(page + set(goodQuery(), "redirect_uri", redirect).Encode())
			r.want(t, redirect, http.StatusBadRequest, "redirect_uri is not http://127.0.0.1")
		}
	}
	b.get(page+set(goodQuery(), "redirect_uri", "http://127.0.0.1:9/callback", "http://127.0.0.1:10/callback").Encode()).
		want(t, "two addresses", http.StatusBadRequest, "redirect_uri is given more than once")
	b.get(page+set(goodQuery(), "client_id", "other").Encode()).want(t, "another client", http.StatusBadRequest, "the client is unknown")

	for _, tt := range []struct {
		name, parameter string
		values          []string
		location        string
	}{
		{"another type", "response_type", []string{"token"}, "?error=unsupported_response_type&"},
		{"no challenge", "code_challenge", nil, "?error=invalid_request&"},
		{"short challenge", "code_challenge", []string{"abc"}, "?error=invalid_request&"},
		{"plain challenge", "code_challenge_method", []string{"plain"}, "?error=invalid_request&"},
		{"no method", "code_challenge_method", nil, "?error=invalid_request&"},
		{"two challenges", "code_challenge", []string{"a", "b"}, "?error=invalid_request&"},
		{"no role", "role_arn", []string{"reader"}, "?error=invalid_request&"},
		{"user for a role", "role_arn", []string{w.alice.ARN}, "?error=invalid_request&"},
		{"other spelling of a duration", "duration_seconds", []string{"+3600"}, "?error=invalid_request&"},
		{"endless", "duration_seconds", []string{"129601"}, "?error=invalid_request&"},
		{"long state", "state", []string{strings.Repeat("a", maxState+1)}, "?error=invalid_request&"},
	} {
		r := b.get(page + set(goodQuery(), tt.parameter, tt.values...).Encode())
		r.want(t, tt.name, http.StatusSeeOther, "http://127.0.0.1:9/callback"+tt.location)
		if state := strings.Contains(r.location, "state=the-state"); state == (tt.parameter == "state") {
			t.Errorf("%s: %s", tt.name, r.location)
		}
	}

	refused := b.post(w.url+loginapi.AuthorizePath, b.get(page+set(goodQuery(), "role_arn", "arn:aws:iam::111122223333:role/closed").Encode()).form(decisionAllow), nil)
	refused.want(t, "a role that is closed", http.StatusForbidden, "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/closed")
	refused = b.post(w.url+loginapi.AuthorizePath, b.get(page+set(goodQuery(), "duration_seconds", "36000").Encode()).form(decisionAllow), nil)
	refused.want(t, "longer than the sign-in", http.StatusForbidden, "exceeds the 25200 seconds that are left")
	refused = b.post(w.url+loginapi.AuthorizePath, b.get(page+set(set(goodQuery(), "duration_seconds", "7200"), "role_arn", w.reader.ARN).Encode()).form(decisionAllow), nil)
	refused.want(t, "longer than the role has it", http.StatusForbidden, "exceeds the MaxSessionDuration set for this role")
	if n := w.events(`"AuthorizeOAuth2Access"`, `"AccessDenied"`, "role/closed", w.alice.ARN); n != 1 {
		t.Errorf("%d lines of the refusal, want one:\n%s", n, w.audit)
	}
}

// Only the form that the person was shown says yes.
func TestAuthorizeForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser("alice")
	form := func() url.Values {
		return b.get(w.url + loginapi.AuthorizePath + "?" + goodQuery().Encode()).form(decisionAllow)
	}
	target := w.url + loginapi.AuthorizePath
	b.post(target, form(), nil).want(t, "control", http.StatusSeeOther, "http://127.0.0.1:9/callback?code=")
	from := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Set(name, value)
		}
	}
	b.post(target, form(), from("Origin", w.url)).want(t, "an older browser", http.StatusSeeOther, "?code=")
	b.post(target, form(), from("Sec-Fetch-Site", "cross-site")).want(t, "another site", http.StatusForbidden, "The form is not of this server.")
	b.post(target, form(), from("Sec-Fetch-Site", "same-site")).want(t, "a neighbour", http.StatusForbidden, "The form is not of this server.")
	b.post(target, form(), from("Origin", "https://evil.example")).want(t, "another site in an older browser", http.StatusForbidden, "The form is not of this server.")
	b.post(target, form(), from("Origin", "null")).want(t, "no site in an older browser", http.StatusForbidden, "The form is not of this server.")
	const notOwn = "The form is not of this page"
	b.post(target, set(form(), tokenField), nil).want(t, "no token", http.StatusForbidden, notOwn)
	b.post(target, set(form(), tokenField, ""), nil).want(t, "empty token", http.StatusForbidden, notOwn)
	b.post(target, set(form(), tokenField, "form-token-of-bob"), nil).want(t, "another's token", http.StatusForbidden, notOwn)
	b.post(target, set(form(), tokenField, "form-token-of-alice", "x"), nil).want(t, "two tokens", http.StatusForbidden, notOwn)
	w.browser("bob").post(target, form(), nil).want(t, "another person", http.StatusForbidden, notOwn)
	w.browser("").post(target, form(), nil).want(t, "nobody", http.StatusSeeOther, "/signin?to=")
	b.get(target+"?"+form().Encode()).want(t, "a link that says yes", http.StatusOK, "Did you just run")
	b.post(target+"?"+form().Encode(), url.Values{}, nil).want(t, "a query that says yes", http.StatusBadRequest, "the client is unknown")
	b.post(target, form(), func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }).want(t, "no form", http.StatusBadRequest, "cannot be read")
	b.post(target, form(), func(r *http.Request) { r.Method = http.MethodPut }).want(t, "another method", http.StatusMethodNotAllowed, "")
	b.post(target, set(form(), "x", strings.Repeat("a", maxForm)), nil).want(t, "huge", http.StatusBadRequest, "cannot be read")
	if n := w.events(`"AuthorizeOAuth2Access"`); n != 2 {
		t.Errorf("%d lines, want those of the two that were right:\n%s", n, w.audit)
	}
}
