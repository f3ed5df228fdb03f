package iam

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/mfa"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/store"
)

// Committer is met by the store. Commit makes a change whole or not at all, and has returned nil only when View shows it. An
// error that Is [store.ErrConflict] means that something the change was derived from has moved, one that Is
// [store.ErrUnavailable] that nothing can be written now.
type Committer interface {
	View() *directory.View
	Commit(ctx context.Context, c *directory.Change) error
}

// Service answers the IAM operations. It is safe for concurrent use.
type Service struct {
	Authorizer *authz.Authorizer
	Directory  Committer
	// Sealer makes the markers of the lists.
	Sealer *session.Sealer
	MFA    *mfa.Verifier
	// Random is cryptographically secure and safe for concurrent use.
	Random io.Reader
	// OutboundIssuer makes the URL of an account's own token issuer of the issuer's id.
	OutboundIssuer func(id string) string

	turns turns
}

const (
	// maxAttempts at a change. With the pauses between them they last about as long as a client waits before it asks again.
	maxAttempts = 10
	firstPause  = time.Millisecond
	maxPause    = 64 * time.Millisecond
)

// change commits what derive makes of the newest View. An account's changes are made one after the other on this node, however
// many come at once. If another node has moved the View meanwhile, derive is called again. A nil change means that there is
// nothing to do.
func (s *Service) change(ctx context.Context, req *identity.Request, derive func(v *directory.View) (*directory.Change, error)) error {
	end, err := s.turns.take(ctx, req.Caller.Account)
	if err != nil {
		return err
	}
	defer end()
	for attempt := range maxAttempts {
		c, err := derive(s.Directory.View())
		if err != nil || c == nil {
			return err
		}
		err = s.Directory.Commit(ctx, c)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, store.ErrUnavailable):
			return identity.NewFault(identity.ServiceUnavailable, "The request has failed due to a temporary failure of the server.").Because(err)
		case !errors.Is(err, store.ErrConflict):
			return err
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
	return concurrentModification()
}

// pause lets the View catch up and those who compete for one entity come apart.
func pause(ctx context.Context, attempt int) error {
	limit := min(firstPause<<attempt, maxPause)
	timer := time.NewTimer(limit/2 + rand.N(limit))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting to change the directory again: %w", ctx.Err())
	}
}

// done is the answer of an operation that has no output.
func done(err error) (*api.Empty, error) {
	if err != nil {
		return nil, err
	}
	return &api.Empty{}, nil
}

// newID makes a unique id that nothing in the View has.
func (s *Service) newID(v *directory.View, prefix arn.Prefix, account arn.AccountID) (string, error) {
	const attempts = 4
	for range attempts {
		id, err := arn.NewID(prefix, account, s.Random)
		if err != nil {
			return "", err
		}
		_, entity := v.ByID(id)
		_, key := v.AccessKey(id)
		if !entity && !key {
			return id, nil
		}
	}
	return "", errors.New("making an id: the random source repeats itself")
}

// now is when a thing made by the request was created: AWS counts whole seconds.
func now(req *identity.Request) time.Time { return req.Time.UTC().Truncate(time.Second) }

// pathOr is the path that a request gives, or the one that it means.
func pathOr(path *string) string {
	if path == nil {
		return "/"
	}
	return *path
}

// checkARN refuses a path that would make an ARN which does not name one thing: the model's pattern lets wildcards through.
func checkARN(entityARN string) error {
	if _, err := arn.Parse(entityARN); err != nil {
		return identity.NewFault(identity.ValidationError, "The specified value for path is invalid. It must begin and end with / and "+
			"contain only alphanumeric characters and/or / characters.").Because(err)
	}
	return nil
}

// Refusals in AWS's words (docs/wire-compatibility.md §11).

func concurrentModification() *identity.Fault {
	return identity.NewFault(identity.ConcurrentModification, "The request was rejected because multiple requests to change this "+
		"object were submitted simultaneously. Wait a few minutes and submit your request again.")
}

func noSuch(kind, name string) *identity.Fault {
	return identity.NewFault(identity.NoSuchEntity, "The "+kind+" with name "+name+" cannot be found.")
}

func alreadyExists(kind, name string) *identity.Fault {
	return identity.NewFault(identity.EntityAlreadyExists, kind+" with name "+name+" already exists.")
}

func quotaExceeded(quota string, limit int) *identity.Fault {
	return identity.NewFault(identity.LimitExceeded, fmt.Sprintf("Cannot exceed quota for %s: %d", quota, limit))
}

// deleteConflict says what must go first, as "detach all policies".
func deleteConflict(must string) *identity.Fault {
	return identity.NewFault(identity.DeleteConflict, "Cannot delete entity, must "+must+" first.")
}

// sameName compares names as AWS does (UG quotas: unique without regard to case).
func sameName(a, b string) bool { return directory.FoldName(a) == directory.FoldName(b) }

// within reports whether a path lies under a prefix. Paths keep their case.
func within(path, prefix string) bool { return strings.HasPrefix(path, prefix) }
