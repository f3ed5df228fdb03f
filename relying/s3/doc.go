// Package s3 tells what permissions a request to an S3-compatible service needs.
//
// The flow is one direction:
//
//	*http.Request → Mapper.Read → Call (operation, bucket, key, version, …) → Call.Requests → []relying.Request
//
// Mapper.Map does both, and is what the middleware of package relying takes. A service that serves the request itself takes bucket and
// key from the Call, so that the key that was authorized is the key that is used.
//
// Every operation of S3's model is in one table (operations.go): method, level, sub-resource, the parameters that it takes, and the
// permissions that it needs. What is not in the table is refused: an unknown sub-resource, a parameter that the operation does not
// have, two sub-resources at once, a header that would make it another operation. So is everything that two programs could read
// in two ways: see Config.ExactKeys, and the headers of ambiguous.
//
// Bodies are read where a permission depends on them (DeleteObjects, tags, retention, legal hold, new buckets, inventories), up to MaxBody bytes, by a
// parser that takes the plain XML that clients write and refuses the rest; the request's body is put back.
//
// The package knows requests, not objects: what an object's tags are (s3:ExistingObjectTag) a service adds to what Map gives.
//
// Sources: the Service Authorization Reference for S3 (operations, actions, condition keys), the S3 User Guide ("Required permissions
// for Amazon S3 API operations"), and the service model of the AWS SDKs. Choices that these leave open are listed in docs/relying/s3.md.
package s3
