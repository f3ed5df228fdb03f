package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/stint-sts/stint/internal/directory"
)

// The store's own kinds, which are not of the directory.
const (
	kindRootKey directory.Kind = "root-key"
	kindSpent   directory.Kind = "spent"
	kindGrant   directory.Kind = "grant"
)

// The formats of a store. A build reads its own and the one before, writes a store in the format that it has, and refuses later
// ones before it touches anything.
const (
	// bareFormat has no more than one root key, whose check is all that stands of it.
	bareFormat = 1
	// namedFormat has the standing, and the id of its root key in each value.
	namedFormat = 2

	currentFormat = namedFormat
)

const (
	checkPurpose = "root key check"
	rootKeyName  = "check"
)

// standing is how the store stands: its format, and which root keys its values are under. Every transaction holds only if it is
// still as the writer knew it, so that none is under a root key that was left.
type standing struct {
	Format int `json:"format"`
	// Keys are the root keys that values may be under. New ones are under the first.
	Keys []standingKey `json:"keys"`
	// Base is added to etcd's revisions, so that they go on where those of the store that was restored ended.
	Base int64 `json:"base,omitempty"`
	// Restoring is set while a backup is being restored.
	Restoring bool `json:"restoring,omitempty"`

	revision int64         // etcd's of the record, 0 before it was written
	value    string        // of the record, if it was read
	ciphers  []*rootCipher // of Keys, in their order; the first is always there
}

// standingKey is a root key with a value to check it by: the partition, sealed.
type standingKey struct {
	ID    string `json:"id"`
	Check []byte `json:"check"`
}

// writes is the root key that new values are under.
func (at *standing) writes() *rootCipher { return at.ciphers[0] }

// purpose binds a check to everything else that stands in the record.
func (at *standing) purpose() string {
	ids := make([]string, len(at.Keys))
	for i, k := range at.Keys {
		ids[i] = k.ID
	}
	return fmt.Sprintf("%s\x00%d %d %t %q", checkPurpose, at.Format, at.Base, at.Restoring, ids)
}

func (s *Store) standingPath() string {
	return s.path(directory.Key{Account: directory.Global, Kind: kindRootKey, Name: rootKeyName})
}

// record returns the value of a standing, with fresh checks.
func (s *Store) record(at *standing) (string, error) {
	at.Keys = nil
	for _, c := range at.ciphers {
		at.Keys = append(at.Keys, standingKey{ID: c.id.String()})
	}
	for i, c := range at.ciphers {
		check, err := c.seal(at.purpose(), []byte(s.partition), s.vault.random)
		if err != nil {
			return "", err
		}
		at.Keys[i].Check = check
	}
	b, err := json.Marshal(at)
	if err != nil {
		return "", fmt.Errorf("encoding how the store stands: %w", err)
	}
	return string(append([]byte{namedValue}, b...)), nil
}

// readStanding reads what record wrote, or the check of a store of format 1. A root key that this process does not have is left
// out of the ciphers, unless it is the one that is written under.
func (s *Store) readStanding(kv *mvccpb.KeyValue) (*standing, error) {
	if len(kv.Value) == 0 || kv.Value[0] != namedValue {
		return s.readBareCheck(kv)
	}
	var later struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(kv.Value[1:], &later); err == nil && later.Format > currentFormat {
		return nil, fmt.Errorf("%w: it has format %d, and this build reads %d and %d", ErrFormat, later.Format, bareFormat, currentFormat)
	}
	at := &standing{revision: kv.ModRevision, value: string(kv.Value)}
	if err := json.Unmarshal(kv.Value[1:], at); err != nil {
		return nil, fmt.Errorf("%w: how the store stands cannot be read", ErrDamaged)
	}
	for i, k := range at.Keys {
		c, known := s.knownCipher(k.ID)
		if !known && i == 0 {
			return nil, ErrRootKey
		}
		if !known {
			continue
		}
		if err := s.check(c, at.purpose(), k.Check); err != nil {
			return nil, err
		}
		at.ciphers = append(at.ciphers, c)
	}
	if len(at.ciphers) == 0 || at.Format != namedFormat {
		return nil, fmt.Errorf("%w: how the store stands cannot be read", ErrDamaged)
	}
	return at, nil
}

func (s *Store) knownCipher(id string) (*rootCipher, bool) {
	i := slices.IndexFunc(s.vault.known, func(c *rootCipher) bool { return c.id.String() == id })
	if i < 0 {
		return nil, false
	}
	return s.vault.known[i], true
}

func (s *Store) check(c *rootCipher, purpose string, sealed []byte) error {
	partition, err := c.open(purpose, sealed)
	if err != nil {
		return ErrRootKey
	}
	if string(partition) != string(s.partition) {
		return fmt.Errorf("the store was begun with partition %q, not %q", partition, s.partition)
	}
	return nil
}

func (s *Store) readBareCheck(kv *mvccpb.KeyValue) (*standing, error) {
	err := ErrRootKey
	for _, c := range s.vault.known {
		if err = s.check(c, checkPurpose, kv.Value); err == nil {
			return &standing{Format: bareFormat, revision: kv.ModRevision, value: string(kv.Value), ciphers: []*rootCipher{c}}, nil
		}
	}
	return nil, err
}

// whole refuses a standing that this process cannot read all values of, or that is no store yet.
func (at *standing) whole() error {
	if at.Restoring {
		return ErrRestoring
	}
	if len(at.ciphers) < len(at.Keys) {
		return fmt.Errorf("%w: it is being moved from one root key to another, and both must be configured", ErrRootKey)
	}
	return nil
}

// findStanding returns how the store stands, or nil if nothing was ever written, together with the revision of that.
func (s *Store) findStanding(ctx context.Context) (at *standing, revision int64, err error) {
	found, err := s.client.Get(ctx, s.standingPath())
	if err != nil {
		return nil, 0, err
	}
	if len(found.Kvs) > 0 {
		at, err = s.readStanding(found.Kvs[0])
	}
	return at, found.Header.Revision, err
}

// checkRootKey reads how the store stands, or writes it if this is the first start: one in which there is nothing else yet.
func (s *Store) checkRootKey(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	at, _, err := s.findStanding(ctx)
	if err == nil && at == nil {
		at, err = s.writeFirstStanding(ctx)
	}
	if err == nil {
		err = at.whole()
	}
	if err != nil {
		return fmt.Errorf("checking the root key: %w", err)
	}
	s.base = at.Base
	s.at.Store(at)
	return nil
}

// writeFirstStanding is for the first start. Another node may begin at the same moment, with the same root key or not.
func (s *Store) writeFirstStanding(ctx context.Context) (*standing, error) {
	at := &standing{Format: currentFormat, ciphers: s.vault.known[:1]}
	value, err := s.record(at)
	if err != nil {
		return nil, err
	}
	key := s.standingPath()
	answer, err := s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(s.prefix).WithPrefix(), "=", 0)).
		Then(clientv3.OpPut(key, value)).
		Else(clientv3.OpGet(key)).
		Commit()
	if err != nil {
		return nil, err
	}
	if answer.Succeeded {
		at.revision = answer.Header.Revision
		return at, nil
	}
	kvs := answer.Responses[0].GetResponseRange().Kvs
	if len(kvs) == 0 {
		return nil, fmt.Errorf("there is data below %s, but not the value to check it by, %s", s.prefix, key)
	}
	return s.readStanding(kvs[0])
}

// putStanding writes how the store stands if it is still as it was known.
func (s *Store) putStanding(ctx context.Context, at *standing) error {
	value, err := s.record(at)
	if err == nil {
		at.revision, err = s.writeStanding(ctx, at.revision, value)
	}
	return err
}

func (s *Store) writeStanding(ctx context.Context, before int64, value string) (int64, error) {
	key := s.standingPath()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.ModRevision(key), "=", before)).
		Then(clientv3.OpPut(key, value)).
		Commit()
	if err != nil {
		return 0, refusal("writing how the store stands", err)
	}
	if !answer.Succeeded {
		return 0, fmt.Errorf("%w: somebody else moves or restores the store", ErrConflict)
	}
	return answer.Header.Revision, nil
}

// takeStanding is told of the record by the watch, in its place among the changes. What only adds or takes away a root key to read
// by is followed whether this process has it or not.
func (s *Store) takeStanding(kv *mvccpb.KeyValue) error {
	at, err := s.readStanding(kv)
	if err != nil {
		return err
	}
	if at.Base != s.base || at.Restoring {
		return ErrRestoring
	}
	before := s.at.Load()
	s.at.Store(at)
	if at.writes().id != before.writes().id {
		s.log.Info("the store is being moved to another root key", "from", before.writes().id.String(), "to", at.writes().id.String())
	}
	if len(at.ciphers) < len(at.Keys) {
		s.log.Warn("the store is about to be moved to a root key that this process does not have")
	}
	return nil
}
