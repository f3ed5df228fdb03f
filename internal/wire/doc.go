// Package wire speaks the AWS query protocol: parameters in, XML or JSON out, and every refusal as an AWS error.
//
// The way of a request through the codecs:
//
//	ParseForm   bytes of a query or form body → Form, an index of names and values
//	Lookup      service and Action → Operation
//	Binding     Form → decoded and validated input → handler → Answer
//	Answer      result → XML or JSON for the caller, or the audit log's JSON without any secret
//	AppendFault refusal → error body and HTTP status
//
// Decoders, encoders, limits, operations and modelled error statuses are generated from package model (*.gen.go); the
// hand-written files are what they call. The table of faults (fault.go) is the one place where a refusal of the domain gets its
// AWS code and HTTP status.
//
// The package authenticates nobody and decides nothing.
package wire
