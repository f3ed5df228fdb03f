package sts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation/oidc"
	"github.com/stint-sts/stint/internal/federation/saml"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
	"github.com/stint-sts/stint/internal/session"
)

// MFA verifies and spends a one-time code of a device that belongs to the owner. Its faults are AWS's.
type MFA interface {
	Verify(ctx context.Context, v *directory.View, account arn.AccountID, ownerID, serial, code string, now time.Time) error
}

// Service answers the STS operations.
type Service struct {
	Authorizer *authz.Authorizer
	Sealer     *session.Sealer
	MFA        MFA
	// WebIdentity verifies the tokens of AssumeRoleWithWebIdentity.
	WebIdentity *oidc.Verifier
	// SAML verifies the responses of AssumeRoleWithSAML.
	SAML   *saml.Verifier
	Random io.Reader
	// OutboundIssuer makes the URL of an account's own token issuer of the issuer's id.
	OutboundIssuer func(id string) string
	// TradeIns remembers the exchange tokens of GetDelegatedAccessToken.
	TradeIns TradeIns
	// MaxSession is the longest session that the administrator allows; zero leaves it to AWS's limits.
	MaxSession time.Duration
}

// Limits of the operations in seconds (STS API reference).
const (
	defaultRoleSeconds = 3600
	chainedMaxSeconds  = 3600
	defaultUserSeconds = 43200
	rootMaxSeconds     = 3600
	maxPolicyARNs      = 10
	maxTags            = 50
)

// issue mints the session: ids, secret and times are added here and nowhere else, and the result is sealed.
func (s *Service) issue(v *directory.View, req *identity.Request, sess *identity.Session, seconds int32) (string, error) {
	account, ok := v.Account(sess.Account)
	if !ok {
		return "", fmt.Errorf("issuing a session: no account %s", sess.Account)
	}
	for _, region := range account.DisabledRegions {
		if region == req.Region {
			return "", identity.NewFault(identity.RegionDisabled, "STS is not activated in this region for account:"+string(account.ID)+
				". Your account administrator can activate STS in this region using the IAM Console.")
		}
	}
	if err := s.newKeys(sess); err != nil {
		return "", err
	}
	sess.Issued = req.Time.Truncate(time.Second)
	sess.Expires = sess.Issued.Add(time.Duration(seconds) * time.Second)
	sess.Revision = v.Revision()
	sess.Chained = req.Caller.Temporary()
	return s.seal(v, sess)
}

// newKeys gives a session its access key.
func (s *Service) newKeys(sess *identity.Session) (err error) {
	sess.AccessKeyID, err = arn.NewID(arn.TemporaryKeyID, sess.Account, s.Random)
	if err != nil {
		return fmt.Errorf("issuing a session: %w", err)
	}
	sess.Secret, err = secret.AccessKey(s.Random)
	if err != nil {
		return fmt.Errorf("issuing a session: %w", err)
	}
	return nil
}

func (s *Service) seal(v *directory.View, sess *identity.Session) (string, error) {
	token, err := s.Sealer.Seal(v, sess)
	if errors.Is(err, session.ErrTooLarge) {
		return "", identity.NewFault(identity.PackedPolicyTooLarge, "The session with its provided contexts does not fit into a token: "+
			"please use fewer or shorter context values.").Because(err)
	}
	return token, err
}

// capped cuts a duration to the administrator's maximum, without a word as root's is cut. Only a number of seconds that
// AssumeRole asks for is refused instead, as one above the role's maximum.
func (s *Service) capped(seconds int32) int32 {
	if limit := int32(s.MaxSession / time.Second); limit > 0 && seconds > limit {
		return limit
	}
	return seconds
}

func accessDenied(message string) *identity.Fault {
	return identity.NewFault(identity.AccessDenied, message)
}

func invalidParameter(message string) *identity.Fault {
	return identity.NewFault(identity.InvalidParameterValue, message)
}

func validation(message string) *identity.Fault {
	return identity.NewFault(identity.ValidationError, message)
}
