package store

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/stint-sts/stint/internal/directory"
)

// confirmInterval is how often the store is asked whether the View is its newest state.
const confirmInterval = time.Second

// Age returns how long ago it was last certain that the View had everything that the store had: a linearizable read, which
// takes the majority of a cluster, saw no later revision. Its clock does not jump.
func (s *Store) Age() time.Duration { return time.Since(*s.confirmed.Load()) }

// confirmFrom notes that the View holds everything that was committed before an instant.
func (s *Store) confirmFrom(at time.Time) { s.confirmed.Store(&at) }

// attend confirms the View from time to time until ctx ends. Why it cannot be confirmed, follow tells.
func (s *Store) attend(ctx context.Context) {
	tick := time.NewTicker(confirmInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.confirm(ctx); err != nil {
				s.log.Debug("the age of the directory grows", "error", err)
			}
		}
	}
}

// confirm asks for the store's revision, and waits until the View shows it.
func (s *Store) confirm(ctx context.Context) error {
	begun := now()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := s.path(directory.Key{Account: directory.Global, Kind: kindRootKey, Name: rootKeyName})
	answer, err := s.client.Get(ctx, key, clientv3.WithKeysOnly())
	if err != nil {
		return fmt.Errorf("asking for the store's revision: %w", err)
	}
	if revision := answer.Header.Revision + s.base; s.View().Revision() < revision {
		// A change may be on its way; and changes of keys that are not Stint's come to no watch of it, but its progress tells.
		if err := s.client.RequestProgress(clientv3.WithRequireLeader(ctx)); err != nil {
			return fmt.Errorf("asking for the progress of the watch: %w", err)
		}
		if err := s.waitFor(ctx, revision); err != nil {
			return err
		}
	}
	s.confirmFrom(begun)
	return nil
}

// now begins the measurement of an age.
func now() time.Time { return time.Now() } //nolint:forbidigo // an age by the monotonic clock, no time of day
