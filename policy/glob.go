package policy

import (
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
	pattern string // with anyRun and anyChar
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
		return glob{encoded, generalForm}
	case star < 0:
		return glob{encoded, literalForm}
	case strings.Count(encoded, "\xff") == len(encoded):
		return glob{"", everyForm}
	case star == len(encoded)-1:
		return glob{encoded[:star], prefixForm}
	}
	return glob{encoded, generalForm}
}

// hasWildcard says whether text holds the bytes that stand for wildcards.
func hasWildcard(s string) bool {
	return strings.IndexByte(s, anyRun) >= 0 || strings.IndexByte(s, anyChar) >= 0
}

// encodePlain encodes a pattern in which * and ? are wildcards and nothing else is special. Bytes that are not UTF-8 cannot
// come from a parsed document; they are replaced, so that they never act as wildcards.
func encodePlain(pattern string) string {
	encoded := []byte(strings.ToValidUTF8(pattern, "\uFFFD"))
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
		return g.pattern == s
	case prefixForm:
		return strings.HasPrefix(s, g.pattern)
	}
	return matchPattern(g.pattern, s, exact)
}

// longSubject is the length from which a subject is folded once rather than byte by byte.
const longSubject = 128

// matchFold is match without regard to the case of ASCII letters; the pattern must be in lower case.
func (g glob) matchFold(s string) bool {
	if g.form == everyForm {
		return true
	}
	if len(s) > longSubject {
		return g.match(lowerASCII(s))
	}
	switch g.form {
	case literalForm:
		return len(s) == len(g.pattern) && fit(g.pattern, s, folded) >= 0
	case prefixForm:
		return fit(g.pattern, s, folded) >= 0
	}
	return matchPattern(g.pattern, s, folded)
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
// no choice is ever taken back: each piece passes over the subject once, with no recursion and no memory (advisory 42).
func matchPattern(pattern, s string, f comparer) bool {
	star := strings.IndexByte(pattern, anyRun)
	if star < 0 {
		return fit(pattern, s, f) == len(s)
	}
	n := fit(pattern[:star], s, f)
	if n < 0 {
		return false
	}
	s, pattern = s[n:], pattern[star+1:]
	for star = strings.IndexByte(pattern, anyRun); star >= 0; star = strings.IndexByte(pattern, anyRun) {
		if n = find(pattern[:star], s, f); n < 0 {
			return false
		}
		s, pattern = s[n:], pattern[star+1:]
	}
	return fitEnd(pattern, s, f)
}

// fit matches a piece without * at the beginning of s and gives the length of what it took, or -1.
func fit(piece, s string, f comparer) int {
	i, j := 0, 0
	for f == exact && len(piece)-i >= 8 && len(s)-j >= 8 {
		differ, sure := compareWords(load(piece[i:]), load(s[j:]))
		if !sure {
			break
		}
		if differ {
			return -1
		}
		i, j = i+8, j+8
	}
	for ; i < len(piece); i++ {
		if j >= len(s) {
			return -1
		}
		switch c := piece[i]; {
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

const (
	lowBits  = 0x7F7F7F7F7F7F7F7F
	highBits = 0x8080808080808080
	anyChars = 0xFEFEFEFEFEFEFEFE
)

// compareWords compares eight bytes of a piece with eight of a subject, and is sure of the answer unless an anyChar meets a
// character of more than one byte. It is what keeps long runs of anyChar within the time that Evaluate promises.
func compareWords(piece, subject uint64) (differ, sure bool) {
	// The highest bit of each byte of unequal is clear where the piece has anyChar.
	unequal := piece ^ anyChars
	unequal = (unequal&lowBits + lowBits) | unequal | lowBits
	wild := ^unequal >> 7 * 0xFF
	return (piece^subject)&^wild != 0, subject&wild&highBits == 0
}

// load gives the first eight bytes of s as a number.
func load(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// find gives the end of the leftmost place in s where a piece fits, or -1. An anyChar at either end of the piece only asks for
// one more character there, so that what is looked for begins and ends with a literal.
func find(piece, s string, f comparer) int {
	before, end := 0, len(piece)
	for before < end && piece[before] == anyChar {
		before++
	}
	for end > before && piece[end-1] == anyChar {
		end--
	}
	after := len(piece) - end
	start := skip(s, before)
	if start < 0 {
		return -1
	}
	found := findCore(piece[before:end], s[start:], f)
	if found < 0 {
		return -1
	}
	found += start
	if rest := skip(s[found:], after); rest >= 0 {
		return found + rest
	}
	return -1
}

// findCore is find for a piece that begins with a literal or is empty.
func findCore(piece, s string, f comparer) int {
	if f == exact && strings.IndexByte(piece, anyChar) < 0 {
		if i := strings.Index(s, piece); i >= 0 {
			return i + len(piece)
		}
		return -1
	}
	for start := 0; len(s)-start >= len(piece); start++ {
		if n := fit(piece, s[start:], f); n >= 0 {
			return start + n
		}
	}
	return -1
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
func fitEnd(piece, s string, f comparer) bool {
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
