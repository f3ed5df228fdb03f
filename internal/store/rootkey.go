package store

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/stint-sts/stint/internal/directory"
)

// The store's own kinds, which are not of the directory.
const (
	kindRootKey directory.Kind = "root-key"
	kindSpent   directory.Kind = "spent"
	kindGrant   directory.Kind = "grant"
)

const checkPurpose = "root key check"

// checkRootKey opens the value that the first start sealed, or seals it if this is the first start: one in which there is
// nothing else yet.
func (s *Store) checkRootKey(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := s.path(directory.Key{Account: directory.Global, Kind: kindRootKey, Name: "check"})
	found, err := s.client.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("checking the root key: %w", err)
	}
	if len(found.Kvs) == 0 {
		return s.writeRootCheck(ctx, key)
	}
	return s.openRootCheck(found.Kvs[0].Value)
}

func (s *Store) openRootCheck(sealed []byte) error {
	partition, err := s.vault.open(checkPurpose, sealed)
	if err != nil {
		return ErrRootKey
	}
	if string(partition) != string(s.partition) {
		return fmt.Errorf("the store was begun with partition %q, not %q", partition, s.partition)
	}
	return nil
}

// writeRootCheck is for the first start. Another node may begin at the same moment, with the same root key or not.
func (s *Store) writeRootCheck(ctx context.Context, key string) error {
	sealed, err := s.vault.seal(checkPurpose, []byte(s.partition))
	if err != nil {
		return err
	}
	answer, err := s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(s.prefix).WithPrefix(), "=", 0)).
		Then(clientv3.OpPut(key, string(sealed))).
		Else(clientv3.OpGet(key)).
		Commit()
	if err != nil {
		return fmt.Errorf("checking the root key: %w", err)
	}
	if answer.Succeeded {
		return nil
	}
	kvs := answer.Responses[0].GetResponseRange().Kvs
	if len(kvs) == 0 {
		return fmt.Errorf("checking the root key: there is data below %s, but not the value to check it by, %s", s.prefix, key)
	}
	return s.openRootCheck(kvs[0].Value)
}
