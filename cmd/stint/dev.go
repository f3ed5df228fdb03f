package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/federation/oidc"
	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/manifest"
	"github.com/stint-sts/stint/internal/rootkey"
	"github.com/stint-sts/stint/internal/server"
	"github.com/stint-sts/stint/internal/systemd"
)

const (
	anyRegion     = "*"
	defaultRegion = "us-east-1"
)

// dev is the command line of `stint dev`.
type dev struct {
	listen      string
	admin       string
	data        string
	directory   string
	managed     string
	envFile     string
	regions     []string
	clockOffset time.Duration
	versitygw   string
	log         config.Log
}

func newDev() *cobra.Command {
	var d dev
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run everything in one process, for development and tests",
		Long: `Runs everything in one process over plain HTTP on loopback: the APIs, an embedded store, one account and an administrator
with an access key. When it is ready it prints the environment that the AWS CLI and the SDKs need.

Without --data all is forgotten at the end. With --data the next start finds everything as it was: users, roles, sessions
and the same administrator key. --directory describes accounts, users, roles and policies in a YAML file, which is applied
at each start: what it names is made as it says, and what it does not name stays.

The administrator is the user admin with AdministratorAccess, in the management account if the directory file has an
organization, else in the first account of the file, else in 111122223333.`,
		Example: `  stint dev
  stint dev --data ./stint-data --directory directory.yaml
  stint dev --listen 127.0.0.1:0 --env-file stint.env    # a free port; the file appears when requests are answered
  stint dev --region eu-central-1 --region eu-west-1
  stint dev --region '*'                                 # signatures for any region`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := d.check(); err != nil {
				return usage(c, err)
			}
			return d.run(c)
		},
	}
	f := c.Flags()
	f.StringVar(&d.listen, "listen", config.DefaultListen, "address to listen on, loopback alone; port 0 takes a free one")
	f.StringVar(&d.admin, "admin", "", "address of a second listener, loopback alone: /healthz, /readyz, /metrics and /debug/pprof/")
	f.StringVar(&d.data, "data", "", "data directory, kept at the end; a temporary one if left out")
	f.StringVar(&d.directory, "directory", "", "directory file (YAML) that is applied at the start")
	f.StringVar(&d.managed, "managed-policies", "", "folder with further AWS-managed policies, NAME.json each")
	f.StringVar(&d.envFile, "env-file", "", "write the environment as KEY=VALUE lines to this file once requests are answered")
	f.StringArrayVar(&d.regions, "region", []string{defaultRegion}, "region that signatures may be for; may be repeated; '*' takes any")
	f.DurationVar(&d.clockOffset, "clock-offset", 0, "shift the server's clock, such as 901s or -1h")
	f.StringVar(&d.versitygw, "versitygw-socket", "", "unix socket for gateways of versitygw (--iam-standalone-endpoint)")
	logFlags(c, &d.log)
	return c
}

func (d *dev) check() error {
	if err := config.CheckAddress(d.listen); err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if d.admin != "" {
		if err := config.CheckAddress(d.admin); err != nil {
			return fmt.Errorf("--admin: %w", err)
		}
	}
	for _, r := range d.regions {
		if r == anyRegion {
			continue
		}
		if err := config.CheckRegion(r); err != nil {
			return fmt.Errorf("--region: %w", err)
		}
	}
	return d.log.Check()
}

// scopes returns the regions that are taken (none for any) and the first of them.
func (d *dev) scopes() (taken []string, first string) {
	named := slices.DeleteFunc(slices.Clone(d.regions), func(r string) bool { return r == anyRegion })
	first = defaultRegion
	if len(named) > 0 {
		first = named[0]
	}
	if len(named) < len(d.regions) {
		return nil, first
	}
	return named, first
}

func (d *dev) run(c *cobra.Command) error {
	for _, address := range []string{d.listen, d.admin} {
		if address != "" && !config.Loopback(address) {
			err := fmt.Errorf("starting: %s is not loopback, and stint dev speaks plain HTTP with keys that it prints", address)
			return withHint(err, "listen on 127.0.0.1, or use stint serve, which speaks TLS")
		}
	}
	if d.envFile != "" {
		if err := removeStale(d.envFile); err != nil {
			return err
		}
	}
	var file *manifest.File
	if d.directory != "" {
		var err error
		if file, err = readDirectoryFile(d.directory); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", d.listen)
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	defer func() { _ = l.Close() }()
	data, forget, err := d.dataDirectory()
	if err != nil {
		return err
	}
	return errors.Join(unlessStopped(c.Context(), d.serve(c, l, data, file)), forget())
}

// dataDirectory makes the data directory. forget removes it if it is a temporary one.
func (d *dev) dataDirectory() (data string, forget func() error, err error) {
	if d.data == "" {
		if data, err = os.MkdirTemp("", "stint-dev-"); err != nil {
			return "", nil, fmt.Errorf("making a temporary data directory: %w", err)
		}
		return data, func() error { return os.RemoveAll(data) }, nil
	}
	if data, err = filepath.Abs(d.data); err == nil {
		err = os.MkdirAll(data, 0o700)
	}
	if err != nil {
		return "", nil, fmt.Errorf("making the data directory: %w", err)
	}
	return data, func() error { return nil }, nil
}

func (d *dev) serve(c *cobra.Command, l net.Listener, data string, file *manifest.File) (err error) {
	ctx := c.Context()
	n := &node{
		log: newLog(c.ErrOrStderr(), d.log),
		now: func() time.Time { return time.Now().Add(d.clockOffset) },
		// Nothing is limited on a development machine.
		limits:  server.NewLimits(server.Rates{}),
		manager: systemd.New(os.Getenv, os.Getpid()),
		// Issuers of a development machine are on loopback and in containers.
		federation: oidc.Options{AnyAddress: true, Leeway: time.Duration(config.Default().Federation.OIDC.Leeway) * time.Second},
		trusted:    gate.Trusted{All: true}, // whoever runs it has all accounts
		gateways:   gateways{socket: d.versitygw},
	}
	n.regions, n.region = d.scopes()
	n.saml.Endpoints = []string{"http://" + l.Addr().String() + "/saml"} // beside AWS's
	settings := config.Default()
	if n.adminListener, err = listenAdmin(&config.Admin{Listen: d.admin}); err != nil {
		return err
	}
	if n.adminListener != nil {
		defer func() { _ = n.adminListener.Close() }()
	}
	settings.Data = data
	settings.ManagedPolicies = d.managed
	settings.RootKey.File = filepath.Join(data, "root.key")
	settings.Audit.File = filepath.Join(data, "audit.jsonl")
	source, err := rootkey.New(settings.RootKey.Source())
	if err != nil {
		return err
	}
	root, _, err := ensureRootKey(ctx, source, data)
	if err != nil {
		return err
	}
	if err := n.open(ctx, &settings, rootKeys{first: root}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	generated, err := d.furnish(c, n, file)
	if err != nil {
		return err
	}
	administrator, err := ensureAdministrator(ctx, n.store, file, n.now())
	if err != nil {
		return err
	}
	env := &environment{
		accessKeyID: administrator.Key.ID,
		secret:      administrator.Key.Secret.Key,
		region:      n.region,
		endpoint:    "http://" + l.Addr().String(),
		account:     string(administrator.Account),
	}
	return n.serve(ctx, l, func(ctx context.Context) error {
		if err := checkAnswers(ctx, env.endpoint); err != nil {
			return err
		}
		if d.envFile != "" {
			if err := env.writeFile(d.envFile); err != nil {
				return err
			}
		}
		return errors.Join(env.write(c.OutOrStdout()), writeGenerated(c.OutOrStdout(), generated))
	})
}

// furnish makes what a start of the node needs: the sealing key, and what the directory file says. It returns the keys that
// the file left out.
func (d *dev) furnish(c *cobra.Command, n *node, file *manifest.File) ([]manifest.GeneratedKey, error) {
	ctx := c.Context()
	if err := ensureSealingKey(ctx, n.store, n.now()); err != nil || file == nil {
		return nil, err
	}
	plan, err := file.Plan(n.store.View(), planOptions(n.now()))
	if err != nil {
		return nil, err
	}
	if err := warnOfPolicies(c.ErrOrStderr(), plan.Change); err != nil {
		return nil, err
	}
	return plan.Generated, bring(ctx, n.store, plan, nil)
}
