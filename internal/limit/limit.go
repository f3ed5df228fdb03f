// Package limit bounds how often things happen, each for itself: a token bucket for each of many keys, in bounded memory.
package limit

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Rate is how often something may happen: PerSecond in the long run, and Burst at once. Without PerSecond there is no limit.
type Rate struct {
	PerSecond float64
	Burst     int
}

// generation bounds the keys of one generation.
const generation = 32 << 10

// Buckets are token buckets by key. They are safe for concurrent use.
//
// Two generations of buckets are kept. When the young one is full it becomes the old one, and buckets that nobody took from since
// are forgotten, which makes them full: whoever has that many keys is bounded by none of them.
type Buckets[K comparable] struct {
	refused atomic.Uint64

	mu         sync.Mutex
	limits     Rate
	young, old map[K]*rate.Limiter // guarded by mu, as is limits
}

// NewBuckets returns full buckets.
func NewBuckets[K comparable](r Rate) *Buckets[K] { return &Buckets[K]{limits: r} }

// Take takes one token, if there is one.
func (b *Buckets[K]) Take(key K, now time.Time) bool {
	bucket := b.bucket(key)
	if bucket == nil || bucket.AllowN(now, 1) {
		return true
	}
	b.refused.Add(1)
	return false
}

// Set changes the rate and fills the buckets.
func (b *Buckets[K]) Set(r Rate) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limits, b.young, b.old = r, nil, nil
}

// Refused returns how often there was no token.
func (b *Buckets[K]) Refused() uint64 { return b.refused.Load() }

// bucket returns the bucket of a key; nil if there is no limit.
func (b *Buckets[K]) bucket(key K) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limits.PerSecond == 0 {
		return nil
	}
	if bucket, ok := b.young[key]; ok {
		return bucket
	}
	bucket, ok := b.old[key]
	if !ok {
		bucket = rate.NewLimiter(rate.Limit(b.limits.PerSecond), b.limits.Burst)
	}
	if len(b.young) >= generation || b.young == nil {
		b.old, b.young = b.young, make(map[K]*rate.Limiter)
	}
	b.young[key] = bucket
	return bucket
}
