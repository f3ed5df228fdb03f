package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation/outbound"
	"github.com/stint-sts/stint/internal/iam"
	"github.com/stint-sts/stint/internal/store"
)

// openStore opens the embedded store, for this process alone, or the cluster that a configuration names.
func openStore(ctx context.Context, settings *config.Config, root rootKeys, log *slog.Logger) (*store.Store, error) {
	o, err := storeOptions(settings, root, log)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, o)
}

// openShared opens a store that a running server may have open.
func openShared(c *cobra.Command, settings *config.Config) (*store.Store, error) {
	o, err := sharedOptions(c, settings)
	if err != nil {
		return nil, err
	}
	return store.Open(c.Context(), o)
}

func sharedOptions(c *cobra.Command, settings *config.Config) (store.Options, error) {
	root, err := initializedRootKeys(c.Context(), settings)
	if err != nil {
		return store.Options{}, err
	}
	o, err := storeOptions(settings, root, newLog(c.ErrOrStderr(), settings.Log))
	o.Share = true
	return o, err
}

func storeOptions(settings *config.Config, root rootKeys, log *slog.Logger) (store.Options, error) {
	partition, err := arn.ParsePartition(settings.Partition)
	if err != nil {
		return store.Options{}, fmt.Errorf("opening the store: %w", err)
	}
	etcd := settings.Directory.Etcd
	o := store.Options{RootKey: root.first, NextRootKey: root.next, Partition: partition, Prefix: etcd.Prefix, Log: log}
	if settings.ManagedPolicies != "" {
		if o.Managed, err = directory.ReadManaged(partition, os.DirFS(settings.ManagedPolicies)); err != nil {
			return store.Options{}, fmt.Errorf("opening the store: %s: %w", settings.ManagedPolicies, err)
		}
	}
	if len(etcd.Endpoints) == 0 {
		o.Dir = settings.Data
		return o, nil
	}
	o.Endpoints = etcd.Endpoints
	o.TLS, err = clientTLS(etcd)
	return o, err
}

func clientTLS(etcd config.Etcd) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if etcd.CA != "" {
		pem, err := os.ReadFile(etcd.CA)
		if err != nil {
			return nil, fmt.Errorf("loading the authorities of etcd: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("loading the authorities of etcd: %s has no certificate", etcd.CA)
		}
	}
	if etcd.Cert != "" {
		certificate, err := tls.LoadX509KeyPair(etcd.Cert, etcd.Key)
		if err != nil {
			return nil, fmt.Errorf("loading the certificate for etcd: %w", err)
		}
		t.Certificates = []tls.Certificate{certificate}
	}
	return t, nil
}

func notInitialized(err error) error {
	return withHint(err, "stint init with the same configuration makes the root key and the first administrator")
}

// openPatience is how long a store that is being opened may go on after the process was told to end: one that is cut short
// leaves files behind that it goes on writing.
const openPatience = 4 * time.Second

// open opens what a node keeps: the store and the audit log.
func (n *node) open(ctx context.Context, settings *config.Config, root rootKeys) (err error) {
	n.outboundIssuer, n.site = settings.OutboundIssuerURL, outbound.NewSite(settings.OutboundIssuerURL)
	n.founder = arn.AccountID(settings.OrganizationAccount)
	n.rotateEvery = settings.SealingKeys.RotateEvery
	opening, cancel := lingering(ctx, openPatience)
	defer cancel()
	o, err := storeOptions(settings, root, n.log)
	if err != nil {
		return err
	}
	o.Share = n.share
	if n.store, err = store.Open(opening, o); err != nil {
		return err
	}
	n.audit, err = audit.Open(audit.Options{
		Path:   settings.Audit.File,
		Fsync:  settings.Audit.Fsync,
		Now:    n.now,
		Logger: n.log,
	})
	if err != nil {
		return errors.Join(err, n.store.Close())
	}
	n.jobs = iam.NewJobs(n.audit, n.now)
	return nil
}

// lingering returns a context that ends some time after ctx.
func lingering(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(after, cancel) })
	return longer, func() { stop(); cancel() }
}

func (n *node) close() error {
	n.jobs.Close()
	return errors.Join(n.audit.Close(), n.store.Close())
}
