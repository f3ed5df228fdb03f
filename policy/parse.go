package policy

import (
	"errors"
	"strings"

	"github.com/stint-sts/stint/internal/strictjson"
)

// maxDocument is the length in bytes of the longest document that IAM takes as a parameter (PolicyDocumentType), in UTF-8.
const maxDocument = 2 * 131072

const (
	syntaxErrors     = "Syntax errors in policy."
	legacyParsing    = "The policy failed legacy parsing"
	notOrganizations = "The provided policy document does not meet the requirements of the specified policy type."
)

// Parse reads a document by the grammar of its type. A refusal is an *Error with AWS's message.
func Parse(text string, t Type) (*Document, error) {
	r := reader{kind: t}
	d, err := r.document(text)
	if err != nil {
		return nil, err
	}
	if fault := r.check(d); fault != nil {
		return nil, fault
	}
	return d, nil
}

// check applies the rules of the type to a document whose shape is right.
func (r *reader) check(d *Document) *Error {
	switch r.kind {
	case Identity, Managed, Boundary:
		return r.checkIdentity(d)
	case Session:
		return r.checkSession(d)
	case Trust:
		return r.checkTrust(d)
	case Resource, Endpoint:
		return r.checkResource(d)
	case SCP:
		return r.checkSCP(d)
	case RCP:
		return r.checkRCP(d)
	}
	return r.checkGeneric(d)
}

// reader turns the tree of a text into a Document. It accepts what has the right shape and leaves the rest to the type's own
// rules.
type reader struct {
	kind Type
	// written holds, for each statement, which elements the text has, whatever they hold, and the effect as written.
	written []writtenStatement
}

type writtenStatement struct {
	effect   string
	elements []writtenElement
}

type writtenElement struct {
	name   string
	offset int
}

func (w *writtenStatement) has(name string) bool {
	_, found := w.offset(name)
	return found
}

func (w *writtenStatement) offset(name string) (int, bool) {
	for _, e := range w.elements {
		if e.name == name {
			return e.offset, true
		}
	}
	return 0, false
}

// fault is a refusal with the words of the type for a fault of shape.
func (r *reader) fault(offset int, message, detail string) *Error {
	switch r.kind {
	case SCP, RCP:
		return &Error{Message: notOrganizations, Offset: offset, Detail: detail}
	case Trust, Resource, Endpoint:
		return &Error{Message: message, Offset: offset, Detail: detail}
	}
	return &Error{Message: syntaxErrors, Offset: offset, Detail: detail}
}

func (r *reader) syntax(v *strictjson.Value, detail string) *Error {
	return r.fault(v.Offset, syntaxErrors, detail)
}

func (r *reader) unknownField(m *strictjson.Member) *Error {
	return r.fault(m.Offset, "Unknown field "+m.Name, "unknown element "+m.Name)
}

func (r *reader) missingField(offset int, name string) *Error {
	return r.fault(offset, "Missing required field "+name, "element "+name+" is missing")
}

// invalidJSON gives the words of each type for a text that is not JSON.
func (r *reader) invalidJSON(err error) *Error {
	fault := &Error{Message: syntaxErrors, Offset: -1, Detail: err.Error()}
	if at, ok := errors.AsType[*strictjson.Error](err); ok {
		fault.Offset = at.Offset
	}
	switch r.kind {
	case Trust:
		fault.Message = "This policy contains invalid Json"
	case Resource, Endpoint:
		fault.Message = "Policies must be valid JSON and the first byte must be '{'"
	case SCP, RCP:
		fault.Message = notOrganizations
	case Session:
		fault.Message = "The policy is not in the valid JSON format."
	}
	return fault
}

func (r *reader) document(text string) (*Document, error) {
	root, err := strictjson.Parse([]byte(text), strictjson.Limits{Bytes: maxDocument})
	if err == nil && root.Kind != strictjson.Object {
		err = &strictjson.Error{Offset: root.Offset, Reason: "the document is not an object"}
	}
	if err != nil {
		return nil, r.invalidJSON(err)
	}
	d := &Document{Type: r.kind}
	for i := range root.Members {
		if fault := r.topElement(d, &root.Members[i]); fault != nil {
			return nil, fault
		}
	}
	if _, found := root.Get("Statement"); !found {
		return nil, r.missingField(root.Offset, "Statement")
	}
	return d, nil
}

func (r *reader) topElement(d *Document, m *strictjson.Member) *Error {
	switch m.Name {
	case "Version":
		if m.Value.Text != Version2008 && m.Value.Text != Version2012 || m.Value.Kind != strictjson.String {
			return r.syntax(&m.Value, "Version must be 2008-10-17 or 2012-10-17")
		}
		d.Version = m.Value.Text
	case "Id":
		if m.Value.Kind != strictjson.String {
			return r.syntax(&m.Value, "Id must be a string")
		}
		d.ID = m.Value.Text
	case "Statement":
		return r.statements(d, &m.Value)
	default:
		return r.unknownField(m)
	}
	return nil
}

func (r *reader) statements(d *Document, v *strictjson.Value) *Error {
	list := []strictjson.Value{*v}
	if v.Kind == strictjson.Array {
		list = v.Elements
	}
	if len(list) == 0 {
		return r.syntax(v, "Statement is empty")
	}
	for i := range list {
		if list[i].Kind != strictjson.Object {
			return r.syntax(&list[i], "a statement must be an object")
		}
		if fault := r.statement(d, &list[i]); fault != nil {
			return fault
		}
	}
	return nil
}

func (r *reader) statement(d *Document, v *strictjson.Value) *Error {
	st := Statement{Offset: v.Offset, End: v.End}
	written := writtenStatement{elements: make([]writtenElement, 0, len(v.Members))}
	for i := range v.Members {
		m := &v.Members[i]
		written.elements = append(written.elements, writtenElement{m.Name, m.Offset})
		if fault := r.element(&st, &written, m); fault != nil {
			return fault
		}
	}
	if !written.has("Effect") {
		return r.missingField(v.Offset, "Effect")
	}
	for _, pair := range [...][2]string{{"Action", "NotAction"}, {"Resource", "NotResource"}, {"Principal", "NotPrincipal"}} {
		if written.has(pair[0]) && written.has(pair[1]) {
			return r.syntax(v, "a statement has only one of "+pair[0]+" and "+pair[1])
		}
	}
	d.Statements = append(d.Statements, st)
	r.written = append(r.written, written)
	return nil
}

func (r *reader) element(st *Statement, written *writtenStatement, m *strictjson.Member) (fault *Error) {
	v := &m.Value
	switch m.Name {
	case "Sid":
		if v.Kind != strictjson.String {
			return r.syntax(v, "Sid must be a string")
		}
		st.Sid = v.Text
	case "Effect":
		written.effect = v.Text
		switch {
		case v.Kind == strictjson.String && strings.EqualFold(v.Text, "Allow"):
			st.Effect = Allow
		case v.Kind == strictjson.String && strings.EqualFold(v.Text, "Deny"):
			st.Effect = ExplicitDeny
		default:
			return r.syntax(v, "Effect must be Allow or Deny")
		}
	case "Principal":
		st.Principals, fault = r.principals(v)
	case "NotPrincipal":
		st.NotPrincipals, fault = r.principals(v)
	case "Action":
		st.Actions, fault = r.stringList(v)
	case "NotAction":
		st.NotActions, fault = r.stringList(v)
	case "Resource":
		st.Resources, fault = r.stringList(v)
	case "NotResource":
		st.NotResources, fault = r.stringList(v)
	case "Condition":
		st.Conditions, fault = r.conditions(v)
	default:
		return r.unknownField(m)
	}
	return fault
}

// stringList reads a string or a list of strings. AWS takes null inside a list and passes over it.
func (r *reader) stringList(v *strictjson.Value) ([]string, *Error) {
	switch v.Kind {
	case strictjson.String:
		return []string{v.Text}, nil
	case strictjson.Array:
		list := make([]string, 0, len(v.Elements))
		for i := range v.Elements {
			switch v.Elements[i].Kind {
			case strictjson.String:
				list = append(list, v.Elements[i].Text)
			case strictjson.Null:
			default:
				return nil, r.syntax(&v.Elements[i], "expected a string")
			}
		}
		return list, nil
	}
	return nil, r.syntax(v, "expected a string or a list of strings")
}

func (r *reader) conditions(v *strictjson.Value) ([]Condition, *Error) {
	if v.Kind != strictjson.Object {
		return nil, r.syntax(v, "Condition must be an object")
	}
	var conditions []Condition
	for i := range v.Members {
		m := &v.Members[i]
		if m.Value.Kind != strictjson.Object {
			return nil, r.syntax(&m.Value, "a condition operator's value must be an object")
		}
		// AWS looks at an operator's name only if it has a key.
		if _, known := parseOperator(m.Name); !known && len(m.Value.Members) > 0 {
			return nil, r.fault(m.Offset, syntaxErrors, "unknown condition operator "+m.Name)
		}
		for j := range m.Value.Members {
			key := &m.Value.Members[j]
			values, fault := r.conditionValues(&key.Value)
			if fault != nil {
				return nil, fault
			}
			conditions = append(conditions, Condition{Operator: m.Name, Key: key.Name, Values: values, Offset: key.Offset})
		}
	}
	return conditions, nil
}

// conditionValues reads a value or a list of values; numbers and booleans may stand without quotes [GRAM].
func (r *reader) conditionValues(v *strictjson.Value) ([]string, *Error) {
	list := []strictjson.Value{*v}
	if v.Kind == strictjson.Array {
		list = v.Elements
	}
	values := make([]string, 0, len(list))
	for i := range list {
		switch list[i].Kind {
		case strictjson.String, strictjson.Number, strictjson.Bool:
			values = append(values, list[i].Text)
		default:
			return nil, r.syntax(&list[i], "a condition value must be a string, number or boolean")
		}
	}
	return values, nil
}

// Size counts a document as the limits on policy sizes do: characters other than white space [QUOTA].
func Size(text string) int {
	n := 0
	for _, c := range text {
		if !strings.ContainsRune(" \t\r\n", c) {
			n++
		}
	}
	return n
}
