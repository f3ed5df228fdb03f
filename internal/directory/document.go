package directory

import (
	"encoding/json"
	"sync"

	"github.com/stint-sts/stint/policy"
)

// Document is the text of a policy, exactly as it was written, with its compiled form, made at first use.
type Document struct {
	text     string
	compile  sync.Once
	compiled *policy.Policy
}

// NewDocument keeps the text of a policy. Its grammar was checked by whoever accepted it.
func NewDocument(text string) *Document { return &Document{text: text} }

// Text returns the policy as it was written.
func (d *Document) Text() string { return d.text }

// Policy returns the compiled policy. A text that no longer parses, because it was damaged or written by a newer build,
// denies everything.
func (d *Document) Policy(t policy.Type) *policy.Policy {
	d.compile.Do(func() {
		compiled, err := policy.New(d.text, t)
		if err != nil {
			compiled = policy.DenyAll()
		}
		d.compiled = compiled
	})
	return d.compiled
}

// MarshalJSON writes the text as a string.
func (d *Document) MarshalJSON() ([]byte, error) { return json.Marshal(d.text) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Document) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &d.text) }
