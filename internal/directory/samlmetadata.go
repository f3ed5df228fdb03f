package directory

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
)

const (
	metadataNamespace  = "urn:oasis:names:tc:SAML:2.0:metadata"
	signatureNamespace = "http://www.w3.org/2000/09/xmldsig#"
	// maxMetadataDepth and maxMetadataTokens are far above what metadata has.
	maxMetadataDepth  = 64
	maxMetadataTokens = 200_000
)

// SAMLMetadata is what an account needs to know of the metadata of an identity provider when it is given.
type SAMLMetadata struct {
	EntityID string
	// ValidUntil is the metadata's own end; zero if it names none.
	ValidUntil time.Time
	// SigningCertificates are those of the keys that assertions may be signed with.
	SigningCertificates []*x509.Certificate
}

// ParseSAMLMetadata accepts one EntityDescriptor of an identity provider with at least one certificate to verify by. It
// refuses document types, processing instructions, attributes given twice, and text around the element.
func ParseSAMLMetadata(text string) (*SAMLMetadata, error) {
	p := &metadataParser{decoder: xml.NewDecoder(strings.NewReader(text)), out: new(SAMLMetadata)}
	if err := p.parse(); err != nil {
		return nil, err
	}
	switch {
	case p.out.EntityID == "":
		return nil, errors.New("parsing SAML metadata: the EntityDescriptor has no entityID")
	case !p.provider:
		return nil, errors.New("parsing SAML metadata: there is no IDPSSODescriptor")
	case len(p.out.SigningCertificates) == 0:
		return nil, errors.New("parsing SAML metadata: the IDPSSODescriptor has no certificate to verify signatures by")
	}
	return p.out, nil
}

// Until is when a provider with the metadata, given at a time, ends: after a hundred years if the metadata names no end (as
// observed of ListSAMLProviders, index id 24098038364).
func (m *SAMLMetadata) Until(given time.Time) time.Time {
	if m.ValidUntil.IsZero() {
		return given.AddDate(100, 0, 0)
	}
	return m.ValidUntil
}

type metadataParser struct {
	decoder  *xml.Decoder
	out      *SAMLMetadata
	path     []xml.Name
	provider bool // an IDPSSODescriptor was seen
	signing  bool // the KeyDescriptor that was begun last is for signing
	text     strings.Builder
}

var (
	errMetadataXML  = errors.New("parsing SAML metadata: it is not the plain XML of one element")
	errMetadataRoot = errors.New("parsing SAML metadata: it is no EntityDescriptor")
)

// parse reads the whole text.
func (p *metadataParser) parse() error {
	begun := false
	for tokens := 0; ; tokens++ {
		token, err := p.decoder.Token()
		if errors.Is(err, io.EOF) && begun && len(p.path) == 0 {
			return nil
		}
		if err != nil || tokens > maxMetadataTokens {
			return errMetadataXML
		}
		switch token := token.(type) {
		case xml.StartElement:
			if len(p.path) == 0 && begun || len(p.path) == maxMetadataDepth {
				return errMetadataXML
			}
			begun = true
			if err := p.start(token); err != nil {
				return err
			}
		case xml.EndElement:
			if err := p.end(); err != nil {
				return err
			}
		case xml.CharData:
			if len(p.path) == 0 && strings.Trim(string(token), " \t\r\n\ufeff") != "" {
				return errMetadataXML
			}
			p.text.Write(token)
		case xml.ProcInst:
			if token.Target != "xml" || begun {
				return errMetadataXML
			}
		case xml.Directive:
			return errMetadataXML
		}
	}
}

func (p *metadataParser) start(e xml.StartElement) error {
	seen := make(map[xml.Name]bool, len(e.Attr))
	for _, a := range e.Attr {
		if seen[a.Name] {
			return errMetadataXML
		}
		seen[a.Name] = true
	}
	p.path = append(p.path, e.Name)
	p.text.Reset()
	switch {
	case len(p.path) == 1:
		return p.root(e)
	case p.at(metadata("IDPSSODescriptor")):
		p.provider = true
	case p.at(metadata("IDPSSODescriptor"), metadata("KeyDescriptor")):
		use := attribute(e, "use")
		p.signing = use == "" || use == "signing"
	}
	return nil
}

func (p *metadataParser) root(e xml.StartElement) error {
	if e.Name != metadata("EntityDescriptor") {
		return errMetadataRoot
	}
	p.out.EntityID = attribute(e, "entityID")
	until := attribute(e, "validUntil")
	if until == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339, until)
	if err != nil {
		return errors.New("parsing SAML metadata: validUntil is no time")
	}
	p.out.ValidUntil = t.UTC().Truncate(time.Second)
	return nil
}

func (p *metadataParser) end() error {
	defer func() { p.path = p.path[:len(p.path)-1] }()
	certificate := p.at(metadata("IDPSSODescriptor"), metadata("KeyDescriptor"), signature("KeyInfo"), signature("X509Data"),
		signature("X509Certificate"))
	if !certificate || !p.signing {
		return nil
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(p.text.String()), ""))
	if err != nil {
		return errors.New("parsing SAML metadata: a certificate is not base64")
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return errors.New("parsing SAML metadata: a certificate cannot be read")
	}
	p.out.SigningCertificates = append(p.out.SigningCertificates, c)
	return nil
}

// at reports whether the path is exactly these elements below the root.
func (p *metadataParser) at(names ...xml.Name) bool {
	return len(p.path) > 0 && slices.Equal(p.path[1:], names)
}

func metadata(name string) xml.Name { return xml.Name{Space: metadataNamespace, Local: name} }

func signature(name string) xml.Name { return xml.Name{Space: signatureNamespace, Local: name} }

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name == (xml.Name{Local: name}) {
			return a.Value
		}
	}
	return ""
}
