package authz

import (
	"sync"

	"github.com/stint-sts/stint/policy"
)

// cacheGeneration bounds a generation of the cache; two are kept, so memory holds at most twice as many policies.
const cacheGeneration = 512

// policyCache remembers compiled session policies by their text. When the young generation is full it becomes the old one,
// and what nobody asked for since is forgotten.
type policyCache struct {
	mu         sync.Mutex
	young, old map[string]*policy.Policy

	hits, misses uint64 // guarded by mu
}

func (c *policyCache) get(text string) (*policy.Policy, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.young[text]; ok {
		c.hits++
		return p, true
	}
	p, ok := c.old[text]
	if ok {
		c.hits++
		c.keep(text, p)
	} else {
		c.misses++
	}
	return p, ok
}

func (c *policyCache) stats() (hits, misses uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits, c.misses
}

func (c *policyCache) put(text string, p *policy.Policy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(text, p)
}

func (c *policyCache) keep(text string, p *policy.Policy) {
	if len(c.young) >= cacheGeneration || c.young == nil {
		c.old, c.young = c.young, make(map[string]*policy.Policy, cacheGeneration)
	}
	c.young[text] = p
}

// SessionPolicyStats returns how many compiled session policies were found in the cache so far, and how many were not.
func (a *Authorizer) SessionPolicyStats() (hits, misses uint64) { return a.sessionPolicies.stats() }
