package main

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/systemd"
)

// sockets are the listeners of a node.
type sockets struct {
	api   net.Listener
	admin net.Listener // nil for none
}

// listen opens the listeners of a configuration, or takes those that the service manager opened: the one named admin is the second
// listener, the other one the API. What holds for the configured address holds for theirs.
func listen(settings *config.Config) (_ sockets, err error) {
	passed, err := systemd.Listeners(os.Getenv, os.Getpid())
	if err != nil {
		return sockets{}, err
	}
	var s sockets
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	for name, l := range passed {
		switch {
		case name == "admin":
			s.admin = l
		case s.api == nil:
			s.api = l
		default:
			_ = l.Close()
			err = errors.Join(err, fmt.Errorf("the service manager's socket %q: name one admin, and only one besides", name))
		}
	}
	if err == nil {
		err = s.allowed(settings)
	}
	if err == nil && s.api == nil {
		if s.api, err = net.Listen("tcp", settings.Listen); err != nil {
			err = fmt.Errorf("starting: %w", err)
		}
	}
	if err == nil && s.admin == nil {
		s.admin, err = listenAdmin(&settings.Admin)
	}
	return s, err
}

// allowed refuses passed sockets that the configuration could not have opened.
func (s *sockets) allowed(settings *config.Config) error {
	if s.api != nil {
		address, ok := s.api.Addr().(*net.TCPAddr)
		if !ok {
			return fmt.Errorf("the service manager's socket for the API is %s: requests come from an address, by TCP alone", s.api.Addr().Network())
		}
		if !address.IP.IsLoopback() && settings.TLS.Cert == "" && !settings.Plaintext {
			return fmt.Errorf("the service manager's socket for the API, %s, is not loopback: give tls, or say plaintext: true", address)
		}
	}
	if s.admin != nil {
		if address, ok := s.admin.Addr().(*net.TCPAddr); ok && !address.IP.IsLoopback() && settings.Admin.TLS.Cert == "" && !settings.Admin.Plaintext {
			return fmt.Errorf("the service manager's socket admin, %s, is not loopback: give admin.tls, or say admin.plaintext: true", address)
		}
	}
	return nil
}

func (s *sockets) close() {
	for _, l := range []net.Listener{s.api, s.admin} {
		if l != nil {
			_ = l.Close()
		}
	}
}
