package authn

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/sigv4"
)

// ErrBodyUnknown is what AuthenticateFor answers if the signature covers the hash of a body that it was not given.
var ErrBodyUnknown = errors.New("the signature covers the hash of the body, which is not given")

// Scope is what a signing key is asked for. Day, region and service do not count for ECDSA.
type Scope struct {
	Algorithm    sigv4.Algorithm
	AccessKeyID  string
	SessionToken string
	Date         string // YYYYMMDD
	Region       string
	Service      string
}

// nobody's secret is what the key of an unknown credential is derived from, at the same cost; nobody gets it.
const nobodysSecret = "this-secret-opens-nothing-at-all-0000000"

// SigningKey returns the signing key of a credential for a scope, and whose it is. Nothing was signed: whoever asks must verify a
// signature with the key before it believes that the caller is there. The errors are those of Authenticate.
func (a *Authenticator) SigningKey(v *directory.View, s *Scope, now time.Time) (identity.Caller, sigv4.SigningKey, error) {
	sig := &sigv4.Signature{
		Algorithm: s.Algorithm, AccessKeyID: s.AccessKeyID, SessionToken: s.SessionToken,
		Date: s.Date, Region: s.Region, Service: s.Service,
	}
	caller, secret, err := a.credential(v, sig, now)
	if err != nil {
		_, _ = sig.DeriveKey(nobodysSecret)
		return claimed(sig), sigv4.SigningKey{}, err
	}
	key, err := sig.DeriveKey(secret)
	return caller, key, err
}

// Signed is what AuthenticateFor finds out about a request.
type Signed struct {
	Caller identity.Caller
	// Token says that a session token came with the signature.
	Token bool
	// Body is the payload hash as it was signed: hex, UNSIGNED-PAYLOAD, or one of the STREAMING-… forms, of which the signature says
	// nothing more.
	Body string
}

// AuthenticateFor returns who signed a request for another service than Stint's. The body is its SHA-256; nil if whoever received
// it checks it itself against what was signed. Presigned requests are good for as long as they say, and the body may be unsigned,
// as with S3. As with Authenticate, the caller of a refused request is nobody.
func (a *Authenticator) AuthenticateFor(v *directory.View, r *sigv4.Request, body *[sha256.Size]byte, service, region string, now time.Time) (Signed, error) {
	sig, err := sigv4.Parse(r)
	if err != nil {
		return Signed{}, fault(err)
	}
	out := Signed{Caller: claimed(sig), Token: sig.SessionToken != ""}
	if err := sig.Check(foreign(sig, service, region, now)); err != nil {
		return out, fault(err)
	}
	hash, err := out.readBody(sig, service, body)
	if err != nil {
		return out, err
	}
	caller, secret, err := a.credential(v, sig, now)
	if err != nil {
		_ = sig.Verify(a.keys.Unknown(sig), hash) // the same work as for a known key (advisory 19)
		return out, err
	}
	if err := sig.Verify(a.keys.Key(sig, secret), hash); err != nil {
		return out, fault(err)
	}
	out.Caller = caller
	return out, nil
}

const unsignedPayload = "UNSIGNED-PAYLOAD"

// readBody says what of the body was signed, and returns the hash that the signature is verified with.
func (s *Signed) readBody(sig *sigv4.Signature, service string, given *[sha256.Size]byte) (hash [sha256.Size]byte, err error) {
	s.Body = sig.Payload()
	if s.Body == "" && sig.Presigned && inS3(service) {
		s.Body = unsignedPayload
	}
	if given != nil {
		if s.Body == "" {
			s.Body = hex.EncodeToString(given[:])
		}
		return *given, nil
	}
	if s.Body == "" {
		return hash, ErrBodyUnknown
	}
	if n, err := hex.Decode(hash[:], []byte(s.Body)[:min(len(s.Body), 2*sha256.Size)]); err != nil || n != sha256.Size || len(s.Body) != 2*sha256.Size {
		return [sha256.Size]byte{}, nil // a literal, or nothing that Verify takes
	}
	return hash, nil
}

// foreign is what another service demands of a signature.
func foreign(sig *sigv4.Signature, service, region string, now time.Time) sigv4.Options {
	o := sigv4.Options{
		Now: now, Service: service, Regions: []string{region}, EnforceExpires: true, AllowStreaming: true,
		AllowUnsignedPayload: sig.Payload() == unsignedPayload,
	}
	if inS3(service) {
		o.Path, o.AllowUnsignedPayload = sigv4.PathS3, true
	}
	return o
}

// inS3 reports whether a service reads paths and unsigned bodies as S3 does: S3 and those whose names begin with it (s3express,
// s3-outposts, s3-object-lambda).
func inS3(service string) bool {
	return service == "s3" || service == "s3express" || strings.HasPrefix(service, "s3-")
}

// Still says why the credentials of a caller that was authenticated before count no more, or nil.
func (a *Authenticator) Still(v *directory.View, c *identity.Caller, now time.Time) error {
	if s := c.Session; s != nil {
		if !now.Before(s.Expires) {
			return expiredToken
		}
		var begun identity.Caller
		return admit(v, &begun, s)
	}
	owner, ok := v.AccessKey(c.AccessKeyID)
	switch {
	case !ok, owner.User != nil && owner.User.ID != c.PrincipalID, owner.User == nil && string(owner.Account.ID) != c.PrincipalID:
		return unknownKey
	case owner.Key.Status != directory.Active:
		return inactiveKey
	}
	return nil
}
