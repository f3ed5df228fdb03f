// Package directory holds everything that Stint knows: accounts, users, groups, roles, policies, access keys, MFA devices,
// identity providers.
//
// A [View] is the whole directory at one revision of the store, immutable and held in memory; every request is answered from
// one. A change goes the other way: an operation copies the entities it read, alters the copies and puts them into a
// [Change], which remembers the revisions that were read; store commits it if none of them has moved, and brings the result
// into the next View by [View.Apply]. Entities are values that nobody alters once they are in a View.
//
// [Encode] and [Decode] are the records of the store. The package does no I/O, keeps no secret in the clear in a record, and
// knows nothing of requests.
package directory
