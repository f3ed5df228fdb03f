// Package iam implements the operations of the Identity and Access Management API, one file per noun.
//
// Every operation has the same form: it takes one View, one authenticated request and the validated input, and returns the
// output or a fault. Reads are answered from the View. A change derives a [directory.Change] from the newest View and hands
// it to the [Committer]; if anything it was derived from has moved meanwhile, it is derived anew ([Service.change]), so that
// the authorization, the quotas and the references between entities hold at the revision at which the change happens.
//
// The order of checks inside is AWS's: what the parameters say by themselves, then authorization, then whether what they
// name exists, then documents, references and quotas. What each operation needs permission for stands in one table,
// authorization.go; no operation finds an entity without it.
//
// The package knows nothing of HTTP, XML or how the directory is stored. Sources are named as in
// docs/wire-compatibility.md §14; UG is the IAM User Guide, API the IAM API Reference, SAR the Service Authorization Reference
// (AWS Identity and Access Management).
package iam
