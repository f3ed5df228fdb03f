package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pattern writes a Java regular expression of the models as a matcher: a character class where the expression is one class
// repeated, else an expression of Go's. Both match the whole value, as Java's matches() does.
func (g *generator) pattern(java string) (string, error) {
	for _, l := range g.rules.Lookahead {
		if l.Pattern == java {
			return fmt.Sprintf("source: %q, expression: regexp.MustCompile(%q), without: %q", java, `\A(?:`+l.Expression+`)\z`, l.Without), nil
		}
	}
	if body, min, ok := singleClass(java); ok {
		c, err := parseClass(body)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("source: %q, class: &class{%s}, nonEmpty: %t", java, c, min > 0), nil
	}
	expression := translate(java)
	if _, err := regexp.Compile(expression); err != nil {
		return "", err
	}
	return fmt.Sprintf("source: %q, expression: regexp.MustCompile(%q)", java, expression), nil
}

var javaEscape = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)

// translate turns Java's \uXXXX (exactly four digits: \u10000 is U+1000 and a zero) into Go's form and anchors the whole.
func translate(java string) string {
	trimmed := strings.TrimSuffix(strings.TrimPrefix(java, "^"), "$")
	return `\A(?:` + javaEscape.ReplaceAllString(trimmed, `\x{$1}`) + `)\z`
}

// singleClass reports whether the expression is one bracketed class with * or +, and returns its body and the fewest
// repetitions.
func singleClass(java string) (body string, min int, ok bool) {
	p := strings.TrimSuffix(strings.TrimPrefix(java, "^"), "$")
	if len(p) < 4 || p[0] != '[' {
		return "", 0, false
	}
	switch {
	case strings.HasSuffix(p, "]*"):
	case strings.HasSuffix(p, "]+"):
		min = 1
	default:
		return "", 0, false
	}
	body = p[1 : len(p)-2]
	if strings.ContainsAny(body, "[]^&") { // unions, intersections, negations
		return "", 0, false
	}
	return body, min, true
}

// class is a set of code points.
type class struct {
	ascii  [2]uint64
	ranges [][2]rune // above ASCII
	tables []string
}

func (c *class) add(lo, hi rune) {
	for r := lo; r <= min(hi, utf8.RuneSelf-1); r++ {
		c.ascii[r/64] |= 1 << (r % 64)
	}
	if hi >= utf8.RuneSelf {
		c.ranges = append(c.ranges, [2]rune{max(lo, utf8.RuneSelf), hi})
	}
}

func (c *class) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ascii: [2]uint64{%#x, %#x}", c.ascii[0], c.ascii[1])
	if len(c.ranges) > 0 {
		b.WriteString(", ranges: [][2]rune{")
		for _, r := range c.ranges {
			fmt.Fprintf(&b, "{%#x, %#x},", r[0], r[1])
		}
		b.WriteString("}")
	}
	if len(c.tables) > 0 {
		fmt.Fprintf(&b, ", tables: []*unicode.RangeTable{%s}", strings.Join(c.tables, ", "))
	}
	return b.String()
}

// parseClass reads the body of a Java character class as java.util.regex does.
func parseClass(body string) (*class, error) {
	c := new(class)
	for body != "" {
		if table, rest, ok := property(body); ok {
			c.tables = append(c.tables, "unicode."+table)
			if err := c.addASCII(table); err != nil {
				return nil, err
			}
			body = rest
			continue
		}
		if strings.HasPrefix(body, `\w`) || strings.HasPrefix(body, `\d`) {
			c.add('0', '9')
			if body[1] == 'w' {
				c.add('a', 'z')
				c.add('A', 'Z')
				c.add('_', '_')
			}
			body = body[2:]
			continue
		}
		lo, rest, err := codePoint(body)
		if err != nil {
			return nil, err
		}
		hi := lo
		if len(rest) > 1 && rest[0] == '-' {
			if hi, rest, err = codePoint(rest[1:]); err != nil {
				return nil, err
			}
		}
		if hi < lo {
			return nil, errors.New("range out of order")
		}
		c.add(lo, hi)
		body = rest
	}
	return c, nil
}

// addASCII adds the ASCII part of a general category, so that the tables are asked only above it.
func (c *class) addASCII(table string) error {
	switch table {
	case "L":
		c.add('a', 'z')
		c.add('A', 'Z')
	case "N":
		c.add('0', '9')
	case "Z":
		c.add(' ', ' ')
	default:
		return fmt.Errorf("no ASCII part known of category %s", table)
	}
	return nil
}

func property(body string) (table, rest string, ok bool) {
	if len(body) < 5 || !strings.HasPrefix(body, `\p{`) || body[4] != '}' {
		return "", "", false
	}
	return body[3:4], body[5:], true
}

func codePoint(body string) (rune, string, error) {
	if body[0] != '\\' {
		r, n := utf8.DecodeRuneInString(body)
		return r, body[n:], nil
	}
	if len(body) >= 6 && body[1] == 'u' {
		n, err := strconv.ParseUint(body[2:6], 16, 32)
		return rune(n), body[6:], err
	}
	if len(body) < 2 || strings.ContainsAny(body[1:2], "wdsWDSpPbnrtx") {
		return 0, "", fmt.Errorf("escape %q is not known", body[:min(2, len(body))])
	}
	return rune(body[1]), body[2:], nil
}
