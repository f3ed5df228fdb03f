package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendField appends ,"name":"value". Names need no escaping.
func appendField(b []byte, name, value string) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return appendText(b, value)
}

// appendText appends a JSON string. Whatever is not printable is escaped, so that a line stays one line and does to a
// terminal what it says; invalid UTF-8 becomes U+FFFD, and what exceeds maxText is cut off (advisory 27).
func appendText(b []byte, s string) []byte {
	cut := len(s)
	if cut > maxText {
		cut = maxText
		for cut > maxText-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
			cut--
		}
	}
	b = append(b, '"')
	for i := 0; i < cut; {
		start := i
		for i < cut && plain(s[i]) {
			i++
		}
		b = append(b, s[start:i]...)
		if i == cut {
			break
		}
		r, size := utf8.DecodeRuneInString(s[i:cut])
		if r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) {
			b = appendEscaped(b, r)
		} else if r == '"' || r == '\\' {
			b = append(b, '\\', byte(r))
		} else {
			b = append(b, s[i:i+size]...)
		}
		i += size
	}
	if cut < len(s) {
		b = append(b, "… (cut off, "...)
		b = strconv.AppendInt(b, int64(len(s)), 10)
		b = append(b, " bytes)"...)
	}
	return append(b, '"')
}

func plain(c byte) bool { return c >= ' ' && c < 0x7f && c != '"' && c != '\\' }

func appendEscaped(b []byte, r rune) []byte {
	if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
		return appendEscaped(appendEscaped(b, high), low)
	}
	return append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// appendObject appends a JSON object that package wire made, null for none. It is copied as it is; so that nothing in it can
// pass for another part of the line, one that is not a single object on a single line is left out.
func appendObject(b, object []byte) []byte {
	switch {
	case len(object) == 0:
		return append(b, "null"...)
	case len(object) > maxObject || !contained(object):
		return appendOmitted(b, object)
	default:
		return append(b, object...)
	}
}

// appendOmitted appends what is known of bytes that are left out.
func appendOmitted(b, omitted []byte) []byte {
	digest := sha256.Sum256(omitted)
	b = append(b, `{"omittedBytes":`...)
	b = strconv.AppendInt(b, int64(len(omitted)), 10)
	b = append(b, `,"omittedSHA256":"`...)
	b = hex.AppendEncode(b, digest[:])
	return append(b, `"}`...)
}

// contained reports whether b is one balanced object without control characters: it ends where its first brace closes.
func contained(b []byte) bool {
	if len(b) == 0 || b[0] != '{' || b[len(b)-1] != '}' || !utf8.Valid(b) {
		return false
	}
	depth := 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			i = closingQuote(b, i+1)
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
			if depth == 0 {
				return i == len(b)-1
			}
		case c < ' ' || c == 0x7f:
			return false
		}
	}
	return false
}

// ends are the bytes at which the text of a string ends or needs a look: quote, backslash, control characters.
var ends = func() (table [256]bool) {
	for c := range ' ' {
		table[c] = true
	}
	table['"'], table['\\'], table[0x7f] = true, true, true
	return table
}()

// closingQuote returns where the string that i is in ends, or len(b) if it does not, or has a control character.
func closingQuote(b []byte, i int) int {
	for {
		for i < len(b) && !ends[b[i]] {
			i++
		}
		switch {
		case i >= len(b):
			return len(b)
		case b[i] == '"':
			return i
		case b[i] != '\\' || i+1 < len(b) && b[i+1] < ' ':
			return len(b)
		}
		i += 2
	}
}
