// Package throttle limits how often each of many may do something that costs, or that could be guessed at.
package throttle

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Throttle lets each of many do something burst times at once and then once every interval. What it knows of those whose turn has
// come back is forgotten; when it remembers as many as it may, newcomers wait. It is safe for concurrent use.
type Throttle struct {
	burst    int
	interval time.Duration
	most     int

	mu   sync.Mutex
	full map[string]time.Time // when all of the burst is there again; guarded by mu
}

// New returns a Throttle that remembers most of them at a time.
func New(burst int, interval time.Duration, most int) *Throttle {
	return &Throttle{burst: burst, interval: interval, most: most, full: make(map[string]time.Time)}
}

// Allow reports whether who may, and counts it.
func (t *Throttle) Allow(who string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	full, known := t.full[who]
	if !known && len(t.full) >= t.most && !t.forget(now) {
		return false
	}
	if full.Before(now) {
		full = now
	}
	full = full.Add(t.interval)
	if full.Sub(now) > time.Duration(t.burst)*t.interval {
		return false
	}
	t.full[who] = full
	return true
}

// forget makes room, if there is any to make. mu is held.
func (t *Throttle) forget(now time.Time) bool {
	for who, full := range t.full {
		if !full.After(now) {
			delete(t.full, who)
		}
	}
	return len(t.full) < t.most
}

// Peer is whom a Throttle takes an address for. A host has all of an IPv6 network of 64 bits.
func Peer(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	address := from.Addr().Unmap().WithZone("")
	if address.Is6() {
		return netip.PrefixFrom(address, 64).Masked().Addr().String()
	}
	return address.String()
}
