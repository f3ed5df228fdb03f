package outbound

import (
	"context"
	"log/slog"
	"time"

	"github.com/stint-sts/stint/internal/directory"
)

// interval is how often a node looks for keys that are due. It is short beside lead.
const interval = time.Hour

// Directory is met by the store. Commit makes a change whole or not at all, and has returned nil only when View shows it.
type Directory interface {
	View() *directory.View
	Commit(ctx context.Context, c *directory.Change) error
}

// Keeper renews the keys of the issuers that are enabled.
type Keeper struct {
	Directory Directory
	Now       func() time.Time
	Log       *slog.Logger
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

// Renew renews what is due now. What fails is tried again next time: another node may have done it, which the next View shows.
func (k *Keeper) Renew(ctx context.Context) {
	now := k.Now()
	for found := range k.Directory.View().Accounts() {
		if ctx.Err() != nil {
			return
		}
		if found.Outbound == nil || !found.Outbound.Enabled || !Due(found.Outbound, now) {
			continue
		}
		a := found.Clone()
		err := Renew(a.Outbound, now)
		if err == nil {
			c := new(directory.Change)
			c.Put(a)
			err = k.Directory.Commit(ctx, c)
		}
		if err != nil && ctx.Err() == nil {
			k.Log.Warn("the keys of an account's web identity tokens were not renewed now", "account", string(a.ID), "error", err)
		}
	}
}
