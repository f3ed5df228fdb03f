package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/gate/versitygw"
	"github.com/stint-sts/stint/internal/lastuse"
	"github.com/stint-sts/stint/internal/server"
	"github.com/stint-sts/stint/internal/session"
)

// gateways are the listeners of gateways of versitygw: a unix socket, or mutual TLS, or both.
type gateways struct {
	socket string
	listen string
	tls    *tls.Config
}

// gatewayOptions loads what the configuration names.
func gatewayOptions(c *config.Versitygw) (gateways, error) {
	g := gateways{socket: c.Socket, listen: c.Listen}
	if c.Listen == "" {
		return g, nil
	}
	var err error
	if g.tls, _, err = serverTLS(c.TLS); err != nil {
		return g, fmt.Errorf("relying.versitygw: %w", err)
	}
	text, err := os.ReadFile(c.ClientCA)
	if err != nil {
		return g, fmt.Errorf("relying.versitygw: reading the authorities of clients: %w", err)
	}
	g.tls.ClientAuth, g.tls.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !g.tls.ClientCAs.AppendCertsFromPEM(text) {
		return g, fmt.Errorf("relying.versitygw: %s has no certificate", c.ClientCA)
	}
	return g, nil
}

// answerGateways begins to answer gateways. What it returns ends that.
func (n *node) answerGateways(uses *lastuse.Tracker) (end func(context.Context) error, err error) {
	build, _ := debug.ReadBuildInfo()
	handler := &versitygw.Handler{
		Gate: &gate.Service{
			Authn: authn.New(session.NewSealer(rand.Reader, n.now), n.regions), Authorizer: authz.New(), Directory: n.store,
			Trusted: n.trusted, Now: n.now,
		},
		Audit: n.audit, Used: uses.Note, NewID: server.NewID, Version: "stint " + versionOf(build), Log: n.log,
	}
	var ends []func(context.Context) error
	end = func(ctx context.Context) error {
		var all []error
		for _, e := range ends {
			all = append(all, e(ctx))
		}
		return errors.Join(all...)
	}
	begin := func(l net.Listener, tlsConfig *tls.Config, remove func() error) {
		s, ended := server.New(handler, tlsConfig, n.log), make(chan error, 1)
		go func() {
			err := s.Serve(l)
			if err != nil {
				n.log.Error("gateways are no longer answered", "address", l.Addr().String(), "error", err)
			}
			ended <- err
		}()
		ends = append(ends, func(ctx context.Context) error { return errors.Join(s.Shutdown(ctx), <-ended, remove()) })
		n.log.Info("answering versitygw", "address", l.Addr().String())
	}
	if n.gateways.socket != "" {
		l, remove, err := listenPrivately(n.gateways.socket)
		if err != nil {
			return nil, fmt.Errorf("answering versitygw: %w", err)
		}
		begin(l, nil, remove)
	}
	if n.gateways.listen != "" {
		l, err := net.Listen("tcp", n.gateways.listen)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("answering versitygw: %w", err), end(context.Background()))
		}
		begin(l, n.gateways.tls, func() error { return nil })
	}
	return end, nil
}

// dialPatience is how long a socket that is there may take to answer.
const dialPatience = time.Second

// listenPrivately listens on a unix socket that this user alone can reach: it is made in a folder that nobody else can enter, and
// moved to its place once it has its mode. What an ended process left there is replaced.
func listenPrivately(path string) (l net.Listener, remove func() error, err error) {
	if c, err := net.DialTimeout("unix", path, dialPatience); err == nil {
		_ = c.Close()
		return nil, nil, fmt.Errorf("%s is in use by another process", path)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket == 0 {
		return nil, nil, fmt.Errorf("%s is there and is no socket", path)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".stint-") // with mode 0700
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	made := filepath.Join(dir, "s")
	u, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, nil, err
	}
	u.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		return nil, nil, errors.Join(err, u.Close())
	}
	return &unixListener{u, path}, func() error { return os.Remove(path) }, nil
}

// unixListener is a listener under its final name.
type unixListener struct {
	*net.UnixListener
	path string
}

// Addr implements net.Listener.
func (l *unixListener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: "unix"} }
