// Package sigv4 verifies and makes AWS Signature Version 4 and 4A signatures, in the Authorization header or in the
// query string (presigned URLs).
//
// Verifying goes in three steps, so that the caller can look at the access key between them:
//
//	req := sigv4.FromHTTP(r)
//	sig, err := sigv4.Parse(&req)           // find and take apart the one signature; no key needed
//	err = sig.Check(options)                // host, clock, credential scope
//	key := cache.Key(sig, secret)           // or cache.Unknown(sig) if there is no such access key
//	err = sig.Verify(key, sha256.Sum256(body))
//
// The errors of the first two steps come in AWS's order and with AWS's texts; where AWS answers them before it looks up
// the key, so does this package. Rules that AWS does not have (an X-Amz-* header that is not signed, for one) fail in
// Verify as a mismatch, with the reason beside the message, for the log.
//
// A caller who meets an access key id that it does not know goes on to Verify with [KeyCache.Unknown], which does the
// same work and always fails: the time taken does not tell known ids from unknown ones.
//
// The package does not read bodies, look up keys, open session tokens or check for replay. The STREAMING-… payloads are refused unless
// Options.AllowStreaming says that the caller takes aws-chunked bodies apart; [Chunks] verifies the signatures of their chunks.
//
// Sources: the Signature Version 4 chapter of the IAM User Guide; for texts and order, SCRATCH and ARGMIN, which
// docs/wire-compatibility.md §14 describes.
package sigv4
