package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A shared data directory is open to other processes of the same user, by a socket that others cannot reach.
func TestShare(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := embedded(t, dir)
	o.Share = true
	first := mustOpen(t, o)
	mustCommit(t, first, put(user("alice")))
	if _, err := Open(t.Context(), embedded(t, dir)); !errors.Is(err, ErrLocked) {
		t.Errorf("who does not ask for it: %v, want ErrLocked", err)
	}
	second := mustOpen(t, o)
	if _, ok := second.View().User(account, "alice"); !ok {
		t.Error("the second does not see alice")
	}
	mustCommit(t, second, put(user("bob")))
	eventually(t, "bob is seen", func() bool { _, ok := first.View().User(account, "bob"); return ok })
	nodes, err := second.Nodes(t.Context())
	if err != nil || len(nodes) != 2 || nodes[0].Self == nodes[1].Self {
		t.Errorf("nodes: %+v, %v", nodes, err)
	}
	info, err := os.Stat(filepath.Join(dir, "etcd", socketName))
	if err != nil || info.Mode().Type() != fs.ModeSocket || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	mustClose(t, second)
	mustClose(t, first)
	last := mustOpen(t, embedded(t, dir)) // a socket that was left does not matter
	if _, err := last.client.Put(t.Context(), last.nodePath("killed"), `{"name":"killed"}`); err != nil {
		t.Fatal(err)
	}
	mustClose(t, last)
	last = mustOpen(t, embedded(t, dir)) // nor does a process that was killed
	if nodes, err := last.Nodes(t.Context()); err != nil || len(nodes) != 1 || !nodes[0].Self {
		t.Errorf("nodes: %+v, %v", nodes, err)
	}
	mustClose(t, last)

	long := o
	long.Dir = filepath.Join(dir, strings.Repeat("x", longestSocket))
	mustClose(t, mustOpen(t, long))
}
