// Package gate answers relying services: services of others that accept the credentials which Stint issues. The shapes of its
// answers are package gateapi's.
//
// A relying service is a principal itself, and signs what it asks. [Service.SigningKey] gives it the signing key of one credential
// for one day, region and service, whose the credential is, and the policies in force, so that it can verify and decide by itself;
// [Service.Authenticate] and [Service.Authorize] verify and decide here. [Service.WatchChanges] tells it what of all that
// became void: a [Feed] is told every step of the directory by the store, and remembers the last ones. [Service.RevokeSessions]
// ends sessions before their time.
//
// What concerns the relying service itself is a fault: it lacks a permission, or asks for what is no scope. What concerns its
// caller is a refusal in the answer. Unknown, inactive and wrongly signed credentials, and those of accounts that are not the
// relying service's to ask for, get one and the same; why is for the audit log alone.
//
// No secret access key passes through here: package authn derives and verifies.
package gate
