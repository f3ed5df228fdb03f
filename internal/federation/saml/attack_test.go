package saml

import (
	"crypto"
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/federation/saml/samltest"
	"github.com/stint-sts/stint/internal/identity"
)

// attack is a response with one fault.
type attack struct {
	name    string
	make    func(r *samltest.Response) string
	message string
	reason  error
	code    identity.Code // InvalidIdentityToken if empty
}

// after changes the text when everything was signed.
func after(change func(string) string) func(*samltest.Response) string {
	return func(r *samltest.Response) string { return samltest.Encode(change(r.XML())) }
}

// before changes the assertion before it is signed: only what it says is wrong.
func before(change func(string) string) func(*samltest.Response) string {
	return with(func(r *samltest.Response) { r.EditAssertion = change })
}

// with changes the response.
func with(change func(*samltest.Response)) func(*samltest.Response) string {
	return func(r *samltest.Response) string {
		change(r)
		return r.Encoded()
	}
}

// signing changes how the assertion is signed.
func signing(change func(*samltest.Signature)) func(*samltest.Response) string {
	return with(func(r *samltest.Response) { change(r.SignAssertion) })
}

// whole has the response signed instead of the assertion.
func whole(change func(*samltest.Response)) func(*samltest.Response) string {
	return with(func(r *samltest.Response) {
		r.SignAssertion, r.SignResponse = nil, &samltest.Signature{Key: keys().idp}
		change(r)
	})
}

var (
	badXML    = behind(invalidResponse, codeResponse, requestID)
	badBase64 = behind(invalidBase64, codeResponse, requestID)
	notIssuer = behind(otherIssuer, codeResponse, requestID)
)

// evil is an assertion by the attacker, with the ID that the real one has or with another.
func evil(r *samltest.Response, id string) string {
	e := *r
	e.AssertionID, e.NameID, e.SignAssertion, e.EditAssertion = id, "root@example.com", nil, nil
	return e.Assertion()
}

// parts takes a signed assertion apart.
func parts(assertion string) (bare, signature string) {
	from, to := strings.Index(assertion, "<ds:Signature "), strings.Index(assertion, "</ds:Signature>")+len("</ds:Signature>")
	return assertion[:from] + assertion[to:], assertion[from:to]
}

// into puts a text before the end of an element.
func into(text, end, what string) string {
	at := strings.LastIndex(text, end)
	return text[:at] + what + text[at:]
}

func behindIssuer(text, what string) string {
	return swap("</saml:Issuer>", "</saml:Issuer>"+what)(text)
}

// wrapping are the known shapes of signature wrapping (Somorovsky and others, On Breaking SAML), and some more.
func wrapping() []attack {
	extensions := func(s string) string { return "<samlp:Extensions>" + s + "</samlp:Extensions>" }
	object := func(s string) string { return `<ds:Object>` + s + `</ds:Object>` }
	ofResponse := func(build func(r *samltest.Response, signed, bare, signature string) string) func(*samltest.Response) string {
		return func(r *samltest.Response) string {
			r.SignAssertion, r.SignResponse = nil, &samltest.Signature{Key: keys().idp}
			signed := r.XML()
			bare, signature := parts(signed)
			return samltest.Encode(build(r, signed, bare, signature))
		}
	}
	ofAssertion := func(build func(r *samltest.Response, signed, bare, signature string) string) func(*samltest.Response) string {
		return func(r *samltest.Response) string {
			signed := r.Assertion()
			bare, signature := parts(signed)
			return samltest.Encode(r.Around(build(r, signed, bare, signature)))
		}
	}
	evilResponse := func(r *samltest.Response, id string) string {
		e := *r
		e.ID, e.SignResponse = id, nil
		return e.Around(evil(r, "_evil"))
	}
	return []attack{
		{"XSW1: the signed response in the signature of another", ofResponse(func(r *samltest.Response, _, bare, signature string) string {
			return behindIssuer(evilResponse(r, "_x"), into(signature, "</ds:Signature>", bare))
		}), badXML, errAssertions, ""},
		{"XSW2: the signed response beside its signature", ofResponse(func(r *samltest.Response, _, bare, signature string) string {
			return behindIssuer(evilResponse(r, "_x"), bare+signature)
		}), badXML, errAssertions, ""},
		{"XSW3: another assertion before the signed one", ofAssertion(func(r *samltest.Response, signed, _, _ string) string {
			return evil(r, "_evil") + signed
		}), badXML, errAssertions, ""},
		{"XSW3 turned: another assertion behind the signed one", ofAssertion(func(r *samltest.Response, signed, _, _ string) string {
			return signed + evil(r, "_evil")
		}), badXML, errAssertions, ""},
		{"XSW4: the signed assertion in another", ofAssertion(func(r *samltest.Response, signed, _, _ string) string {
			return into(evil(r, "_evil"), "</saml:Assertion>", signed)
		}), badXML, errAssertions, ""},
		{"XSW5: another with the signature, and the signed one behind", ofAssertion(func(r *samltest.Response, _, bare, signature string) string {
			return behindIssuer(evil(r, "_evil"), signature) + bare
		}), badXML, errAssertions, ""},
		{"XSW6: the signed one in the signature of another", ofAssertion(func(r *samltest.Response, _, bare, signature string) string {
			return behindIssuer(evil(r, "_evil"), into(signature, "</ds:Signature>", bare))
		}), badXML, errAssertions, ""},
		{"XSW7: the other in Extensions", func(r *samltest.Response) string {
			r.EditResponse = swap("<samlp:Status>", extensions(evil(r, "_evil"))+"<samlp:Status>")
			return r.Encoded()
		}, badXML, errAssertions, ""},
		{"XSW8: the signed one in an Object of the other's signature", ofAssertion(func(r *samltest.Response, _, bare, signature string) string {
			return behindIssuer(evil(r, "_evil"), into(signature, "</ds:Signature>", object(bare)))
		}), badXML, errAssertions, ""},
		{"the same ID twice", ofAssertion(func(r *samltest.Response, signed, _, _ string) string {
			return signed + evil(r, r.AssertionID)
		}), badXML, errID, ""},
		{"the signed one in Advice of another", ofAssertion(func(r *samltest.Response, signed, _, _ string) string {
			return into(evil(r, "_evil"), "</saml:Assertion>", "<saml:Advice>"+signed+"</saml:Advice>")
		}), badXML, errAssertions, ""},
		{"the signed one in an attribute's value", ofAssertion(func(r *samltest.Response, signed, _, _ string) string {
			return into(evil(r, "_evil"), "</saml:AttributeValue>", signed)
		}), badXML, errAssertions, ""},
		{"the other in a foreign namespace", ofAssertion(func(r *samltest.Response, signed, _, _ string) string {
			return `<x:Assertion xmlns:x="urn:x"></x:Assertion>` + signed
		}), badXML, errAssertions, ""},
		{"the assertion in a list", ofAssertion(func(_ *samltest.Response, signed, _, _ string) string {
			return `<x:list xmlns:x="urn:x">` + signed + `</x:list>`
		}), badXML, errChildren, ""},
		{"an encrypted one beside the signed one", ofAssertion(func(_ *samltest.Response, signed, _, _ string) string {
			return signed + `<saml:EncryptedAssertion xmlns:saml="` + samltest.SAML + `"></saml:EncryptedAssertion>`
		}), badXML, errAssertions, ""},
		{"no assertion", ofAssertion(func(_ *samltest.Response, _, _, _ string) string { return "" }), badXML, errAssertions, ""},
		{"a signature moved to the response", func(r *samltest.Response) string {
			bare, signature := parts(r.Assertion())
			return samltest.Encode(behindIssuer(r.Around(bare), signature))
		}, badSignature, errReference, ""},
		{"a signature of the response moved to its assertion", ofResponse(func(_ *samltest.Response, _, bare, signature string) string {
			at := strings.LastIndex(bare, "</saml:Issuer>") + len("</saml:Issuer>")
			return bare[:at] + signature + bare[at:]
		}), badSignature, errReference, ""},
		{"a signature in the subject", ofAssertion(func(_ *samltest.Response, _, bare, signature string) string {
			return swap("<saml:Subject>", "<saml:Subject>"+signature)(bare)
		}), badXML, errSignatures, ""},
		{"a signature at the end of the assertion", ofAssertion(func(_ *samltest.Response, _, bare, signature string) string {
			return into(bare, "</saml:Assertion>", signature)
		}), badXML, errSignatures, ""},
		{"a signature before the issuer", ofAssertion(func(_ *samltest.Response, _, bare, signature string) string {
			return swap("<saml:Issuer>", signature+"<saml:Issuer>")(bare)
		}), badXML, errSignatures, ""},
		{"two signatures of the assertion", ofAssertion(func(_ *samltest.Response, signed, _, signature string) string {
			return behindIssuer(signed, signature)
		}), badXML, errSignatures, ""},
		{"two signatures of the response", ofResponse(func(_ *samltest.Response, signed, _, signature string) string {
			return behindIssuer(signed, signature)
		}), badXML, errChildren, ""},
		{"the subject replaced", after(swap("carol@example.com", "root@example.com")), badSignature, errSignature, ""},
		{"a signed response, its assertion replaced", ofResponse(func(_ *samltest.Response, signed, _, _ string) string {
			return swap("carol@example.com", "root@example.com")(signed)
		}), badSignature, errSignature, ""},
		{"a signed error response around a forged assertion", func(r *samltest.Response) string {
			// OneUptime #2981
			r.SignAssertion, r.SignResponse = nil, &samltest.Signature{Key: keys().idp}
			r.EditResponse = func(s string) string {
				bare, _, _ := strings.Cut(s, "<saml:Assertion ")
				return bare + "</samlp:Response>"
			}
			return samltest.Encode(into(r.XML(), "</samlp:Response>", evil(r, "_evil")))
		}, badSignature, errSignature, ""},
		{"unsigned", with(func(r *samltest.Response) { r.SignAssertion = nil }), badSignature, errUnsigned, ""},
		{"a wrong signature of the response around a right assertion", func(r *samltest.Response) string {
			r.SignResponse = &samltest.Signature{Key: keys().other}
			return r.Encoded()
		}, badSignature, errSignature, ""},
		{"a right signature of the response around a wrong one", func(r *samltest.Response) string {
			r.SignAssertion.Key = keys().other
			r.SignResponse = &samltest.Signature{Key: keys().idp}
			return r.Encoded()
		}, badSignature, errSignature, ""},
	}
}

// signatures are made by other keys, methods and forms.
func signatures() []attack {
	info := func(change func(string) string) func(*samltest.Response) string {
		return signing(func(s *samltest.Signature) { s.Info = change })
	}
	const ds = samltest.DS
	rows := []attack{
		{"another key", signing(func(s *samltest.Signature) { s.Key = keys().other }), badSignature, errSignature, ""},
		{"another key, shown in KeyInfo", signing(func(s *samltest.Signature) { s.Key = keys().other; s.KeyInfo = samltest.KeyInfo(keys().other) }), badSignature, errSignature, ""},
		{"another key, the provider's in KeyInfo", signing(func(s *samltest.Signature) { s.Key = keys().other; s.KeyInfo = samltest.KeyInfo(keys().idp) }), badSignature, errSignature, ""},
		{"HMAC under the certificate", signing(func(s *samltest.Signature) {
			s.Method, s.HMAC = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", keys().idp.Certificate
		}), badSignature, errAlgorithm, ""},
		{"HMAC under the certificate as RSA", signing(func(s *samltest.Signature) { s.HMAC = keys().idp.Certificate }), badSignature, errSignature, ""},
		{"HMAC under nothing", signing(func(s *samltest.Signature) {
			s.Method, s.HMAC = "http://www.w3.org/2000/09/xmldsig#hmac-sha1", []byte{}
		}), badSignature, errAlgorithm, ""},
		{"SHA-1", signing(func(s *samltest.Signature) {
			s.Method, s.Digest, s.Hash = ds+"rsa-sha1", ds+"sha1", crypto.SHA1
		}), badSignature, errAlgorithm, ""},
		{"the digest by SHA-1", info(swap("http://www.w3.org/2001/04/xmlenc#sha256", ds+"sha1")), badSignature, errAlgorithm, ""},
		{"the wrong hash of the right name", signing(func(s *samltest.Signature) { s.Hash = crypto.SHA384 }), badSignature, errDigest, ""},
		{"a reference to all", signing(func(s *samltest.Signature) { s.Reference = "#" }), badSignature, errReference, ""},
		{"a reference to another ID", signing(func(s *samltest.Signature) { s.Reference = "#_other" }), badSignature, errReference, ""},
		{"a reference to the response", func(r *samltest.Response) string { r.SignAssertion.Reference = "#" + r.ID; return r.Encoded() }, badSignature, errReference, ""},
		{"a reference by xpointer", func(r *samltest.Response) string {
			r.SignAssertion.Reference = "#xpointer(id('" + r.AssertionID + "'))"
			return r.Encoded()
		}, badSignature, errReference, ""},
		{"a reference to a file", signing(func(s *samltest.Signature) { s.Reference = "file:///etc/passwd" }), badSignature, errReference, ""},
		{"a reference to a URL", signing(func(s *samltest.Signature) { s.Reference = "https://attacker.example/x" }), badSignature, errReference, ""},
		{"no reference", info(func(s string) string {
			return s[:strings.Index(s, "<ds:Reference")] + "</ds:SignedInfo>"
		}), badSignature, errReference, ""},
		{"no URI", info(func(s string) string {
			a := strings.Index(s, ` URI="`)
			return s[:a] + s[a+strings.Index(s[a:], ">"):]
		}), badSignature, errReference, ""},
		{"an empty URI", info(func(s string) string {
			a := strings.Index(s, ` URI="`)
			return s[:a] + ` URI=""` + s[a+strings.Index(s[a:], ">"):]
		}), badSignature, errReference, ""},
		{"a reference with a Type", info(swap(" URI=", ` Type="urn:x" URI=`)), badSignature, errReference, ""},
		{"two references", info(func(s string) string {
			a := strings.Index(s, "<ds:Reference")
			return into(s, "</ds:SignedInfo>", s[a:strings.Index(s, "</ds:SignedInfo>")])
		}), badSignature, errReference, ""},
		{"two DigestValues", info(swap("<ds:DigestValue>", "<ds:DigestValue>AAAA</ds:DigestValue><ds:DigestValue>")), badSignature, errForm, ""},
		{"two DigestMethods", info(swap("<ds:DigestValue>", `<ds:DigestMethod Algorithm="`+ds+`sha1"></ds:DigestMethod><ds:DigestValue>`)), badSignature, errForm, ""},
		{"two SignatureMethods", info(swap("<ds:Reference", `<ds:SignatureMethod Algorithm="`+ds+`rsa-sha1"></ds:SignatureMethod><ds:Reference`)), badSignature, errReference, ""},
		{"no DigestMethod", info(swap(`<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>`, "")), badSignature, errForm, ""},
		{"an empty DigestValue", info(func(s string) string {
			return s[:strings.Index(s, "<ds:DigestValue>")] + "<ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo>"
		}), badSignature, errDigest, ""},
		{"the digest of nothing", info(func(s string) string { // void canonicalization: CVE-2025-66475, CVE-2025-66568
			return s[:strings.Index(s, "<ds:DigestValue>")] + "<ds:DigestValue>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</ds:DigestValue></ds:Reference></ds:SignedInfo>"
		}), badSignature, errSignature, ""},
		{"another digest", info(func(s string) string {
			return s[:strings.Index(s, "<ds:DigestValue>")] + "<ds:DigestValue>" + strings.Repeat("A", 43) + "=</ds:DigestValue></ds:Reference></ds:SignedInfo>"
		}), badSignature, errSignature, ""},
		{"an element in DigestValue", info(swap("<ds:DigestValue>", "<ds:DigestValue><ds:x></ds:x>")), badSignature, errDigest, ""},
		{"an algorithm with children", info(swap("sha256\"></ds:DigestMethod>", "sha256\"><ds:x></ds:x></ds:DigestMethod>")), badSignature, errAlgorithm, ""},
		{"HMACOutputLength", info(swap("rsa-sha256\">", "rsa-sha256\"><ds:HMACOutputLength>1</ds:HMACOutputLength>")), badSignature, errAlgorithm, ""},
		{"prefixes of SignedInfo", info(swap(samltest.Exclusive+"\">", samltest.Exclusive+`"><ec:InclusiveNamespaces xmlns:ec="`+samltest.Exclusive+`" PrefixList="x"></ec:InclusiveNamespaces>`)), badSignature, errAlgorithm, ""},
		{"an element beside SignedInfo", after(swap("<ds:SignedInfo>", "<ds:x></ds:x><ds:SignedInfo>")), badSignature, errForm, ""},
		{"two SignedInfos", after(func(s string) string {
			a, b := strings.Index(s, "<ds:SignedInfo>"), strings.Index(s, "<ds:SignatureValue>")
			return s[:a] + s[a:b] + s[a:]
		}), badSignature, errForm, ""},
		{"another SignedInfo in KeyInfo's place", after(func(s string) string {
			a, b := strings.Index(s, "<ds:SignedInfo>"), strings.Index(s, "<ds:SignatureValue>")
			return into(s, "</ds:Signature>", s[a:b])
		}), badSignature, errForm, ""},
		{"an Object", after(swap("</ds:SignatureValue>", "</ds:SignatureValue><ds:Object></ds:Object>")), badSignature, errForm, ""},
		{"an Object behind KeyInfo", signing(func(s *samltest.Signature) { s.KeyInfo = samltest.KeyInfo(keys().idp) + "<ds:Object></ds:Object>" }), badSignature, errForm, ""},
		{"two KeyInfos", signing(func(s *samltest.Signature) { s.KeyInfo = samltest.KeyInfo(keys().idp) + samltest.KeyInfo(keys().idp) }), badSignature, errForm, ""},
		{"two SignatureValues", after(swap("<ds:SignatureValue>", "<ds:SignatureValue>AAAA</ds:SignatureValue><ds:SignatureValue>")), badSignature, errForm, ""},
		{"an empty SignatureValue", after(func(s string) string {
			a, b := strings.Index(s, "<ds:SignatureValue>"), strings.Index(s, "</ds:SignatureValue>")
			return s[:a] + "<ds:SignatureValue>" + s[b:]
		}), badSignature, errForm, ""},
		{"no SignatureValue", after(func(s string) string {
			a, b := strings.Index(s, "<ds:SignatureValue>"), strings.Index(s, "</ds:SignatureValue>")
			return s[:a] + s[b+len("</ds:SignatureValue>"):]
		}), badSignature, errForm, ""},
		{"a SignatureValue that is not base64", after(swap("<ds:SignatureValue>", "<ds:SignatureValue>%")), badSignature, errForm, ""},
		{"a SignatureValue with an element", after(swap("<ds:SignatureValue>", "<ds:SignatureValue><ds:x></ds:x>")), badSignature, errForm, ""},
		{"text in the signature", after(swap("<ds:SignedInfo>", "x<ds:SignedInfo>")), badSignature, errForm, ""},
		{"an attribute of the signature", after(swap("<ds:Signature ", `<ds:Signature x="y" `)), badSignature, errForm, ""},
		{"a changed SignedInfo", after(swap("<ds:SignedInfo>", `<ds:SignedInfo x="y">`)), badSignature, errSignature, ""},
		{"a signature in another namespace", after(func(s string) string { return strings.ReplaceAll(s, `"`+ds+`"`, `"urn:x:dsig"`) }), badXML, errSignatures, ""},
		{"no ID", before(func(s string) string {
			a := strings.Index(s, ` ID="`)
			return s[:a] + s[strings.Index(s, " IssueInstant"):]
		}), badSignature, errID, ""},
	}
	const e = samltest.Exclusive
	const first, second = `<ds:Transform Algorithm="` + ds + `enveloped-signature"></ds:Transform>`, `<ds:Transform Algorithm="` + e + `"></ds:Transform>`
	other := func(algorithm string) string { return `<ds:Transform Algorithm="` + algorithm + `"></ds:Transform>` }
	for name, transforms := range map[string]string{
		"XSLT":                        first + other("http://www.w3.org/TR/1999/REC-xslt-19991116"),
		"XSLT before":                 other("http://www.w3.org/TR/1999/REC-xslt-19991116") + second,
		"XSLT besides":                first + other("http://www.w3.org/TR/1999/REC-xslt-19991116") + second,
		"XPath":                       first + other("http://www.w3.org/TR/1999/REC-xpath-19991116"),
		"XPath filter":                first + other("http://www.w3.org/2002/06/xmldsig-filter2"),
		"base64":                      first + other(ds+"base64"),
		"inclusive":                   first + other("http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
		"inclusive 1.1":               first + other("http://www.w3.org/2006/12/xml-c14n11"),
		"with comments":               first + other(e+"WithComments"),
		"none":                        " ",
		"enveloped alone":             first,
		"canonicalization alone":      second,
		"the wrong order":             second + first,
		"enveloped twice":             first + first,
		"three":                       first + second + second,
		"an unknown one":              first + other("urn:x"),
		"an empty one":                first + other(""),
		"enveloped with a child":      swap("></ds:Transform>", "><ds:XPath>1</ds:XPath></ds:Transform>")(first) + second,
		"exclusive with a child":      first + swap("></ds:Transform>", "><ds:XPath>1</ds:XPath></ds:Transform>")(second),
		"an element of another space": swap("ds:Transform ", `ds:Transforms `)(swap("</ds:Transform>", "</ds:Transforms>")(first)) + second,
	} {
		rows = append(rows, attack{"transforms: " + name, signing(func(s *samltest.Signature) { s.Transforms = transforms }), badSignature, errTransform, ""})
	}
	for _, method := range []string{
		ds + "dsa-sha1", ds + "rsa-sha1", "http://www.w3.org/2001/04/xmldsig-more#rsa-md5", "http://www.w3.org/2001/04/xmldsig-more#rsa-ripemd160",
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1",
		"http://www.w3.org/2001/04/xmldsig-more#hmac-sha512", "http://www.w3.org/2001/04/xmldsig-more#RSA-SHA256", "rsa-sha256", "none", "urn:x",
	} {
		rows = append(rows, attack{"method " + method, signing(func(s *samltest.Signature) { s.Method = method }), badSignature, errAlgorithm, ""})
	}
	for _, method := range []string{ds + "sha1", "http://www.w3.org/2001/04/xmldsig-more#md5", "http://www.w3.org/2001/04/xmldsig-more#sha224", "http://www.w3.org/2001/04/xmlenc#ripemd160", "sha256", "urn:x"} {
		rows = append(rows, attack{"digest " + method, signing(func(s *samltest.Signature) { s.Digest = method }), badSignature, errAlgorithm, ""})
	}
	for _, method := range []string{e + "WithComments", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2006/12/xml-c14n11", "urn:x", "#"} {
		rows = append(rows, attack{"canonicalization " + method, signing(func(s *samltest.Signature) { s.C14N = method }), badSignature, errAlgorithm, ""})
	}
	return rows
}

// documents are not XML that is read.
func documents() []attack {
	deep := strings.Repeat("<x>", maxDepth) + strings.Repeat("</x>", maxDepth)
	many := strings.Repeat("<x></x>", maxElements)
	wide, spaces := "<x", "<x"
	for i := range maxAttributes + 1 {
		wide += " a" + strconv.Itoa(i) + `="1"`
		spaces += " xmlns:a" + strconv.Itoa(i) + `="urn:a"`
	}
	name := func(s string) func(*samltest.Response) string { return after(swap("carol@example.com", s)) }
	raw := func(s string) func(*samltest.Response) string { return func(*samltest.Response) string { return s } }
	at := func(s string) func(*samltest.Response) string {
		return after(swap("<samlp:Status>", s+"<samlp:Status>"))
	}
	return []attack{
		{"not base64", raw("%%%%%%%%"), badBase64, errBase64, ""},
		{"base64 of URLs", raw("PHg_Pz4-"), badBase64, errBase64, ""},
		{"base64 with bits left over", raw("PHh="), badBase64, errBase64, ""},
		{"nothing", raw(""), badBase64, errBase64, ""},
		{"too long", raw(strings.Repeat("A", maxEncoded+4)), badBase64, errSize, ""},
		{"spaces in the base64", func(r *samltest.Response) string { e := r.Encoded(); return e[:8] + " " + e[8:] }, badBase64, errBase64, ""},
		{"compressed", raw(base64.StdEncoding.EncodeToString([]byte{0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01})), badXML, errXML, ""},
		{"no XML", raw("AAAA"), badXML, errXML, ""},
		{"text", raw(samltest.Encode("hello")), badXML, errXML, ""},
		{"a DOCTYPE", after(func(s string) string { return "<!DOCTYPE x>" + s }), badXML, errMarkup, ""},
		{"a DOCTYPE with an entity", after(func(s string) string { return `<!DOCTYPE x [<!ENTITY a "b">]>` + s }), badXML, errMarkup, ""},
		{"an external entity", after(func(s string) string { return `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>` + s }), badXML, errMarkup, ""},
		{"an external document type", after(func(s string) string { return `<!DOCTYPE x SYSTEM "https://attacker.example/x.dtd">` + s }), badXML, errMarkup, ""},
		{"a billion laughs", after(func(s string) string {
			return `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>` + strings.Replace(s, "carol@", "&b;", 1)
		}), badXML, errMarkup, ""},
		{"a DOCTYPE in small letters", after(func(s string) string { return "<!doctype x>" + s }), badXML, errMarkup, ""},
		{"a DOCTYPE at the end", after(func(s string) string { return s + "<!DOCTYPE x>" }), badXML, errMarkup, ""},
		{"an unknown entity", name("carol&e;"), badXML, errXML, ""},
		{"an entity of HTML", name("carol&nbsp;"), badXML, errXML, ""},
		{"a comment in the NameID", name("carol@example.com<!-- -->.attacker.example"), badXML, errMarkup, ""},
		{"a comment before the NameID's text", name("<!-- -->carol@example.com"), badXML, errMarkup, ""},
		{"a comment behind the NameID's text", name("carol@example.com<!-- -->"), badXML, errMarkup, ""},
		{"a comment in the digest", after(swap("<ds:DigestValue>", "<ds:DigestValue><!-- -->")), badXML, errMarkup, ""},
		{"a comment in an attribute", after(swap("<saml:AttributeValue>", "<saml:AttributeValue><!-- -->")), badXML, errMarkup, ""},
		{"a comment before the root", after(func(s string) string { return "<!-- -->" + s }), badXML, errMarkup, ""},
		{"CDATA in the NameID", name("<![CDATA[carol@example.com]]>"), badXML, errMarkup, ""},
		{"a processing instruction in the NameID", name("carol<?x y?>@example.com"), badXML, errPI, ""},
		{"a processing instruction", after(func(s string) string { return "<?xml-stylesheet href='x'?>" + s }), badXML, errPI, ""},
		{"two XML declarations", after(func(s string) string { return `<?xml version="1.0"?><?xml version="1.0"?>` + s }), badXML, errPI, ""},
		{"another encoding", after(func(s string) string { return `<?xml version="1.0" encoding="ISO-8859-1"?>` + s }), badXML, errPI, ""},
		{"UTF-16", after(func(s string) string { return "\xff\xfe" + s }), badXML, errXML, ""},
		{"a NUL", name("carol\x00"), badXML, errXML, ""},
		{"bytes that are no UTF-8", name("carol\xff"), badXML, errXML, ""},
		{"a control character", name("carol&#1;"), badXML, errXML, ""},
		{"text before the root", after(func(s string) string { return "x" + s }), badXML, errXML, ""},
		{"text behind the root", after(func(s string) string { return s + "x" }), badXML, errXML, ""},
		{"two roots", after(func(s string) string { return s + "<x></x>" }), badXML, errXML, ""},
		{"an open element", after(func(s string) string { return strings.TrimSuffix(s, "</samlp:Response>") }), badXML, errXML, ""},
		{"an end too many", after(func(s string) string { return s + "</samlp:Response>" }), badXML, errXML, ""},
		{"ends crossed", name("<x><y></x></y>"), badXML, errXML, ""},
		{"a name that begins with a colon", name("<:x></:x>"), badXML, errColon, ""},
		{"a name that ends with a colon", name("<x:></x:>"), badXML, errColon, ""},
		{"an attribute that begins with a colon", after(swap(" ID=", ` :ID="_z" ID=`)), badXML, errColon, ""},
		{"a declaration of no prefix", after(swap(" ID=", ` xmlns:="urn:x" ID=`)), badXML, errColon, ""},
		{"an attribute twice", after(swap(" ID=", ` ID="_z" ID=`)), badXML, errTwice, ""},
		{"an attribute twice by two prefixes", at(`<x xmlns:a="urn:x" xmlns:b="urn:x" a:y="1" b:y="2"></x>`), badXML, errTwice, ""},
		{"a namespace declared twice", at(`<x xmlns:a="urn:x" xmlns:a="urn:y"></x>`), badXML, errTwice, ""},
		{"a prefix that is not declared", at("<x:y></x:y>"), badXML, errPrefix, ""},
		{"an attribute's prefix that is not declared", at(`<x a:y="1"></x>`), badXML, errPrefix, ""},
		{"the prefix xml for another namespace", at(`<x xmlns:xml="urn:x"></x>`), badXML, errPrefix, ""},
		{"a prefix of nothing", at(`<x xmlns:a=""></x>`), badXML, errPrefix, ""},
		{"a relative namespace", at(`<x xmlns:a="1"></x>`), badXML, errNamespace, ""}, // CVE-2025-66475
		{"a namespace with a space", at(`<x xmlns:a="urn:a b"></x>`), badXML, errNamespace, ""},
		{"a colon in a name", at(`<x:y:z xmlns:x="urn:x"></x:y:z>`), badXML, errXML, ""},
		{"an ID of another spelling twice", func(r *samltest.Response) string {
			return samltest.Encode(swap("<samlp:Status>", `<samlp:Status Id="`+r.AssertionID+`">`)(r.XML()))
		}, badXML, errID, ""},
		{"xml:id twice", func(r *samltest.Response) string {
			return samltest.Encode(swap("<samlp:Status>", `<samlp:Status xml:id="`+r.AssertionID+`">`)(r.XML()))
		}, badXML, errID, ""},
		{"an ID that is no name", with(func(r *samltest.Response) { r.AssertionID = "1a" }), badXML, errID, ""},
		{"an ID with a colon", with(func(r *samltest.Response) { r.AssertionID = "a:b" }), badXML, errID, ""},
		{"an empty ID", with(func(r *samltest.Response) { r.AssertionID = "" }), badXML, errID, ""},
		{"too deep", at(deep), badXML, errDepth, ""},
		{"too many elements", at(many), badXML, errElements, ""},
		{"too many attributes", at(wide + "></x>"), badXML, errAttributes, ""},
		{"too many namespaces", at(spaces[:strings.LastIndex(spaces, " ")] + "></x>"), badXML, errNamespaces, ""},
		{"an assertion alone", func(r *samltest.Response) string { return samltest.Encode(r.Assertion()) }, badXML, errRoot, ""},
		{"a LogoutRequest", after(func(s string) string { return strings.ReplaceAll(s, "samlp:Response", "samlp:LogoutRequest") }), badXML, errRoot, ""},
		{"a response of SAML 1.1", after(func(s string) string {
			return strings.ReplaceAll(s, samltest.Protocol, "urn:oasis:names:tc:SAML:1.0:protocol")
		}), badXML, errRoot, ""},
		{"an assertion of SAML 1.1", after(func(s string) string {
			return strings.ReplaceAll(s, samltest.SAML, "urn:oasis:names:tc:SAML:1.0:assertion")
		}), badXML, errChildren, ""},
		{"no status", after(func(s string) string {
			return s[:strings.Index(s, "<samlp:Status>")] + s[strings.Index(s, "</samlp:Status>")+len("</samlp:Status>"):]
		}), badXML, errChildren, ""},
		{"two statuses", at("<samlp:Status></samlp:Status>"), badXML, errChildren, ""},
		{"Extensions", at("<samlp:Extensions></samlp:Extensions>"), badXML, errChildren, ""},
		{"text in the response", at("x"), badXML, errChildren, ""},
		{"the status behind the assertion", after(func(s string) string {
			a, b := strings.Index(s, "<samlp:Status>"), strings.Index(s, "</samlp:Status>")+len("</samlp:Status>")
			return into(s[:a]+s[b:], "</samlp:Response>", s[a:b])
		}), badXML, errChildren, ""},
	}
}

// statements are rightly signed and say the wrong thing.
func statements() []attack {
	const expiredCode, denied = identity.ExpiredTokenException, identity.AccessDenied
	at := func(d time.Duration) string { return now.Add(d).Format("2006-01-02T15:04:05Z") }
	attributes := func(list ...samltest.Attribute) func(*samltest.Response) string {
		return with(func(r *samltest.Response) { r.Attributes = append(r.Attributes, list...) })
	}
	role := func(values ...string) func(*samltest.Response) string {
		return with(func(r *samltest.Response) { r.Attributes[0].Values = values })
	}
	session := func(values ...string) func(*samltest.Response) string {
		return with(func(r *samltest.Response) { r.Attributes[1].Values = values })
	}
	one := func(name string, values ...string) func(*samltest.Response) string {
		return attributes(samltest.Attribute{Name: samltest.Attributes + name, Values: values})
	}
	cut := func(from, to string) func(string) string {
		return func(s string) string { return s[:strings.Index(s, from)] + s[strings.Index(s, to)+len(to):] }
	}
	confirmation := `<saml:SubjectConfirmationData NotOnOrAfter="` + at(5*time.Minute) + `" Recipient="https://signin.aws.amazon.com/saml">`
	rows := []attack{
		{"another issuer", with(func(r *samltest.Response) { r.Issuer = "https://other.example.com" }), notIssuer, errIssuer, ""},
		{"another issuer of the response alone", func(r *samltest.Response) string {
			r.EditResponse = swap(">"+entity+"<", ">https://other.example.com<")
			return r.Encoded()
		}, notIssuer, errIssuer, ""},
		{"another issuer of the assertion alone", before(swap(entity, "https://other.example.com")), notIssuer, errIssuer, ""},
		{"an issuer of another spelling", with(func(r *samltest.Response) { r.Issuer = "https://IDP.example.com/saml" }), notIssuer, errIssuer, ""},
		{"an issuer with a slash more", with(func(r *samltest.Response) { r.Issuer = entity + "/" }), notIssuer, errIssuer, ""},
		{"an issuer with an element", before(swap(entity, entity+"<saml:x></saml:x>")), notIssuer, errIssuer, ""},
		{"an issuer of another format", before(swap("<saml:Issuer>", `<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient">`)), notIssuer, errIssuer, ""},
		{"no issuer of the assertion", func(r *samltest.Response) string {
			r.SignAssertion, r.SignResponse = nil, &samltest.Signature{Key: keys().idp}
			r.EditAssertion = cut("<saml:Issuer>", "</saml:Issuer>")
			return r.Encoded()
		}, badXML, errParts, ""},
		{"version 1.1 of the assertion", before(swap(`Version="2.0"`, `Version="1.1"`)), badXML, errVersion, ""},
		{"version 3.0 of the response", after(swap(`Version="2.0"`, `Version="3.0"`)), badStatus, errVersion, ""},
		{"Advice", before(swap("<saml:AuthnStatement ", "<saml:Advice></saml:Advice><saml:AuthnStatement ")), badXML, errParts, ""},
		{"two subjects", before(swap("<saml:Conditions", "<saml:Subject></saml:Subject><saml:Conditions")), badXML, errParts, ""},
		{"two conditions", before(swap("<saml:AuthnStatement ", "<saml:Conditions></saml:Conditions><saml:AuthnStatement ")), badXML, errParts, ""},
		{"an AuthzDecisionStatement", before(swap("<saml:AuthnStatement ", "<saml:AuthzDecisionStatement></saml:AuthzDecisionStatement><saml:AuthnStatement ")), badXML, errParts, ""},
		{"text in the assertion", before(swap("<saml:AuthnStatement ", "x<saml:AuthnStatement ")), badXML, errParts, ""},
		{"the status of an error", after(swap(success, "urn:oasis:names:tc:SAML:2.0:status:Responder")), badStatus, errStatus, ""},
		{"the signed status of an error", whole(func(r *samltest.Response) {
			r.EditResponse = swap(success, "urn:oasis:names:tc:SAML:2.0:status:Requester")
		}), badStatus, errStatus, ""},
		{"an empty status", after(cut("<samlp:StatusCode", "</samlp:StatusCode>")), badStatus, errStatus, ""},
		{"success below an error", after(swap(`Value="`+success+`">`, `Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="`+success+`"></samlp:StatusCode>`)), badStatus, errStatus, ""},

		{"issued six minutes ago", with(func(r *samltest.Response) { r.Issued = now.Add(-6 * time.Minute) }), tooLate, errIssuedEarly, expiredCode},
		{"issued five minutes and a second ago", with(func(r *samltest.Response) { r.Issued = now.Add(-5*time.Minute - time.Second) }), tooLate, errIssuedEarly, expiredCode},
		{"issued in the future", with(func(r *samltest.Response) { r.Issued = now.Add(skew + time.Second) }), notYet, errIssuedLater, ""},
		{"issued never", before(func(s string) string { return cut(" IssueInstant", "Z\"")(s) }), notYet, errTime, ""},
		{"issued at no time", before(swap(`IssueInstant="`+at(0), `IssueInstant="today`)), notYet, errTime, ""},
		{"issued in another zone", before(swap(`IssueInstant="`+at(0), `IssueInstant="`+now.Format("2006-01-02T15:04:05")+"+00:00")), notYet, errTime, ""},
		{"conditions over", with(func(r *samltest.Response) { r.NotOnOrAfter = now }), expired, errNotOnOrAfter, expiredCode},
		{"conditions over for long", with(func(r *samltest.Response) { r.NotOnOrAfter = now.Add(-time.Hour) }), expired, errNotOnOrAfter, expiredCode},
		{"conditions not begun", with(func(r *samltest.Response) { r.NotBefore = now.Add(skew + time.Second) }), notYet, errNotBefore, ""},
		{"NotOnOrAfter of no form", before(swap(`<saml:Conditions NotBefore="`+at(-time.Minute)+`" NotOnOrAfter="`, `<saml:Conditions NotOnOrAfter="x`)), expired, errTime, ""},
		{"NotBefore of no form", before(swap(`<saml:Conditions NotBefore="`, `<saml:Conditions NotBefore="x`)), notYet, errTime, ""},
		{"no conditions", before(cut("<saml:Conditions", "</saml:Conditions>")), wrongAudience, errNoConditions, ""},
		{"an unknown condition", before(swap("<saml:AudienceRestriction>", "<saml:Condition></saml:Condition><saml:AudienceRestriction>")), wrongAudience, errCondition, ""},
		{"text among the conditions", before(swap("<saml:AudienceRestriction>", "x<saml:AudienceRestriction>")), wrongAudience, errCondition, ""},
		{"no audience restriction", before(cut("<saml:AudienceRestriction>", "</saml:AudienceRestriction>")), wrongAudience, errAudience, ""},
		{"an empty audience restriction", before(cut("<saml:Audience>", "</saml:Audience>")), wrongAudience, errAudience, ""},
		{"another audience restriction besides", before(swap("<saml:AudienceRestriction>", "<saml:AudienceRestriction><saml:Audience>urn:x</saml:Audience></saml:AudienceRestriction><saml:AudienceRestriction>")), wrongAudience, errAudience, ""},
		{"an audience with an element", before(swap("urn:amazon:webservices", "urn:amazon:webservices<saml:x></saml:x>")), wrongAudience, errAudience, ""},
		{"an element in an audience's place", before(swap("<saml:Audience>", "<saml:x></saml:x><saml:Audience>")), wrongAudience, errAudience, ""},

		{"no subject", before(cut("<saml:Subject>", "</saml:Subject>")), notAuthorized, errNoSubject, denied},
		{"no NameID", before(cut("<saml:NameID", "</saml:NameID>")), notAuthorized, errNoSubject, denied},
		{"two NameIDs", before(swap("<saml:SubjectConfirmation ", "<saml:NameID>root</saml:NameID><saml:SubjectConfirmation ")), notAuthorized, errNoSubject, denied},
		{"an EncryptedID", before(func(s string) string { return strings.ReplaceAll(s, "saml:NameID", "saml:EncryptedID") }), notAuthorized, errNoSubject, denied},
		{"an empty NameID", with(func(r *samltest.Response) { r.NameID = "" }), notAuthorized, errSubject, denied},
		{"a NameID with an element", with(func(r *samltest.Response) { r.NameID = "carol<saml:x></saml:x>@example.com" }), notAuthorized, errSubject, denied},
		{"a NameID with a line end", with(func(r *samltest.Response) { r.NameID = "carol\nroot" }), notAuthorized, errSubject, denied},
		{"a long NameID", with(func(r *samltest.Response) { r.NameID = strings.Repeat("a", maxSubject+1) }), notAuthorized, errSubject, denied},
		{"text in the subject", before(swap("<saml:NameID", "x<saml:NameID")), notAuthorized, errNoSubject, denied},
		{"no confirmation", before(cut("<saml:SubjectConfirmation ", "</saml:SubjectConfirmation>")), noConfirmation, errBearer, ""},
		{"confirmation by holder of key", before(swap("cm:bearer", "cm:holder-of-key")), noConfirmation, errBearer, ""},
		{"confirmation by sender vouches", before(swap("cm:bearer", "cm:sender-vouches")), noConfirmation, errBearer, ""},
		{"confirmation without data", before(cut("<saml:SubjectConfirmationData", "</saml:SubjectConfirmationData>")), noConfirmation, errConfirmation, ""},
		{"confirmation without recipient", before(swap(` Recipient="https://signin.aws.amazon.com/saml"`, "")), noConfirmation, errConfirmation, ""},
		{"confirmation without end", before(swap(confirmation, `<saml:SubjectConfirmationData Recipient="https://signin.aws.amazon.com/saml">`)), noConfirmation, errConfirmation, ""},
		{"confirmation over", with(func(r *samltest.Response) { r.ConfirmedUntil = now }), expired, errConfirmedUp, expiredCode},
		{"confirmation not begun", before(swap("<saml:SubjectConfirmationData ", `<saml:SubjectConfirmationData NotBefore="`+at(2*time.Minute)+`" `)), notYet, errConfirmedSoon, ""},
		{"confirmation at no time", before(swap(`Data NotOnOrAfter="`, `Data NotOnOrAfter="x`)), expired, errTime, ""},
		{"SessionNotOnOrAfter of no form", before(swap("><saml:AuthnContext>", ` SessionNotOnOrAfter="x"><saml:AuthnContext>`)), expired, errSessionOver, ""},

		{"another role", role("arn:aws:iam::111122223333:role/other," + providerARN), notOffered, errRole, ""},
		{"another provider of the role", role(roleARN + ",arn:aws:iam::111122223333:saml-provider/other"), notOffered, errRole, ""},
		{"a provider of another account", role(roleARN + ",arn:aws:iam::444455556666:saml-provider/corp"), notOffered, errRole, ""},
		{"the role and the provider in two values", role(roleARN+",arn:aws:iam::111122223333:saml-provider/other", "arn:aws:iam::111122223333:role/other,"+providerARN), notOffered, errRole, ""},
		{"the role alone", role(roleARN), notOffered, errRole, ""},
		{"three in one value", role(roleARN + "," + providerARN + "," + providerARN), notOffered, errRole, ""},
		{"another order of letters", role(strings.ToUpper(roleARN) + "," + providerARN), notOffered, errRole, ""},
		{"no role", with(func(r *samltest.Response) { r.Attributes = r.Attributes[1:] }), notOffered, errRole, ""},
		{"roles in two attributes", one("Role", "x"), badAttribute, errRepeated, ""},
		{"a role with an element", role(roleARN + ",<saml:x></saml:x>" + providerARN), badAttribute, errValues, ""},
		{"the name of the role in small letters", with(func(r *samltest.Response) { r.Attributes[0].Name = samltest.Attributes + "role" }), notOffered, errRole, ""},
		{"no session name", with(func(r *samltest.Response) { r.Attributes = r.Attributes[:1] }), noSessionName, errName, ""},
		{"an empty session name", session(""), noSessionName, errName, ""},
		{"two session names", session("carol", "root"), badAttribute, errValues, ""},
		{"two attributes of session names", one("RoleSessionName", "root"), badAttribute, errRepeated, ""},
		{"the session name in small letters", with(func(r *samltest.Response) { r.Attributes[1].Name = samltest.Attributes + "rolesessionname" }), noSessionName, errName, ""},
		{"a session name with an element", session("car<saml:x></saml:x>ol"), badAttribute, errValues, ""},
		{"an attribute without name", before(swap(`<saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/Role">`, `<saml:Attribute>`)), badAttribute, errStatement, ""},
		{"an encrypted attribute", before(swap("<saml:AttributeStatement>", "<saml:AttributeStatement><saml:EncryptedAttribute></saml:EncryptedAttribute>")), badAttribute, errStatement, ""},
		{"something else than a value", before(swap("<saml:AttributeValue>", "<saml:x></saml:x><saml:AttributeValue>")), badAttribute, errStatement, ""},
		{"a source identity of AWS", one("SourceIdentity", "aws:root"), badSource, errSource, ""},
		{"a source identity with a space", one("SourceIdentity", "a b"), badSource, errSource, ""},
		{"a short source identity", one("SourceIdentity", "a"), badSource, errSource, ""},
		{"two source identities", one("SourceIdentity", "carol", "root"), badAttribute, errValues, ""},
		{"two values of a tag", one("PrincipalTag:Team", "a", "b"), badAttribute, errValues, ""},
		{"no value of a tag", one("PrincipalTag:Team"), badAttribute, errValues, ""},
		{"a tag twice", attributes(samltest.Attribute{Name: samltest.Attributes + "PrincipalTag:a", Values: []string{"x"}}, samltest.Attribute{Name: samltest.Attributes + "PrincipalTag:a", Values: []string{"y"}}), badAttribute, errRepeated, ""},
		{"a transitive key twice", attributes(samltest.Attribute{Name: samltest.Attributes + "TransitiveTagKeys", Values: nil}, samltest.Attribute{Name: samltest.Attributes + "TransitiveTagKeys", Values: nil}), badAttribute, errRepeated, ""},
	}
	for _, name := range []string{"a", "bad name", "bad/name", "a:b", "carol\t", "cärol", strings.Repeat("a", 65)} {
		rows = append(rows, attack{"session name " + name, session(name), badSessionName, errSessionName, ""})
	}
	for _, seconds := range []string{"899", "43201", "-900", "1e3", "3600.0", "", " 3600", "99999999999999999999"} {
		rows = append(rows, attack{"duration " + seconds, one("SessionDuration", seconds), badAttribute, errDuration, ""})
	}
	for _, url := range []string{
		"http://signin.aws.amazon.com/saml", "https://signin.aws.amazon.com/saml/", "https://signin.aws.amazon.com/SAML", "https://signin.aws.amazon.com.attacker.example/saml",
		"https://xsignin.aws.amazon.com/saml", "https://a.b.signin.aws.amazon.com/saml", "https://.signin.aws.amazon.com/saml", "https://signin.aws.amazon.com/saml?x",
		"https://u@signin.aws.amazon.com/saml", "https://signin.amazonaws.cn/saml", "https://sts.example.com/saml2", "https://signin.aws.amazon.com/saml/acs/SAMLSPOTHER", " https://signin.aws.amazon.com/saml", "",
	} {
		rows = append(rows,
			attack{"recipient " + url, with(func(r *samltest.Response) { r.Recipient = url }), wrongRecipient, errRecipient, ""},
			attack{"destination " + url, with(func(r *samltest.Response) { r.Destination = url }), wrongDestination, errDestination, ""},
			attack{"signed destination " + url, whole(func(r *samltest.Response) { r.Destination = url }), wrongDestination, errDestination, ""})
		if strings.TrimSpace(url) == url {
			rows = append(rows, attack{"audience " + url, with(func(r *samltest.Response) { r.Audience = url }), wrongAudience, errAudience, ""})
		}
	}
	return rows
}

// encrypted are wrong in what encrypts them.
func encrypted() []attack {
	sealed := func(change func(*samltest.Encryption)) func(*samltest.Response) string {
		return with(func(r *samltest.Response) {
			r.Encrypt = &samltest.Encryption{Key: keys().server}
			change(r.Encrypt)
		})
	}
	edit := func(change func(string) string) func(*samltest.Response) string {
		return sealed(func(e *samltest.Encryption) { e.Edit = change })
	}
	const e, e11 = samltest.XEnc, samltest.XEnc11
	rows := []attack{
		{"for another key", sealed(func(x *samltest.Encryption) { x.Key = keys().idp }), notDecrypted, errDecrypt, ""},
		{"for a key of another size", sealed(func(x *samltest.Encryption) { x.Key = keys().weak }), notDecrypted, errDecrypt, ""},
		{"AES-CBC without a signature over it", sealed(func(x *samltest.Encryption) { x.Chained = true }), notDecrypted, errUncoveredCBC, ""},
		{"RSA 1.5", sealed(func(x *samltest.Encryption) { x.PKCS1, x.Transport = true, e+"rsa-1_5" }), notDecrypted, errEncryption, ""},
		{"RSA 1.5 under the name of OAEP", sealed(func(x *samltest.Encryption) { x.PKCS1 = true }), notDecrypted, errDecrypt, ""},
		{"a wrapped key of AES", sealed(func(x *samltest.Encryption) { x.Transport = e + "kw-aes256" }), notDecrypted, errEncryption, ""},
		{"triple DES", sealed(func(x *samltest.Encryption) { x.Algorithm = e + "tripledes-cbc" }), notDecrypted, errEncryption, ""},
		{"another length of the key", sealed(func(x *samltest.Encryption) { x.Algorithm = e11 + "aes128-gcm" }), notDecrypted, errDecrypt, ""},
		{"an unknown algorithm", sealed(func(x *samltest.Encryption) { x.Algorithm = "urn:x" }), notDecrypted, errEncryption, ""},
		{"another hash", sealed(func(x *samltest.Encryption) {
			x.Digest = `<ds:DigestMethod xmlns:ds="` + samltest.DS + `" Algorithm="` + e + `sha256"></ds:DigestMethod>`
		}), notDecrypted, errDecrypt, ""},
		{"an unknown hash", sealed(func(x *samltest.Encryption) {
			x.Digest = `<ds:DigestMethod xmlns:ds="` + samltest.DS + `" Algorithm="urn:x"></ds:DigestMethod>`
		}), notDecrypted, errEncryption, ""},
		{"OAEP parameters", sealed(func(x *samltest.Encryption) { x.Digest = "<xenc:OAEPparams>AAAA</xenc:OAEPparams>" }), notDecrypted, errEncryption, ""},
		{"a mask in mgf1p", sealed(func(x *samltest.Encryption) {
			x.Digest = `<e:MGF xmlns:e="` + e11 + `" Algorithm="` + e11 + `mgf1sha256"></e:MGF>`
		}), notDecrypted, errEncryption, ""},
		{"an unknown mask", sealed(func(x *samltest.Encryption) {
			x.Transport, x.Digest = e11+"rsa-oaep", `<e:MGF xmlns:e="`+e11+`" Algorithm="urn:x"></e:MGF>`
		}), notDecrypted, errEncryption, ""},
		{"a CipherReference", edit(func(s string) string {
			a := strings.LastIndex(s, "<xenc:CipherValue>")
			return s[:a] + `<xenc:CipherReference URI="https://attacker.example/"></xenc:CipherReference></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>`
		}), notDecrypted, errEncryptedForm, ""},
		{"a RetrievalMethod", edit(func(s string) string {
			a, b := strings.Index(s, "<xenc:EncryptedKey>"), strings.Index(s, "</xenc:EncryptedKey>")+len("</xenc:EncryptedKey>")
			return s[:a] + `<ds:RetrievalMethod URI="https://attacker.example/"></ds:RetrievalMethod>` + s[b:]
		}), notDecrypted, errEncryptedForm, ""},
		{"two keys", edit(func(s string) string {
			a, b := strings.Index(s, "<xenc:EncryptedKey>"), strings.Index(s, "</xenc:EncryptedKey>")+len("</xenc:EncryptedKey>")
			return s[:b] + s[a:]
		}), notDecrypted, errEncryptedForm, ""},
		{"two EncryptedDatas", edit(func(s string) string {
			a, b := strings.Index(s, "<xenc:EncryptedData "), strings.Index(s, "</xenc:EncryptedData>")+len("</xenc:EncryptedData>")
			return s[:b] + s[a:]
		}), notDecrypted, errEncryptedForm, ""},
		{"no KeyInfo", edit(func(s string) string {
			return s[:strings.Index(s, "<ds:KeyInfo")] + s[strings.Index(s, "</ds:KeyInfo>")+len("</ds:KeyInfo>"):]
		}), notDecrypted, errEncryptedForm, ""},
		{"content and not an element", edit(swap(e+"Element", e+"Content")), notDecrypted, errEncryptedForm, ""},
		{"a ciphertext that is not base64", edit(swap("<xenc:CipherValue>", "<xenc:CipherValue>%")), notDecrypted, errEncryptedForm, ""},
		{"properties", edit(swap("</xenc:EncryptedData>", "<xenc:EncryptionProperties></xenc:EncryptionProperties></xenc:EncryptedData>")), notDecrypted, errEncryptedForm, ""},
		{"a changed ciphertext", edit(func(s string) string {
			a := strings.LastIndex(s, "<xenc:CipherValue>") + len("<xenc:CipherValue>") + 40
			c := "A"
			if s[a] == 'A' {
				c = "B"
			}
			return s[:a] + c + s[a+1:]
		}), notDecrypted, errDecrypt, ""},
		{"a short ciphertext", edit(func(s string) string {
			return s[:strings.LastIndex(s, "<xenc:CipherValue>")] + "<xenc:CipherValue>AAAA</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>"
		}), notDecrypted, errDecrypt, ""},
		{"unsigned inside", func(r *samltest.Response) string {
			r.SignAssertion, r.Encrypt = nil, &samltest.Encryption{Key: keys().server}
			return r.Encoded()
		}, badSignature, errUnsigned, ""},
		{"signed by another key inside", func(r *samltest.Response) string {
			r.SignAssertion.Key, r.Encrypt = keys().other, &samltest.Encryption{Key: keys().server}
			return r.Encoded()
		}, badSignature, errSignature, ""},
		{"two assertions inside", func(r *samltest.Response) string {
			r.EditAssertion, r.Encrypt = func(s string) string { return into(s, "</saml:Assertion>", evil(r, "_e")) }, &samltest.Encryption{Key: keys().server}
			return r.Encoded()
		}, notDecrypted, errDecryptedShape, ""},
		{"a comment inside", func(r *samltest.Response) string {
			r.NameID, r.Encrypt = "carol<!-- -->", &samltest.Encryption{Key: keys().server}
			return r.Encoded()
		}, notDecrypted, errMarkup, ""},
		{"a NameID inside", func(r *samltest.Response) string {
			r.SignAssertion = nil
			r.EditAssertion = func(string) string { return `<saml:NameID xmlns:saml="` + samltest.SAML + `">x</saml:NameID>` }
			r.Encrypt = &samltest.Encryption{Key: keys().server}
			return r.Encoded()
		}, notDecrypted, errDecryptedShape, ""},
		{"CBC moved out of the signed response", func(r *samltest.Response) string {
			r.SignAssertion, r.SignResponse, r.Encrypt = nil, &samltest.Signature{Key: keys().idp}, &samltest.Encryption{Key: keys().server, Chained: true}
			bare, _ := parts(r.XML())
			return samltest.Encode(bare)
		}, notDecrypted, errUncoveredCBC, ""},
	}
	return rows
}

// The project's own set: every response has one fault, and is refused for it; TestGoodResponses has the controls. The rows hold
// the advisories of SAML: advisory 82 (CVE-2020-29509), advisory 83 (CVE-2022-41912), advisory 84 (CVE-2017-11427), advisory 85
// (CVE-2016-5697), advisory 86 (CVE-2024-45409), advisory 87 (CVE-2025-25291), advisory 88 (CVE-2025-66568), advisory 89
// (CVE-2025-23369), advisory 90 (CVE-2025-29774), advisory 91 (CVE-2025-47949), advisory 92 (CVE-2025-54419), advisory 93
// (CVE-2026-33487), advisory 94 (OneUptime #2981), advisory 95 (node-saml #433), advisory 96 (CVE-2026-9093), advisory 97
// (CVE-2024-8698), advisory 98 (GHSA-pcgw-qcv5-h8ch), advisory 99 (GO-2026-4760), advisory 100 (crewjam), advisory 101
// (CVE-2023-28119), advisory 102 (GHSA-qhrp-hfff-vphr), advisory 103 (CVE-2022-30633), advisory 104 (CVE-2019-3465), advisory
// 105 (xmlseclibs 4.0), advisory 106 (samlify) and advisory 108 (no SHA-1 and nothing expired but where that is the fault).
func TestAttacks(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	seen := make(map[string]bool)
	for _, rows := range [][]attack{wrapping(), signatures(), documents(), statements(), encrypted()} {
		for _, row := range rows {
			if seen[row.name] {
				t.Errorf("%s is there twice", row.name)
			}
			seen[row.name] = true
			t.Run(row.name, func(t *testing.T) {
				if row.code == "" {
					row.code = identity.InvalidIdentityToken
				}
				_, err := s.verify(row.make(good()))
				wantRefused(t, err, row.code, row.message, row.reason)
			})
		}
	}
	if len(seen) < 200 {
		t.Errorf("%d attacks, want 200", len(seen))
	}
	if a, err := s.verify(good().Encoded()); err != nil || a.Subject != "carol@example.com" {
		t.Errorf("control: %+v, %v", a, err)
	}
}
