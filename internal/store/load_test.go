package store

import (
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/stint-sts/stint/internal/directory"
)

// The program is to start with 100,000 users in less than 3 s; this is most of it.
func TestLoadManyUsers(t *testing.T) {
	many := 100_000
	if testing.Short() || raceDetector {
		many = 10_000
	}
	dir := t.TempDir()
	s := mustOpen(t, embedded(t, dir))
	c := new(directory.Change)
	for i := range many {
		c.Put(user(fmt.Sprintf("user%06d", i)))
	}
	begin := time.Now()
	if err := s.CommitAll(t.Context(), c, nil); err != nil {
		t.Fatal(err)
	}
	t.Logf("writing %d users took %v", many, time.Since(begin))
	mustClose(t, s)

	begin = time.Now()
	s = mustOpen(t, embedded(t, dir))
	t.Logf("opening with %d users took %v", many, time.Since(begin))
	defer mustClose(t, s)
	if got := s.View().Len() - managed(s); got != many {
		t.Errorf("%d users, want %d", got, many)
	}
	begin = time.Now()
	mustCommit(t, s, put(user("alice")))
	t.Logf("one change among them took %v", time.Since(begin))
}

// Sequential, so that only its own goroutines are there.
func TestNothingRunsAfterClose(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s := mustOpen(t, embedded(t, t.TempDir()))
	mustCommit(t, s, put(user("alice")))
	mustClose(t, s)
	if _, ok := s.View().User(account, "alice"); !ok {
		t.Error("the view is gone with the store")
	}
	if err := s.Spend(t.Context(), account, "phone", 1); err == nil {
		t.Error("a closed store takes changes")
	}
}
