// Package policycase is the JSON in which `stint policy` is asked and answers (docs/policy-tools.md).
//
//	a case:       policies and a request → ParseCase → Decide → Answer
//	a submission: a document and its type → ParseSubmission → Validate → Verdict
//	              or Lint → findings
//
// Cases are those of a public corpus of policy evaluations, one JSON object each. Each reads a stream of them, one a line. The
// package reads JSON by internal/strictjson alone and does no I/O but on the streams that it is given.
package policycase
