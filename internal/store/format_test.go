package store

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/secret"
)

// bareStore begins a store of format 1 on an etcd, as the builds before did.
func bareStore(t testing.TB, endpoint string) {
	t.Helper()
	s := mustOpen(t, Options{Endpoints: []string{endpoint}, RootKey: rootKey, Partition: arn.AWS})
	defer mustClose(t, s)
	check, err := s.at.Load().writes().seal(checkPurpose, []byte(arn.AWS), s.vault.random)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Put(t.Context(), s.standingPath(), string(check)); err != nil {
		t.Fatal(err)
	}
}

// TestFormerFormat: a store of the format before is read, and written as the builds before read it, until it is moved to another
// root key.
func TestFormerFormat(t *testing.T) {
	t.Parallel()
	endpoint, _ := cluster(t)
	bareStore(t, endpoint)
	s := openedWith(t, moving(t, endpoint))
	mustCommit(t, s, put(user("alice")))
	for _, kv := range values(t, s) {
		if kv.Value[0] != bareValue {
			t.Errorf("%s has version %d", kv.Key, kv.Value[0])
		}
	}
	again := openedWith(t, Options{Endpoints: []string{endpoint}, RootKey: rootKey, NextRootKey: nextKey, Partition: arn.AWS})
	if _, ok := again.View().User(account, "alice"); !ok {
		t.Error("alice is not read")
	}
	refusedKey(t, endpoint, Options{RootKey: secret.FromString("someone's root key 0123456789abc")}, ErrRootKey)
	if err := s.Rekey(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, again, put(user("bob")))
	for _, kv := range values(t, s) {
		if kv.Value[0] != namedValue {
			t.Errorf("after the move: %s has version %d", kv.Key, kv.Value[0])
		}
	}
	if u, ok := s.View().User(account, "alice"); !ok || !u.AccessKeys[0].Secret.Key.Equal(secret.FromString(clearSecret("alice"))) {
		t.Error("alice's secret is another")
	}
}

// TestLaterFormat: a build refuses what a later one has written before it touches anything, whatever else the later one has changed.
func TestLaterFormat(t *testing.T) {
	t.Parallel()
	endpoint, _ := cluster(t)
	s := onCluster(t, endpoint)
	mustCommit(t, s, put(user("alice")))
	found, err := s.client.Get(t.Context(), s.standingPath())
	if err != nil {
		t.Fatal(err)
	}
	var later map[string]any
	if err := json.Unmarshal(found.Kvs[0].Value[1:], &later); err != nil {
		t.Fatal(err)
	}
	later["format"], later["keys"], later["more"] = currentFormat+1, "in another form", true
	text, err := json.Marshal(later)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Put(t.Context(), s.standingPath(), string(append([]byte{namedValue}, text...))); err != nil {
		t.Fatal(err)
	}
	before := dump(t, s)
	refusedKey(t, endpoint, Options{RootKey: rootKey}, ErrFormat)
	if dump(t, s) != before {
		t.Error("the refused start changed the store")
	}
	eventually(t, "the running node says so", func() bool { return errors.Is(s.Err(), ErrFormat) })
	if _, ok := s.View().User(account, "alice"); !ok {
		t.Error("the running node forgot alice")
	}
	if err := s.Commit(t.Context(), put(user("bob"))); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a change by the build before: %v", err)
	}
}
