package store

import (
	"crypto/hmac"
	"fmt"
	"io"
	"strconv"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

// The first byte of a value. A store of format 1 has values without the id of their root key: there was but one.
const (
	bareValue   = 1
	namedValue  = 2
	bareHeader  = 1 + macLength
	valueHeader = 1 + rootIDLength + macLength
)

// vault seals secrets and authenticates records, under the root keys that this process was given.
type vault struct {
	known  []*rootCipher
	random io.Reader
}

// newVault takes a root key and, if the store is to be moved or has been, another.
func newVault(random io.Reader, keys ...secret.Key) (*vault, error) {
	v := &vault{random: random}
	for _, key := range keys {
		c, err := newRootCipher(key)
		if err != nil {
			return nil, err
		}
		v.known = append(v.known, c)
	}
	return v, nil
}

func (v *vault) cipher(id RootKeyID) (*rootCipher, bool) {
	for _, c := range v.known {
		if c.id == id {
			return c, true
		}
	}
	return nil, false
}

// secretPurpose binds a sealed secret to the entity and to its place among the entity's secrets.
func secretPurpose(key directory.Key, index int) string {
	return "secret\x00" + key.String() + "\x00" + strconv.Itoa(index)
}

// encode returns the value that the store keeps for an entity. It alters a copy: e keeps its open secrets.
func (v *vault) encode(at *standing, e directory.Entity) ([]byte, error) {
	c := at.writes()
	e = cloneWithSecrets(e)
	for i, p := range e.Secrets() {
		sealed, err := c.seal(secretPurpose(e.Key(), i), p.Key.Reveal(), v.random)
		if err != nil {
			return nil, fmt.Errorf("encoding %s: %w", e.Key(), err)
		}
		p.Sealed = sealed
	}
	record, err := directory.Encode(e)
	if err != nil {
		return nil, err
	}
	value := make([]byte, 0, valueHeader+len(record))
	if at.Format < namedFormat {
		value = append(value, bareValue)
	} else {
		value = append(append(value, namedValue), c.id[:]...)
	}
	value = append(value, c.sum(e.Key().String(), record)...)
	return append(value, record...), nil
}

// decode reads what encode wrote, if it is under a root key that the store may have values of. The sealed form is dropped: each
// commit seals anew.
func (v *vault) decode(at *standing, key directory.Key, value []byte, revision int64) (directory.Entity, error) {
	record, c, err := at.authentic(key, value)
	if err != nil {
		return nil, fmt.Errorf("decoding %s: %w", key, err)
	}
	e, err := directory.Decode(key, record, revision)
	if err != nil {
		return nil, err
	}
	for i, p := range e.Secrets() {
		clear, err := c.open(secretPurpose(key, i), p.Sealed)
		if err != nil {
			return nil, fmt.Errorf("decoding %s: %w", key, err)
		}
		p.Sealed, p.Key = nil, secret.New(clear)
	}
	return e, nil
}

// authentic returns the record of a value, and the root key that it is under.
func (at *standing) authentic(key directory.Key, value []byte) ([]byte, *rootCipher, error) {
	if len(value) < bareHeader {
		return nil, nil, ErrDamaged
	}
	head, candidates := bareHeader, at.ciphers
	switch value[0] {
	case bareValue:
	case namedValue:
		if len(value) < valueHeader {
			return nil, nil, ErrDamaged
		}
		head, candidates = valueHeader, nil
		for _, c := range at.ciphers {
			if c.id == RootKeyID(value[1:1+rootIDLength]) {
				candidates = append(candidates, c)
			}
		}
	default:
		return nil, nil, fmt.Errorf("value version %d, this build reads versions %d and %d", value[0], bareValue, namedValue)
	}
	for _, c := range candidates {
		if hmac.Equal(value[head-macLength:head], c.sum(key.String(), value[head:])) {
			return value[head:], c, nil
		}
	}
	return nil, nil, ErrDamaged
}

// underFirst reports whether a value is under the root key that new ones are written under, with its id.
func (at *standing) underFirst(value []byte) bool {
	return len(value) >= valueHeader && value[0] == namedValue && RootKeyID(value[1:1+rootIDLength]) == at.writes().id
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
	case *directory.SAMLProvider:
		return e.Clone()
	default:
		return e
	}
}
