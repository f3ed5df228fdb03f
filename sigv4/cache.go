package sigv4

import (
	"crypto/sha256"
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
)

const cacheShards = 16

// KeyCache keeps derived signing keys. It is bounded, and safe for concurrent use. An entry is found only by who has the
// secret that it was derived from, so a re-created access key, or one with the same id in another account, never meets
// an old entry.
type KeyCache struct {
	seed   maphash.Seed
	shards [cacheShards]cacheShard
}

// cacheShard has two generations: when the young one is full it becomes the old one, and the old one is forgotten. Keys
// of yesterday leave by themselves.
type cacheShard struct {
	mu         sync.RWMutex // guards young and old
	young, old map[cacheEntry]SigningKey
	limit      int // of young

	hits, misses atomic.Uint64
}

type cacheEntry struct {
	algorithm                          Algorithm
	accessKeyID, date, region, service string
	secret                             [sha256.Size]byte // digest of the secret access key
}

// NewKeyCache makes a cache of at most capacity keys (at least 32). One takes about half a kilobyte.
func NewKeyCache(capacity int) *KeyCache {
	c := &KeyCache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].limit = max(1, capacity/(2*cacheShards))
		c.shards[i].young = make(map[cacheEntry]SigningKey)
	}
	return c
}

// Key returns the key that s claims to be made with, from the cache or derived. Call it after s.Check, which bounds the
// scopes that can reach the cache.
func (c *KeyCache) Key(s *Signature, secretAccessKey string) SigningKey {
	return c.get(s, s.AccessKeyID, secretAccessKey)
}

// Unknown returns, at the same cost as Key, a key with which Verify does all its work and fails (advisory 19).
func (c *KeyCache) Unknown(s *Signature) SigningKey {
	// The name cannot be an access key id: it has a slash. The length is that of a secret access key.
	k := c.get(s, "/unknown", "this-secret-opens-nothing-at-all-0000000")
	k.void = true
	return k
}

func (c *KeyCache) get(s *Signature, accessKeyID, secretAccessKey string) SigningKey {
	var buffer [64]byte
	e := cacheEntry{
		algorithm: s.Algorithm, accessKeyID: accessKeyID,
		secret: sha256.Sum256(append(buffer[:0], secretAccessKey...)),
	}
	if s.Algorithm == HMAC { // an ECDSA key has no scope
		e.date, e.region, e.service = s.Date, s.Region, s.Service
	}
	shard := &c.shards[maphash.String(c.seed, accessKeyID)%cacheShards]
	k, found, young := shard.find(e)
	if found {
		shard.hits.Add(1)
	} else {
		shard.misses.Add(1)
	}
	if found && young {
		return k
	}
	if found {
		shard.add(e, k)
		return k
	}
	k, err := s.DeriveKey(secretAccessKey)
	if err != nil {
		return SigningKey{void: true}
	}
	shard.add(e, k)
	return k
}

// Stats returns how many keys were found in the cache so far, and how many were not.
func (c *KeyCache) Stats() (hits, misses uint64) {
	for i := range c.shards {
		hits += c.shards[i].hits.Load()
		misses += c.shards[i].misses.Load()
	}
	return hits, misses
}

func (h *cacheShard) find(e cacheEntry) (k SigningKey, found, young bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if k, found = h.young[e]; found {
		return k, true, true
	}
	k, found = h.old[e]
	return k, found, false
}

func (h *cacheShard) add(e cacheEntry, k SigningKey) {
	// The strings are parts of a request's headers: copied, so that the cache does not hold the whole.
	e.algorithm = Algorithm(strings.Clone(string(e.algorithm)))
	e.accessKeyID, e.date = strings.Clone(e.accessKeyID), strings.Clone(e.date)
	e.region, e.service = strings.Clone(e.region), strings.Clone(e.service)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.young) >= h.limit {
		h.old, h.young = h.young, make(map[cacheEntry]SigningKey)
	}
	h.young[e] = k
}
