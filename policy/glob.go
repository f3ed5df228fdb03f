package policy

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Inside patterns the wildcards are bytes that never occur in UTF-8, so that every byte of a literal, also of a literal
// asterisk that an escape or a variable brought in, stands for itself.
const (
	anyRun  = '\xff' // *: any run of characters, also none
	anyChar = '\xfe' // ?: exactly one character
)

// glob matches a subject against a pattern that contains no variables. The zero value matches the empty string.
type glob struct {
	pattern []byte // with anyRun and anyChar
	form    globForm
}

type globForm uint8

const (
	literalForm globForm = iota
	prefixForm           // pattern is what comes before the one trailing *
	everyForm            // *
	generalForm
)

// newGlob prepares an encoded pattern.
func newGlob(encoded string) glob {
	star, question := strings.IndexByte(encoded, anyRun), strings.IndexByte(encoded, anyChar)
	switch {
	case question >= 0:
		return glob{[]byte(encoded), generalForm}
	case star < 0:
		return glob{[]byte(encoded), literalForm}
	case strings.Count(encoded, "\xff") == len(encoded):
		return glob{nil, everyForm}
	case star == len(encoded)-1:
		return glob{[]byte(encoded[:star]), prefixForm}
	}
	return glob{[]byte(encoded), generalForm}
}

// prefix gives what every subject begins with, as far as the pattern begins with a literal.
func (g glob) prefix() string { return literalPrefix(string(g.pattern)) }

func literalPrefix(encoded string) string {
	for i := range len(encoded) {
		if encoded[i] == anyRun || encoded[i] == anyChar {
			return encoded[:i]
		}
	}
	return encoded
}

// hasWildcard says whether text holds the bytes that stand for wildcards.
func hasWildcard(s string) bool {
	return strings.IndexByte(s, anyRun) >= 0 || strings.IndexByte(s, anyChar) >= 0
}

// encodePlain encodes a pattern in which * and ? are wildcards and nothing else is special. Bytes that are not UTF-8 cannot
// come from a parsed document; they are replaced, so that they never act as wildcards.
func encodePlain(pattern string) string {
	pattern = strings.ToValidUTF8(pattern, "\uFFFD")
	if !strings.ContainsAny(pattern, "*?") {
		return pattern
	}
	encoded := []byte(pattern)
	for i, c := range encoded {
		switch c {
		case '*':
			encoded[i] = anyRun
		case '?':
			encoded[i] = anyChar
		}
	}
	return string(encoded)
}

func (g glob) match(s string) bool {
	switch g.form {
	case everyForm:
		return true
	case literalForm:
		return string(g.pattern) == s
	case prefixForm:
		return beginsWith(s, g.pattern)
	}
	return matchPattern(g.pattern, s, exact)
}

// matchFold is match without regard to the case of ASCII letters; the pattern must be in lower case.
func (g glob) matchFold(s string) bool {
	switch g.form {
	case everyForm:
		return true
	case literalForm:
		return len(s) == len(g.pattern) && foldsTo(s, g.pattern)
	case prefixForm:
		return len(s) >= len(g.pattern) && foldsTo(s, g.pattern)
	}
	return matchPattern(g.pattern, s, folded)
}

func beginsWith(s string, prefix []byte) bool {
	return len(s) >= len(prefix) && s[:len(prefix)] == string(prefix)
}

// comparer says how a byte of a pattern is compared with one of the subject.
type comparer bool

const (
	exact  comparer = false
	folded comparer = true // the pattern is in lower case
)

func (f comparer) equal(pattern, subject byte) bool {
	return pattern == subject || f == folded && pattern == lower(subject)
}

// beginsWith says whether s begins with text.
func (f comparer) beginsWith(s, text string) bool {
	if f == exact {
		return strings.HasPrefix(s, text)
	}
	return len(s) >= len(text) && foldsTo(s, []byte(text))
}

// foldsTo says whether s, which is no shorter, begins with a text in lower case.
func foldsTo(s string, text []byte) bool {
	s = s[:len(text)]
	for i, c := range text {
		if c != lower(s[i]) {
			return false
		}
	}
	return true
}

// after says whether text comes after s in the order of bytes.
func (f comparer) after(text, s string) bool {
	if f == exact {
		return text > s
	}
	for i := range min(len(text), len(s)) {
		if c := lower(s[i]); text[i] != c {
			return text[i] > c
		}
	}
	return len(text) > len(s)
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = lower(c)
	}
	return string(b)
}

// matchPattern matches an encoded pattern. Between two * the leftmost fit of a piece is always as good as any other, so that
// no choice is ever taken back: each piece passes over the subject once, with no recursion (advisory 42).
func matchPattern(pattern []byte, s string, f comparer) bool {
	star := bytes.IndexByte(pattern, anyRun)
	if star < 0 {
		return fit(pattern, s, f) == len(s)
	}
	n := fit(pattern[:star], s, f)
	if n < 0 {
		return false
	}
	s, pattern = s[n:], pattern[star+1:]
	for star = bytes.IndexByte(pattern, anyRun); star >= 0; star = bytes.IndexByte(pattern, anyRun) {
		if n = find(pattern[:star], s, f); n < 0 {
			return false
		}
		s, pattern = s[n:], pattern[star+1:]
	}
	return fitEnd(pattern, s, f)
}

// fit matches a piece without * at the beginning of s and gives the length of what it took, or -1.
func fit(piece []byte, s string, f comparer) int {
	j := 0
	for _, c := range piece {
		if j >= len(s) {
			return -1
		}
		switch {
		case f.equal(c, s[j]):
			j++
		case c != anyChar:
			return -1
		case s[j] < utf8.RuneSelf:
			j++
		default:
			_, n := utf8.DecodeRuneInString(s[j:])
			j += n
		}
	}
	return j
}

// longPiece is the length in bytes from which a piece is not tried at one place of the subject after the other, which takes the
// product of both lengths.
const longPiece = 64

// find gives the end of the leftmost place in s where a piece fits, or -1.
func find(piece []byte, s string, f comparer) int {
	switch {
	case f == exact && bytes.IndexByte(piece, anyChar) < 0:
		return findLiteral(piece, s)
	case len(piece) > longPiece:
		return findLong(piece, s, f)
	}
	for start := 0; len(s)-start >= len(piece); {
		if n := fit(piece, s[start:], f); n >= 0 {
			return start + n
		}
		_, n := utf8.DecodeRuneInString(s[start:])
		start += n
	}
	return -1
}

// findLiteral is find for a piece without anyChar. Comparing is so fast, many bytes at once, that a cleverer search would not be
// faster at the lengths that policies have.
func findLiteral(piece []byte, s string) int {
	if len(piece) == 0 {
		return 0
	}
	for start := 0; ; start++ {
		i := strings.IndexByte(s[start:], piece[0])
		if i < 0 || len(s)-start-i < len(piece) {
			return -1
		}
		if start += i; beginsWith(s[start:], piece) {
			return start + len(piece)
		}
	}
}

// skip gives the length in bytes of the first n characters of s, or -1 if it has fewer.
func skip(s string, n int) int {
	i := 0
	for ; n > 0; n-- {
		if i == len(s) {
			return -1
		}
		_, width := utf8.DecodeRuneInString(s[i:])
		i += width
	}
	return i
}

// fitEnd says whether a piece without * fits the end of s.
func fitEnd(piece []byte, s string, f comparer) bool {
	for i := len(piece) - 1; i >= 0; i-- {
		if s == "" {
			return false
		}
		switch c := piece[i]; {
		case f.equal(c, s[len(s)-1]):
			s = s[:len(s)-1]
		case c != anyChar:
			return false
		default:
			_, n := utf8.DecodeLastRuneInString(s)
			s = s[:len(s)-n]
		}
	}
	return true
}
