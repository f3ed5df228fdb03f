package gate

import (
	"errors"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
	"github.com/stint-sts/stint/sigv4"
)

// The refusals of callers. The sentences about tokens are S3's (Amazon S3 API reference, list of error codes).
var (
	mismatch     = gateapi.Refusal{Code: sigv4.ErrMismatch.Code, Message: sigv4.ErrMismatch.Message}
	invalidToken = gateapi.Refusal{Code: "InvalidToken", Message: "The provided token is malformed or otherwise invalid."}
	expiredToken = gateapi.Refusal{Code: "ExpiredToken", Message: "The provided token has expired."}
)

var errForeign = errors.New("the caller is of another account, and relying.accounts does not name the relying service's")

// refuse turns what package authn refused into what the caller is told, and the reason for the audit log. Token says that a session
// token was presented. Other errors are the server's.
func refuse(err error, token bool) (*gateapi.Refusal, string, error) {
	f, ok := errors.AsType[*identity.Fault](err)
	if !ok {
		return nil, "", err
	}
	reason := ""
	if e, ok := errors.AsType[*sigv4.Error](f.Cause); ok {
		reason = e.Reason
	} else if f.Cause != nil {
		reason = f.Cause.Error()
	}
	r := mismatch
	switch f.Code {
	case identity.ExpiredToken:
		r = expiredToken
	case identity.InvalidClientTokenID:
		if token {
			r = invalidToken
		}
	case identity.IncompleteSignature, identity.MalformedQueryString, identity.MissingAuthenticationToken, identity.SignatureDoesNotMatch:
		if f.Message != "" {
			r = gateapi.Refusal{Code: string(f.Code), Message: strings.TrimRight(f.Message, " ")}
		}
	default:
		return nil, "", err
	}
	return &r, reason, nil
}

// mayKnow refuses a caller that is not the relying service's to ask for, as if there were no such credential.
func (s *Service) mayKnow(service *identity.Caller, c *identity.Caller) (*gateapi.Refusal, string) {
	if c.Account == service.Account || s.Trusted.Account(service.Account) {
		return nil, ""
	}
	r := mismatch
	return &r, errForeign.Error()
}

// describe is the caller as relying services see it.
func describe(c *identity.Caller, b *authz.Bearing) *gateapi.Caller {
	out := &gateapi.Caller{
		Principal: gateapi.Principal{
			Kind: c.Kind.String(), Account: b.Principal.Account, ARN: b.Principal.ARN, ID: b.Principal.ID,
			RoleARN: b.Principal.RoleARN, ServiceLinkedRole: b.Principal.ServiceLinkedRole,
			FederatedBy: b.Principal.FederatedBy, FederatedByID: b.Principal.FederatedByID,
		},
		UserID: c.UserID, AccessKeyID: c.AccessKeyID,
		Keys: keysOf(b.Keys),
	}
	for _, t := range b.Tags {
		out.Tags = append(out.Tags, gateapi.Tag{Key: t.Key, Value: t.Value})
	}
	if s := c.Session; s != nil {
		out.SessionName, out.SourceIdentity = s.Name, s.SourceIdentity
		out.Issued, out.Expires = s.Issued.UTC(), s.Expires.UTC()
		if !s.MFATime.IsZero() {
			out.MFATime = s.MFATime.UTC().Truncate(time.Second)
		}
	}
	return out
}

func keysOf(keys []authz.Key) []gateapi.Key {
	var out []gateapi.Key
	for _, k := range keys {
		_, single := k.Value.Single()
		out = append(out, gateapi.Key{Key: k.Name, Values: k.Value.Strings(), Multi: !single})
	}
	return out
}

// policiesOf writes the policies out by their texts.
func policiesOf(s *policy.Set) *gateapi.Policies {
	p := &gateapi.Policies{
		Identity: documents(s.Identity), Boundary: documents(s.Boundary), HasBoundary: s.HasBoundary,
		Session: documents(s.Session), HasSession: s.HasSession,
		SCPs: levels(s.SCPs), RCPs: levels(s.RCPs),
		ManagementAccount: s.ManagementAccount, ResourceManagementAccount: s.ResourceManagementAccount,
	}
	for i := range p.Session {
		p.Session[i].Managed = p.Session[i].Text != "" && s.Session[i].Policy.Document().Type != policy.Session
	}
	return p
}

func levels(all [][]policy.Attached) [][]gateapi.Document {
	if all == nil {
		return nil
	}
	out := make([][]gateapi.Document, len(all))
	for i, attached := range all {
		out[i] = documents(attached)
	}
	return out
}

func documents(attached []policy.Attached) []gateapi.Document {
	out := make([]gateapi.Document, len(attached))
	for i, a := range attached {
		out[i].Name = a.Name
		if a.Policy != nil {
			out[i].Text = a.Policy.Text()
		}
	}
	return out
}
