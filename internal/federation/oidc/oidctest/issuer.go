package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1" // thumbprints of IAM are SHA-1
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Issuer serves its discovery document and key set.
type Issuer struct {
	URL    string
	server *httptest.Server
	// Fetches counts the key sets that were served.
	Fetches atomic.Int64

	mu        sync.Mutex
	documents map[string]string // by path
	handler   http.Handler      // in place of the documents
}

// NewIssuer starts an issuer with the keys, on loopback. path is empty or begins with a slash.
func NewIssuer(t testing.TB, path string, keys ...*Key) *Issuer {
	t.Helper()
	i := &Issuer{documents: make(map[string]string)}
	i.server = httptest.NewUnstartedServer(i)
	i.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	i.server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
	i.server.StartTLS()
	t.Cleanup(i.server.Close)
	i.URL = i.server.URL + path
	i.Serve(strings.TrimSuffix(path, "/")+"/.well-known/openid-configuration", JSON(map[string]any{"issuer": i.URL, "jwks_uri": i.server.URL + "/keys"}))
	i.Rotate(keys...)
	return i
}

// certificate is made by itself for loopback and for the names of issuers that tests lead there.
func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now() //nolint:forbidigo // TLS checks certificates by the real clock
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "issuer"},
		NotBefore: began.Add(-time.Hour), NotAfter: began.Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames: []string{"localhost", "example.com", "accounts.google.com", "cognito-identity.amazonaws.com", "api.amazon.example",
			"facebook.example", "token.actions.githubusercontent.com", "gitlab.com"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Rotate replaces the keys.
func (i *Issuer) Rotate(keys ...*Key) { i.Serve("/keys", Set(keys...)) }

// Serve replaces a document.
func (i *Issuer) Serve(path, document string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.documents[path] = document
}

// Handle answers every request by a handler from now on; nil has the documents again.
func (i *Issuer) Handle(h http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.handler = nil
	if h != nil {
		i.handler = h
	}
}

// ServeHTTP implements http.Handler.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	document, ok := i.documents[r.URL.Path]
	handler := i.handler
	i.mu.Unlock()
	if r.URL.Path == "/keys" {
		i.Fetches.Add(1)
	}
	switch {
	case handler != nil:
		handler.ServeHTTP(w, r)
	case ok:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, document)
	default:
		http.NotFound(w, r)
	}
}

// Close stops the issuer.
func (i *Issuer) Close() { i.server.Close() }

// Authorities are those of the issuer's certificate.
func (i *Issuer) Authorities() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(i.server.Certificate())
	return pool
}

// Thumbprint is that of the issuer's certificate.
func (i *Issuer) Thumbprint() string {
	sum := sha1.Sum(i.server.Certificate().Raw) // thumbprints of IAM are SHA-1
	return hex.EncodeToString(sum[:])
}

// Address is host:port of the issuer.
func (i *Issuer) Address() string { return i.server.Listener.Addr().String() }
