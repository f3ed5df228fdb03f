package lastuse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
	"github.com/stint-sts/stint/internal/store"
)

const account arn.AccountID = "111122223333"

var start = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

// opened is a store with the user alice, who has the keys, and the role AROA1.
func opened(t testing.TB, keys ...string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{
		Dir: t.TempDir(), RootKey: secret.FromString("0123456789abcdef0123456789abcdef"), Partition: arn.AWS, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	alice := &directory.User{Account: account, Name: "alice", ID: "AIDA1"}
	for _, k := range keys {
		alice.AccessKeys = append(alice.AccessKeys, directory.AccessKey{ID: k, Secret: directory.Protected{Key: secret.FromString("s")}})
	}
	c := new(directory.Change)
	c.Put(&directory.Account{ID: account})
	c.Put(alice)
	c.Put(&directory.Role{Account: account, Name: "r", ID: "AROA1", Trust: directory.NewDocument("{}")})
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return s
}

func tracker(d Directory) *Tracker { return New(d, slog.New(slog.DiscardHandler)) }

func byKey(id string) *identity.Caller {
	return &identity.Caller{Kind: identity.User, Account: account, AccessKeyID: id, PrincipalID: "AIDA1"}
}

func inSession(kind identity.Kind, principal string) *identity.Caller {
	return &identity.Caller{Kind: kind, Account: account, AccessKeyID: "ASIA1", PrincipalID: principal, Session: &identity.Session{}}
}

func show(u *directory.LastUse, ok bool) string {
	if !ok {
		return "never"
	}
	return fmt.Sprintf("%s %s %s", u.Time.Sub(start.Truncate(time.Second)), u.Service, u.Region)
}

func TestNotes(t *testing.T) {
	t.Parallel()
	type use struct {
		after           time.Duration
		service, region string
	}
	for _, tt := range []struct {
		name string
		uses []use
		want string
	}{
		{"the first", []use{{0, "sts", "us-east-1"}}, "0s sts us-east-1"},
		{"within the minute", []use{{0, "sts", "us-east-1"}, {59 * time.Second, "sts", "us-east-1"}}, "0s sts us-east-1"},
		{"after the minute", []use{{0, "sts", "us-east-1"}, {60 * time.Second, "sts", "us-east-1"}}, "1m0s sts us-east-1"},
		{"another service", []use{{0, "sts", "us-east-1"}, {2 * time.Second, "iam", "us-east-1"}}, "2s iam us-east-1"},
		{"another region", []use{{0, "sts", "us-east-1"}, {2 * time.Second, "sts", "eu-west-1"}}, "2s sts eu-west-1"},
		{"another service in the same second", []use{{0, "sts", "us-east-1"}, {time.Second / 8, "iam", "us-east-1"}}, "0s sts us-east-1"},
		{"a clock that jumps back", []use{{time.Hour, "sts", "us-east-1"}, {0, "iam", "us-east-1"}}, "1h0m0s sts us-east-1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tr, v := tracker(nil), directory.NewView(arn.AWS)
			for _, u := range tt.uses {
				tr.Note(byKey("AKIA1"), start.Add(u.after), u.service, u.region)
			}
			if got := show(tr.Last(v, account, "AKIA1")); got != tt.want {
				t.Errorf("last used %s, want %s", got, tt.want)
			}
		})
	}
}

// Of sessions those of roles count, for the role; a user's say nothing of a long-term key.
func TestWhoseUse(t *testing.T) {
	t.Parallel()
	tr, v := tracker(nil), directory.NewView(arn.AWS)
	tr.Note(inSession(identity.AssumedRole, "AROA1"), start, "sts", "r")
	tr.Note(inSession(identity.User, "AIDA1"), start, "sts", "r")
	tr.Note(inSession(identity.FederatedUser, "AIDA1"), start, "sts", "r")
	for id, want := range map[string]string{"AROA1": "0s sts r", "AIDA1": "never", "ASIA1": "never"} {
		if got := show(tr.Last(v, account, id)); got != want {
			t.Errorf("%s last used %s, want %s", id, got, want)
		}
	}
	if got := show(tr.Last(v, "444455556666", "AROA1")); got != "never" {
		t.Errorf("another account sees %s", got)
	}
}

func TestFlush(t *testing.T) {
	t.Parallel()
	keys := make([]string, 2*batch+1)
	for i := range keys {
		keys[i] = fmt.Sprintf("AKIA%04d", i)
	}
	s := opened(t, keys...)
	tr := tracker(s)
	for _, k := range keys {
		tr.Note(byKey(k), start, "sts", "r")
	}
	tr.Note(byKey("AKIADELETED"), start, "sts", "r")
	before := s.View().Revision()
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	written := s.View()
	for _, k := range keys {
		if got := show(written.LastUse(account, k)); got != "0s sts r" {
			t.Fatalf("%s last used %s", k, got)
		}
	}
	if got := written.Revision() - before; got != 3 {
		t.Errorf("%d transactions, want 3", got)
	}
	if _, ok := written.LastUse(account, "AKIADELETED"); ok {
		t.Error("the use of a key that is gone was written down")
	}
	// Nothing new, nothing written; and what is old is forgotten.
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.View().Revision() != written.Revision() {
		t.Error("what is written was written again")
	}
	tr.notes.Range(func(id, _ any) bool { t.Errorf("%v is still in memory", id); return true })
	if got := show(tr.Last(s.View(), account, keys[0])); got != "0s sts r" {
		t.Errorf("last used %s", got)
	}
	// A use that another node has written down later than this one stays.
	later := new(directory.Change)
	later.Overwrite(&directory.LastUse{Account: account, ID: keys[0], Time: start.Add(time.Hour).Truncate(time.Second), Service: "iam", Region: "r"})
	if err := s.Commit(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	tr.Note(byKey(keys[0]), start.Add(time.Minute), "sts", "r")
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := show(tr.Last(s.View(), account, keys[0])); got != "1h0m0s iam r" {
		t.Errorf("last used %s", got)
	}
}

// failing is a store that can be made to take nothing.
type failing struct {
	*store.Store
	err error
}

func (f *failing) Commit(ctx context.Context, c *directory.Change) error {
	if f.err != nil {
		return f.err
	}
	return f.Store.Commit(ctx, c)
}

// What the store cannot take is kept until it can.
func TestStoreThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	d := &failing{opened(t, "AKIA1"), store.ErrUnavailable}
	tr := tracker(d)
	tr.Note(byKey("AKIA1"), start, "sts", "r")
	if err := tr.Flush(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	if got := show(tr.Last(d.View(), account, "AKIA1")); got != "0s sts r" {
		t.Errorf("last used %s", got)
	}
	d.err = nil
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := show(d.View().LastUse(account, "AKIA1")); got != "0s sts r" {
		t.Errorf("last used %s", got)
	}
}

// What belongs to a key or role that is gone goes.
func TestSweep(t *testing.T) {
	t.Parallel()
	s := opened(t, "AKIA1")
	c := new(directory.Change)
	for _, id := range []string{"AKIA1", "AROA1", "AKIAGONE", "AROAGONE"} {
		c.Put(&directory.LastUse{Account: account, ID: id})
	}
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := tracker(s).sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	var left []string
	for u := range s.View().LastUses(account) {
		left = append(left, u.ID)
	}
	if got := strings.Join(left, " "); got != "AKIA1 AROA1" {
		t.Errorf("left are %s", got)
	}
}

// silent is a directory that shows a View and takes nothing.
type silent struct {
	view *directory.View
	err  error
}

func (s silent) View() *directory.View { return s.view }

func (s silent) Commit(context.Context, *directory.Change) error { return s.err }

func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		role := &directory.Role{Account: account, Name: "r", ID: "AROA1", Trust: directory.NewDocument("{}")}
		v := directory.NewView(arn.AWS).Apply(1, []directory.Event{{Key: role.Key(), Entity: role}})
		var log bytes.Buffer
		tr := New(silent{v, store.ErrUnavailable}, slog.New(slog.NewTextHandler(&log, nil)))
		tr.Note(inSession(identity.AssumedRole, "AROA1"), start, "sts", "r")
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { tr.Run(ctx) })
		time.Sleep(2*interval + time.Second)
		synctest.Wait()
		cancel()
		running.Wait()
		if n := strings.Count(log.String(), "not written down now"); n != 2 {
			t.Errorf("%d attempts failed, want 2: %s", n, log.String())
		}
	})
}

// Notes, answers and writing go on at once.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	s := opened(t, "AKIA1", "AKIA2")
	tr := tracker(s)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				id := fmt.Sprintf("AKIA%d", 1+i%2)
				tr.Note(byKey(id), start.Add(time.Duration(i)*time.Minute), "sts", fmt.Sprint(g))
				tr.Last(s.View(), account, id)
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			if err := tr.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"AKIA1", "AKIA2"} {
		if _, ok := s.View().LastUse(account, id); !ok {
			t.Errorf("no use of %s", id)
		}
	}
}

func BenchmarkNote(b *testing.B) {
	tr, c := tracker(nil), byKey("AKIAIOSFODNN7EXAMPLE")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			tr.Note(c, start, "sts", "us-east-1")
		}
	})
}
