package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// The codes that errors carry. AWS answers IncompleteSignature and MalformedQueryString with status 400, the others
// with 403.
const (
	CodeIncompleteSignature        = "IncompleteSignature"
	CodeMalformedQueryString       = "MalformedQueryString"
	CodeMissingAuthenticationToken = "MissingAuthenticationToken"
	CodeSignatureDoesNotMatch      = "SignatureDoesNotMatch"
)

// Error is a request refused. Code and Message are for the caller, and are AWS's; an empty Message means that the answer
// has none. Reason is for the log: it says which rule failed where the message does not. None of them ever holds the
// expected signature or the string to sign.
type Error struct {
	Code    string
	Message string
	Reason  string
}

func (e *Error) Error() string {
	s := e.Code
	if e.Message != "" {
		s += ": " + strings.TrimRight(e.Message, " ")
	}
	if e.Reason != "" {
		s += " [" + e.Reason + "]"
	}
	return s
}

// Is reports whether target is an Error with the same code and message, whatever the reason.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Message == e.Message
}

var (
	// ErrMismatch is what Verify answers when the signature is not the one that the key makes; test with errors.Is.
	ErrMismatch = &Error{Code: CodeSignatureDoesNotMatch, Message: mismatchMessage, Reason: "signature differs"}

	// ErrMissing is the answer to a request that carries no signature.
	ErrMissing = &Error{Code: CodeMissingAuthenticationToken, Message: "Request is missing Authentication Token"}
)

const mismatchMessage = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

func mismatch(reason string) *Error {
	return &Error{Code: CodeSignatureDoesNotMatch, Message: mismatchMessage, Reason: reason}
}

// ambiguous is the refusal of a request with more than one place that could carry the credential.
func ambiguous(reason string) *Error {
	return &Error{Code: CodeSignatureDoesNotMatch, Reason: reason}
}

func incomplete(message string) *Error {
	return &Error{Code: CodeIncompleteSignature, Message: message}
}

// maxEcho bounds what an error repeats of the request: more than any well-formed credential or date.
const maxEcho = 256

func echo(s string) string {
	if len(s) > maxEcho {
		s = s[:maxEcho] + "..."
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// digest stands for an Authorization header in messages, as AWS has it since 2023: the header itself may hold secrets.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}
