package harness

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"sync"
)

// SigningKey signs JSON Web Tokens as an identity provider does.
type SigningKey struct {
	ID      string
	private crypto.Signer
}

// identityKeys are the keys of the identity providers of all tests: an RSA one takes long to make.
var identityKeys = sync.OnceValue(func() map[string]*SigningKey {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return map[string]*SigningKey{"RS256": {"idp", r}, "ES256": {"idp-ec", e}}
})

// IdentityKey returns the key that signs by RS256 or ES256.
func IdentityKey(algorithm string) (*SigningKey, error) {
	k, ok := identityKeys()[algorithm]
	if !ok {
		return nil, fmt.Errorf("no key signs by %s", algorithm)
	}
	return k, nil
}

// KeySet is the JSON Web Key Set of both keys.
func KeySet() json.RawMessage {
	var keys []map[string]string
	for algorithm, k := range identityKeys() {
		j := map[string]string{"kid": k.ID, "use": "sig", "alg": algorithm}
		switch public := k.private.Public().(type) {
		case *rsa.PublicKey:
			j["kty"], j["n"], j["e"] = "RSA", base64URL(public.N.Bytes()), base64URL(big.NewInt(int64(public.E)).Bytes())
		case *ecdsa.PublicKey:
			point, err := public.Bytes() // 4, x, y
			if err != nil {
				panic(err)
			}
			j["kty"], j["crv"], j["x"], j["y"] = "EC", "P-256", base64URL(point[1:33]), base64URL(point[33:])
		}
		keys = append(keys, j)
	}
	return marshal(map[string]any{"keys": keys})
}

// Token is a signed token. HS256 signs with a shared text, and none not at all.
func Token(algorithm string, claims any) (string, error) {
	header := map[string]string{"alg": algorithm, "typ": "JWT"}
	k, err := IdentityKey(algorithm)
	if err == nil {
		header["kid"] = k.ID
	}
	input := base64URL(marshal(header)) + "." + base64URL(marshal(claims))
	switch algorithm {
	case "none":
		return input + ".", nil
	case "HS256":
		mac := hmac.New(sha256.New, []byte("shared"))
		mac.Write([]byte(input))
		return input + "." + base64URL(mac.Sum(nil)), nil
	}
	if err != nil {
		return "", err
	}
	signature, err := k.sign(input)
	return input + "." + base64URL(signature), err
}

func (k *SigningKey) sign(input string) ([]byte, error) {
	digest := sha256.Sum256([]byte(input))
	if private, ok := k.private.(*ecdsa.PrivateKey); ok {
		r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
		if err != nil {
			return nil, fmt.Errorf("signing: %w", err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), nil
	}
	return k.private.Sign(rand.Reader, digest[:], crypto.SHA256)
}

func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

func base64URL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
