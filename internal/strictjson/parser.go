package strictjson

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// parser reads the text once from left to right. depth and tokens are what is left of the limits.
type parser struct {
	data   string
	pos    int
	depth  int
	tokens int
}

func (p *parser) fail(offset int, reason string) error { return &Error{Offset: offset, Reason: reason} }

func (p *parser) skipSpace() {
	for p.pos < len(p.data) && isSpace(p.data[p.pos]) {
		p.pos++
	}
}

// peek gives the next byte, or 0 at the end; no token begins with a zero byte.
func (p *parser) peek() byte {
	if p.pos < len(p.data) {
		return p.data[p.pos]
	}
	return 0
}

func (p *parser) spend(tokens int) error {
	if p.tokens -= tokens; p.tokens < 0 {
		return p.fail(p.pos, "too many tokens")
	}
	return nil
}

func (p *parser) value() (Value, error) {
	if err := p.spend(1); err != nil {
		return Value{}, err
	}
	start := p.pos
	switch c := p.peek(); {
	case c == '{':
		return p.nested(Object)
	case c == '[':
		return p.nested(Array)
	case c == '"':
		s, err := p.string()
		return Value{Kind: String, Text: s, Offset: start, End: p.pos}, err
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case c == 't':
		return p.word("true", Bool)
	case c == 'f':
		return p.word("false", Bool)
	case c == 'n':
		return p.word("null", Null)
	case start == len(p.data):
		return Value{}, p.fail(start, "document ends too early")
	}
	return Value{}, p.fail(start, "no value begins here")
}

func (p *parser) word(word string, kind Kind) (Value, error) {
	start := p.pos
	if !strings.HasPrefix(p.data[start:], word) {
		return Value{}, p.fail(start, "no value begins here")
	}
	p.pos += len(word)
	v := Value{Kind: kind, Offset: start, End: p.pos}
	if kind == Bool {
		v.Text = word
	}
	return v, nil
}

func (p *parser) nested(kind Kind) (Value, error) {
	if p.depth == 0 {
		return Value{}, p.fail(p.pos, "nested too deeply")
	}
	p.depth--
	defer func() { p.depth++ }()
	v := Value{Kind: kind, Offset: p.pos}
	closing := byte(']')
	if kind == Object {
		closing = '}'
	}
	p.pos++
	p.skipSpace()
	names := nameSet{}
	for more := p.peek() != closing; more; {
		if err := p.item(&v, &names); err != nil {
			return Value{}, err
		}
		p.skipSpace()
		switch p.peek() {
		case ',':
			p.pos++
			p.skipSpace()
		case closing:
			more = false
		default:
			return Value{}, p.fail(p.pos, "expected a comma or the end of the "+kind.String())
		}
	}
	p.pos++
	v.End = p.pos
	return v, p.spend(1)
}

func (p *parser) item(to *Value, names *nameSet) error {
	if to.Kind == Object {
		return p.member(to, names)
	}
	return p.element(to)
}

func (p *parser) element(array *Value) error {
	v, err := p.value()
	if err != nil {
		return err
	}
	array.Elements = append(array.Elements, v)
	return nil
}

func (p *parser) member(object *Value, names *nameSet) error {
	if err := p.spend(1); err != nil {
		return err
	}
	start := p.pos
	if p.peek() != '"' {
		return p.fail(start, "expected a key")
	}
	name, err := p.string()
	if err != nil {
		return err
	}
	if !names.add(name) {
		return p.fail(start, "duplicate key")
	}
	p.skipSpace()
	if p.peek() != ':' {
		return p.fail(p.pos, "expected a colon")
	}
	p.pos++
	p.skipSpace()
	v, err := p.value()
	if err != nil {
		return err
	}
	if object.Members == nil {
		object.Members = make([]Member, 0, usualMembers)
	}
	object.Members = append(object.Members, Member{Name: name, Offset: start, Value: v})
	return nil
}

// usualMembers is the number of members for which an object has room from the start.
const usualMembers = 4

// nameSet holds the keys of one object, which differ under simple case folding: in a list while they are few, then folded in a
// map.
type nameSet struct {
	few  []string
	many map[string]struct{}
}

func (s *nameSet) add(name string) bool {
	if s.many == nil {
		for _, other := range s.few {
			if strings.EqualFold(other, name) {
				return false
			}
		}
		if s.few == nil {
			s.few = make([]string, 0, usualMembers)
		}
		if s.few = append(s.few, name); len(s.few) < 16 {
			return true
		}
		s.many = make(map[string]struct{}, 32)
		for _, other := range s.few {
			s.many[foldName(other)] = struct{}{}
		}
		return true
	}
	name = foldName(name)
	if _, found := s.many[name]; found {
		return false
	}
	s.many[name] = struct{}{}
	return true
}

func (p *parser) number() (Value, error) {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
	}
	if p.peek() == '0' {
		p.pos++
	} else if !p.digits() {
		return Value{}, p.fail(p.pos, "malformed number")
	}
	if p.peek() == '.' {
		p.pos++
		if !p.digits() {
			return Value{}, p.fail(p.pos, "malformed number")
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if !p.digits() {
			return Value{}, p.fail(p.pos, "malformed number")
		}
	}
	return Value{Kind: Number, Text: p.data[start:p.pos], Offset: start, End: p.pos}, nil
}

func (p *parser) digits() bool {
	start := p.pos
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
	return p.pos > start
}

func (p *parser) string() (string, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.data) {
		switch c := p.data[p.pos]; {
		case c == '"':
			s := p.data[start:p.pos]
			p.pos++
			return s, nil
		case c == '\\':
			return p.escaped(start)
		case c < 0x20:
			return "", p.fail(p.pos, "control character in a string")
		}
		p.pos++
	}
	return "", p.fail(p.pos, "string without an end")
}

// escaped goes on with a string whose first escape has been met.
func (p *parser) escaped(start int) (string, error) {
	text := append([]byte(nil), p.data[start:p.pos]...)
	for p.pos < len(p.data) {
		switch c := p.data[p.pos]; {
		case c == '"':
			p.pos++
			return string(text), nil
		case c < 0x20:
			return "", p.fail(p.pos, "control character in a string")
		case c != '\\':
			text = append(text, c)
			p.pos++
		default:
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			text = utf8.AppendRune(text, r)
		}
	}
	return "", p.fail(p.pos, "string without an end")
}

var simpleEscapes = [256]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (p *parser) escape() (rune, error) {
	start := p.pos
	p.pos++
	c := p.peek()
	if r := simpleEscapes[c]; r != 0 {
		p.pos++
		return r, nil
	}
	r, ok := p.hex()
	if !ok {
		return 0, p.fail(start, "malformed escape")
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if p.peek() == '\\' {
		p.pos++
		if low, ok := p.hex(); ok {
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				return r, nil
			}
		}
	}
	return 0, p.fail(start, "escape of a lone surrogate")
}

// hex reads the u and four digits of an escape.
func (p *parser) hex() (rune, bool) {
	if p.peek() != 'u' || len(p.data)-p.pos < 5 {
		return 0, false
	}
	var r rune
	for _, c := range []byte(p.data[p.pos+1 : p.pos+5]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	p.pos += 5
	return r, true
}
