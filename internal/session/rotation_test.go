package session

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
	"github.com/stint-sts/stint/internal/store"
)

// clock is moved by hand.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(c.at.Load(), 0).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d / time.Second)) }
func (c *clock) set(t time.Time)         { c.at.Store(t.Unix()) }
func newClock(t time.Time) (c *clock)    { c = new(clock); c.set(t); return c }
func stateOf(v *directory.View, now time.Time) string {
	var b strings.Builder
	for _, s := range Status(v, now) {
		fmt.Fprintf(&b, "%d %s, ", s.Key.ID, s.State)
	}
	return strings.TrimSuffix(b.String(), ", ")
}

func openStore(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), RootKey: secret.FromString("0123456789abcdef0123456789abcdef"), Partition: arn.AWS})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func keeperOf(s *store.Store, c *clock, every time.Duration) *Keeper {
	return &Keeper{Directory: s, Now: c.now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler), Every: every}
}

const day = 24 * time.Hour

// TestKeeper: a key waits for a minute, seals, opens for as long as what it sealed may last, and goes.
func TestKeeper(t *testing.T) {
	t.Parallel()
	s, c := openStore(t), newClock(noon)
	k := keeperOf(s, c, 30*day)
	for _, step := range []struct {
		after time.Duration // since noon
		want  string
	}{
		{0, "1 sealing"}, // the only one does not wait
		{30*day - time.Second, "1 sealing"},
		{30 * day, "1 sealing, 2 waiting"},
		{30*day + settling - time.Second, "1 sealing, 2 waiting"},
		{30*day + settling, "1 opening, 2 sealing"},
		{30*day + settling + MaxLifetime + grace - time.Second, "1 opening, 2 sealing"},
		{30*day + settling + MaxLifetime + grace, "2 sealing"},
		{60 * day, "2 sealing, 3 waiting"},
		{90 * day, "3 sealing, 4 waiting"}, // nobody looked for a month
		{90*day + settling, "3 opening, 4 sealing"},
	} {
		c.set(noon.Add(step.after))
		k.Renew(t.Context())
		if got := stateOf(s.View(), c.now()); got != step.want {
			t.Errorf("after %v: %s, want %s", step.after, got, step.want)
		}
	}
	k.Every = 0
	c.advance(365 * day)
	k.Renew(t.Context())
	if got := stateOf(s.View(), c.now()); got != "4 sealing" {
		t.Errorf("without a schedule: %s", got)
	}
}

// A clock that jumps neither stops the rotation nor retires what is needed.
func TestKeeperWhenClocksJump(t *testing.T) {
	t.Parallel()
	s, c := openStore(t), newClock(noon)
	k := keeperOf(s, c, 30*day)
	k.Renew(t.Context())
	for _, step := range []struct {
		now  time.Time
		want string
	}{
		{noon.Add(400 * day), "1 sealing, 2 waiting"},           // a jump, whose key stays
		{noon.Add(day), "1 sealing, 2 waiting"},                 // and back
		{noon.Add(30 * day), "1 sealing, 3 waiting, 2 waiting"}, // the key from the future does not count
		{noon.Add(30*day - time.Hour), "1 sealing, 3 waiting, 2 waiting"},
		{noon.Add(30*day + time.Hour), "1 opening, 3 sealing, 2 waiting"},
	} {
		c.set(step.now)
		k.Renew(t.Context())
		if got := stateOf(s.View(), c.now()); got != step.want {
			t.Errorf("at %v: %s, want %s", step.now, got, step.want)
		}
	}
}

func TestRetire(t *testing.T) {
	t.Parallel()
	s, c := openStore(t), newClock(noon)
	keeperOf(s, c, day).Renew(t.Context())
	if _, err := Retire(s.View(), 1, c.now(), true); !errors.Is(err, ErrKeySeals) {
		t.Errorf("the only key: %v", err)
	}
	if _, err := Retire(s.View(), 7, c.now(), true); err == nil || !strings.Contains(err.Error(), "there is no such key") {
		t.Errorf("a key that is not there: %v", err)
	}
	c.advance(day)
	keeperOf(s, c, day).Renew(t.Context())
	for _, id := range []uint32{1, 2} {
		if _, err := Retire(s.View(), id, c.now(), false); !errors.Is(err, ErrKeyNeeded) {
			t.Errorf("key %d, which is needed: %v", id, err)
		}
	}
	sealer := NewSealer(rand.Reader, c.now)
	token, err := sealer.Seal(s.View(), testSession())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sealer.Open(s.View(), testSession().AccessKeyID, token); err != nil {
		t.Error(err)
	}
	// Both of the last two keys at once: one stays.
	one, err := Retire(s.View(), 1, c.now(), true)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Retire(s.View(), 2, c.now(), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), two); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the last key: %v", err)
	}
	if _, err := sealer.Open(s.View(), testSession().AccessKeyID, token); !errors.Is(err, ErrInvalid) {
		t.Errorf("a token of a retired key: %v", err)
	}
	if _, err := sealer.Seal(s.View(), testSession()); err != nil {
		t.Errorf("the key that is left does not seal: %v", err)
	}
}

// Two nodes that find the same key due make one.
func TestKeepersAgree(t *testing.T) {
	t.Parallel()
	s, c := openStore(t), newClock(noon)
	v := s.View()
	for range 2 {
		change, err := Rotate(v, c.now(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), change); err != nil && !errors.Is(err, store.ErrConflict) {
			t.Fatal(err)
		}
	}
	if got := stateOf(s.View(), c.now()); got != "1 sealing" {
		t.Errorf("the ring is %s", got)
	}
}

// TestRotationUnderLoad: while keys come and go every few milliseconds, every token opens for as long as a session may last, and
// none whose key was retired.
func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	s, c := openStore(t), newClock(noon)
	k := keeperOf(s, c, time.Hour)
	k.Renew(t.Context())
	sealer := NewSealer(rand.Reader, c.now)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	type kept struct {
		token  string
		issued time.Time
	}
	var (
		workers               sync.WaitGroup
		sealed, opened, ended atomic.Int64
		sess                  = testSession()
	)
	for range 4 {
		workers.Go(func() {
			var tokens []kept
			for i := 0; ctx.Err() == nil; i++ {
				issued := c.now() // before the View, which may be old when it is used
				token, err := sealer.Seal(s.View(), sess)
				if err != nil {
					t.Errorf("sealing: %v", err)
					return
				}
				sealed.Add(1)
				if len(tokens) < 100 {
					tokens = append(tokens, kept{token, issued})
				}
				at := i % min(len(tokens), 100)
				old := tokens[at]
				v := s.View()
				_, err = sealer.Open(v, sess.AccessKeyID, old.token)
				if age := c.now().Sub(old.issued); err != nil && age <= MaxLifetime {
					t.Errorf("refused a token %v old: %v", age, err)
					return
				}
				raw, _ := base64.StdEncoding.DecodeString(old.token)
				if _, there := v.SealingKey(binary.BigEndian.Uint32(raw[2:])); there == (err != nil) {
					t.Errorf("the key is there: %v, opening says %v", there, err)
					return
				}
				if err == nil {
					opened.Add(1)
				} else {
					ended.Add(1)
					tokens[at] = kept{token, issued}
				}
			}
		})
	}
	const rotations = 60
	for range rotations {
		c.advance(time.Hour)
		k.Renew(t.Context())
	}
	stop()
	workers.Wait()
	ring := len(Status(s.View(), c.now()))
	t.Logf("%d rotations, %d sealed, %d opened, %d refused after retirement, %d keys at the end", rotations, sealed.Load(), opened.Load(), ended.Load(), ring)
	if _, there := s.View().SealingKey(rotations); !there || ring < 36 || ring > 42 {
		t.Errorf("the ring has %d keys", ring)
	}
	if sealed.Load() == 0 || opened.Load() == 0 || ended.Load() == 0 {
		t.Error("something never happened")
	}
}
