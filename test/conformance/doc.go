// Package conformance runs wire cases against the built binary over a real socket.
//
// A case is data: steps that set the stage, one request, and what the answer must be. Two files hold them in one format:
// the shared facts beside the project (when they are there; with CI=true they must be) and testdata/own.json, which is
// the project's and always runs. The flow of one case: its steps become a directory file and IAM or STS calls
// (stage_test.go), its request is built and signed (perform_test.go), its answer is compared (expect_test.go).
//
// coverage_test.go says which groups must pass, which pass in part, and which wait for a later feature; a group that
// shrinks or vanishes is a failure. Cases that change nothing and share a stage share a server.
//
// The package also holds what a list of single requests cannot say: restarts, parallel use of one code, raw sockets, and
// the scan for secrets that must never be written anywhere.
package conformance
