package oidc

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/stint-sts/stint/internal/strictjson"
)

// The limits of a token. The model's is on the whole token; those of the parts bound what is decoded.
const (
	maxToken     = 20_000 // characters
	maxHeader    = 4096   // bytes
	maxKeyID     = 1024   // bytes
	headerTokens = 64
	maxDepth     = 16
	claimTokens  = 4096
)

// token is a web identity token that is well-formed, and nothing more: nothing in it is verified.
type token struct {
	compact   string
	algorithm jose.SignatureAlgorithm
	keyID     string
	hasKeyID  bool
	claims    strictjson.Value
}

// types are the values of typ that a token may have, in lower case. A token of any other explicit type, such as a logout
// token, was not issued to sign in with (RFC 8725, 3.11). JOSE is SPIFFE's.
var types = [...]string{"jwt", "at+jwt", "jose", "application/jwt", "application/at+jwt"}

// forbidden are header parameters that would bring a key, change how the token is read, or ask for something that is not
// understood here.
var forbidden = [...]string{"crit", "b64", "jku", "jwk", "x5u", "zip", "enc", "cty"}

// parse takes a token apart. Its errors name the rule that failed.
func parse(text string, algorithms []jose.SignatureAlgorithm) (*token, error) {
	// A token file may end in a newline, which SDKs send as it is (recorded, SMITHYRS).
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	if len(text) > maxToken {
		return nil, errors.New("the token is too long")
	}
	// Counting comes first: whatever has more parts, such as a JWE, is never split (advisories 64, 65).
	if strings.Count(text, ".") != 2 {
		return nil, errors.New("the token has not three parts")
	}
	header, rest, _ := strings.Cut(text, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	if len(header) > maxHeader {
		return nil, errors.New("the header is too long")
	}
	t := &token{compact: text}
	if err := t.readHeader(header, algorithms); err != nil {
		return nil, err
	}
	if _, err := decode(signature); err != nil {
		return nil, errors.New("the signature is not base64url")
	}
	claims, err := decode(payload)
	if err != nil {
		return nil, errors.New("the payload is not base64url")
	}
	t.claims, err = strictjson.Parse(claims, strictjson.Limits{Bytes: maxToken, Depth: maxDepth, Tokens: claimTokens})
	if err != nil {
		return nil, errors.New("the payload is not strict JSON")
	}
	if t.claims.Kind != strictjson.Object {
		return nil, errors.New("the payload is not an object")
	}
	return t, nil
}

func (t *token) readHeader(encoded string, algorithms []jose.SignatureAlgorithm) error {
	text, err := decode(encoded)
	if err != nil {
		return errors.New("the header is not base64url")
	}
	header, err := strictjson.Parse(text, strictjson.Limits{Bytes: maxHeader, Depth: maxDepth, Tokens: headerTokens})
	if err != nil {
		return errors.New("the header is not strict JSON")
	}
	if header.Kind != strictjson.Object {
		return errors.New("the header is not an object")
	}
	for _, name := range forbidden {
		if _, ok := header.Get(name); ok {
			return errors.New("the header has " + name)
		}
	}
	alg, ok := header.Get("alg")
	if !ok || alg.Kind != strictjson.String {
		return errors.New("the header has no alg")
	}
	// No symmetric algorithm and no none can be on the list, whatever keys an issuer publishes (advisories 59 to 61).
	if t.algorithm = jose.SignatureAlgorithm(alg.Text); !slices.Contains(algorithms, t.algorithm) {
		return errors.New("alg is not an algorithm that is accepted")
	}
	if typ, ok := header.Get("typ"); ok && (typ.Kind != strictjson.String || !slices.Contains(types[:], strings.ToLower(typ.Text))) {
		return errors.New("typ is not a type of token to sign in with")
	}
	if kid, ok := header.Get("kid"); ok {
		if kid.Kind != strictjson.String || kid.Text == "" || len(kid.Text) > maxKeyID {
			return errors.New("kid is not a text of a key id's length")
		}
		t.keyID, t.hasKeyID = kid.Text, true
	}
	return nil
}

// decode reads base64url without padding. Other than the standard library it refuses line breaks, and trailing bits that are
// not zero: a token has one spelling.
func decode(s string) ([]byte, error) {
	if s == "" || strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("not base64url")
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}

// text returns a claim that is a string.
func (t *token) text(name string) (string, bool) {
	v, ok := t.claims.Get(name)
	if !ok || v.Kind != strictjson.String {
		return "", false
	}
	return v.Text, true
}
