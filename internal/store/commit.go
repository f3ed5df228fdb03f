package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/stint-sts/stint/internal/directory"
)

// The limits of a transaction: those that the embedded member is given, and those that etcd has unless told otherwise.
const (
	memberTxnOps        = 8192
	memberRequestBytes  = 16 << 20
	clusterTxnOps       = 128
	clusterRequestBytes = 1 << 20
	// batchBytes bounds a transaction of CommitAll, since each stays in memory until the log is cut.
	batchBytes = 512 << 10
	batchOps   = 1000
)

// Commit makes a change whole or not at all, and returns when View shows it. The errors are ErrConflict and ErrUnavailable.
func (s *Store) Commit(ctx context.Context, c *directory.Change) error {
	for {
		err := s.commitOnce(ctx, c)
		if !errors.Is(err, errMoved) {
			return err
		}
	}
}

// errMoved is for a transaction that was made while the store stood otherwise. When it is returned, the store is known as it is.
var errMoved = errors.New("the store has been moved to another root key meanwhile")

func (s *Store) commitOnce(ctx context.Context, c *directory.Change) error {
	t := newTransaction(s)
	for key, revision := range c.Guards {
		t.guard(key, revision)
	}
	for _, r := range c.Frozen {
		t.freeze(r)
	}
	for _, w := range c.Writes {
		if err := t.write(w); err != nil {
			return fmt.Errorf("committing: %w", err)
		}
	}
	if len(t.conditions) > s.maxOps || len(t.writes) > s.maxOps || t.bytes > s.maxBytes {
		return fmt.Errorf("committing: the change is too large for one transaction: %d conditions, %d writes, %d bytes",
			len(t.conditions), len(t.writes), t.bytes)
	}
	revision, err := t.commit(ctx)
	if err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	if len(t.writes) == 0 {
		return nil
	}
	return s.waitFor(ctx, revision)
}

// transaction gathers the conditions and writes of one etcd transaction.
type transaction struct {
	store      *Store
	at         *standing
	conditions []clientv3.Cmp
	writes     []pending
	keys       map[directory.Key]bool
	bytes      int
}

type pending struct {
	op  clientv3.Op
	key string
	// value and ttl are for a write that lasts a while: its lease is granted when the transaction begins.
	value string
	ttl   time.Duration
}

func newTransaction(s *Store) *transaction {
	at := s.at.Load()
	return &transaction{
		store: s, at: at, keys: make(map[directory.Key]bool),
		conditions: []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(s.standingPath()), "=", at.revision)},
	}
}

// guard requires a key to be at a revision; an absent key is at 0.
func (t *transaction) guard(key directory.Key, revision int64) {
	if revision > 0 {
		revision -= t.store.base
	}
	t.conditions = append(t.conditions, clientv3.Compare(clientv3.ModRevision(t.store.path(key)), "=", revision))
	t.bytes += len(key.Name) + 64
}

func (t *transaction) freeze(r directory.Range) {
	prefix := t.store.path(directory.Key{Account: r.Account, Kind: r.Kind})
	t.conditions = append(t.conditions, clientv3.Compare(clientv3.ModRevision(prefix).WithPrefix(), "<", r.Revision-t.store.base+1))
}

func (t *transaction) write(w directory.Write) error {
	if t.keys[w.Key] {
		return fmt.Errorf("%s is written twice", w.Key)
	}
	t.keys[w.Key] = true
	path := t.store.path(w.Key)
	if w.Entity == nil {
		t.add(pending{op: clientv3.OpDelete(path), key: path})
		return nil
	}
	value, err := t.store.vault.encode(t.at, w.Entity)
	if err != nil {
		return err
	}
	t.add(pending{op: clientv3.OpPut(path, string(value)), key: path, value: string(value), ttl: w.TTL})
	return nil
}

func (t *transaction) add(p pending) {
	t.writes = append(t.writes, p)
	t.bytes += len(p.key) + len(p.value) + 16
}

// commit returns the revision of the writes.
func (t *transaction) commit(ctx context.Context) (int64, error) {
	if err := t.store.broken(); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	operations := make([]clientv3.Op, len(t.writes))
	var leases []clientv3.LeaseID
	for i, w := range t.writes {
		operations[i] = w.op
		if w.ttl > 0 {
			lease, err := t.store.client.Grant(ctx, int64(math.Ceil(w.ttl.Seconds())))
			if err != nil {
				t.store.revoke(leases)
				return 0, fmt.Errorf("granting a lease: %w: %w", ErrUnavailable, err)
			}
			leases = append(leases, lease.ID)
			operations[i] = clientv3.OpPut(w.key, w.value, clientv3.WithLease(lease.ID))
		}
	}
	standing := t.store.standingPath()
	answer, err := t.store.client.Txn(ctx).If(t.conditions...).Then(operations...).Else(clientv3.OpGet(standing)).Commit()
	if err != nil {
		return 0, refusal("writing", err)
	}
	if answer.Succeeded {
		return answer.Header.Revision + t.store.base, nil
	}
	t.store.revoke(leases)
	kvs := answer.Responses[0].GetResponseRange().Kvs
	if len(kvs) == 0 || kvs[0].ModRevision == t.at.revision {
		return 0, ErrConflict
	}
	if err := t.store.waitFor(ctx, kvs[0].ModRevision+t.store.base); err != nil {
		return 0, err
	}
	return 0, errMoved
}

// revoke gives back leases of a transaction that did not happen. One that cannot be given back ends by itself.
func (s *Store) revoke(leases []clientv3.LeaseID) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, id := range leases {
		if _, err := s.client.Revoke(ctx, id); err != nil {
			s.log.Debug("a lease was left to end by itself", "error", err)
		}
	}
}

// CommitAll makes a change of any size, in its order, in as many transactions as it takes, and returns when View shows all of
// it. Each transaction is whole, and the change holds as long as nobody else interferes: what stands of it when an error
// ends it half way is said in the error, and deriving the change anew does the rest. progress, if not nil, is told after
// each transaction how many writes are done.
func (s *Store) CommitAll(ctx context.Context, c *directory.Change, progress func(done, total int)) error {
	rest := c.Writes
	frozen := append([]directory.Range(nil), c.Frozen...)
	first := true
	var revision int64
	for first || len(rest) > 0 {
		t := newTransaction(s)
		for _, r := range frozen {
			t.freeze(r)
		}
		if first {
			t.guardUnwritten(c)
		}
		n, err := t.fill(rest, c.Guards)
		if err == nil {
			revision, err = t.commit(ctx)
		}
		if errors.Is(err, errMoved) {
			continue
		}
		if err != nil {
			return fmt.Errorf("committing: %w (%d of %d writes were made)", err, len(c.Writes)-len(rest), len(c.Writes))
		}
		// What is frozen was so until this transaction, and must be from it on.
		for i := range frozen {
			frozen[i].Revision = revision
		}
		rest, first = rest[n:], false
		if progress != nil {
			progress(len(c.Writes)-len(rest), len(c.Writes))
		}
	}
	if len(c.Writes) == 0 {
		return nil
	}
	return s.waitFor(ctx, revision)
}

// guardUnwritten adds what the change depends on without writing it.
func (t *transaction) guardUnwritten(c *directory.Change) {
	written := make(map[directory.Key]bool, len(c.Writes))
	for _, w := range c.Writes {
		written[w.Key] = true
	}
	for key, revision := range c.Guards {
		if !written[key] {
			t.guard(key, revision)
		}
	}
}

// fill takes as many writes as fit, at least one, each with its guard.
func (t *transaction) fill(writes []directory.Write, guards map[directory.Key]int64) (int, error) {
	ops, bytes := min(batchOps, t.store.maxOps), min(batchBytes, t.store.maxBytes)
	for i, w := range writes {
		if i > 0 && (len(t.writes) >= ops || len(t.conditions) >= ops || t.bytes >= bytes/2) {
			return i, nil
		}
		if revision, ok := guards[w.Key]; ok {
			t.guard(w.Key, revision)
		}
		if err := t.write(w); err != nil {
			return 0, err
		}
	}
	return len(writes), nil
}
