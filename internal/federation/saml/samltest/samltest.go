// Package samltest is a SAML identity provider for tests: keys, metadata, and responses that are right or wrong in one thing.
// It writes XML that is in canonical form from the start and signs it with the standard library, so that nothing in a response
// was checked on the way.
package samltest

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // for signatures that must be refused
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"hash"
	"math/big"
	"strings"
	"time"
)

// The names that responses are made with.
const (
	SAML     = "urn:oasis:names:tc:SAML:2.0:assertion"
	Protocol = "urn:oasis:names:tc:SAML:2.0:protocol"
	DS       = "http://www.w3.org/2000/09/xmldsig#"
	XEnc     = "http://www.w3.org/2001/04/xmlenc#"
	XEnc11   = "http://www.w3.org/2009/xmlenc11#"
	// Attributes begins the names of AWS's attributes.
	Attributes = "https://aws.amazon.com/SAML/Attributes/"
	timeFormat = "2006-01-02T15:04:05Z"
)

// Key is a key with its certificate.
type Key struct {
	Private     *rsa.PrivateKey
	Certificate []byte // DER
}

// NewKey makes a key of a size in bits. Its certificate ended long ago, which ends nothing.
func NewKey(bits int) *Key {
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	began := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"}, NotBefore: began, NotAfter: began.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		panic(err)
	}
	return &Key{private, der}
}

// PKCS8 is the private key.
func (k *Key) PKCS8() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(k.Private)
	if err != nil {
		panic(err)
	}
	return der
}

// Metadata is that of a provider with keys.
func Metadata(entityID string, keys ...*Key) string {
	var b strings.Builder
	b.WriteString(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + entityID +
		`"><IDPSSODescriptor protocolSupportEnumeration="` + Protocol + `">`)
	for _, k := range keys {
		b.WriteString(`<KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="` + DS + `"><ds:X509Data><ds:X509Certificate>` + encode(k.Certificate) +
			`</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>`)
	}
	b.WriteString(`<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/sso"/>` +
		`</IDPSSODescriptor></EntityDescriptor>`)
	return b.String()
}

// Signature is how something is signed. What is empty has the usual value.
type Signature struct {
	Key       *Key
	Method    string // its end: rsa-sha256
	Digest    string // the digest's whole name
	C14N      string
	Reference string
	// Transforms are the elements in Transforms.
	Transforms string
	KeyInfo    string
	Hash       crypto.Hash
	// HMAC makes the signature with a key of bytes.
	HMAC []byte
	// Info changes SignedInfo before it is signed; it is in canonical form.
	Info func(string) string
}

// Response is what a provider says. NewResponse fills it.
type Response struct {
	ID, AssertionID                                                      string
	Issuer, Destination, Audience, Recipient                             string
	NameID, Format                                                       string
	Issued, NotBefore, NotOnOrAfter, ConfirmedUntil, SessionNotOnOrAfter time.Time
	Attributes                                                           []Attribute

	// SignAssertion and SignResponse sign what they name; nil leaves it unsigned.
	SignAssertion, SignResponse *Signature
	// Encrypt encrypts the assertion for a key; nil leaves it in clear.
	Encrypt *Encryption
	// EditAssertion and EditResponse change the text before it is signed. It must stay in canonical form.
	EditAssertion, EditResponse func(string) string
}

// Attribute is an attribute with its values.
type Attribute struct {
	Name   string
	Values []string
}

// NewResponse is a good one whose assertion is signed.
func NewResponse(key *Key, now time.Time, issuer, roleARN, providerARN string) *Response {
	const place = "https://signin.aws.amazon.com/saml"
	return &Response{
		ID: "_r" + random(), AssertionID: "_a" + random(), Issuer: issuer, Destination: place, Audience: "urn:amazon:webservices", Recipient: place,
		NameID: "carol@example.com", Format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
		Issued: now, NotBefore: now.Add(-time.Minute), NotOnOrAfter: now.Add(5 * time.Minute), ConfirmedUntil: now.Add(5 * time.Minute),
		Attributes:    []Attribute{{Attributes + "Role", []string{roleARN + "," + providerARN}}, {Attributes + "RoleSessionName", []string{"carol"}}},
		SignAssertion: &Signature{Key: key},
	}
}

func random() string { return strings.ToLower(rand.Text()) }

// Assertion is the assertion, signed if it shall be.
func (r *Response) Assertion() string {
	var b strings.Builder
	b.WriteString(`<saml:Assertion xmlns:saml="` + SAML + `" ID="` + r.AssertionID + `" IssueInstant="` + stamp(r.Issued) + `" Version="2.0"><saml:Issuer>` + r.Issuer +
		`</saml:Issuer><saml:Subject><saml:NameID`)
	if r.Format != "" {
		b.WriteString(` Format="` + r.Format + `"`)
	}
	b.WriteString(`>` + r.NameID + `</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="` +
		stamp(r.ConfirmedUntil) + `" Recipient="` + r.Recipient + `"></saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="` +
		stamp(r.NotBefore) + `" NotOnOrAfter="` + stamp(r.NotOnOrAfter) + `"><saml:AudienceRestriction><saml:Audience>` + r.Audience +
		`</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="` + stamp(r.Issued) + `"`)
	if !r.SessionNotOnOrAfter.IsZero() {
		b.WriteString(` SessionNotOnOrAfter="` + stamp(r.SessionNotOnOrAfter) + `"`)
	}
	b.WriteString(`><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>`)
	for _, a := range r.Attributes {
		b.WriteString(`<saml:Attribute Name="` + a.Name + `">`)
		for _, v := range a.Values {
			b.WriteString(`<saml:AttributeValue>` + v + `</saml:AttributeValue>`)
		}
		b.WriteString(`</saml:Attribute>`)
	}
	b.WriteString(`</saml:AttributeStatement></saml:Assertion>`)
	return signed(edited(b.String(), r.EditAssertion), r.AssertionID, r.SignAssertion)
}

func stamp(t time.Time) string { return t.UTC().Format(timeFormat) }

func edited(text string, edit func(string) string) string {
	if edit == nil {
		return text
	}
	return edit(text)
}

// XML is the whole response.
func (r *Response) XML() string {
	inner := r.Assertion()
	if r.Encrypt != nil {
		inner = r.Encrypt.seal(inner)
	}
	return r.Around(inner)
}

// Around is the response around an assertion.
func (r *Response) Around(inner string) string {
	text := `<samlp:Response xmlns:samlp="` + Protocol + `" Destination="` + r.Destination + `" ID="` + r.ID + `" IssueInstant="` + stamp(r.Issued) +
		`" Version="2.0"><saml:Issuer xmlns:saml="` + SAML + `">` + r.Issuer + `</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success">` +
		`</samlp:StatusCode></samlp:Status>` + inner + `</samlp:Response>`
	return signed(edited(text, r.EditResponse), r.ID, r.SignResponse)
}

// Encoded is the response as the parameter SAMLAssertion has it.
func (r *Response) Encoded() string { return Encode(r.XML()) }

// Encode takes XML into the parameter.
func Encode(text string) string { return encode([]byte(text)) }

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// signed puts a signature behind the first Issuer of an element in canonical form.
func signed(text, id string, s *Signature) string {
	if s == nil {
		return text
	}
	at := strings.Index(text, "</saml:Issuer>")
	if at < 0 {
		panic("there is no Issuer to sign behind")
	}
	at += len("</saml:Issuer>")
	return text[:at] + s.Sign(text, id) + text[at:]
}

// The usual algorithms.
const (
	Exclusive  = "http://www.w3.org/2001/10/xml-exc-c14n#"
	Transforms = `<ds:Transform Algorithm="` + DS + `enveloped-signature"></ds:Transform><ds:Transform Algorithm="` + Exclusive + `"></ds:Transform>`
	more       = "http://www.w3.org/2001/04/xmldsig-more#"
)

// Sign makes the signature of an element in canonical form.
func (s *Signature) Sign(text, id string) string {
	h := s.Hash
	if h == 0 {
		h = crypto.SHA256
	}
	info := `<ds:SignedInfo xmlns:ds="` + DS + `"><ds:CanonicalizationMethod Algorithm="` + or(s.C14N, Exclusive) + `"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="` +
		or(s.Method, more+"rsa-sha256") + `"></ds:SignatureMethod><ds:Reference URI="` + or(s.Reference, "#"+id) + `"><ds:Transforms>` + or(s.Transforms, Transforms) +
		`</ds:Transforms><ds:DigestMethod Algorithm="` + or(s.Digest, XEnc+"sha256") + `"></ds:DigestMethod><ds:DigestValue>` + encode(sum(h, text)) + `</ds:DigestValue></ds:Reference></ds:SignedInfo>`
	info = edited(info, s.Info)
	var value []byte
	if s.HMAC != nil {
		mac := hmac.New(func() hash.Hash { return h.New() }, s.HMAC)
		mac.Write([]byte(info))
		value = mac.Sum(nil)
	} else {
		var err error
		if value, err = rsa.SignPKCS1v15(rand.Reader, s.Key.Private, h, sum(h, info)); err != nil {
			panic(err)
		}
	}
	return `<ds:Signature xmlns:ds="` + DS + `">` + strings.Replace(info, ` xmlns:ds="`+DS+`"`, "", 1) + `<ds:SignatureValue>` + encode(value) +
		`</ds:SignatureValue>` + s.KeyInfo + `</ds:Signature>`
}

// KeyInfo shows a certificate.
func KeyInfo(k *Key) string {
	return `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>` + encode(k.Certificate) + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`
}

func or(text, usual string) string {
	if text == "" {
		return usual
	}
	return text
}

func sum(h crypto.Hash, text string) []byte {
	d := h.New()
	d.Write([]byte(text))
	return d.Sum(nil)
}

// Encryption is how an assertion is encrypted: by AES-256-GCM and RSA-OAEP unless said.
type Encryption struct {
	Key       *Key
	Chained   bool
	Bits      int    // of the content's key
	Algorithm string // in place of the content's own name
	Transport string // in place of rsa-oaep-mgf1p
	Digest    string // in EncryptionMethod of the key
	Hash      crypto.Hash
	MGF       crypto.Hash
	PKCS1     bool
	// Edit changes the element.
	Edit func(string) string
}

func (e *Encryption) seal(text string) string {
	bits := e.Bits
	if bits == 0 {
		bits = 256
	}
	key := make([]byte, bits/8)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	name := map[int]string{128: "128", 192: "192", 256: "256"}[bits]
	algorithm, value := XEnc11+"aes"+name+"-gcm", []byte(nil)
	if e.Chained {
		algorithm = XEnc + "aes" + name + "-cbc"
		value = chain(block, text)
	} else {
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			panic(err)
		}
		nonce := make([]byte, gcm.NonceSize())
		_, _ = rand.Read(nonce)
		value = gcm.Seal(nonce, nonce, []byte(text), nil)
	}
	return edited(`<saml:EncryptedAssertion xmlns:saml="`+SAML+`"><xenc:EncryptedData xmlns:xenc="`+XEnc+`" Type="`+XEnc+`Element"><xenc:EncryptionMethod Algorithm="`+
		or(e.Algorithm, algorithm)+`"></xenc:EncryptionMethod><ds:KeyInfo xmlns:ds="`+DS+`"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="`+
		or(e.Transport, XEnc+"rsa-oaep-mgf1p")+`">`+e.Digest+`</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>`+encode(e.wrap(key))+
		`</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>`+encode(value)+
		`</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>`, e.Edit)
}

func (e *Encryption) wrap(key []byte) []byte {
	h, mgf := e.Hash, e.MGF
	if h == 0 {
		h = crypto.SHA1
	}
	if mgf == 0 {
		mgf = crypto.SHA1
	}
	var wrapped []byte
	var err error
	if e.PKCS1 {
		wrapped, err = rsa.EncryptPKCS1v15(rand.Reader, &e.Key.Private.PublicKey, key) //nolint:staticcheck // it must be refused
	} else {
		wrapped, err = rsa.EncryptOAEPWithOptions(rand.Reader, &e.Key.Private.PublicKey, key, &rsa.OAEPOptions{Hash: h, MGFHash: mgf})
	}
	if err != nil {
		panic(err)
	}
	return wrapped
}

func chain(block cipher.Block, text string) []byte {
	padding := aes.BlockSize - len(text)%aes.BlockSize
	plain := append([]byte(text), make([]byte, padding)...)
	plain[len(plain)-1] = byte(padding)
	out := make([]byte, aes.BlockSize+len(plain))
	_, _ = rand.Read(out[:aes.BlockSize])
	cipher.NewCBCEncrypter(block, out[:aes.BlockSize]).CryptBlocks(out[aes.BlockSize:], plain)
	return out
}
