package session

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/stint-sts/stint/internal/directory"
)

// interval is how often a node looks for keys that are due or stale.
const interval = time.Minute

// Directory is met by the store. Commit makes a change whole or not at all, and has returned nil only when View shows it.
type Directory interface {
	View() *directory.View
	Commit(ctx context.Context, c *directory.Change) error
}

// Keeper adds keys to the ring on schedule, and removes those that nothing needs any more. Any number of nodes may have one.
type Keeper struct {
	Directory Directory
	Now       func() time.Time
	Random    io.Reader
	Log       *slog.Logger
	// Every is how old the newest key becomes; 0 makes none.
	Every time.Duration
}

// Run renews what is due from time to time, until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		k.Renew(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Renew does what is due now. What fails is tried again next time: another node may have done it, which the next View shows.
func (k *Keeper) Renew(ctx context.Context) {
	now := k.Now()
	if k.Every > 0 && due(k.Directory.View(), now, k.Every) {
		c, err := Rotate(k.Directory.View(), now, k.Random)
		if err == nil {
			err = k.Directory.Commit(ctx, c)
		}
		k.tell(ctx, "a new key for session tokens was made", err)
	}
	for _, s := range Status(k.Directory.View(), now) {
		if s.State != KeyStale {
			continue
		}
		c, err := Retire(k.Directory.View(), s.Key.ID, now, false)
		if err == nil {
			err = k.Directory.Commit(ctx, c)
		}
		k.tell(ctx, "a key for session tokens was retired", err)
	}
}

func (k *Keeper) tell(ctx context.Context, done string, err error) {
	switch {
	case err == nil:
		k.Log.Info(done)
	case ctx.Err() == nil && !errors.Is(err, context.Canceled):
		k.Log.Warn("the keys for session tokens were not renewed now", "error", err)
	}
}
