package policy

// The versions of the language. Policy variables exist only in Version2012.
const (
	Version2008 = "2008-10-17"
	Version2012 = "2012-10-17"
)

// Document is the syntax tree of a policy that its type's grammar accepts.
type Document struct {
	Type       Type
	Version    string // as written; empty if absent, which means Version2008
	ID         string
	Statements []Statement
}

// Statement is one statement. Of each pair (Principals and NotPrincipals, and so on) at most one is not empty.
type Statement struct {
	Sid           string
	Effect        Effect // Allow or ExplicitDeny
	Principals    []PrincipalValue
	NotPrincipals []PrincipalValue
	Actions       []string
	NotActions    []string
	Resources     []string
	NotResources  []string
	Conditions    []Condition
	Offset        int // of the statement's first byte in the text
	End           int // of the byte after its last
}

// PrincipalValue is one principal that a statement names: Kind is AWS, Service, Federated or CanonicalUser. The bare "*" is
// the same as AWS "*".
type PrincipalValue struct {
	Kind  string
	Value string
}

// Condition is one operator applied to one key. All conditions of a statement must hold.
type Condition struct {
	Operator string // as written, with quantifier and IfExists
	Key      string // as written
	Values   []string
	Offset   int // of the key's first byte in the text
}

// Error is a refused document. Its message is AWS's.
type Error struct {
	Message string
	Offset  int    // of the byte where the fault is, -1 if it is nowhere in particular
	Detail  string // for people: what exactly is wrong; empty if the message says all
}

// Error gives AWS's message.
func (e *Error) Error() string { return e.Message }
