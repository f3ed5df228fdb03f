package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/stint-sts/stint/internal/config"
)

// certificate is that of a listener. It can be exchanged while the listener serves.
type certificate struct {
	current atomic.Pointer[tls.Certificate]
}

// load reads the files. If that fails, the certificate stays what it was.
func (c *certificate) load(t config.TLS) error {
	if info, err := os.Stat(t.Key); err == nil && info.Mode().Perm()&0o007 != 0 {
		err := fmt.Errorf("loading the certificate: %s has mode %v: other users can reach it", t.Key, info.Mode())
		return withHint(err, "chmod o= %s, and think about who may have read it", t.Key)
	}
	pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return fmt.Errorf("loading the certificate: %w", err)
	}
	c.current.Store(&pair)
	return nil
}

// serverTLS is the configuration of a listener with a certificate; nil for both without one.
func serverTLS(t config.TLS) (*tls.Config, *certificate, error) {
	if t.Cert == "" {
		return nil, nil, nil
	}
	c := new(certificate)
	if err := c.load(t); err != nil {
		return nil, nil, err
	}
	// advisory 133 (CVE-2025-68121): no session outlives this configuration.
	return &tls.Config{
		MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}, c, nil
}
