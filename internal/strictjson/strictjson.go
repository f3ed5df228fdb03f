// Package strictjson reads JSON from outside without leniency.
//
// Parse gives the syntax tree of one document and refuses what other readers disagree about: duplicate keys, keys of one
// object that differ only in case, invalid UTF-8, escapes of lone surrogates, a byte order mark, anything after the document.
// It holds size, depth and token limits while it reads, before it allocates. Nodes keep the raw text of numbers, the order of
// members and byte offsets, so that a caller can point at a fault or edit the text in place.
//
// It exists because encoding/json takes the last of duplicate keys and folds their case, which turns one document into two
// meanings. It is not a decoder into Go structures: callers walk the tree and so decide about every key.
package strictjson

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Limits bounds a document. A zero member means its default.
type Limits struct {
	Bytes  int // of the text; default 1 MiB
	Depth  int // of nested arrays and objects; default 32
	Tokens int // keys, values and brackets; default 20,000
}

const (
	defaultBytes  = 1 << 20
	defaultDepth  = 32
	defaultTokens = 20_000
)

// Kind is the kind of a JSON value.
type Kind uint8

// The kinds; the zero value is no value.
const (
	Invalid Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

var kindNames = [...]string{"invalid", "null", "boolean", "number", "string", "array", "object"}

// String gives the kind's name.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "invalid"
}

// Value is one node of the tree.
type Value struct {
	Kind Kind
	// Text is the decoded text of a string, the raw text of a number, and true or false for a boolean.
	Text     string
	Elements []Value  // of an array
	Members  []Member // of an object, in the order of the text
	Offset   int      // of the first byte
	End      int      // of the byte after the last
}

// Member is one key of an object with its value.
type Member struct {
	Name   string
	Offset int // of the key's opening quote
	Value  Value
}

// Get gives the value of an object's key. It is false if there is no such key or v is not an object.
func (v *Value) Get(name string) (*Value, bool) {
	for i := range v.Members {
		if v.Members[i].Name == name {
			return &v.Members[i].Value, true
		}
	}
	return nil, false
}

// Error is a refused document.
type Error struct {
	Offset int // of the byte at which reading stopped
	Reason string
}

// Error gives the reason and the offset; it never quotes the document.
func (e *Error) Error() string { return fmt.Sprintf("reading JSON at byte %d: %s", e.Offset, e.Reason) }

// Parse reads one document.
func Parse(data []byte, limits Limits) (Value, error) {
	p := parser{depth: orDefault(limits.Depth, defaultDepth), tokens: orDefault(limits.Tokens, defaultTokens)}
	if most := orDefault(limits.Bytes, defaultBytes); len(data) > most {
		return Value{}, p.fail(most, "document too large")
	}
	if len(data) >= 3 && data[0] == 0xEF && data[1] == 0xBB && data[2] == 0xBF {
		return Value{}, p.fail(0, "byte order mark")
	}
	if !utf8.Valid(data) {
		return Value{}, p.fail(invalidUTF8(data), "invalid UTF-8")
	}
	p.data = string(data) // once: the texts of the tree are parts of it
	p.skipSpace()
	v, err := p.value()
	if err != nil {
		return Value{}, err
	}
	p.skipSpace()
	if p.pos != len(data) {
		return Value{}, p.fail(p.pos, "text after the document")
	}
	return v, nil
}

func orDefault(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}

// invalidUTF8 gives the offset of the first invalid byte of data, which has one.
func invalidUTF8(data []byte) int {
	for i := 0; ; {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
}

// foldName gives the form under which two keys count as the same: each character becomes the least of those that are equal
// to it under simple case folding. It is the folding of encoding/json, so that no two keys that we accept collide there.
func foldName(name string) string {
	ascii := true
	for i := 0; i < len(name); i++ {
		if c := name[i]; c >= utf8.RuneSelf || c >= 'a' && c <= 'z' {
			ascii = false
			break
		}
	}
	if ascii {
		return name
	}
	folded := make([]rune, 0, len(name))
	for _, r := range name {
		folded = append(folded, foldRune(r))
	}
	return string(folded)
}

func foldRune(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}

// Compact appends src to dst without the white space between tokens. src must be a document that Parse accepts.
func Compact(dst, src []byte) []byte {
	inString := false
	for i := 0; i < len(src); i++ {
		c := src[i]
		switch {
		case inString && c == '\\' && i+1 < len(src):
			dst = append(dst, c)
			i++
			c = src[i]
		case c == '"':
			inString = !inString
		case !inString && isSpace(c):
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// AppendString appends s to dst as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < 0x20:
			dst = fmt.Appendf(dst, "\\u%04x", r)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
