package wire

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/identity"
	"pgregory.net/rapid"
)

func parse(t testing.TB, query string) *Form {
	t.Helper()
	f, err := ParseForm([]byte(query))
	if err != nil {
		t.Fatalf("ParseForm(%q): %v", query, err)
	}
	return f
}

// refused asserts the code and the message of a refusal.
func refused(t testing.TB, err error, code identity.Code, message string) {
	t.Helper()
	f, ok := errors.AsType[*identity.Fault](err)
	if !ok {
		t.Fatalf("error %v, want fault %s", err, code)
	}
	if f.Code != code || f.Message != message {
		t.Fatalf("fault %s %q\nwant  %s %q", f.Code, f.Message, code, message)
	}
}

func TestFormGet(t *testing.T) {
	t.Parallel()
	tests := []struct {
		query, name, value string
		found              bool
	}{
		{"Action=A&Version=1", "Action", "A", true},
		{"Action=A&Version=1", "Version", "1", true},
		{"Action=A", "action", "", false}, // names match with case: a twin in another case is unknown (advisory 14, CVE-2022-2385)
		{"Action=A&Action=B", "Action", "A", true},
		{"Z=1&Action=A&M=2&Action=B", "Action", "A", true},
		{"Action=&Action=B", "Action", "", true},
		{"Action", "Action", "", true},
		{"Action=A=B", "Action", "A=B", true},
		{"&&Action=A&&", "Action", "A", true},
		{"a+b=c+d%20e%2B", "a b", "c d e+", true},
		{"k=%C3%A9%f0%9f%98%80", "k", "é😀", true},
		{"k=%00", "k", "\x00", true},
		{"=v", "", "v", true},
		{"", "k", "", false},
		{"kk=1", "k", "", false},
	}
	for _, test := range tests {
		value, found := parse(t, test.query).Get(test.name)
		if value != test.value || found != test.found {
			t.Errorf("%q: Get(%q) = %q, %t; want %q, %t", test.query, test.name, value, found, test.value, test.found)
		}
	}
}

func TestFormRefusals(t *testing.T) {
	t.Parallel()
	const broken, short, utf8 = "Illegal hex character in escape % pattern: ", "Incomplete trailing escape % sequence", "The query is not valid UTF-8"
	for query, message := range map[string]string{
		"a=%":         short,
		"a=%4":        short,
		"a%=1":        short,
		"a=%4&b=1":    short,
		"a=%yy":       broken + "%yy",
		"a=1&%g0=1":   broken + "%g0",
		"a=%\xff\xff": broken + "%\uFFFD",
		"a=\xff":      utf8,
		"a=%ff":       utf8,
		"%C3=%A9":     utf8, // valid only across the boundary of name and value
	} {
		_, err := ParseForm([]byte(query))
		refused(t, err, identity.MalformedQueryString, message)
	}
}

// advisory 22 (CVE-2025-61726): the number of parameters and their size are capped before they are stored.
func TestFormCaps(t *testing.T) {
	t.Parallel()
	pairs := strings.Repeat("a=b&", maxParameters)
	if _, ok := parse(t, pairs).Get("a"); !ok {
		t.Error("the largest number of parameters is refused")
	}
	_, err := ParseForm([]byte(pairs + "a"))
	refused(t, err, identity.MalformedQueryString, "The query has too many parameters")

	parse(t, "a="+strings.Repeat("x", maxFormBytes-2))
	_, err = ParseForm([]byte("a=" + strings.Repeat("x", maxFormBytes-1)))
	refused(t, err, identity.MalformedQueryString, "The query is too long")

	parse(t, strings.Repeat("&", maxFormBytes)) // empty pairs are none
}

func TestFormAgreesWithURLPackage(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.MapOf(rapid.String(), rapid.SliceOfN(rapid.String(), 1, 3)).Draw(t, "values")
		query := url.Values(values).Encode()
		f, err := ParseForm([]byte(query))
		if err != nil {
			t.Fatalf("ParseForm(%q): %v", query, err)
		}
		for name, list := range values {
			if value, ok := f.Get(name); !ok || value != list[0] {
				t.Fatalf("%q: Get(%q) = %q, %t; want %q", query, name, value, ok, list[0])
			}
		}
	})
}
