// Package oidctest is an OIDC issuer for tests: keys, tokens that are right or wrong in one thing, and the documents of an
// issuer over TLS on loopback. It signs with the standard library alone, so that nothing in a token was checked on the way.
package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.Hash
	_ "crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
)

// Key signs tokens by one algorithm.
type Key struct {
	ID        string
	Algorithm string
	signer    crypto.Signer
	secret    []byte // of HS algorithms
}

// rsaKey is made once for all tests of a process: it takes long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return mustRSA(2048) })

func mustRSA(bits int) *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return k
}

// NewKey returns a key for an algorithm. All RSA keys are the same.
func NewKey(t testing.TB, id, algorithm string) *Key {
	t.Helper()
	k := &Key{ID: id, Algorithm: algorithm}
	var err error
	switch algorithm {
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		k.signer = rsaKey()
	case "ES256":
		k.signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		k.signer, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		k.signer, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, private, failed := ed25519.GenerateKey(rand.Reader)
		k.signer, err = private, failed
	default:
		t.Fatalf("no key for %s", algorithm)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// NewRSA returns an RSA key of its own size.
func NewRSA(id, algorithm string, bits int) *Key {
	return &Key{ID: id, Algorithm: algorithm, signer: mustRSA(bits)}
}

// Symmetric returns a key that signs by HMAC.
func Symmetric(id, algorithm string, secret []byte) *Key {
	return &Key{ID: id, Algorithm: algorithm, secret: secret}
}

// Public is the public key.
func (k *Key) Public() crypto.PublicKey { return k.signer.Public() }

// Private is the private key.
func (k *Key) Private() crypto.Signer { return k.signer }

// JWK is the public key as a JSON Web Key.
func (k *Key) JWK() map[string]any {
	j := map[string]any{"use": "sig", "alg": k.Algorithm}
	if k.ID != "" {
		j["kid"] = k.ID
	}
	switch public := k.signer.Public().(type) {
	case *rsa.PublicKey:
		j["kty"], j["n"], j["e"] = "RSA", encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			panic(err)
		}
		size := (len(point) - 1) / 2
		j["kty"], j["crv"] = "EC", public.Params().Name
		j["x"], j["y"] = encode(point[1:1+size]), encode(point[1+size:])
	case ed25519.PublicKey:
		j["kty"], j["crv"], j["x"] = "OKP", "Ed25519", encode(public)
	}
	return j
}

// Set is the JSON Web Key Set of keys.
func Set(keys ...*Key) string {
	list := make([]any, len(keys))
	for i, k := range keys {
		list[i] = k.JWK()
	}
	return SetOf(list...)
}

// SetOf is the JSON Web Key Set of JSON Web Keys.
func SetOf(keys ...any) string { return JSON(map[string]any{"keys": keys}) }

// JSON marshals.
func JSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// Header is the header that the key's tokens have.
func (k *Key) Header() map[string]any {
	h := map[string]any{"alg": k.Algorithm, "typ": "JWT"}
	if k.ID != "" {
		h["kid"] = k.ID
	}
	return h
}

// Token signs claims under the key's header.
func (k *Key) Token(claims map[string]any) string { return k.Sign(JSON(k.Header()), JSON(claims)) }

// Sign signs a header and a payload as they are given.
func (k *Key) Sign(header, payload string) string {
	input := encode([]byte(header)) + "." + encode([]byte(payload))
	return input + "." + encode(k.Signature(input))
}

// Signature signs the input of a JWS.
func (k *Key) Signature(input string) []byte {
	if k.secret != nil {
		mac := hmac.New(k.hash().New, k.secret)
		mac.Write([]byte(input))
		return mac.Sum(nil)
	}
	if k.Algorithm == "EdDSA" {
		return k.must(k.signer.Sign(rand.Reader, []byte(input), crypto.Hash(0)))
	}
	h := k.hash().New()
	h.Write([]byte(input))
	digest := h.Sum(nil)
	switch {
	case strings.HasPrefix(k.Algorithm, "PS"):
		return k.must(k.signer.Sign(rand.Reader, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: k.hash()}))
	case strings.HasPrefix(k.Algorithm, "ES"):
		private := k.signer.(*ecdsa.PrivateKey)
		r, s, err := ecdsa.Sign(rand.Reader, private, digest)
		if err != nil {
			panic(err)
		}
		size := (private.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	}
	return k.must(k.signer.Sign(rand.Reader, digest, k.hash()))
}

func (k *Key) must(signature []byte, err error) []byte {
	if err != nil {
		panic(fmt.Sprintf("signing by %s: %v", k.Algorithm, err))
	}
	return signature
}

func (k *Key) hash() crypto.Hash {
	switch k.Algorithm[2:] {
	case "384":
		return crypto.SHA384
	case "512":
		return crypto.SHA512
	}
	return crypto.SHA256
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
