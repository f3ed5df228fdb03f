package sts

import (
	"context"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// GetSessionToken begins a session of the user itself, usually to bring in MFA. It needs no permission.
func (s *Service) GetSessionToken(ctx context.Context, v *directory.View, req *identity.Request, in *api.GetSessionTokenInput) (*api.GetSessionTokenOutput, error) {
	c := &req.Caller
	if c.Temporary() {
		return nil, accessDenied("Cannot call GetSessionToken with session credentials")
	}
	if err := s.secondFactor(ctx, v, req, in.SerialNumber, in.TokenCode); err != nil {
		return nil, err
	}
	sess := &identity.Session{Kind: identity.UserSession, Account: c.Account, PrincipalID: c.PrincipalID}
	if c.Kind == identity.Root {
		sess.Kind = identity.RootSession
	}
	if in.TokenCode != nil {
		sess.MFATime = req.Time.Truncate(time.Second)
	}
	token, err := s.issue(v, req, sess, s.userSeconds(c, in.DurationSeconds))
	if err != nil {
		return nil, err
	}
	return &api.GetSessionTokenOutput{Credentials: credentials(sess, token)}, nil
}

// userSeconds is how long a session of the caller itself lasts. Root's is cut to an hour without a word (STS API reference).
func (s *Service) userSeconds(c *identity.Caller, requested *int32) int32 {
	seconds := int32(defaultUserSeconds)
	if requested != nil {
		seconds = *requested
	}
	if c.Kind == identity.Root {
		seconds = min(seconds, rootMaxSeconds)
	}
	return s.capped(seconds)
}
