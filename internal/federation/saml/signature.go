package saml

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

const (
	signatureSpace = "http://www.w3.org/2000/09/xmldsig#"
	exclusive      = "http://www.w3.org/2001/10/xml-exc-c14n#"
	enveloped      = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
)

// The sizes of RSA moduli in bits. Less is too weak, more costs too much to verify with.
const (
	minModulus = 2048
	maxModulus = 8192
)

// signatureMethod reports whether a signature may be made so: RSA with SHA-2. What the list does not have is refused, never
// taken for something else (advisories 105, 106).
func signatureMethod(algorithm string) bool {
	switch algorithm {
	case dsig.RSASHA256SignatureMethod, dsig.RSASHA384SignatureMethod, dsig.RSASHA512SignatureMethod:
		return true
	}
	return false
}

// digestMethod returns the hash of a digest.
func digestMethod(algorithm string) (crypto.Hash, bool) {
	switch algorithm {
	case "http://www.w3.org/2001/04/xmlenc#sha256":
		return crypto.SHA256, true
	case "http://www.w3.org/2001/04/xmldsig-more#sha384":
		return crypto.SHA384, true
	case "http://www.w3.org/2001/04/xmlenc#sha512":
		return crypto.SHA512, true
	}
	return 0, false
}

var (
	errForm      = errors.New("a signature has another form than one SignedInfo, one SignatureValue and at most one KeyInfo")
	errReference = errors.New("a signature does not have exactly one reference, to the element that it lies in")
	errTransform = errors.New("a signature has other transforms than enveloped signature and exclusive canonicalization")
	errAlgorithm = errors.New("a signature has an algorithm that is not accepted")
	errDigest    = errors.New("a digest is not of its algorithm's length")
	errSignature = errors.New("no key of the provider's metadata made the signature")
	errNoKey     = errors.New("the provider's metadata has no RSA key of 2048 to 8192 bits")
)

// verified is an element of the bytes that a signature was made over, or that were decrypted of such. The readers take nothing
// else, so that nothing can be verified here and read there (advisory 92).
type verified struct{ element *etree.Element }

// profile checks, child by child and by position, that the signature is of the one form that is accepted, for the ID of the
// element that it lies in.
func profile(signature *etree.Element, id string) error {
	parts, ok := children(signature)
	if !ok || len(signature.Attr) != len(declarations(signature))+count(signature, "Id") || len(parts) < 2 || len(parts) > 3 ||
		!is(parts[0], signatureSpace, "SignedInfo") || !is(parts[1], signatureSpace, "SignatureValue") ||
		len(parts) == 3 && !is(parts[2], signatureSpace, "KeyInfo") {
		return errForm
	}
	if value, ok := text(parts[1]); !ok || !isBase64(value, 0) {
		return errForm
	}
	info, ok := children(parts[0])
	if !ok || len(info) < 2 || !is(info[0], signatureSpace, "CanonicalizationMethod") || !is(info[1], signatureSpace, "SignatureMethod") {
		return errForm
	}
	if len(info) != 3 || !is(info[2], signatureSpace, "Reference") {
		return errReference
	}
	// The library canonicalizes SignedInfo without a list of prefixes, so that there must be none.
	if c14n, _ := attribute(info[0], "Algorithm"); c14n != exclusive || len(info[0].Child) > 0 {
		return errAlgorithm
	}
	if method, _ := attribute(info[1], "Algorithm"); !signatureMethod(method) || len(info[1].Child) > 0 {
		return errAlgorithm
	}
	return profileReference(info[2], id)
}

func profileReference(reference *etree.Element, id string) error {
	if uri, ok := attribute(reference, "URI"); !ok || uri != "#"+id || len(reference.Attr) != len(declarations(reference))+1 {
		return errReference
	}
	parts, ok := children(reference)
	if !ok || len(parts) != 3 || !is(parts[0], signatureSpace, "Transforms") || !is(parts[1], signatureSpace, "DigestMethod") ||
		!is(parts[2], signatureSpace, "DigestValue") {
		return errForm
	}
	if err := profileTransforms(parts[0]); err != nil {
		return err
	}
	method, _ := attribute(parts[1], "Algorithm")
	hash, ok := digestMethod(method)
	if !ok || len(parts[1].Child) > 0 {
		return errAlgorithm
	}
	if value, ok := text(parts[2]); !ok || !isBase64(value, hash.Size()) {
		return errDigest
	}
	return nil
}

// profileTransforms accepts the two that SAML has, in their order.
func profileTransforms(transforms *etree.Element) error {
	steps, ok := children(transforms)
	if !ok || len(steps) != 2 || !is(steps[0], signatureSpace, "Transform") || !is(steps[1], signatureSpace, "Transform") {
		return errTransform
	}
	if first, _ := attribute(steps[0], "Algorithm"); first != enveloped || len(steps[0].Child) > 0 {
		return errTransform
	}
	if second, _ := attribute(steps[1], "Algorithm"); second != exclusive {
		return errTransform
	}
	inner, ok := children(steps[1])
	if !ok || len(inner) > 1 || len(inner) == 1 && (!is(inner[0], exclusive, "InclusiveNamespaces") || len(inner[0].Child) > 0) {
		return errTransform
	}
	return nil
}

func declarations(e *etree.Element) (found []etree.Attr) {
	for _, a := range e.Attr {
		if declaration(a) {
			found = append(found, a)
		}
	}
	return found
}

func count(e *etree.Element, name string) int {
	if _, ok := attribute(e, name); ok {
		return 1
	}
	return 0
}

// isBase64 reports whether a text is base64 of a number of bytes; of any but none for 0.
func isBase64(text string, size int) bool {
	b, err := base64.StdEncoding.Strict().DecodeString(unspaced(text))
	return err == nil && len(b) > 0 && (size == 0 || len(b) == size)
}

func unspaced(text string) string { return strings.Join(strings.Fields(text), "") }

// verify returns what the signature, a child of the element, was made over by one of the keys.
func verify(e, signature *etree.Element, keys []*x509.Certificate) (verified, error) {
	id, _ := attribute(e, "ID")
	if !isName(id) {
		return verified{}, errID
	}
	if err := profile(signature, id); err != nil {
		return verified{}, err
	}
	if len(keys) == 0 {
		return verified{}, errNoKey
	}
	alone, err := detach(e, signature)
	if err != nil {
		return verified{}, err
	}
	for _, key := range keys {
		checker := &dsig.ValidationContext{
			CertificateStore: &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{key}},
			IdAttribute:      "ID",
			// A certificate carries a key and no more: its dates end nothing (IAM UG, manage SAML signing certificates).
			Clock: dsig.NewFakeClockAt(key.NotBefore),
		}
		result, err := checker.Validate(alone)
		if err != nil {
			continue
		}
		if got, _ := attribute(result, "ID"); got != id || !is(result, e.NamespaceURI(), e.Tag) {
			return verified{}, errReference
		}
		return verified{result}, nil
	}
	return verified{}, errSignature
}

// detach copies the element with the namespaces around it, and takes KeyInfo out of its signature (advisory 105). What the
// signature was made over has no part of either.
func detach(e, signature *etree.Element) (*etree.Element, error) {
	around, err := etreeutils.NSBuildParentContext(e)
	if err != nil {
		return nil, errXML
	}
	alone, err := etreeutils.NSDetatch(around, e)
	if err != nil {
		return nil, errXML
	}
	s, ok := alone.Child[signature.Index()].(*etree.Element)
	if !ok {
		return nil, errForm
	}
	for _, part := range s.ChildElements() {
		switch part.Tag {
		case "KeyInfo":
			s.RemoveChild(part)
		case "SignatureValue":
			part.SetText(unspaced(part.Text()))
		}
	}
	return alone, nil
}

// fit are the certificates whose keys may verify.
func fit(certificates []*x509.Certificate) (keys []*x509.Certificate) {
	for _, c := range certificates {
		if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() >= minModulus && key.N.BitLen() <= maxModulus {
			keys = append(keys, c)
		}
	}
	return keys
}
