// Package store keeps the directory in etcd: in an embedded member of one by default, or in a cluster that is already there.
//
// The flow: [Open] starts the member or reaches the cluster, proves that the root key is the one that the store was sealed
// under, loads every record at one revision and follows the changes from there. [Store.View] is the directory as this node
// knows it; it never waits. [Store.Commit] is the one way to change it: a transaction that holds only if nothing the change
// was derived from has moved, and that returns when this node's View shows it. [Store.Spend] is for what may happen once.
//
// Reading outlives the store: while etcd cannot be reached or written, View keeps answering with what it has, and Commit and
// Spend refuse.
//
// # Records
//
// Keys are prefix v1/account/kind/name. A value is a version byte, the id of a root key, a MAC under that root key over key and record,
// and the record of package directory, in which key material is sealed by AES-256-GCM and bound to its place. So records can be
// neither read for secrets, nor altered, nor moved to another key by whoever holds the data without the root key; an older
// value of the same key could be put back. Kinds that are not of the directory are the store's own: the spent steps of
// one-time codes, the grants that wait to be fetched, sealed as a whole, how the store stands, and the processes that have it open.
//
// How the store stands, its format and its root keys, is one record, which every transaction depends on. [Store.Rekey] moves the store to
// another root key while its nodes go on. [Store.Backup] writes what it holds at one revision; [ReadBackup] reads that whole, and
// [Restore] fills a store from it.
//
// The package decides nothing about entities, and knows nothing of requests.
package store
