package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"log"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/stint-sts/stint/internal/federation/saml/samltest"
)

var identityKeys = sync.OnceValue(func() map[jose.SignatureAlgorithm]crypto.Signer {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	return map[jose.SignatureAlgorithm]crypto.Signer{jose.RS256: r, jose.ES256: e}
})

func keySet() string {
	var set jose.JSONWebKeySet
	for algorithm, k := range identityKeys() {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Public(), KeyID: string(algorithm), Algorithm: string(algorithm), Use: "sig"})
	}
	text, err := json.Marshal(set)
	if err != nil {
		log.Fatal(err)
	}
	return string(text)
}

// webIdentity is the request of a pod with a projected token.
func (s *server) webIdentity(algorithm jose.SignatureAlgorithm) workload {
	key := jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: identityKeys()[algorithm], KeyID: string(algorithm)}}
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		log.Fatal(err)
	}
	now := time.Now().Unix()
	token, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": "https://idp.example.com", "sub": "system:serviceaccount:shop:checkout", "aud": []string{"sts.amazonaws.com"},
		"iat": now, "nbf": now, "exp": now + 86400, "jti": "6e4a6f0e-8a4e-4f6b-9d4e-0c2f2f6f0a11",
		"kubernetes.io": map[string]any{"namespace": "shop", "node": map[string]any{"name": "node-1", "uid": "b6c1"},
			"pod": map[string]any{"name": "checkout-7d9", "uid": "a1b2"}, "serviceaccount": map[string]any{"name": "checkout", "uid": "c3d4"}},
	}).Serialize()
	if err != nil {
		log.Fatal(err)
	}
	request := s.unsigned(url.Values{"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"},
		"RoleArn": {"arn:aws:iam::111122223333:role/web"}, "RoleSessionName": {"bench"}, "WebIdentityToken": {token}})
	return workload{name: "AssumeRoleWithWebIdentity, " + string(algorithm), request: request, proof: &proof{"jwt", keySet()}, beyond: 60}
}

// entityID is the SAML provider's name of itself.
const entityID = "https://idp.example.com/saml"

var samlKey = sync.OnceValue(func() *samltest.Key { return samltest.NewKey(2048) })

// saml is the request of a person whom a SAML provider sends. Each response is good once, so that the store writes at each.
func (s *server) saml() workload {
	fresh := func() []byte {
		response := samltest.NewResponse(samlKey(), time.Now(), entityID, "arn:aws:iam::111122223333:role/saml", "arn:aws:iam::111122223333:saml-provider/corp")
		return s.unsigned(url.Values{"Action": {"AssumeRoleWithSAML"}, "Version": {"2011-06-15"}, "RoleArn": {"arn:aws:iam::111122223333:role/saml"},
			"PrincipalArn": {"arn:aws:iam::111122223333:saml-provider/corp"}, "SAMLAssertion": {response.Encoded()}})
	}
	certificate := base64.StdEncoding.EncodeToString(samlKey().Certificate)
	return workload{name: "AssumeRoleWithSAML", request: fresh(), proof: &proof{"saml", certificate}, beyond: 60, fresh: fresh, once: 2000}
}

// unsigned makes the bytes of a POST that proves in its parameters who sends it.
func (s *server) unsigned(form url.Values) []byte {
	r, err := http.NewRequest(http.MethodPost, "http://"+s.address+"/", strings.NewReader(form.Encode()))
	if err != nil {
		log.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("User-Agent", "aws-sdk-go-v2/1.47.7 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#amd64 api/sts#1.51.8")
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		log.Fatal(err)
	}
	return b.Bytes()
}
