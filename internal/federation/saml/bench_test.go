package saml

import (
	"crypto/x509"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// BenchmarkVerify is a response with a signed assertion, all of it.
func BenchmarkVerify(b *testing.B) {
	s := newStage(b, nil)
	encoded := good().Encoded()
	for b.Loop() {
		if _, err := s.verify(encoded); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBare is what the libraries need to read the same response and verify its signature.
func BenchmarkBare(b *testing.B) {
	encoded := good().Encoded()
	certificate, err := x509.ParseCertificate(keys().idp.Certificate)
	if err != nil {
		b.Fatal(err)
	}
	checker := &dsig.ValidationContext{
		CertificateStore: &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}}, IdAttribute: "ID", Clock: dsig.NewFakeClockAt(certificate.NotBefore),
	}
	for b.Loop() {
		raw, err := decode(encoded)
		if err != nil {
			b.Fatal(err)
		}
		d := etree.NewDocument()
		if err := d.ReadFromBytes(raw); err != nil {
			b.Fatal(err)
		}
		assertion := d.Root().SelectElement("Assertion")
		if _, err := checker.Validate(assertion); err != nil {
			b.Fatal(err)
		}
	}
}
