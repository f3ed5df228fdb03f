package limit

import (
	"testing"
	"time"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestTake(t *testing.T) {
	t.Parallel()
	b := NewBuckets[string](Rate{PerSecond: 2, Burst: 3})
	for i := range 3 {
		if !b.Take("a", start) {
			t.Fatalf("number %d of a burst of 3 was refused", i+1)
		}
	}
	if b.Take("a", start) {
		t.Error("a fourth at once was taken")
	}
	if !b.Take("b", start) {
		t.Error("the tokens of another key are gone too")
	}
	if b.Take("a", start.Add(499*time.Millisecond)) {
		t.Error("a token came too early")
	}
	if !b.Take("a", start.Add(time.Second)) {
		t.Error("no token came")
	}
	first := b.Take("a", start.Add(-time.Hour))
	if again := b.Take("a", start.Add(-time.Hour)); first && again {
		t.Error("a clock that jumps back makes tokens")
	}
	if n := b.Refused(); n < 3 {
		t.Errorf("%d refusals were counted", n)
	}
	b.Set(Rate{PerSecond: 1, Burst: 1})
	if !b.Take("a", start) || b.Take("a", start) {
		t.Error("the new rate is not in force")
	}
	b.Set(Rate{})
	for range 100 {
		if !b.Take("a", start) {
			t.Fatal("refused without a limit")
		}
	}
}

// Memory is bounded however many keys there are, and a key that goes on taking keeps its bucket through the generations.
func TestManyKeys(t *testing.T) {
	t.Parallel()
	b := NewBuckets[int](Rate{PerSecond: 1, Burst: 1})
	if !b.Take(-1, start) {
		t.Fatal("positive control: the first was refused")
	}
	for i := range 3 * generation {
		b.Take(i, start)
		if i%1000 == 0 && b.Take(-1, start) {
			t.Fatalf("after %d other keys the bucket was full again", i)
		}
	}
	if n := len(b.young) + len(b.old); n > 2*generation {
		t.Errorf("%d buckets are kept", n)
	}
}
