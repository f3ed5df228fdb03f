package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

const (
	rootKeyLength = 32
	sealVersion   = 1
	valueVersion  = 1
	macLength     = 16
	valueHeader   = 1 + macLength
)

var (
	errRootLength = errors.New("the root key must have 32 bytes")
	errSealed     = errors.New("a secret cannot be opened under this root key")
)

// vault seals secrets and authenticates records. Each use has a key of its own, derived from the root key.
type vault struct {
	aead   cipher.AEAD
	mac    secret.Key
	random io.Reader
}

func newVault(root secret.Key, random io.Reader) (*vault, error) {
	material := root.Reveal()
	if len(material) != rootKeyLength {
		return nil, errRootLength
	}
	sealing, err := hkdf.Key(sha256.New, material, nil, "stint store: seal secrets", rootKeyLength)
	if err != nil {
		return nil, fmt.Errorf("deriving the sealing key: %w", err)
	}
	mac, err := hkdf.Key(sha256.New, material, nil, "stint store: authenticate records", rootKeyLength)
	if err != nil {
		return nil, fmt.Errorf("deriving the record key: %w", err)
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, fmt.Errorf("deriving the sealing key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("deriving the sealing key: %w", err)
	}
	return &vault{aead, secret.New(mac), random}, nil
}

// seal encrypts under a purpose, which must be told again to open.
func (v *vault) seal(purpose string, clear []byte) ([]byte, error) {
	nonceSize := v.aead.NonceSize()
	sealed := make([]byte, 1+nonceSize, 1+nonceSize+len(clear)+v.aead.Overhead())
	sealed[0] = sealVersion
	if _, err := io.ReadFull(v.random, sealed[1:]); err != nil {
		return nil, fmt.Errorf("sealing: reading randomness: %w", err)
	}
	return v.aead.Seal(sealed, sealed[1:], clear, []byte(purpose)), nil
}

func (v *vault) open(purpose string, sealed []byte) ([]byte, error) {
	begin := 1 + v.aead.NonceSize()
	if len(sealed) < begin || sealed[0] != sealVersion {
		return nil, errSealed
	}
	clear, err := v.aead.Open(nil, sealed[1:begin], sealed[begin:], []byte(purpose))
	if err != nil {
		return nil, errSealed
	}
	return clear, nil
}

// secretPurpose binds a sealed secret to the entity and to its place among the entity's secrets.
func secretPurpose(key directory.Key, index int) string {
	return "secret\x00" + key.String() + "\x00" + strconv.Itoa(index)
}

// encode returns the value that the store keeps for an entity. It alters a copy: e keeps its open secrets.
func (v *vault) encode(e directory.Entity) ([]byte, error) {
	e = cloneWithSecrets(e)
	for i, p := range e.Secrets() {
		sealed, err := v.seal(secretPurpose(e.Key(), i), p.Key.Reveal())
		if err != nil {
			return nil, fmt.Errorf("encoding %s: %w", e.Key(), err)
		}
		p.Sealed = sealed
	}
	record, err := directory.Encode(e)
	if err != nil {
		return nil, err
	}
	value := make([]byte, valueHeader, valueHeader+len(record))
	value[0] = valueVersion
	copy(value[1:], v.sum(e.Key().String(), record))
	return append(value, record...), nil
}

// decode reads what encode wrote. The sealed form is dropped: each commit seals anew.
func (v *vault) decode(key directory.Key, value []byte, revision int64) (directory.Entity, error) {
	if len(value) < valueHeader {
		return nil, fmt.Errorf("decoding %s: %w", key, ErrDamaged)
	}
	if value[0] != valueVersion {
		return nil, fmt.Errorf("decoding %s: value version %d, this build reads version %d", key, value[0], valueVersion)
	}
	record := value[valueHeader:]
	if !hmac.Equal(value[1:valueHeader], v.sum(key.String(), record)) {
		return nil, fmt.Errorf("decoding %s: %w", key, ErrDamaged)
	}
	e, err := directory.Decode(key, record, revision)
	if err != nil {
		return nil, err
	}
	for i, p := range e.Secrets() {
		clear, err := v.open(secretPurpose(key, i), p.Sealed)
		if err != nil {
			return nil, fmt.Errorf("decoding %s: %w", key, err)
		}
		p.Sealed, p.Key = nil, secret.New(clear)
	}
	return e, nil
}

func (v *vault) sum(key string, record []byte) []byte {
	h := hmac.New(sha256.New, v.mac.Reveal())
	h.Write([]byte(key)) // holds no NUL
	h.Write([]byte{0})
	h.Write(record)
	return h.Sum(nil)[:macLength]
}

func cloneWithSecrets(e directory.Entity) directory.Entity {
	switch e := e.(type) {
	case *directory.Account:
		return e.Clone()
	case *directory.User:
		return e.Clone()
	case *directory.Device:
		return e.Clone()
	case *directory.SealingKey:
		c := *e
		return &c
	case *directory.ServerCertificate:
		return e.Clone()
	default:
		return e
	}
}
