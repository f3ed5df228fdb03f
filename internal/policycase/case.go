package policycase

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/stint-sts/stint/internal/strictjson"
	"github.com/stint-sts/stint/policy"
)

// MaxLine is how long a case or submission may be, in bytes.
const MaxLine = 4 << 20

// maxTokens bounds the memory for one line: a dozen of the largest documents that are stored.
const maxTokens = 400_000

// Case is a request and the policies that bear on it.
type Case struct {
	ID      string // empty if it has none
	Set     policy.Set
	Request policy.Request
	// Refused are documents that the grammar of no type accepts: each denies everything, as a stored one does.
	Refused []Refused
}

// Refused is a document that cannot be read.
type Refused struct {
	Policy  string `json:"policy"` // such as identity[0]
	Message string `json:"message"`
}

// ParseCase reads a case. What surrounds policies and request are notes of whoever wrote it; inside of both, every member is
// known or refused.
func ParseCase(text []byte) (*Case, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	r := caseReader{text: text, c: &Case{ID: idOf(&root)}, keys: policy.Keys{}}
	for _, part := range [...]struct {
		name string
		read func(*strictjson.Value) error
	}{{"request", r.request}, {"policies", r.policies}} { // the request says whether the resource's policy is a trust policy
		v, found := root.Get(part.name)
		if !found {
			return r.c, fmt.Errorf("the case has no %q", part.name)
		}
		if err := part.read(v); err != nil {
			return r.c, err
		}
	}
	return r.c, nil
}

func parse(text []byte) (strictjson.Value, error) {
	root, err := strictjson.Parse(text, strictjson.Limits{Bytes: MaxLine, Tokens: maxTokens})
	if err == nil && root.Kind != strictjson.Object {
		err = &strictjson.Error{Offset: root.Offset, Reason: "not an object"}
	}
	return root, err
}

// idOf gives the text by which an answer is told to belong to a line.
func idOf(root *strictjson.Value) string {
	if id, found := root.Get("id"); found && id.Kind == strictjson.String {
		return id.Text
	}
	return ""
}

type caseReader struct {
	text []byte
	c    *Case
	keys policy.Keys
}

// members calls the function of each member of an object.
func members(v *strictjson.Value, where string, known map[string]func(*strictjson.Value) error) error {
	if v.Kind != strictjson.Object {
		return fmt.Errorf("%s is not an object", where)
	}
	for i := range v.Members {
		read, found := known[v.Members[i].Name]
		if !found {
			return fmt.Errorf("%s has an unknown member %q", where, v.Members[i].Name)
		}
		if err := read(&v.Members[i].Value); err != nil {
			return err
		}
	}
	return nil
}

// text reads a string into a place.
func text(where string, into *string) func(*strictjson.Value) error {
	return func(v *strictjson.Value) error {
		if v.Kind != strictjson.String {
			return fmt.Errorf("%s is not a string", where)
		}
		*into = v.Text
		return nil
	}
}

func truth(where string, into *bool) func(*strictjson.Value) error {
	return func(v *strictjson.Value) error {
		if v.Kind != strictjson.Bool {
			return fmt.Errorf("%s is not true or false", where)
		}
		*into = v.Text == "true"
		return nil
	}
}

func (r *caseReader) request(v *strictjson.Value) error {
	req := &r.c.Request
	err := members(v, "request", map[string]func(*strictjson.Value) error{
		"principal": r.principal,
		"action":    text("action", &req.Action),
		"resource": func(v *strictjson.Value) error {
			return members(v, "resource", map[string]func(*strictjson.Value) error{
				"arn":                text("resource.arn", &req.Resource),
				"account":            text("resource.account", &req.ResourceAccount),
				"management_account": truth("resource.management_account", &r.c.Set.ResourceManagementAccount),
			})
		},
		"context": r.context,
	})
	switch {
	case err != nil:
		return err
	case req.Action == "":
		return fmt.Errorf("the request has no %q", "action")
	case req.Resource == "":
		return fmt.Errorf("the request has no %q", "resource")
	}
	if _, found := v.Get("principal"); !found {
		return fmt.Errorf("the request has no %q", "principal")
	}
	req.Context = r.keys
	if role, ok := r.keys["aws:principalarn"]; ok && req.Principal.Kind == policy.Role && req.Principal.RoleARN == "" {
		req.Principal.RoleARN, _ = role.Single() // the only place where a session shows its role's path
	}
	if p := &req.Principal; p.Kind == policy.Role && p.RoleARN == "" {
		p.RoleARN = roleOf(p)
	}
	r.c.Set.ResourceRequired, r.c.Set.Trust = policy.ResourcePolicyRequired(req.Action, req.Resource)
	return nil
}

// context reads the condition keys. Numbers and booleans may stand without quotes, as in policies.
func (r *caseReader) context(v *strictjson.Value) error {
	if v.Kind != strictjson.Object {
		return fmt.Errorf("context is not an object")
	}
	for i := range v.Members {
		name, value := v.Members[i].Name, &v.Members[i].Value
		if value.Kind != strictjson.Array {
			s, err := scalar(name, value)
			if err != nil {
				return err
			}
			r.keys[strings.ToLower(name)] = policy.One(s)
			continue
		}
		many := make([]string, len(value.Elements))
		for j := range value.Elements {
			var err error
			if many[j], err = scalar(name, &value.Elements[j]); err != nil {
				return err
			}
		}
		r.keys[strings.ToLower(name)] = policy.Many(many)
	}
	return nil
}

func scalar(name string, v *strictjson.Value) (string, error) {
	switch v.Kind {
	case strictjson.String, strictjson.Number, strictjson.Bool:
		return v.Text, nil
	}
	return "", fmt.Errorf("the condition key %q is neither a string nor a list of strings", name)
}

// policies reads the documents. An empty list of boundary, session or endpoint policies allows nothing; none at all limits
// nothing.
func (r *caseReader) policies(v *strictjson.Value) error {
	set := &r.c.Set
	resourceType := policy.Resource
	if set.Trust {
		resourceType = policy.Trust
	}
	return members(v, "policies", map[string]func(*strictjson.Value) error{
		"identity": r.list("identity", policy.Identity, &set.Identity, nil),
		"boundary": r.list("boundary", policy.Boundary, &set.Boundary, &set.HasBoundary),
		"session":  r.list("session", policy.Session, &set.Session, &set.HasSession),
		"endpoint": r.list("endpoint", policy.Endpoint, &set.Endpoint, &set.HasEndpoint),
		"resource": func(v *strictjson.Value) error {
			if v.Kind != strictjson.Null {
				set.Resource = append(set.Resource, r.attach("resource", resourceType, v))
			}
			return nil
		},
		"scps": r.levels("scps", policy.SCP, &set.SCPs),
		"rcps": r.levels("rcps", policy.RCP, &set.RCPs),
	})
}

func (r *caseReader) list(name string, t policy.Type, into *[]policy.Attached, present *bool) func(*strictjson.Value) error {
	return func(v *strictjson.Value) error {
		if v.Kind == strictjson.Null {
			return nil
		}
		if v.Kind != strictjson.Array {
			return fmt.Errorf("policies.%s is not a list", name)
		}
		for i := range v.Elements {
			*into = append(*into, r.attach(name+"["+strconv.Itoa(i)+"]", t, &v.Elements[i]))
		}
		if present != nil {
			*present = true
		}
		return nil
	}
}

func (r *caseReader) levels(name string, t policy.Type, into *[][]policy.Attached) func(*strictjson.Value) error {
	return func(v *strictjson.Value) error {
		if v.Kind == strictjson.Null {
			return nil
		}
		if v.Kind != strictjson.Array {
			return fmt.Errorf("policies.%s is not a list of levels", name)
		}
		*into = make([][]policy.Attached, len(v.Elements))
		for i := range v.Elements {
			if err := r.list(name+"["+strconv.Itoa(i)+"]", t, &(*into)[i], nil)(&v.Elements[i]); err != nil {
				return err
			}
		}
		return nil
	}
}

// attach compiles a document for its place. Any grammar's document is taken, because the question is what it does: whether its
// own type's grammar takes it is for Validate.
func (r *caseReader) attach(name string, t policy.Type, v *strictjson.Value) policy.Attached {
	d, err := policy.Parse(documentText(r.text, v), policy.Generic)
	if err != nil {
		r.c.Refused = append(r.c.Refused, Refused{Policy: name, Message: explained(err)})
		return policy.Attached{Name: name, Policy: policy.DenyAll()}
	}
	d.Type = t
	return policy.Attached{Name: name, Policy: policy.Compile(d)}
}

// documentText gives the text of a document that stands in a line as JSON or, raw, as a string.
func documentText(line []byte, v *strictjson.Value) string {
	if v.Kind == strictjson.String {
		return v.Text
	}
	return string(line[v.Offset:v.End])
}
