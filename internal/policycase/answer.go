package policycase

import (
	"errors"
	"fmt"

	"github.com/stint-sts/stint/policy"
)

// Answer is what a case comes to.
type Answer struct {
	ID       string        `json:"id,omitempty"`
	Decision policy.Effect `json:"decision"`
	Matched  []Match       `json:"matched"`
	Trace    policy.Trace  `json:"trace"`
	Refused  []Refused     `json:"refused,omitempty"`
}

// Match is a statement that applies to the request.
type Match struct {
	Policy    string        `json:"policy"` // such as identity[0]
	Type      policy.Type   `json:"type"`
	Statement int           `json:"statement"` // index
	Sid       string        `json:"sid,omitempty"`
	Effect    policy.Effect `json:"effect"`
}

// Decide evaluates the case.
func (c *Case) Decide() *Answer {
	trace := policy.Explain(&c.Set, &c.Request)
	a := &Answer{ID: c.ID, Decision: trace.Decision.Effect, Matched: []Match{}, Trace: trace, Refused: c.Refused}
	for _, p := range trace.Policies {
		for _, s := range p.Statements {
			if s.Matched {
				a.Matched = append(a.Matched, Match{Policy: p.Name, Type: p.Type, Statement: s.Index, Sid: s.Sid, Effect: s.Effect})
			}
		}
	}
	return a
}

// Failure stands in the place of an answer that there is none of.
type Failure struct {
	ID    string `json:"id,omitempty"`
	Error string `json:"error"`
}

// AnswerLine answers a line: a case, or a submission that the corpus of cases has among them (kind "validate").
func AnswerLine(line []byte) (any, error) {
	root, err := parse(line)
	if err != nil {
		return nil, fmt.Errorf("reading a case: %w", err)
	}
	if kind, found := root.Get("kind"); found && kind.Text == "validate" {
		return Validate(line, policy.Generic)
	}
	c, err := ParseCase(line)
	if err != nil {
		return &Failure{ID: c.ID}, fmt.Errorf("reading a case: %w", err)
	}
	return c.Decide(), nil
}

// explained gives AWS's message with what exactly is wrong.
func explained(err error) string {
	if refused, ok := errors.AsType[*policy.Error](err); ok && refused.Detail != "" {
		return refused.Message + " (" + refused.Detail + ")"
	}
	return err.Error()
}
