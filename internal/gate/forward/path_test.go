package forward

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestPaths holds what paths templates are held against (advisory 12).
func TestPaths(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][]string{
		"/":           {""},
		"/a":          {"a"},
		"/a/":         {"a", ""},
		"/a%20b/%41c": {"a b", "Ac"},
		"/..a/b..":    {"..a", "b.."},
		"/a%25b":      {"a%b"},
		"/a+b/:@!$&'": {"a+b", ":@!$&'"},
	} {
		if got, err := segments(raw); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s has the segments %q, %v", raw, got, err)
		}
	}
	for raw, reason := range map[string]string{
		"":                                  "not absolute",
		"a":                                 "not absolute",
		"http://a/b":                        "not absolute",
		"//a":                               "empty segment",
		"/a//b":                             "empty segment",
		"/a/../b":                           `the segment ".."`,
		"/a/%2e%2E/b":                       `the segment ".."`,
		"/a/.":                              `the segment "."`,
		"/a%2fb":                            "the byte 0x2f",
		"/a%5Cb":                            "the byte 0x5c",
		`/a\..\b`:                           "the byte 0x5c",
		"/a%00":                             "the byte 0x0",
		"/a%0d%0a":                          "the byte 0xd",
		"/a/..;/b":                          "the byte 0x3b",
		"/a%3Bv=1":                          "the byte 0x3b",
		"/a%252e%252e/b":                    "an escape inside an escape",
		"/a%":                               "broken escape",
		"/a%4":                              "broken escape",
		"/a%zz":                             "broken escape",
		"/a%ff":                             `the segment "a\xff"`,
		"/" + strings.Repeat("a", maxPath):  "bytes",
		strings.Repeat("/a", maxSegments+1): "bytes",
	} {
		if got, err := segments(raw); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.80s: %q, %v; want %q", raw, got, err, reason)
		}
	}
}

// TestPathsAreOnePath holds that what segments takes is one path: no segment has a separator, and none is a step up. It is no fuzz
// target because Go would instrument Envoy's definitions with the package, for minutes.
func TestPathsAreOnePath(t *testing.T) {
	t.Parallel()
	pieces := rapid.SampledFrom([]string{"/", "a", ".", "..", "%2e", "%2E", "%2f", "%5c", "%25", "2e", "%", ";", "\\", "%00", "%ff", "ä", " "})
	rapid.Check(t, func(t *rapid.T) {
		raw := "/" + strings.Join(rapid.SliceOfN(pieces, 0, 12).Draw(t, "pieces"), "")
		parts, err := segments(raw)
		if err != nil {
			return
		}
		for i, s := range parts {
			if s == "." || s == ".." || strings.ContainsAny(s, "/\\;\x00") || s == "" && i < len(parts)-1 {
				t.Fatalf("%q has the segment %q", raw, s)
			}
			if again, err := segment(s); err == nil && again != s {
				t.Fatalf("%q has the segment %q, which decodes to %q", raw, s, again)
			}
		}
	})
}
