package relying

import (
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/policy"
	"github.com/stint-sts/stint/sigv4"
)

// scope is what Stint is asked about, but for the service.
type scope struct {
	algorithm    sigv4.Algorithm
	accessKeyID  string
	date, region string
	token        [sha256.Size]byte // digest of the session token
}

// entry is one answer of Stint's. Nothing in it changes but void.
type entry struct {
	scope    scope
	ask      *gateapi.SigningKeyInput // to ask again; with the session token
	given    time.Time                // when Stint was asked
	revision int64
	void     atomic.Bool
	refusal  *Error // then there is nothing below

	key            sigv4.SigningKey
	caller         Caller // without entry
	principal      policy.Principal
	keys           map[string]policy.Value // of the caller
	set            policy.Set
	serviceAccount string
	serviceKeys    map[string]policy.Value
}

// cache keeps entries in two generations: when the young one is full it becomes the old one, and the old one is forgotten.
type cache struct {
	mu         sync.RWMutex // guards young and old
	young, old map[scope]*entry
	limit      int // of young
}

func newCache(capacity int) *cache {
	return &cache{young: make(map[scope]*entry), limit: max(1, capacity/2)}
}

func (c *cache) get(s *scope) *entry {
	c.mu.RLock()
	e, ok := c.young[*s]
	if !ok {
		e = c.old[*s]
	}
	c.mu.RUnlock()
	if e != nil && !ok {
		c.put(e)
	}
	return e
}

func (c *cache) put(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.young[e.scope]; !there && len(c.young) >= c.limit {
		c.old, c.young = c.young, make(map[scope]*entry)
	}
	c.young[e.scope] = e
}

// drop voids and removes what match picks.
func (c *cache) drop(match func(*entry) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, generation := range [...]map[scope]*entry{c.young, c.old} {
		for s, e := range generation {
			if match(e) {
				e.void.Store(true)
				delete(generation, s)
			}
		}
	}
}

// compiled keeps policies by their type and text: callers share most of theirs.
type compiled struct {
	mu         sync.Mutex // guards young and old
	young, old map[document]*policy.Policy
}

type document struct {
	kind policy.Type
	text [sha256.Size]byte
}

const maxCompiled = 2048

func newCompiled() *compiled { return &compiled{young: make(map[document]*policy.Policy)} }

// policy compiles a text. What cannot be read denies everything.
func (c *compiled) policy(text string, kind policy.Type) *policy.Policy {
	if text == "" {
		return policy.DenyAll()
	}
	d := document{kind, sha256.Sum256([]byte(text))}
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.young[d]
	if ok {
		return p
	}
	if p, ok = c.old[d]; !ok {
		var err error
		if p, err = policy.New(text, kind); err != nil {
			p = policy.DenyAll()
		}
	}
	if len(c.young) >= maxCompiled/2 {
		c.old, c.young = c.young, make(map[document]*policy.Policy)
	}
	c.young[d] = p
	return p
}
