package sts

import (
	"fmt"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// Continue gives the caller's own session another access key, for `stint login`: what a person signed in as at a browser goes on at
// their command line. It is the same session in all else, when it was issued among that, so that a revocation or a policy on
// aws:TokenIssueTime that ends the one ends the other; and it lasts no longer.
func (s *Service) Continue(v *directory.View, req *identity.Request, requested *int32) (*api.Credentials, error) {
	own := req.Caller.Session
	if own == nil {
		return nil, accessDenied("Only a session can be continued.")
	}
	left := int32(own.Expires.Sub(req.Time) / time.Second)
	if left < 1 {
		return nil, identity.NewFault(identity.ExpiredToken, "The security token included in the request is expired")
	}
	seconds := s.capped(s.usual(&req.Caller))
	if requested != nil {
		seconds = *requested
		if role, ok := v.ByID(own.PrincipalID); ok {
			if r, ok := role.(*directory.Role); ok && seconds > s.capped(r.MaxSessionSeconds) {
				return nil, validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
			}
		}
		if seconds > left {
			return nil, validation(fmt.Sprintf("The requested DurationSeconds exceeds the %d seconds that are left of the session.", left))
		}
	}
	sess := *own
	if err := s.newKeys(&sess); err != nil {
		return nil, err
	}
	sess.Expires = req.Time.Truncate(time.Second).Add(time.Duration(min(seconds, left)) * time.Second)
	token, err := s.seal(v, &sess)
	if err != nil {
		return nil, err
	}
	return credentials(&sess, token), nil
}

// usual is how long a session lasts when nobody says: as the operation that such a session comes from has it.
func (s *Service) usual(c *identity.Caller) int32 {
	if c.Kind == identity.AssumedRole {
		return defaultRoleSeconds
	}
	return s.userSeconds(c, nil)
}
