// Package arn holds the names that AWS gives to things: ARNs, partitions, account ids, and the unique ids and access key
// ids that carry their account inside.
//
// Flow: [Parse] takes an ARN apart once, at the edge; the constructors ([Role], [AssumedRole], …) write the ARNs of the
// entities that Stint keeps; [NewID] makes the id of a new entity or key; [AccountOfID] reads the account back out of any
// such id by arithmetic alone, so that a request can be sent to the cell that owns the account without a look-up, and
// GetAccessKeyInfo answers for keys that were never issued.
//
// It is not for patterns: an ARN with wildcards is a matter of package policy.
package arn
