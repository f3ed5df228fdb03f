package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/server"
	"github.com/stint-sts/stint/internal/systemd"
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
and the first administrator. The log goes to standard error. SIGTERM ends the server within 10 seconds and the configured drain_delay. SIGHUP
reloads the level of the log, the limits and the certificates.`,
		Example: `  stint init --config /etc/stint/stint.yaml
  stint serve --config /etc/stint/stint.yaml`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			settings, err := config.Load(path)
			if err != nil {
				return err
			}
			return unlessStopped(c.Context(), serve(c, settings, path))
		},
	}
	configFlag(c, &path)
	return c
}

func serve(c *cobra.Command, settings *config.Config, path string) (err error) {
	ctx := c.Context()
	r := newReloader(path, settings)
	n := &node{
		log:        newLeveledLog(c.ErrOrStderr(), settings.Log.Format, r.level),
		now:        time.Now,
		regions:    settings.Regions,
		region:     settings.Regions[0],
		hosts:      settings.Hosts,
		maxSession: time.Duration(settings.MaxSessionDuration) * time.Second,
		share:      true,
		maxViewAge: time.Duration(settings.MaxViewAge) * time.Second,
		drainDelay: time.Duration(settings.DrainDelay) * time.Second,
		limits:     server.NewLimits(server.Rates{}),
		manager:    systemd.New(os.Getenv, os.Getpid()),
	}
	r.node = n
	n.limit(&settings.Limits)
	if n.tls, r.api, err = serverTLS(settings.TLS); err != nil {
		return err
	}
	if n.adminTLS, r.admin, err = adminTLS(&settings.Admin); err != nil {
		return err
	}
	if n.federation, err = federationOptions(&settings.Federation); err != nil {
		return err
	}
	n.saml = samlOptions(settings)
	n.destinations = settings.Federation.Destinations
	n.trusted = trustedAccounts(&settings.Relying)
	if n.gateways, err = gatewayOptions(&settings.Relying.Versitygw); err != nil {
		return err
	}
	root, err := initializedRootKeys(ctx, settings)
	if err != nil {
		return err
	}
	sockets, err := listen(settings)
	if err != nil {
		return err
	}
	defer sockets.close()
	n.adminListener = sockets.admin
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
	defer r.follow(ctx)()
	return n.serve(ctx, sockets.api, func(context.Context) error {
		n.log.Info("serving", "address", sockets.api.Addr().String(), "tls", n.tls != nil, "entities", n.store.View().Len())
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
