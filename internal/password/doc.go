// Package password keeps the passwords of users: how they are hashed, which an account takes, and whether one is right.
//
// Flow: [Check] judges a new password by the account's policy; [Hasher.Set] makes it a user's, after comparing it with those
// that the policy still remembers; [Hasher.Verify] says whether a password is a user's, and [Hasher.SignIn] what the sign-in
// page needs to know besides.
//
// A password is held as an argon2id hash (RFC 9106) with a salt of its own, which the store seals under the root key besides.
// Hashing takes memory and time on purpose, so only a few are made at once: whoever comes too many waits. Who asks for a user
// that does not exist, or has no password, waits as long as for a wrong one.
package password
