package wire

import (
	"net/http"
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// issuing are the operations whose answer holds credentials or a token.
var issuing = map[string]bool{
	"AssumeRole":                true,
	"AssumeRoleWithSAML":        true,
	"AssumeRoleWithWebIdentity": true,
	"AssumeRoot":                true,
	"CreateAccessKey":           true,
	"CreateVirtualMFADevice":    true,
	"GetDelegatedAccessToken":   true,
	"GetFederationToken":        true,
	"GetSessionToken":           true,
	"GetWebIdentityToken":       true,
	"IssueContextAssertion":     true,

	"GetSigningKey": true,
}

// readOnly reports whether an operation changes nothing. All of STS does not, by CloudTrail's own records.
func readOnly(service, operation string) bool {
	if service == stintService {
		return operation != "RevokeSessions"
	}
	if service != "iam" && service != organizationsService {
		return true
	}
	for _, verb := range [...]string{"Get", "List", "Describe", "Simulate", "Generate"} {
		if strings.HasPrefix(operation, verb) {
			return true
		}
	}
	return false
}

// audited is what the audit log is told of an operation. Its methods append to dst and return it.
type audited interface {
	// AppendRequestParameters appends the parameters as a JSON object for the audit log, without secrets: null if there are none.
	AppendRequestParameters(dst []byte) []byte
	// AppendResponseElements appends the result likewise: null if there is none.
	AppendResponseElements(dst []byte) []byte
}

// record writes the audit line of a request; fault is nil for a success.
func (x *exchange) record(service, operation string, a audited, fault *identity.Fault) error {
	event := audit.Event{
		ID:        x.eventID,
		Request:   &x.request,
		Service:   sourceOf(service),
		Operation: operation,
		ReadOnly:  readOnly(service, operation),
		Issues:    fault == nil && x.issues,
		IssuerARN: x.issuer(),
		Resources: x.resources(),
	}
	if operation == "" {
		event.ReadOnly = true // what was not even an operation
	}
	if x.request.Caller.Account == "" && len(event.Resources) > 0 {
		if account, ok := x.view.Account(event.Resources[0].Account); ok {
			event.Recipient = account.ID // whoever asks for a role without credentials stands in the trail of its account
		}
	}
	if a != nil {
		buffer := buffers.Get().(*[]byte)
		defer giveBack(buffer)
		*buffer = a.AppendRequestParameters((*buffer)[:0])
		split := len(*buffer)
		if fault == nil && (event.Issues || !event.ReadOnly || service == stintService) { // CloudTrail's are null for what only reads
			*buffer = a.AppendResponseElements(*buffer)
			event.ResponseElements = object((*buffer)[split:])
		}
		event.RequestParameters = object((*buffer)[:split])
	}
	if fault == nil {
		event.PolicyWarnings, event.Reason = x.request.PolicyWarnings, x.reason
	} else {
		event.ErrorCode, event.ErrorMessage, event.Reason = ErrorCode(fault, x.service), fault.Message, x.reason
		event.Uncertain = x.changing && wireErrorOf(fault, x.service).status >= http.StatusInternalServerError
	}
	return x.Audit.Write(x.r.Context(), &event)
}

// sourceOf is the event source of a service.
func sourceOf(service string) string {
	switch service {
	case stintService:
		return stintService
	case stsService:
		return "sts.amazonaws.com"
	default:
		return service + ".amazonaws.com"
	}
}

// object leaves out what is not there.
func object(json []byte) []byte {
	if string(json) == "null" {
		return nil
	}
	return json
}

// issuer is the role or user behind a session.
func (x *exchange) issuer() string {
	c := &x.request.Caller
	if c.Kind != identity.AssumedRole && c.Kind != identity.FederatedUser {
		return ""
	}
	switch e, _ := x.view.ByID(c.PrincipalID); e := e.(type) {
	case *directory.Role:
		return e.ARN
	case *directory.User:
		return e.ARN
	}
	return ""
}

// resources are what CloudTrail lists for the assumption of a role: the role.
func (x *exchange) resources() []audit.Resource {
	if x.roleARN == "" {
		return nil
	}
	r := &x.role[0]
	r.ARN, r.Type = x.roleARN, "AWS::IAM::Role"
	if role, ok := x.view.RoleByARN(x.roleARN); ok {
		r.Account = role.Account
	} else if parsed, err := arn.Parse(x.roleARN); err == nil {
		r.Account = arn.AccountID(parsed.Account)
	}
	return x.role[:]
}
