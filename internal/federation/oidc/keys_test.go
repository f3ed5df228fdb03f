package oidc

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/federation/oidc/oidctest"
	"github.com/stint-sts/stint/internal/identity"
)

// changed is a JSON Web Key with changes.
func changed(k *oidctest.Key, changes map[string]any) map[string]any {
	j := k.JWK()
	maps.Copy(j, changes)
	maps.DeleteFunc(j, func(_ string, v any) bool { return v == gone{} })
	return j
}

// TestAlgorithms: each of AWS's algorithms verifies with a key of its type, and each of the extension's once it is on.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	o := options()
	o.ExtraAlgorithms = true
	extended := New(o)
	for _, alg := range []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA"} {
		k := oidctest.NewKey(t, "k", alg)
		for name, jwk := range map[string]any{"alg": k.JWK(), "no alg": changed(k, map[string]any{"alg": gone{}})} {
			s.provide(dt.A, issuer, func(p *directory.OIDCProvider) { p.JWKS = oidctest.SetOf(jwk) })
			token := Presented{Token: k.Token(claimed(nil)), Account: dt.A, RoleARN: roleARN, Time: now}
			if a, err := extended.Verify(t.Context(), s.builder.View(), token); err != nil || a.Subject != "subject-1" {
				t.Errorf("%s, key with %s: %v", alg, name, err)
			}
			_, err := s.verifier.Verify(t.Context(), s.builder.View(), token)
			if extra := strings.HasPrefix(alg, "PS") || alg == "EdDSA"; extra {
				wantRefused(t, err, identity.InvalidIdentityToken, notJWT, "alg is not an algorithm that is accepted")
			} else if err != nil {
				t.Errorf("%s, key with %s: %v", alg, name, err)
			}
		}
	}
}

// TestUnfitKeys: what a key set says beside good keys is left out, so that a token that it fits is refused while the good key
// goes on to verify (advisories 60, 61, 68).
func TestUnfitKeys(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ec, small, large := oidctest.NewKey(t, "unfit", "ES256"), oidctest.NewRSA("unfit", "RS256", 1024), oidctest.NewRSA("unfit", "RS256", 2048)
	otherX := oidctest.NewKey(t, "x", "ES256").JWK()["x"]
	n := large.JWK()["n"].(string)
	modulus, _ := base64.RawURLEncoding.DecodeString(n)
	oversized := new(big.Int).Lsh(new(big.Int).SetBytes(modulus), 8192)
	oversized.SetBit(oversized, 0, 1)
	private, err := ec.Private().(*ecdsa.PrivateKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	scalar := base64.RawURLEncoding.EncodeToString(private)
	for name, row := range map[string]struct {
		key *oidctest.Key
		jwk any
	}{
		"point off the curve":         {ec, changed(ec, map[string]any{"x": otherX})},
		"point of another curve":      {ec, changed(ec, map[string]any{"crv": "P-384"})},
		"point at infinity":           {ec, changed(ec, map[string]any{"x": "AA", "y": "AA"})},
		"unknown curve":               {ec, changed(ec, map[string]any{"crv": "secp256k1"})},
		"short coordinate":            {ec, changed(ec, map[string]any{"x": "AQ"})},
		"no coordinate":               {ec, changed(ec, map[string]any{"y": gone{}})},
		"private key":                 {ec, changed(ec, map[string]any{"d": scalar})},
		"RSA of 1024 bits":            {small, small.JWK()},
		"RSA of 10240 bits":           {large, changed(large, map[string]any{"n": base64.RawURLEncoding.EncodeToString(oversized.Bytes())})},
		"even exponent":               {large, changed(large, map[string]any{"e": "Ag"})},
		"exponent one":                {large, changed(large, map[string]any{"e": "AQ"})},
		"no exponent":                 {large, changed(large, map[string]any{"e": gone{}})},
		"no modulus":                  {large, changed(large, map[string]any{"n": gone{}})},
		"symmetric":                   {oidctest.Symmetric("unfit", "HS256", []byte("secret")), map[string]any{"kty": "oct", "kid": "unfit", "k": "c2VjcmV0"}},
		"for encryption":              {large, changed(large, map[string]any{"use": "enc"})},
		"use not a text":              {large, changed(large, map[string]any{"use": []string{"sig"}})},
		"key_ops without verify":      {large, changed(large, map[string]any{"key_ops": []string{"sign"}})},
		"key_ops not a list":          {large, changed(large, map[string]any{"key_ops": "verify"})},
		"alg for encryption":          {large, changed(large, map[string]any{"alg": "RSA-OAEP"})},
		"alg of another type":         {large, changed(large, map[string]any{"alg": "ES256"})},
		"alg symmetric":               {large, changed(large, map[string]any{"alg": "HS256"})},
		"unknown type":                {large, changed(large, map[string]any{"kty": "XYZ"})},
		"kid not a text":              {large, changed(large, map[string]any{"kid": 1})},
		"certificate of another key":  {large, changed(large, map[string]any{"x5c": []string{certificate(t, s.ec)}})},
		"certificate that is none":    {large, changed(large, map[string]any{"x5c": []string{"AAAA"}})},
		"certificate without the key": {large, map[string]any{"kty": "RSA", "kid": "unfit", "x5c": []string{certificate(t, large)}}},
		"text":                        {large, "key"},
		"null":                        {large, nil},
	} {
		s.provide(dt.A, issuer, func(p *directory.OIDCProvider) { p.JWKS = oidctest.SetOf(row.jwk, s.ec.JWK()) })
		_, err := s.verify(row.key.Token(claimed(nil)))
		if row.key.Algorithm == "HS256" {
			wantRefused(t, err, identity.InvalidIdentityToken, notJWT, "alg is not an algorithm that is accepted")
		} else {
			wantRefused(t, err, identity.InvalidIdentityToken, noKey, "the key set has no key for the token's kid and alg")
		}
		if _, err := s.verify(s.ec.Token(claimed(nil))); err != nil {
			t.Errorf("%s: the key beside it: %v", name, err)
		}
	}
	s.provide(dt.A, issuer, func(p *directory.OIDCProvider) {
		p.JWKS = oidctest.SetOf(changed(large, map[string]any{"x5c": []string{certificate(t, large)}, "key_ops": []string{"verify"}}))
	})
	if _, err := s.verify(large.Token(claimed(nil))); err != nil {
		t.Errorf("control, a certificate of the key: %v", err)
	}
}

func certificate(t *testing.T, k *oidctest.Key) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "key"}, NotAfter: now.Add(time.Hour)}
	der, err := x509.CreateCertificate(nil, template, template, k.Public(), k.Private())
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// TestKeySets: a set as a whole is read strictly.
func TestKeySets(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jwk := oidctest.JSON(s.ec.JWK())
	list := func(n int) string { return `{"keys":[` + strings.TrimSuffix(strings.Repeat(jwk+",", n), ",") + `]}` }
	for _, good := range []string{list(1), list(100), `{"keys":[` + jwk + `],"more":1}`} {
		if _, err := parseKeys([]byte(good)); err != nil {
			t.Errorf("control: %v", err)
		}
	}
	for name, row := range map[string]struct{ text, reason string }{
		"nothing":         {"", "the key set is not strict JSON"},
		"HTML":            {"<html>", "the key set is not strict JSON"},
		"keys twice":      {`{"keys":[` + jwk + `],"keys":[]}`, "the key set is not strict JSON"},
		"kid twice":       {`{"keys":[` + strings.Replace(jwk, "{", `{"kid":"a",`, 1) + `]}`, "the key set is not strict JSON"},
		"text after":      {list(1) + "x", "the key set is not strict JSON"},
		"too deep":        {`{"keys":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "the key set is not strict JSON"},
		"too large":       {list(1) + strings.Repeat(" ", maxSetBytes), "the key set is not strict JSON"},
		"too many tokens": {`{"keys":[` + strings.Repeat("1,", maxSetTokens) + `1]}`, "the key set is not strict JSON"},
		"a list":          {`[` + jwk + `]`, "the key set has no list of keys"},
		"no keys":         {`{}`, "the key set has no list of keys"},
		"keys an object":  {`{"keys":` + jwk + `}`, "the key set has no list of keys"},
		"too many keys":   {list(101), "the key set has too many keys"},
		"empty":           {`{"keys":[]}`, "the key set has no key that verifies signatures"},
	} {
		if _, err := parseKeys([]byte(row.text)); err == nil || err.Error() != row.reason {
			t.Errorf("%s: got %v, want %s", name, err, row.reason)
		}
	}
	s.provide(dt.A, issuer, func(p *directory.OIDCProvider) { p.JWKS = `{"keys":[]}` })
	_, err := s.verify(s.ec.Token(claimed(nil)))
	wantRefused(t, err, identity.InvalidIdentityToken, noKey, "the key set has no key that verifies signatures")
}

// TestEveryKeyIsTried: of a token without kid, and of several keys with one kid.
func TestEveryKeyIsTried(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var keys []*oidctest.Key
	for i := range 5 {
		keys = append(keys, oidctest.NewKey(t, fmt.Sprint(i), "ES256"))
	}
	s.provide(dt.A, issuer, func(p *directory.OIDCProvider) { p.JWKS = oidctest.Set(keys...) })
	for i, k := range keys {
		k.ID = ""
		if _, err := s.verify(k.Token(claimed(nil))); err != nil {
			t.Errorf("key %d, token without kid: %v", i, err)
		}
		k.ID = "same"
	}
	s.provide(dt.A, issuer, func(p *directory.OIDCProvider) { p.JWKS = oidctest.Set(keys...) })
	for i, k := range keys {
		if _, err := s.verify(k.Token(claimed(nil))); err != nil {
			t.Errorf("key %d, all with one kid: %v", i, err)
		}
	}
	_, err := s.verify(oidctest.NewKey(t, "same", "ES256").Token(claimed(nil)))
	wantRefused(t, err, identity.InvalidIdentityToken, notValid, "the signature is wrong")
}

func TestAlgorithmsOfKeys(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]any{"no key": nil, "value": ed25519.PublicKey{1}, "secret": []byte("secret")} {
		if got := algorithmsOf(k); got != nil {
			t.Errorf("%s verifies %v", name, got)
		}
	}
}

func FuzzParseKeys(f *testing.F) {
	ec, rsa := oidctest.NewKey(f, "ec", "ES256"), oidctest.NewKey(f, "rsa", "RS256")
	f.Add([]byte(oidctest.Set(ec, rsa)))
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AA"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := parseKeys(text)
		if err != nil {
			return
		}
		for _, k := range set.keys {
			if len(k.algorithms) == 0 || k.public == nil {
				t.Errorf("a key that verifies nothing: %+v", k)
			}
		}
	})
}
