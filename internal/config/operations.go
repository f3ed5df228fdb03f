package config

import (
	"errors"
	"fmt"
	"path/filepath"
)

// Admin is the second listener, for operators alone. It has /healthz, /readyz, /metrics and /debug/pprof/.
type Admin struct {
	// Listen is host:port, or the path of a unix socket, which begins with a slash. The default, empty, is none. Anything but
	// loopback and a socket needs TLS, or Plaintext.
	Listen string `yaml:"listen"`
	// Plaintext allows plain HTTP on an address that is not loopback. Off by default.
	Plaintext bool `yaml:"plaintext"`
	// TLS is the certificate of this listener. It is read again by SIGHUP.
	TLS TLS `yaml:"tls"`
	// ClientCA is a PEM file of authorities: with it a client must have a certificate from one of them.
	ClientCA string `yaml:"client_ca"`
}

// Socket returns the path of the unix socket; false if Listen is an address or empty.
func (a *Admin) Socket() (string, bool) { return a.Listen, filepath.IsAbs(a.Listen) }

func (a *Admin) check() error {
	if a.Listen == "" {
		if *a != (Admin{}) {
			return errors.New("admin: plaintext, tls and client_ca are for listen, and there is none")
		}
		return nil
	}
	if _, socket := a.Socket(); socket {
		if *a != (Admin{Listen: a.Listen}) {
			return errors.New("admin: a unix socket takes no plaintext, tls or client_ca")
		}
		return nil
	}
	if err := CheckAddress(a.Listen); err != nil {
		return fmt.Errorf("admin.listen: %w", err)
	}
	switch secured := a.TLS.Cert != ""; {
	case secured != (a.TLS.Key != ""):
		return errors.New("admin.tls: cert and key belong together")
	case secured && a.Plaintext:
		return errors.New("admin.plaintext: cannot be together with admin.tls")
	case !secured && a.ClientCA != "":
		return errors.New("admin.client_ca: needs admin.tls")
	case !secured && !a.Plaintext && !Loopback(a.Listen):
		return fmt.Errorf("admin.listen: %s is not loopback: give admin.tls.cert and admin.tls.key, or say admin.plaintext: true", a.Listen)
	}
	return nil
}

// Rate is a token bucket.
type Rate struct {
	// Rate is how many a second there may be in the long run; 0 is no limit.
	Rate float64 `yaml:"rate"`
	// Burst is how many there may be at once, 1 at least unless Rate is 0.
	Burst int `yaml:"burst"`
}

// Limits are how often requests are answered, and how many connections are open.
type Limits struct {
	// Address is for the requests from one address: that of the socket, which is a proxy's behind a proxy. The default is 5000 a
	// second, 10000 at once.
	Address Rate `yaml:"address"`
	// Principal is for the requests of one user, or of all sessions of one role. The default is 2000 a second, 4000 at once.
	Principal Rate `yaml:"principal"`
	// Account is for the requests of all principals of one account. The default is 10000 a second, 20000 at once.
	Account Rate `yaml:"account"`
	// Connections is how many may be open; 0 is no limit. The default is 20000.
	Connections int `yaml:"connections"`
	// ConnectionsPerAddress is how many of them may be from one address; 0 is no limit. The default is 5000.
	ConnectionsPerAddress int `yaml:"connections_per_address"`
}

func defaultLimits() Limits {
	return Limits{
		Address: Rate{5000, 10000}, Principal: Rate{2000, 4000}, Account: Rate{10000, 20000},
		Connections: 20000, ConnectionsPerAddress: 5000,
	}
}

// maxRate is far above what a machine answers.
const maxRate = 1e9

func (l *Limits) check() error {
	for name, r := range map[string]Rate{"address": l.Address, "principal": l.Principal, "account": l.Account} {
		if !(r.Rate >= 0 && r.Rate <= maxRate) || r.Burst < 0 || r.Burst > maxRate || r.Rate > 0 && r.Burst == 0 {
			return fmt.Errorf("limits.%s: want a rate of 0 to 1e9 a second and a burst of 1 to 1e9; rate 0 is no limit", name)
		}
	}
	if l.Connections < 0 || l.ConnectionsPerAddress < 0 {
		return errors.New("limits: a number of connections cannot be negative; 0 is no limit")
	}
	return nil
}

// The bounds of times in seconds: the least age of the View that its confirmation, once a second, can keep to, and the longest drain.
const (
	minViewAge    = 10
	maxDrainDelay = 300
)

func (c *Config) checkTimes() error {
	if c.MaxViewAge != 0 && c.MaxViewAge < minViewAge {
		return fmt.Errorf("max_view_age: want %d seconds at least, or 0", minViewAge)
	}
	if c.DrainDelay < 0 || c.DrainDelay > maxDrainDelay {
		return fmt.Errorf("drain_delay: want 0 to %d seconds", maxDrainDelay)
	}
	return nil
}
