package store

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/stint-sts/stint/internal/directory"
)

// pageKeys is how many records are asked for at a time. An answer of etcd over the network has no limit of its own.
const pageKeys = 5_000

// reload replaces the View by all that the store has at one revision.
func (s *Store) reload(ctx context.Context) error {
	revision, pages, err := s.load(ctx)
	if err != nil {
		return err
	}
	total := 0
	for _, p := range pages {
		total += len(p)
	}
	events := make([]directory.Event, 0, total)
	for _, p := range pages {
		events = append(events, p...)
	}
	s.show(directory.NewView(s.partition, s.managed...).Apply(revision, events), nil)
	return nil
}

// load reads all records in pages, while all processors decode the pages that are there.
func (s *Store) load(ctx context.Context) (revision int64, pages [][]directory.Event, err error) {
	var (
		workers sync.WaitGroup
		mu      sync.Mutex // guards pages and failure
		failure error
		free    = make(chan struct{}, runtime.GOMAXPROCS(0))
	)
	err = s.eachPage(ctx, func(at int64, kvs []*mvccpb.KeyValue) {
		revision = at
		mu.Lock()
		i := len(pages)
		pages = append(pages, nil)
		mu.Unlock()
		free <- struct{}{}
		workers.Go(func() {
			defer func() { <-free }()
			events, err := s.decodePage(kvs)
			mu.Lock()
			defer mu.Unlock()
			pages[i] = events
			if err != nil && failure == nil {
				failure = err
			}
		})
	})
	workers.Wait()
	if err == nil {
		err = failure
	}
	if err != nil {
		return 0, nil, fmt.Errorf("loading the directory: %w", err)
	}
	return revision, pages, nil
}

// eachPage hands over every record of one revision.
func (s *Store) eachPage(ctx context.Context, take func(revision int64, kvs []*mvccpb.KeyValue)) error {
	from, end := s.prefix, clientv3.GetPrefixRangeEnd(s.prefix)
	var revision int64
	for {
		answer, err := s.client.Get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(pageKeys), clientv3.WithRev(revision))
		if err != nil {
			return err
		}
		if revision == 0 {
			revision = answer.Header.Revision
		}
		take(revision, answer.Kvs)
		if !answer.More {
			return nil
		}
		from = string(answer.Kvs[len(answer.Kvs)-1].Key) + "\x00"
	}
}

func (s *Store) decodePage(kvs []*mvccpb.KeyValue) ([]directory.Event, error) {
	events := make([]directory.Event, 0, len(kvs))
	for _, kv := range kvs {
		event, ok, err := s.event(kv, false)
		if err != nil {
			return nil, err
		}
		if ok {
			events = append(events, event)
		}
	}
	return events, nil
}

// event reads a record or its deletion; ok is false for the store's own kinds.
func (s *Store) event(kv *mvccpb.KeyValue, deleted bool) (event directory.Event, ok bool, err error) {
	key, err := directory.ParseKey(strings.TrimPrefix(string(kv.Key), s.prefix))
	if err != nil {
		return event, false, err
	}
	if key.Kind == kindSpent || key.Kind == kindRootKey {
		return event, false, nil
	}
	event.Key = key
	if !deleted {
		if event.Entity, err = s.vault.decode(key, kv.Value, kv.ModRevision); err != nil {
			return event, false, err
		}
	}
	return event, true, nil
}
