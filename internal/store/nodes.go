package store

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/stint-sts/stint/internal/directory"
)

const (
	nodeIDLength = 8
	// nodeLife is how long a process that ended without a word counts as one of the nodes.
	nodeLife = 15 * time.Second
	// leaving bounds the farewell: a node must be able to end without its store.
	leaving    = time.Second
	nodePrefix = "node-" // among the root keys, which earlier builds leave alone
)

// Node is a process that has the store open.
type Node struct {
	Name string `json:"name"` // host and process
	// RootKeys are those that it was given.
	RootKeys []string `json:"root_keys"`
	// Format is the latest that it reads.
	Format int  `json:"format"`
	Self   bool `json:"-"`
}

func (s *Store) nodePath(id string) string {
	return s.path(directory.Key{Account: directory.Global, Kind: kindRootKey, Name: nodePrefix + id})
}

// Nodes returns the processes that have the store open, or had it some seconds ago.
func (s *Store) Nodes(ctx context.Context) ([]Node, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	prefix := s.nodePath("")
	found, err := s.client.Get(ctx, prefix, clientv3.WithPrefix())
	if err != nil {
		return nil, fmt.Errorf("listing the nodes: %w", err)
	}
	nodes := make([]Node, len(found.Kvs))
	for i, kv := range found.Kvs {
		if err := json.Unmarshal(kv.Value, &nodes[i]); err != nil {
			return nil, fmt.Errorf("listing the nodes: %s: %w", kv.Key, ErrDamaged)
		}
		nodes[i].Self = strings.TrimPrefix(string(kv.Key), prefix) == s.id
	}
	return nodes, nil
}

// joinNodes makes this process one of the nodes. Who has the data directory to itself knows that those listed there have ended: their
// leases would last as long as nobody had it open.
func (s *Store) joinNodes(ctx context.Context) (clientv3.LeaseID, error) {
	if s.member != nil {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if _, err := s.client.Delete(ctx, s.nodePath(""), clientv3.WithPrefix()); err != nil {
			return clientv3.NoLease, fmt.Errorf("joining the nodes: %w", err)
		}
	}
	return s.enlist(ctx)
}

// enlist makes this process one of the nodes for as long as the lease lasts.
func (s *Store) enlist(ctx context.Context) (clientv3.LeaseID, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	host, err := os.Hostname()
	if err != nil {
		host = "a host without name"
	}
	n := Node{Name: fmt.Sprintf("%s, process %d", host, os.Getpid()), Format: currentFormat}
	for _, c := range s.vault.known {
		n.RootKeys = append(n.RootKeys, c.id.String())
	}
	value, err := json.Marshal(n)
	if err != nil {
		return 0, err
	}
	lease, err := s.client.Grant(ctx, int64(nodeLife/time.Second))
	if err != nil {
		return 0, fmt.Errorf("joining the nodes: %w", err)
	}
	if _, err := s.client.Put(ctx, s.nodePath(s.id), string(value), clientv3.WithLease(lease.ID)); err != nil {
		return 0, fmt.Errorf("joining the nodes: %w", err)
	}
	return lease.ID, nil
}

// stayEnlisted keeps this process among the nodes until ctx ends. A store that cannot be written does not keep it from serving.
func (s *Store) stayEnlisted(ctx context.Context, lease clientv3.LeaseID) {
	pause := time.NewTicker(nodeLife / 3)
	defer pause.Stop()
	for {
		if lease != clientv3.NoLease {
			if alive, err := s.client.KeepAlive(ctx, lease); err == nil {
				for range alive { // until the lease has ended, or ctx
				}
			}
		}
		select {
		case <-ctx.Done():
			s.leave(lease)
			return
		case <-pause.C:
		}
		var err error
		if lease, err = s.enlist(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("the other nodes do not know of this one", "error", err)
		}
	}
}

// leave gives the lease back. One that cannot be given back ends by itself.
func (s *Store) leave(lease clientv3.LeaseID) {
	if lease == clientv3.NoLease || s.broken() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaving)
	defer cancel()
	if _, err := s.client.Revoke(ctx, lease); err != nil {
		s.log.Debug("a lease was left to end by itself", "error", err)
	}
}
