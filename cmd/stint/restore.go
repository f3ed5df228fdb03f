package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/store"
)

// restore is the command line of `stint restore`.
type restore struct {
	config       string
	dryRun       bool
	replace      bool
	keepSessions bool
}

func newRestore() *cobra.Command {
	var r restore
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Fill an empty store from a backup",
		Long: `Fills an empty store from a backup. The root key must be the one that the backup is under, or root_key.next must; the store
is then under the root key. The whole backup is read and checked before anything is written. No server may have the store
open, and none starts until it is restored; if that was interrupted, run it again.

What was changed after the backup is lost: keys, users and permissions that were removed since are back. Revocations since
then are lost as well, so every session ends that was issued before, unless --keep-sessions says that there was none: for a
move to another machine, of a store that no server has open since the backup.`,
		Example: `  stint restore /backup/stint.backup --config /etc/stint/stint.yaml --dry-run    # checks it
  stint restore /backup/stint.backup --config /etc/stint/stint.yaml`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			settings, err := config.Load(r.config)
			if err != nil {
				return err
			}
			return r.run(c, settings, args[0])
		},
	}
	configFlag(c, &r.config)
	f := c.Flags()
	f.BoolVar(&r.dryRun, "dry-run", false, "check the backup, and change nothing")
	f.BoolVar(&r.replace, "replace", false, "give up what the store holds")
	f.BoolVar(&r.keepSessions, "keep-sessions", false, "let sessions go on that were issued before")
	return c
}

func (r *restore) run(c *cobra.Command, settings *config.Config, path string) error {
	const putBack = "put back the root key that the backup was made under; nothing was changed"
	o, err := sharedOptions(c, settings)
	if errors.Is(err, errNoRootKey) {
		return withHint(err, putBack)
	}
	if err != nil {
		return err
	}
	o.Share = false // nobody else may have it open
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading the backup: %w", err)
	}
	defer func() { _ = f.Close() }()
	b, err := store.ReadBackup(f, o)
	if errors.Is(err, store.ErrRootKey) {
		return withHint(err, putBack)
	}
	if err != nil {
		return err
	}
	about := fmt.Sprintf("%d records of revision %d, made %s by stint %s", b.Len(), b.Revision, b.Created.Format(time.RFC3339), b.Build)
	if r.dryRun {
		_, err := fmt.Fprintf(c.OutOrStdout(), "%s: whole: %s\n", path, about)
		return err
	}
	how, err := r.restoration(b)
	if err != nil {
		return err
	}
	err = store.Restore(c.Context(), o, b, how)
	switch {
	case errors.Is(err, store.ErrNotEmpty):
		return withHint(err, "--replace gives up what it holds; nothing was changed")
	case errors.Is(err, store.ErrInUse), errors.Is(err, store.ErrLocked):
		return withHint(err, "stop every server first; one that has ended counts for 15 seconds")
	case err != nil:
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "restored %s\n", about)
	return err
}

// restoration leaves the sealing keys out and makes another, so that no session is good that was issued before.
func (r *restore) restoration(b *store.Backup) (store.Restoration, error) {
	how := store.Restoration{Replace: r.replace}
	if r.keepSessions {
		return how, nil
	}
	last, err := b.LastSealingKey()
	if err != nil {
		return how, err
	}
	key, err := session.NewSealingKey(last+1, time.Now(), rand.Reader)
	if err != nil {
		return how, err
	}
	how.Add = []directory.Entity{key}
	how.Alter = func(e directory.Entity) directory.Entity {
		if _, sealing := e.(*directory.SealingKey); sealing {
			return nil
		}
		return e
	}
	return how, nil
}
