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
}

func (c *policyCache) get(text string) (*policy.Policy, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.young[text]; ok {
		return p, true
	}
	p, ok := c.old[text]
	if ok {
		c.keep(text, p)
	}
	return p, ok
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
