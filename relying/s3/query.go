package s3

import (
	"strings"
	"unicode/utf8"
)

// maxParameters caps a query; the longest of the model, presigned, has about 25.
const maxParameters = 64

// parameter is one of a query, decoded.
type parameter struct{ name, value string }

// query is a query string: every name once.
type query []parameter

// parseQuery refuses what two readers could read in two ways: names twice, in whatever case and encoding (advisory 14), semicolons,
// and escapes that are none.
func parseQuery(raw string) (query, error) {
	if raw == "" {
		return nil, nil
	}
	if strings.ContainsRune(raw, ';') {
		return nil, refuse("a query with a semicolon")
	}
	if strings.Count(raw, "&") >= maxParameters {
		return nil, refuse("a query of more than %d parameters", maxParameters)
	}
	var q query
	seen := make(map[string]bool)
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err := unescape(rawName)
		if err != nil {
			return nil, err
		}
		// A raw plus sign is a space to some and itself to others. Of all parameters, those that name things matter.
		if strings.ContainsRune(rawName, '+') || strings.ContainsRune(rawValue, '+') && !strings.HasPrefix(name, "response-") {
			return nil, refuse("the parameter %q has a plus sign that is not encoded", name)
		}
		value, err := unescape(rawValue)
		if err != nil {
			return nil, err
		}
		folded := strings.ToLower(name)
		if seen[folded] {
			return nil, refuse("the parameter %q twice", name)
		}
		seen[folded] = true
		q = append(q, parameter{name, value})
	}
	return q, nil
}

func (q query) get(name string) (string, bool) {
	for _, p := range q {
		if p.name == name {
			return p.value, true
		}
	}
	return "", false
}

// amz tells parameters that stand for headers: those of presigned URLs, and headers that SDKs put there.
func amz(name string) bool { return len(name) > 6 && strings.EqualFold(name[:6], "x-amz-") }

// unescape decodes percent-encoding. Unlike url.QueryUnescape it leaves the plus sign, and unlike url.PathUnescape it refuses
// what is not UTF-8.
func unescape(s string) (string, error) {
	if !strings.ContainsRune(s, '%') {
		if !utf8.ValidString(s) {
			return "", refuse("text that is not UTF-8")
		}
		return s, nil
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", refuse("an escape that is cut off")
		}
		high, low := hexDigit(s[i+1]), hexDigit(s[i+2])
		if high < 0 || low < 0 {
			return "", refuse("the escape %q", s[i:i+3])
		}
		b = append(b, byte(high<<4|low))
		i += 2
	}
	if !utf8.Valid(b) {
		return "", refuse("text that is not UTF-8")
	}
	return string(b), nil
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	default:
		return -1
	}
}

// plain holds for ids: printable ASCII without spaces.
func plain(what, s string) error {
	if s == "" || len(s) > maxKey {
		return refuse("%s is empty or too long", what)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return refuse("%s has the byte %#x", what, s[i])
		}
	}
	return nil
}
