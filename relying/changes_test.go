package relying_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/relying"
)

// watched is a stage whose verifier follows the stream until the test ends.
func watched(t *testing.T, alter func(*relying.Config)) (*stage, *directory.User, *directory.User) {
	t.Helper()
	s := newStage(t, alter)
	alice, bob := s.User(dt.A, "alice", dt.AllowAll), s.User(dt.A, "bob", dt.AllowAll)
	s.refresh()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.verifier.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return s, alice, bob
}

// until tries until the condition holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: never", what)
		}
	}
}

func (s *stage) get(c credential) error {
	s.t.Helper()
	_, err := s.verifier.Authenticate(s.received(c, http.MethodGet, "/b/k", ""))
	return err
}

// inactive is a copy of a user whose key is inactive.
func inactive(u *directory.User) *directory.User {
	c := *u
	c.AccessKeys = append([]directory.AccessKey(nil), u.AccessKeys...)
	c.AccessKeys[0].Status = directory.Inactive
	return &c
}

// With the stream an answer is good for longer than MaxAge, and void as soon as the stream says so; that of others stays.
func TestStreamVoids(t *testing.T) {
	t.Parallel()
	s, alice, bob := watched(t, func(c *relying.Config) { c.MaxAge = time.Second })
	a, b := long(alice.AccessKeys[0]), long(bob.AccessKeys[0])
	// The stream is there when an answer outlives MaxAge.
	until(t, "the stream", func() bool {
		if err := s.get(a); err != nil {
			t.Fatal(err)
		}
		before := s.asked.Load()
		s.at.Add(2)
		return s.get(a) == nil && s.asked.Load() == before
	})
	if err := s.get(b); err != nil {
		t.Fatal(err)
	}
	off := inactive(alice)
	s.move(directory.Event{Key: off.Key(), Entity: off})
	until(t, "the disabled key is refused", func() bool { return s.get(a) != nil })
	wantError(t, "the disabled key", s.get(a), "SignatureDoesNotMatch", mismatch, "Stint refuses")
	asked := s.asked.Load()
	if err := s.get(b); err != nil || s.asked.Load() != asked {
		t.Errorf("another user's: %v, asked %d times more", err, s.asked.Load()-asked)
	}
}

// An answer that was made before a change and arrives after it is not kept.
func TestLateAnswerIsVoid(t *testing.T) {
	t.Parallel()
	s, alice, bob := watched(t, func(c *relying.Config) { c.MaxAge = time.Second })
	until(t, "the stream", func() bool {
		_ = s.get(long(bob.AccessKeys[0]))
		before := s.asked.Load()
		s.at.Add(2)
		return s.get(long(bob.AccessKeys[0])) == nil && s.asked.Load() == before
	})
	off := inactive(alice)
	changed := false
	asked := s.asked.Load()
	s.before = func() { // the answer for alice is made: now comes the change, and bob's answer shows that it was told
		if changed {
			return
		}
		changed = true
		also := *bob
		s.move(directory.Event{Key: off.Key(), Entity: off}, directory.Event{Key: also.Key(), Entity: &also})
		so := s.asked.Load()
		until(t, "bob's answer is void", func() bool { return s.get(long(bob.AccessKeys[0])) == nil && s.asked.Load() > so })
	}
	wantError(t, "the disabled key", s.get(long(alice.AccessKeys[0])), "SignatureDoesNotMatch", mismatch, "Stint refuses")
	if n := s.asked.Load() - asked; n < 3 {
		t.Errorf("Stint was asked %d times", n)
	}
}

// Without the stream an answer is good for MaxAge, and while Stint cannot be reached for StaticStability more; then all is refused.
func TestAges(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stability time.Duration
		status    int64
		good, bad int64 // seconds
	}{
		"fails closed":            {0, http.StatusBadGateway, 60, 61},
		"static stability":        {10 * time.Minute, http.StatusBadGateway, 660, 661},
		"stability, but refused":  {10 * time.Minute, http.StatusForbidden, 60, 61},
		"stability, and throttle": {10 * time.Minute, http.StatusTooManyRequests, 660, 661},
	} {
		s := newStage(t, func(c *relying.Config) { c.StaticStability = tt.stability })
		alice := s.User(dt.A, "alice")
		s.refresh()
		c := long(alice.AccessKeys[0])
		if err := s.get(c); err != nil {
			t.Fatal(err)
		}
		begin := s.at.Load()
		s.broken.Store(tt.status)
		s.at.Store(begin + tt.good)
		if err := s.get(c); err != nil {
			t.Errorf("%s: after %d seconds: %v", name, tt.good, err)
		}
		s.at.Store(begin + tt.bad)
		wantError(t, name, s.get(c), "ServiceUnavailable", "", "Stint")
		s.broken.Store(0)
		if err := s.get(c); err != nil {
			t.Errorf("%s: Stint is back: %v", name, err)
		}
	}
}

// A revocation that could not be told is found out when MaxAge is over.
func TestRevokedWithoutStream(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	alice := s.User(dt.A, "alice")
	s.refresh()
	c := long(alice.AccessKeys[0])
	if err := s.get(c); err != nil {
		t.Fatal(err)
	}
	s.Put(inactive(alice))
	s.refresh()
	s.at.Add(60)
	if err := s.get(c); err != nil {
		t.Errorf("within MaxAge: %v", err)
	}
	s.at.Add(1)
	wantError(t, "after MaxAge", s.get(c), "SignatureDoesNotMatch", mismatch, "Stint refuses")
}
