package store

import (
	"slices"
	"sync"
	"testing"

	"github.com/stint-sts/stint/internal/directory"
)

// An observer is told each step after View shows it, in order, and that all was loaded anew.
func TestObserve(t *testing.T) {
	t.Parallel()
	s := opened(t)
	var mu sync.Mutex
	var steps []string
	last := s.Observe(func(before, after *directory.View, changes []directory.Event) {
		mu.Lock()
		defer mu.Unlock()
		if before.Revision() >= after.Revision() && changes != nil || s.View().Revision() < after.Revision() {
			t.Errorf("from %d to %d, while the View is at %d", before.Revision(), after.Revision(), s.View().Revision())
		}
		if changes == nil {
			steps = append(steps, "anew")
		}
		for _, c := range changes {
			_, ok := after.Get(c.Key)
			if ok != (c.Entity != nil) {
				t.Errorf("%v is not what the View shows", c.Key)
			}
			steps = append(steps, c.Key.Name)
		}
	})
	if last != s.View() {
		t.Error("the observer begins with another View")
	}
	told := func(want ...string) {
		t.Helper()
		eventually(t, "the observer is told", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return slices.Equal(steps, want)
		})
	}
	for _, target := range []string{"AROA1", "AROA2"} {
		c := new(directory.Change)
		c.Put(&directory.Revocation{Account: account, Target: target})
		mustCommit(t, s, c)
	}
	told("AROA1", "AROA2")
	c := new(directory.Change)
	e, _ := s.View().Revocation(account, "AROA1")
	c.Delete(e)
	mustCommit(t, s, c)
	told("AROA1", "AROA2", "AROA1")
	if err := s.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	told("AROA1", "AROA2", "AROA1", "anew")
}
