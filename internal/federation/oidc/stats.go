package oidc

import "time"

// Stats are what a Verifier knows of fetched keys.
type Stats struct {
	// Fetches and Failures count the fetches that ended, and those of them that failed.
	Fetches, Failures uint64
	// Providers have fetched keys or were asked for them. Failing are those whose last fetch failed.
	Providers, Failing int
	// Oldest is the age of the oldest keys among those that are still used; 0 without any.
	Oldest time.Duration
}

// Stats returns the state of the fetched keys.
func (v *Verifier) Stats() Stats { return v.cache.stats() }

func (c *keyCache) stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, now := Stats{Fetches: c.fetches, Failures: c.failures, Providers: len(c.entries)}, c.now()
	for _, e := range c.entries {
		if e.failure != nil {
			s.Failing++
		}
		if age := now.Sub(e.fetched); e.set != nil && age < staleFor {
			s.Oldest = max(s.Oldest, age)
		}
	}
	return s
}
