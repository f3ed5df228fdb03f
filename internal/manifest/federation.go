package manifest

import (
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
)

// providers plans the identity providers of an account.
func (p *planner) providers(a *account) {
	for _, o := range a.oidc {
		next := &directory.OIDCProvider{Account: a.id, URL: o.url, ARN: arn.OIDCProvider(p.view.Partition(), a.id, o.url), Created: p.Now}
		if old, ok := p.view.OIDCProvider(a.id, o.url); ok {
			next = old.Clone()
		}
		if o.clientIDs != nil {
			next.ClientIDs = keep(next.ClientIDs, o.clientIDs)
		}
		if o.thumbprints != nil {
			next.Thumbprints = keep(next.Thumbprints, o.thumbprints)
		}
		if o.jwks != nil {
			next.JWKS = *o.jwks
		}
		p.put(next)
	}
	for _, s := range a.saml {
		next := &directory.SAMLProvider{Account: a.id, Name: s.name, ARN: arn.SAMLProvider(p.view.Partition(), a.id, s.name), Created: p.Now}
		if old, ok := p.view.SAMLProvider(a.id, s.name); ok {
			next = old.Clone()
		}
		if next.UUID == "" {
			next.UUID = p.samlID()
		}
		if next.Metadata != s.metadata || next.ValidUntil.IsZero() {
			next.Metadata, next.ValidUntil = s.metadata, validUntil(s.metadata, p.Now)
		}
		p.put(next)
	}
}

// validUntil is the end that metadata has. Of metadata that nothing can be verified by, which the file may hold, it is as if it
// named none.
func validUntil(metadata string, given time.Time) time.Time {
	m, err := directory.ParseSAMLMetadata(metadata)
	if err != nil {
		m = new(directory.SAMLMetadata)
	}
	return m.Until(given)
}

func (p *planner) samlID() string {
	id, err := directory.NewSAMLID(directory.SAMLProviderUUID, p.Random)
	if err != nil {
		p.failure = err
	}
	return id
}
