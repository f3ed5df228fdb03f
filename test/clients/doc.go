// Package clients runs unmodified AWS clients against the built binary over a real socket: Debian's AWS CLI, an AWS CLI
// version 1 if there is one that knows AWS_ENDPOINT_URL, boto3, and the SDKs for Go and JavaScript.
//
// Each client plays the same scene with its own means: it finds out who it is, makes users, roles, policies, keys and an
// MFA device through IAM, assumes a role with tags and a session policy, makes one call that the session may and one
// that it may not, gets session and federation tokens, has a denial decoded, and must recognise the errors by the
// types that it has for them.
//
// test/install.sh installs what Go cannot fetch; a missing client is a failure, not a gap.
package clients
