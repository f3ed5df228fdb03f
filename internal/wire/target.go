package wire

import (
	"mime"
	"net/http"
	"strings"

	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/strictjson"
)

// targetType is the content type of JSON 1.1, of requests and of answers.
const targetType = "application/x-amz-json-1.1"

// target returns the operation that a JSON 1.1 request names, and whether the request is one: a POST of that content type with
// an X-Amz-Target. No other request to / is read as JSON.
func (x *exchange) target() (string, bool) {
	types, targets := x.r.Header["Content-Type"], x.r.Header["X-Amz-Target"]
	if x.r.Method != http.MethodPost || len(types) != 1 || len(targets) != 1 {
		return "", false
	}
	media, _, err := mime.ParseMediaType(types[0])
	return targets[0], err == nil && media == targetType
}

// serveTarget answers a JSON 1.1 request, which is told as one already. The order is the query protocol's: operation, signature, parameters.
func (x *exchange) serveTarget(target string) {
	op, err := targetOperation(target)
	if err != nil {
		x.refuse(nil, nil, err)
		return
	}
	x.service = op.Service
	x.serve(op, func() (Parameters, error) {
		document, err := strictjson.Parse(x.body, strictjson.Limits{})
		if err != nil || document.Kind != strictjson.Object {
			return Parameters{}, identity.NewFault(identity.MalformedInput, "").Because(err)
		}
		return Parameters{object: jsonObject{&document}}, nil
	})
}

// targetOperation finds the operation of an X-Amz-Target: Prefix.Operation, with case.
func targetOperation(target string) (*Operation, error) {
	prefix, name, _ := strings.Cut(target, ".")
	if service, ok := targetOf(prefix); ok {
		if op, ok := Lookup(service, name); ok {
			return op, nil
		}
	}
	return nil, identity.NewFault(identity.UnknownOperation, "")
}

// appendResponseTarget appends the answer of an operation. One without a result has an empty body.
func appendResponseTarget[Out any](dst []byte, o *Operation, encode func(*encoder, *Out), out *Out) []byte {
	if !o.result {
		return dst
	}
	e := encoder{dst: append(dst, '{'), format: formatJSON, start: len(dst)}
	encode(&e, out)
	return append(e.dst, '}')
}

// appendFaultTarget appends a refusal. What the services' models list has its members in capitals, what goes before them has not.
func appendFaultTarget(dst []byte, f *identity.Fault, service string) (body []byte, status int) {
	w := wireErrorOf(f, service)
	e := encoder{dst: append(dst, '{'), format: formatJSON, start: len(dst)}
	e.text("__type", w.code)
	message := "message"
	if _, listed := modelled[identity.Code(w.code)]; listed {
		message = "Message"
	}
	if w.message != "" {
		e.text(message, w.message)
	}
	if w.reason != "" {
		e.text("Reason", w.reason)
	}
	return append(e.dst, '}'), w.status
}
