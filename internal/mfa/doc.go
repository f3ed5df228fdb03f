// Package mfa verifies one-time codes of TOTP devices (RFC 6238: SHA-1, 30 seconds, six digits, as AWS's virtual devices)
// and lets each be used once.
//
// Flow: [NewSeed] makes a device's seed and [Base32] and [QRCode] show it to its user; [Verifier.Enroll] checks the two
// codes of EnableMFADevice and ResyncMFADevice; [Verifier.Verify] checks the code of a request and spends it. Spent codes
// are kept by a [Ledger], which package store implements, so that a code is spent on all nodes and across restarts; guesses
// are counted in the memory of the node.
//
// What a verified code permits is not decided here: aws:MultiFactorAuthPresent is made by packages sts and authz.
package mfa
