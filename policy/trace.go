package policy

import "strconv"

// Trace is why a decision came out as it did: every policy, every statement of it, and what each came to.
type Trace struct {
	Decision Decision      `json:"decision"`
	Policies []PolicyTrace `json:"policies"`
	Notes    []string      `json:"notes,omitempty"` // rules of combination that decided, in words
}

// PolicyTrace is what one policy came to.
type PolicyTrace struct {
	Type       Type             `json:"type"`
	Name       string           `json:"name"`
	Level      int              `json:"level,omitempty"` // of the organization, counted from the root at 0; only SCPs and RCPs
	Statements []StatementTrace `json:"statements"`
}

// StatementTrace is what one statement came to.
type StatementTrace struct {
	Index   int    `json:"index"`
	Sid     string `json:"sid,omitempty"`
	Effect  Effect `json:"effect"`
	Matched bool   `json:"matched"`
	// Reason says which element did not match; empty when all did.
	Reason     string           `json:"reason,omitempty"`
	Conditions []ConditionTrace `json:"conditions,omitempty"`
}

// ConditionTrace is what one condition came to.
type ConditionTrace struct {
	Operator string   `json:"operator"`
	Key      string   `json:"key"`
	Values   []string `json:"values"`            // of the policy
	Present  bool     `json:"present"`           // whether the request has the key
	Request  []string `json:"request,omitempty"` // the request's values
	Held     bool     `json:"held"`
	Reason   string   `json:"reason,omitempty"` // why it does not hold; empty if it does
}

// reasons says in words why a statement does not match.
var reasons = [...]string{
	missNone:      "",
	missAction:    "the action does not match",
	missResource:  "the resource does not match",
	missVariable:  "a policy variable in the resource has no value",
	missPrincipal: "the principal does not match",
	missCondition: "a condition does not hold",
}

// recorder writes a trace while an evaluation runs.
type recorder struct {
	policies   []PolicyTrace
	conditions []ConditionTrace // of the statement under examination
}

func (r *recorder) begin(t Type, level int, name string) {
	r.policies = append(r.policies, PolicyTrace{Type: t, Name: name, Level: level, Statements: []StatementTrace{}})
}

func (r *recorder) condition(c *condition, held bool, ctx Context) {
	trace := ConditionTrace{Operator: c.source.Operator, Key: c.source.Key, Values: c.source.Values, Held: held}
	value, found := ctx.Lookup(c.key)
	if found {
		trace.Present, trace.Request = true, value.Strings()
	}
	if !held {
		trace.Reason = c.reason(value, found, ctx)
	}
	r.conditions = append(r.conditions, trace)
}

// reason says why the condition does not hold: the first value of the request that fails, and the policy's value that it meets.
func (c *condition) reason(value Value, found bool, ctx Context) string {
	switch {
	case c.operator.comparison == compareUnknown:
		return "there is no such operator"
	case !found || value.len() == 0:
		return "the request does not have the key"
	case c.operator.comparison == compareNull:
		return "the request has the key"
	}
	reason := ""
	for i := range value.len() {
		if reason == "" && !c.valueHolds(value.at(i), ctx) {
			reason = strconv.Quote(value.at(i)) + c.failure(value.at(i), ctx)
		}
	}
	return reason
}

// failure says why a value of the request fails.
func (c *condition) failure(value string, ctx Context) string {
	for i := range c.operands {
		if c.operator.compare(&c.operands[i], value, ctx) == yes {
			return " matches " + strconv.Quote(c.source.Values[i])
		}
	}
	if c.operator.negated {
		return " cannot be compared with the policy's values"
	}
	return " matches none of the policy's values"
}

func (r *recorder) statement(index int, st *statement, m miss) {
	trace := StatementTrace{Index: index, Sid: st.sid, Effect: Allow, Matched: m == missNone, Reason: reasons[m],
		Conditions: r.conditions}
	if st.deny {
		trace.Effect = ExplicitDeny
	}
	r.conditions = nil
	last := &r.policies[len(r.policies)-1]
	last.Statements = append(last.Statements, trace)
}

// Explain evaluates again, with a recorder. Evaluation is pure, so that the trace's decision is the one of Evaluate.
func Explain(set *Set, request *Request) Trace {
	r := &recorder{policies: []PolicyTrace{}}
	e := evaluation{set: set, request: request, context: request.Context, recorder: r}
	decision := e.run()
	return Trace{Decision: decision, Policies: r.policies, Notes: e.notes(decision)}
}

// notes says which rules of combination bear on the request.
func (e *evaluation) notes(d Decision) []string {
	var notes []string
	note := func(applies bool, text string) {
		if applies {
			notes = append(notes, text)
		}
	}
	p := &e.request.Principal
	note(e.crossAccount() && hasIdentity(p), "the resource is in another account: both the caller's policies and the resource's must allow")
	note(e.resourceMustAllow() && !e.crossAccount(), "the resource's own policy must allow, an identity-based policy alone does not suffice")
	note(!hasIdentity(p), "the principal has no identity-based policies: the resource's policy decides")
	note(p.Kind == Root, "the root user may do everything in its account that no SCP, RCP or resource-based policy denies")
	note(e.hasSession() && hasIdentity(p) && len(e.set.Session) == 0, "the session has no session policy and was given no permissions")
	note(e.set.SCPs != nil && !e.scpsApply(), "SCPs do not apply to this principal")
	note(e.set.RCPs != nil && !e.rcpsApply(), "RCPs do not apply to this request")
	note(d.Effect == ImplicitDeny, "no "+d.By.String()+" allows the action")
	return notes
}
