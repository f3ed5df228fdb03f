package policy

// Type is the kind of policy that a document is written as; each has a grammar of its own.
type Type int

// The types of policy.
const (
	Identity Type = iota // inline in a user, group or role; any that is attached to one
	Managed              // what CreatePolicy takes: the identity grammar, and the Version must be 2012-10-17
	Trust                // a role's trust policy
	Resource             // attached to a resource other than a role
	Boundary             // a managed policy set as permissions boundary; its grammar is that of Managed
	Session              // passed to an STS operation
	SCP                  // service control policy
	RCP                  // resource control policy
	Endpoint             // VPC endpoint policy; its grammar is the resource grammar
	Generic              // a document of unknown type: what any of the grammars takes
)

// String gives AWS's words for the type, as its messages use them.
func (t Type) String() string {
	switch t {
	case Identity, Managed:
		return "identity-based policy"
	case Trust:
		return "role trust policy"
	case Resource:
		return "resource-based policy"
	case Boundary:
		return "permissions boundary"
	case Session:
		return "session policy"
	case SCP:
		return "service control policy"
	case RCP:
		return "resource control policy"
	case Endpoint:
		return "VPC endpoint policy"
	}
	return "policy"
}

// MarshalText gives AWS's words.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// article gives the words for one policy of the type.
func (t Type) article() string {
	if t == Identity || t == Managed {
		return "an " + t.String()
	}
	return "a " + t.String()
}

// Effect is what a statement says (Allow or ExplicitDeny) and what an evaluation comes to.
type Effect int

// The effects; the zero value denies.
const (
	ImplicitDeny Effect = iota
	Allow
	ExplicitDeny
)

// String gives the effect's name.
func (e Effect) String() string {
	switch e {
	case Allow:
		return "Allow"
	case ExplicitDeny:
		return "ExplicitDeny"
	}
	return "ImplicitDeny"
}

// MarshalText gives the effect's name.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// New parses and compiles a document.
func New(text string, t Type) (*Policy, error) {
	d, err := Parse(text, t)
	if err != nil {
		return nil, err
	}
	p := Compile(d)
	p.text = text
	return p, nil
}

// DenyAll gives a policy that explicitly denies everything to everyone: what a stored document that no longer parses becomes.
func DenyAll() *Policy {
	return Compile(&Document{Version: Version2012, Statements: []Statement{{
		Effect:     ExplicitDeny,
		Principals: []PrincipalValue{{Kind: "AWS", Value: "*"}},
		Actions:    []string{"*"},
		Resources:  []string{"*"},
	}}})
}
