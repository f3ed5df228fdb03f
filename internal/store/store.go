package store

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

const (
	defaultPrefix = "stint/"
	layoutVersion = "v1/"
	// patience is how long a change or a start waits for etcd.
	patience = 5 * time.Second
)

// Options say where the directory is kept. Exactly one of Dir and Endpoints is given.
type Options struct {
	// Dir is the data directory of the embedded member; it is created with mode 0700. All is kept in its folder etcd.
	// Opening it sets the process's umask to 077.
	Dir string
	// Endpoints are the client URLs of an etcd cluster. Its operator sees to compaction.
	Endpoints []string
	// TLS is for Endpoints; nil speaks in the clear.
	TLS *tls.Config
	// Prefix begins every key; "stint/" if empty.
	Prefix string
	// RootKey is 32 bytes, the same at every start: what it sealed is lost without it.
	RootKey secret.Key
	// Partition is that of the deployment's ARNs, the same at every start.
	Partition arn.Partition
	// Managed are the AWS-managed policies besides those that every directory has, the same on every node.
	Managed []*directory.ManagedPolicy
	Log     *slog.Logger
	// Random is for nonces; crypto/rand if nil.
	Random io.Reader
}

// Store is the directory in etcd. It is safe for concurrent use.
type Store struct {
	client    *clientv3.Client
	member    *member // nil on a cluster
	vault     *vault
	log       *slog.Logger
	partition arn.Partition
	managed   []*directory.ManagedPolicy
	prefix    string // of every key, layout version included
	maxOps    int
	maxBytes  int

	view atomic.Pointer[directory.View] // written by the follower alone
	// mu guards moved, lag and observers.
	mu    sync.Mutex
	moved chan struct{} // closed and replaced whenever view moves
	lag   error         // why the View does not follow the store, nil while it does

	observers []Observer

	stop    context.CancelFunc
	stopped sync.WaitGroup
	ended   <-chan struct{} // closed by stop
}

// Open starts the store and loads the directory. ctx bounds the start alone.
func Open(ctx context.Context, o Options) (*Store, error) { return open(ctx, o, nil) }

func open(ctx context.Context, o Options, tune func(*embed.Config)) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := newStore(o)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	if err := s.connect(ctx, o, tune); err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the store: %w", err), s.disconnect())
	}
	return s, nil
}

func newStore(o Options) (*Store, error) {
	if (o.Dir == "") == (len(o.Endpoints) == 0) {
		return nil, errors.New("want either a data directory or endpoints")
	}
	if o.Partition == "" {
		return nil, errors.New("no partition")
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Prefix == "" {
		o.Prefix = defaultPrefix
	}
	v, err := newVault(o.RootKey, o.Random)
	if err != nil {
		return nil, err
	}
	return &Store{
		vault:     v,
		log:       o.Log,
		partition: o.Partition,
		managed:   o.Managed,
		prefix:    o.Prefix + layoutVersion,
		moved:     make(chan struct{}),
	}, nil
}

func (s *Store) connect(ctx context.Context, o Options, tune func(*embed.Config)) error {
	if o.Dir != "" {
		m, err := startMember(ctx, o.Dir, o.Log, tune)
		if err != nil {
			return err
		}
		s.member, s.client = m, m.client
		s.maxOps, s.maxBytes = memberTxnOps, memberRequestBytes
		return nil
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints:            o.Endpoints,
		TLS:                  o.TLS,
		DialTimeout:          patience,
		DialKeepAliveTime:    10 * time.Second,
		DialKeepAliveTimeout: patience,
		Logger:               zap.New(&zapCore{log: newMemberLog(o.Log)}),
	})
	if err != nil {
		return fmt.Errorf("reaching etcd: %w", err)
	}
	s.client, s.maxOps, s.maxBytes = client, clusterTxnOps, clusterRequestBytes
	return nil
}

// begin checks the root key before anything is read or written under it, loads, and starts to follow.
func (s *Store) begin(ctx context.Context) error {
	if err := s.checkRootKey(ctx); err != nil {
		return err
	}
	if err := s.reload(ctx); err != nil {
		return err
	}
	following, stop := context.WithCancel(context.Background())
	s.stop, s.ended = stop, following.Done()
	s.stopped.Go(func() { s.follow(following) })
	return nil
}

// View returns the directory as this node knows it. It never waits.
func (s *Store) View() *directory.View { return s.view.Load() }

// Err says why the View does not follow the store at the moment, or nil: what a health check asks.
func (s *Store) Err() error {
	if err := s.broken(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lag
}

// broken says why the embedded member has given up, or nil. It takes no changes any more.
func (s *Store) broken() error {
	if s.member == nil || s.member.log.fatal() == "" {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrUnavailable, s.member.log.fatal())
}

// Close stops following and, if it is embedded, the member. View keeps answering.
func (s *Store) Close() error {
	s.stop()
	s.stopped.Wait()
	if err := s.disconnect(); err != nil {
		return fmt.Errorf("closing the store: %w", err)
	}
	return nil
}

func (s *Store) disconnect() error {
	if s.member != nil {
		return s.member.close()
	}
	return s.client.Close()
}

func (s *Store) path(k directory.Key) string { return s.prefix + k.String() }
