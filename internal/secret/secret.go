// Package secret holds key material so that it cannot leave by accident: a [Key] cannot be printed, logged, marshalled
// or compared with ==. What it holds is had only by asking for it by name, with [Key.Reveal] or [Key.RevealString], so
// that a search for these two finds every place where a secret is in the open.
//
// The material lives in a closure. Printers that walk unexported fields by reflection (fmt does, when the struct around
// the Key has no Formatter) can show the address of a function and nothing more.
//
// It does not wipe memory: Go's collector moves and copies, and a promise that cannot be kept is worse than none.
package secret

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Redaction is what every printer shows instead of the key.
const Redaction = "[redacted]"

// ErrSealed is returned by every marshaller.
var ErrSealed = errors.New("secret: key material is not marshalled")

// Key is opaque key material. The zero Key holds nothing. A Key is immutable and safe for concurrent use.
type Key struct {
	_      [0]func() // incomparable: == would leak timing
	reveal func() string
}

// New copies b into a Key.
func New(b []byte) Key { return FromString(string(b)) }

// FromString makes a Key of s.
func FromString(s string) Key {
	if s == "" {
		return Key{}
	}
	return Key{reveal: func() string { return s }}
}

// Random makes a Key of n bytes read from random.
func Random(n int, random io.Reader) (Key, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(random, b); err != nil {
		return Key{}, fmt.Errorf("making a random key: %w", err)
	}
	return New(b), nil
}

// AccessKey makes a secret access key, as AWS's are: 40 characters of base64, of 30 bytes read from random.
func AccessKey(random io.Reader) (Key, error) {
	var b [30]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return Key{}, fmt.Errorf("making a secret access key: %w", err)
	}
	var text [40]byte
	base64.StdEncoding.Encode(text[:], b[:])
	return New(text[:]), nil
}

// Reveal returns a copy of the key material.
func (k Key) Reveal() []byte { return []byte(k.RevealString()) }

// RevealString returns the key material.
func (k Key) RevealString() string {
	if k.reveal == nil {
		return ""
	}
	return k.reveal()
}

// IsZero reports whether k holds nothing.
func (k Key) IsZero() bool { return k.reveal == nil }

// Equal compares in a time that depends on the lengths only. A zero Key equals nothing, not even another zero Key: a
// secret that was never set must not open anything.
func (k Key) Equal(other Key) bool {
	if k.IsZero() || other.IsZero() {
		return false
	}
	return subtle.ConstantTimeCompare(k.Reveal(), other.Reveal()) == 1
}

// String returns the redaction.
func (Key) String() string { return Redaction }

// GoString returns the redaction.
func (Key) GoString() string { return Redaction }

// Format writes the redaction for every verb and flag.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redaction) }

// LogValue returns the redaction.
func (Key) LogValue() slog.Value { return slog.StringValue(Redaction) }

// MarshalText returns [ErrSealed].
func (Key) MarshalText() ([]byte, error) { return nil, ErrSealed }

// MarshalJSON returns [ErrSealed].
func (Key) MarshalJSON() ([]byte, error) { return nil, ErrSealed }

// MarshalBinary returns [ErrSealed].
func (Key) MarshalBinary() ([]byte, error) { return nil, ErrSealed }

// GobEncode returns [ErrSealed].
func (Key) GobEncode() ([]byte, error) { return nil, ErrSealed }
