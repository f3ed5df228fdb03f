package federation

import "github.com/stint-sts/stint/internal/identity"

// Refusal says no to a token or response: code and message are AWS's, reason is for log and audit line alone. A reason names
// the rule that failed and nothing that was sent: no claim, no key, no part of the token.
func Refusal(code identity.Code, message, reason string) *identity.Fault {
	return identity.NewFault(code, message).Because(reasonError(reason))
}

// Refused is a Refusal whose reason is an error; its text must say no more than that of a Refusal.
func Refused(code identity.Code, message string, reason error) *identity.Fault {
	return identity.NewFault(code, message).Because(reason)
}

// reasonError is a text that is an error.
type reasonError string

func (e reasonError) Error() string { return string(e) }
