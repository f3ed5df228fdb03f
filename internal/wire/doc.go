// Package wire speaks the AWS query protocol and JSON 1.1: parameters in, XML or JSON out, and every refusal as an AWS error.
//
// [Frontend] is the way of a request through the codecs, for the query protocol and Organizations' JSON 1.1, told by its
// X-Amz-Target (ServeQuery), and for Stint's own operations, a signed POST of JSON to a path of their own (ServeJSON,
// [JSONBinding]):
//
//	ParseForm   bytes of a query or form body → Form, an index of names and values
//	Lookup      service and Action → Operation
//	authn       signature → caller, unless the operation carries its own proof of identity
//	Binding     Form or JSON object → decoded and validated input → handler → Answer
//	audit       the line of the request; what issues or changes something is not answered without it
//	Answer      result → XML or JSON for the caller, or the audit log's JSON without any secret
//	AppendFault refusal → error body and HTTP status
//
// Decoders, encoders, limits, operations and modelled error statuses are generated from package model (*.gen.go); the
// hand-written files are what they call. The table of faults (fault.go) is the one place where a refusal of the domain gets its
// AWS code and HTTP status.
//
// The package finds out by itself neither who calls nor what that caller may do: package authn authenticates and says what a
// kind of credential may call at all, the handlers ask package authz for the rest. It reads no socket: package server caps and
// reads the body.
package wire
