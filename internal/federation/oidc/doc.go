// Package oidc verifies web identity tokens: what AssumeRoleWithWebIdentity takes instead of a signature.
//
// Flow: [Verifier.Verify] takes the token apart ([parse]: compact form, one header, no leniency), finds the provider of the
// role's account that its issuer names, gets the issuer's keys, verifies the signature, and only then reads what the token
// claims, which becomes a [federation.Assertion]. A token's own words decide nothing before they are verified but which
// provider is asked, and that must be one of the account's.
//
// Keys are pinned in the provider, or fetched: the discovery document, then the key set that it names ([fetcher]). Fetched
// keys are kept by provider ([keyCache]): for [freshFor] they are used as they are; after that they are fetched anew, and go on
// being used for [staleFor] if the issuer does not answer. A key id that is unknown has the keys fetched anew, too, but
// nothing begins a fetch sooner than [coolDown] after the last one of that provider, and no two run at once: an issuer is
// asked no more often than that, whatever tokens arrive.
//
// Everything about an issuer is bounded: bytes, keys, time, connections, redirects (none) and the addresses that may be
// reached (docs/security-model.md).
//
// Access tokens of the two OAuth 2.0 providers that AWS knows (ProviderId) are no tokens that can be verified here; they are
// shown to the provider at a URL that the configuration names ([accessTokens]).
//
// The algorithms are a fixed list by type of key. The JOSE library is given that list and one key at a time; it never chooses
// a key, and never sees a token that [parse] did not accept.
package oidc
