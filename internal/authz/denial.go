package authz

import (
	"encoding/json"
	"strings"

	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// Fault is the refusal of a denied query in AWS's words (IAM UG, access denied error messages), with the policy type that
// did not allow, or the explicit deny. An action on "*" names no resource, except in IAM.
func (d Decision) Fault() *identity.Fault {
	var b strings.Builder
	d.sentence(&b)
	b.WriteByte(' ')
	b.WriteString(d.Reason(d.query.Action))
	return d.fault(b.String())
}

// PlainFault is the refusal without a reason: AssumeRole answers the same whether the role is missing, its trust policy
// refuses or the caller's policies do, so that it tells nothing about another account.
func (d Decision) PlainFault() *identity.Fault {
	var b strings.Builder
	d.sentence(&b)
	return d.fault(b.String())
}

// AnonymousFault is the refusal of a federated subject, who is not named: AWS answers so whether the role is missing or its trust
// policy refuses.
func (d Decision) AnonymousFault() *identity.Fault {
	return d.fault("Not authorized to perform " + d.query.Action)
}

func (d Decision) fault(message string) *identity.Fault {
	f := identity.NewFault(identity.AccessDenied, message)
	f.Denial = d
	return f
}

func (d Decision) sentence(b *strings.Builder) {
	b.WriteString("User: ")
	b.WriteString(d.caller.ARN)
	b.WriteString(" is not authorized to perform: ")
	b.WriteString(d.query.Action)
	switch {
	case d.query.Shown != "":
		b.WriteString(" on resource: ")
		b.WriteString(d.query.Shown)
	case d.query.Resource != "*" || strings.HasPrefix(d.query.Action, "iam:"): // IAM names even "*" (index id 16480863227)
		b.WriteString(" on resource: ")
		b.WriteString(d.query.Resource)
	}
}

// message is the document that DecodeAuthorizationMessage returns. Its shape is as observed from AWS; the member names are
// AWS's.
type message struct {
	Allowed           bool                `json:"allowed"`
	ExplicitDeny      bool                `json:"explicitDeny"`
	MatchedStatements list[statementItem] `json:"matchedStatements"`
	Failures          list[failureItem]   `json:"failures"`
	Context           messageContext      `json:"context"`
}

type list[T any] struct {
	Items []T `json:"items"`
}

type statementItem struct {
	StatementID string `json:"statementId"`
	Effect      string `json:"effect"`
	Policy      string `json:"sourcePolicyId"`
	PolicyType  string `json:"sourcePolicyType"`
}

type failureItem struct {
	Policy     string `json:"sourcePolicyId"`
	PolicyType string `json:"sourcePolicyType"`
	Statement  int    `json:"statement"`
	Reason     string `json:"reason"`
}

type messageContext struct {
	Principal  messagePrincipal    `json:"principal"`
	Action     string              `json:"action"`
	Resource   string              `json:"resource"`
	Conditions list[conditionItem] `json:"conditions"`
}

type messagePrincipal struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	ARN  string `json:"arn"`
}

type conditionItem struct {
	Key    string          `json:"key"`
	Values list[valueItem] `json:"values"`
}

type valueItem struct {
	Value string `json:"value"`
}

// maxExplanation bounds a message in bytes: sealed it must fit into DecodeAuthorizationMessage's 10,240 characters.
const maxExplanation = 7000

// Explain renders the denial: the statements that matched, those that failed with the reason, and the condition keys that a
// statement looked at. Of another account's trust policy and RCPs it tells nothing. What does not fit leaves out the failures.
func (d Decision) Explain() ([]byte, error) {
	m := d.message()
	text, err := json.Marshal(m)
	if err != nil || len(text) <= maxExplanation {
		return text, err
	}
	m.Failures.Items = []failureItem{}
	if text, err = json.Marshal(m); err != nil || len(text) <= maxExplanation {
		return text, err
	}
	m.MatchedStatements.Items, m.Context.Conditions.Items = []statementItem{}, []conditionItem{}
	return json.Marshal(m)
}

func (d Decision) message() *message {
	m := &message{
		ExplicitDeny:      d.Effect == policy.ExplicitDeny,
		MatchedStatements: list[statementItem]{[]statementItem{}},
		Failures:          list[failureItem]{[]failureItem{}},
		Context: messageContext{
			Principal:  messagePrincipal{ID: d.caller.UserID, Name: d.callerName(), ARN: d.caller.ARN},
			Action:     d.query.Action,
			Resource:   d.query.Resource,
			Conditions: list[conditionItem]{[]conditionItem{}},
		},
	}
	foreign := d.query.ResourceAccount != "" && d.query.ResourceAccount != d.caller.Account
	seen := make(map[string]bool)
	for _, p := range policy.Explain(&d.eval.set, &d.eval.subject).Policies {
		if foreign && (p.Type == policy.Trust || p.Type == policy.RCP) {
			continue
		}
		for _, s := range p.Statements {
			if s.Matched {
				m.MatchedStatements.Items = append(m.MatchedStatements.Items,
					statementItem{s.Sid, strings.ToUpper(statementEffect(s.Effect)), p.Name, p.Type.String()})
			} else {
				m.Failures.Items = append(m.Failures.Items, failureItem{p.Name, p.Type.String(), s.Index, s.Reason})
			}
			for _, c := range s.Conditions {
				if c.Present && !seen[c.Key] {
					seen[c.Key] = true
					m.Context.Conditions.Items = append(m.Context.Conditions.Items, conditionItem{c.Key, values(c.Request)})
				}
			}
		}
	}
	return m
}

func statementEffect(e policy.Effect) string {
	if e == policy.Allow {
		return "Allow"
	}
	return "Deny"
}

func values(ss []string) list[valueItem] {
	items := make([]valueItem, len(ss))
	for i, s := range ss {
		items[i] = valueItem{s}
	}
	return list[valueItem]{items}
}

func (d Decision) callerName() string {
	switch {
	case d.eval.user != nil && d.caller.Kind == identity.User:
		return d.eval.user.Name
	case d.caller.Session != nil:
		return d.caller.Session.Name
	case d.caller.Federation != nil:
		return d.caller.Federation.Subject
	}
	return ""
}
