package relying_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/relying"
	"github.com/stint-sts/stint/sigv4"
)

const identityAnswer = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:aws:iam::111122223333:user/alice</Arn>
    <UserId>AIDAEXAMPLE</UserId>
    <Account>111122223333</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>`

// login is an endpoint that verifies signatures as Stint does, and a service that checks logins against it.
type login struct {
	t      *testing.T
	check  relying.IdentityCheck
	answer http.HandlerFunc // in place of the identity, if not nil
	asked  int
	nonces map[string]bool
}

var loginTime = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

func newLogin(t *testing.T) *login {
	l := &login{t: t, nonces: map[string]bool{"n1": true}}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.asked++
		req := sigv4.FromHTTP(r)
		sig, err := sigv4.Parse(&req)
		if err == nil {
			err = sig.Check(sigv4.Options{Now: loginTime, Service: "sts"})
		}
		if err == nil {
			key, _ := sig.DeriveKey("secret")
			err = sig.Verify(key, [32]byte{0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
				0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55}) // of nothing
		}
		switch {
		case l.answer != nil:
			l.answer(w, r)
		case err != nil:
			w.WriteHeader(http.StatusForbidden)
		default:
			w.Header().Set("Content-Type", "text/xml")
			_, _ = io.WriteString(w, identityAnswer)
		}
	}))
	t.Cleanup(site.Close)
	l.check = relying.IdentityCheck{
		Endpoint: site.URL, Audience: "backup.example", Now: func() time.Time { return loginTime },
		UseNonce: func(_ context.Context, nonce string) error {
			if !l.nonces[nonce] {
				return errors.New("unknown or used")
			}
			delete(l.nonces, nonce)
			return nil
		},
	}
	return l
}

// url is a presigned GetCallerIdentity; alter may change the request before it is signed.
func (l *login) url(alter func(*http.Request)) string {
	l.t.Helper()
	r, err := http.NewRequest(http.MethodGet, l.check.Endpoint+"/?Action=GetCallerIdentity&Version=2011-06-15", nil)
	if err != nil {
		l.t.Fatal(err)
	}
	r.Header.Set("X-Stint-Audience", "backup.example")
	r.Header.Set("X-Stint-Nonce", "n1")
	if alter != nil {
		alter(r)
	}
	g := sigv4.Signer{Credentials: sigv4.NewCredentials("AKIAEXAMPLE", "secret", "to/ken="), Region: "us-east-1", Service: "sts"}
	if err := g.Presign(r, nil, loginTime.Add(-10*time.Second), time.Minute); err != nil {
		l.t.Fatal(err)
	}
	return r.URL.String()
}

func (l *login) verify(u, nonce string) (relying.Identity, error) {
	return relying.VerifyCallerIdentityURL(l.t.Context(), l.check, u, nonce)
}

// A login is good once, for its own service.
func TestVerifyCallerIdentityURL(t *testing.T) {
	t.Parallel()
	l := newLogin(t)
	u := l.url(nil)
	id, err := l.verify(u, "n1")
	if want := (relying.Identity{Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/alice", UserID: "AIDAEXAMPLE"}); err != nil || id != want {
		t.Fatalf("%+v, %v", id, err)
	}
	if _, err := l.verify(u, "n1"); err == nil || !strings.Contains(err.Error(), "unknown or used") {
		t.Errorf("again: %v", err)
	}
	l.nonces["n2"] = true
	if _, err := l.verify(u, "n2"); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("with another nonce than was signed: %v", err)
	}
	l.nonces["n1"] = true
	l.check.Audience = "other.example"
	if _, err := l.verify(u, "n1"); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("at another service: %v", err)
	}
}

// T17, CVE-2020-16250: whatever is not exactly a GetCallerIdentity for this service is refused before anybody is asked.
func TestIdentityURLRefusals(t *testing.T) {
	t.Parallel()
	l := newLogin(t)
	good := l.url(nil)
	host := strings.TrimPrefix(l.check.Endpoint, "http://")
	set := func(name, value string) string {
		u, _ := url.Parse(good)
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	for name, tt := range map[string]struct{ url, reason string }{
		"another host":            {strings.Replace(good, host, "127.0.0.1:1", 1), "another host"},
		"another host, TLS":       {strings.Replace(good, "http://"+host, "https://evil.example", 1), "another host"},
		"host as a suffix":        {strings.Replace(good, host, host+".evil.example", 1), "URL"},
		"userinfo":                {strings.Replace(good, host, host+"@evil.example", 1), "character"},
		"a fragment":              {good + "#x", "character"},
		"a backslash":             {strings.Replace(good, "/?", `\?`, 1), "character"},
		"a line break":            {good + "\r\nX: y", "character"},
		"another path":            {strings.Replace(good, "/?", "/x?", 1), "not https://host/?query"},
		"another scheme":          {strings.Replace(good, "http:", "ftp:", 1), "not https://host/?query"},
		"another action":          {set("Action", "GetSessionToken"), "another action"},
		"no action":               {strings.Replace(good, "Action=GetCallerIdentity&", "", 1), "another action"},
		"an action twice":         {good + "&Action=GetCallerIdentity", "there twice"},
		"an escaped name":         {strings.Replace(good, "Action=", "%41ction=", 1), "unknown"},
		"in another case":         {strings.Replace(good, "Action=", "action=", 1), "unknown"},
		"an unknown parameter":    {good + "&Format=JSON", "unknown"},
		"another version":         {set("Version", "2010-05-08"), "another action"},
		"another algorithm":       {set("X-Amz-Algorithm", "AWS4-ECDSA-P256-SHA256"), "another algorithm"},
		"no signature":            {set("X-Amz-Signature", ""), "not signed"},
		"expiry too long":         {set("X-Amz-Expires", "61"), "X-Amz-Expires"},
		"no expiry":               {set("X-Amz-Expires", ""), "X-Amz-Expires"},
		"expired":                 {set("X-Amz-Date", "20260506T070708Z"), "expired"},
		"of the future":           {set("X-Amz-Date", "20260506T071000Z"), "expired"},
		"no date":                 {set("X-Amz-Date", "2026"), "no date"},
		"audience not signed":     {l.url(func(r *http.Request) { r.Header.Del("X-Stint-Audience") }), "must cover"},
		"nonce not signed":        {l.url(func(r *http.Request) { r.Header.Del("X-Stint-Nonce") }), "must cover"},
		"a further header signed": {l.url(func(r *http.Request) { r.Header.Set("Accept", "application/json") }), "must cover"},
		"too long":                {good + strings.Repeat("x", 9000), "too long"},
		"nothing":                 {"", "not https"},
	} {
		if _, err := l.verify(tt.url, "n1"); err == nil || !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("%s: %v, want %s", name, err, tt.reason)
		}
	}
	if l.asked != 0 || !l.nonces["n1"] {
		t.Errorf("%d requests were made, nonces %v", l.asked, l.nonces)
	}
	if _, err := l.verify(good, "n1"); err != nil {
		t.Errorf("the control: %v", err)
	}
}

// The answer must be Stint's, and nothing else that says the same.
func TestIdentityAnswers(t *testing.T) {
	t.Parallel()
	replace := func(from, to string) string { return strings.Replace(identityAnswer, from, to, 1) }
	for name, tt := range map[string]struct {
		status       int
		kind, answer string
	}{
		"a redirect":          {302, "text/xml", identityAnswer},
		"an error":            {403, "text/xml", identityAnswer},
		"JSON":                {200, "application/json", `{"Arn":"arn:aws:iam::111122223333:user/alice"}`},
		"XML as JSON":         {200, "application/json", identityAnswer},
		"no namespace":        {200, "text/xml", replace(` xmlns="https://sts.amazonaws.com/doc/2011-06-15/"`, "")},
		"another root":        {200, "text/xml", strings.ReplaceAll(identityAnswer, "CallerIdentityResponse", "SessionTokenResponse")},
		"two roots":           {200, "text/xml", identityAnswer + identityAnswer},
		"an ARN twice":        {200, "text/xml", replace("<Account>", "<Arn>arn:aws:iam::111122223333:root</Arn><Account>")},
		"another account":     {200, "text/xml", replace("<Account>111122223333", "<Account>444455556666")},
		"text around it":      {200, "text/xml", "x" + identityAnswer},
		"a comment inside":    {200, "text/xml", replace("user/alice", "user/alice<!-- -->")},
		"a directive":         {200, "text/xml", "<!DOCTYPE x>" + identityAnswer},
		"cut":                 {200, "text/xml", identityAnswer[:200]},
		"too long":            {200, "text/xml", identityAnswer + strings.Repeat(" ", 70000)},
		"another's inside it": {200, "text/xml", replace("<UserId>", "<GetCallerIdentityResponse/><UserId>x</UserId><UserId>")},
		"an ARN that is none": {200, "text/xml", replace("arn:aws:iam", "iam")},
		"without a user":      {200, "text/xml", replace("AIDAEXAMPLE", "")},
	} {
		l := newLogin(t)
		l.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", tt.kind)
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(tt.status)
			_, _ = fmt.Fprint(w, tt.answer)
		}
		if id, err := l.verify(l.url(nil), "n1"); err == nil || id.ARN != "" || l.asked != 1 {
			t.Errorf("%s: %+v, %v, asked %d times", name, id, err, l.asked)
		}
	}
}
