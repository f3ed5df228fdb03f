// Package federation says what an identity provider proves about somebody who has no session yet.
//
// An [Assertion] is the result of verification and of nothing else: package oidc below makes it of a web identity token,
// package saml of a SAML response. Package sts asks the role's trust policy about it and begins the session. What it could
// not be made of is refused with a [Refusal]: AWS's answer for the caller, the precise reason for the operator.
//
// The package holds values only. It verifies nothing and decides nothing.
package federation
