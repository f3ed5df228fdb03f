package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/gate"
)

func configFlag(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "config", "/etc/stint/stint.yaml", "configuration file; docs/stint.example.yaml shows every key")
}

func newServe() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the APIs as a configuration file says",
		Long: `Serves the STS and IAM APIs as a configuration file says. stint init makes what it needs: the root key, the data directory
and the first administrator. The log goes to standard error. SIGTERM ends the server within 10 seconds.`,
		Example: `  stint init --config /etc/stint/stint.yaml
  stint serve --config /etc/stint/stint.yaml`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			settings, err := config.Load(path)
			if err != nil {
				return err
			}
			return unlessStopped(c.Context(), serve(c, settings))
		},
	}
	configFlag(c, &path)
	return c
}

func serve(c *cobra.Command, settings *config.Config) (err error) {
	ctx := c.Context()
	n := &node{
		log:        newLog(c.ErrOrStderr(), settings.Log),
		now:        time.Now,
		regions:    settings.Regions,
		region:     settings.Regions[0],
		hosts:      settings.Hosts,
		maxSession: time.Duration(settings.MaxSessionDuration) * time.Second,
	}
	if n.tls, err = serverTLS(settings.TLS); err != nil {
		return err
	}
	if n.federation, err = federationOptions(&settings.Federation); err != nil {
		return err
	}
	n.saml = samlOptions(settings)
	n.trusted = trustedAccounts(&settings.Relying)
	if n.gateways, err = gatewayOptions(&settings.Relying.Versitygw); err != nil {
		return err
	}
	root, err := initializedRootKey(settings)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", settings.Listen)
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	defer func() { _ = l.Close() }()
	if err := n.open(ctx, settings, root); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	if !hasAccount(n.store.View()) {
		return notInitialized(errors.New("the directory has no account"))
	}
	if err := ensureSealingKey(ctx, n.store, n.now()); err != nil {
		return err
	}
	return n.serve(ctx, l, func(context.Context) error {
		n.log.Info("serving", "address", l.Addr().String(), "tls", n.tls != nil, "entities", n.store.View().Len())
		return nil
	})
}

// trustedAccounts are those whose relying services may verify callers of every account.
func trustedAccounts(r *config.Relying) gate.Trusted {
	var t gate.Trusted
	for _, id := range r.Accounts {
		if id == config.AllAccounts {
			return gate.Trusted{All: true}
		}
		t.Accounts = append(t.Accounts, arn.AccountID(id))
	}
	return t
}

// serverTLS loads the certificate of the API; nil without one.
func serverTLS(t config.TLS) (*tls.Config, error) {
	if t.Cert == "" {
		return nil, nil
	}
	if info, err := os.Stat(t.Key); err == nil && info.Mode().Perm()&0o007 != 0 {
		err := fmt.Errorf("loading the certificate: %s has mode %v: other users can reach it", t.Key, info.Mode())
		return nil, withHint(err, "chmod o= %s, and think about who may have read it", t.Key)
	}
	certificate, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, fmt.Errorf("loading the certificate: %w", err)
	}
	// advisory 133 (CVE-2025-68121): no session outlives this configuration.
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}, SessionTicketsDisabled: true}, nil
}
