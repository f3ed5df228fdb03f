package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/rootkey"
	"github.com/stint-sts/stint/internal/store"
)

// The exit statuses, which scripts may rely on.
const (
	exitFailure = 1
	exitUsage   = 2
)

// hinted is an error together with what to do about it.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

func withHint(err error, format string, args ...any) error {
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// usageError is a command line that cannot be meant.
type usageError struct{ error }

func (u *usageError) Unwrap() error { return u.error }

func usage(c *cobra.Command, err error) error {
	return &usageError{withHint(err, "%s --help explains and has examples", c.CommandPath())}
}

// report writes an error for a person and returns the exit status.
func report(w io.Writer, err error) int {
	fmt.Fprintf(w, "stint: %s\n", strings.ReplaceAll(err.Error(), "\n", "\n  "))
	if hint := hintFor(err); hint != "" {
		fmt.Fprintf(w, "hint: %s\n", hint)
	}
	var u *usageError
	if errors.As(err, &u) {
		return exitUsage
	}
	return exitFailure
}

func hintFor(err error) string {
	var h *hinted
	var m *rootkey.ModeError
	switch {
	case errors.As(err, &h):
		return h.hint
	case errors.As(err, &m):
		return fmt.Sprintf("chmod %o %s, and think about who may have read it", m.Want, m.Path)
	case errors.Is(err, store.ErrLocked):
		return "a server has this data directory open; stop it first"
	case errors.Is(err, store.ErrRootKey):
		return "put back the root key file that this directory was begun with"
	case errors.Is(err, store.ErrRestoring):
		return "stint restore has to end first; if it was interrupted, run it again"
	case errors.Is(err, store.ErrFormat):
		return "use a build as new as the one that wrote it; nothing was changed"
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program listens there; port 0 takes a free one"
	case errors.Is(err, fs.ErrPermission):
		return "run it as the user that the files belong to"
	default:
		return ""
	}
}
