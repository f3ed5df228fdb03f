// Package identity says who makes a request and what may be said about it.
//
// A [Caller] is the result of authentication and of nothing else: every layer above takes identity from it alone.
// A [Session] is what a temporary credential stands for; package session turns it into a token and back. A [Request] is a
// caller's one call: from where, when and in which region. A [Fault] is what the domain refuses with; package wire is the
// one place that turns it into an AWS error.
//
// The package holds values only. It looks nothing up and decides nothing.
package identity
