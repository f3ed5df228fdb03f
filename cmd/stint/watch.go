package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"time"

	"github.com/stint-sts/stint/internal/admin"
	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/metrics"
	"github.com/stint-sts/stint/internal/server"
)

var errDraining = errors.New("the server is ending and wants no new requests")

// current says why the View is too old to answer from, or nil.
func (n *node) current() error {
	if age := n.store.Age(); n.maxViewAge > 0 && age > n.maxViewAge {
		return fmt.Errorf("the directory was last confirmed %v ago, and max_view_age is %v", age.Round(time.Second), n.maxViewAge)
	}
	return nil
}

// checks are what makes the node ready. That the store cannot be reached does not: requests are answered from the View.
func (n *node) checks() []admin.Check {
	return []admin.Check{
		{Name: "serving", Run: func() error {
			if n.draining.Load() {
				return errDraining
			}
			return nil
		}},
		{Name: "view", Run: func() error {
			if !hasAccount(n.store.View()) {
				return errors.New("the directory has no account")
			}
			return n.current()
		}},
		{Name: "sealing_key", Run: func() error {
			for range n.store.View().SealingKeys() {
				return nil
			}
			return errors.New("there is no key to seal sessions with")
		}},
		{Name: "audit", Run: n.audit.Ready},
		{Name: "store", Advisory: true, Run: n.store.Err},
	}
}

// measure has the requests counted, and returns the metrics of the node.
func (n *node) measure(handler *server.Handler) *metrics.Metrics {
	build, _ := debug.ReadBuildInfo()
	m := metrics.New(metrics.Sources{
		Now: n.now, Version: versionOf(build),
		View: n.store.View, ViewAge: n.store.Age, Store: n.store.Err,
		InFlight: handler.InFlight, Connections: n.connections.Open, Refused: n.connections.Refused,
		Throttled: n.limits.Refused,
		Audit:     n.audit.Stats, AuditReady: n.audit.Ready,
		OIDC: n.webIdentity.Stats,
		Caches: map[string]func() (hits, misses uint64){
			"signing_keys": n.authenticator.SigningKeyStats, "session_policies": n.authorizer.SessionPolicyStats,
		},
	})
	handler.Frontend.Observed = m.Observe
	return m
}

// watched serves the second listener, if the node has one. What it returns ends that.
func (n *node) watched(handler *server.Handler) (end func(context.Context) error) {
	l := n.adminListener
	if l == nil {
		return func(context.Context) error { return nil }
	}
	s := admin.NewServer(admin.NewHandler(n.checks(), n.measure(handler).Handler(), config.Loopback(l.Addr().String())), n.adminTLS, n.log)
	ended := make(chan error, 1)
	go func() {
		err := s.Serve(l)
		if err != nil {
			n.log.Error("the admin listener ended", "error", err)
		}
		ended <- err
	}()
	n.log.Info("admin listener", "address", l.Addr().String(), "tls", n.adminTLS != nil)
	return func(ctx context.Context) error { return errors.Join(s.Shutdown(ctx), <-ended) }
}

// listenAdmin opens the second listener that a configuration names; nil for none. The file of a socket that another process left behind
// is replaced, and only this user reaches the new one: its folder's files are made so (harden).
func listenAdmin(a *config.Admin) (net.Listener, error) {
	if a.Listen == "" {
		return nil, nil
	}
	path, socket := a.Socket()
	if !socket {
		l, err := net.Listen("tcp", a.Listen)
		if err != nil {
			return nil, fmt.Errorf("starting the admin listener: %w", err)
		}
		return l, nil
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
		if c, err := net.Dial("unix", path); err == nil {
			_ = c.Close()
			return nil, fmt.Errorf("starting the admin listener: another process serves %s", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("starting the admin listener: %w", err)
		}
	}
	l, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("starting the admin listener: %w", err)
	}
	return l, nil
}

// adminTLS is the configuration of the second listener; nil for plain HTTP.
func adminTLS(a *config.Admin) (*tls.Config, *certificate, error) {
	t, held, err := serverTLS(a.TLS)
	if err != nil || a.ClientCA == "" {
		return t, held, err
	}
	pem, err := os.ReadFile(a.ClientCA)
	if err != nil {
		return nil, nil, fmt.Errorf("loading admin.client_ca: %w", err)
	}
	t.ClientCAs, t.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !t.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, nil, fmt.Errorf("loading admin.client_ca: %s has no certificate", a.ClientCA)
	}
	return t, held, nil
}
