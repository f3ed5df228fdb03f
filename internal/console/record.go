package console

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

const (
	signInSource = "signin.amazonaws.com"
	stsSource    = "sts.amazonaws.com"
	consoleLogin = "ConsoleLogin"
)

// way is what the audit log is told of how somebody signed in; none of it is secret.
type way struct {
	With    string `json:"with"`
	MFAUsed string `json:"mfaUsed,omitempty"`
	Issuer  string `json:"issuer,omitempty"`
	RoleARN string `json:"roleArn,omitempty"`
	// PrincipalARN is the provider's.
	PrincipalARN string `json:"principalArn,omitempty"`
}

// recordSignIn writes CloudTrail's line of a sign-in. The request's caller is who signed in.
func (h *Handler) recordSignIn(x *call, w way) error {
	e := &audit.Event{ID: x.eventID, Service: signInSource, Operation: consoleLogin, Issues: true, ResponseElements: []byte(`{"ConsoleLogin":"Success"}`)}
	return h.record(x, e, w)
}

// recordFailure writes the line of a sign-in that was refused. reason says more than the person is told. account is whose trail it
// belongs to, if it is known.
func (h *Handler) recordFailure(x *call, account arn.AccountID, w way, reason string) {
	e := &audit.Event{
		ID: x.eventID, Service: signInSource, Operation: consoleLogin, Recipient: account, ResponseElements: []byte(`{"ConsoleLogin":"Failure"}`),
		ReadOnly:  true, // nobody waits for the line of a refusal
		ErrorCode: "Failed authentication", ErrorMessage: "Failed authentication", Reason: reason,
	}
	if err := h.record(x, e, w); err != nil {
		h.Log.Error("audit line lost", "request_id", x.request.ID, "error", err)
	}
}

// recordAssumption writes the line of the STS operation behind a sign-in, as the operation's own has it.
func (h *Handler) recordAssumption(x *call, operation string, w way, refusal error) error {
	id, err := audit.NewID(h.Random)
	if err != nil {
		return err
	}
	e := &audit.Event{ID: id, Service: stsSource, Operation: operation, ReadOnly: true, Issues: refusal == nil}
	if role, ok := x.view.RoleByARN(w.RoleARN); ok {
		e.Resources, e.Recipient = []audit.Resource{{ARN: role.ARN, Account: role.Account, Type: "AWS::IAM::Role"}}, role.Account
	}
	if refusal != nil {
		fault := faultOf(refusal)
		e.ErrorCode, e.ErrorMessage, e.Reason = string(fault.Code), fault.Message, reasonOf(fault)
	}
	return h.record(x, e, w)
}

func (h *Handler) record(x *call, e *audit.Event, parameters any) error {
	text, err := json.Marshal(parameters)
	if err != nil {
		return fmt.Errorf("encoding an audit line: %w", err)
	}
	e.Request, e.RequestParameters, e.IssuerARN = &x.request, text, issuer(x.view, &x.request.Caller)
	return h.Audit.Write(x.r.Context(), e)
}

// issuer is the role or user behind a session.
func issuer(v *directory.View, c *identity.Caller) string {
	if c.Kind != identity.AssumedRole && c.Kind != identity.FederatedUser {
		return ""
	}
	switch e, _ := v.ByID(c.PrincipalID); e := e.(type) {
	case *directory.Role:
		return e.ARN
	case *directory.User:
		return e.ARN
	}
	return ""
}

// faultOf is what a person is told of an error.
func faultOf(err error) *identity.Fault {
	if f, ok := errors.AsType[*identity.Fault](err); ok {
		return f
	}
	return identity.NewFault(identity.InternalFailure, "").Because(err)
}

func reasonOf(f *identity.Fault) string {
	if f.Cause == nil {
		return ""
	}
	return f.Cause.Error()
}
