package session

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/stint-sts/stint/internal/directory"
)

// grace is what clocks may be off when a key is retired: those of the nodes among each other, and that of this one if it jumps.
const grace = 2 * time.Hour

var (
	// ErrKeyNeeded refuses to retire a key while sessions that it sealed may go on.
	ErrKeyNeeded = errors.New("sessions that it sealed may not have ended")
	// ErrKeySeals refuses to retire a key that has no successor.
	ErrKeySeals = errors.New("there is no newer key that seals in its place")
)

// KeyState is what a key of the ring is used for.
type KeyState string

// The states, in the order in which a key has them.
const (
	KeyWaiting KeyState = "waiting" // until every node knows it
	KeySealing KeyState = "sealing"
	KeyOpening KeyState = "opening" // sealed sessions that may go on
	KeyStale   KeyState = "stale"   // nothing that it sealed is good any more
)

// KeyStatus is a key of the ring with what it is used for.
type KeyStatus struct {
	Key   *directory.SealingKey
	State KeyState
	// Stale is when nothing that the key sealed is good any more; zero without a successor.
	Stale time.Time
}

// Status returns the keys of the ring, oldest first.
func Status(v *directory.View, now time.Time) []KeyStatus {
	keys := slices.SortedFunc(v.SealingKeys(), func(a, b *directory.SealingKey) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	sealer, _ := newRing(v).sealer(now)
	status := make([]KeyStatus, len(keys))
	for i, k := range keys {
		s := KeyStatus{Key: k, State: KeyOpening}
		if i+1 < len(keys) {
			s.Stale = keys[i+1].Created.Add(settling + MaxLifetime + grace)
		}
		switch {
		case sealer != nil && k.ID == sealer.id:
			s.State = KeySealing
		case now.Sub(k.Created) < settling:
			s.State = KeyWaiting
		case !s.Stale.IsZero() && !now.Before(s.Stale):
			s.State = KeyStale
		}
		status[i] = s
	}
	return status
}

// Rotate returns the change that adds a key to the ring, which seals a minute from now. If another node adds one at the same time,
// one of the two changes is in conflict.
func Rotate(v *directory.View, now time.Time, random io.Reader) (*directory.Change, error) {
	var last uint32
	for k := range v.SealingKeys() {
		last = max(last, k.ID)
	}
	key, err := NewSealingKey(last+1, now, random)
	if err != nil {
		return nil, err
	}
	c := new(directory.Change)
	c.Put(key)
	return c, nil
}

// Retire returns the change that removes a key from the ring. The sessions that it sealed end with it, so the error Is
// [ErrKeyNeeded] while there may be some, unless evenIfNeeded, and [ErrKeySeals] if nothing would seal any more.
func Retire(v *directory.View, id uint32, now time.Time, evenIfNeeded bool) (*directory.Change, error) {
	keys := Status(v, now)
	i := slices.IndexFunc(keys, func(k KeyStatus) bool { return k.Key.ID == id })
	switch {
	case i < 0:
		return nil, fmt.Errorf("retiring sealing key %d: there is no such key", id)
	case len(keys) == 1:
		return nil, fmt.Errorf("retiring sealing key %d: %w", id, ErrKeySeals)
	case keys[i].State != KeyStale && !evenIfNeeded:
		return nil, fmt.Errorf("retiring sealing key %d: %w", id, ErrKeyNeeded)
	}
	c := new(directory.Change)
	c.Delete(keys[i].Key)
	other := len(keys) - 1
	if i == other {
		other--
	}
	c.Require(keys[other].Key) // of two who retire at once, one must see that none would be left
	return c, nil
}

// due reports whether the ring needs a new key. Keys that are from the future are of a clock that had jumped: they do not count.
func due(v *directory.View, now time.Time, every time.Duration) bool {
	for k := range v.SealingKeys() {
		if age := now.Sub(k.Created); age < every && age >= -settling {
			return false
		}
	}
	return true
}
