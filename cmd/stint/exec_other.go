//go:build !unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// become runs a command and ends as it does. An interrupt reaches the command by itself: it has the same console.
func become(_ context.Context, command, environment []string) error {
	child := exec.Command(command[0], command[1:]...)
	child.Env = environment
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := child.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		os.Exit(ended.ExitCode())
	}
	if err != nil {
		return fmt.Errorf("running the command: %w", err)
	}
	return nil
}

// sameVariable compares as the system does, which does not tell cases apart.
func sameVariable(a, b string) bool { return strings.EqualFold(a, b) }
