// Package sts implements the operations of the Security Token Service, one file each.
//
// Every operation has the same form: it takes one View, one authenticated request and the validated input, and returns the
// output or a fault. The order of checks inside is AWS's: what the parameters say by themselves, who may call the operation
// at all, MFA, authorization (auxiliary actions first), what the role allows, and only then a session. [Service.issue] is the
// only function that mints one, so every way to a session passes the checks of the operation that calls it.
//
// The package knows nothing of HTTP, XML or the store.
package sts
