package commandline

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/login"
	"github.com/stint-sts/stint/internal/loginapi"
)

// answer has a person type a code and decide.
func (w *world) answer(person, code, decision string) reply {
	w.t.Helper()
	b := w.browser(person)
	verify := w.url + loginapi.VerifyPath
	first := b.get(verify)
	if first.status != http.StatusOK {
		return first
	}
	look := b.post(verify, set(first.form(""), "user_code", code), nil)
	if look.status != http.StatusOK {
		return look
	}
	return b.post(verify, look.form(decision), nil)
}

func TestDeviceLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	polls := 0
	c := w.program(nil, func(page, code, complete string) {
		if page != w.url+loginapi.VerifyPath || !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(code) || complete != page+"?user_code="+code {
			t.Errorf("%s %s %s", page, code, complete)
		}
		w.browser("").get(complete).want(t, "nobody", http.StatusSeeOther, "/signin?to=%2Fsignin%2Fdevice%2Fverify%3Fuser_code%3D"+code)
		b := w.browser("alice")
		first := b.get(complete)
		first.want(t, "the page", http.StatusOK, `value="`+code+`"`)
		look := b.post(page, set(first.form(""), "user_code", strings.ToLower(strings.ReplaceAll(code, "-", " "))), nil)
		for _, shown := range []string{code, "<dd>127.0.0.1</dd>", "stint-test", "12:00:00 UTC", w.reader.ARN, "20 minutes", "If somebody sent you the code or a link"} {
			look.want(t, "the question", http.StatusOK, shown)
		}
	})
	sleep := c.Sleep
	user := ""
	code := c.Code
	c.Code = func(page, user2, complete string) { user = user2; code(page, user2, complete) }
	c.Sleep = func(ctx context.Context, d time.Duration) error {
		if polls++; polls == 3 {
			w.answer("alice", user, decisionAllow).want(t, "yes", http.StatusOK, "Allowed")
			w.answer("alice", user, decisionAllow).want(t, "yes again", http.StatusNotFound, "There is no such code")
		}
		return sleep(ctx, d)
	}
	got, err := c.Device(t.Context(), &login.Request{Endpoint: login.Endpoint(w.url), Role: w.reader.ARN, Duration: 20 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if s := w.session(got); polls != 3 || s.PrincipalID != w.reader.ID || s.Name != "alice" || s.Expires.Sub(began) != 20*time.Minute+10*time.Second {
		t.Errorf("after %d polls %+v", polls, s)
	}
	w.answer("alice", user, decisionAllow).want(t, "after it was fetched", http.StatusNotFound, "There is no such code")
	begun, yes, fetched := w.events(`"StartDeviceAuthorization"`, w.reader.ARN), w.events(`"AuthorizeOAuth2Access"`, got.AccessKeyID, `"deviceAddress":"127.0.0.1"`),
		w.events(`"CreateOAuth2Token"`, got.AccessKeyID, "device_code")
	if begun != 1 || yes != 1 || fetched != 1 {
		t.Errorf("%d, %d, %d lines, want one each:\n%s", begun, yes, fetched, w.audit)
	}
}

func TestDeviceRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	request := &login.Request{Endpoint: login.Endpoint(w.url)}
	var refused *login.Error
	_, err := w.program(nil, func(_, code, _ string) {
		w.answer("alice", code, decisionDeny).want(t, "no", http.StatusOK, "Denied")
		w.answer("alice", code, decisionAllow).want(t, "yes after no", http.StatusNotFound, "There is no such code")
	}).Device(t.Context(), request)
	if !errors.As(err, &refused) || refused.Code != "access_denied" {
		t.Errorf("the person says no: %v", err)
	}
	if _, err := w.program(nil, func(string, string, string) {}).Device(t.Context(), request); !errors.Is(err, login.ErrTimeout) {
		t.Errorf("nobody answers: %v", err)
	}
	_, err = w.program(nil, func(_, code, _ string) {
		w.pass(deviceLifetime)
		w.answer("alice", code, decisionAllow).want(t, "too late", http.StatusNotFound, "There is no such code")
	}).Device(t.Context(), request)
	if !errors.Is(err, login.ErrTimeout) {
		t.Errorf("too late: %v", err)
	}
	closed := *request
	closed.Role = "arn:aws:iam::111122223333:role/closed"
	_, err = w.program(nil, func(_, code, _ string) {
		w.answer("alice", code, decisionAllow).want(t, "a role that is closed", http.StatusForbidden, "is not authorized to perform: sts:AssumeRole")
		w.answer("alice", code, decisionDeny).want(t, "then no", http.StatusOK, "Denied")
	}).Device(t.Context(), &closed)
	if !errors.As(err, &refused) || refused.Code != "access_denied" {
		t.Errorf("a role that is closed: %v", err)
	}
}

// start begins a login of a device.
func (w *world) start() loginapi.Device {
	w.t.Helper()
	r := w.browser("").post(w.url+loginapi.DevicePath, url.Values{"client_id": {"stint-cli"}}, nil)
	var d loginapi.Device
	if err := json.Unmarshal([]byte(r.body), &d); err != nil || r.status != http.StatusOK || d.ExpiresIn != 600 || d.Interval != 5 {
		w.t.Fatalf("%d %s, %v", r.status, r.body, err)
	}
	return d
}

func (w *world) poll(code string) (status int, token loginapi.Token, fault loginapi.Error) {
	w.t.Helper()
	return w.ask(url.Values{"grant_type": {loginapi.GrantDevice}, "client_id": {"stint-cli"}, "device_code": {code}})
}

// Whoever sees the short code, or guesses one, gets nothing by it.
func TestDeviceCodeGuessed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start()
	w.answer("alice", d.UserCode, decisionAllow).want(t, "control", http.StatusOK, "Allowed")
	user, secret, _ := strings.Cut(d.DeviceCode, ".")
	other, _, _ := strings.Cut(w.start().DeviceCode, ".")
	for name, code := range map[string]string{
		"another secret":        user + "." + challenge,
		"secret of another":     other + "." + secret,
		"no secret":             user + ".",
		"user code":             d.UserCode,
		"another spelling":      strings.ToLower(user) + "." + secret,
		"with its hyphen":       d.UserCode + "." + secret,
		"padded":                d.DeviceCode + "=",
		"empty":                 "",
		"code that nobody has":  "BBBBBBBB." + secret,
		"with something behind": d.DeviceCode + ".",
	} {
		want := "invalid_grant"
		if name == "code that nobody has" {
			want = "expired_token"
		}
		if status, _, fault := w.poll(code); status != http.StatusBadRequest || fault.Error != want {
			t.Errorf("%s: %d, %+v", name, status, fault)
		}
	}
	if status, token, fault := w.poll(d.DeviceCode); status != http.StatusOK || token.ARN != w.alice.ARN {
		t.Errorf("the device itself: %d, %+v", status, fault)
	}
	if status, _, fault := w.poll(d.DeviceCode); status != http.StatusBadRequest || fault.Error != "expired_token" {
		t.Errorf("the device again: %d, %+v", status, fault)
	}
}

func TestDevicePolls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d, other := w.start(), w.start()
	for i, c := range []struct {
		after time.Duration
		code  string
		want  string
	}{
		{0, d.DeviceCode, "authorization_pending"}, {time.Second, d.DeviceCode, "slow_down"}, {0, other.DeviceCode, "authorization_pending"},
		{5 * time.Second, d.DeviceCode, "authorization_pending"},
	} {
		w.pass(c.after)
		if status, _, fault := w.poll(c.code); status != http.StatusBadRequest || fault.Error != c.want {
			t.Errorf("%d: %d, %+v, want %s", i, status, fault, c.want)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start()
	verify := w.url + loginapi.VerifyPath
	b := w.browser("alice")
	form := func(token, decision string) url.Values {
		return url.Values{"form_token": {token}, "user_code": {d.UserCode}, "decision": {decision}}
	}
	const own = "form-token-of-alice"
	w.browser("").post(verify, form(own, "allow"), nil).want(t, "nobody", http.StatusSeeOther, "/signin?to=")
	w.browser("bob").post(verify, form(own, "allow"), nil).want(t, "another person", http.StatusForbidden, "not of this page")
	b.post(verify, form("", "allow"), nil).want(t, "no token", http.StatusForbidden, "not of this page")
	b.post(verify, form(own, "allow"), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }).want(t, "another site", http.StatusForbidden, "not of this server")
	b.get(verify+"?"+form(own, "allow").Encode()).want(t, "a link that says yes", http.StatusOK, "Enter the code")
	b.get(verify+"?user_code=%22%3E%3Cscript%3E").want(t, "a link with a script", http.StatusOK, `name="user_code" value=""`)
	b.get(verify+"?user_code=a&user_code=b").want(t, "two codes", http.StatusBadRequest, "more than once")
	if status, _, fault := w.poll(d.DeviceCode); status != http.StatusBadRequest || fault.Error != "authorization_pending" {
		t.Errorf("after all that: %d, %+v", status, fault)
	}
	// A person may guess a few times.
	limited := 0
	for range 30 {
		r := b.post(verify, url.Values{"form_token": {own}, "user_code": {"BBBB-BBBB"}}, nil)
		if r.status == http.StatusTooManyRequests {
			limited++
		} else {
			r.want(t, "a guess", http.StatusNotFound, "There is no such code")
		}
	}
	if limited < 15 {
		t.Errorf("%d of 30 guesses were held up", limited)
	}
	b.post(verify, form(own, "allow"), nil).want(t, "the right code after guesses", http.StatusTooManyRequests, "Wait a minute")
	w.pass(time.Minute)
	b.post(verify, form(own, "allow"), nil).want(t, "a minute later", http.StatusOK, "Allowed")
}

// A program may ask for a few codes.
func TestDeviceCodesAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refused := 0
	for range 15 {
		r := w.browser("").post(w.url+loginapi.DevicePath, url.Values{"client_id": {"stint-cli"}}, nil)
		if r.status == http.StatusServiceUnavailable && strings.Contains(r.body, "temporarily_unavailable") {
			refused++
		}
	}
	if refused != 5 {
		t.Errorf("%d of 15 were refused, want 5", refused)
	}
	b := w.browser("")
	b.post(w.url+loginapi.DevicePath, url.Values{}, nil).want(t, "no client", http.StatusUnauthorized, "invalid_client")
	b.post(w.url+loginapi.DevicePath, url.Values{"client_id": {"stint-cli"}, "role_arn": {"x"}}, nil).want(t, "no role", http.StatusBadRequest, "invalid_request")
}

func TestUserCode(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{"BCDF-GHJK": "BCDFGHJK", "bcdfghjk": "BCDFGHJK", " bcdf ghjk ": "BCDFGHJK", "B-C-D-F-G-H-J-K": "BCDFGHJK"} {
		if got, ok := parseUserCode(typed); !ok || got != want {
			t.Errorf("%q: %q, %t", typed, got, ok)
		}
	}
	for _, typed := range []string{"", "BCDFGHJ", "BCDFGHJKL", "ACDFGHJK", "BCDF_GHJK", "BCDFGHJ1", strings.Repeat("-", 33) + "BCDFGHJK", "ЬCDFGHJK"} {
		if got, ok := parseUserCode(typed); ok {
			t.Errorf("%q is taken for %q", typed, got)
		}
	}
}
