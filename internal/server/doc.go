// Package server is the HTTP side of the API listener: limits, request ids, routing.
//
// A request's body is read once, capped, into memory that is given back afterwards; what is hashed for the signature is what
// is parsed. The path decides who answers: nothing but slashes is the query protocol, one of Stint's own paths is theirs, all
// else does not exist. There is no ServeMux: it would redirect POST //, which real clients send.
//
// The package authenticates nobody and parses no parameter.
package server
