package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/stint-sts/stint/internal/store"
)

func TestExitStatus(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]int{
		"version":                    0,
		"--help":                     0,
		"help dev":                   0,
		"completion zsh":             0,
		"":                           exitUsage,
		"nonsense":                   exitUsage,
		"audit nonsense":             exitUsage,
		"context":                    exitUsage,
		"version extra":              exitUsage,
		"dev --nonsense":             exitUsage,
		"dev --region":               exitUsage,
		"context issue":              exitUsage,
		"apply":                      exitUsage,
		"serve --config none.yaml":   exitFailure,
		"audit verify none.jsonl":    exitFailure,
		"dev --listen 192.0.2.1:0":   exitFailure,
		"dev --directory none.yaml":  exitFailure,
		"init --config none.yaml":    exitFailure,
		"apply -f x --config y.yaml": exitFailure,
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			if got := run(t.Context(), strings.Fields(line), &stdout, &stderr); got != want {
				t.Errorf("exit status %d, want %d: %s", got, want, &stderr)
			}
			if failed := strings.HasPrefix(stderr.String(), "stint: "); failed != (want != 0) {
				t.Errorf("exit status %d with %q on standard error", want, &stderr)
			}
		})
	}
}

func TestReportHints(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"none":       {errors.New("doing x: why"), "stint: doing x: why\n"},
		"own":        {fmt.Errorf("doing x: %w", withHint(errors.New("why"), "do %s", "y")), "stint: doing x: why\nhint: do y\n"},
		"lines":      {errors.Join(errors.New("a"), errors.New("b")), "stint: a\n  b\n"},
		"locked":     {fmt.Errorf("x: %w", store.ErrLocked), "hint: a server has this data directory open; stop it first\n"},
		"root key":   {fmt.Errorf("x: %w", store.ErrRootKey), "hint: put back the root key file"},
		"address":    {fmt.Errorf("x: %w", syscall.EADDRINUSE), "hint: another program listens there"},
		"permission": {fmt.Errorf("x: %w", syscall.EACCES), "hint: run it as the user"},
	} {
		var out bytes.Buffer
		if status := report(&out, test.err); status != exitFailure || !strings.Contains(out.String(), test.want) {
			t.Errorf("%s: status %d, %q, want %q", name, status, &out, test.want)
		}
	}
}
