package arn_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stint-sts/stint/arn"
)

// The examples of docs/wire-compatibility.md §9, and ids of which others published the account.
func TestAccountOfID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]arn.AccountID{
		"ASIAY34FZKBOKMUTVV7A":  "609629065308",
		"ASIAQNZGKIQY56JQ7WML":  "029608264753",
		"AKIATZ2X44NMCEQW46PL":  "261640479576",
		"AKIAUT5AMCC2VINIQAMK":  "317627044021",
		"AROAR42TAWARILN3MNKUT": "130633740322",
		"AIDAYAM4POHXHRVANDQBQ": "550620852718",
		"AKIARTX3GSDSQAAAAAAA":  "111122223333",
		"AKIARZPUZDIKAAAAAAAA":  "123456789012", // never issued
		"AKIARZPUZDIKP7777777":  "123456789012", // the last characters do not matter
		"AKIARZPUZDIKA":         "123456789012", // the shortest that decodes
	} {
		if got, err := arn.AccountOfID(id); err != nil || got != want {
			t.Errorf("AccountOfID(%s) = %s, %v; want %s", id, got, err, want)
		}
	}
	for _, c := range []struct{ id, reason string }{
		{"AKIAIOSFODNN7EXAMPLE", "no account"}, // of the early years: top bit clear
		{"AKIAAAAAAAAAAAA", "no account"},
		{"AKIA777777777AAAAAAA", "no account"}, // thirteen digits
		{"AKIARZPUZDIK", "at least 9"},
		{"", "at least 9"},
		{"akiaRZPUZDIKAAAAAAAA", "four-letter prefix"},
		{"AK1ARZPUZDIKAAAAAAAA", "four-letter prefix"},
		{"AKIARZPUZDIKAAAAAAA0", "A-Z and 2-7"},
		{"AKIArzpuzdikaaaaaaaa", "A-Z and 2-7"},
		{"AKIARZPUZDIKAAAAAAA=", "A-Z and 2-7"},
		{"AKIARZPUZDIKA" + strings.Repeat("A", 116), "at least 9"},
	} {
		if got, err := arn.AccountOfID(c.id); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("AccountOfID(%q) = %s, %v; want an error about %q", c.id, got, err, c.reason)
		}
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	shapes := map[arn.Prefix]string{
		arn.LongTermKeyID:   "^AKIARTX3GSDS[Q-Z2-7][A-Z2-7]{7}$",
		arn.TemporaryKeyID:  "^ASIARTX3GSDS[Q-Z2-7][A-Z2-7]{7}$",
		arn.UserID:          "^AIDARTX3GSDS[Q-Z2-7][A-Z2-7]{8}$",
		arn.RoleID:          "^AROARTX3GSDS[Q-Z2-7][A-Z2-7]{8}$",
		arn.GroupID:         "^AGPARTX3GSDS[Q-Z2-7][A-Z2-7]{8}$",
		arn.PolicyID:        "^ANPARTX3GSDS[Q-Z2-7][A-Z2-7]{8}$",
		arn.PolicyVersionID: "^ANVARTX3GSDS[Q-Z2-7][A-Z2-7]{8}$",
	}
	for prefix, shape := range shapes {
		re := regexp.MustCompile(shape)
		seen := map[string]bool{}
		for range 200 {
			id, err := arn.NewID(prefix, "111122223333", rand.Reader)
			if err != nil || !re.MatchString(id) || seen[id] || arn.PrefixOf(id) != prefix {
				t.Fatalf("NewID(%s) = %s, %v; want a fresh %s", prefix, id, err, shape)
			}
			seen[id] = true
		}
	}
	if id, _ := arn.NewID(arn.LongTermKeyID, "123456789012", rand.Reader); !regexp.MustCompile("^AKIARZPUZDIK[A-P]").MatchString(id) {
		t.Errorf("the ninth character of an even account must be A to P: %s", id)
	}
	for _, account := range []arn.AccountID{"000000000000", "000000000001", "999999999999", "100000000000"} {
		id, err := arn.NewID(arn.RoleID, account, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := arn.AccountOfID(id); err != nil || got != account {
			t.Errorf("AccountOfID(NewID(%s)) = %s, %v", account, got, err)
		}
	}
}

func TestNewIDRefuses(t *testing.T) {
	t.Parallel()
	if _, err := arn.NewID("AKI", "111122223333", rand.Reader); err == nil || !strings.Contains(err.Error(), "four letters") {
		t.Errorf("short prefix: %v", err)
	}
	if _, err := arn.NewID(arn.UserID, "11112222333", rand.Reader); err == nil || !strings.Contains(err.Error(), "12 digits") {
		t.Errorf("short account: %v", err)
	}
	if _, err := arn.NewID(arn.UserID, "111122223333", bytes.NewReader(make([]byte, 3))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("randomness runs out: %v", err)
	}
}

func TestParseAccountID(t *testing.T) {
	t.Parallel()
	if a, err := arn.ParseAccountID("000000000000"); err != nil || a != "000000000000" {
		t.Errorf("leading zeros are digits: %q, %v", a, err)
	}
	for _, bad := range []string{"", "1", "1111222233334", "11112222333a", "+11112222333", "１１１１", " 11122223333"} {
		if a, err := arn.ParseAccountID(bad); err == nil || !strings.Contains(err.Error(), "12 digits") {
			t.Errorf("ParseAccountID(%q) = %q, %v", bad, a, err)
		}
	}
}

func TestPrefixOf(t *testing.T) {
	t.Parallel()
	if p := arn.PrefixOf("ASIAQNZGKIQY56JQ7WML"); p != arn.TemporaryKeyID {
		t.Errorf("got %q", p)
	}
	if p := arn.PrefixOf("ASI"); p != "" {
		t.Errorf("got %q", p)
	}
}

func FuzzAccountOfID(f *testing.F) {
	for _, s := range []string{"AKIARZPUZDIKAAAAAAAA", "ASIAY34FZKBOKMUTVV7A", "AKIAIOSFODNN7EXAMPLE", "", "AKIA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		account, err := arn.AccountOfID(id)
		if err != nil {
			return
		}
		if _, err := arn.ParseAccountID(string(account)); err != nil {
			t.Fatalf("AccountOfID(%q) = %q: %v", id, account, err)
		}
		// The account fixes the eight characters after the prefix, and the upper bit of the ninth.
		again, err := arn.NewID(arn.PrefixOf(id), account, rand.Reader)
		if err != nil || again[:12] != id[:12] {
			t.Fatalf("NewID gives %q, %v beside %q", again, err, id)
		}
	})
}
