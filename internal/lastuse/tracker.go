package lastuse

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

const (
	// grain is how far apart two uses of one key are that are noted both, and fine that of two for different services or regions.
	grain = time.Minute
	fine  = time.Second
	// interval is how often what is new is written down, and sweepInterval how often what belongs to nobody is removed.
	interval      = time.Minute
	sweepInterval = 24 * time.Hour
	// batch is how many uses one change has: within the limits of a transaction (store).
	batch = 100
)

// Directory is met by the store. Commit makes a change whole or not at all, and has returned nil only when View shows it.
type Directory interface {
	View() *directory.View
	Commit(ctx context.Context, c *directory.Change) error
}

// Tracker notes uses. It is safe for concurrent use.
type Tracker struct {
	directory Directory
	log       *slog.Logger
	notes     sync.Map // id → *note; an id is that of an access key or role that was there when it was used
}

// note is the last use of one id. latest is replaced by whoever notes a use, written is that which the store has, and is
// Flush's alone.
type note struct {
	latest  atomic.Pointer[directory.LastUse]
	written *directory.LastUse
}

// New returns a Tracker that writes to a directory.
func New(d Directory, log *slog.Logger) *Tracker { return &Tracker{directory: d, log: log} }

// Note notes that an authenticated caller used a long-term access key or the session of a role.
func (t *Tracker) Note(c *identity.Caller, at time.Time, service, region string) {
	id := c.AccessKeyID
	switch {
	case c.Session == nil:
	case c.Kind == identity.AssumedRole:
		id = c.PrincipalID
	default:
		return
	}
	n := t.note(id)
	if last := n.latest.Load(); last != nil {
		since, same := at.Sub(last.Time), last.Service == service && last.Region == region
		if since < fine || same && since < grain {
			return
		}
	}
	n.latest.Store(&directory.LastUse{Account: c.Account, ID: id, Time: at.UTC().Truncate(time.Second), Service: service, Region: region})
}

func (t *Tracker) note(id string) *note {
	if n, ok := t.notes.Load(id); ok {
		return n.(*note)
	}
	n, _ := t.notes.LoadOrStore(id, new(note))
	return n.(*note)
}

// Last returns the last use of an access key or role: of those that this node has seen and those that the View shows the later.
func (t *Tracker) Last(v *directory.View, account arn.AccountID, id string) (*directory.LastUse, bool) {
	stored, ok := v.LastUse(account, id)
	if n, seen := t.notes.Load(id); seen {
		if u := n.(*note).latest.Load(); u != nil && u.Account == account && (!ok || u.Time.After(stored.Time)) {
			return u, true
		}
	}
	return stored, ok
}

// Run writes down what is new from time to time, until ctx ends.
func (t *Tracker) Run(ctx context.Context) {
	flush, sweep := time.NewTicker(interval), time.NewTicker(sweepInterval)
	defer flush.Stop()
	defer sweep.Stop()
	t.attempt(ctx, t.sweep)
	for {
		select {
		case <-flush.C:
			t.attempt(ctx, t.Flush)
		case <-sweep.C:
			t.attempt(ctx, t.sweep)
		case <-ctx.Done():
			return
		}
	}
}

// attempt logs what fails: it is tried again next time.
func (t *Tracker) attempt(ctx context.Context, do func(context.Context) error) {
	if err := do(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.log.Warn("last uses of access keys and roles are not written down now", "error", err)
	}
}

// Flush writes down what is new. Only one goroutine calls it at a time.
func (t *Tracker) Flush(ctx context.Context) error {
	v := t.directory.View()
	var fresh []*note
	t.notes.Range(func(id, value any) bool {
		n := value.(*note)
		switch u := n.latest.Load(); {
		case u == nil: // being made
		case u == n.written || !used(v, u):
			t.forget(id, n, u)
		default:
			fresh = append(fresh, n)
		}
		return true
	})
	for len(fresh) > 0 {
		some := fresh[:min(batch, len(fresh))]
		if err := t.write(ctx, v, some); err != nil {
			return err
		}
		fresh = fresh[len(some):]
	}
	return nil
}

// forget drops a note that has had nothing new since the last Flush. One that comes at this very moment is noted again by the
// next use.
func (t *Tracker) forget(id any, n *note, u *directory.LastUse) {
	t.notes.CompareAndDelete(id, n)
	if n.latest.Load() != u {
		t.notes.LoadOrStore(id, n)
	}
}

func (t *Tracker) write(ctx context.Context, v *directory.View, notes []*note) error {
	c := new(directory.Change)
	uses := make([]*directory.LastUse, len(notes))
	for i, n := range notes {
		uses[i] = n.latest.Load()
		if stored, ok := v.LastUse(uses[i].Account, uses[i].ID); ok && !stored.Time.Before(uses[i].Time) {
			continue // another node saw a later one
		}
		record := *uses[i] // the noted one is read meanwhile
		c.Overwrite(&record)
	}
	if len(c.Writes) > 0 {
		if err := t.directory.Commit(ctx, c); err != nil {
			return err
		}
	}
	for i, n := range notes {
		n.written = uses[i]
	}
	return nil
}

// sweep removes the uses of access keys and roles that are there no more.
func (t *Tracker) sweep(ctx context.Context) error {
	v := t.directory.View()
	var lost []*directory.LastUse
	for a := range v.Accounts() {
		for u := range v.LastUses(a.ID) {
			if !used(v, u) {
				lost = append(lost, u)
			}
		}
	}
	for len(lost) > 0 {
		some := lost[:min(batch, len(lost))]
		c := new(directory.Change)
		for _, u := range some {
			c.Writes = append(c.Writes, directory.Write{Key: u.Key()})
		}
		if err := t.directory.Commit(ctx, c); err != nil {
			return err
		}
		lost = lost[len(some):]
	}
	return nil
}

// used reports whether what was used is still there. Ids never come back.
func used(v *directory.View, u *directory.LastUse) bool {
	if _, ok := v.AccessKey(u.ID); ok {
		return true
	}
	_, ok := v.ByID(u.ID)
	return ok
}
