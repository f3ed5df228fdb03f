package policy

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// referenceMatch is the definition of a wildcard match, written for clarity: exponential, over characters.
func referenceMatch(pattern, s []rune) bool {
	if len(pattern) == 0 {
		return len(s) == 0
	}
	if pattern[0] == '*' {
		return referenceMatch(pattern[1:], s) || len(s) > 0 && referenceMatch(pattern, s[1:])
	}
	return len(s) > 0 && (pattern[0] == '?' || pattern[0] == s[0]) && referenceMatch(pattern[1:], s[1:])
}

func TestGlobEqualsItsDefinition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.RuneFrom([]rune("abé:/☃"))
		s := rapid.StringOfN(alphabet, 0, 14, -1).Draw(t, "subject")
		p := rapid.StringOfN(rapid.RuneFrom([]rune("aabé:**??")), 0, 9, -1).Draw(t, "pattern")
		// Padding brings both over the width at which words are compared.
		pad := strings.Repeat("abab", rapid.IntRange(0, 5).Draw(t, "padding"))
		want := referenceMatch([]rune(pad+p), []rune(pad+s))
		if got := newGlob(encodePlain(pad + p)).match(pad + s); got != want {
			t.Fatalf("%q against %q: got %v, want %v", pad+p, pad+s, got, want)
		}
		if got := newGlob(encodePlain(pad + p)).matchFold(strings.ToUpper(pad) + s); got != want {
			t.Fatalf("folded %q against %q: got %v, want %v", pad+p, pad+s, got, want)
		}
	})
}

func FuzzGlob(f *testing.F) {
	f.Add("arn:aws:s3:::b*/?", "arn:aws:s3:::bucket/k")
	f.Add("*?*aé", "ééaé")
	f.Add("????????????", "éééééééééééé")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		got := newGlob(encodePlain(pattern)).match(s)
		if len(pattern) > 12 || len(s) > 24 || !utf8.ValidString(pattern) || !utf8.ValidString(s) {
			return
		}
		if want := referenceMatch([]rune(pattern), []rune(s)); got != want {
			t.Fatalf("%q against %q: got %v, want %v", pattern, s, got, want)
		}
	})
}

func TestGlobTakesBytesOfWildcardsLiterally(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, subject string
		want             bool
	}{
		{"a\xffb", "a\xffb", false},
		{"a\xffb", "axxb", false},
		{"a\xfe", "ab", false},
		{"a*", "a\xff", true},
		{"a?", "a\xff", true},
	} {
		if got := newGlob(encodePlain(c.pattern)).match(c.subject); got != c.want {
			t.Errorf("%q against %q: got %v, want %v", c.pattern, c.subject, got, c.want)
		}
	}
}

func TestGlobPieces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, subject string
		want             bool
	}{
		{"*???*", "ab", false},
		{"*???*", "éàü", true},
		{"*b??*", "xb1", false},
		{"*b??*", "xbéé", true},
		{"*?b?c*", "xbxc", true},
		{"*?b?c*", "bxc", false},
		{"*b?d*", "bbcd", true},
		{"*b?d*", "bccd", false},
		{"a*", "b", false},
		{"a*?b", "ab", false},
		{"?é", "éé", true},
		{"abcdefg?", "abcdefgé", true},
		{"abcdefg?i", "abcdefgéi", true},
		{"abcdefg?i", "abcdefghj", false},
		{"*?", "", false},
		{"**", "", true},
	} {
		for _, g := range []func(glob, string) bool{glob.match, glob.matchFold} {
			if got := g(newGlob(encodePlain(c.pattern)), c.subject); got != c.want {
				t.Errorf("%q against %q: got %v, want %v", c.pattern, c.subject, got, c.want)
			}
		}
	}
}
