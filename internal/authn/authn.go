// Package authn turns a signed request into a caller.
//
// [Authenticator.Authenticate] is the one gate to identity: it takes the signature apart, opens the session token or looks up
// the access key, and verifies the signature over the bytes that will be parsed. The order of checks and their answers are
// AWS's; whatever fails, the same work is done, so that the time taken tells nothing about which access keys exist.
// [Permitted] then says whether credentials of the caller's kind may call an operation at all.
//
// For relying services it does the same: [Authenticator.SigningKey] derives the key of a credential for one scope, and
// [Authenticator.AuthenticateFor] verifies a request that another service received. No secret leaves the package.
//
// The package reads one View and a key ring. It decides nothing about permissions.
package authn

import (
	"crypto/sha256"
	"errors"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/sigv4"
)

// keyCacheSize bounds the cache of derived signing keys, about half a kilobyte each.
const keyCacheSize = 8192

// Authenticator verifies requests. It is safe for concurrent use.
type Authenticator struct {
	sealer  *session.Sealer
	regions []string // none: any
	global  []string // what IAM and Organizations take: regions, and us-east-1
	keys    *sigv4.KeyCache
}

// New returns an Authenticator that takes signatures for the regions; none means any.
func New(sealer *session.Sealer, regions []string) *Authenticator {
	a := &Authenticator{sealer: sealer, regions: regions, keys: sigv4.NewKeyCache(keyCacheSize)}
	if len(regions) > 0 {
		a.global = append([]string{globalRegion}, regions...)
	}
	return a
}

// globalRegion is where IAM's and Organizations' signatures are scoped, whatever regions a deployment has.
const globalRegion = "us-east-1"

var (
	invalidToken = identity.NewFault(identity.InvalidClientTokenID, "The security token included in the request is invalid.")
	expiredToken = identity.NewFault(identity.ExpiredToken, "The security token included in the request is expired")
)

// Why a credential is refused, for the operator: the caller is told of an invalid token whatever it was.
var (
	unknownKey  = invalidToken.Because(errors.New("no such access key"))
	inactiveKey = invalidToken.Because(errors.New("the access key is inactive"))
	orphaned    = invalidToken.Because(errors.New("the session's principal is not there any more"))
	revokedNow  = invalidToken.Because(errors.New("the session was revoked"))
)

// Authenticate returns the caller who signed the request for the service, and the region that the signature is for. The body
// is the SHA-256 of the bytes that will be parsed.
//
// The caller of a refused request is nobody: only the access key id that it claimed is told, for the audit log, if it is one by
// its letters.
func (a *Authenticator) Authenticate(v *directory.View, r *sigv4.Request, body [sha256.Size]byte, service string, now time.Time) (identity.Caller, string, error) {
	sig, err := sigv4.Parse(r)
	if err != nil {
		return identity.Caller{}, "", fault(err)
	}
	if err := sig.Check(a.options(service, now)); err != nil {
		return claimed(sig), "", fault(err)
	}
	caller, secret, err := a.credential(v, sig, now)
	if err != nil {
		_ = sig.Verify(a.keys.Unknown(sig), body) // the same work as for a known key (advisory 19)
		return claimed(sig), "", err
	}
	if err := sig.Verify(a.keys.Key(sig, secret), body); err != nil {
		return claimed(sig), "", fault(err)
	}
	return caller, a.region(sig), nil
}

// claimed is the caller of a refused request.
func claimed(sig *sigv4.Signature) identity.Caller {
	return identity.Caller{AccessKeyID: ClaimedID(sig.AccessKeyID)}
}

// ClaimedID is an access key id as the audit log may repeat it, or empty. An id has 16 to 128 characters (accessKeyIdType of the
// STS model), here capital letters and digits alone: a secret that was put in its place by mistake is not repeated.
func ClaimedID(id string) string {
	if len(id) < 16 || len(id) > 128 {
		return ""
	}
	for i := range len(id) {
		if c := id[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return ""
		}
	}
	return id
}

func (a *Authenticator) options(service string, now time.Time) sigv4.Options {
	regions := a.regions
	if service == "iam" || service == "organizations" {
		regions = a.global
	}
	return sigv4.Options{Now: now, Service: service, Regions: regions, RefusePresignedPOST: true}
}

// region is the one that the request was signed for. A 4A region set names no single one: the first configured stands for it.
func (a *Authenticator) region(sig *sigv4.Signature) string {
	if sig.Algorithm == sigv4.ECDSA {
		if len(a.regions) > 0 {
			return a.regions[0]
		}
		return globalRegion
	}
	return sig.Region
}

func fault(err error) error {
	var e *sigv4.Error
	if errors.As(err, &e) {
		return identity.NewFault(identity.Code(e.Code), e.Message).Because(err)
	}
	return err
}

// credential finds whose access key the request names, and its secret.
func (a *Authenticator) credential(v *directory.View, sig *sigv4.Signature, now time.Time) (identity.Caller, string, error) {
	if sig.SessionToken != "" {
		return a.temporary(v, sig, now)
	}
	owner, ok := v.AccessKey(sig.AccessKeyID)
	if !ok {
		return identity.Caller{}, "", unknownKey
	}
	if owner.Key.Status != directory.Active {
		return identity.Caller{}, "", inactiveKey
	}
	caller := identity.Caller{AccessKeyID: sig.AccessKeyID}
	if owner.User != nil {
		asUser(&caller, owner.User)
	} else {
		asRoot(&caller, owner.Account)
	}
	return caller, owner.Key.Secret.Key.RevealString(), nil
}

// temporary opens the session token. The session must not have expired, its principal must still be the one it was issued
// for, and no revocation may have come since.
func (a *Authenticator) temporary(v *directory.View, sig *sigv4.Signature, now time.Time) (identity.Caller, string, error) {
	sess, err := a.sealer.Open(v, sig.AccessKeyID, sig.SessionToken)
	if err != nil {
		return identity.Caller{}, "", invalidToken.Because(err)
	}
	if !now.Before(sess.Expires) {
		return identity.Caller{}, "", expiredToken
	}
	caller := identity.Caller{AccessKeyID: sig.AccessKeyID, Session: sess}
	if err := admit(v, &caller, sess); err != nil {
		return identity.Caller{}, "", err
	}
	return caller, sess.Secret.RevealString(), nil
}

// admit fills in the caller of a session that has not expired, or says why it counts no more.
func admit(v *directory.View, c *identity.Caller, sess *identity.Session) error {
	if !begin(v, c, sess) {
		return orphaned
	}
	if revoked(v, sess) {
		return revokedNow
	}
	return nil
}

// begin fills in the caller of a session and reports whether its principal is still there.
func begin(v *directory.View, c *identity.Caller, sess *identity.Session) bool {
	account, ok := v.Account(sess.Account)
	if !ok {
		return false
	}
	entity, _ := v.ByID(sess.PrincipalID)
	switch sess.Kind {
	case identity.RootSession, identity.AssumedRootSession:
		asRoot(c, account)
		return sess.PrincipalID == string(account.ID)
	case identity.RoleSession:
		role, ok := entity.(*directory.Role)
		if !ok || role.Account != sess.Account {
			return false
		}
		c.Kind, c.Account, c.PrincipalID = identity.AssumedRole, role.Account, role.ID
		c.ARN = arn.AssumedRole(v.Partition(), role.Account, role.Name, sess.Name)
		c.UserID = role.ID + ":" + sess.Name
		return true
	case identity.UserSession:
		user, ok := entity.(*directory.User)
		if !ok || user.Account != sess.Account {
			return false
		}
		asUser(c, user)
		return true
	case identity.FederationSession:
		if user, ok := entity.(*directory.User); (!ok || user.Account != sess.Account) && sess.PrincipalID != string(account.ID) {
			return false
		}
		c.Kind, c.Account, c.PrincipalID = identity.FederatedUser, sess.Account, sess.PrincipalID
		c.ARN = arn.FederatedUser(v.Partition(), sess.Account, sess.Name)
		c.UserID = string(sess.Account) + ":" + sess.Name
		return true
	}
	return false
}

func asUser(c *identity.Caller, u *directory.User) {
	c.Kind, c.Account, c.ARN, c.UserID, c.PrincipalID = identity.User, u.Account, u.ARN, u.ID, u.ID
}

func asRoot(c *identity.Caller, a *directory.Account) {
	c.Kind, c.Account, c.ARN = identity.Root, a.ID, a.ARN
	c.UserID, c.PrincipalID = string(a.ID), string(a.ID)
}

func revoked(v *directory.View, s *identity.Session) bool {
	return v.Revoked(s.Account, s.PrincipalID, s.Revision, s.Issued) ||
		v.Revoked(s.Account, s.AccessKeyID, s.Revision, s.Issued) ||
		s.Name != "" && v.Revoked(s.Account, s.PrincipalID+":"+s.Name, s.Revision, s.Issued)
}
