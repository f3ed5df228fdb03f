package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

var nextKey = secret.FromString("the+next+root+key+0123456789abcd")

// moving are the options of a node that has both root keys.
func moving(t testing.TB, endpoint string) Options {
	return Options{Endpoints: []string{endpoint}, RootKey: rootKey, NextRootKey: nextKey, Partition: arn.AWS, Log: testLog(t)}
}

func openedWith(t testing.TB, o Options) *Store {
	t.Helper()
	s := mustOpen(t, o)
	t.Cleanup(func() { mustClose(t, s) })
	return s
}

// values are the records of the directory as they are in etcd.
func values(t testing.TB, s *Store) []*mvccpb.KeyValue {
	t.Helper()
	answer, err := s.client.Get(t.Context(), s.prefix, clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	var out []*mvccpb.KeyValue
	for _, kv := range answer.Kvs {
		if s.ofDirectory(kv) {
			out = append(out, kv)
		}
	}
	return out
}

func refusedKey(t testing.TB, endpoint string, o Options, want error) {
	t.Helper()
	o.Endpoints, o.Partition = []string{endpoint}, arn.AWS
	if s, err := Open(t.Context(), o); !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
		if err == nil {
			mustClose(t, s)
		}
	}
}

// TestRekey: two nodes go on while one moves the store. Afterwards nothing is under the old key, which opens nothing any more.
func TestRekey(t *testing.T) {
	t.Parallel()
	endpoint, _ := cluster(t)
	old := mustOpen(t, Options{Endpoints: []string{endpoint}, RootKey: rootKey, Partition: arn.AWS, Log: testLog(t)})
	mustCommit(t, old, put(user("alice"), &directory.Revocation{Account: account, Target: "AROA"},
		&directory.SealingKey{ID: 1, Secret: directory.Protected{Key: secret.FromString("ring")}}))
	revoked := old.View().Revision()
	c := new(directory.Change)
	c.PutFor(&directory.Revocation{Account: account, Target: "ASIA"}, time.Hour)
	mustCommit(t, old, c)
	if err := old.Spend(t.Context(), account, "device", 7); err != nil {
		t.Fatal(err)
	}

	// One node that lacks the key stops the move before it begins, and all goes on.
	if err := old.Rekey(t.Context(), nil); !errors.Is(err, ErrNoNextRootKey) {
		t.Errorf("without a key to move to: %v", err)
	}
	first := openedWith(t, moving(t, endpoint))
	if err := first.Rekey(t.Context(), nil); !errors.Is(err, ErrNodesLack) || !strings.Contains(err.Error(), "process") {
		t.Errorf("with a node that lacks the key: %v", err)
	}
	mustCommit(t, old, put(user("bob")))
	eventually(t, "bob is seen", func() bool { _, ok := first.View().User(account, "bob"); return ok })
	if old.Err() != nil || first.Err() != nil {
		t.Errorf("the nodes are behind: %v, %v", old.Err(), first.Err())
	}
	mustClose(t, old)
	second := openedWith(t, moving(t, endpoint))

	// Each node goes on changing the directory, and nothing is refused.
	under := func(kv *mvccpb.KeyValue, key secret.Key) bool {
		c, err := newRootCipher(key)
		return err == nil && kv.Value[0] == namedValue && bytes.Equal(kv.Value[1:1+rootIDLength], c.id[:])
	}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	var made atomic.Int64
	for n, s := range []*Store{first, second} {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil || i < 10; i++ {
				if err := s.Commit(t.Context(), put(user(fmt.Sprintf("n%d-%d", n, i)))); err != nil {
					t.Errorf("refused: %v", err)
					return
				}
				made.Add(1)
			}
		})
	}
	eventually(t, "the nodes write", func() bool { return made.Load() > 300 }) // more than one batch
	// The first attempt ends half way, with a node that dies.
	half, cancel := context.WithCancel(t.Context())
	err := first.Rekey(half, func(done, _ int) {
		if done > 0 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) && !errors.Is(err, ErrUnavailable) {
		t.Errorf("interrupted: %v", err)
	}
	left := 0
	for _, kv := range values(t, first) {
		if under(kv, rootKey) {
			left++
		}
	}
	if left == 0 {
		t.Error("nothing was left to do: the interruption came too late")
	}
	refusedKey(t, endpoint, Options{RootKey: rootKey}, ErrRootKey) // no node joins that cannot read all
	refusedKey(t, endpoint, Options{RootKey: nextKey}, ErrRootKey)
	total := 0
	if err := second.Rekey(t.Context(), func(_, all int) { total = all }); err != nil {
		t.Fatal(err)
	}
	before := made.Load()
	eventually(t, "the nodes still write", func() bool { return made.Load() > before+10 })
	stop()
	writers.Wait()
	t.Logf("%d changes while %d records were moved", made.Load(), total)

	entities := 0
	for _, kv := range values(t, first) {
		entities++
		if !under(kv, nextKey) || under(kv, rootKey) {
			t.Errorf("%s is not under the next root key", kv.Key)
		}
		if leased := kv.Lease != 0; leased != strings.HasSuffix(string(kv.Key), "/ASIA") {
			t.Errorf("%s has the lease %d", kv.Key, kv.Lease)
		}
	}
	if err := first.Rekey(t.Context(), nil); !errors.Is(err, ErrAlreadyMoved) {
		t.Errorf("once more: %v", err)
	}
	refusedKey(t, endpoint, Options{RootKey: rootKey}, ErrRootKey)
	moved := openedWith(t, Options{Endpoints: []string{endpoint}, RootKey: nextKey, Partition: arn.AWS})
	for name, s := range map[string]*Store{"first": first, "second": second, "moved": moved} {
		v := s.View()
		if u, ok := v.User(account, "alice"); !ok || !u.AccessKeys[0].Secret.Key.Equal(secret.FromString(clearSecret("alice"))) {
			t.Errorf("%s: alice's secret is another", name)
		}
		if !v.Revoked(account, "AROA", revoked-1, time.Time{}) || v.Revoked(account, "AROA", revoked, time.Time{}) {
			t.Errorf("%s: the revocation is of other sessions than before", name)
		}
		if k, ok := v.SealingKey(1); !ok || !k.Secret.Key.Equal(secret.FromString("ring")) {
			t.Errorf("%s: the sealing key is another", name)
		}
		if got := int64(v.Len()); s.Err() != nil || got < int64(entities) {
			t.Errorf("%s: %d entities of %d, %v", name, got, entities, s.Err())
		}
	}
	if err := moved.Spend(t.Context(), account, "device", 7); !errors.Is(err, ErrSpent) {
		t.Errorf("a spent code: %v", err)
	}
}

// What somebody who has the old root key writes after the move is not taken.
func TestLeftRootKeyOpensNothing(t *testing.T) {
	t.Parallel()
	endpoint, _ := cluster(t)
	old := mustOpen(t, Options{Endpoints: []string{endpoint}, RootKey: rootKey, Partition: arn.AWS})
	mustCommit(t, old, put(user("alice")))
	mustClose(t, old)
	s := openedWith(t, moving(t, endpoint))
	kept := values(t, s)
	if err := s.Rekey(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Put(t.Context(), string(kept[0].Key), string(kept[0].Value)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the node says so", func() bool { return s.Err() != nil })
	if !errors.Is(s.Err(), ErrDamaged) {
		t.Errorf("%v, want %v", s.Err(), ErrDamaged)
	}
	if _, ok := s.View().User(account, "alice"); !ok {
		t.Error("the node forgot alice")
	}
}
