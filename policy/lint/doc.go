// Package lint finds in policy documents what the language allows and hardly anybody means.
//
// The grammar of a document is package policy's; lint reads documents that the grammar accepts, and says where one grants more
// than its words suggest, never grants or denies what it names, or rests on a key, an operator or an action that does not exist:
//
//	text → Text → findings
//	policy.Document → Document → findings
//
// A finding has a stable code, a severity, a place and a message that says what happens and what to write instead. Where IAM
// Access Analyzer makes the same check, the code and the four severities are its own. A check that could not tell a mistake from an
// intention stays silent: findings are for people to act on, and some are shown on every change that a server takes.
//
// The package is pure: no I/O, no clock. Whether principals, roles or resources exist is not its concern.
package lint
