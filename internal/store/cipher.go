package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/stint-sts/stint/internal/secret"
)

const (
	rootKeyLength = 32
	rootIDLength  = 8
	sealVersion   = 1
	macLength     = 16
)

var (
	errRootLength = errors.New("the root key must have 32 bytes")
	errSealed     = errors.New("a secret cannot be opened under this root key")
)

// RootKeyID tells root keys apart without telling anything about them. It is in front of all that one has sealed.
type RootKeyID [rootIDLength]byte

// String is the id in hexadecimal.
func (id RootKeyID) String() string { return hex.EncodeToString(id[:]) }

// rootCipher is a root key at work. Each use has a key of its own, derived from the root key.
type rootCipher struct {
	id   RootKeyID
	root secret.Key
	aead cipher.AEAD
	mac  secret.Key
}

func newRootCipher(root secret.Key) (*rootCipher, error) {
	if len(root.Reveal()) != rootKeyLength {
		return nil, errRootLength
	}
	c := &rootCipher{root: root}
	sealing, err := c.derive(nil, "stint store: seal secrets")
	if err != nil {
		return nil, err
	}
	if c.mac, err = c.derive(nil, "stint store: authenticate records"); err != nil {
		return nil, err
	}
	id, err := c.derive(nil, "stint store: id of the root key")
	if err != nil {
		return nil, err
	}
	copy(c.id[:], id.Reveal())
	c.aead, err = newAEAD(sealing)
	return c, err
}

func (c *rootCipher) derive(salt []byte, label string) (secret.Key, error) {
	b, err := hkdf.Key(sha256.New, c.root.Reveal(), salt, label, rootKeyLength)
	if err != nil {
		return secret.Key{}, fmt.Errorf("deriving the key for %s: %w", label, err)
	}
	return secret.New(b), nil
}

func newAEAD(key secret.Key) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key.Reveal())
	if err != nil {
		return nil, fmt.Errorf("making a cipher: %w", err)
	}
	return cipher.NewGCM(block)
}

// seal encrypts under a purpose, which must be told again to open.
func (c *rootCipher) seal(purpose string, clear []byte, random io.Reader) ([]byte, error) {
	nonceSize := c.aead.NonceSize()
	sealed := make([]byte, 1+nonceSize, 1+nonceSize+len(clear)+c.aead.Overhead())
	sealed[0] = sealVersion
	if _, err := io.ReadFull(random, sealed[1:]); err != nil {
		return nil, fmt.Errorf("sealing: reading randomness: %w", err)
	}
	return c.aead.Seal(sealed, sealed[1:], clear, []byte(purpose)), nil
}

func (c *rootCipher) open(purpose string, sealed []byte) ([]byte, error) {
	begin := 1 + c.aead.NonceSize()
	if len(sealed) < begin || sealed[0] != sealVersion {
		return nil, errSealed
	}
	clear, err := c.aead.Open(nil, sealed[1:begin], sealed[begin:], []byte(purpose))
	if err != nil {
		return nil, errSealed
	}
	return clear, nil
}

func (c *rootCipher) sum(key string, record []byte) []byte {
	h := hmac.New(sha256.New, c.mac.Reveal())
	h.Write([]byte(key)) // holds no NUL
	h.Write([]byte{0})
	h.Write(record)
	return h.Sum(nil)[:macLength]
}
