package policy

import "github.com/stint-sts/stint/internal/strictjson"

// MarshalJSON writes the document as a text that Parse reads as the same document: elements in the order of AWS's grammar, a
// list of one value as that value.
func (d *Document) MarshalJSON() ([]byte, error) {
	p := printer{'{'}
	if d.Version != "" {
		p.member("Version").text(d.Version)
	}
	if d.ID != "" {
		p.member("Id").text(d.ID)
	}
	p.member("Statement").add('[')
	for i := range d.Statements {
		p.separate()
		p.statement(&d.Statements[i])
	}
	p.add(']', '}')
	return p, nil
}

// printer holds the text so far.
type printer []byte

func (p *printer) add(c ...byte) { *p = append(*p, c...) }

func (p *printer) text(s string) { *p = strictjson.AppendString(*p, s) }

// separate writes a comma unless something begins.
func (p *printer) separate() {
	if last := (*p)[len(*p)-1]; last != '{' && last != '[' {
		p.add(',')
	}
}

func (p *printer) member(name string) *printer {
	p.separate()
	p.text(name)
	p.add(':')
	return p
}

func (p *printer) statement(s *Statement) {
	p.add('{')
	if s.Sid != "" {
		p.member("Sid").text(s.Sid)
	}
	effect := "Deny"
	if s.Effect == Allow {
		effect = "Allow"
	}
	p.member("Effect").text(effect)
	p.principals("Principal", s.Principals)
	p.principals("NotPrincipal", s.NotPrincipals)
	p.list("Action", s.Actions)
	p.list("NotAction", s.NotActions)
	p.list("Resource", s.Resources)
	p.list("NotResource", s.NotResources)
	p.conditions(s.Conditions)
	p.add('}')
}

// list writes a member unless the statement has none. An empty list is not the same as none.
func (p *printer) list(name string, values []string) {
	if values == nil {
		return
	}
	p.member(name)
	if len(values) == 1 {
		p.text(values[0])
		return
	}
	p.add('[')
	for _, v := range values {
		p.separate()
		p.text(v)
	}
	p.add(']')
}

func (p *printer) principals(name string, values []PrincipalValue) {
	if len(values) == 0 {
		return
	}
	p.member(name)
	if len(values) == 1 && values[0] == (PrincipalValue{"AWS", "*"}) {
		p.text("*")
		return
	}
	p.add('{')
	for _, ofKind := range grouped(values, func(v PrincipalValue) string { return v.Kind }) {
		var texts []string
		for _, v := range ofKind {
			texts = append(texts, v.Value)
		}
		p.list(ofKind[0].Kind, texts)
	}
	p.add('}')
}

func (p *printer) conditions(conditions []Condition) {
	if len(conditions) == 0 {
		return
	}
	p.member("Condition").add('{')
	for _, ofOperator := range grouped(conditions, func(c Condition) string { return c.Operator }) {
		p.member(ofOperator[0].Operator).add('{')
		for _, c := range ofOperator {
			p.list(c.Key, c.Values)
		}
		p.add('}')
	}
	p.add('}')
}

// grouped gathers the elements of a list that have the same name, by the first appearance of the name.
func grouped[E any](list []E, name func(E) string) [][]E {
	var groups [][]E
next:
	for _, e := range list {
		for i := range groups {
			if name(groups[i][0]) == name(e) {
				groups[i] = append(groups[i], e)
				continue next
			}
		}
		groups = append(groups, []E{e})
	}
	return groups
}
