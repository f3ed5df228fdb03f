package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/stint-sts/stint/internal/directory"
)

// errUnreadable is an event that cannot be read. The View must not go on without it, as it might be what forbids something,
// so all is loaded anew until it can be read.
var errUnreadable = errors.New("a change cannot be read")

const (
	firstPause = 50 * time.Millisecond
	lastPause  = 5 * time.Second
)

// follow keeps the View up with the store until ctx ends. It is the one writer of the View.
func (s *Store) follow(ctx context.Context) {
	pause := firstPause
	for {
		before := s.View().Revision()
		err := s.watch(ctx)
		if ctx.Err() == nil && (errors.Is(err, rpctypes.ErrCompacted) || errors.Is(err, errUnreadable)) {
			if err = errors.Join(err, s.reload(ctx)); s.View().Revision() > before {
				s.setLag(nil)
				continue
			}
		}
		if ctx.Err() != nil {
			return
		}
		if s.View().Revision() > before {
			pause = firstPause
		}
		s.setLag(fmt.Errorf("following the store: %w", err))
		s.log.Error("the directory does not follow the store", "error", err, "revision", before)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
			pause = min(2*pause, lastPause)
		}
	}
}

// watch applies changes from the View's revision on. etcd answers with whole revisions, and with its revision when nothing
// changed for a while.
func (s *Store) watch(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := s.client.Watch(clientv3.WithRequireLeader(ctx), s.prefix, clientv3.WithPrefix(),
		clientv3.WithRev(s.View().Revision()+1), clientv3.WithProgressNotify(), clientv3.WithCreatedNotify(), clientv3.WithFragment())
	for answer := range answers {
		if err := answer.Err(); err != nil {
			return err
		}
		if err := s.take(&answer); err != nil {
			return err
		}
		s.setLag(nil)
	}
	return errors.New("the watch ended")
}

func (s *Store) take(answer *clientv3.WatchResponse) error {
	revision := answer.Header.Revision
	if len(answer.Events) > 0 {
		// While a watch catches up, the header may be ahead of the events.
		revision = answer.Events[len(answer.Events)-1].Kv.ModRevision
	} else if !answer.IsProgressNotify() {
		return nil
	}
	if revision <= s.View().Revision() {
		return nil
	}
	events := make([]directory.Event, 0, len(answer.Events))
	for _, e := range answer.Events {
		event, ok, err := s.event(e.Kv, e.Type == mvccpb.Event_DELETE)
		if err != nil {
			return fmt.Errorf("%w: %w", errUnreadable, err)
		}
		if ok {
			events = append(events, event)
		}
	}
	s.show(s.View().Apply(revision, events), events)
	return nil
}

// show makes a View the current one, wakes whoever waits for it and tells the observers.
func (s *Store) show(v *directory.View, changes []directory.Event) {
	before := s.view.Swap(v)
	s.wake()
	s.tell(before, v, changes)
}

func (s *Store) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.moved)
	s.moved = make(chan struct{})
}

func (s *Store) setLag(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = err
}

// waitFor returns when the View shows a revision.
func (s *Store) waitFor(ctx context.Context, revision int64) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		s.mu.Lock()
		moved := s.moved
		s.mu.Unlock()
		if s.View().Revision() >= revision {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("%w: the change was stored, but this node does not see it yet", ErrUnavailable)
		case <-s.ended:
			return fmt.Errorf("%w: the change was stored, but the store is closed", ErrUnavailable)
		}
	}
}
