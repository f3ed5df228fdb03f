package directory

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
	"time"
)

// testCertificate is a certificate in base64, broken into lines as metadata has it.
func testCertificate(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: created, NotAfter: created.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.StdEncoding.EncodeToString(der)
	return "\n" + text[:64] + "\n" + text[64:] + "\n"
}

const testMetadata = `<?xml version="1.0" encoding="UTF-8"?>
<!-- an identity provider -->
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example/saml" validUntil="2030-01-02T03:04:05Z">
<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>CERT</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>
<KeyDescriptor use="encryption"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>CERT</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>
<NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified</NameIDFormat></IDPSSODescriptor></EntityDescriptor>
`

func TestParseSAMLMetadata(t *testing.T) {
	t.Parallel()
	whole := strings.ReplaceAll(testMetadata, "CERT", testCertificate(t))
	m, err := ParseSAMLMetadata(whole)
	if err != nil {
		t.Fatal(err)
	}
	if m.EntityID != "https://idp.example/saml" || len(m.SigningCertificates) != 1 {
		t.Errorf("got %q with %d certificates", m.EntityID, len(m.SigningCertificates))
	}
	if until := m.Until(created); until != time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) {
		t.Errorf("until %s", until)
	}
	m, err = ParseSAMLMetadata(strings.NewReplacer(` validUntil="2030-01-02T03:04:05Z"`, "", ` use="signing"`, "").Replace(whole))
	if err != nil || m.Until(created) != created.AddDate(100, 0, 0) || len(m.SigningCertificates) != 1 {
		t.Errorf("without an end, with a key for every use: %v, %v", m, err)
	}
	for name, tt := range map[string]struct{ old, replacement, why string }{
		"no XML":                      {whole, "{}", errMetadataXML.Error()},
		"nothing":                     {whole, "", errMetadataXML.Error()},
		"cut off":                     {"</EntityDescriptor>", "", errMetadataXML.Error()},
		"a document type":             {"<!-- an identity provider -->", `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>`, errMetadataXML.Error()},
		"an entity":                   {"https://idp.example", "&x;", errMetadataXML.Error()},
		"a processing instruction":    {"<IDPSSODescriptor", "<?php?><IDPSSODescriptor", errMetadataXML.Error()},
		"two elements":                {"</EntityDescriptor>", "</EntityDescriptor><EntityDescriptor/>", errMetadataXML.Error()},
		"text after it":               {"</EntityDescriptor>", "</EntityDescriptor>x", errMetadataXML.Error()},
		"an attribute twice":          {` entityID="`, ` entityID="https://other.example" entityID="`, errMetadataXML.Error()},
		"another namespace":           {"SAML:2.0:metadata", "SAML:1.0:metadata", errMetadataRoot.Error()},
		"another element":             {"EntityDescriptor", "EntitiesDescriptor", errMetadataRoot.Error()},
		"no name":                     {`entityID`, `id`, "parsing SAML metadata: the EntityDescriptor has no entityID"},
		"no time":                     {"2030-01-02T03:04:05Z", "tomorrow", "parsing SAML metadata: validUntil is no time"},
		"a service provider":          {"IDPSSODescriptor", "SPSSODescriptor", "parsing SAML metadata: there is no IDPSSODescriptor"},
		"no key to verify by":         {`"signing"`, `"encryption"`, "parsing SAML metadata: the IDPSSODescriptor has no certificate to verify signatures by"},
		"keys in another namespace":   {"2000/09/xmldsig#", "2000/09/other#", "parsing SAML metadata: the IDPSSODescriptor has no certificate to verify signatures by"},
		"a certificate in no base64":  {"<ds:X509Certificate>", "<ds:X509Certificate>!", "parsing SAML metadata: a certificate is not base64"},
		"a certificate that is none":  {"<ds:X509Certificate>", "<ds:X509Certificate>AAAA", "parsing SAML metadata: a certificate cannot be read"},
		"elements within elements":    {"<NameIDFormat>", strings.Repeat("<a>", 70) + "<NameIDFormat>", errMetadataXML.Error()},
		"a certificate without a key": {"KeyDescriptor", "Other", "parsing SAML metadata: the IDPSSODescriptor has no certificate to verify signatures by"},
	} {
		if _, err := ParseSAMLMetadata(strings.ReplaceAll(whole, tt.old, tt.replacement)); err == nil || err.Error() != tt.why {
			t.Errorf("%s: %v, want %s", name, err, tt.why)
		}
	}
}

func TestNewSAMLID(t *testing.T) {
	t.Parallel()
	first, err := NewSAMLID(SAMLProviderUUID, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	second, err := NewSAMLID(SAMLProviderUUID, rand.Reader)
	if err != nil || first == second || len(first) != 30 || !strings.HasPrefix(first, "SAMLSP") {
		t.Errorf("%s, %s, %v", first, second, err)
	}
	if _, err := NewSAMLID(SAMLKeyID, strings.NewReader("short")); err == nil {
		t.Error("made of too little")
	}
}

// Whatever is given, the answer is an error or metadata that is whole.
func FuzzParseSAMLMetadata(f *testing.F) {
	f.Add(strings.ReplaceAll(testMetadata, "CERT", testCertificate(f)))
	f.Add("<a/>")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseSAMLMetadata(text)
		if err == nil && (m.EntityID == "" || len(m.SigningCertificates) == 0) {
			t.Errorf("%q has %v", text, m)
		}
	})
}
