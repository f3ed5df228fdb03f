package lint

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/stint-sts/stint/policy"
)

// Severity is how much a finding matters. The names are those of IAM Access Analyzer's finding types.
type Severity int

// The severities, from the least.
const (
	Suggestion      Severity = iota // works, and could be said better
	Warning                         // does something else than it says
	SecurityWarning                 // grants more than it seems to
	Error                           // refused, or without meaning
)

// String gives Access Analyzer's name.
func (s Severity) String() string {
	switch s {
	case Warning:
		return "WARNING"
	case SecurityWarning:
		return "SECURITY_WARNING"
	case Error:
		return "ERROR"
	}
	return "SUGGESTION"
}

// MarshalText gives Access Analyzer's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is one thing that a document should not have. Statement is -1 for what concerns the whole document.
type Finding struct {
	Code      string   `json:"code"` // stable
	Severity  Severity `json:"severity"`
	Statement int      `json:"statement"` // index
	Sid       string   `json:"sid,omitempty"`
	Element   string   `json:"element,omitempty"` // such as Action or Condition
	Message   string   `json:"message"`
	Offset    int      `json:"offset"` // of the place in the text, in bytes; -1 if it is nowhere in particular
}

// String gives the finding in one line of text, as far as the document's own text is one line.
func (f Finding) String() string {
	where := ""
	if f.Statement >= 0 {
		where = " in statement " + strconv.Itoa(f.Statement)
		if f.Sid != "" {
			where += " " + quote(f.Sid)
		}
	}
	return f.Code + where + ": " + f.Message
}

// Options say what a document alone does not.
type Options struct {
	// Account is the account that the policy belongs to. Empty means that it is not known: then trust in any account may be
	// trust in another's.
	Account string
}

// maxFindings bounds the work and the answer for one document; what would be found after that many is left out.
const maxFindings = 100

// Text reads a document and lints it. One that the grammar of its type refuses has a finding MALFORMED_POLICY_DOCUMENT with
// AWS's message, and is linted nevertheless as far as its shape allows.
func Text(text string, t policy.Type, o Options) []Finding {
	d, err := policy.Parse(text, t)
	if err == nil {
		return Document(d, o)
	}
	findings := []Finding{refusal(err)}
	if d, err := policy.Parse(text, policy.Generic); err == nil {
		d.Type = t
		findings = append(findings, Document(d, o)...)
	}
	return findings
}

func refusal(err error) Finding {
	f := Finding{Code: "MALFORMED_POLICY_DOCUMENT", Severity: Error, Statement: -1, Message: err.Error(), Offset: -1}
	if refused, ok := errors.AsType[*policy.Error](err); ok {
		f.Offset = refused.Offset
		if refused.Detail != "" {
			f.Message += " (" + refused.Detail + ")"
		}
	}
	return f
}

// Warnings lints a text and gives the findings that are more than suggestions, in a line each.
func Warnings(text string, t policy.Type, o Options) []string {
	var warnings []string
	for _, f := range Text(text, t, o) {
		if f.Severity > Suggestion {
			warnings = append(warnings, f.String())
		}
	}
	return warnings
}

// Document lints a document. The findings are in the order of the statements.
func Document(d *policy.Document, o Options) []Finding {
	l := &linter{document: d, options: o, budget: comparisons}
	l.version()
	for i := range d.Statements {
		l.statements = append(l.statements, newStatement(i, &d.Statements[i]))
	}
	for _, s := range l.statements {
		if l.full() {
			break
		}
		l.principals(s)
		l.trust(s)
		l.actions(s)
		l.resources(s)
		l.grants(s)
		l.conditions(s)
		l.variables(s)
		l.overlaps(s)
	}
	return l.findings
}

// Worst gives the greatest severity of the findings; false if there are none.
func Worst(findings []Finding) (Severity, bool) {
	worst := Suggestion
	for _, f := range findings {
		worst = max(worst, f.Severity)
	}
	return worst, len(findings) > 0
}

// linter walks one document.
type linter struct {
	document   *policy.Document
	options    Options
	statements []*statement
	findings   []Finding
	budget     int // comparisons of patterns that may still be made
}

// statement is a statement with its conditions taken apart.
type statement struct {
	*policy.Statement
	index      int
	allow      bool
	conditions []condition
}

type condition struct {
	*policy.Condition
	policy.Operator
	key   string // in lower case
	known bool   // whether the operator is
}

func newStatement(index int, st *policy.Statement) *statement {
	s := &statement{Statement: st, index: index, allow: st.Effect == policy.Allow}
	for i := range st.Conditions {
		c := condition{Condition: &st.Conditions[i], key: strings.ToLower(st.Conditions[i].Key)}
		c.Operator, c.known = policy.ParseOperator(c.Condition.Operator)
		s.conditions = append(s.conditions, c)
	}
	return s
}

// grantsAlone says whether an Allow of the document gives something. One in a boundary, a session policy or an SCP only leaves
// room for what others give.
func (l *linter) grantsAlone() bool {
	switch l.document.Type {
	case policy.Identity, policy.Managed, policy.Trust, policy.Resource, policy.Generic:
		return true
	}
	return false
}

func (l *linter) add(s *statement, severity Severity, code, element, message string) {
	l.put(Finding{Code: code, Severity: severity, Statement: s.index, Sid: s.Sid, Element: element, Message: message, Offset: s.Offset})
}

func (l *linter) addCondition(s *statement, c *condition, severity Severity, code, message string) {
	l.put(Finding{Code: code, Severity: severity, Statement: s.index, Sid: s.Sid, Element: "Condition", Message: message, Offset: c.Offset})
}

// full says whether nothing more would be kept.
func (l *linter) full() bool { return len(l.findings) >= maxFindings }

func (l *linter) put(f Finding) {
	if !l.full() {
		l.findings = append(l.findings, f)
	}
}

func (l *linter) version() {
	if l.document.Version == "" {
		l.put(Finding{Code: "MISSING_VERSION", Severity: Suggestion, Statement: -1, Element: "Version", Offset: -1,
			Message: `Without a Version the document is read by the rules of 2008-10-17, which has no policy variables: add "Version": "2012-10-17".`})
	}
}

// requires says whether the statement applies only to requests that have the key with a value of its list: the operator is
// positive, does not pass over a missing key, and does not take every value.
func (s *statement) requires(key string) bool {
	return slices.ContainsFunc(s.conditions, func(c condition) bool { return c.key == key && c.narrows() })
}

func (c *condition) narrows() bool {
	if !c.known || c.Negated || c.IfExists || c.ForAll || c.Compares == policy.Presence {
		return false
	}
	return !slices.ContainsFunc(c.Values, c.takesAll)
}

// takesAll says whether a value of the list matches whatever the request has.
func (c *condition) takesAll(value string) bool {
	switch {
	case c.Compares == policy.Addresses:
		return strings.HasSuffix(value, "/0")
	case c.Wildcards:
		return value != "" && strings.Trim(value, "*") == ""
	}
	return false
}

// name gives operator and key as the document has them.
func (c *condition) name() string { return c.Condition.Operator + " on " + quote(c.Key) }

// quote shows text of the document: printable, and not endless.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strconv.Quote(s)
}
