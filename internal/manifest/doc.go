// Package manifest reads directory files: YAML that says, in AWS's own terms, which accounts, users, groups, roles, policies,
// access keys, MFA devices and providers there are to be.
//
// The flow: [Parse] reads a file strictly and checks all that can be checked without a directory; [File.Plan] compares it
// with a View and derives the [Plan], one change set that brings the directory to what the file says. A plan of what is there
// already is empty. [Administrator] makes, or finds again, the first administrator.
//
// What the file says of an entity holds: a list that is given is the whole list, but for access keys and MFA devices, which
// only pruning takes away, as it does the entities that the file does not list. What the file leaves out of an entity stays
// as it is. An entity that exists keeps its unique id, its creation date and the keys that were generated for
// it. Names are matched without case.
//
// The package writes nothing: whoever plans commits the change, and shows the generated keys once it holds.
package manifest
