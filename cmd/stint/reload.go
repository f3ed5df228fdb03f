package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"syscall"
	"time"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/limit"
	"github.com/stint-sts/stint/internal/server"
	"github.com/stint-sts/stint/internal/systemd"
)

// reloader brings what of a configuration can change into a node that serves: the level of the log, the limits and the certificates.
type reloader struct {
	path     string
	settings *config.Config // in force
	node     *node
	level    *slog.LevelVar
	api      *certificate // nil for plain HTTP
	admin    *certificate
}

var errRestart = errors.New("what changed beside log.level, limits and the files of certificates needs a restart")

// newReloader returns a reloader without a node.
func newReloader(path string, settings *config.Config) *reloader {
	r := &reloader{path: path, settings: settings, level: new(slog.LevelVar)}
	r.level.Set(levelOf(settings.Log))
	return r
}

// reload reads the configuration again. One that cannot be read or meant changes nothing.
func (r *reloader) reload() error {
	next, err := config.Load(r.path)
	if err != nil {
		return err
	}
	if r.api != nil && next.TLS.Cert != "" {
		err = r.api.load(next.TLS)
	}
	if r.admin != nil && next.Admin.TLS.Cert != "" {
		err = errors.Join(err, r.admin.load(next.Admin.TLS))
	}
	if err != nil {
		return err
	}
	r.level.Set(levelOf(next.Log))
	r.node.limit(&next.Limits)
	rest := *r.settings // as the new one would be if it had changed nothing else
	rest.Log.Level, rest.Limits = next.Log.Level, next.Limits
	if r.api != nil && next.TLS.Cert != "" {
		rest.TLS = next.TLS
	}
	if r.admin != nil && next.Admin.TLS.Cert != "" {
		rest.Admin.TLS = next.Admin.TLS
	}
	if !reflect.DeepEqual(rest, *next) {
		return errRestart
	}
	r.settings = next
	return nil
}

// follow reloads at each SIGHUP until ctx ends. What it returns waits for that.
func (r *reloader) follow(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals, ended := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		defer close(ended)
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
				r.node.tell(systemd.Reloading(monotonic()))
				if err := r.reload(); err != nil {
					r.node.log.Error("reloading the configuration", "error", err)
				} else {
					r.node.log.Info("reloaded the configuration")
				}
				r.node.tell(systemd.Ready)
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		cancel()
		<-ended
	}
}

// limit puts limits in force.
func (n *node) limit(l *config.Limits) {
	n.limits.Set(ratesOf(l))
	n.connections.Set(l.Connections, l.ConnectionsPerAddress)
}

func ratesOf(l *config.Limits) server.Rates {
	rate := func(r config.Rate) limit.Rate { return limit.Rate{PerSecond: r.Rate, Burst: r.Burst} }
	return server.Rates{Address: rate(l.Address), Principal: rate(l.Principal), Account: rate(l.Account)}
}

// tell tells the service manager of a state.
func (n *node) tell(state string) {
	if err := n.manager.Notify(state); err != nil {
		n.log.Warn("the service manager was not told", "error", err)
	}
}

// live tells the service manager from time to time that the process lives, until ctx ends: that its log, its store and its audit log
// are not held up for ever.
func (n *node) live(ctx context.Context) (end func()) {
	every := n.manager.Watchdog()
	if every == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			_, _ = n.store.Err(), n.audit.Stats()
			n.tell(systemd.Alive)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return func() { cancel(); <-ended }
}
