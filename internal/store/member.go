package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
)

const (
	directoryMode = 0o700
	fileMode      = 0o600
	// stopPatience bounds the end of a member whose disk has failed: its goroutines may hold locks for ever.
	stopPatience = 3 * time.Second
	// socketName is where other processes of the same user reach a member that is shared, and longestSocket what a path to it may
	// have (unix(7)).
	socketName    = "client.sock"
	longestSocket = 107
	// readyPatience bounds the election, which a member whose log was lost never wins.
	readyPatience = 10 * time.Second
)

// member is the embedded etcd: a cluster of one that listens nowhere. Its client calls it directly.
type member struct {
	etcd   *embed.Etcd
	client *clientv3.Client
	lock   *fileutil.LockedFile
	log    *memberLog
	once   sync.Once // etcd ends but once
}

// socketPath is the socket of the member in a data directory.
func socketPath(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	return filepath.Join(dir, "etcd", socketName), err
}

// share has a member listen at its socket, which its folder and the umask keep from other users.
func share(dir string, log *slog.Logger, cfg *embed.Config) {
	path, err := socketPath(dir)
	if err != nil || len(path) > longestSocket {
		log.Warn("the path of the data directory is too long for a socket: commands need the server stopped", "path", path)
		return
	}
	socket := []url.URL{{Scheme: "unix", Path: path}}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = socket, socket
}

// startMember opens the data directory. tune, if not nil, alters etcd's configuration.
func startMember(ctx context.Context, dir string, log *slog.Logger, tune func(*embed.Config)) (*member, error) {
	restrictFileModes()
	data := filepath.Join(dir, "etcd")
	if err := os.MkdirAll(data, directoryMode); err != nil {
		return nil, fmt.Errorf("creating the data directory: %w", err)
	}
	if err := os.Chmod(data, directoryMode); err != nil {
		return nil, fmt.Errorf("protecting the data directory: %w", err)
	}
	lock, err := fileutil.TryLockFile(filepath.Join(data, "lock"), os.O_WRONLY|os.O_CREATE, fileMode)
	if errors.Is(err, fileutil.ErrLocked) {
		return nil, fmt.Errorf("opening %s: %w", dir, ErrLocked)
	}
	if err != nil {
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	m := &member{lock: lock, log: newMemberLog(log)}
	cfg := memberConfig(data, m.log)
	if tune != nil {
		tune(cfg)
	}
	if err := m.start(ctx, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the embedded store in %s: %w", dir, err), lock.Close())
	}
	m.client = v3client.New(m.etcd.Server)
	return m, nil
}

func memberConfig(data string, log *memberLog) *embed.Config {
	cfg := embed.NewConfig()
	cfg.Name = "stint"
	cfg.Dir = data
	// A member must have a peer URL to be told from others; with no listener, nothing is at this one.
	self := url.URL{Scheme: "http", Host: "localhost:0"}
	cfg.AdvertisePeerUrls = []url.URL{self}
	cfg.InitialCluster = cfg.Name + "=" + self.String()
	cfg.ListenPeerUrls, cfg.ListenClientUrls, cfg.AdvertiseClientUrls = nil, nil, nil
	cfg.EnableGRPCGateway = false
	// A member of one elects itself when its first election times out; there is no network whose delays to allow for.
	cfg.TickMs, cfg.ElectionMs = 20, 100
	// Nobody catches up from this member's log, which is held in memory.
	cfg.SnapshotCount, cfg.SnapshotCatchUpEntries = 200, 10
	cfg.MaxTxnOps = memberTxnOps
	cfg.MaxRequestBytes = memberRequestBytes
	cfg.QuotaBackendBytes = 8 << 30 // the greatest that etcd advises
	cfg.AutoCompactionMode, cfg.AutoCompactionRetention = embed.CompactorModePeriodic, "5m"
	cfg.WatchProgressNotifyInterval = 10 * time.Second
	cfg.WarningApplyDuration, cfg.WarningUnaryRequestDuration = 2*time.Second, 2*time.Second
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(log.zap())
	return cfg
}

// start runs etcd's start in a goroutine of its own, because damaged data makes it panic, fault on mapped memory or end the
// process: all of these become an error. What such a start had opened stays open until the process ends.
func (m *member) start(ctx context.Context, cfg *embed.Config) error {
	type result struct {
		etcd *embed.Etcd
		err  error
	}
	started := make(chan result, 1)
	go func() {
		r := result{err: errors.New("etcd gave up")}
		defer func() {
			if p := recover(); p != nil {
				r.err = fmt.Errorf("etcd cannot make sense of its files: %v", p)
			}
			if reason := m.log.fatal(); r.err != nil && reason != "" {
				r.err = fmt.Errorf("%w: %s", r.err, reason)
			}
			started <- r
		}()
		debug.SetPanicOnFault(true)
		r.etcd, r.err = embed.StartEtcd(cfg)
	}()
	select {
	case r := <-started:
		if r.err != nil {
			return r.err
		}
		m.etcd = r.etcd
	case <-m.log.failed: // in a goroutine that etcd's start waits for
		return fmt.Errorf("etcd gave up: %s", m.log.fatal())
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-m.etcd.Server.ReadyNotify():
		m.log.ready()
		return nil
	case <-m.log.failed:
		return fmt.Errorf("etcd failed: %s", m.log.fatal())
	case <-ctx.Done():
		m.stop()
		return fmt.Errorf("etcd did not become ready: %w", ctx.Err())
	case <-time.After(readyPatience):
		m.stop()
		return errors.New("etcd did not become ready: its log may be damaged")
	}
}

func (m *member) close() error {
	var err error
	if m.client != nil {
		if err = m.client.Close(); errors.Is(err, context.Canceled) {
			err = nil
		}
	}
	m.stop()
	return errors.Join(err, m.lock.Close())
}

func (m *member) stop() { m.once.Do(m.stopEtcd) }

func (m *member) stopEtcd() {
	m.log.ending.Store(true)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		m.etcd.Close()
	}()
	select {
	case <-stopped:
	case <-time.After(stopPatience):
	}
}
