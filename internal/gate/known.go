package gate

import (
	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/sigv4"
)

// Known is a caller as the protocols of other programs need it, which are spoken by packages below this one. With a Refusal there
// is nothing else, and Reason is why, for the audit log.
type Known struct {
	Refusal *gateapi.Refusal
	Reason  string
	Caller  identity.Caller
	Key     sigv4.SigningKey
	// Bearing is what bears on the caller's requests for resources of the relying service's account.
	Bearing authz.Bearing
}

// Know is [Service.SigningKey] before anything is written out, with its permissions and its rules.
func (s *Service) Know(v *directory.View, req *identity.Request, in *SigningKeyInput) (*Known, error) {
	if err := checkKeyInput(in, req.Time); err != nil {
		return nil, err
	}
	if err := s.Permit(v, req, "GetSigningKey", in.Region, in.Service); err != nil {
		return nil, err
	}
	if in.Policies {
		if err := s.Permit(v, req, "GetCallerPolicies", in.Region, in.Service); err != nil {
			return nil, err
		}
	}
	out := new(Known)
	caller, key, err := s.Authn.SigningKey(v, &authn.Scope{
		Algorithm: sigv4.Algorithm(in.Algorithm), AccessKeyID: in.AccessKeyID, SessionToken: in.SessionToken,
		Date: in.Date, Region: in.Region, Service: in.Service,
	}, req.Time)
	if err != nil {
		out.Refusal, out.Reason, err = refuse(err, in.SessionToken != "")
		return out, err
	}
	if out.Refusal, out.Reason = s.mayKnow(&req.Caller, &caller); out.Refusal != nil {
		return out, nil
	}
	out.Caller, out.Key, out.Bearing = caller, key, s.Authorizer.Bearing(v, &caller, req.Caller.Account)
	return out, nil
}

// Permit asks for a permission of the relying service on a service of a region.
func (s *Service) Permit(v *directory.View, req *identity.Request, operation, region, service string) error {
	if err := checkScope(region, service); err != nil {
		return err
	}
	return s.may(v, req, operation, region, service)
}

// MayKnow reports whether services of one account may know who is in another.
func (s *Service) MayKnow(service, other arn.AccountID) bool {
	return service == other || s.Trusted.Account(service)
}
