package wire

import (
	"errors"
	"net/http"

	"github.com/stint-sts/stint/internal/identity"
)

// internalFailure is all that a caller learns of a failure of the server.
const internalFailure = "The request processing has failed because of an unknown error, exception or failure."

// faultNamespace is the namespace of an error that no service answers for (ARGMIN).
const faultNamespace = "http://webservices.amazon.com/AWSFault/2005-15-09"

// common holds the HTTP statuses of the refusals that no model lists. What a model lists is in the generated table modelled.
var common = map[identity.Code]int{
	identity.AccessDenied:               http.StatusForbidden,
	identity.ExpiredToken:               http.StatusForbidden, // of a signing credential (ARGMIN); ExpiredTokenException is of a web identity token
	identity.IncompleteSignature:        http.StatusBadRequest,
	identity.InternalFailure:            http.StatusInternalServerError,
	identity.InvalidAction:              http.StatusBadRequest,
	identity.InvalidClientTokenID:       http.StatusForbidden,
	identity.InvalidParameterValue:      http.StatusBadRequest,
	identity.MalformedInput:             http.StatusBadRequest,
	identity.MalformedQueryString:       http.StatusBadRequest,
	identity.MissingAuthenticationToken: http.StatusForbidden,
	identity.NotImplemented:             http.StatusBadRequest, // the caller's choice of operation, not a failure to retry
	identity.ServiceUnavailable:         http.StatusServiceUnavailable,
	identity.SignatureDoesNotMatch:      http.StatusForbidden,
	identity.Throttling:                 http.StatusBadRequest, // AWS's own status for "Rate exceeded"
	identity.UnknownOperation:           http.StatusBadRequest,
	identity.ValidationError:            http.StatusBadRequest,
}

// spelling holds what one service calls a refusal that the others call by the domain's name.
var spelling = map[string]map[identity.Code]identity.Code{
	"iam": {identity.InternalFailure: "ServiceFailure"}, // IAM's model
	// JSON 1.1 has its own names for what goes before an operation (docs/wire-compatibility.md §15).
	organizationsService: {
		identity.AccessDenied:               "AccessDeniedException",
		identity.ConcurrentModification:     "ConcurrentModificationException",
		identity.ExpiredToken:               "ExpiredTokenException",
		identity.IncompleteSignature:        "IncompleteSignatureException",
		identity.InternalFailure:            "ServiceException",
		identity.InvalidClientTokenID:       "UnrecognizedClientException",
		identity.MalformedInput:             "SerializationException",
		identity.MissingAuthenticationToken: "MissingAuthenticationTokenException",
		identity.NotImplemented:             "NotImplementedException",
		identity.ServiceUnavailable:         "ServiceUnavailableException",
		identity.SignatureDoesNotMatch:      "InvalidSignatureException",
		identity.Throttling:                 "TooManyRequestsException",
	},
}

// FaultOf returns the refusal that err is. Any other error is a failure of the server, kept as the cause for the log.
func FaultOf(err error) *identity.Fault {
	if f, ok := errors.AsType[*identity.Fault](err); ok {
		return f
	}
	return identity.NewFault(identity.InternalFailure, internalFailure).Because(err)
}

// maxMessage bounds what an answer repeats of the request, in bytes.
const maxMessage = 128 << 10

// wireError is a fault as the caller sees it.
type wireError struct {
	code, message, reason string
	status                int
}

func wireErrorOf(f *identity.Fault, service string) wireError {
	code, message := f.Code, f.Message
	status, ok := common[code]
	if !ok {
		status, ok = modelled[code]
	}
	if !ok || status == http.StatusInternalServerError {
		// A code without a status is a mistake of ours: the caller learns as little as of any other.
		code, message, status = identity.InternalFailure, internalFailure, http.StatusInternalServerError
	}
	if len(message) > maxMessage {
		message = truncate(message, maxMessage)
	}
	if own, ok := spelling[service][code]; ok {
		code = own
	}
	if service == organizationsService && status < http.StatusInternalServerError {
		status = http.StatusBadRequest // JSON 1.1 tells all refusals apart by their type alone
	}
	return wireError{string(code), message, f.Reason, status}
}

// ErrorCode returns the AWS error code that a service answers a fault with, for the audit log.
func ErrorCode(f *identity.Fault, service string) string { return wireErrorOf(f, service).code }

// AppendFault appends the error body that a service of the query protocol answers, and returns its HTTP status. An empty
// message leaves the element out.
func AppendFault(dst []byte, f *identity.Fault, service, requestID string, asJSON bool) (body []byte, status int) {
	w := wireErrorOf(f, service)
	kind := "Sender"
	if w.status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	if asJSON {
		return appendFaultJSON(dst, w, kind, requestID), w.status
	}
	namespace := namespaceOf(service)
	if f.Code == identity.InvalidAction || namespace == "" {
		namespace = faultNamespace
	}
	dst = append(append(append(dst, `<ErrorResponse xmlns="`...), namespace...), "\">\n"...)
	e := encoder{dst: dst, format: formatXML, depth: 1, start: len(dst)}
	o := e.open("Error")
	e.text("Type", kind)
	e.text("Code", w.code)
	if w.message != "" {
		e.text("Message", w.message)
	}
	e.close("Error", o)
	e.text("RequestId", requestID)
	return append(e.dst, "</ErrorResponse>\n"...), w.status
}

// appendFaultJSON writes the keys in alphabetical order (ENVOY).
func appendFaultJSON(dst []byte, w wireError, kind, requestID string) []byte {
	e := encoder{dst: append(dst, '{'), format: formatJSON, start: len(dst)}
	o := e.open("Error")
	e.text("Code", w.code)
	if w.message != "" {
		e.text("Message", w.message)
	}
	e.text("Type", kind)
	e.close("Error", o)
	e.text("RequestId", requestID)
	return append(e.dst, '}')
}
