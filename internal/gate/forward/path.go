package forward

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxPath is the longest path in bytes, maxSegments the most segments of one.
const (
	maxPath     = 8 << 10
	maxSegments = 64
)

// segments takes a raw path apart and decodes it. It refuses every path that some server takes for another one: dot segments, empty
// segments, encoded slashes, backslashes, NUL and other control characters, parameters after a semicolon, escapes of escapes
// (advisory 12). A slash at the end gives an empty last segment; it is not the path without it.
func segments(raw string) ([]string, error) {
	rest, ok := strings.CutPrefix(raw, "/")
	if !ok {
		return nil, fmt.Errorf("the path %.64q is not absolute", raw)
	}
	if len(raw) > maxPath || strings.Count(raw, "/") > maxSegments {
		return nil, fmt.Errorf("a path of %d bytes", len(raw))
	}
	all := strings.Split(rest, "/")
	for i, s := range all {
		decoded, err := segment(s)
		if err != nil {
			return nil, err
		}
		if decoded == "" && i < len(all)-1 {
			return nil, fmt.Errorf("a path with an empty segment")
		}
		all[i] = decoded
	}
	return all, nil
}

func segment(raw string) (string, error) {
	b := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '%' {
			if !escape(raw[i:]) {
				return "", fmt.Errorf("a path with a broken escape")
			}
			c = hexDigit(raw[i+1])<<4 | hexDigit(raw[i+2])
			i += 2
		}
		if c < ' ' || c == 0x7f || c == '/' || c == '\\' || c == ';' {
			return "", fmt.Errorf("a path with the byte %#x in a segment", c)
		}
		b = append(b, c)
	}
	s := string(b)
	for i := range len(s) {
		if escape(s[i:]) {
			return "", fmt.Errorf("a path with an escape inside an escape")
		}
	}
	if s == "." || s == ".." || !utf8.ValidString(s) {
		return "", fmt.Errorf("a path with the segment %q", s)
	}
	return s, nil
}

// escape reports whether s begins with a percent sign and two hex digits.
func escape(s string) bool {
	return len(s) >= 3 && s[0] == '%' && isHex(s[1]) && isHex(s[2])
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func hexDigit(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	default:
		return c - 'a' + 10
	}
}
