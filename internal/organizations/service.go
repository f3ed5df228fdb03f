package organizations

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
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

// Service answers the Organizations operations. It is safe for concurrent use.
type Service struct {
	Authorizer *authz.Authorizer
	Directory  Committer
	// Sealer makes the tokens of the lists.
	Sealer *session.Sealer
	// Founder is the account that alone may create the organization; any if it is empty.
	Founder arn.AccountID
	// Random is cryptographically secure and safe for concurrent use.
	Random io.Reader

	// turn lets one change at a time be derived and committed on this node. That no change is lost is the store's
	// compare-and-swap alone.
	turn sync.Mutex
}

const (
	// maxAttempts at a change. With the pauses between them they last about as long as a client waits before it asks again.
	maxAttempts = 10
	firstPause  = time.Millisecond
	maxPause    = 64 * time.Millisecond
)

// change commits what derive makes of the newest View, after [Service.enter]. If another node has moved the View meanwhile, both
// are done again. Nothing is committed if nothing was put into the change.
func (s *Service) change(
	ctx context.Context, req *identity.Request, a ask, derive func(v *directory.View, o *directory.Organization, c *directory.Change) error,
) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	for attempt := range maxAttempts {
		v, c := s.Directory.View(), new(directory.Change)
		o, err := s.enter(v, req, a)
		if err != nil {
			return err
		}
		if err := derive(v, o, c); err != nil || len(c.Writes) == 0 {
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
	return concurrentModification
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
		return fmt.Errorf("waiting to change the organization again: %w", ctx.Err())
	}
}

// done is the answer of an operation that has no output.
func done(err error) (*api.Empty, error) {
	if err != nil {
		return nil, err
	}
	return &api.Empty{}, nil
}

// now is when a thing made by the request was created.
func now(req *identity.Request) time.Time { return req.Time.UTC().Truncate(time.Second) }
