package directory

import (
	"strconv"
	"sync"
	"testing"
)

// A View is immutable also while others are made from it, by any number of goroutines.
func TestApplyConcurrently(t *testing.T) {
	t.Parallel()
	v := viewOf(newUser("alice", "AIDA1"))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := "u" + strconv.Itoa(i)
			n := v.Apply(2, stored(newUser(name, "AIDA-"+name)))
			if _, ok := n.User(accountA, name); !ok || n.Len() != v.Len()+1 {
				t.Errorf("%s: the View made beside others has %d entities", name, n.Len())
			}
		})
	}
	wg.Wait()
}
