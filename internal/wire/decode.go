package wire

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/identity"
)

// decoder reads a request's parameters and collects what is wrong with them. AWS parses all values first (MalformedInput)
// and checks limits then, all of them in one answer.
type decoder struct {
	malformed error
	refusals  refusals
}

// fault returns the refusal of the whole request, or nil.
func (d *decoder) fault() error {
	if d.malformed != nil {
		return d.malformed
	}
	return d.refusals.fault()
}

// malform records a value that cannot be parsed. The first counts. AWS's answer has a message only for an empty number.
func (d *decoder) malform(message string) {
	if d.malformed == nil {
		d.malformed = identity.NewFault(identity.MalformedInput, message)
	}
}

func decodeEmpty(*decoder, scope, *path, *api.Empty) {}

func (d *decoder) text(s scope, p *path, name string, c *constraint) string {
	value, ok := s.get(name)
	if !ok {
		d.refusals.null(p, name)
		return ""
	}
	d.checkText(p, name, value, c)
	return value
}

func (d *decoder) textOptional(s scope, p *path, name string, c *constraint) *string {
	value, ok := s.get(name)
	if !ok {
		return nil
	}
	d.checkText(p, name, value, c)
	return new(value)
}

func (d *decoder) checkText(p *path, name, value string, c *constraint) {
	if c.hasMin || c.hasMax {
		d.checkRange(p, name, value, utf8.RuneCountInString(value), c, "length")
	}
	if c.pattern != nil && !c.pattern.matches(value) {
		if c.sentence != "" && value != "" {
			d.refusals.say(strings.Replace(c.sentence, "%s", lowerFirst(name), 1))
		} else {
			d.refusals.add(p, name, value, c.silent, "satisfy regular expression pattern: "+c.pattern.source)
		}
	}
	if c.enum != nil && !slices.Contains(c.enum, value) {
		d.refusals.add(p, name, value, c.silent, "satisfy enum value set")
	}
}

func (d *decoder) checkRange(p *path, name, value string, n int, c *constraint, what string) {
	if c.hasMin && n < c.min {
		d.refusals.add(p, name, value, c.silent, "have "+what+" greater than or equal to "+strconv.Itoa(c.min))
	}
	if c.hasMax && n > c.max {
		d.refusals.add(p, name, value, c.silent, "have "+what+" less than or equal to "+strconv.Itoa(c.max))
	}
}

func (d *decoder) number(s scope, p *path, name string, c *constraint) int32 {
	value, ok := s.get(name)
	if !ok {
		d.refusals.null(p, name)
		return 0
	}
	return d.parseNumber(p, name, value, c)
}

func (d *decoder) numberOptional(s scope, p *path, name string, c *constraint) *int32 {
	value, ok := s.get(name)
	if !ok {
		return nil
	}
	return new(d.parseNumber(p, name, value, c))
}

// parseNumber takes what Java's Integer.parseInt takes of ASCII: a sign and leading zeros are allowed (ARGMIN).
func (d *decoder) parseNumber(p *path, name, value string, c *constraint) int32 {
	if value == "" {
		d.malform("missing value for decimal type")
		return 0
	}
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		d.malform("")
		return 0
	}
	d.checkRange(p, name, strconv.FormatInt(n, 10), int(n), c, "value")
	return int32(n)
}

func (d *decoder) flagOptional(s scope, _ *path, name string) *bool {
	value, ok := s.get(name)
	if !ok {
		return nil
	}
	return new(d.parseFlag(value))
}

// parseFlag takes true and false alone: anything else read as false could turn a restriction off.
func (d *decoder) parseFlag(value string) bool {
	switch value {
	case "true":
		return true
	case "false":
		return false
	default:
		d.malform("")
		return false
	}
}

// structure returns the scope of a nested structure's members, and whether any was sent.
func (d *decoder) structure(s scope, p *path, name string, required bool) (scope, bool) {
	if whole, ok := s.get(name); ok && whole != "" {
		d.malform("")
	}
	sub := s.under(name)
	if sub.start < sub.end {
		return sub, true
	}
	if required {
		d.refusals.null(p, name)
	}
	return scope{}, false
}

// list returns the members of a list, and whether it was sent: an empty parameter of its name is an empty list.
func (d *decoder) list(s scope, p *path, name string, required bool, c *constraint) ([]element, bool) {
	whole, empty := s.get(name)
	if whole != "" {
		d.malform("")
	}
	list, err := s.under(name).elements()
	if err != nil {
		d.malform("")
		return nil, false
	}
	if len(list) == 0 && !empty {
		if required {
			d.refusals.null(p, name)
		}
		return nil, false
	}
	d.checkSize(p, name, len(list), c)
	return list, true
}

// checkSize refuses a list by its size. AWS prints the list as Java does, object ids and all: only an empty one is the same
// here, any other is left out.
func (d *decoder) checkSize(p *path, name string, n int, c *constraint) {
	if (c.hasMin && n < c.min) || (c.hasMax && n > c.max) {
		sized := *c
		sized.silent = c.silent || n > 0
		d.checkRange(p, name, "[]", n, &sized, "length")
	}
}

func (d *decoder) texts(s scope, p *path, name string, required bool, list, each *constraint) []string {
	members, ok := d.list(s, p, name, required, list)
	if !ok {
		return nil
	}
	values := make([]string, len(members))
	for i, m := range members {
		value, ok := m.value(s.form)
		if !ok {
			d.malform("")
			return nil
		}
		values[i] = value
		d.checkText(&path{up: p, name: name, index: i + 1}, "", value, each)
	}
	return values
}
