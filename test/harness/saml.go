package harness

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"
)

// The namespaces of a SAML response.
const (
	samlSpace     = "urn:oasis:names:tc:SAML:2.0:assertion"
	protocolSpace = "urn:oasis:names:tc:SAML:2.0:protocol"
	digitalSpace  = "http://www.w3.org/2000/09/xmldsig#"
)

type samlKey struct {
	private     *rsa.PrivateKey
	certificate []byte
}

// samlKeys are those of the identity providers of all tests, by name: idp is in the metadata, unrelated in none.
var samlKeys = sync.OnceValue(func() map[string]samlKey {
	keys := make(map[string]samlKey)
	for _, name := range []string{"idp", "unrelated"} {
		private, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Unix(1<<32, 0)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
		if err != nil {
			panic(err)
		}
		keys[name] = samlKey{private, der}
	}
	return keys
})

// SAMLMetadata is that of a provider whose key is idp.
func SAMLMetadata(entityID string) string {
	return `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + entityID + `"><IDPSSODescriptor protocolSupportEnumeration="` + protocolSpace +
		`"><KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="` + digitalSpace + `"><ds:X509Data><ds:X509Certificate>` +
		base64.StdEncoding.EncodeToString(samlKeys()["idp"].certificate) + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor></IDPSSODescriptor></EntityDescriptor>`
}

// SAMLResponse is what an identity provider says.
type SAMLResponse struct {
	Issuer, Audience, Recipient, NameID, Format string
	Issued, NotOnOrAfter, SessionNotOnOrAfter   time.Time // the last may be zero
	Attributes                                  map[string][]string
	Key                                         string // idp or unrelated
	WholeSigned                                 bool   // the response instead of the assertion
	Wrapped                                     bool   // an unsigned assertion is put before the signed one
	DocumentType                                string
}

// Encoded is the response in base64. It is written in canonical form.
func (r *SAMLResponse) Encoded() string {
	assertion := r.assertion(r.NameID)
	if !r.WholeSigned {
		assertion = r.signed(assertion)
	}
	if r.Wrapped {
		assertion = r.assertion("administrator") + assertion
	}
	text := `<samlp:Response xmlns:samlp="` + protocolSpace + `" ID="_` + strings.ToLower(rand.Text()) + `" IssueInstant="` + stamp(r.Issued) + `" Version="2.0"><saml:Issuer xmlns:saml="` + samlSpace + `">` +
		r.Issuer + `</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"></samlp:StatusCode></samlp:Status>` + assertion + `</samlp:Response>`
	if r.WholeSigned {
		text = r.signed(text)
	}
	return base64.StdEncoding.EncodeToString([]byte(r.DocumentType + text))
}

func (r *SAMLResponse) assertion(nameID string) string {
	var b strings.Builder
	b.WriteString(`<saml:Assertion xmlns:saml="` + samlSpace + `" ID="_` + strings.ToLower(rand.Text()) + `" IssueInstant="` + stamp(r.Issued) + `" Version="2.0"><saml:Issuer>` + r.Issuer +
		`</saml:Issuer><saml:Subject><saml:NameID Format="` + r.Format + `">` + nameID + `</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="` +
		stamp(r.NotOnOrAfter) + `" Recipient="` + r.Recipient + `"></saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotOnOrAfter="` + stamp(r.NotOnOrAfter) +
		`"><saml:AudienceRestriction><saml:Audience>` + r.Audience + `</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="` + stamp(r.Issued) + `"`)
	if !r.SessionNotOnOrAfter.IsZero() {
		b.WriteString(` SessionNotOnOrAfter="` + stamp(r.SessionNotOnOrAfter) + `"`)
	}
	b.WriteString(`></saml:AuthnStatement><saml:AttributeStatement>`)
	names := make([]string, 0, len(r.Attributes))
	for name := range r.Attributes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(`<saml:Attribute Name="` + name + `">`)
		for _, v := range r.Attributes[name] {
			b.WriteString(`<saml:AttributeValue>` + v + `</saml:AttributeValue>`)
		}
		b.WriteString(`</saml:Attribute>`)
	}
	b.WriteString(`</saml:AttributeStatement></saml:Assertion>`)
	return b.String()
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// signed puts a signature behind the first Issuer.
func (r *SAMLResponse) signed(text string) string {
	const exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	_, rest, _ := strings.Cut(text, ` ID="`)
	id, _, _ := strings.Cut(rest, `"`)
	digest := sha256.Sum256([]byte(text))
	info := `<ds:SignedInfo xmlns:ds="` + digitalSpace + `"><ds:CanonicalizationMethod Algorithm="` + exclusive + `"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256">` +
		`</ds:SignatureMethod><ds:Reference URI="#` + id + `"><ds:Transforms><ds:Transform Algorithm="` + digitalSpace + `enveloped-signature"></ds:Transform><ds:Transform Algorithm="` + exclusive +
		`"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod><ds:DigestValue>` + base64.StdEncoding.EncodeToString(digest[:]) +
		`</ds:DigestValue></ds:Reference></ds:SignedInfo>`
	sum := sha256.Sum256([]byte(info))
	value, err := rsa.SignPKCS1v15(rand.Reader, samlKeys()[r.Key].private, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	const end = "</saml:Issuer>"
	at := strings.Index(text, end) + len(end)
	return text[:at] + `<ds:Signature xmlns:ds="` + digitalSpace + `">` + strings.Replace(info, ` xmlns:ds="`+digitalSpace+`"`, "", 1) + `<ds:SignatureValue>` +
		base64.StdEncoding.EncodeToString(value) + `</ds:SignatureValue></ds:Signature>` + text[at:]
}
