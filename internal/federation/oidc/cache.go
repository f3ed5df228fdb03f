package oidc

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/stint-sts/stint/arn"
)

// How long fetched keys serve, and how often an issuer is asked.
const (
	// freshFor is how long keys are used without asking the issuer: so long may a key that it withdrew still be taken.
	freshFor = time.Hour
	// staleFor is how long keys are used after they were last fetched while the issuer does not answer.
	staleFor = 24 * time.Hour
	// coolDown lies between the beginnings of two fetches for one provider, whether the first failed or not.
	coolDown = 30 * time.Second
	// maxEntries bounds the providers whose keys are kept; the longest unused gives way.
	maxEntries = 1024
	// maxWaiting bounds the requests that wait for the issuers of accounts at once: who sends them need not have any credential.
	maxWaiting = 256
	// accountWaiting bounds those that wait for the issuers of one account, and those that wait for the built-in ones.
	accountWaiting = 64
)

// keyCache keeps fetched keys by provider.
type keyCache struct {
	fetch func(context.Context, source) (*keySet, error)
	now   func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	waiting int                   // for issuers of accounts; guarded by mu
	queues  map[arn.AccountID]int // how many of them wait by account, and for the built-in ones; guarded by mu
	entries map[string]*entry     // guarded by mu, as all members of the entries are

	fetches, failures uint64 // guarded by mu
}

// entry is what is known of one provider's keys.
type entry struct {
	set     *keySet   // of the last fetch that succeeded, or nil
	fetched time.Time // when that began
	begun   time.Time // when the last fetch began
	failure error     // of the last fetch, or nil
	flight  chan struct{}
	used    time.Time
}

func newKeyCache(fetch func(context.Context, source) (*keySet, error), now func() time.Time, log *slog.Logger) *keyCache {
	return &keyCache{fetch: fetch, now: now, log: log, queues: make(map[arn.AccountID]int), entries: make(map[string]*entry)}
}

// keys returns the keys of a provider. lacking is a set in which the caller did not find its key: it is returned again only if
// there is no newer one to be had.
func (c *keyCache) keys(ctx context.Context, s source, lacking *keySet) (*keySet, error) {
	c.mu.Lock()
	now := c.now()
	e := c.entry(s.id, now)
	usable := e.set != nil && now.Sub(e.fetched) < staleFor
	fresh := usable && now.Sub(e.fetched) < freshFor
	if fresh && e.set != lacking {
		defer c.mu.Unlock()
		return e.set, nil
	}
	if e.flight == nil && (e.begun.IsZero() || now.Sub(e.begun) >= coolDown) {
		c.begin(e, s, now)
	}
	// While an issuer is down, nobody waits for it who can do without.
	if flight := e.flight; flight != nil && (!usable || e.set == lacking || e.failure == nil) && c.queue(s.account) {
		c.mu.Unlock()
		wait(ctx, flight)
		c.mu.Lock()
		c.unqueue(s.account)
	}
	defer c.mu.Unlock()
	if e.set != nil && c.now().Sub(e.fetched) < staleFor {
		return e.set, nil
	}
	if e.failure == nil {
		return nil, &fetchError{"the key set was not fetched in time", nil}
	}
	return nil, e.failure
}

// queue counts one more who waits for an issuer of the account, if there may be one more. The caller holds mu.
func (c *keyCache) queue(account arn.AccountID) bool {
	if c.queues[account] >= accountWaiting || account != "" && c.waiting >= maxWaiting {
		return false
	}
	c.queues[account]++
	if account != "" {
		c.waiting++
	}
	return true
}

func (c *keyCache) unqueue(account arn.AccountID) {
	if c.queues[account]--; c.queues[account] == 0 {
		delete(c.queues, account)
	}
	if account != "" {
		c.waiting--
	}
}

// begin fetches in the background: whoever asked may have gone before the keys are there, and the next who asks profits.
func (c *keyCache) begin(e *entry, s source, now time.Time) {
	flight := make(chan struct{})
	e.flight, e.begun = flight, now
	go func() {
		set, err := c.fetch(context.Background(), s)
		c.mu.Lock()
		e.flight, e.failure = nil, err
		c.fetches++
		if err == nil {
			e.set, e.fetched = set, now
		} else {
			c.failures++
		}
		c.mu.Unlock()
		close(flight)
		if err != nil {
			c.log.Warn("the keys of an OIDC provider cannot be fetched", "provider", s.id, "reason", err.Error(), "error", causeOf(err))
		}
	}()
}

func causeOf(err error) error {
	if f, ok := err.(*fetchError); ok && f.cause != nil { //nolint:errorlint // exactly this one
		return f.cause
	}
	return err
}

func wait(ctx context.Context, flight <-chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime+time.Second)
	defer cancel()
	select {
	case <-flight:
	case <-ctx.Done():
	}
}

func (c *keyCache) entry(id string, now time.Time) *entry {
	e, ok := c.entries[id]
	if !ok {
		if len(c.entries) >= maxEntries {
			c.evict()
		}
		e = new(entry)
		c.entries[id] = e
	}
	e.used = now
	return e
}

// evict forgets the provider that was asked for longest ago.
func (c *keyCache) evict() {
	var oldest string
	for id, e := range c.entries {
		if oldest == "" || e.used.Before(c.entries[oldest].used) {
			oldest = id
		}
	}
	delete(c.entries, oldest)
}

// pinnedSets keeps the keys of pinned key sets by their text. When the young generation is full it becomes the old one, and what
// nobody asked for since is forgotten.
type pinnedSets struct {
	mu         sync.Mutex
	young, old map[string]*keySet
}

// pinnedGeneration bounds a generation.
const pinnedGeneration = 256

func (p *pinnedSets) keys(text string) (*keySet, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if set, ok := p.young[text]; ok {
		return set, nil
	}
	set, ok := p.old[text]
	if !ok {
		var err error
		if set, err = parseKeys([]byte(text)); err != nil {
			return nil, err
		}
	}
	if len(p.young) >= pinnedGeneration || p.young == nil {
		p.old, p.young = p.young, make(map[string]*keySet)
	}
	p.young[text] = set
	return set, nil
}
