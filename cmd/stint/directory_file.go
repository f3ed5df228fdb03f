package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/manifest"
	"github.com/stint-sts/stint/internal/store"
)

// maxDirectoryFile is room for some hundred thousand users, in bytes.
const maxDirectoryFile = 256 << 20

func readDirectoryFile(path string) (*manifest.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the directory file: %w", err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxDirectoryFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the directory file: %w", err)
	}
	if len(text) > maxDirectoryFile {
		return nil, fmt.Errorf("reading the directory file: %s is larger than %d bytes", path, maxDirectoryFile)
	}
	return manifest.Parse(path, text)
}

func planOptions(now time.Time) manifest.Options {
	return manifest.Options{Now: now, Random: rand.Reader}
}

// bring commits a plan of any size.
func bring(ctx context.Context, s *store.Store, p *manifest.Plan, progress func(done, total int)) error {
	if p.Empty() {
		return nil
	}
	if err := s.CommitAll(ctx, p.Change, progress); err != nil {
		return fmt.Errorf("applying the directory file: %w", err)
	}
	return nil
}

// ensureAdministrator makes the administrator of the directory unless it is there; f may be nil.
func ensureAdministrator(ctx context.Context, s *store.Store, f *manifest.File, now time.Time) (*manifest.AdministratorPlan, error) {
	a, err := manifest.Administrator(s.View(), f, planOptions(now))
	if err != nil {
		return nil, err
	}
	if len(a.Change.Writes) == 0 {
		return a, nil
	}
	if err := s.Commit(ctx, a.Change); err != nil {
		return nil, fmt.Errorf("making the administrator: %w", err)
	}
	return a, nil
}

// writeGenerated prints keys that nobody can see again, each line a comment to a shell.
func writeGenerated(w io.Writer, keys []manifest.GeneratedKey) error {
	for _, k := range keys {
		owner := "user " + k.User
		if k.User == "" {
			owner = "root"
		}
		_, err := fmt.Fprintf(w, "# %s of %s: AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n",
			owner, k.Account, k.ID, shellQuote(k.Secret.RevealString()))
		if err != nil {
			return err
		}
	}
	return nil
}

func hasAccount(v *directory.View) bool {
	for range v.Accounts() {
		return true
	}
	return false
}
