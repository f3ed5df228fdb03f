package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/manifest"
	"github.com/stint-sts/stint/internal/rootkey"
	"github.com/stint-sts/stint/internal/store"
)

func newInit() *cobra.Command {
	var path, account string
	var ifNeeded bool
	c := &cobra.Command{
		Use:   "init",
		Short: "Make the root key, the data directory and the first administrator",
		Long: `Makes what a configuration needs before stint serve can use it: the root key file, unless it is there already, the data
directory, the key that seals session tokens, an account, and in it the user admin with AdministratorAccess. The access key
of the administrator is printed once and cannot be shown again.

A directory that has an account is left as it is.`,
		Example: `  stint init --config /etc/stint/stint.yaml
  stint init --config /etc/stint/stint.yaml --account 444455556666`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			id, err := arn.ParseAccountID(account)
			if err != nil {
				return usage(c, fmt.Errorf("--account: %w", err))
			}
			settings, err := config.Load(path)
			if err != nil {
				return err
			}
			err = initialize(c, settings, id)
			if ifNeeded && errors.Is(err, errInitialized) {
				return nil
			}
			return err
		},
	}
	configFlag(c, &path)
	c.Flags().StringVar(&account, "account", string(manifest.DefaultAccount), "id of the account, 12 digits")
	c.Flags().BoolVar(&ifNeeded, "if-needed", false, "succeed where a directory has an account already, for a step before each start")
	return c
}

var errInitialized = errors.New("the directory has accounts already; nothing was changed")

// initialize makes a deployment, and prints its first access key.
func initialize(c *cobra.Command, settings *config.Config, account arn.AccountID) error {
	source, err := rootkey.New(settings.RootKey.Source())
	if err != nil {
		return fmt.Errorf("initializing: %w", err)
	}
	root, undo, err := ensureRootKey(c.Context(), source, settings.Data)
	if err != nil {
		return fmt.Errorf("initializing: %w", err)
	}
	administrator, err := begin(c, settings, rootKeys{first: root}, account)
	if err != nil {
		if undo != nil && errors.Is(err, store.ErrRootKey) { // it sealed nothing and would stand in the way of the right one
			err = errors.Join(err, undo())
		}
		return fmt.Errorf("initializing: %w", err)
	}
	if undo != nil {
		c.PrintErrf("made the root key %s: keep a copy apart from the data\n", source)
	}
	c.PrintErrf("the administrator of account %s has this access key, which is not shown again:\n", account)
	key := &administrator.Key
	_, err = fmt.Fprintf(c.OutOrStdout(), "AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n", key.ID, key.Secret.Key.RevealString())
	return err
}

// begin fills an empty directory.
func begin(c *cobra.Command, settings *config.Config, root rootKeys, account arn.AccountID) (a *manifest.AdministratorPlan, err error) {
	ctx := c.Context()
	if len(settings.Directory.Etcd.Endpoints) == 0 {
		if err := os.MkdirAll(settings.Data, 0o700); err != nil {
			return nil, fmt.Errorf("making the data directory: %w", err)
		}
	}
	s, err := openStore(ctx, settings, root, newLog(c.ErrOrStderr(), settings.Log))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if hasAccount(s.View()) {
		return nil, withHint(errInitialized,
			"stint serve serves it, stint apply changes it")
	}
	now := time.Now()
	if err := ensureSealingKey(ctx, s, now); err != nil {
		return nil, err
	}
	file, err := manifest.Parse("--account", fmt.Appendf(nil, "accounts: {%q: {}}", account))
	if err != nil {
		return nil, err
	}
	return ensureAdministrator(ctx, s, file, now)
}
