package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stint-sts/stint/internal/secret"
)

const rootKeyBytes = 32

// readRootKey reads a root key that nobody but its owner can read.
func readRootKey(path string) (secret.Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return secret.Key{}, fmt.Errorf("reading the root key: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return secret.Key{}, fmt.Errorf("reading the root key: %w", err)
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&^0o600 != 0 {
		err := fmt.Errorf("reading the root key: %s has mode %v: want a regular file of mode 0600 or stricter", path, mode)
		return secret.Key{}, withHint(err, "chmod 600 %s, and think about who may have read it", path)
	}
	material, err := io.ReadAll(io.LimitReader(f, rootKeyBytes+1))
	if err != nil {
		return secret.Key{}, fmt.Errorf("reading the root key: %w", err)
	}
	if len(material) != rootKeyBytes {
		return secret.Key{}, fmt.Errorf("reading the root key: %s does not have exactly %d bytes", path, rootKeyBytes)
	}
	return secret.New(material), nil
}

// createRootKey makes a root key in a file that must not exist yet. The key is on disk when it returns.
func createRootKey(path string) (key secret.Key, err error) {
	key, err = secret.Random(rootKeyBytes, rand.Reader)
	if err != nil {
		return secret.Key{}, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return secret.Key{}, fmt.Errorf("creating the root key: %w", err)
	}
	if err := writeNewFile(path, key.Reveal()); err != nil {
		return secret.Key{}, fmt.Errorf("creating the root key: %w", err)
	}
	return key, nil
}

// writeNewFile makes a file that must not exist yet. Under its name it is there whole or not at all, whatever crashes.
func writeNewFile(path string, content []byte) error {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil { // unlike a rename, it replaces nothing
		return err
	}
	return syncFolder(folder)
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// errNoRootKey is for a deployment that was not begun: neither the key is there nor a store that it could be of.
var errNoRootKey = errors.New("there is no root key")

// findRootKey reads the root key, or returns errNoRootKey.
func findRootKey(path, data string) (secret.Key, error) {
	key, err := readRootKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if begun, err := storeBegun(data); err != nil {
		return secret.Key{}, err
	} else if begun { // a new key would only hide that the old one is lost
		err := fmt.Errorf("reading the root key: %s is missing, and %s holds a store that it sealed", path, data)
		return secret.Key{}, withHint(err, "put back the root key file, or begin with another data directory")
	}
	return secret.Key{}, fmt.Errorf("reading the root key: %w: %s does not exist", errNoRootKey, path)
}

// ensureRootKey reads the root key, or makes it for a deployment that begins. created tells which.
func ensureRootKey(path, data string) (key secret.Key, created bool, err error) {
	key, err = findRootKey(path, data)
	if errors.Is(err, errNoRootKey) {
		key, err = createRootKey(path)
		created = true
	}
	return key, created, err
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
