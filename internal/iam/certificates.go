package iam

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	"github.com/stint-sts/stint/internal/identity"
)

const (
	// maxChain bounds a chain of certificates, in bytes: the model's two megabytes would not fit into the store. It is as much
	// as four bodies.
	maxChain = 64 << 10
	// minModulus is the size of the smallest RSA key that is taken, in bits (API, UploadSSHPublicKey, for SSH; UG, server certificates).
	minModulus    = 1024
	minSSHModulus = 2048
	// maxRSA is the size of the largest RSA key of a certificate: work with one grows with the square of its size. It is that
	// which crypto/tls takes.
	maxRSA = 8192
)

func malformedCertificate(message string) *identity.Fault {
	return identity.NewFault(identity.MalformedCertificate, message)
}

const notPEM = "Unable to parse certificate. Please ensure the certificate is in PEM format."

// parseCertificate reads exactly one certificate that is valid now.
func parseCertificate(text string, now time.Time) (*x509.Certificate, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, malformedCertificate(notPEM)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, malformedCertificate(notPEM).Because(err)
	}
	if err := checkSize(certificate); err != nil {
		return nil, err
	}
	if now.Before(certificate.NotBefore) {
		return nil, malformedCertificate("The certificate is not valid yet.")
	}
	if now.After(certificate.NotAfter) {
		return nil, malformedCertificate("The certificate has expired.")
	}
	return certificate, nil
}

func tooLarge() *identity.Fault {
	return malformedCertificate(fmt.Sprintf("RSA keys must have at most %d bits.", maxRSA))
}

// checkSize refuses a certificate whose key would be too large to verify signatures with.
func checkSize(c *x509.Certificate) error {
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxRSA {
		return tooLarge()
	}
	return nil
}

// modulusBits returns the size of the RSA key in PKCS #1 or PKCS #8, 0 of any other. To parse one whole is to compute with it.
func modulusBits(der []byte) int {
	var wrapped struct {
		Version   int
		Algorithm asn1.RawValue
		Key       []byte
	}
	if _, err := asn1.Unmarshal(der, &wrapped); err == nil {
		der = wrapped.Key
	}
	var key struct {
		Version int
		N       *big.Int
	}
	if _, err := asn1.Unmarshal(der, &key); err != nil {
		return 0
	}
	return key.N.BitLen()
}

// checkPair checks a server certificate, its private key and its chain, and returns when the certificate expires.
func checkPair(body, chain, private string, now time.Time) (time.Time, error) {
	certificate, err := parseCertificate(body, now)
	if err != nil {
		return time.Time{}, err
	}
	key, err := parsePrivateKey(private)
	if err != nil {
		return time.Time{}, err
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(certificate.PublicKey) {
		return time.Time{}, identity.NewFault(identity.KeyPairMismatch, "The public key certificate and the private key do not match.")
	}
	if err := checkChain(certificate, chain); err != nil {
		return time.Time{}, err
	}
	return certificate.NotAfter.UTC(), nil
}

// parsePrivateKey reads exactly one RSA or ECDSA key that is not encrypted (UG, server certificates). No part of it is in an
// error.
func parsePrivateKey(text string) (crypto.Signer, error) {
	malformed := malformedCertificate("Unable to parse private key. Please ensure the private key is in PEM format and is not encrypted.")
	block, rest := pem.Decode([]byte(text))
	for block != nil && block.Type == "EC PARAMETERS" { // OpenSSL puts them before the key
		block, rest = pem.Decode(rest)
	}
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, malformed
	}
	if modulusBits(block.Bytes) > maxRSA {
		return nil, tooLarge()
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, malformed
	}
	if err != nil {
		return nil, malformed
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if k.N.BitLen() < minModulus {
			return nil, malformed
		}
		return k, nil
	case *ecdsa.PrivateKey:
		return k, nil
	}
	return nil, malformed
}

// checkChain requires that each certificate of a chain signed the one before it, beginning with the server's.
func checkChain(child *x509.Certificate, chain string) error {
	if len(chain) > maxChain {
		return malformedCertificate(fmt.Sprintf("The certificate chain must have at most %d bytes.", maxChain))
	}
	rest := []byte(chain)
	for i := 0; len(bytes.TrimSpace(rest)) > 0; i++ {
		wrong := malformedCertificate("Unable to validate certificate chain. The certificate chain must start with the immediate signing " +
			"certificate, followed by any intermediaries in order. The index within the chain of the invalid certificate is: " + fmt.Sprint(i))
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			return wrong
		}
		parent, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return wrong.Because(err)
		}
		if err := checkSize(parent); err != nil {
			return err
		}
		if !bytes.Equal(child.RawIssuer, parent.RawSubject) {
			return wrong
		}
		if err := parent.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature); err != nil {
			return wrong.Because(err)
		}
		child = parent
	}
	return nil
}
