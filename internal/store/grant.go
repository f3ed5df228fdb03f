package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/stint-sts/stint/internal/directory"
)

// maxGrant is the longest value of a grant in bytes.
const maxGrant = 64 << 10

var errGrant = fmt.Errorf("keeping a grant: an id cannot be empty, a value not longer than %d bytes, nor be kept for less than a second", maxGrant)

// KeepGrant keeps a value under an id, on all nodes and across restarts, until it is taken or keep is over. It is ErrConflict if
// there is one. Values are sealed and bound to their id, so that whoever holds the data without the root key can neither read
// them nor exchange one for another. After any other error than ErrConflict the value may or may not be there.
func (s *Store) KeepGrant(ctx context.Context, id string, value []byte, keep time.Duration) error {
	const doing = "keeping a grant"
	if id == "" || len(value) > maxGrant || keep < time.Second {
		return errGrant
	}
	if err := s.broken(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := grantKey(id)
	sealed, err := s.sealGrant(key, value)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	lease, err := s.client.Grant(ctx, int64(keep/time.Second))
	if err != nil {
		return refusal(doing, err)
	}
	answer, err := s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(s.path(key)), "=", 0)).
		Then(clientv3.OpPut(s.path(key), string(sealed), clientv3.WithLease(lease.ID))).
		Commit()
	if err != nil {
		return refusal(doing, err)
	}
	if answer.Succeeded {
		return nil
	}
	// A lease that nothing has ends by itself, later.
	_, _ = s.client.Revoke(ctx, lease.ID)
	return fmt.Errorf("%s: %w", doing, ErrConflict)
}

// ReadGrant returns the value under an id and its revision, for ReplaceGrant. It is ErrSpent if there is none.
func (s *Store) ReadGrant(ctx context.Context, id string) (value []byte, revision int64, err error) {
	const doing = "reading a grant"
	if err := s.broken(); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", doing, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := grantKey(id)
	found, err := s.client.Get(ctx, s.path(key))
	if err != nil {
		return nil, 0, refusal(doing, err)
	}
	if len(found.Kvs) == 0 {
		return nil, 0, ErrSpent
	}
	value, err = s.openGrant(key, found.Kvs[0].Value)
	return value, found.Kvs[0].ModRevision, err
}

// ReplaceGrant puts another value in the place of the one with the revision, to be kept as long. It is ErrConflict if that one is
// not there any more. After any other error it may or may not have happened.
func (s *Store) ReplaceGrant(ctx context.Context, id string, revision int64, value []byte) error {
	const doing = "replacing a grant"
	if len(value) > maxGrant {
		return errGrant
	}
	if err := s.broken(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := grantKey(id)
	sealed, err := s.sealGrant(key, value)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	answer, err := s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.ModRevision(s.path(key)), "=", revision)).
		Then(clientv3.OpPut(s.path(key), string(sealed), clientv3.WithIgnoreLease())).
		Commit()
	if err != nil {
		return refusal(doing, err)
	}
	if !answer.Succeeded {
		return fmt.Errorf("%s: %w", doing, ErrConflict)
	}
	return nil
}

// TakeGrant removes the value under an id and returns it. Of any number of calls only one succeeds; the others are ErrSpent. After
// any other error the value counts as taken.
func (s *Store) TakeGrant(ctx context.Context, id string) ([]byte, error) {
	const doing = "taking a grant"
	if err := s.broken(); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := grantKey(id)
	answer, err := s.client.Delete(ctx, s.path(key), clientv3.WithPrevKV())
	if err != nil {
		return nil, refusal(doing, err)
	}
	if len(answer.PrevKvs) == 0 {
		return nil, ErrSpent
	}
	return s.openGrant(key, answer.PrevKvs[0].Value)
}

// grantKey is where a grant is kept. It is of no account: a device that asks for one has none yet.
func grantKey(id string) directory.Key {
	return directory.Key{Account: directory.Global, Kind: kindGrant, Name: id}
}

func grantPurpose(key directory.Key) string { return "grant\x00" + key.String() }

// sealGrant puts the id of the root key in front, by which openGrant finds it: a grant outlives a move to another root key, which it
// is no part of.
func (s *Store) sealGrant(key directory.Key, value []byte) ([]byte, error) {
	c := s.at.Load().writes()
	sealed, err := c.seal(grantPurpose(key), value, s.vault.random)
	return slices.Concat(c.id[:], sealed), err
}

func (s *Store) openGrant(key directory.Key, sealed []byte) ([]byte, error) {
	if len(sealed) < rootIDLength {
		return nil, fmt.Errorf("opening a grant: %w", ErrDamaged)
	}
	c, ok := s.vault.cipher(RootKeyID(sealed[:rootIDLength]))
	if !ok {
		return nil, fmt.Errorf("opening a grant: %w", ErrDamaged)
	}
	value, err := c.open(grantPurpose(key), sealed[rootIDLength:])
	if errors.Is(err, errSealed) {
		return nil, fmt.Errorf("opening a grant: %w", ErrDamaged)
	}
	return value, err
}
