package store

import (
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// What confirms the View is a read of the cluster: it works while there is one, also when keys of others moved its revision, and
// when there is none any more the View stays as old as it is.
func TestConfirm(t *testing.T) {
	t.Parallel()
	endpoint, m := cluster(t)
	s := onCluster(t, endpoint)
	mustCommit(t, s, put(user("alice")))
	long := now().Add(-time.Hour)
	s.confirmFrom(long)
	if age := s.Age(); age < time.Hour {
		t.Fatalf("the age is %v", age)
	}
	if err := s.confirm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if age := s.Age(); age >= time.Hour {
		t.Errorf("the age is %v after it was confirmed", age)
	}
	neighbour, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = neighbour.Close() }()
	moved, err := neighbour.Put(t.Context(), "somebody/else", "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.confirm(t.Context()); err != nil {
		t.Fatalf("after a change of somebody else's: %v", err)
	}
	if got := s.View().Revision(); got < moved.Header.Revision {
		t.Errorf("the View has revision %d, want %d", got, moved.Header.Revision)
	}
	s.stop() // nobody else confirms
	s.stopped.Wait()
	s.confirmFrom(long)
	m.stop()
	if err := s.confirm(t.Context()); err == nil {
		t.Error("the View was confirmed without a store")
	}
	if age := s.Age(); age < time.Hour {
		t.Errorf("the age is %v without a store", age)
	}
}
