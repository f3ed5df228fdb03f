package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/stint-sts/stint/internal/directory"
)

var (
	// ErrNotEmpty refuses to restore into a store that has something.
	ErrNotEmpty = errors.New("the store is not empty")
	// ErrInUse refuses to restore under nodes that run.
	ErrInUse = errors.New("there are nodes that have the store open")
)

// restoreEpoch is by how much revisions jump when a backup is restored. The store that was lost went on after the backup, and
// sessions were issued at its revisions: what is revoked from now on must come after them. No store makes as many changes between a
// backup and its restoration.
const restoreEpoch = 1 << 32

// Restoration says how a backup is restored.
type Restoration struct {
	// Replace gives up what the store holds.
	Replace bool
	// Alter, if not nil, is given every entity, and returns what is to be restored in its place; nil leaves it out.
	Alter func(directory.Entity) directory.Entity
	// Add is restored besides.
	Add []directory.Entity
}

// Restore fills a store from a backup, under the root key of the options. Until it has ended no node starts; if it was interrupted,
// doing it again begins anew. Revisions go on above those of the backup, and revocations void what they voided.
func Restore(ctx context.Context, o Options, b *Backup, how Restoration) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("restoring: %w", err)
		}
	}()
	s, err := newStore(o)
	if err != nil {
		return err
	}
	records, err := b.prepare(how)
	if err != nil {
		return err
	}
	if err := s.connect(ctx, o, nil); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.disconnect()) }()
	at, err := s.beginRestoration(ctx, b, how.Replace)
	if err != nil {
		return err
	}
	if err := s.wipe(ctx); err != nil {
		return err
	}
	if err := s.fillFrom(ctx, at, records); err != nil {
		return err
	}
	at.Restoring = false
	return s.putStanding(ctx, at)
}

// prepare returns what is to be restored.
func (b *Backup) prepare(how Restoration) ([]restored, error) {
	records := make([]restored, 0, len(b.records)+len(how.Add))
	for _, r := range b.records {
		e, err := b.entity(r)
		if err != nil {
			return nil, err
		}
		if e != nil && how.Alter != nil {
			if e = how.Alter(e); e == nil {
				continue
			}
		}
		records = append(records, restored{r.key, e, r.value, r.ttl})
	}
	for _, e := range how.Add {
		records = append(records, restored{key: e.Key(), entity: e})
	}
	return records, nil
}

// restored is an entity that is to be restored, or a spent code as it is.
type restored struct {
	key    directory.Key
	entity directory.Entity
	value  []byte
	ttl    time.Duration
}

// beginRestoration claims the store.
func (s *Store) beginRestoration(ctx context.Context, b *Backup, replace bool) (*standing, error) {
	before, revision, err := s.findStanding(ctx)
	if err != nil {
		return nil, err
	}
	at := &standing{Format: currentFormat, Restoring: true, ciphers: s.vault.known[:1]}
	reached := b.Revision
	if before == nil {
		found, err := s.client.Get(ctx, s.prefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
		if err != nil {
			return nil, err
		}
		if found.Count > 0 {
			return nil, ErrNotEmpty
		}
	} else {
		if !replace && !before.Restoring {
			return nil, ErrNotEmpty
		}
		at.revision = before.revision
		reached = max(reached, revision+before.Base)
		if err := s.unused(ctx); err != nil {
			return nil, err
		}
	}
	at.Base = reached + restoreEpoch - revision
	if err := s.putStanding(ctx, at); err != nil {
		return nil, err
	}
	if err := s.unused(ctx); err != nil { // a node that starts sees the standing after having made itself known
		if before != nil {
			_, undone := s.writeStanding(ctx, at.revision, before.value)
			err = errors.Join(err, undone)
		}
		return nil, err
	}
	return at, nil
}

// unused reports the nodes that have the store open. A data directory is open to this process alone.
func (s *Store) unused(ctx context.Context) error {
	if s.member != nil {
		return nil
	}
	nodes, err := s.Nodes(ctx)
	if err != nil || len(nodes) == 0 {
		return err
	}
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = n.Name
	}
	return fmt.Errorf("%w: %s", ErrInUse, strings.Join(names, "; "))
}

// wipe deletes everything but how the store stands.
func (s *Store) wipe(ctx context.Context) error {
	key := s.standingPath()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := s.client.Txn(ctx).Then(
		clientv3.OpDelete(s.prefix, clientv3.WithRange(key)),
		clientv3.OpDelete(key+"\x00", clientv3.WithRange(clientv3.GetPrefixRangeEnd(s.prefix))),
	).Commit()
	if err != nil {
		return refusal("emptying the store", err)
	}
	return nil
}

// fillFrom writes records in batches.
func (s *Store) fillFrom(ctx context.Context, at *standing, records []restored) error {
	var puts []clientv3.Op
	bytes := 0
	flush := func() error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		answer, err := s.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(s.standingPath()), "=", at.revision)).Then(puts...).Commit()
		if err != nil {
			return refusal("writing", err)
		}
		if !answer.Succeeded {
			return fmt.Errorf("%w: somebody else moves or restores the store", ErrConflict)
		}
		puts, bytes = nil, 0
		return nil
	}
	for _, r := range records {
		value := r.value
		if r.entity != nil {
			var err error
			if value, err = s.vault.encode(at, r.entity); err != nil {
				return err
			}
		}
		if len(puts) > 0 && (len(puts) >= min(batchOps, s.maxOps) || bytes+len(value) > min(batchBytes, s.maxBytes/2)) {
			if err := flush(); err != nil {
				return err
			}
		}
		var lease []clientv3.OpOption
		if r.ttl > 0 {
			granted, err := s.client.Grant(ctx, int64(r.ttl/time.Second))
			if err != nil {
				return refusal("granting a lease", err)
			}
			lease = append(lease, clientv3.WithLease(granted.ID))
		}
		puts = append(puts, clientv3.OpPut(s.path(r.key), string(value), lease...))
		bytes += len(value) + len(r.key.Name) + 64
	}
	if len(puts) == 0 {
		return nil
	}
	return flush()
}
