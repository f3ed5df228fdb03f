// Package outbound is the other side of web identity: the accounts' own issuers, whose tokens others verify.
//
// Each account has at most one issuer ([directory.OutboundIssuer]) with keys of its own for both algorithms. [Sign] signs the
// claims of a token; [Site.Document] is what verifiers fetch: the discovery document and the key set.
//
// A key is published for [lead] before it signs, so that no verifier meets a key that it could not have fetched, and for
// [rest] after the next one took over, so that no token outlives it. Which key signs follows from the times at which they were
// made, on every node alike. [Renew] says what becomes of the keys at a time; [Keeper] does it, and another node that does it at
// once loses the compare-and-swap.
package outbound
