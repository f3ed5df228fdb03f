package wire

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// constraint holds the limits of one shape: of a string's length in code points, of a number's value or of a list's size.
type constraint struct {
	min, max       int
	hasMin, hasMax bool
	pattern        *pattern
	enum           []string
	// sentence is the refusal that a service prints in place of the pattern's; %s is the member.
	sentence string
	// silent leaves the value out of refusals.
	silent bool
}

// pattern matches whole values as the Java expression that the models give does.
type pattern struct {
	source     string
	class      *class // of each code point, where the expression is one class repeated
	nonEmpty   bool
	expression *regexp.Regexp
	without    string // may not occur, which stands for a lookahead
}

func (p *pattern) matches(value string) bool {
	if p.class != nil {
		return p.class.holds(value) && (value != "" || !p.nonEmpty)
	}
	return p.expression.MatchString(value) && (p.without == "" || !strings.Contains(value, p.without))
}

// class is a set of code points: a bit per ASCII character, ranges and Unicode tables above.
type class struct {
	ascii  [2]uint64
	ranges [][2]rune
	tables []*unicode.RangeTable
}

func (c *class) holds(value string) bool {
	for i := 0; i < len(value); i++ {
		b := value[i]
		if b >= utf8.RuneSelf {
			return c.holdsUnicode(value[i:])
		}
		if c.ascii[b/64]&(1<<(b%64)) == 0 {
			return false
		}
	}
	return true
}

func (c *class) holdsUnicode(value string) bool {
	for _, r := range value {
		if !c.holdsRune(r) {
			return false
		}
	}
	return true
}

func (c *class) holdsRune(r rune) bool {
	if r < utf8.RuneSelf {
		return c.ascii[r/64]&(1<<(r%64)) != 0
	}
	for _, bounds := range c.ranges {
		if bounds[0] <= r && r <= bounds[1] {
			return true
		}
	}
	return unicode.In(r, c.tables...)
}
