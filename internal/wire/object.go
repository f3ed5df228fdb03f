package wire

import (
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/strictjson"
)

// object is a structure of a JSON 1.1 request.
type jsonObject struct{ *strictjson.Value }

// get returns a member. One that is null is not there, as AWS's own services read it.
func (o jsonObject) get(name string) (*strictjson.Value, bool) {
	value, ok := o.Get(name)
	return value, ok && value.Kind != strictjson.Null
}

// jsonDecoder reads the parameters of a JSON 1.1 request. Unlike those of a query they have types; a wrong one is told before any
// broken limit, and of the limits the first one alone, as Organizations does: InvalidInputException has one Reason.
type jsonDecoder struct {
	malformed bool
	broken    *identity.Fault
}

// fault returns the refusal of the whole request, or nil.
func (d *jsonDecoder) fault() error {
	switch {
	case d.malformed:
		return identity.NewFault(identity.MalformedInput, "")
	case d.broken != nil:
		return d.broken
	}
	return nil
}

// The broken limits, by the Reason of InvalidInputException; the sentences are the API reference's, which tells of each what
// happened. That of INVALID_PATTERN is recorded (docs/wire-compatibility.md §15).
var (
	inputRequired  = invalidInput("INPUT_REQUIRED", "You must include a value for all required parameters.")
	invalidPattern = invalidInput("INVALID_PATTERN", "You provided a value that does not match the required pattern.")
	invalidEnum    = invalidInput("INVALID_ENUM", "You specified an invalid value.")
	belowMinimum   = invalidInput("MIN_VALUE_EXCEEDED", "You provided a numeric parameter that has a smaller value than allowed.")
	aboveMaximum   = invalidInput("MAX_VALUE_EXCEEDED", "You provided a numeric parameter that has a larger value than allowed.")
	tooShort       = invalidInput("MIN_LENGTH_EXCEEDED", "You provided a string parameter that is shorter than allowed.")
	tooLong        = invalidInput("MAX_LENGTH_EXCEEDED", "You provided a string parameter that is longer than allowed.")
	badList        = invalidInput("INVALID_LIST_MEMBER", "You provided a list to a parameter that contains at least one invalid value.")
)

func invalidInput(reason, message string) *identity.Fault {
	f := identity.NewFault(identity.InvalidInputException, message)
	f.Reason = reason
	return f
}

func (d *jsonDecoder) refuse(f *identity.Fault) {
	if d.broken == nil {
		d.broken = f
	}
}

func decodeEmptyObject(*jsonDecoder, jsonObject, *api.Empty) {}

// member returns a member of one type. What is required and missing is refused.
func (d *jsonDecoder) member(o jsonObject, name string, required bool, kind strictjson.Kind) (*strictjson.Value, bool) {
	value, ok := o.get(name)
	switch {
	case !ok && required:
		d.refuse(inputRequired)
	case ok && value.Kind != kind:
		d.malformed = true
		return nil, false
	}
	return value, ok
}

func (d *jsonDecoder) text(o jsonObject, name string, c *constraint) string {
	value, ok := d.member(o, name, true, strictjson.String)
	if !ok {
		return ""
	}
	d.checkText(value.Text, c)
	return value.Text
}

func (d *jsonDecoder) textOptional(o jsonObject, name string, c *constraint) *string {
	value, ok := d.member(o, name, false, strictjson.String)
	if !ok {
		return nil
	}
	d.checkText(value.Text, c)
	return &value.Text
}

func (d *jsonDecoder) checkText(value string, c *constraint) {
	n := utf8.RuneCountInString(value)
	switch {
	case c.hasMin && n < c.min:
		d.refuse(tooShort)
	case c.hasMax && n > c.max:
		d.refuse(tooLong)
	case c.pattern != nil && !c.pattern.matches(value):
		d.refuse(invalidPattern)
	case c.enum != nil && !slices.Contains(c.enum, value):
		d.refuse(invalidEnum)
	}
}

func (d *jsonDecoder) numberOptional(o jsonObject, name string, c *constraint) *int32 { //nolint:unparam // the generated decoders' form
	value, ok := d.member(o, name, false, strictjson.Number)
	if !ok {
		return nil
	}
	n, err := strconv.ParseInt(value.Text, 10, 32)
	if err != nil {
		d.malformed = true
		return nil
	}
	switch {
	case c.hasMin && n < int64(c.min):
		d.refuse(belowMinimum)
	case c.hasMax && n > int64(c.max):
		d.refuse(aboveMaximum)
	}
	return new(int32(n))
}

// maxTime is the end of the year 9999 in seconds since the epoch.
const maxTime = 253402300799

// time reads seconds since the epoch, the timestamps of JSON 1.1.
func (d *jsonDecoder) time(o jsonObject, name string) time.Time {
	if t := d.readTime(o, name, true); t != nil {
		return *t
	}
	return time.Time{}
}

func (d *jsonDecoder) timeOptional(o jsonObject, name string) *time.Time {
	return d.readTime(o, name, false)
}

func (d *jsonDecoder) readTime(o jsonObject, name string, required bool) *time.Time {
	value, ok := d.member(o, name, required, strictjson.Number)
	if !ok {
		return nil
	}
	seconds, err := strconv.ParseFloat(value.Text, 64)
	if err != nil || seconds < 0 || seconds > maxTime {
		d.malformed = true
		return nil
	}
	return new(time.UnixMilli(int64(seconds * 1000)).UTC())
}

// structure returns a nested structure, and whether it was sent.
func (d *jsonDecoder) structure(o jsonObject, name string, required bool) (jsonObject, bool) {
	value, ok := d.member(o, name, required, strictjson.Object)
	return jsonObject{value}, ok
}

// list returns the structures of a list, and whether it was sent.
func (d *jsonDecoder) list(o jsonObject, name string, required bool, c *constraint) ([]jsonObject, bool) { //nolint:unparam // as above
	elements, ok := d.elements(o, name, required, c, strictjson.Object)
	if !ok {
		return nil, false
	}
	objects := make([]jsonObject, len(elements))
	for i := range elements {
		objects[i] = jsonObject{&elements[i]}
	}
	return objects, true
}

func (d *jsonDecoder) texts(o jsonObject, name string, required bool, list, each *constraint) []string {
	elements, ok := d.elements(o, name, required, list, strictjson.String)
	if !ok {
		return nil
	}
	values := make([]string, len(elements))
	for i := range elements {
		values[i] = elements[i].Text
		d.checkText(values[i], each)
	}
	return values
}

// elements returns the elements of a list, all of one type: null is none.
func (d *jsonDecoder) elements(o jsonObject, name string, required bool, c *constraint, kind strictjson.Kind) ([]strictjson.Value, bool) {
	value, ok := d.member(o, name, required, strictjson.Array)
	if !ok {
		return nil, false
	}
	if n := len(value.Elements); c.hasMin && n < c.min || c.hasMax && n > c.max {
		d.refuse(badList)
	}
	for i := range value.Elements {
		if value.Elements[i].Kind != kind {
			d.malformed = true
			return nil, false
		}
	}
	return value.Elements, true
}
