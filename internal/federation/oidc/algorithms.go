package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// The sizes of RSA moduli in bits. Less is too weak, more costs too much to verify with.
const (
	minModulus = 2048
	maxModulus = 8192
)

// awsAlgorithms are those that AWS takes (IAM UG, OIDC federation). extraAlgorithms are Stint's extension, off by default.
func awsAlgorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512}
}

func extraAlgorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.PS256, jose.PS384, jose.PS512, jose.EdDSA}
}

// algorithmsOf lists what a public key may verify, by its type alone: nothing that a token or a key set says adds to it. It is
// empty for a key that verifies nothing here.
func algorithmsOf(public any) []jose.SignatureAlgorithm {
	switch key := public.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits >= minModulus && bits <= maxModulus && key.E >= 3 && key.E%2 == 1 {
			return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}
		}
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return []jose.SignatureAlgorithm{jose.ES256}
		case elliptic.P384():
			return []jose.SignatureAlgorithm{jose.ES384}
		case elliptic.P521():
			return []jose.SignatureAlgorithm{jose.ES512}
		}
	case ed25519.PublicKey:
		if len(key) == ed25519.PublicKeySize {
			return []jose.SignatureAlgorithm{jose.EdDSA}
		}
	}
	return nil
}

// verify reports whether the key made the token's signature.
func (k *key) verify(t *token, signed *jose.JSONWebSignature) bool {
	if _, err := signed.Verify(k.public); err != nil {
		return false
	}
	public, ok := k.public.(*rsa.PublicKey)
	return !ok || saltFits(public, t)
}

// saltFits demands of a PS algorithm that the salt is as long as the hash (RFC 7518, 3.5): the library takes any.
func saltFits(public *rsa.PublicKey, t *token) bool {
	hash, ok := pssHash(t.algorithm)
	if !ok {
		return true
	}
	end := strings.LastIndexByte(t.compact, '.')
	signature, err := decode(t.compact[end+1:])
	if err != nil {
		return false
	}
	h := hash.New()
	h.Write([]byte(t.compact[:end]))
	return rsa.VerifyPSS(public, hash, h.Sum(nil), signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
}

func pssHash(algorithm jose.SignatureAlgorithm) (crypto.Hash, bool) {
	switch algorithm {
	case jose.PS256:
		return crypto.SHA256, true
	case jose.PS384:
		return crypto.SHA384, true
	case jose.PS512:
		return crypto.SHA512, true
	}
	return 0, false
}

// takes reports whether the key may verify with the algorithm.
func (k *key) takes(algorithm jose.SignatureAlgorithm) bool {
	return slices.Contains(k.algorithms, algorithm)
}
