package password

import (
	"context"
	"slices"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

// Set makes password a user's and returns the login profile that the user then has; l is the one of before, or nil. A password
// that the account's policy does not take is refused, and one of the last few that it remembers too.
func (h *Hasher) Set(ctx context.Context, a *directory.Account, l *directory.Login, password string, now time.Time) (*directory.Login, error) {
	if err := Check(a, password); err != nil {
		return nil, err
	}
	next := &directory.Login{Created: now, Changed: now}
	if l != nil {
		next.Created, next.ResetRequired = l.Created, l.ResetRequired
		n := remembered(a)
		last := slices.Concat([]directory.Protected{l.Hash}, l.Previous)
		last = last[:min(n, len(last))]
		for _, old := range last {
			same, err := h.matches(ctx, old.Key, password)
			if err != nil {
				return nil, err
			}
			if same {
				return nil, violation()
			}
		}
		next.Previous = last[:min(max(n-1, 0), len(last))] // with the new one: as many as the policy remembers
	}
	hash, err := h.hash(ctx, password)
	if err != nil {
		return nil, err
	}
	next.Hash = directory.Protected{Key: hash}
	return next, nil
}

// Verify reports whether password is the one of a login profile. Without one it is not, and takes as long.
func (h *Hasher) Verify(ctx context.Context, l *directory.Login, password string) (bool, error) {
	var hash secret.Key
	if l != nil {
		hash = l.Hash.Key
	}
	return h.matches(ctx, hash, password)
}

// State is how a sign-in with a password stands.
type State int

// The states of a sign-in.
const (
	// Refused: there is no such user, it has no password, or this is not it. Nobody is told which.
	Refused State = iota
	// SignedIn: the password is right and good.
	SignedIn
	// MustChange: the password is right, and the user must choose a new one first.
	MustChange
	// Locked: the password is right and has expired, and only an administrator can set a new one (HardExpiry).
	Locked
)

// SignIn judges a user's password on the sign-in page. The user is nil if the state is Refused. Whether the user exists does
// not show in the time it takes.
func (h *Hasher) SignIn(
	ctx context.Context, v *directory.View, account arn.AccountID, userName, password string, now time.Time,
) (*directory.User, State, error) {
	var l *directory.Login
	u, there := v.User(account, userName)
	a, known := v.Account(account)
	if there && known {
		l = u.Login
	}
	right, err := h.Verify(ctx, l, password)
	switch {
	case err != nil:
		return nil, Refused, err
	case !right:
		return nil, Refused, nil
	case expired(a, l, now):
		if hard := a.Passwords.HardExpiry; hard != nil && *hard {
			return u, Locked, nil
		}
		return u, MustChange, nil
	case l.ResetRequired:
		return u, MustChange, nil
	}
	return u, SignedIn, nil
}
