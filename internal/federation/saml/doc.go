// Package saml verifies SAML responses: what AssumeRoleWithSAML takes instead of a signature.
//
// Flow: [Verifier.Verify] finds the provider that the request names, reads the response once ([parse]: no document type, no
// comment, no processing instruction, bounded in every way), checks its form ([readResponse]) and the form of its signatures
// ([profile]), and has them verified with the keys of the provider's metadata ([verify]). What is read of an assertion is read
// of a [verified] element and of nothing else: the one that was made of the very bytes that were digested. From it comes a
// [federation.Assertion] with the [Assertion.Spend] of its id.
//
// An assertion is signed itself, or lies in a response that is; both signatures must be right where there are two. It may be
// encrypted ([decrypt]).
//
// The library is given one element, one signature of a fixed form and one certificate at a time. KeyInfo is taken away before:
// a key comes from metadata alone.
package saml
