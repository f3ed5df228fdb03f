package login

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseEndpoint(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Endpoint{
		"https://sts.example.com":       "https://sts.example.com",
		"https://STS.example.com:8443/": "https://sts.example.com:8443",
		"http://127.0.0.1:8321":         "http://127.0.0.1:8321",
		"http://localhost:8321/":        "http://localhost:8321",
		"http://[::1]:1":                "http://[::1]:1",
	} {
		if got, err := ParseEndpoint(text); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
	for text, reason := range map[string]string{
		"http://sts.example.com":         "use https",
		"http://127.0.0.1.example.com":   "use https",
		"http://0.0.0.0:8321":            "use https",
		"ftp://localhost":                "neither http nor https",
		"sts.example.com":                "not a URL",
		"https://":                       "not a URL",
		"https://user@sts.example.com":   "not a URL",
		"https://sts.example.com/path":   "not a URL",
		"https://sts.example.com/?a=b":   "not a URL",
		"https://sts.example.com/#a":     "not a URL",
		"":                               "not a URL",
		"https://sts.example.com:port/":  "not a URL",
		"https://sts.example.com\x1b[2J": "not a URL",
	} {
		if got, err := ParseEndpoint(text); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %s, %v, want %q", text, got, err, reason)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	other := *testLogin("other")
	other.Endpoint, other.RoleARN = "https://other.example", ""
	expired := *testLogin("expired")
	expired.Expires = noon
	logins := []Login{*testLogin("a"), expired, other}
	const role = "arn:aws:iam::111122223333:role/reader"
	for _, tt := range []struct {
		name     string
		selector Selector
		want     string
		err      error
	}{
		{"by profile", Selector{Profile: "a"}, "a", nil},
		{"by endpoint", Selector{Endpoint: "https://other.example"}, "other", nil},
		{"by two", Selector{Profile: "a", Role: role}, "a", nil},
		{"two of one role, of which one has expired", Selector{Role: role}, "", ErrSeveral},
		{"two of one server", Selector{Endpoint: "https://sts.example.com"}, "", ErrSeveral},
		{"profile and another's role", Selector{Profile: "other", Role: role}, "", ErrNone},
		{"unknown profile", Selector{Profile: "b"}, "", ErrNone},
		{"nothing said, no default", Selector{}, "", ErrNone},
	} {
		got, err := tt.selector.Find(logins)
		if !errors.Is(err, tt.err) || err == nil && got.Profile != tt.want {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
	if got, err := (Selector{}).Find(append(logins, *testLogin(DefaultProfile))); err != nil || got.Profile != DefaultProfile {
		t.Errorf("nothing said: %+v, %v", got, err)
	}
	if err := logins[0].Live(noon.Add(time.Hour - time.Second)); err != nil {
		t.Errorf("the last second: %v", err)
	}
	if err := logins[0].Live(noon.Add(time.Hour)); !errors.Is(err, ErrExpired) || !strings.Contains(err.Error(), "2026-11-24T13:00:00Z") {
		t.Errorf("the end: %v", err)
	}
	if got := logins[0].Account(); got != "111122223333" {
		t.Errorf("the account is %q", got)
	}
}

func TestCheckProfile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"default", "prod-1", "a.b_c@d"} {
		if err := CheckProfile(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "a b", "a]", "ü", strings.Repeat("a", 65)} {
		if err := CheckProfile(name); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
}
