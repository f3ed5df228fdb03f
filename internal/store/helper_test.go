package store

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/server/v3/embed"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

const account arn.AccountID = "111122223333"

var rootKey = secret.FromString("0123456789abcdef0123456789abcdef")

// testLog sends the store's log to the test's. What comes after the test is dropped.
func testLog(t testing.TB) *slog.Logger {
	w := &testWriter{t: t}
	t.Cleanup(func() { w.over.Store(true) })
	return slog.New(slog.NewTextHandler(w, nil))
}

type testWriter struct {
	t    testing.TB
	over atomic.Bool
}

func (w *testWriter) Write(b []byte) (int, error) {
	if !w.over.Load() {
		w.t.Logf("%s", b)
	}
	return len(b), nil
}

func embedded(t testing.TB, dir string) Options {
	return Options{Dir: dir, RootKey: rootKey, Partition: arn.AWS, Log: testLog(t)}
}

func mustOpen(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// opened is a store on an embedded member of its own.
func opened(t testing.TB) *Store {
	t.Helper()
	s := mustOpen(t, embedded(t, t.TempDir()))
	t.Cleanup(func() { mustClose(t, s) })
	return s
}

func mustClose(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// cluster is an etcd that is reached by a socket, as one that is there already.
func cluster(t testing.TB) (endpoint string, m *member) {
	t.Helper()
	dir := t.TempDir()
	m, err := startMember(t.Context(), dir, testLog(t), func(cfg *embed.Config) {
		socket := url.URL{Scheme: "unix", Path: filepath.Join(dir, "client.sock")}
		cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{socket}, []url.URL{socket}
		cfg.MaxTxnOps, cfg.MaxRequestBytes = embed.DefaultMaxTxnOps, embed.DefaultMaxRequestBytes
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.close(); err != nil {
			t.Error(err)
		}
	})
	return "unix://" + filepath.Join(dir, "client.sock"), m
}

func onCluster(t testing.TB, endpoint string) *Store {
	t.Helper()
	s := mustOpen(t, Options{Endpoints: []string{endpoint}, RootKey: rootKey, Partition: arn.AWS, Log: testLog(t)})
	t.Cleanup(func() { mustClose(t, s) })
	return s
}

func user(name string) *directory.User {
	id := fmt.Sprintf("AIDA%017s", name)
	return &directory.User{
		Account: account, Name: name, Path: "/", ID: id,
		ARN:     arn.User(arn.AWS, account, "/", name),
		Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		AccessKeys: []directory.AccessKey{{
			ID:     "AKIA" + name,
			Secret: directory.Protected{Key: secret.FromString(clearSecret(name))},
			Status: directory.Active,
		}},
	}
}

func clearSecret(name string) string { return "canary+" + name + "+canary" }

func put(es ...directory.Entity) *directory.Change {
	c := new(directory.Change)
	for _, e := range es {
		c.Put(e)
	}
	return c
}

func mustCommit(t testing.TB, s *Store, c *directory.Change) {
	t.Helper()
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what comes by the watch of another node.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("never came about: %s", what)
		case <-tick.C:
		}
	}
}
