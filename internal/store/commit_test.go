package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

func TestCommitIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	s := opened(t)
	alice := user("alice")
	mustCommit(t, s, put(alice))
	stored, ok := s.View().User(account, "alice")
	if !ok || stored.Revision() == 0 || stored.Revision() > s.View().Revision() {
		t.Fatalf("alice at %d in a view of %d", stored.Revision(), s.View().Revision())
	}
	if !stored.AccessKeys[0].Secret.Key.Equal(secret.FromString(clearSecret("alice"))) {
		t.Error("the view's secret is not open")
	}
	if alice.AccessKeys[0].Secret.Sealed != nil || alice.Revision() != 0 {
		t.Error("committing altered the caller's entity")
	}
	next := stored.Clone()
	next.Path = "/staff/"
	mustCommit(t, s, put(next))
	if u, _ := s.View().User(account, "alice"); u.Path != "/staff/" || stored.Path != "/" {
		t.Errorf("paths %q and %q", u.Path, stored.Path)
	}
	del := new(directory.Change)
	last, _ := s.View().User(account, "alice")
	del.Delete(last)
	mustCommit(t, s, del)
	if _, ok := s.View().User(account, "alice"); ok {
		t.Error("alice outlives her deletion")
	}
	if err := s.Commit(t.Context(), put(next)); !errors.Is(err, ErrConflict) {
		t.Errorf("writing what was deleted: %v, want ErrConflict", err)
	}
}

// What a change was derived from must not have moved; nothing of a refused change happens.
func TestCommitConflicts(t *testing.T) {
	t.Parallel()
	s := opened(t)
	mustCommit(t, s, put(user("alice"), user("bob")))
	old := s.View()
	alice, _ := old.User(account, "alice")
	bob, _ := old.User(account, "bob")
	mustCommit(t, s, put(alice.Clone()))

	for name, change := range map[string]func(c *directory.Change){
		"the entity itself moved":     func(c *directory.Change) { c.Put(alice.Clone()) },
		"something read moved":        func(c *directory.Change) { c.Require(alice); c.Put(user("new")) },
		"what is new is there":        func(c *directory.Change) { c.Put(user("alice")) },
		"what is deleted moved":       func(c *directory.Change) { c.Delete(alice) },
		"something of the kind moved": func(c *directory.Change) { c.Freeze(old, account, directory.KindUser); c.Delete(bob) },
		"one of several kinds moved": func(c *directory.Change) {
			c.Freeze(old, account, directory.KindGroup, directory.KindUser)
			c.Delete(bob)
		},
		"only a read, which moved":       func(c *directory.Change) { c.Require(alice) },
		"one of two entities has moved":  func(c *directory.Change) { c.Put(user("new")); c.Put(alice.Clone()) },
		"required absent, but it exists": func(c *directory.Change) { c.Require(user("bob")); c.Put(user("new")) },
	} {
		c := new(directory.Change)
		change(c)
		if err := s.Commit(t.Context(), c); !errors.Is(err, ErrConflict) {
			t.Errorf("%s: %v, want ErrConflict", name, err)
		}
	}
	if _, ok := s.View().User(account, "new"); ok {
		t.Error("a part of a refused change was made")
	}
	control := new(directory.Change)
	control.Freeze(s.View(), account, directory.KindUser, directory.KindGroup)
	control.Require(user("nobody"))
	control.Delete(bob)
	mustCommit(t, s, control)

	twice := put(user("carol"), user("Carol"))
	if err := s.Commit(t.Context(), twice); err == nil || !strings.Contains(err.Error(), "written twice") {
		t.Errorf("two writes of one key: %v", err)
	}
}

// Of many changes derived from one view, one is made.
func TestCommitRace(t *testing.T) {
	t.Parallel()
	endpoint, _ := cluster(t)
	nodes := []*Store{onCluster(t, endpoint), onCluster(t, endpoint)}
	mustCommit(t, nodes[0], put(user("alice")))
	eventually(t, "both nodes have alice", func() bool { _, ok := nodes[1].View().User(account, "alice"); return ok })
	alice, _ := nodes[0].View().User(account, "alice")
	var made, refused atomic.Int32
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			next := alice.Clone()
			next.Path = fmt.Sprintf("/%d/", i)
			switch err := nodes[i%2].Commit(t.Context(), put(next)); {
			case err == nil:
				made.Add(1)
				if u, _ := nodes[i%2].View().User(account, "alice"); u.Path != next.Path {
					t.Errorf("a node that made path %s shows %s", next.Path, u.Path)
				}
			case errors.Is(err, ErrConflict):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 || refused.Load() != 39 {
		t.Errorf("%d made and %d refused, want 1 and 39", made.Load(), refused.Load())
	}
	eventually(t, "both nodes agree", func() bool {
		a, _ := nodes[0].View().User(account, "alice")
		b, _ := nodes[1].View().User(account, "alice")
		return a.Path == b.Path && a.Revision() == b.Revision()
	})
}

func TestEntitiesThatVanish(t *testing.T) {
	t.Parallel()
	s := opened(t)
	c := new(directory.Change)
	c.PutFor(&directory.Revocation{Account: account, Target: "AROA:session"}, time.Second)
	mustCommit(t, s, c)
	if !s.View().Revoked(account, "AROA:session", 1, time.Time{}) {
		t.Fatal("the revocation is not in force")
	}
	eventually(t, "the revocation ends", func() bool { return !s.View().Revoked(account, "AROA:session", 1, time.Time{}) })
}

func TestCommitAll(t *testing.T) {
	t.Parallel()
	endpoint, _ := cluster(t) // 128 operations a transaction
	s := onCluster(t, endpoint)
	mustCommit(t, s, put(user("gone")))
	const many = 1000
	c := new(directory.Change)
	c.Freeze(s.View(), account, directory.KindUser, directory.KindGroup)
	c.Require(user("nobody"))
	for i := range many {
		c.Put(user(fmt.Sprintf("user%05d", i)))
	}
	gone, _ := s.View().User(account, "gone")
	c.Delete(gone)
	if err := s.Commit(t.Context(), c); err == nil || !strings.Contains(err.Error(), "too large for one transaction") {
		t.Errorf("at once: %v", err)
	}
	last := 0
	err := s.CommitAll(t.Context(), c, func(done, total int) {
		if done <= last || total != many+1 {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	})
	if err != nil || last != many+1 {
		t.Fatal(last, err)
	}
	if got := s.View().Len() - managed(s); got != many {
		t.Errorf("%d users, want %d", got, many)
	}
	if err := s.CommitAll(t.Context(), c, nil); !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), "0 of 1001 writes were made") {
		t.Errorf("again: %v, want a conflict with nothing made", err)
	}
}

// managed counts what a directory has before anything is stored.
func managed(s *Store) int { return directory.NewView(s.partition).Len() }

// A store that takes no more data refuses changes and goes on answering.
func TestFullStore(t *testing.T) {
	t.Parallel()
	s, err := open(t.Context(), embedded(t, t.TempDir()), func(cfg *embed.Config) { cfg.QuotaBackendBytes = 1 << 20 })
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, s)
	mustCommit(t, s, put(user("alice")))
	big := user("big")
	big.Path = "/" + strings.Repeat("x", 700<<10) + "/"
	eventually(t, "the store is full", func() bool {
		c := new(directory.Change)
		c.Overwrite(big)
		err := s.Commit(t.Context(), c)
		if err != nil && (!errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnknown)) {
			t.Fatalf("%v, want ErrUnavailable, and no doubt", err)
		}
		return err != nil
	})
	if err := s.Spend(t.Context(), account, "device", 1); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Spend: %v, want ErrUnavailable", err)
	}
	if _, ok := s.View().User(account, "alice"); !ok {
		t.Error("the view forgot alice")
	}
}

// A store that does not answer: changes are refused, and that their outcome is unknown is said; the view answers, and
// follows again when the store is back.
func TestLostStore(t *testing.T) {
	t.Parallel()
	endpoint, m := cluster(t)
	s := onCluster(t, endpoint)
	mustCommit(t, s, put(user("alice")))
	m.stop()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := s.Commit(ctx, put(user("bob"))); !errors.Is(err, ErrUnavailable) || !errors.Is(err, ErrUnknown) {
		t.Errorf("%v, want ErrUnavailable and ErrUnknown", err)
	}
	if _, ok := s.View().User(account, "alice"); !ok {
		t.Error("the view forgot alice")
	}
}

// What etcd would end the process for (a disk that fails under its log) ends the member: the process lives and reads.
func TestFailedMember(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), embedded(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, s)
	mustCommit(t, s, put(user("alice")))
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.member.etcd.GetLogger().Fatal("failed to save Raft hard state and entries")
	}()
	<-done
	if err := s.Err(); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "failed to save Raft") {
		t.Errorf("%v, want ErrUnavailable with etcd's reason", err)
	}
	if err := s.Commit(t.Context(), put(user("bob"))); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Commit: %v, want ErrUnavailable", err)
	}
	if _, ok := s.View().User(account, "alice"); !ok {
		t.Error("the view forgot alice")
	}
}

// A node that fell behind what the store still remembers loads everything anew.
func TestWatchAfterCompaction(t *testing.T) {
	t.Parallel()
	endpoint, _ := cluster(t)
	writer, reader := onCluster(t, endpoint), onCluster(t, endpoint)
	mustCommit(t, writer, put(user("gone")))
	eventually(t, "the reader has it", func() bool { _, ok := reader.View().User(account, "gone"); return ok })
	reader.stop()
	reader.stopped.Wait()
	gone, _ := writer.View().User(account, "gone")
	c := put(user("alice"))
	c.Delete(gone)
	mustCommit(t, writer, c)
	for i := range 5 {
		mustCommit(t, writer, put(user(fmt.Sprint("later", i))))
	}
	if _, err := writer.client.Compact(t.Context(), writer.View().Revision(), clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}
	following, stop := context.WithCancel(context.Background())
	reader.stop, reader.ended = stop, following.Done()
	reader.stopped.Go(func() { reader.follow(following) })
	eventually(t, "the reader is up to date", func() bool { return reader.View().Revision() >= writer.View().Revision() })
	if _, ok := reader.View().User(account, "gone"); ok {
		t.Error("the reader kept what was deleted")
	}
	if reader.View().Len() != writer.View().Len() {
		t.Errorf("%d entities, want %d", reader.View().Len(), writer.View().Len())
	}
	mustCommit(t, writer, put(user("after")))
	eventually(t, "the reader follows again", func() bool { _, ok := reader.View().User(account, "after"); return ok })
	if err := reader.Err(); err != nil {
		t.Error(err)
	}
}

// Each kind of entity comes back as it went.
func TestEveryKind(t *testing.T) {
	t.Parallel()
	s := opened(t)
	key := secret.FromString("k")
	mustCommit(t, s, put(
		&directory.Account{ID: account, ARN: arn.Root(arn.AWS, account), RootKeys: []directory.AccessKey{{ID: "AKIAROOT", Secret: directory.Protected{Key: key}}}},
		user("alice"),
		&directory.Group{Account: account, Name: "Devs", ID: "AGPA1"},
		&directory.Role{Account: account, Name: "Target", ID: "AROA1", ARN: arn.Role(arn.AWS, account, "/", "Target"), Trust: directory.NewDocument("{}")},
		&directory.ManagedPolicy{Account: account, Name: "Edge", ID: "ANPA1"},
		&directory.Device{Account: account, Name: "phone", Serial: "arn:aws:iam::111122223333:mfa/phone", Seed: directory.Protected{Key: key}, UserID: "AIDA1"},
		&directory.OIDCProvider{Account: account, URL: "issuer.example/Path"},
		&directory.SAMLProvider{Account: account, Name: "Corp"},
		&directory.Revocation{Account: account, Target: "AROA1:Name"},
		&directory.SealingKey{ID: 1, Secret: directory.Protected{Key: key}},
		&directory.Organization{ID: "o-1", ManagementAccount: account},

		&directory.InstanceProfile{Account: account, Name: "Web", ID: "AIPA1", RoleID: "AROA1"},
		&directory.ServerCertificate{Account: account, Name: "Site", ID: "ASCA1", Private: directory.Protected{Key: key}},
		&directory.LastUse{Account: account, ID: "AKIAROOT"},
	))
	v := s.View()
	if got := v.Len() - managed(s); got != 14 {
		t.Errorf("%d entities, want 14", got)
	}
	if _, ok := v.OIDCProvider(account, "issuer.example/Path"); !ok {
		t.Error("no provider")
	}
	if d, ok := v.Device(account, "arn:aws:iam::111122223333:mfa/phone"); !ok || !d.Seed.Key.Equal(key) {
		t.Error("no device, or its seed is not open")
	}
	if owner, ok := v.AccessKey("AKIAROOT"); !ok || owner.Account == nil || !owner.Key.Secret.Key.Equal(key) {
		t.Error("no root key")
	}
	if c, ok := v.ServerCertificate(account, "site"); !ok || !c.Private.Key.Equal(key) {
		t.Error("no server certificate, or its private key is not open")
	}
}
