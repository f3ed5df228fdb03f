// Package session seals sessions into tokens and opens them again. A session is stored nowhere: its token is the only copy.
//
// Flow: package sts makes an [identity.Session]; [Packed] says whether its policies and tags fit; [Sealer.Seal] turns it
// into the session token; [Sealer.Open], called by package authn with the access key id that signed, turns it back. The
// same keys seal the shorter texts that only this deployment may read again ([Sealer.SealMessage]); a [Purpose] is bound
// to each, so that none passes for another.
//
// A token is standard base64 of
//
//	version (1) | purpose (1) | sealing key id (4) | nonce (24) | AES-256-GCM ciphertext | tag (16)
//
// where everything in front of the nonce is associated data, together with, for sessions, the access key id: a token that
// is presented with another access key id does not open.
//
// The cipher is XAES-256-GCM (C2SP): half of the nonce derives a key for this one token from the sealing key by AES-CMAC,
// the other half is the nonce of AES-256-GCM under it. Plain AES-GCM with random nonces would have to retire a key after
// 2^32 tokens (NIST SP 800-38D, 8.3), which a busy deployment reaches in days; with 192 random bits the bound is 2^80. The
// price is one key schedule a token, about a microsecond. HKDF would cost twice that and add nothing.
//
// The ring: a key opens tokens as long as the View has it, and seals from a minute after it was made until a newer one
// does. The minute lets every node learn of a key before the first token under it arrives. A key must stay for
// [MaxLifetime] after its successor began, or the sessions that it sealed end early; removing it voids them at once. The
// [Keeper] of each node adds a key when the newest is old enough, and removes those that nothing needs any more.
//
// The package does not check expiry, revocation, or that the principal still exists: package authn does, after opening.
package session
