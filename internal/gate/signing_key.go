package gate

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/sigv4"
)

// SigningKeyInput is a [gateapi.SigningKeyInput].
type SigningKeyInput gateapi.SigningKeyInput

// Audited is what the audit log is told: never the session token, and of the rest only what has the form of it.
func (in *SigningKeyInput) Audited() any {
	told := struct {
		AccessKeyID string `json:"accessKeyId,omitempty"`
		Algorithm   string `json:"algorithm,omitempty"`
		Date        string `json:"date,omitempty"`
		Region      string `json:"region,omitempty"`
		Service     string `json:"service,omitempty"`
		Policies    bool   `json:"policies,omitempty"`
	}{AccessKeyID: authn.ClaimedID(in.AccessKeyID), Policies: in.Policies}
	if knownAlgorithm(in.Algorithm) {
		told.Algorithm = in.Algorithm
	}
	if _, err := time.Parse(dateFormat, in.Date); err == nil {
		told.Date = in.Date
	}
	told.Region, told.Service = ifName(in.Region), ifName(in.Service)
	return told
}

func ifName(s string) string {
	if name(s) {
		return s
	}
	return ""
}

// SigningKeyOutput is a [gateapi.SigningKeyOutput]. Reason is why a caller was refused, for the audit log.
type SigningKeyOutput struct {
	gateapi.SigningKeyOutput
	Reason string `json:"-"`
}

// Audited is what the audit log is told: whose key was given, and never the key.
func (o *SigningKeyOutput) Audited() any { return outcome(o.Refusal, o.Caller, nil) }

// AuditReason is why the caller was refused.
func (o *SigningKeyOutput) AuditReason() string { return o.Reason }

// told is what the audit log is told of an answer about a caller.
type told struct {
	Refusal string `json:"refusal,omitempty"` // its code
	Caller  string `json:"caller,omitempty"`  // its ARN
	Allowed *bool  `json:"allowed,omitempty"`
}

func outcome(r *gateapi.Refusal, c *gateapi.Caller, allowed *bool) told {
	if r != nil {
		return told{Refusal: r.Code}
	}
	return told{Caller: c.Principal.ARN, Allowed: allowed}
}

const dateFormat = "20060102"

func knownAlgorithm(a string) bool { return a == string(sigv4.HMAC) || a == string(sigv4.ECDSA) }

// SigningKey gives the signing key of a credential for one day, region and service, and whose it is. The relying service needs
// stint:GetSigningKey on the service of the region, and stint:GetCallerPolicies for the policies.
func (s *Service) SigningKey(_ context.Context, v *directory.View, req *identity.Request, in *SigningKeyInput) (*SigningKeyOutput, error) {
	k, err := s.Know(v, req, in)
	if err != nil {
		return nil, err
	}
	out := &SigningKeyOutput{Reason: k.Reason}
	if out.Refusal = k.Refusal; out.Refusal != nil {
		return out, nil
	}
	if out.SigningKeyOutput.SigningKey, err = keyBytes(k.Key); err != nil {
		return nil, err
	}
	b := &k.Bearing
	out.Caller, out.Partition, out.ServiceAccount = describe(&k.Caller, b), string(v.Partition()), string(req.Caller.Account)
	out.Revision = v.Revision()
	if in.Policies {
		out.Policies, out.ServiceKeys = policiesOf(&b.Set), keysOf(b.ResourceKeys)
	}
	return out, nil
}

// checkKeyInput demands a scope that signatures of now can have: a presigned request is good for a week.
func checkKeyInput(in *SigningKeyInput, now time.Time) error {
	if err := checkScope(in.Region, in.Service); err != nil {
		return err
	}
	if !knownAlgorithm(in.Algorithm) {
		return validation("algorithm must be " + string(sigv4.HMAC) + " or " + string(sigv4.ECDSA))
	}
	first, last := now.Add(-sigv4.MaxExpires-sigv4.DefaultSkew), now.Add(sigv4.DefaultSkew)
	if _, err := time.Parse(dateFormat, in.Date); err != nil || in.Date < first.UTC().Format(dateFormat) || in.Date > last.UTC().Format(dateFormat) {
		return validation("date must be YYYYMMDD, today or one of the seven days before")
	}
	return nil
}

func keyBytes(key sigv4.SigningKey) ([]byte, error) {
	if public := key.Public(); public != nil {
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			return nil, fmt.Errorf("encoding a public key: %w", err)
		}
		return der, nil
	}
	return key.Reveal(), nil
}
