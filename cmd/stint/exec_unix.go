//go:build unix

package main

import (
	"context"
	"fmt"
	"os/exec"
	"syscall"
)

// become replaces this process by a command: its exit status, signals and terminal are the command's own.
func become(ctx context.Context, command, environment []string) error {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return fmt.Errorf("running the command: %w", err)
	}
	soften(ctx)
	if err := syscall.Exec(path, command, environment); err != nil {
		return fmt.Errorf("running the command: %s: %w", path, err)
	}
	return nil
}

func sameVariable(a, b string) bool { return a == b }
