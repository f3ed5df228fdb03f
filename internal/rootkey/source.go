package rootkey

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/secret"
)

// Size is the length of a root key in bytes.
const Size = 32

var (
	// ErrAbsent is for a source that has no key.
	ErrAbsent = errors.New("there is none")
	// ErrNotMade is for a source whose key somebody else makes.
	ErrNotMade = errors.New("whoever provides it makes it")
)

// ModeError is for a file that others can reach.
type ModeError struct {
	Path string
	Mode fs.FileMode
	Want fs.FileMode
}

func (e *ModeError) Error() string {
	return fmt.Sprintf("%s has mode %v: want a regular file of mode %04o or stricter", e.Path, e.Mode, e.Want)
}

// leastVariety is how many different bytes a key must have. Of random keys fewer than one in 2^150 have less.
const leastVariety = 8

// Source is where a root key is.
type Source interface {
	// Read returns the key. The error Is [ErrAbsent] if there is none.
	Read(ctx context.Context) (secret.Key, error)
	// Create makes a key where there is none: it is durable when Create returns. undo takes it back. The error Is [ErrNotMade] if
	// the source cannot be written, and fs.ErrExist if there is a key already.
	Create(ctx context.Context, random io.Reader) (key secret.Key, undo func() error, err error)
	// String says where the key is.
	String() string
}

// New returns the source that a configuration names.
func New(k config.KeySource) (Source, error) {
	switch {
	case k.Env != "":
		return environment(k.Env), nil
	case len(k.Command) > 0:
		return command(k.Command), nil
	case k.Transit.Address != "":
		return newTransit(k.Transit)
	case k.File != "":
		return file(k.File), nil
	default:
		return nil, errors.New("the configuration names no root key")
	}
}

// checked refuses what cannot be a root key.
func checked(material []byte) (secret.Key, error) {
	if len(material) != Size {
		return secret.Key{}, fmt.Errorf("it does not have exactly %d bytes", Size)
	}
	var seen [256]bool
	variety := 0
	for _, b := range material {
		if !seen[b] {
			seen[b] = true
			variety++
		}
	}
	if variety < leastVariety {
		return secret.Key{}, errors.New("it is not random: hardly any of its bytes differ")
	}
	return secret.New(material), nil
}

// parse reads a key that is text: base64 (RFC 4648, section 4) or hexadecimal, with white space around it.
func parse(text string) (secret.Key, error) {
	text = strings.TrimSpace(text)
	var material []byte
	var err error
	if len(text) == hex.EncodedLen(Size) {
		material, err = hex.DecodeString(text)
	} else {
		material, err = base64.StdEncoding.Strict().DecodeString(text)
	}
	if err != nil { // err tells a part of the text
		return secret.Key{}, fmt.Errorf("it is not %d bytes in base64 or hexadecimal", Size)
	}
	return checked(material)
}
