// Command bare is what every HTTP service pays before it does anything: net/http, a body read, a static answer written. Given
// keys it parses the form and verifies the WebIdentityToken or SAMLAssertion in it, with the libraries that Stint uses.
package main

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/beevik/etree"
	"github.com/go-jose/go-jose/v4"
	dsig "github.com/russellhaering/goxmldsig"
)

func main() {
	size, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	const head, tail = "<Response>\n", "</Response>\n"
	body := []byte(head + strings.Repeat("x", max(0, size-len(head)-len(tail))) + tail)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Addr())
	if len(os.Args) > 3 {
		verify := map[string]func(string) func(url.Values) error{"jwt": webIdentity, "saml": saml}[os.Args[2]](os.Args[3])
		log.Fatal(http.Serve(l, verifying(verify, body)))
	}
	log.Fatal(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write(body)
	})))
}

// verifying answers whoever brings what verifies.
func verifying(verify func(url.Values) error, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		form, err := url.ParseQuery(string(text))
		if err == nil {
			err = verify(form)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write(body)
	}
}

// webIdentity verifies tokens by a key set.
func webIdentity(keys string) func(url.Values) error {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(keys), &set); err != nil {
		log.Fatal(err)
	}
	return func(form url.Values) error {
		token, err := jose.ParseSignedCompact(form.Get("WebIdentityToken"), []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
		if err != nil {
			return err
		}
		_, err = token.Verify(set.Key(token.Signatures[0].Header.KeyID)[0].Key)
		return err
	}
}

// saml verifies the assertions of responses by a certificate in base64.
func saml(certificate string) func(url.Values) error {
	der, err := base64.StdEncoding.DecodeString(certificate)
	if err != nil {
		log.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		log.Fatal(err)
	}
	checker := &dsig.ValidationContext{
		CertificateStore: &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{parsed}}, IdAttribute: "ID", Clock: dsig.NewFakeClockAt(parsed.NotBefore),
	}
	return func(form url.Values) error {
		raw, err := base64.StdEncoding.DecodeString(form.Get("SAMLAssertion"))
		if err != nil {
			return err
		}
		d := etree.NewDocument()
		if err := d.ReadFromBytes(raw); err != nil {
			return err
		}
		_, err = checker.Validate(d.Root().SelectElement("Assertion"))
		return err
	}
}
