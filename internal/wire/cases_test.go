package wire

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/identity"
)

// conformanceCase is the part of a case that decoding alone can answer.
type conformanceCase struct {
	ID        string
	Operation string
	Request   struct {
		Params    map[string]any
		ParamList [][2]any `json:"param_list"`
	}
	Expect struct {
		Code         any      `json:"error_code"`
		Message      *string  `json:"message"`
		AnyOf        []string `json:"message_any_of"`
		Absent       bool     `json:"message_absent"`
		MessageRegex string   `json:"message_regex"`
		Status       any
	}
}

// form renders the case's parameters; false if one has to be minted by a running server.
func (c *conformanceCase) form() (string, bool) {
	var pairs []string
	add := func(name string, v any) bool {
		switch v := v.(type) {
		case string:
			pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(v))
			return true
		case map[string]any:
			s, isText := v["repeat"].(string)
			n, isNumber := v["count"].(float64)
			pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(strings.Repeat(s, int(n))))
			return isText && isNumber
		default:
			return false
		}
	}
	for name, v := range c.Request.Params {
		if !add(name, v) {
			return "", false
		}
	}
	for _, p := range c.Request.ParamList {
		if !add(p[0].(string), p[1]) {
			return "", false
		}
	}
	return strings.Join(pairs, "&"), true
}

// TestRecordedRefusals answers the recorded cases that validation alone decides. The server's own tests run all cases.
func TestRecordedRefusals(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../shared/wire/cases.json")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Logf("recorded cases are not here: %v", err)
		return
	}
	var cases []conformanceCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	decided, accepted := 0, 0
	for _, c := range cases {
		query, ok := c.form()
		if !ok {
			continue
		}
		service, name, found := strings.Cut(c.Operation, ":")
		if !found {
			service, name = "sts", c.Operation
		}
		f, err := ParseForm([]byte(query))
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		i := slices.IndexFunc(operations, func(o *Operation) bool {
			return o.Service == strings.ToLower(service) && o.Name == name
		})
		if action, _ := f.Get("Action"); i < 0 || action != name {
			continue
		}
		err = typedOperations[i].refusal(f)
		switch {
		case c.ofValidation():
			decided++
			c.compare(t, err)
		case c.Expect.Status == float64(200):
			accepted++
			if err != nil {
				t.Errorf("%s: %v, want success", c.ID, err)
			}
		}
	}
	if decided < 30 || accepted < 40 {
		t.Errorf("%d refusals and %d successes among the recorded cases, want at least 30 and 40", decided, accepted)
	}
}

func (c *conformanceCase) ofValidation() bool {
	texts := append(slices.Clone(c.Expect.AnyOf), c.Expect.MessageRegex)
	if c.Expect.Message != nil {
		texts = append(texts, *c.Expect.Message)
	}
	return c.Expect.Code == string(identity.MalformedInput) ||
		slices.ContainsFunc(texts, func(m string) bool { return strings.Contains(m, "failed to satisfy constraint") })
}

func (c *conformanceCase) compare(t *testing.T, err error) {
	fault, ok := errors.AsType[*identity.Fault](err)
	if !ok || string(fault.Code) != c.Expect.Code {
		t.Errorf("%s: %v, want %s", c.ID, err, c.Expect.Code)
		return
	}
	want := c.Expect.AnyOf
	if c.Expect.Message != nil {
		want = append(want, *c.Expect.Message)
	}
	switch {
	case c.Expect.Absent:
		want = []string{""}
	case c.Expect.MessageRegex != "":
		return // the own table has the same message in full
	}
	if !slices.Contains(want, fault.Message) {
		t.Errorf("%s: %q, want %q", c.ID, fault.Message, want)
	}
}
