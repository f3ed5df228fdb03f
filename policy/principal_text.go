package policy

import (
	"fmt"
	"strings"

	"github.com/stint-sts/stint/internal/strictjson"
)

// principals reads the value of Principal or NotPrincipal.
func (r *reader) principals(v *strictjson.Value) ([]PrincipalValue, *Error) {
	switch {
	case v.Kind == strictjson.String && (v.Text == "*" || r.kind == Generic):
		return []PrincipalValue{{Kind: "AWS", Value: v.Text}}, nil
	case v.Kind == strictjson.String:
		return nil, r.fault(v.Offset, `Invalid principal in policy: "STAR":"`+v.Text+`"`, "a principal without its kind can only be *")
	case v.Kind != strictjson.Object:
		return nil, r.syntax(v, "a principal must be * or an object")
	}
	var principals []PrincipalValue
	for i := range v.Members {
		m := &v.Members[i]
		switch m.Name {
		case "AWS", "Service", "Federated", "CanonicalUser":
		default:
			return nil, r.unknownField(m)
		}
		values, fault := r.stringList(&m.Value)
		if fault != nil {
			return nil, fault
		}
		for _, value := range values {
			principals = append(principals, PrincipalValue{Kind: m.Name, Value: value})
		}
	}
	if len(principals) == 0 {
		return nil, r.fault(v.Offset, noPrincipals, "no principals")
	}
	return principals, nil
}

// Principals lists the principals that the document's statements name, those of NotPrincipal too, in the order of the text.
func (d *Document) Principals() []PrincipalValue {
	var all []PrincipalValue
	for i := range d.Statements {
		all = append(append(all, d.Statements[i].Principals...), d.Statements[i].NotPrincipals...)
	}
	return all
}

// MapPrincipals rewrites the principals in the text of a policy and leaves every other byte as it is. f is called for each in
// the order of the text, with the kind as in PrincipalValue, and gives the new value; its error ends the rewriting. AWS stores
// the users and roles of trust policies as unique ids and shows them as ARNs while they exist: this serves both ways.
func MapPrincipals(text string, f func(kind, value string) (string, error)) (string, error) {
	root, err := strictjson.Parse([]byte(text), strictjson.Limits{Bytes: maxDocument})
	if err != nil {
		return "", fmt.Errorf("mapping principals: %w", err)
	}
	m := principalMapper{text: text, rewrite: f}
	if statement, found := root.Get("Statement"); found {
		err = m.statements(statement)
	}
	if err != nil {
		return "", err
	}
	m.out.WriteString(text[m.done:])
	return m.out.String(), nil
}

// principalMapper copies text to out up to done and replaces values on the way.
type principalMapper struct {
	text    string
	rewrite func(kind, value string) (string, error)
	out     strings.Builder
	done    int
}

func (m *principalMapper) statements(v *strictjson.Value) error {
	list := []strictjson.Value{*v}
	if v.Kind == strictjson.Array {
		list = v.Elements
	}
	for i := range list {
		for j := range list[i].Members {
			member := &list[i].Members[j]
			if member.Name != "Principal" && member.Name != "NotPrincipal" {
				continue
			}
			if err := m.principal(&member.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *principalMapper) principal(v *strictjson.Value) error {
	if v.Kind == strictjson.String {
		return m.value("AWS", v)
	}
	for i := range v.Members {
		kind, values := v.Members[i].Name, []strictjson.Value{v.Members[i].Value}
		if values[0].Kind == strictjson.Array {
			values = values[0].Elements
		}
		for j := range values {
			if err := m.value(kind, &values[j]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *principalMapper) value(kind string, v *strictjson.Value) error {
	if v.Kind != strictjson.String {
		return nil
	}
	mapped, err := m.rewrite(kind, v.Text)
	if err != nil || mapped == v.Text {
		return err
	}
	m.out.WriteString(m.text[m.done:v.Offset])
	m.out.Write(strictjson.AppendString(nil, mapped))
	m.done = v.End
	return nil
}
