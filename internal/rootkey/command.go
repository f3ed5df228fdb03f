package rootkey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/stint-sts/stint/internal/secret"
)

const (
	commandTime = 30 * time.Second
	// commandRest is how long the pipe of a command that was ended may stay open with one of its children.
	commandRest   = time.Second
	commandOutput = 1 << 10
)

var errOutput = errors.New("it printed too much")

// command is a program with its arguments, which prints the key as text. No shell reads it. What it writes to its standard error
// goes nowhere: it could be the key.
type command []string

func (c command) String() string { return "the command " + c[0] }

// Read implements Source.
func (c command) Read(ctx context.Context) (secret.Key, error) {
	text, err := c.run(ctx)
	var key secret.Key
	if err == nil {
		key, err = parse(text)
	}
	if err != nil {
		return secret.Key{}, fmt.Errorf("reading the root key from %s: %w", c, err)
	}
	return key, nil
}

func (c command) run(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	output := limited{end: cancel}
	cmd := exec.CommandContext(ctx, c[0], c[1:]...)
	cmd.Stdout = &output
	cmd.WaitDelay = commandRest
	err := cmd.Run()
	if output.over {
		return "", errOutput
	}
	if ctx.Err() != nil {
		return "", fmt.Errorf("it did not end in time: %w", ctx.Err())
	}
	return output.kept.String(), err
}

// limited keeps a short output, and ends whoever writes a long one. The buffer has a name, since its ReadFrom has no limit.
type limited struct {
	kept bytes.Buffer
	over bool
	end  func()
}

// Write implements io.Writer.
func (l *limited) Write(b []byte) (int, error) {
	if l.kept.Len()+len(b) > commandOutput {
		l.over = true
		l.end()
		return 0, errOutput
	}
	return l.kept.Write(b)
}

// Create implements Source.
func (c command) Create(context.Context, io.Reader) (secret.Key, func() error, error) {
	return secret.Key{}, nil, fmt.Errorf("making the root key of %s: %w", c, ErrNotMade)
}
