package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/federation/oidc/oidctest"
	"github.com/stint-sts/stint/internal/identity"
)

// TestRotation: a token by a new key has the keys fetched anew, once the cool-down is over.
func TestRotation(t *testing.T) {
	t.Parallel()
	f := newFetching(t, "", nil)
	next := oidctest.NewKey(t, "k2", "ES256")
	for range 3 {
		if _, err := f.verify(f.token(f.key)); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.issuer.Fetches.Load(); n != 1 {
		t.Errorf("%d fetches for three tokens", n)
	}
	f.issuer.Rotate(f.key, next)
	_, err := f.verify(f.token(next))
	wantRefused(t, err, identity.InvalidIdentityToken, noKey, "the key set has no key for the token's kid and alg")
	f.clock = f.clock.Add(coolDown)
	if _, err := f.verify(f.token(next)); err != nil {
		t.Errorf("after the cool-down: %v", err)
	}
	if _, err := f.verify(f.token(f.key)); err != nil {
		t.Errorf("the old key, during the overlap: %v", err)
	}
	if n := f.issuer.Fetches.Load(); n != 2 {
		t.Errorf("%d fetches, want 2", n)
	}
	// Without kid, a key that does not verify may have been replaced.
	last := oidctest.NewKey(t, "", "ES256")
	f.issuer.Rotate(last)
	f.clock = f.clock.Add(coolDown)
	if _, err := f.verify(f.token(last)); err != nil {
		t.Errorf("without kid: %v", err)
	}
}

// TestWithdrawnKeys: advisory 79: a key that the issuer withdrew is taken for an hour at most.
func TestWithdrawnKeys(t *testing.T) {
	t.Parallel()
	f := newFetching(t, "", nil)
	if _, err := f.verify(f.token(f.key)); err != nil {
		t.Fatal(err)
	}
	f.issuer.Rotate(oidctest.NewKey(t, "k2", "ES256"))
	f.clock = f.clock.Add(freshFor - time.Second)
	if _, err := f.verify(f.token(f.key)); err != nil {
		t.Errorf("within the hour: %v", err)
	}
	f.clock = f.clock.Add(time.Second)
	_, err := f.verify(f.token(f.key))
	wantRefused(t, err, identity.InvalidIdentityToken, noKey, "the key set has no key for the token's kid and alg")
}

// TestIssuerDown: advisory 78: known keys go on verifying for a day, unknown ones do not, and the issuer is asked no more often
// than every half minute.
func TestIssuerDown(t *testing.T) {
	t.Parallel()
	f := newFetching(t, "", nil)
	if _, err := f.verify(f.token(f.key)); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	f.issuer.Handle(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(w, "down", http.StatusServiceUnavailable)
	})
	unknown := f.token(oidctest.NewKey(t, "k2", "ES256"))
	for ; f.clock.Before(now.Add(staleFor)); f.clock = f.clock.Add(time.Hour) {
		for range 5 {
			if _, err := f.verify(f.token(f.key)); err != nil {
				t.Fatalf("after %v: %v", f.clock.Sub(now), err)
			}
		}
		_, err := f.verify(unknown)
		wantRefused(t, err, identity.InvalidIdentityToken, noKey, "the key set has no key for the token's kid and alg")
	}
	_, err := f.verify(f.token(f.key))
	wantRefused(t, err, identity.InvalidIdentityToken, noKey, "the discovery document cannot be fetched")
	if n := asked.Load(); n > 25 {
		t.Errorf("the issuer was asked %d times in a day", n)
	}
	f.issuer.Handle(nil)
	_, err = f.verify(f.token(f.key))
	wantRefused(t, err, identity.InvalidIdentityToken, noKey, "the discovery document cannot be fetched") // remembered
	f.clock = f.clock.Add(coolDown)
	if _, err := f.verify(f.token(f.key)); err != nil {
		t.Errorf("the issuer is up again: %v", err)
	}
}

// TestStorm: advisory 78: ten thousand tokens with key ids of their own cost two fetches.
func TestStorm(t *testing.T) {
	t.Parallel()
	f := newFetching(t, "", nil)
	key := oidctest.NewKey(t, "", "ES256")
	view := f.builder.View()
	tokens := make(chan string)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for token := range tokens {
				_, err := f.verifier.Verify(t.Context(), view, Presented{Token: token, Account: dt.A, RoleARN: roleARN, Time: now})
				fault, ok := errors.AsType[*identity.Fault](err)
				if !ok || fault.Message != noKey {
					t.Errorf("got %v", err)
				}
			}
		})
	}
	for i := range 10_000 {
		key.ID = fmt.Sprint(i)
		tokens <- f.token(key)
	}
	close(tokens)
	wg.Wait()
	if n := f.issuer.Fetches.Load(); n > 2 {
		t.Errorf("%d fetches", n)
	}
	if _, err := f.verify(f.token(f.key)); err != nil {
		t.Errorf("control: %v", err)
	}
}

// TestSingleFlight: those who ask at once share a fetch, and who hangs up ends it for nobody.
func TestSingleFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fetches atomic.Int64
		want := new(keySet)
		release := make(chan struct{})
		c := newKeyCache(func(ctx context.Context, _ source) (*keySet, error) {
			fetches.Add(1)
			<-release
			return want, ctx.Err()
		}, time.Now, slog.New(slog.NewTextHandler(io.Discard, nil)))
		gone, hangUp := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := c.keys(gone, source{id: "p"}, nil)
			if err == nil || err.Error() != "the key set was not fetched in time" {
				t.Errorf("whoever hung up: %v", err)
			}
		})
		for range 50 {
			wg.Go(func() {
				if got, err := c.keys(t.Context(), source{id: "p"}, nil); err != nil || got != want {
					t.Errorf("got %p, %v", got, err)
				}
			})
		}
		synctest.Wait()
		hangUp()
		synctest.Wait()
		close(release)
		wg.Wait()
		if n := fetches.Load(); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

// TestWaitingIsBounded: the issuers of an account hold up so many requests and no more, and so do those of all accounts together.
func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := newKeyCache(func(context.Context, source) (*keySet, error) {
			<-release
			return new(keySet), nil
		}, time.Now, slog.New(slog.NewTextHandler(io.Discard, nil)))
		var wg sync.WaitGroup
		wait := func(account arn.AccountID) {
			for range accountWaiting {
				wg.Go(func() {
					if _, err := c.keys(t.Context(), source{id: "p" + string(account), account: account}, nil); err != nil {
						t.Errorf("%q: %v", account, err)
					}
				})
			}
			synctest.Wait()
			if _, err := c.keys(t.Context(), source{id: "p" + string(account), account: account}, nil); err == nil || err.Error() != "the key set was not fetched in time" {
				t.Fatalf("one too many for %q: %v", account, err)
			}
		}
		for i := range maxWaiting / accountWaiting {
			wait(arn.AccountID(fmt.Sprint(i)))
		}
		if _, err := c.keys(t.Context(), source{id: "other", account: dt.B}, nil); err == nil || err.Error() != "the key set was not fetched in time" {
			t.Fatalf("one too many of all: %v", err)
		}
		wait("")
		close(release)
		wg.Wait()
		if _, err := c.keys(t.Context(), source{id: "other", account: dt.B}, nil); err != nil || c.waiting != 0 || len(c.queues) != 0 {
			t.Errorf("afterwards: %v, %d wait", err, c.waiting)
		}
	})
}

// TestDownIssuerIsNotWaitedFor: once a fetch has failed, those who have keys do not wait for the next one.
func TestDownIssuerIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		answers := make(chan error, 1)
		c := newKeyCache(func(context.Context, source) (*keySet, error) {
			if err := <-answers; err != nil {
				time.Sleep(fetchTime)
				return nil, err
			}
			return new(keySet), nil
		}, time.Now, slog.New(slog.NewTextHandler(io.Discard, nil)))
		waited := func() time.Duration {
			began := time.Now()
			if _, err := c.keys(t.Context(), source{id: "p"}, nil); err != nil {
				t.Error(err)
			}
			return time.Since(began)
		}
		answers <- nil
		waited()
		time.Sleep(freshFor)
		answers <- down
		if got := waited(); got != fetchTime {
			t.Errorf("the first waits %v", got)
		}
		time.Sleep(coolDown)
		answers <- down
		if got := waited(); got != 0 {
			t.Errorf("another waits %v", got)
		}
		time.Sleep(fetchTime)
	})
}

// TestProvidersDoNotShareKeys: neither those of two accounts nor those of other thumbprints (advisories 41, 72).
func TestProvidersDoNotShareKeys(t *testing.T) {
	t.Parallel()
	f := newFetching(t, "", nil)
	f.provide(dt.B, f.issuer.URL, nil)
	verify := func(account arn.AccountID) error {
		_, err := f.verifier.Verify(t.Context(), f.builder.View(), Presented{Token: f.token(f.key), Account: account, RoleARN: roleARN, Time: now})
		return err
	}
	for range 2 {
		if err := errors.Join(verify(dt.A), verify(dt.B)); err != nil {
			t.Fatal(err)
		}
	}
	f.provide(dt.A, f.issuer.URL, func(p *directory.OIDCProvider) { p.Thumbprints = []string{f.issuer.Thumbprint()} })
	if err := verify(dt.A); err != nil {
		t.Fatal(err)
	}
	if n := f.issuer.Fetches.Load(); n != 3 {
		t.Errorf("%d fetches, want 3", n)
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	clock := now
	c := newKeyCache(func(context.Context, source) (*keySet, error) { return new(keySet), nil }, func() time.Time { return clock },
		slog.New(slog.NewTextHandler(io.Discard, nil)))
	for i := range maxEntries + 10 {
		clock = clock.Add(time.Second)
		if _, err := c.keys(t.Context(), source{id: fmt.Sprint(i)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	_, first := c.entries["0"]
	_, last := c.entries[fmt.Sprint(maxEntries+9)]
	if len(c.entries) != maxEntries || first || !last {
		t.Errorf("%d entries; the first is there: %t; the last: %t", len(c.entries), first, last)
	}
	var p pinnedSets
	jwk := oidctest.JSON(oidctest.NewKey(t, "k", "ES256").JWK())
	for i := range 3 * pinnedGeneration {
		if _, err := p.keys(fmt.Sprintf(`{"keys":[%s],"n":%d}`, jwk, i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.young)+len(p.old) > 2*pinnedGeneration {
		t.Errorf("%d pinned sets are kept", len(p.young)+len(p.old))
	}
}
