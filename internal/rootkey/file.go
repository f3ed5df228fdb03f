package rootkey

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stint-sts/stint/internal/secret"
)

// file is a key of raw bytes in a file that nobody but its owner can read.
type file string

func (f file) String() string { return string(f) }

// Read implements Source.
func (f file) Read(context.Context) (secret.Key, error) {
	material, err := readPrivate(string(f), 0o077, Size)
	if err == nil {
		var key secret.Key
		if key, err = checked(material); err == nil {
			return key, nil
		}
	}
	return secret.Key{}, fmt.Errorf("reading the root key %s: %w", f, err)
}

// Create implements Source.
func (f file) Create(_ context.Context, random io.Reader) (secret.Key, func() error, error) {
	key, err := secret.Random(Size, random)
	if err != nil {
		return secret.Key{}, nil, err
	}
	if err := writeNew(string(f), key.Reveal()); err != nil {
		return secret.Key{}, nil, fmt.Errorf("creating the root key: %w", err)
	}
	return key, func() error { return os.Remove(string(f)) }, nil
}

// readPrivate reads a regular file without the forbidden permissions. What is longer than most is cut after one more byte.
func readPrivate(path string, forbidden fs.FileMode, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrAbsent, err)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&(forbidden|0o111) != 0 {
		return nil, &ModeError{path, mode, 0o666 &^ forbidden}
	}
	return io.ReadAll(io.LimitReader(f, most+1))
}

// writeNew makes a file that must not exist yet, and its folder. Under its name it is there whole or not at all, whatever
// crashes, and it is on disk when writeNew returns.
func writeNew(path string, content []byte) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
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
