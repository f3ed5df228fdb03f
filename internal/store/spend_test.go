package store

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
)

func TestSpend(t *testing.T) {
	t.Parallel()
	s := opened(t)
	const device = "arn:aws:iam::111122223333:mfa/phone"
	before := s.View().Len()
	for _, c := range []struct {
		what string
		id   string
		step int64
		want error
	}{
		{"the first", device, 100, nil},
		{"the same", device, 100, ErrSpent},
		{"an earlier one", device, 99, ErrSpent},
		{"an earlier one with more digits ahead in the alphabet", device, 9, ErrSpent},
		{"a later one", device, 101, nil},
		{"the one before it", device, 100, ErrSpent},
		{"with another number of digits", device, 1000, nil},
		{"of another device", device + "2", 100, nil},
		{"the greatest", device, math.MaxInt64, nil},
		{"the greatest again", device, math.MaxInt64, ErrSpent},
		{"negative", device, -1, errStep},
		{"without device", "", 1, errStep},
	} {
		if err := s.Spend(t.Context(), account, c.id, c.step); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
	if err := s.Spend(t.Context(), "444455556666", device, 100); err != nil {
		t.Errorf("in another account: %v", err)
	}
	mustCommit(t, s, put(user("alice")))
	if got := s.View().Len(); got != before+1 {
		t.Errorf("%d entities, want %d: spent steps are not entities", got, before+1)
	}
}

// Of 200 uses of one code, on two nodes and across a restart, exactly one succeeds.
func TestSpendOnce(t *testing.T) {
	t.Parallel()
	endpoint, _ := cluster(t)
	o := Options{Endpoints: []string{endpoint}, RootKey: rootKey, Partition: arn.AWS}
	var won, spent atomic.Int32
	for range 2 {
		nodes := []*Store{mustOpen(t, o), mustOpen(t, o)}
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				switch err := nodes[i%2].Spend(t.Context(), account, "phone", 58_000_000); {
				case err == nil:
					won.Add(1)
				case errors.Is(err, ErrSpent):
					spent.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		mustClose(t, nodes[0])
		mustClose(t, nodes[1])
	}
	if won.Load() != 1 || spent.Load() != 199 {
		t.Errorf("%d succeeded and %d were refused, want 1 and 199", won.Load(), spent.Load())
	}
}

// The embedded member remembers across a restart.
func TestSpendAcrossRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var won atomic.Int32
	for range 3 {
		s := mustOpen(t, embedded(t, dir))
		var all sync.WaitGroup
		for range 70 {
			all.Go(func() {
				switch err := s.Spend(t.Context(), account, "phone", 7); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, ErrSpent):
					t.Error(err)
				}
			})
		}
		all.Wait()
		mustClose(t, s)
	}
	if won.Load() != 1 {
		t.Errorf("%d succeeded, want 1", won.Load())
	}
}

// Of any number of uses of one assertion, on two nodes and across a restart, exactly one succeeds (advisory 109).
func TestSpendAssertion(t *testing.T) {
	t.Parallel()
	endpoint, _ := cluster(t)
	o := Options{Endpoints: []string{endpoint}, RootKey: rootKey, Partition: arn.AWS}
	var won, spent atomic.Int32
	for range 2 {
		nodes := []*Store{mustOpen(t, o), mustOpen(t, o)}
		before := nodes[0].View().Len()
		var all sync.WaitGroup
		for i := range 30 {
			all.Go(func() {
				switch err := nodes[i%2].SpendAssertion(t.Context(), account, "abc", time.Hour); {
				case err == nil:
					won.Add(1)
				case errors.Is(err, ErrSpent):
					spent.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := nodes[0].View().Len(); got != before {
			t.Errorf("%d entities, want %d: spent assertions are not entities", got, before)
		}
		mustClose(t, nodes[0])
		mustClose(t, nodes[1])
	}
	if won.Load() != 1 || spent.Load() != 59 {
		t.Errorf("%d succeeded and %d were refused, want 1 and 59", won.Load(), spent.Load())
	}
	s := mustOpen(t, o)
	for _, c := range []struct {
		what    string
		account arn.AccountID
		id      string
		keep    time.Duration
		want    error
	}{
		{"again", account, "abc", time.Hour, ErrSpent},
		{"another", account, "abd", time.Hour, nil},
		{"of another account", "444455556666", "abc", time.Hour, nil},
		{"without id", account, "", time.Hour, errKeep},
		{"not kept", account, "abe", 0, errKeep},
	} {
		if err := s.SpendAssertion(t.Context(), c.account, c.id, c.keep); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
	mustClose(t, s)
}
