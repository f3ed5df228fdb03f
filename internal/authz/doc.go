// Package authz decides whether a caller may act.
//
// [Authorizer.Authorize] takes one View, one request and one [Query], gathers every policy that bears on it — the caller's
// own, its groups', its boundary, its session's, and the trust policy when the resource is a role — and asks package policy.
// Condition keys are answered when a condition asks, from the authenticated request alone; nothing that a client can write
// into a header reaches them except what the key is by definition (the user agent).
//
// [Decision.Fault] turns a denial into AWS's sentence. The package decides; what a decision means for an operation is the
// operation's business.
package authz
