package store

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

var (
	// ErrConflict refuses a change because something that it was derived from has changed since: derive it anew.
	ErrConflict = errors.New("the directory has changed meanwhile")
	// ErrUnavailable refuses a change because the store cannot be written. Nothing was changed, unless the error is
	// ErrUnknown too.
	ErrUnavailable = errors.New("the store cannot be written")
	// ErrUnknown comes with ErrUnavailable when the store did not answer in time: the change may or may not have happened.
	ErrUnknown = errors.New("whether the change happened is unknown")
	// ErrSpent refuses a one-time code whose step, or a later one, was used before, and an assertion that was.
	ErrSpent = errors.New("it was used before")
	// ErrLocked is for a data directory that another process has open.
	ErrLocked = errors.New("the data directory is in use by another process")
	// ErrRootKey is for a store that was sealed under another root key.
	ErrRootKey = errors.New("the root key is not the one that the store was sealed under")
	// ErrFormat is for a store that a later build has written.
	ErrFormat = errors.New("the store is of a later version")
	// ErrRestoring is for a store that a backup is being restored into, or whose restoration was interrupted.
	ErrRestoring = errors.New("a backup is being restored into this store")
	// ErrDamaged is for a record that is not what this store wrote.
	ErrDamaged = errors.New("the record is damaged, or was not written under this root key")
)

// refusal sorts the errors of etcd: those that it gives before a change begins, and the others, after which nobody knows.
func refusal(doing string, err error) error {
	for _, before := range []error{
		rpctypes.ErrNoSpace, rpctypes.ErrRequestTooLarge, rpctypes.ErrTooManyOps, rpctypes.ErrTooManyRequests,
		rpctypes.ErrNoLeader, rpctypes.ErrPermissionDenied, rpctypes.ErrUserEmpty, rpctypes.ErrLeaseNotFound,
	} {
		if errors.Is(err, before) {
			return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, err)
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("no answer in time")
	}
	return fmt.Errorf("%s: %w: %w: %w", doing, ErrUnavailable, ErrUnknown, err)
}
