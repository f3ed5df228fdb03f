package mfa

import (
	"sync"
	"time"
)

// The back-off of wrong codes, per device (advisory 114). At its slowest it leaves 288 guesses a day, each of which meets
// 2*window+1 codes of a million: below one in a thousand a day, on each node.
const (
	freeGuesses  = 5
	firstBackoff = time.Second
	maxBackoff   = 5 * time.Minute
	// forgetAfter is longer than any back-off, so that waiting gains no free guesses.
	forgetAfter = 24 * time.Hour
	maxDevices  = 10_000
)

// guesses counts wrong codes. Only owners of a device who have signed a request get an entry, and it refuses codes alone:
// what needs no MFA stays open to them.
type guesses struct {
	mu      sync.Mutex
	devices map[string]*failures // guarded by mu
}

type failures struct {
	count int
	last  time.Time
	until time.Time // no code is accepted before
}

func newGuesses() *guesses { return &guesses{devices: make(map[string]*failures)} }

// admit reports whether a code counts, given that it is right or not. The code is judged and counted in one step, so that
// parallel guesses get no more than sequential ones; while a device backs off, a right code is as good as a wrong one.
func (g *guesses) admit(device string, right bool, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.devices[device]
	if f != nil && now.Before(f.until) {
		return false
	}
	if right {
		return true
	}
	if f == nil {
		g.makeRoom(now)
		f = &failures{}
		g.devices[device] = f
	}
	if now.Sub(f.last) > forgetAfter {
		f.count = 0
	}
	f.count++
	f.last = now
	f.until = now.Add(backoff(f.count))
	return false
}

// forget ends the counting after a right code.
func (g *guesses) forget(device string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.devices, device)
}

// makeRoom keeps the table bounded: the device that was quiet for longest is forgotten.
func (g *guesses) makeRoom(now time.Time) {
	if len(g.devices) < maxDevices {
		return
	}
	var oldest string
	for device, f := range g.devices {
		if now.Sub(f.last) > forgetAfter {
			delete(g.devices, device)
			continue
		}
		if o := g.devices[oldest]; o == nil || f.last.Before(o.last) {
			oldest = device
		}
	}
	if len(g.devices) >= maxDevices {
		delete(g.devices, oldest)
	}
}

// backoff returns how long a device refuses codes after so many wrong ones in a row.
func backoff(count int) time.Duration {
	if count < freeGuesses {
		return 0
	}
	doublings := min(count-freeGuesses, 16)
	return min(firstBackoff<<doublings, maxBackoff)
}
