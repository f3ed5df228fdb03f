package conformance

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/test/harness"
)

// compare lists what the answer has that the case does not want, or the other way about.
func (x *exchange) compare(e expectation) []string {
	c := &comparison{exchange: x}
	c.envelope(e)
	c.fault(e)
	c.members(e)
	c.jsonBody(e)
	c.token(e)
	return c.problems
}

type comparison struct {
	*exchange
	problems []string
	parsed   *harness.Element
}

func (c *comparison) failf(format string, arguments ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, arguments...))
}

// root is the answer as XML, or nil with a problem noted once.
func (c *comparison) root() *harness.Element {
	if c.parsed == nil {
		parsed, err := harness.ParseXML(c.answer.Body)
		if err != nil {
			c.failf("body: %v", err)
			parsed = &harness.Element{}
		}
		c.parsed = parsed
	}
	return c.parsed
}

func (c *comparison) envelope(e expectation) {
	if len(e.Status) > 0 {
		c.status(e.Status)
	}
	if e.Body != nil && string(c.answer.Body) != *e.Body {
		c.failf("body is %q, want %q", harness.Cut(string(c.answer.Body), 300), *e.Body)
	}
	if e.BodyRegex != "" {
		c.pattern("body", e.BodyRegex, string(c.answer.Body))
	}
	for name, want := range e.Headers {
		c.value("header "+name, want, strings.Join(c.answer.Header.Values(name), ", "))
	}
	for _, name := range e.HeadersAbsent {
		if values := c.answer.Header.Values(name); len(values) > 0 {
			c.failf("header %s is there: %q", name, values)
		}
	}
	for name, element := range e.HeaderEqualsBody {
		found := c.root().Find(element)
		if found == nil || found.Text == "" || found.Text != c.answer.Header.Get(name) {
			c.failf("header %s is %q and element %s %+v", name, c.answer.Header.Get(name), element, found)
		}
	}
	if e.XMLNamespace != "" && c.root().Namespace != e.XMLNamespace {
		c.failf("namespace is %q, want %q", c.root().Namespace, e.XMLNamespace)
	}
}

func (c *comparison) status(want json.RawMessage) {
	var one int
	if json.Unmarshal(want, &one) == nil {
		if c.answer.Status != one {
			c.failf("status is %d, want %d", c.answer.Status, one)
		}
		return
	}
	var several struct {
		AnyOf []int `json:"any_of"`
	}
	if err := strict(want, &several); err != nil {
		c.failf("expect.status: %v", err)
	} else if !slices.Contains(several.AnyOf, c.answer.Status) {
		c.failf("status is %d, want one of %v", c.answer.Status, several.AnyOf)
	}
}

func (c *comparison) fault(e expectation) {
	if len(e.ErrorCode) > 0 {
		c.element("error code", e.ErrorCode, c.root().Path("Error.Code"))
	}
	if e.ErrorType != "" {
		if found := c.root().Path("Error.Type"); found == nil || found.Text != e.ErrorType {
			c.failf("error type is %s, want %q", shown(found), e.ErrorType)
		}
	}
	if e.Message == nil && e.MessageRegex == "" && e.MessageAnyOf == nil && !e.MessageAbsent {
		return
	}
	message := c.root().Path("Error.Message")
	if e.MessageAbsent {
		if message != nil {
			c.failf("there is a message: %q", message.Text)
		}
		return
	}
	if message == nil {
		c.failf("there is no message")
		return
	}
	if e.Message != nil && message.Text != *e.Message {
		c.failf("message is\n    %q, want\n    %q", message.Text, *e.Message)
	}
	if e.MessageRegex != "" {
		c.pattern("message", e.MessageRegex, message.Text)
	}
	if e.MessageAnyOf != nil && !slices.Contains(e.MessageAnyOf, message.Text) {
		c.failf("message is\n    %q, want one of\n    %q", message.Text, e.MessageAnyOf)
	}
}

func (c *comparison) members(e expectation) {
	for path, want := range e.Fields {
		c.element(path, want, c.root().Result().Path(path))
	}
	for _, path := range e.MembersAbsent {
		if found := c.root().Result().Path(path); found != nil {
			c.failf("member %s is there: %s", path, shown(found))
		}
	}
	if e.MemberOrder != nil {
		var order []string
		for _, child := range c.root().Result().Children {
			order = append(order, child.Name)
		}
		if !slices.Equal(order, e.MemberOrder) {
			c.failf("members are %v, want %v", order, e.MemberOrder)
		}
	}
	for _, check := range e.Checks {
		c.check(check)
	}
}

var accountCheck = regexp.MustCompile(`^account_of\(([\w.]+)\)==(\d{12})$`)

func (c *comparison) check(text string) {
	parts := accountCheck.FindStringSubmatch(text)
	if parts == nil {
		c.failf("unknown check %q", text)
		return
	}
	account, err := harness.AccountOf(c.answer.Value(parts[1]))
	if err != nil || account != parts[2] {
		c.failf("%s: the account is %q (%v)", text, account, err)
	}
}

// matcher is a wanted value that is not a plain one.
type matcher struct {
	Regex    string          `json:"regex"`
	Approx   string          `json:"approx"`
	Within   int             `json:"tolerance_s"`
	JSON     json.RawMessage `json:"urldecodes_to_json"`
	Empty    bool            `json:"empty"`
	Equals   json.RawMessage `json:"equals"`
	Type     string          `json:"type"`
	AnyValue bool            `json:"present"`
}

func (c *comparison) element(what string, want json.RawMessage, found *harness.Element) {
	if found == nil {
		c.failf("%s is not there", what)
		return
	}
	var m matcher
	if strict(want, &m) == nil && m.Empty {
		if found.Text != "" || len(found.Children) > 0 {
			c.failf("%s is not empty: %s", what, shown(found))
		}
		return
	}
	c.value(what, want, found.Text)
}

func (c *comparison) value(what string, want json.RawMessage, got string) {
	var plain string
	if json.Unmarshal(want, &plain) == nil {
		if got != plain {
			c.failf("%s is %q, want %q", what, got, plain)
		}
		return
	}
	var m matcher
	if err := strict(want, &m); err != nil {
		c.failf("expect %s: %v", what, err)
		return
	}
	switch {
	case m.Regex != "":
		c.pattern(what, m.Regex, got)
	case m.Approx != "":
		c.near(what, m, got)
	case len(m.JSON) > 0:
		c.encodedJSON(what, m.JSON, got)
	case m.AnyValue:
	default:
		c.failf("expect %s: unknown kind %s", what, want)
	}
}

func (c *comparison) near(what string, m matcher, got string) {
	offset, err := strconv.Atoi(strings.TrimPrefix(m.Approx, "now"))
	if err != nil {
		c.failf("expect %s: %v", what, err)
		return
	}
	at, err := time.Parse("2006-01-02T15:04:05Z", got)
	if err != nil {
		c.failf("%s: %v", what, err)
		return
	}
	off := at.Sub(c.at.Add(time.Duration(offset) * time.Second)).Abs()
	if limit := time.Duration(m.Within)*time.Second + time.Second; off > limit {
		c.failf("%s is %s, %v away from %s", what, got, off, m.Approx)
	}
}

func (c *comparison) encodedJSON(what string, want json.RawMessage, got string) {
	text, err := url.PathUnescape(got)
	if err != nil {
		c.failf("%s: %v", what, err)
		return
	}
	var wanted, found any
	if err := json.Unmarshal(want, &wanted); err != nil {
		c.failf("expect %s: %v", what, err)
	} else if err := json.Unmarshal([]byte(text), &found); err != nil {
		c.failf("%s: %v", what, err)
	} else if !reflect.DeepEqual(wanted, found) {
		c.failf("%s is %s, want %s", what, text, want)
	}
}

func (c *comparison) pattern(what, pattern, got string) {
	compiled, err := compile(pattern)
	if err != nil {
		c.failf("expect %s: %v", what, err)
	} else if !compiled.MatchString(got) {
		c.failf("%s is\n    %q, want a match of\n    %s", what, harness.Cut(got, 600), pattern)
	}
}

var bigRepeat = regexp.MustCompile(`([^\\\])}])\{(\d{4,})\}`)

// compile writes out a repetition of one character that is above the limit of Go's regular expressions, a thousand.
func compile(pattern string) (*regexp.Regexp, error) {
	return regexp.Compile(bigRepeat.ReplaceAllStringFunc(pattern, func(repeat string) string {
		parts := bigRepeat.FindStringSubmatch(repeat)
		count, _ := strconv.Atoi(parts[2])
		return strings.Repeat(regexp.QuoteMeta(parts[1]), count)
	}))
}

func shown(e *harness.Element) string {
	if e == nil {
		return "absent"
	}
	return fmt.Sprintf("%q with %d children", e.Text, len(e.Children))
}
