package policy

import "strings"

// Policy is a compiled document. It is immutable and may be used by many goroutines.
type Policy struct {
	document   *Document
	text       string // empty if it was not compiled from a text
	statements []statement
	index      *index // nil if the policy is too small for one
}

// Document gives the document that the policy was compiled from. It must not be changed.
func (p *Policy) Document() *Document { return p.document }

// Text gives the text that New compiled; empty for a policy that had none.
func (p *Policy) Text() string { return p.text }

// statement is a compiled statement. Nil actions and resources mean that the document names none.
type statement struct {
	sid           string
	deny          bool
	actions       []glob // in lower case
	notActions    []glob
	resources     []pattern
	notResources  []pattern
	principals    []principalMatcher
	notPrincipals []principalMatcher
	conditions    []condition
}

// Compile prepares a document for evaluation. It takes any document, also one that no grammar would accept: what has no
// meaning never grants.
func Compile(d *Document) *Policy {
	c := compiler{variables: d.Version == Version2012, pad: d.Type != Resource && d.Type != Session && d.Type != Endpoint}
	p := &Policy{document: d, statements: make([]statement, len(d.Statements))}
	for i := range d.Statements {
		p.statements[i] = c.statement(&d.Statements[i])
	}
	p.index = newIndex(p.statements)
	return p
}

// WithoutIndex gives the same compiled statements without the index by action and resource, so that each is looked at. The
// decisions are the same; it serves to measure and to check what the index does.
func (p *Policy) WithoutIndex() *Policy {
	return &Policy{document: p.document, text: p.text, statements: p.statements}
}

// compiler holds what the whole document decides. pad says that incomplete ARNs are completed with wildcards [GRAM].
type compiler struct {
	variables bool
	pad       bool
}

func (c compiler) statement(s *Statement) statement {
	st := statement{
		sid:           s.Sid,
		deny:          s.Effect != Allow,
		actions:       compileActions(s.Actions),
		notActions:    compileActions(s.NotActions),
		resources:     c.resources(s.Resources),
		notResources:  c.resources(s.NotResources),
		principals:    compilePrincipals(s.Principals),
		notPrincipals: compilePrincipals(s.NotPrincipals),
	}
	for i := range s.Conditions {
		st.conditions = append(st.conditions, c.condition(&s.Conditions[i], st.deny))
	}
	return st
}

func compileActions(actions []string) []glob {
	if len(actions) == 0 {
		return nil
	}
	globs := make([]glob, 0, len(actions))
	for _, a := range actions {
		globs = append(globs, newGlob(encodePlain(lowerASCII(a))))
	}
	return globs
}

func compilePrincipals(values []PrincipalValue) []principalMatcher {
	if len(values) == 0 {
		return nil
	}
	matchers := make([]principalMatcher, 0, len(values))
	for _, v := range values {
		matchers = append(matchers, compilePrincipal(v))
	}
	return matchers
}

func (c compiler) resources(resources []string) []pattern {
	if len(resources) == 0 {
		return nil
	}
	patterns := make([]pattern, 0, len(resources))
	for _, r := range resources {
		patterns = append(patterns, c.resource(r))
	}
	return patterns
}

// resource compiles a resource pattern. Variables stand only in the last component of an ARN [VARS]; before it they are
// malformed, so that the pattern matches nothing.
func (c compiler) resource(text string) pattern {
	if rest, found := strings.CutPrefix(text, "a:"); found {
		text = "arn:" + rest
	}
	components := splitARN(text, c.variables)
	if missing := arnParts - len(components); missing > 0 && c.pad && components[0] == "arn" {
		text += strings.Repeat(":*", missing)
	}
	p := compilePattern(text, encoding{wildcards: true, variables: c.variables})
	if p.parts != nil && len(components) > 1 {
		head := strings.Join(components[:min(len(components), arnParts-1)], ":")
		for i := range p.parts {
			if strings.Contains(head, "${") {
				p.parts[i].key, p.parts[i].hasDefault = "", false
			}
		}
	}
	return p
}

// condition is a compiled condition.
type condition struct {
	source   *Condition
	operator operator
	key      string // in lower case
	operands []operand
	deny     bool // the statement's effect, which decides what is unclear
}

func (c compiler) condition(source *Condition, deny bool) condition {
	op, _ := parseOperator(source.Operator)
	compiled := condition{source: source, operator: op, key: strings.ToLower(source.Key), deny: deny}
	for _, v := range source.Values {
		compiled.operands = append(compiled.operands, compileOperand(op.comparison, v, c.variables))
	}
	return compiled
}
