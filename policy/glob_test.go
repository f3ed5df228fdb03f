package policy

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// referenceMatch is the definition of a wildcard match, over characters: matched[j] says whether what of the pattern has been
// read matches the first j characters.
func referenceMatch(pattern, s []rune) bool {
	matched := make([]bool, len(s)+1)
	matched[0] = true
	for _, c := range pattern {
		next := make([]bool, len(s)+1)
		for j := range next {
			switch {
			case c == '*':
				next[j] = matched[j] || j > 0 && next[j-1]
			case j > 0:
				next[j] = matched[j-1] && (c == '?' || c == s[j-1])
			}
		}
		matched = next
	}
	return matched[len(s)]
}

func TestGlobEqualsItsDefinition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.RuneFrom([]rune("abé:/☃"))
		s := rapid.StringOfN(alphabet, 0, 14, -1).Draw(t, "subject")
		p := rapid.StringOfN(rapid.RuneFrom([]rune("aabé:**??")), 0, 9, -1).Draw(t, "pattern")
		// Padding brings pieces over the length from which many places are looked at together.
		pad := strings.Repeat("ab?é", rapid.IntRange(0, 40).Draw(t, "padding"))
		p = rapid.SampledFrom([]string{"", "*", "*a"}).Draw(t, "star") + pad + p
		s = strings.Repeat("a", rapid.IntRange(0, 70).Draw(t, "before")) + strings.ReplaceAll(pad, "?", "☃") + s
		want := referenceMatch([]rune(p), []rune(s))
		if got := newGlob(encodePlain(p)).match(s); got != want {
			t.Fatalf("%q against %q: got %v, want %v", p, s, got, want)
		}
		if got := newGlob(encodePlain(p)).matchFold(strings.ReplaceAll(s, "b", "B")); got != want {
			t.Fatalf("folded %q against %q: got %v, want %v", p, s, got, want)
		}
	})
}

func FuzzGlob(f *testing.F) {
	f.Add("arn:aws:s3:::b*/?", "arn:aws:s3:::bucket/k")
	f.Add("*?*aé", "ééaé")
	f.Add("????????????", "éééééééééééé")
	f.Add("*"+strings.Repeat("a?", 40)+"b*", strings.Repeat("aé", 60)+"ab")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		g := newGlob(encodePlain(pattern))
		got, gotFolded := g.match(s), newGlob(encodePlain(lowerASCII(pattern))).matchFold(s)
		if len(pattern) > 500 || len(s) > 500 || !utf8.ValidString(pattern) || !utf8.ValidString(s) {
			return
		}
		if want := referenceMatch([]rune(pattern), []rune(s)); got != want {
			t.Fatalf("%q against %q: got %v, want %v", pattern, s, got, want)
		}
		if want := referenceMatch([]rune(lowerASCII(pattern)), []rune(lowerASCII(s))); gotFolded != want {
			t.Fatalf("folded %q against %q: got %v, want %v", pattern, s, gotFolded, want)
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
		{"*" + strings.Repeat("a?", 40) + "b*", strings.Repeat("a\xff", 40) + "b", true},
		{"*" + strings.Repeat("\uFFFD?", 40) + "b*", strings.Repeat("\xffa", 40) + "b", false},
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
		{"*" + strings.Repeat("?", 70) + "*", strings.Repeat("é", 69), false},
		{"*" + strings.Repeat("?", 70) + "*", strings.Repeat("é", 70), true},
		{"*" + strings.Repeat("?", 70) + "b*", strings.Repeat("é", 140) + "b", true},
		{"**", "", true},
	} {
		for _, g := range []func(glob, string) bool{glob.match, glob.matchFold} {
			if got := g(newGlob(encodePlain(c.pattern)), c.subject); got != c.want {
				t.Errorf("%q against %q: got %v, want %v", c.pattern, c.subject, got, c.want)
			}
		}
	}
}
