package rootkey

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/stint-sts/stint/internal/secret"
)

// environment is the name of a variable that holds the key as text.
type environment string

func (e environment) String() string { return "the environment variable " + string(e) }

// Read implements Source.
func (e environment) Read(context.Context) (secret.Key, error) {
	text := os.Getenv(string(e))
	if text == "" {
		return secret.Key{}, fmt.Errorf("reading the root key: %w: %s is not set", ErrAbsent, e)
	}
	key, err := parse(text)
	if err != nil {
		return secret.Key{}, fmt.Errorf("reading the root key from %s: %w", e, err)
	}
	return key, nil
}

// Create implements Source.
func (e environment) Create(context.Context, io.Reader) (secret.Key, func() error, error) {
	return secret.Key{}, nil, fmt.Errorf("making the root key of %s: %w", e, ErrNotMade)
}
