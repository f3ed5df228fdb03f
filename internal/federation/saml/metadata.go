package saml

import (
	"crypto/x509"
	"fmt"
	"sync"

	"github.com/stint-sts/stint/internal/directory"
)

// metadata is what a provider's metadata says, with those of its certificates whose keys may verify.
type metadata struct {
	*directory.SAMLMetadata
	keys []*x509.Certificate
}

// metadataCache keeps what was read of metadata by its text. When the young generation is full it becomes the old one, and
// what nobody asked for since is forgotten.
type metadataCache struct {
	mu         sync.Mutex
	young, old map[string]*metadata // guarded by mu
}

// generation bounds a generation.
const generation = 256

func (c *metadataCache) of(p *directory.SAMLProvider) (*metadata, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m, ok := c.young[p.Metadata]; ok {
		return m, nil
	}
	m, ok := c.old[p.Metadata]
	if !ok {
		parsed, err := directory.ParseSAMLMetadata(p.Metadata)
		if err != nil {
			return nil, fmt.Errorf("reading the metadata of %s: %w", p.ARN, err)
		}
		m = &metadata{parsed, fit(parsed.SigningCertificates)}
	}
	if c.young == nil || len(c.young) >= generation {
		c.old, c.young = c.young, make(map[string]*metadata)
	}
	c.young[p.Metadata] = m
	return m, nil
}
