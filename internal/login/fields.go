package login

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/stint-sts/stint/internal/strictjson"
)

// fields reads the members of a JSON object, and remembers the first that is not what it should be.
type fields struct {
	object *strictjson.Value
	err    error
}

func parseFields(text []byte, limits strictjson.Limits) (*fields, error) {
	v, err := strictjson.Parse(text, limits)
	if err != nil {
		return nil, err
	}
	return &fields{object: &v}, nil
}

func (f *fields) fail(name, reason string) {
	if f.err == nil {
		f.err = fmt.Errorf("the member %s %s", name, reason)
	}
}

// text returns a string of 1 to most bytes that a terminal and an environment can hold.
func (f *fields) text(name string, most int) string {
	v, ok := f.object.Get(name)
	if !ok || v.Kind != strictjson.String || v.Text == "" {
		f.fail(name, "is missing or no text")
		return ""
	}
	if len(v.Text) > most {
		f.fail(name, "is too long")
		return ""
	}
	for _, r := range v.Text {
		if !unicode.IsPrint(r) {
			f.fail(name, "has characters that cannot be printed")
			return ""
		}
	}
	return v.Text
}

// optional is text for what may be left out.
func (f *fields) optional(name string, most int) string {
	if _, ok := f.object.Get(name); !ok {
		return ""
	}
	return f.text(name, most)
}

func (f *fields) seconds(name string) time.Duration {
	const most = 10 * 365 * 24 * 60 * 60
	v, ok := f.object.Get(name)
	if !ok || v.Kind != strictjson.Number {
		f.fail(name, "is missing or no number")
		return 0
	}
	n, err := strconv.ParseInt(v.Text, 10, 64)
	if err != nil || n < 0 || n > most {
		f.fail(name, "is no whole number of seconds")
		return 0
	}
	return time.Duration(n) * time.Second
}

func (f *fields) time(name string) time.Time {
	t, err := time.Parse(time.RFC3339, f.text(name, len("2006-01-02T15:04:05.999999999+00:00")))
	if err != nil {
		f.fail(name, "is no time as in RFC 3339")
	}
	return t
}

// only refuses members with other names.
func (f *fields) only(names ...string) {
	for _, m := range f.object.Members {
		known := false
		for _, n := range names {
			known = known || n == m.Name
		}
		if !known {
			f.fail(strconv.Quote(m.Name), "is unknown")
		}
	}
}

// done returns what was wrong.
func (f *fields) done() error {
	if f.object.Kind != strictjson.Object {
		return errors.New("it is no JSON object")
	}
	return f.err
}

// printable leaves out of a text from outside what a terminal could obey, and what is longer than most bytes.
func printable(text string, most int) string {
	kept := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, text)
	return strings.ToValidUTF8(kept[:min(len(kept), most)], "")
}
