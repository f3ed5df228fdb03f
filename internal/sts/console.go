package sts

import (
	"fmt"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// SignIn begins the session of a user who has proven a password on the sign-in page: one as GetSessionToken's, with its length and
// rules. withCode says that a one-time code was proven, too.
func (s *Service) SignIn(v *directory.View, req *identity.Request, u *directory.User, withCode bool) (*api.Credentials, error) {
	sess := &identity.Session{Kind: identity.UserSession, Account: u.Account, PrincipalID: u.ID}
	if withCode {
		sess.MFATime = req.Time.Truncate(time.Second)
	}
	token, err := s.issue(v, req, sess, s.capped(defaultUserSeconds))
	if err != nil {
		return nil, err
	}
	return credentials(sess, token), nil
}

// Console gives the caller's role session the length of its own that the console federation endpoint is asked for
// (SessionDuration): neither the role's maximum nor what is left of the session counts, as at AWS. It is the same session in all
// else, when it was issued among that, so that what revokes the one revokes the other. Only a role that was assumed with
// long-term credentials or an identity provider's word has it (IAM UG, custom identity broker).
func (s *Service) Console(v *directory.View, req *identity.Request, seconds int32) (*api.Credentials, error) {
	own := req.Caller.Session
	if own == nil || own.Kind != identity.RoleSession || own.Chained {
		return nil, validation("SessionDuration is for the credentials of a role that was not assumed by role chaining.")
	}
	sess := *own
	if err := s.newKeys(&sess); err != nil {
		return nil, err
	}
	sess.Expires = req.Time.Truncate(time.Second).Add(time.Duration(s.capped(seconds)) * time.Second)
	token, err := s.seal(v, &sess)
	if err != nil {
		return nil, fmt.Errorf("beginning a console session: %w", err)
	}
	return credentials(&sess, token), nil
}
