package relying

import (
	"errors"
	"net/http"

	"github.com/stint-sts/stint/sigv4"
)

// Error is a request refused. Code, Message and Status are for the client, in AWS's words. Reason is for the log: what exactly is
// wrong.
type Error struct {
	Code    string
	Message string
	Status  int
	Reason  string
}

// Error gives all of it, for the log.
func (e *Error) Error() string {
	s := e.Code
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Reason != "" {
		s += " [" + e.Reason + "]"
	}
	return s
}

// The codes of refusals that do not come from the signature alone.
const (
	codeAccessDenied       = "AccessDenied"
	codeServiceUnavailable = "ServiceUnavailable"
)

// denied is the refusal of what was not mapped or not understood: the client learns nothing.
func denied(reason string) *Error {
	return &Error{Code: codeAccessDenied, Message: "Access Denied", Status: http.StatusForbidden, Reason: reason}
}

func unavailable(reason string) *Error {
	return &Error{
		Code: codeServiceUnavailable, Status: http.StatusServiceUnavailable, Reason: reason,
		Message: "Credentials cannot be verified at the moment. Please try again.",
	}
}

// ofSignature is what package sigv4 refused.
func ofSignature(err error) error {
	e, ok := errors.AsType[*sigv4.Error](err)
	if !ok {
		return err
	}
	out := refusal(e.Code, e.Message)
	out.Reason = e.Reason
	return out
}

// refusal gives a code of Stint or of package sigv4 its status (Amazon S3 API reference, list of error codes).
func refusal(code, message string) *Error {
	status := http.StatusForbidden
	switch code {
	case sigv4.CodeIncompleteSignature, sigv4.CodeMalformedQueryString, "InvalidToken", "ExpiredToken":
		status = http.StatusBadRequest
	}
	if message == "" {
		message = "Access Denied"
	}
	return &Error{Code: code, Message: message, Status: status}
}

// The refusals of bodies (ibid.).
func badBody(code, message, reason string) *Error {
	return &Error{Code: code, Message: message, Status: http.StatusBadRequest, Reason: reason}
}

func incompleteBody(reason string) *Error {
	return badBody("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header", reason)
}
