package saml

import (
	"errors"

	"github.com/beevik/etree"
)

const (
	protocolSpace  = "urn:oasis:names:tc:SAML:2.0:protocol"
	assertionSpace = "urn:oasis:names:tc:SAML:2.0:assertion"
	success        = "urn:oasis:names:tc:SAML:2.0:status:Success"
)

var (
	errRoot       = errors.New("the document is not a Response of SAML 2.0")
	errChildren   = errors.New("the response has other children than Issuer, Signature, Status and one assertion, in this order")
	errAssertions = errors.New("the document does not have exactly one assertion, as a child of the response")
	errSignatures = errors.New("a signature lies elsewhere than in the response or in its assertion, or there are two in one")
	errParts      = errors.New("the assertion has other children than those of SAML 2.0, in this order, or one of them twice")
	errVersion    = errors.New("the version is not 2.0")
	errStatus     = errors.New("the status is not Success")
)

// response is a Response of the form that is accepted, with or without a signature that covers it.
type response struct {
	element           *etree.Element
	issuer, signature *etree.Element // nil if not there
	status            *etree.Element
	assertion         *etree.Element // an Assertion or an EncryptedAssertion
	encrypted         bool
}

// readResponse checks the form of the whole document: nothing that one could be taken for another by has a place in it.
func readResponse(root *etree.Element) (*response, error) {
	if !is(root, protocolSpace, "Response") {
		return nil, errRoot
	}
	if countNamed(root, "Assertion")+countNamed(root, "EncryptedAssertion") != 1 {
		return nil, errAssertions
	}
	r := &response{element: root}
	parts, ok := children(root)
	if !ok {
		return nil, errChildren
	}
	take := func(space, local string) *etree.Element {
		if len(parts) == 0 || !is(parts[0], space, local) {
			return nil
		}
		first := parts[0]
		parts = parts[1:]
		return first
	}
	r.issuer = take(assertionSpace, "Issuer")
	r.signature = take(signatureSpace, "Signature")
	r.status = take(protocolSpace, "Status")
	r.assertion = take(assertionSpace, "Assertion")
	if r.assertion == nil {
		r.assertion = take(assertionSpace, "EncryptedAssertion")
		r.encrypted = true
	}
	if r.status == nil || r.assertion == nil || len(parts) > 0 {
		return nil, errChildren
	}
	allowed := 0
	if r.signature != nil {
		allowed++
	}
	if !r.encrypted {
		if signatureOf(r.assertion) != nil {
			allowed++
		}
	}
	if countNamed(root, "Signature") != allowed {
		return nil, errSignatures
	}
	return r, nil
}

// signatureOf is the signature of an assertion; nil if it has none in its place, after the Issuer.
func signatureOf(assertion *etree.Element) *etree.Element {
	parts := assertion.ChildElements()
	if len(parts) > 1 && is(parts[1], signatureSpace, "Signature") {
		return parts[1]
	}
	return nil
}

// countNamed counts the elements of a local name, whatever their namespace and depth.
func countNamed(e *etree.Element, local string) int {
	n := 0
	if e.Tag == local {
		n++
	}
	for _, child := range e.ChildElements() {
		n += countNamed(child, local)
	}
	return n
}

// checkEnvelope reads what the response says of itself. Without a signature it is nobody's word: it can only be a reason to
// refuse (advisory 95).
func (r *response) checkEnvelope() error {
	if version, _ := attribute(r.element, "Version"); version != "2.0" {
		return errVersion
	}
	codes, ok := children(r.status)
	if !ok || len(codes) == 0 || !is(codes[0], protocolSpace, "StatusCode") {
		return errStatus
	}
	if code, _ := attribute(codes[0], "Value"); code != success {
		return errStatus
	}
	return nil
}

// assertion is the content of a verified assertion.
type assertion struct {
	element    *etree.Element
	issuer     *etree.Element
	subject    *etree.Element
	conditions *etree.Element
	authn      []*etree.Element
	attributes []*etree.Element
}

// readAssertion sorts the children of an assertion. A signature is not part of what it was made over.
func readAssertion(v verified) (*assertion, error) {
	a := &assertion{element: v.element}
	if version, _ := attribute(v.element, "Version"); version != "2.0" {
		return nil, errVersion
	}
	parts, ok := children(v.element)
	if !ok || len(parts) == 0 || !is(parts[0], assertionSpace, "Issuer") {
		return nil, errParts
	}
	a.issuer = parts[0]
	for _, part := range parts[1:] {
		statements := len(a.authn)+len(a.attributes) > 0
		switch {
		case is(part, assertionSpace, "Subject") && a.subject == nil && a.conditions == nil && !statements:
			a.subject = part
		case is(part, assertionSpace, "Conditions") && a.conditions == nil && !statements:
			a.conditions = part
		case is(part, assertionSpace, "AuthnStatement"):
			a.authn = append(a.authn, part)
		case is(part, assertionSpace, "AttributeStatement"):
			a.attributes = append(a.attributes, part)
		default:
			return nil, errParts
		}
	}
	return a, nil
}
