package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/stint-sts/stint/internal/directory"
)

var (
	// ErrNoNextRootKey is for a move without a root key to move to.
	ErrNoNextRootKey = errors.New("there is no other root key")
	// ErrNodesLack is for nodes that could not read what the move writes.
	ErrNodesLack = errors.New("there are nodes that do not have the next root key")
	// ErrAlreadyMoved is for a store that is under the next root key alone.
	ErrAlreadyMoved = errors.New("the store is under the next root key already")
)

// RootKeyStatus is a root key that the store has values under.
type RootKeyStatus struct {
	ID RootKeyID
	// Writes says that new values are under it. While the store is being moved, there is another.
	Writes bool
}

// RootKeys returns the root keys that the store has values under.
func (s *Store) RootKeys() []RootKeyStatus {
	var out []RootKeyStatus
	for i, c := range s.at.Load().ciphers {
		out = append(out, RootKeyStatus{c.id, i == 0})
	}
	return out
}

// rekeyBatch is how many records a transaction of a move writes: few, so that changes seldom meet it.
const rekeyBatch = 100

// Rekey moves everything that is under the root key to the next one, while all nodes go on, and reports progress, if it is not nil,
// as records done of those that were there. A move that was interrupted goes on where it was.
//
// It announces the next key, from when on no node starts without it, and makes sure that all nodes have it; has everybody write
// under it; writes anew what is left under the old one; and then has everybody refuse the old one. Each step is one change of the
// standing, which every writer's transaction depends on, so that nothing is ever written under a key that was left.
func (s *Store) Rekey(ctx context.Context, progress func(done, total int)) error {
	if err := s.rekey(ctx, progress); err != nil {
		return fmt.Errorf("moving to the next root key: %w", err)
	}
	return nil
}

func (s *Store) rekey(ctx context.Context, progress func(done, total int)) error {
	if len(s.vault.known) < 2 {
		return ErrNoNextRootKey
	}
	next := s.vault.known[1]
	for {
		at, _, err := s.findStanding(ctx)
		if err != nil {
			return err
		}
		if at == nil {
			return ErrRootKey
		}
		if err := at.whole(); err != nil {
			return err
		}
		switch {
		case len(at.ciphers) == 1 && at.writes().id == next.id && at.Format == currentFormat:
			return ErrAlreadyMoved
		case len(at.ciphers) == 1:
			err = s.setStanding(ctx, at, at.writes(), next)
		case at.writes().id != next.id:
			err = s.switchTo(ctx, at, next)
		default:
			return s.finish(ctx, at, next, progress)
		}
		if err != nil {
			return err
		}
	}
}

// setStanding changes which root keys the store has values under, and returns when this node knows it.
func (s *Store) setStanding(ctx context.Context, before *standing, ciphers ...*rootCipher) error {
	at := &standing{Format: currentFormat, Base: before.Base, ciphers: ciphers, revision: before.revision}
	if err := s.putStanding(ctx, at); err != nil {
		return err
	}
	return s.waitFor(ctx, at.revision+s.base)
}

// switchTo has everybody write under the next root key, if all nodes have it; else it takes the announcement back.
func (s *Store) switchTo(ctx context.Context, at *standing, next *rootCipher) error {
	nodes, err := s.Nodes(ctx)
	if err != nil {
		return err
	}
	var lacking []string
	for _, n := range nodes {
		if !n.has(next.id) {
			lacking = append(lacking, n.Name)
		}
	}
	if len(lacking) > 0 {
		err := fmt.Errorf("%w: %s", ErrNodesLack, strings.Join(lacking, "; "))
		return errors.Join(err, s.setStanding(ctx, at, at.writes()))
	}
	return s.setStanding(ctx, at, next, at.writes())
}

func (n *Node) has(id RootKeyID) bool {
	for _, known := range n.RootKeys {
		if known == id.String() {
			return true
		}
	}
	return false
}

// finish writes anew what is under the old root key until nothing is, and then drops it.
func (s *Store) finish(ctx context.Context, at *standing, next *rootCipher, progress func(done, total int)) error {
	done := 0
	for {
		_, revision, err := s.findStanding(ctx)
		if err != nil {
			return err
		}
		var left []*mvccpb.KeyValue
		all := 0
		err = s.eachPage(ctx, revision, func(kvs []*mvccpb.KeyValue) {
			for _, kv := range kvs {
				if !s.ofDirectory(kv) {
					continue
				}
				all++
				if !at.underFirst(kv.Value) {
					left = append(left, kv)
				}
			}
		})
		if err != nil {
			return err
		}
		if len(left) == 0 {
			return s.setStanding(ctx, at, next)
		}
		for len(left) > 0 {
			n := min(rekeyBatch, s.maxOps-1, len(left))
			if err := s.rewrite(ctx, at, left[:n]); err != nil {
				return err
			}
			left, done = left[n:], done+n
			if progress != nil {
				progress(min(done, all), all)
			}
		}
	}
}

// ofDirectory reports whether a record is of the directory; what is the store's own does not move.
func (s *Store) ofDirectory(kv *mvccpb.KeyValue) bool {
	key, err := directory.ParseKey(strings.TrimPrefix(string(kv.Key), s.prefix))
	return err == nil && key.Kind != kindSpent && key.Kind != kindGrant && key.Kind != kindRootKey
}

// rewrite writes records anew if they are as they were read; those that were changed meanwhile are under the next root key or met
// again. Each stays for as long as it was to.
func (s *Store) rewrite(ctx context.Context, at *standing, kvs []*mvccpb.KeyValue) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	guards := []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(s.standingPath()), "=", at.revision)}
	var puts []clientv3.Op
	for _, kv := range kvs {
		value, err := s.reseal(at, kv)
		if err != nil {
			return err
		}
		guards = append(guards, clientv3.Compare(clientv3.ModRevision(string(kv.Key)), "=", kv.ModRevision))
		puts = append(puts, clientv3.OpPut(string(kv.Key), value, clientv3.WithIgnoreLease()))
	}
	answer, err := s.client.Txn(ctx).If(guards...).Then(puts...).Else(clientv3.OpGet(s.standingPath())).Commit()
	if err != nil {
		return refusal("writing", err)
	}
	if answer.Succeeded {
		return nil
	}
	if now := answer.Responses[0].GetResponseRange().Kvs; len(now) == 0 || now[0].ModRevision != at.revision {
		return fmt.Errorf("%w: somebody else moves the store", ErrConflict)
	}
	if len(kvs) == 1 {
		return nil
	}
	return errors.Join(s.rewrite(ctx, at, kvs[:len(kvs)/2]), s.rewrite(ctx, at, kvs[len(kvs)/2:]))
}

// reseal returns the value of a record under the root key that new ones are written under.
func (s *Store) reseal(at *standing, kv *mvccpb.KeyValue) (string, error) {
	key, err := directory.ParseKey(strings.TrimPrefix(string(kv.Key), s.prefix))
	if err != nil {
		return "", err
	}
	e, err := s.vault.decode(at, key, kv.Value, kv.ModRevision+s.base)
	if err != nil {
		return "", err
	}
	if r, ok := e.(*directory.Revocation); ok {
		e = r.Rewritten()
	}
	value, err := s.vault.encode(at, e)
	return string(value), err
}
