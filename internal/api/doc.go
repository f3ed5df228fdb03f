// Package api holds the request and response shapes of STS and IAM, generated from the models in package model.
//
// What a request must hold is a plain value, because package wire refuses a request without it; what it may leave out is a
// pointer, a slice or a map that is nil when absent. In answers a nil member is left out, and an empty slice is written as an
// empty element. Members carry AWS's names; their comments give limits and units.
//
// The package has no behaviour: wire reads and writes these shapes, sts and iam give them meaning. Secrets in them are plain
// strings on their way to or from the caller: print or log no value of these types, only what wire's audit encoder makes of it.
package api

// Empty stands for the parameters of an operation that has none, and for the result of one that answers nothing.
type Empty struct{}
