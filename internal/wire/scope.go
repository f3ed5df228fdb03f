package wire

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// scope is the run of parameters that share a prefix, such as all of Tags.member.1. The index of a form is sorted, so that a
// prefix is one run and no list, however it is written, is read more than once.
type scope struct {
	form       *Form
	start, end int
	prefix     int // bytes of each name that the scope stands for
}

// name returns what follows the scope's prefix in a parameter's name.
func (s scope) name(i int) string { return s.form.name(s.form.index[i])[s.prefix:] }

// search returns the first parameter whose name is not before the given one.
func (s scope) search(name string) int {
	low, high := s.start, s.end
	for low < high {
		if middle := int(uint(low+high) / 2); s.name(middle) < name {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

func (s scope) get(name string) (string, bool) {
	i := s.search(name)
	if i == s.end || s.name(i) != name {
		return "", false
	}
	return s.form.value(s.form.index[i]), true
}

// under returns the scope of the names that begin with member and a dot.
func (s scope) under(member string) scope {
	sub := scope{form: s.form, prefix: s.prefix + len(member) + 1}
	sub.start = s.searchUnder(member, '.')
	sub.end = sub.start
	if sub.start < s.end && strings.HasPrefix(s.name(sub.start), member) {
		sub.end = s.searchUnder(member, '.'+1)
	}
	return sub
}

// searchUnder is search for member followed by one byte, without putting the two together.
func (s scope) searchUnder(member string, next byte) int {
	low, high := s.start, s.end
	for low < high {
		middle := int(uint(low+high) / 2)
		name := s.name(middle)
		before := name < member
		if rest, ok := strings.CutPrefix(name, member); ok {
			before = rest == "" || rest[0] < next
		}
		if before {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// errList is a list that is not written as X.member.N.
var errList = errors.New("malformed list")

// element is one member of a list: the parameters that begin with X.member.N.
type element struct {
	number     uint32
	start, end int
	prefix     int // up to N, without the dot that may follow
}

// fields returns the scope of a structure's members.
func (e element) fields(f *Form) scope {
	s := scope{form: f, start: e.start, end: e.end, prefix: e.prefix}
	for s.start < s.end && s.name(s.start) == "" {
		s.start++
	}
	s.prefix++
	return s
}

// value returns the value of a member that is no structure.
func (e element) value(f *Form) (string, bool) {
	p := f.index[e.start]
	return f.value(p), int(p.value-p.name) == e.prefix
}

// elements returns the members of the list that the scope holds ("member.N…"), in the order of their numbers. Gaps
// close up. A name that is no member, or a number that is not canonical, is refused: a list that limits a session must not
// be shorter than the caller believes. Numbers cost no memory: only parameters that are there count.
func (s scope) elements() ([]element, error) {
	var list []element
	const word = "member."
	for i := s.start; i < s.end; i++ {
		digits, ok := strings.CutPrefix(s.name(i), word)
		if !ok {
			return nil, errList
		}
		digits, _, _ = strings.Cut(digits, ".")
		number, err := listNumber(digits)
		if err != nil {
			return nil, err
		}
		if last := len(list) - 1; last >= 0 && list[last].number == number {
			list[last].end = i + 1
			continue
		}
		if list == nil {
			list = make([]element, 0, min(s.end-i, 8))
		}
		list = append(list, element{number: number, start: i, end: i + 1, prefix: s.prefix + len(word) + len(digits)})
	}
	slices.SortFunc(list, func(a, b element) int { return cmp.Compare(a.number, b.number) })
	return list, nil
}

// listNumber reads a number from 1 to 999,999,999 without leading zeros.
func listNumber(digits string) (uint32, error) {
	if digits == "" || len(digits) > 9 || digits[0] == '0' {
		return 0, errList
	}
	var n uint32
	for i := range len(digits) {
		c := digits[i]
		if c < '0' || c > '9' {
			return 0, errList
		}
		n = n*10 + uint32(c-'0')
	}
	return n, nil
}
