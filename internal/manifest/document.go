package manifest

import (
	"errors"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/stint-sts/stint/internal/strictjson"
	"github.com/stint-sts/stint/policy"
)

// maxJSON bounds the JSON that is made of a YAML mapping; no policy is as long.
const maxJSON = 1 << 20

// document is a policy in the file.
type document struct {
	place
	text string
}

// policy reads a policy: a string is its text, a mapping becomes compact JSON with its members in their order.
func (v value) policy(t policy.Type, limit int) *document {
	text, ok := v.json()
	if !ok {
		return nil
	}
	if _, err := policy.Parse(text, t); err != nil {
		v.problem("%s%s", err, detail(err))
		return nil
	}
	if size := policy.Size(text); limit > 0 && size > limit {
		v.problem("the policy has %d characters other than white space, at most %d are allowed", size, limit)
	}
	return &document{v.place, text}
}

func detail(err error) string {
	if refused, ok := errors.AsType[*policy.Error](err); ok && refused.Detail != "" {
		return " (" + refused.Detail + ")"
	}
	return ""
}

// json returns the text of a string, or a mapping as JSON.
func (v value) json() (string, bool) {
	switch {
	case v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == "!!str":
		return v.node.Value, true
	case v.node.Kind != yaml.MappingNode:
		v.problem("want a mapping, or a string that holds JSON")
		return "", false
	}
	b, ok := v.appendJSON(nil)
	return string(b), ok
}

func (v value) appendJSON(b []byte) ([]byte, bool) {
	if len(b) > maxJSON {
		v.problem("is too long")
		return b, false
	}
	ok := true
	element := func(e value) {
		if ok {
			b, ok = e.appendJSON(b)
			b = append(b, ',')
		}
	}
	switch v.node.Kind {
	case yaml.MappingNode:
		b = append(b, '{')
		v.pairs(func(name string, member value) {
			b = append(strictjson.AppendString(b, name), ':')
			element(member)
		})
		return endList(b, '}'), ok
	case yaml.SequenceNode:
		b = append(b, '[')
		v.items(element)
		return endList(b, ']'), ok
	default:
		return v.appendScalar(b)
	}
}

func endList(b []byte, end byte) []byte {
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, end)
}

func (v value) appendScalar(b []byte) ([]byte, bool) {
	switch v.node.ShortTag() {
	case "!!str", "!!timestamp": // Version: 2012-10-17 needs no quotes
		return strictjson.AppendString(b, v.node.Value), true
	case "!!null":
		return append(b, "null"...), true
	case "!!bool":
		return strconv.AppendBool(b, v.boolean()), true
	case "!!int", "!!float":
		if _, err := strictjson.Parse([]byte(v.node.Value), strictjson.Limits{}); err == nil {
			return append(b, v.node.Value...), true
		}
	}
	v.problem("has no counterpart in JSON: put it in quotes")
	return b, false
}
