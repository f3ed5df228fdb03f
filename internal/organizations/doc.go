// Package organizations implements the operations of the Organizations API that make and list accounts and units, and that
// attach the policies which the engine then obeys; one file per noun.
//
// Every operation has the same form: it takes one View, one authenticated request and the validated input, and returns the
// output or a fault. What an operation needs permission for, and from which account of the organization it may be called, stands
// in one table, rules.go; [Service.enter] holds it before anything is looked up. A change derives a [directory.Change] from the
// newest View, as in package iam.
//
// There is one organization in a directory. Its entities are the directory's: the Organization with its root, a Unit for each
// organizational unit, a Member for each account, a ControlPolicy for each policy. What follows from them for an account, its
// Standing, is made with the View and read by package authz alone.
//
// The package knows nothing of HTTP, JSON or how the directory is stored. Sources are named as in docs/wire-compatibility.md §14;
// API is the Organizations API Reference, UG the Organizations User Guide, SAR the Service Authorization Reference (AWS
// Organizations).
package organizations
