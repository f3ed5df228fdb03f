package store

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/stint-sts/stint/arn"
)

func TestGrant(t *testing.T) {
	t.Parallel()
	endpoint, _ := cluster(t)
	o := Options{Endpoints: []string{endpoint}, RootKey: rootKey, Partition: arn.AWS}
	one, other := mustOpen(t, o), mustOpen(t, o)
	defer mustClose(t, one)
	defer mustClose(t, other)
	before := one.View().Len()
	ctx := t.Context()
	if err := one.KeepGrant(ctx, "a", []byte("pending secret"), time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := other.KeepGrant(ctx, "a", []byte("another"), time.Minute); !errors.Is(err, ErrConflict) {
		t.Errorf("an id that is taken: %v", err)
	}
	value, revision, err := other.ReadGrant(ctx, "a")
	if err != nil || string(value) != "pending secret" {
		t.Fatalf("%q, %v", value, err)
	}
	if err := one.ReplaceGrant(ctx, "a", revision, []byte("approved secret")); err != nil {
		t.Fatal(err)
	}
	if err := other.ReplaceGrant(ctx, "a", revision, []byte("denied")); !errors.Is(err, ErrConflict) {
		t.Errorf("an old revision: %v", err)
	}
	if err := other.ReplaceGrant(ctx, "none", revision, []byte("denied")); !errors.Is(err, ErrConflict) {
		t.Errorf("none: %v", err)
	}
	for _, id := range []string{"none", "b"} {
		if _, _, err := one.ReadGrant(ctx, id); !errors.Is(err, ErrSpent) {
			t.Errorf("reading %q: %v", id, err)
		}
		if _, err := one.TakeGrant(ctx, id); !errors.Is(err, ErrSpent) {
			t.Errorf("taking %q: %v", id, err)
		}
	}

	// It is sealed, bound to its id, and kept for as long after it was replaced.
	all, err := one.client.Get(ctx, one.prefix, clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, kv := range all.Kvs {
		if strings.Contains(string(kv.Value), "secret") {
			t.Errorf("%s is in the clear", kv.Key)
		}
		if string(kv.Key) == one.path(grantKey("a")) {
			found = true
			if kv.Lease == 0 {
				t.Error("the grant has lost its lease")
			}
			if _, err := one.client.Put(ctx, one.path(grantKey("moved")), string(kv.Value)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !found {
		t.Error("there is no grant")
	}
	if _, err := one.TakeGrant(ctx, "moved"); !errors.Is(err, ErrDamaged) {
		t.Errorf("a grant that was moved: %v", err)
	}

	var won, spent atomic.Int32
	var users sync.WaitGroup
	for i := range 40 {
		users.Go(func() {
			switch value, err := []*Store{one, other}[i%2].TakeGrant(ctx, "a"); {
			case err == nil && string(value) == "approved secret":
				won.Add(1)
			case errors.Is(err, ErrSpent):
				spent.Add(1)
			default:
				t.Errorf("%q, %v", value, err)
			}
		})
	}
	users.Wait()
	if won.Load() != 1 || spent.Load() != 39 {
		t.Errorf("%d took it and %d did not, want 1 and 39", won.Load(), spent.Load())
	}
	mustCommit(t, one, put(user("alice")))
	if got := one.View().Len(); got != before+1 {
		t.Errorf("%d entities, want %d: grants are not entities", got, before+1)
	}
	for name, err := range map[string]error{
		"no id":      one.KeepGrant(ctx, "", nil, time.Minute),
		"no time":    one.KeepGrant(ctx, "c", nil, time.Millisecond),
		"too long":   one.KeepGrant(ctx, "c", make([]byte, maxGrant+1), time.Minute),
		"too long 2": one.ReplaceGrant(ctx, "c", 1, make([]byte, maxGrant+1)),
	} {
		if !errors.Is(err, errGrant) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
