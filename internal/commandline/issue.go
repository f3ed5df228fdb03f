package commandline

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/loginapi"
)

// issued is credentials for a command line, and whose they are, for the audit log.
type issued struct {
	Token       loginapi.Token
	Kind        identity.Kind
	Account     string
	UserID      string
	PrincipalID string
	// IssuerARN is the role of a role session or the user of a federated one.
	IssuerARN string `json:",omitempty"`
}

// credentials makes credentials of a role, or of what the person signed in as. Its errors are faults, or of the server's.
func (s *Service) credentials(x *call, a asked) (*issued, error) {
	var seconds *int32
	if a.Seconds != 0 {
		seconds = &a.Seconds
	}
	if a.Role == "" || a.Role == roleOf(x) {
		keys, err := s.Sessions.Continue(x.view, &x.request, seconds)
		if err != nil {
			return nil, err
		}
		c := &x.request.Caller
		return s.made(keys, c.Kind, c.ARN, c.UserID, c.PrincipalID, string(c.Account), roleOf(x)), nil
	}
	role, ok := x.view.RoleByARN(a.Role)
	out, err := s.Sessions.AssumeRole(x.r.Context(), x.view, &x.request, &api.AssumeRoleInput{
		RoleArn: a.Role, RoleSessionName: sessionName(&x.request.Caller), DurationSeconds: seconds,
	})
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("assuming a role: %s was given and is not there", a.Role)
	}
	user := out.AssumedRoleUser
	return s.made(out.Credentials, identity.AssumedRole, user.Arn, user.AssumedRoleId, role.ID, string(role.Account), a.Role), nil
}

func (s *Service) made(c *api.Credentials, kind identity.Kind, arn, userID, principalID, account, role string) *issued {
	return &issued{
		Token: loginapi.Token{
			AccessToken: c.SessionToken, TokenType: loginapi.TokenType, AccessKeyID: c.AccessKeyId, SecretAccessKey: c.SecretAccessKey,
			Expiration: c.Expiration.UTC().Format(time.RFC3339), ARN: arn, RoleARN: role, Region: s.Region,
		},
		Kind: kind, Account: account, UserID: userID, PrincipalID: principalID, IssuerARN: role,
	}
}

// roleOf is the ARN of the role that the person signed in as, if it is one.
func roleOf(x *call) string {
	if x.request.Caller.Kind != identity.AssumedRole {
		return ""
	}
	entity, _ := x.view.ByID(x.request.Caller.PrincipalID)
	role, ok := entity.(*directory.Role)
	if !ok {
		return ""
	}
	return role.ARN
}

// sessionName is how the sessions of a role show who began them: the name of the user or of the session that did.
func sessionName(c *identity.Caller) string {
	name := c.ARN[strings.LastIndexByte(c.ARN, '/')+1:]
	if len(name) < 2 { // which AssumeRole does not take
		name = "user-" + name
	}
	return name
}

// notIssued tells the person why there are no credentials, and writes it down.
func (s *Service) notIssued(x *call, parameters audited, err error) {
	var fault *identity.Fault
	if !errors.As(err, &fault) {
		s.Log.Error("credentials were not made", "error", err)
		fault = identity.NewFault(identity.InternalFailure, "This cannot be done now. Try again later.")
	}
	err = s.record(x, authorizeAccess, parameters, func(e *audit.Event) {
		e.ErrorCode, e.ErrorMessage = string(fault.Code), fault.Message
	})
	if err != nil {
		s.Log.Error("a refusal was not written down", "error", err)
	}
	s.complain(x, http.StatusForbidden, fault.Message)
}
