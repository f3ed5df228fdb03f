// Package policy is the IAM policy language: it reads policy documents, compiles them, and decides requests.
//
// The flow is one direction:
//
//	text → Parse → Document → Compile → Policy
//	Set of policies + Request → Evaluate → Decision
//	                          → Explain  → Trace
//
// Parse refuses a document with the message that AWS would give. A Document is the syntax tree, with positions. A Policy is
// immutable, never takes a choice back when it matches a pattern, and may be shared between goroutines; an index leaves out the
// statements whose actions or resources begin otherwise than the request's. Evaluate looks at every
// policy that bears on a request and then decides, by AWS's rules for combining policy types. Explain evaluates the same set
// again with a recorder and says, for each statement, whether it matched and if not why.
//
// The package is pure: it does no I/O and reads no clock. What a request's condition keys are worth is asked of its Context,
// and only when a statement needs it. Whether a principal named in a document exists is not its concern, nor are the sizes
// that a service allows (Size counts for those who check them).
//
// Sources of the rules are named in docs/policy-semantics.md, as are the choices made where AWS is silent.
package policy
