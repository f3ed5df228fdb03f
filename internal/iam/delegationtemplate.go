package iam

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/policy"
)

// A template is a managed policy of the requestor's account, whose default version has places @{name} in its strings. A
// parameter of the type string fills a place anywhere in a string; a stringList stands for strings of a list, and its place is
// a string of its own.

const placeBegin = "@{"

// delegationParameters reads Permissions.Parameters.
func delegationParameters(in []api.PolicyParameter) ([]directory.DelegationParameter, error) {
	out := make([]directory.DelegationParameter, 0, len(in))
	for _, p := range in {
		d := directory.DelegationParameter{Name: valueOf(p.Name), List: valueOr(p.Type, "string") == "stringList", Values: p.Values}
		switch {
		case d.Name == "" || strings.ContainsAny(d.Name, `{}"\`):
			return nil, invalidDelegation("A parameter has no valid name.")
		case slices.ContainsFunc(out, func(other directory.DelegationParameter) bool { return other.Name == d.Name }):
			return nil, invalidDelegation("The parameter " + d.Name + " is given twice.")
		case len(d.Values) == 0 || !d.List && len(d.Values) > 1:
			return nil, invalidDelegation("The parameter " + d.Name + " must have one value, or be a stringList.")
		case slices.ContainsFunc(d.Values, func(value string) bool { return strings.Contains(value, placeBegin) }):
			return nil, invalidDelegation("A value of the parameter " + d.Name + " has a place itself.")
		}
		out = append(out, d)
	}
	return out, nil
}

// renderTemplate fills the places of a template. Every place has its parameter and every parameter a place. The result is a
// session policy, and one that fits into a session.
func renderTemplate(template string, parameters []directory.DelegationParameter) (*directory.Document, []string, error) {
	text, err := fillPlaces(template, parameters)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := policy.Parse(text, policy.Session)
	if err != nil {
		return nil, nil, invalidDelegation("The policy template does not make a valid policy with these parameters.").Because(err)
	}
	if session.Packed(compact(text), nil, nil).Percent() > 100 {
		return nil, nil, tooLargeDelegation()
	}
	boundaries, err := roleBoundaries(parsed)
	if err != nil {
		return nil, nil, err
	}
	return directory.NewDocument(text), boundaries, nil
}

// maxFilled is how long a filled template is at most, in bytes, before what does not count is taken out of it: the longest
// document that IAM takes (IAM model, policyDocumentType).
const maxFilled = 131072

// fillPlaces puts the parameters into JSON text. Places are inside strings, since the text is JSON, and values stay inside
// them. The template is gone through once, and what was put in is never looked at again: a value makes no place, so that the
// text grows with the template and not with itself.
func fillPlaces(template string, parameters []directory.DelegationParameter) (string, error) {
	literals := make([]string, len(parameters))
	for i := range parameters {
		literals[i] = literal(&parameters[i])
	}
	filled := make([]bool, len(parameters))
	var b strings.Builder
	for {
		text, rest, found := strings.Cut(template, placeBegin)
		if !found {
			b.WriteString(text)
			break
		}
		name, rest, closed := strings.Cut(rest, "}")
		i := slices.IndexFunc(parameters, func(p directory.DelegationParameter) bool { return p.Name == name })
		if i < 0 || !closed {
			return "", invalidDelegation("The policy template has a place that no parameter fills.")
		}
		value := literals[i]
		if parameters[i].List {
			var opened, ended bool
			text, opened = strings.CutSuffix(text, `"`)
			rest, ended = strings.CutPrefix(rest, `"`)
			if !opened || !ended {
				return "", noPlace(parameters[i].Name)
			}
			if strings.HasSuffix(strings.TrimRight(text, " \t\r\n"), ":") {
				value = "[" + value + "]"
			}
		}
		if b.Len()+len(text)+len(value) > maxFilled {
			return "", tooLargeDelegation()
		}
		b.WriteString(text)
		b.WriteString(value)
		filled[i], template = true, rest
	}
	if i := slices.Index(filled, false); i >= 0 {
		return "", noPlace(parameters[i].Name)
	}
	return b.String(), nil
}

// literal is a parameter as JSON text: the inside of a string, or strings with commas between them.
func literal(p *directory.DelegationParameter) string {
	values := make([]string, len(p.Values))
	for i, v := range p.Values {
		values[i] = string(quoted(v))
	}
	if p.List {
		return strings.Join(values, ",")
	}
	return values[0][1 : len(values[0])-1]
}

func quoted(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`)
	}
	return b
}

func compact(text string) string {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		return text
	}
	return b.String()
}

// roleBoundaries lists the permissions boundaries that roles made with a policy must have. One that lets roles be made
// without a boundary would outlive the delegation (UG: product providers must attach one), and is refused.
func roleBoundaries(d *policy.Document) ([]string, error) {
	var out []string
	for i := range d.Statements {
		st := &d.Statements[i]
		if st.Effect != policy.Allow || !st.SpeaksOf("iam:CreateRole") {
			continue
		}
		var boundaries []string
		for _, c := range st.Conditions {
			if strings.EqualFold(c.Key, "iam:PermissionsBoundary") && requiresValue(c.Operator) {
				boundaries = append(boundaries, c.Values...)
			}
		}
		if len(boundaries) == 0 {
			return nil, invalidDelegation("A policy that allows iam:CreateRole must require a permissions boundary by the condition key iam:PermissionsBoundary.")
		}
		for _, boundary := range boundaries {
			if isPattern(boundary) || policyShaped(boundary) != nil { // a pattern lets the role's maker choose
				return nil, invalidDelegation("The permissions boundary " + boundary + " must be the ARN of a policy.")
			}
		}
		out = append(out, boundaries...)
	}
	return once(out), nil
}

// requiresValue reports whether a condition operator holds only for a key that is there and equal to a value.
func requiresValue(operator string) bool {
	return slices.Contains([]string{"stringequals", "stringlike", "arnequals", "arnlike"}, strings.ToLower(operator))
}

func noPlace(parameter string) *identity.Fault {
	return invalidDelegation("The policy template has no place for the parameter " + parameter + ".")
}

func tooLargeDelegation() *identity.Fault {
	return invalidDelegation("The policy is too large for a session.")
}

func invalidDelegation(message string) *identity.Fault {
	return identity.NewFault(identity.InvalidInput, message)
}
