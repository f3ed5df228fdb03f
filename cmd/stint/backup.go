package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/store"
)

func newBackup() *cobra.Command {
	var output string
	c := onStore(&cobra.Command{
		Use:   "backup -o FILE",
		Short: "Write a sealed backup of the store to a file",
		Long: `Writes what the store holds at one moment to a file that must not exist yet: accounts, users, roles, policies, keys, sealing
keys, revocations and what may happen only once. Servers go on meanwhile. Every record is read and checked on the way.

The file is sealed under the root key: without it, it tells nothing, and it is of no use. Keep the root key apart from it. The
audit log and the configuration are not in it.`,
		Example: `  stint backup -o /backup/stint-$(date +%F).backup --config /etc/stint/stint.yaml
  stint backup -o - | ssh elsewhere 'cat >stint.backup'`,
		Args: noArguments,
	}, func(c *cobra.Command, s *store.Store, _ []string) error {
		var m store.Manifest
		var records int
		err := toFile(output, c.OutOrStdout(), func(w io.Writer) (err error) {
			info, _ := debug.ReadBuildInfo()
			m, records, err = s.Backup(c.Context(), w, time.Now(), versionOf(info))
			return err
		})
		if err != nil {
			return err
		}
		c.PrintErrf("backed up %d records at revision %d\n", records, m.Revision)
		return nil
	})
	c.Flags().StringVarP(&output, "output", "o", "", "file to write, - for standard output")
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if output == "" {
			return usage(c, errors.New("-o is missing"))
		}
		return nil
	}
	return c
}

// toFile has a file written that must not exist yet. Under its name it is there whole or not at all, and on disk.
func toFile(path string, stdout io.Writer, write func(io.Writer) error) (err error) {
	if path == "-" {
		return write(stdout)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing %s: %w", path, err)
		}
	}()
	if _, err := os.Lstat(path); err == nil { // before the work, and again at its end
		return fs.ErrExist
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".backup-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil { // unlike a rename, it replaces nothing
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
