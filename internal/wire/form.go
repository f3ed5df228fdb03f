package wire

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stint-sts/stint/internal/identity"
)

const (
	maxFormBytes  = 10_000_000 // AWS refuses a longer body (ARGMIN); the server's own cap comes first
	maxParameters = 10_000     // advisory 22 (CVE-2025-61726): a parameter costs 12 bytes of index
)

// Form holds the parameters of one request. Of parameters with one name the first counts (ARGMIN).
//
// Values share the memory of the whole form: clone one that is to outlive the request.
type Form struct {
	text  string        // names and values, decoded, end to end
	index []parameter   // sorted by name, then by position
	usual [16]parameter // where the index of most forms is
}

// parameter locates text[name:value] and text[value:end].
type parameter struct{ name, value, end uint32 }

func (f *Form) name(p parameter) string  { return f.text[p.name:p.value] }
func (f *Form) value(p parameter) string { return f.text[p.value:p.end] }

// ParseForm reads a query string or a form body. Broken percent escapes are refused with AWS's texts (SCRATCH). So are bytes
// that are not UTF-8 once decoded, as MalformedQueryString too: it is the encoding of the query that is wrong, not a
// parameter, and nothing behind this point has to consider them.
func ParseForm(raw []byte) (*Form, error) {
	if len(raw) > maxFormBytes {
		return nil, malformedQuery("The query is too long")
	}
	var small [1024]byte // most forms fit
	text := small[:0]
	if len(raw) > len(small) {
		text = make([]byte, 0, len(raw))
	}
	f := new(Form)
	f.index = f.usual[:0]
	for len(raw) > 0 {
		var pair []byte
		pair, raw, _ = bytes.Cut(raw, []byte{'&'})
		if len(pair) == 0 {
			continue
		}
		if len(f.index) == maxParameters {
			return nil, malformedQuery("The query has too many parameters")
		}
		name, value, _ := bytes.Cut(pair, []byte{'='})
		p := parameter{name: uint32(len(text))}
		var err error
		if text, err = unescape(text, name); err != nil {
			return nil, err
		}
		p.value = uint32(len(text))
		if text, err = unescape(text, value); err != nil {
			return nil, err
		}
		p.end = uint32(len(text))
		f.index = append(f.index, p)
	}
	f.text = string(text)
	slices.SortFunc(f.index, func(a, b parameter) int {
		if c := strings.Compare(f.name(a), f.name(b)); c != 0 {
			return c
		}
		return int(a.name) - int(b.name)
	})
	return f, nil
}

// Get returns the first parameter of that name.
func (f *Form) Get(name string) (string, bool) { return f.all().get(name) }

func (f *Form) all() scope { return scope{form: f, end: len(f.index)} }

// unescape appends the decoded form of a name or value, which is never longer than the encoded one: text has room for it.
func unescape(text, encoded []byte) ([]byte, error) {
	from, to := len(text), len(text)
	text = text[:from+len(encoded)]
	all := byte(0) // of the bits of all bytes
	for i := 0; i < len(encoded); i++ {
		c := encoded[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if len(encoded) < i+3 {
				return nil, malformedQuery("Incomplete trailing escape % sequence")
			}
			high, low := unhex(encoded[i+1]), unhex(encoded[i+2])
			if high > 15 || low > 15 {
				return nil, malformedQuery("Illegal hex character in escape % pattern: " + strings.ToValidUTF8(string(encoded[i:i+3]), "\uFFFD"))
			}
			c = high<<4 | low
			i += 2
		}
		all |= c
		text[to] = c
		to++
	}
	if all >= utf8.RuneSelf && !utf8.Valid(text[from:to]) {
		return nil, malformedQuery("The query is not valid UTF-8")
	}
	return text[:to], nil
}

// unhex returns the value of a hexadecimal digit, and more than 15 for any other byte.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	default:
		return 0xff
	}
}

func malformedQuery(message string) error {
	return identity.NewFault(identity.MalformedQueryString, message)
}
