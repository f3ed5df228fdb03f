package wire

import (
	"context"
	"errors"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// Handler performs an operation. Its input is valid by the model; its error is a *identity.Fault, or a failure of the server.
// An operation whose answer has a result returns one whenever it returns no error.
type Handler[In, Out any] func(ctx context.Context, view *directory.View, req *identity.Request, in *In) (*Out, error)

// Binding is an operation with the handler that performs it.
type Binding struct {
	*Operation
	serve func(ctx context.Context, view *directory.View, req *identity.Request, p Parameters) (Answer, error)
}

// Bind ties a handler to its operation.
func Bind[In, Out any](op Op[In, Out], h Handler[In, Out]) Binding {
	serve := func(ctx context.Context, view *directory.View, req *identity.Request, p Parameters) (Answer, error) {
		in, err := op.input(p)
		a := &answer[In, Out]{op: op, in: in}
		if err != nil {
			return a, err
		}
		if a.out, err = h(ctx, view, req, in); err != nil {
			a.out = nil
			return a, err
		}
		if a.out == nil && op.result {
			return a, errNoResult
		}
		return a, nil
	}
	return Binding{Operation: op.Operation, serve: serve}
}

// Refuse binds an operation that this server does not perform: what is malformed is told, and the rest is refused by name.
func Refuse[In, Out any](op Op[In, Out]) Binding {
	return Bind(op, func(context.Context, *directory.View, *identity.Request, *In) (*Out, error) {
		return nil, notImplemented(op.Name)
	})
}

func notImplemented(operation string) error {
	return identity.NewFault(identity.NotImplemented, "The operation "+operation+" is not implemented by this server.")
}

var errNoResult = errors.New("handler returned neither result nor error")

// Serve decodes the parameters, validates them and performs the operation. The answer is never nil: after an error it
// still tells the audit log what was asked.
func (b Binding) Serve(ctx context.Context, view *directory.View, req *identity.Request, p Parameters) (Answer, error) {
	return b.serve(ctx, view, req, p)
}

// Answer is what an operation was asked and what it answered. Its methods append to dst and return it.
type Answer interface {
	// AppendXML, AppendJSON and AppendTarget append the whole response body: the query protocol's in its two forms, and JSON
	// 1.1's. They serve an operation that succeeded.
	AppendXML(dst []byte, requestID string) []byte
	AppendJSON(dst []byte, requestID string) []byte
	AppendTarget(dst []byte) []byte
	audited
}

type answer[In, Out any] struct {
	op  Op[In, Out]
	in  *In
	out *Out
}

func (a *answer[In, Out]) AppendXML(dst []byte, requestID string) []byte {
	return appendResponseXML(dst, a.op.Operation, a.op.encodeOutput, a.out, requestID)
}

func (a *answer[In, Out]) AppendJSON(dst []byte, requestID string) []byte {
	return appendResponseJSON(dst, a.op.Operation, a.op.encodeOutput, a.out, requestID)
}

func (a *answer[In, Out]) AppendTarget(dst []byte) []byte {
	return appendResponseTarget(dst, a.op.Operation, a.op.encodeOutput, a.out)
}

func (a *answer[In, Out]) AppendRequestParameters(dst []byte) []byte {
	return orNull(appendAudit(dst, a.op.encodeInput, a.in), len(dst))
}

func (a *answer[In, Out]) AppendResponseElements(dst []byte) []byte {
	if a.out == nil {
		return append(dst, "null"...)
	}
	return orNull(appendAudit(dst, a.op.encodeOutput, a.out), len(dst))
}

// orNull writes null for the empty object that begins at start, as CloudTrail does.
func orNull(dst []byte, start int) []byte {
	if len(dst)-start == len("{}") {
		return append(dst[:start], "null"...)
	}
	return dst
}
