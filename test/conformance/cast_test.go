package conformance

import (
	"crypto/rand"
	"encoding/base32"
	"maps"

	"github.com/stint-sts/stint/test/harness"
)

// cast is who and what a case may name: credentials by user or session, device seeds by serial number, saved values.
type cast struct {
	credentials map[string]harness.Credentials
	seeds       map[string]string
	saved       map[string]string
	lastCode    string
}

func newCast() *cast {
	return &cast{
		credentials: map[string]harness.Credentials{},
		seeds:       map[string]string{},
		saved:       map[string]string{},
	}
}

// clone is for a case that shares its stage: what it adds is its own.
func (c *cast) clone() *cast {
	return &cast{
		credentials: maps.Clone(c.credentials),
		seeds:       maps.Clone(c.seeds),
		saved:       maps.Clone(c.saved),
	}
}

// newSeed is a fresh 160-bit device seed in base32.
func newSeed() string {
	raw := make([]byte, 20)
	_, _ = rand.Read(raw)
	return base32.StdEncoding.EncodeToString(raw)
}
