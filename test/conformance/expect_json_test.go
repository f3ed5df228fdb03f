package conformance

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// jsonBody compares the answer's body, or the member of it that holds JSON.
func (c *comparison) jsonBody(e expectation) {
	if e.JSON == nil && e.JSONPaths == nil {
		return
	}
	text := c.answer.Body
	if e.JSONInMember != "" {
		found := c.root().Result().Path(e.JSONInMember)
		if found == nil {
			c.failf("member %s is not there", e.JSONInMember)
			return
		}
		text = []byte(found.Text)
	}
	var body any
	if err := json.Unmarshal(text, &body); err != nil {
		c.failf("JSON: %v", err)
		return
	}
	if e.JSON != nil {
		c.wholeJSON(e.JSON, body)
	}
	for path, want := range e.JSONPaths {
		var m matcher
		if err := strict(want, &m); err != nil {
			c.failf("expect %s: %v", path, err)
			continue
		}
		c.jsonValue(path, m, body)
	}
}

// wholeJSON wants exactly these members, no others.
func (c *comparison) wholeJSON(want map[string]json.RawMessage, body any) {
	object, _ := body.(map[string]any)
	if len(object) != len(want) {
		c.failf("JSON is %v, want the members %v", body, reflect.ValueOf(want).MapKeys())
		return
	}
	for name, wanted := range want {
		text, isText := object[name].(string)
		if !isText {
			c.failf("JSON %s is %v, want a string", name, object[name])
			continue
		}
		c.value(name, wanted, text)
	}
}

func (c *comparison) jsonValue(path string, m matcher, body any) {
	found, there := follow(body, path)
	switch {
	case !there:
		c.failf("JSON %s is not there", path)
	case len(m.Equals) > 0:
		var wanted any
		if err := json.Unmarshal(m.Equals, &wanted); err != nil {
			c.failf("expect %s: %v", path, err)
		} else if !reflect.DeepEqual(wanted, found) {
			c.failf("JSON %s is %v, want %v", path, found, wanted)
		}
	case m.Regex != "":
		text, _ := found.(string)
		c.pattern("JSON "+path, m.Regex, text)
	case m.Type != "":
		if kind := kindOf(found); kind != m.Type {
			c.failf("JSON %s is of type %s, want %s", path, kind, m.Type)
		}
	case m.AnyValue:
	default:
		c.failf("expect %s: unknown kind %+v", path, m)
	}
}

func follow(value any, path string) (any, bool) {
	for name := range strings.SplitSeq(path, ".") {
		switch inside := value.(type) {
		case map[string]any:
			found, there := inside[name]
			if !there {
				return nil, false
			}
			value = found
		case []any:
			position, err := strconv.Atoi(name)
			if err != nil || position >= len(inside) {
				return nil, false
			}
			value = inside[position]
		default:
			return nil, false
		}
	}
	return value, true
}

func kindOf(value any) string {
	switch value.(type) {
	case bool:
		return "bool"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case float64:
		return "number"
	case string:
		return "string"
	}
	return "null"
}
