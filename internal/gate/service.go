package gate

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// Committer is met by the store. Commit makes a change whole or not at all, and has returned nil only when View shows it. An
// error that Is [store.ErrConflict] means that something the change was derived from has moved, one that Is
// [store.ErrUnavailable] that nothing can be written now.
type Committer interface {
	View() *directory.View
	Commit(ctx context.Context, c *directory.Change) error
}

// Service answers relying services. It is safe for concurrent use.
type Service struct {
	Authn      *authn.Authenticator
	Authorizer *authz.Authorizer
	Directory  Committer
	// EncodeDenial seals the explanation of a denial for DecodeAuthorizationMessage.
	EncodeDenial func(v *directory.View, caller *identity.Caller, denial identity.Explainer) (string, error)
	Feed         *Feed
	Trusted      Trusted
	Now          func() time.Time
}

// View is the newest directory.
func (s *Service) View() *directory.View { return s.Directory.View() }

// Trusted are the accounts whose services may verify callers of every account, not of their own alone.
type Trusted struct {
	All      bool
	Accounts []arn.AccountID
}

// Account reports whether an account is one of them.
func (t Trusted) Account(id arn.AccountID) bool { return t.All || slices.Contains(t.Accounts, id) }

// may asks for a permission of the relying service on a service of a region: arn:<partition>:stint:<region>:<account>:service/<name>.
func (s *Service) may(v *directory.View, req *identity.Request, operation, region, service string) error {
	d := s.Authorizer.Authorize(v, req, authz.Query{
		Action:          "stint:" + operation,
		Resource:        "arn:" + string(v.Partition()) + ":stint:" + region + ":" + string(req.Caller.Account) + ":service/" + service,
		ResourceAccount: req.Caller.Account,
	})
	if !d.Allowed() {
		return d.Fault()
	}
	return nil
}

// ownServices are Stint's: whoever had a key for one of them could act as the caller here.
var ownServices = [...]string{"sts", "iam", "organizations", "stint", "signin"}

// ours reports whether a service, or the prefix of an action or condition key, is one of Stint's, in any case.
func ours(service string) bool {
	return slices.ContainsFunc(ownServices[:], func(own string) bool { return strings.EqualFold(own, service) })
}

// checkScope demands a region and a service by their letters, and that the service is none of Stint's own.
func checkScope(region, service string) error {
	if !name(region) {
		return validation("region must have 1 to 64 characters of a-z, 0-9 and hyphen")
	}
	if !name(service) {
		return validation("service must have 1 to 64 characters of a-z, 0-9 and hyphen")
	}
	if ours(service) {
		return identity.NewFault(identity.AccessDenied, "No other service can accept credentials for the service "+service+".")
	}
	return nil
}

const maxName = 64

func name(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxName
}

func validation(message string) *identity.Fault {
	return identity.NewFault(identity.ValidationError, message)
}
