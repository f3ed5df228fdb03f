package policycase

import (
	"errors"
	"fmt"
	"strings"

	"github.com/stint-sts/stint/internal/strictjson"
	"github.com/stint-sts/stint/policy"
	"github.com/stint-sts/stint/policy/lint"
)

// types are the words for the types of policy.
var types = [...]struct {
	word string
	t    policy.Type
}{
	{"identity", policy.Managed}, {"inline", policy.Identity}, {"trust", policy.Trust}, {"resource", policy.Resource}, {"session", policy.Session},
	{"boundary", policy.Boundary}, {"scp", policy.SCP}, {"rcp", policy.RCP}, {"endpoint", policy.Endpoint}, {"generic", policy.Generic},
}

// TypeWords lists the words for the types of policy.
func TypeWords() string {
	words := make([]string, len(types))
	for i := range types {
		words[i] = types[i].word
	}
	return strings.Join(words, ", ")
}

// ParseType reads a word for a type of policy.
func ParseType(word string) (policy.Type, error) {
	for i := range types {
		if types[i].word == word {
			return types[i].t, nil
		}
	}
	return 0, fmt.Errorf("there is no type of policy %q; there are %s", word, TypeWords())
}

// Submission is a document to be judged.
type Submission struct {
	ID   string
	Text string
	Type policy.Type
}

// ParseSubmission reads a line {"document": …, "type": …}. A document that is a string is the raw text; without a type it has
// the given one. In the corpus of cases the type is called policy_type.
func ParseSubmission(line []byte, t policy.Type) (*Submission, error) {
	root, err := parse(line)
	if err != nil {
		return nil, fmt.Errorf("reading a line: %w", err)
	}
	s := &Submission{ID: idOf(&root), Type: t}
	document, found := root.Get("document")
	if !found {
		return s, errors.New(`reading a line: there is no "document"`)
	}
	s.Text = documentText(line, document)
	for _, name := range [...]string{"policy_type", "type"} {
		word, found := root.Get(name)
		if !found {
			continue
		}
		if word.Kind != strictjson.String {
			return s, fmt.Errorf("reading a line: %q is not a string", name)
		}
		if s.Type, err = ParseType(word.Text); err != nil {
			return s, fmt.Errorf("reading a line: %w", err)
		}
	}
	return s, nil
}

// Verdict says whether the grammar of its type takes a document.
type Verdict struct {
	ID       string    `json:"id,omitempty"`
	Valid    bool      `json:"valid"`
	Findings []Refusal `json:"findings"`
}

// Refusal is why a document is not valid. Message is AWS's.
type Refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Detail  string `json:"detail,omitempty"` // what exactly is wrong, where the message does not say it
	Offset  *int   `json:"offset,omitempty"` // in the document's text, in bytes
}

// Validate judges a document by the grammar of its type.
func (s *Submission) Validate() *Verdict {
	_, err := policy.Parse(s.Text, s.Type)
	if err == nil {
		return &Verdict{ID: s.ID, Valid: true, Findings: []Refusal{}}
	}
	refusal := Refusal{Code: "MalformedPolicyDocument", Message: err.Error()}
	if at, ok := errors.AsType[*policy.Error](err); ok {
		refusal.Detail = at.Detail
		if at.Offset >= 0 {
			refusal.Offset = &at.Offset
		}
	}
	return &Verdict{ID: s.ID, Findings: []Refusal{refusal}}
}

// Validate answers a line of the form that ParseSubmission reads.
func Validate(line []byte, t policy.Type) (any, error) {
	s, err := ParseSubmission(line, t)
	if err != nil {
		return failureOf(s), err
	}
	return s.Validate(), nil
}

// Advice is what the linter says of a document.
type Advice struct {
	ID       string         `json:"id,omitempty"`
	Findings []lint.Finding `json:"findings"`
}

// Lint answers a line of the form that ParseSubmission reads with the linter's findings.
func Lint(line []byte, t policy.Type, o lint.Options) (any, error) {
	s, err := ParseSubmission(line, t)
	if err != nil {
		return failureOf(s), err
	}
	return &Advice{ID: s.ID, Findings: append([]lint.Finding{}, lint.Text(s.Text, s.Type, o)...)}, nil
}

func failureOf(s *Submission) *Failure {
	if s == nil {
		return &Failure{}
	}
	return &Failure{ID: s.ID}
}
