package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/rootkey"
	"github.com/stint-sts/stint/internal/secret"
)

// rootKeys are those of a configuration.
type rootKeys struct {
	first secret.Key
	next  secret.Key // zero unless the store is to be moved to it
}

// errNoRootKey is for a deployment that was not begun: neither the key is there nor a store that it could be of.
var errNoRootKey = errors.New("there is no root key")

// findRootKey reads the root key, or returns errNoRootKey.
func findRootKey(ctx context.Context, source rootkey.Source, data string) (secret.Key, error) {
	key, err := source.Read(ctx)
	if !errors.Is(err, rootkey.ErrAbsent) {
		return key, err
	}
	if begun, err := storeBegun(data); err != nil {
		return secret.Key{}, err
	} else if begun { // a new key would only hide that the old one is lost
		err := fmt.Errorf("reading the root key: %s is missing, and %s holds a store that it sealed", source, data)
		return secret.Key{}, withHint(err, "put back the root key file, or begin with another data directory")
	}
	return secret.Key{}, fmt.Errorf("reading the root key: %w: %s does not exist", errNoRootKey, source)
}

// ensureRootKey reads the root key, or makes it for a deployment that begins. undo, if not nil, takes it back.
func ensureRootKey(ctx context.Context, source rootkey.Source, data string) (key secret.Key, undo func() error, err error) {
	key, err = findRootKey(ctx, source, data)
	if errors.Is(err, errNoRootKey) {
		key, undo, err = source.Create(ctx, rand.Reader)
	}
	if errors.Is(err, rootkey.ErrNotMade) {
		err = withHint(err, "openssl rand -base64 32 makes one")
	}
	return key, undo, err
}

// initializedRootKeys reads the root keys of a deployment that stint init has begun.
func initializedRootKeys(ctx context.Context, settings *config.Config) (keys rootKeys, err error) {
	source, err := rootkey.New(settings.RootKey.Source())
	if err != nil {
		return rootKeys{}, err
	}
	keys.first, err = findRootKey(ctx, source, settings.Data)
	if errors.Is(err, errNoRootKey) {
		return rootKeys{}, notInitialized(err)
	}
	if err != nil || !settings.RootKey.Next.Given() {
		return keys, err
	}
	next, err := rootkey.New(settings.RootKey.Next)
	if err != nil {
		return rootKeys{}, err
	}
	keys.next, err = next.Read(ctx)
	if errors.Is(err, rootkey.ErrAbsent) {
		err = withHint(fmt.Errorf("root_key.next: %w", err), "stint keys generate makes it")
	}
	return keys, err
}

// storeBegun reports whether a data directory holds an embedded store; package store keeps it in the folder etcd.
func storeBegun(data string) (bool, error) {
	entries, err := os.ReadDir(filepath.Join(data, "etcd", "member"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking into the data directory: %w", err)
	}
	return len(entries) > 0, nil
}
