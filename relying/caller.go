package relying

import (
	"context"
	"time"
)

// Caller is an authenticated principal. It comes from [Verifier.Authenticate] alone: one that is made otherwise may nothing.
type Caller struct {
	Principal   Principal
	UserID      string // as GetCallerIdentity answers it
	AccessKeyID string
	// SessionName is the role session's or the federated user's name.
	SessionName    string
	SourceIdentity string
	// Issued, Expires and MFATime are zero where they do not apply: long-term keys have none.
	Issued, Expires, MFATime time.Time
	// Tags are the principal tags as policies see them. They must not be changed.
	Tags []Tag
	// SignedBody is the payload as it was signed: a hash in hex, UNSIGNED-PAYLOAD or one of the STREAMING-… forms.
	SignedBody string

	entry *entry
}

// Principal names a caller.
type Principal struct {
	Kind    string // Root, IAMUser, AssumedRole or FederatedUser
	Account string
	ARN     string
	ID      string // the unique id behind the credential: the user's, or the role's
	RoleARN string // the role's own, with its path
}

// Tag is a tag.
type Tag struct{ Key, Value string }

type callerKey struct{}

// CallerFrom gives the caller that [Verifier.Middleware] authenticated.
func CallerFrom(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}
