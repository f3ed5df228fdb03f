package gate

import (
	"slices"
	"sync"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/gateapi"
)

const (
	// keptChanges is how many changes a Feed remembers for streams that are behind or come back.
	keptChanges = 4096
	// A node has at most so many streams, and an account at most so many of them.
	maxStreams        = 1024
	maxAccountStreams = 64
)

// Feed remembers the latest changes of the directory that void something, for any number of streams. A stream has no buffer of its
// own: it reads on from where it is, and one that is too far behind is cut. Observe is its only writer.
type Feed struct {
	mu sync.Mutex // guards all below
	// changes are in the order of their revisions, none with nothing void. All after floor are there.
	changes []gateapi.Change
	floor   int64
	newest  int64         // revision up to which changes are known
	moved   chan struct{} // closed and replaced with each change
	closed  bool
	streams map[arn.AccountID]int
	total   int
}

// NewFeed returns a Feed of what comes after a revision.
func NewFeed(revision int64) *Feed {
	return &Feed{floor: revision, newest: revision, moved: make(chan struct{}), streams: make(map[arn.AccountID]int)}
}

// Observe takes a step of the directory; it is a [store.Observer].
func (f *Feed) Observe(before, after *directory.View, events []directory.Event) {
	c := changeOf(before, after, events)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.newest = c.Revision
	if !c.All && len(c.Void) == 0 {
		return
	}
	if len(f.changes) == keptChanges {
		f.floor = f.changes[0].Revision
		f.changes = slices.Delete(f.changes, 0, 1)
	}
	f.changes = append(f.changes, c)
	f.wake()
}

func (f *Feed) wake() {
	close(f.moved)
	f.moved = make(chan struct{})
}

// Close ends all streams; no other begins.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.wake()
}

// enter counts a stream of an account, unless there are too many.
func (f *Feed) enter(account arn.AccountID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.total >= maxStreams || f.streams[account] >= maxAccountStreams {
		return false
	}
	f.total++
	f.streams[account]++
	return true
}

func (f *Feed) leave(account arn.AccountID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.total--
	if f.streams[account]--; f.streams[account] == 0 {
		delete(f.streams, account)
	}
}

// excerpt is what of a Feed comes after a revision.
type excerpt struct {
	changes []gateapi.Change
	newest  int64
	moved   <-chan struct{} // closed once there is more
	// lost says that changes since the revision are forgotten, or that it is of another history: one that this node has not reached.
	lost, closed bool
}

// maxExcerpt is how many changes a stream takes at a time.
const maxExcerpt = 64

func (f *Feed) after(revision int64) excerpt {
	f.mu.Lock()
	defer f.mu.Unlock()
	x := excerpt{newest: f.newest, moved: f.moved, closed: f.closed, lost: revision < f.floor || revision > f.newest}
	if x.lost {
		return x
	}
	i, found := slices.BinarySearchFunc(f.changes, revision, func(c gateapi.Change, r int64) int { return int(min(max(c.Revision-r, -1), 1)) })
	if found {
		i++
	}
	x.changes = slices.Clone(f.changes[i:min(i+maxExcerpt, len(f.changes))])
	return x
}
