// Package relying lets a service accept the credentials that Stint issues: it says who signed a request, and what that principal
// may do, without ever holding the secret of a caller.
//
// The flow of a request is one direction:
//
//	*http.Request → Verifier.Authenticate → Caller → Verifier.Authorize → Decision
//
// [Verifier.Middleware] does both, with a [Mapper] that says which permissions a request needs (package relying/s3 is the one of
// S3's API), and writes the refusals. [Verifier.Run] follows Stint's stream of changes. [VerifyCallerIdentityURL] is for services
// that take a presigned GetCallerIdentity for a login.
//
// # What is remembered, and for how long
//
// For each credential, day, region and service, Stint is asked once for the signing key, whose it is and which policies are in force.
// While Run has the stream of changes, an answer is used until Stint says that it is void or the session expires. Without the
// stream it is used for Config.MaxAge after it was given, or after the stream was last heard. A stream that is silent for one and a
// half times the heartbeat counts as lost. When an answer is too old and Stint cannot be reached, requests are refused with
// ServiceUnavailable, unless Config.StaticStability allows old answers for longer: then a revocation may go unnoticed for that long.
// Nothing is accepted that was not answered for: the package fails closed.
//
// # Bodies
//
// A body whose hash is in X-Amz-Content-Sha256 is checked while the handler reads it, and so are the chunks and trailers of the
// aws-chunked forms, which the handler sees decoded. What is not as it was signed is an [*Error] from Read, in place of the last
// bytes: a handler must not act on a body before it has read all of it without an error. Requests whose signature covers a body
// without stating its hash are read into memory before they can be verified, up to Config.MaxBody bytes.
//
// The package does not store anything, does not remember signatures (a captured request can be sent again for fifteen minutes), and
// does not know what a service's resources are: their policies, tags and owners are the service's to give, in [Request].
package relying
