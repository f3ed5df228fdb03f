package iam

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// samlKey is the key of the identity provider, which encrypts for it too.
var samlKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

var samlCertificate = sync.OnceValue(func() string {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: arrival, NotAfter: arrival.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, samlKey().Public(), samlKey())
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(der)
})

// metadataOf is an identity provider's metadata with more attributes of its element.
func metadataOf(entityID, more string) string {
	return `<?xml version="1.0"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + entityID + `"` + more + `>
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing">
<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>` + samlCertificate() + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo>
</md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/>
</md:IDPSSODescriptor></md:EntityDescriptor>`
}

func (s *stage) newCorp() *directory.SAMLProvider {
	return &directory.SAMLProvider{Account: s.account, Name: "corp", ARN: s.arn(atCorp), Metadata: metadataOf("https://corp.example", ""),
		UUID: "SAMLSPCORPCORPCORPCORPCORP", Created: now(s.root()), ValidUntil: arrival.AddDate(100, 0, 0), Tags: []directory.Tag{{Key: "team", Value: "blue"}}}
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestSAMLProviderLife(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	first := metadataOf("https://idp.example", "")
	created := ok2(s.CreateSAMLProvider(ctx, s.view(), r, &api.CreateSAMLProviderInput{Name: "Okta", SAMLMetadataDocument: first}))(t)
	equal(t, "ARN", *created.SAMLProviderArn, s.arn("saml-provider/Okta"))
	equal(t, "tags where none were given", created.Tags == nil, true)
	get := func() *api.GetSAMLProviderOutput {
		t.Helper()
		return ok2(s.GetSAMLProvider(ctx, s.view(), r, &api.GetSAMLProviderInput{SAMLProviderArn: *created.SAMLProviderArn}))(t)
	}
	got := get()
	equal(t, "metadata", *got.SAMLMetadataDocument, first)
	equal(t, "created", *got.CreateDate, now(r))
	equal(t, "valid until", *got.ValidUntil, now(r).AddDate(100, 0, 0))
	equal(t, "mode", *got.AssertionEncryptionMode, "Allowed")
	equal(t, "lists that are empty", got.Tags != nil && got.PrivateKeyList != nil, true)
	equal(t, "length of the UUID", len(*got.SAMLProviderUUID), 30)
	uuid := *got.SAMLProviderUUID

	second := metadataOf("https://other.example", ` validUntil="2027-05-06T07:08:09.5Z"`)
	update := func(in api.UpdateSAMLProviderInput) error {
		in.SAMLProviderArn = *created.SAMLProviderArn
		_, err := s.UpdateSAMLProvider(ctx, s.view(), r, &in)
		return err
	}
	if err := update(api.UpdateSAMLProviderInput{SAMLMetadataDocument: &second}); err != nil {
		t.Fatal(err)
	}
	got = get()
	equal(t, "metadata", *got.SAMLMetadataDocument, second)
	equal(t, "valid until", *got.ValidUntil, time.Date(2027, 5, 6, 7, 8, 9, 0, time.UTC))
	equal(t, "UUID", *got.SAMLProviderUUID, uuid)
	listed := ok2(s.ListSAMLProviders(ctx, s.view(), r, &api.ListSAMLProvidersInput{}))(t).SAMLProviderList
	equal(t, "listed", *listed[0].Arn+" "+*listed[1].Arn, s.arn(atCorp)+" "+s.arn("saml-provider/Okta"))

	_, err := s.CreateSAMLProvider(ctx, s.view(), r, &api.CreateSAMLProviderInput{Name: "OKTA", SAMLMetadataDocument: first})
	refused(t, err, identity.EntityAlreadyExists, "Provider with name OKTA already exists.")
	_, err = s.DeleteSAMLProvider(ctx, s.view(), r, &api.DeleteSAMLProviderInput{SAMLProviderArn: s.arn("saml-provider/okta")})
	refused(t, err, identity.NoSuchEntity, "Manifest not found for arn "+s.arn("saml-provider/okta"))
	drop := &api.DeleteSAMLProviderInput{SAMLProviderArn: *created.SAMLProviderArn}
	ok2(s.DeleteSAMLProvider(ctx, s.view(), r, drop))(t)
	_, err = s.DeleteSAMLProvider(ctx, s.view(), r, drop)
	refused(t, err, identity.NoSuchEntity, "Manifest not found for arn "+*created.SAMLProviderArn)
	again := ok2(s.CreateSAMLProvider(ctx, s.view(), r, &api.CreateSAMLProviderInput{Name: "Okta", SAMLMetadataDocument: first}))(t)
	equal(t, "ARN", *again.SAMLProviderArn, *created.SAMLProviderArn)
	equal(t, "the UUID came back", *get().SAMLProviderUUID == uuid, false)
}

func TestSAMLPrivateKeys(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	pkcs8 := pemOf("PRIVATE KEY", ok2(x509.MarshalPKCS8PrivateKey(samlKey()))(t))
	pkcs1 := pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(samlKey()))
	update := func(in api.UpdateSAMLProviderInput) error {
		in.SAMLProviderArn = s.arn(atCorp)
		_, err := s.UpdateSAMLProvider(ctx, s.view(), r, &in)
		return err
	}
	keys := func() (ids []string) {
		t.Helper()
		for _, k := range ok2(s.GetSAMLProvider(ctx, s.view(), r, &api.GetSAMLProviderInput{SAMLProviderArn: s.arn(atCorp)}))(t).PrivateKeyList {
			equal(t, "given at", *k.Timestamp, now(r))
			ids = append(ids, *k.KeyId)
		}
		return ids
	}
	refused(t, update(api.UpdateSAMLProviderInput{AssertionEncryptionMode: new("Required")}), identity.InvalidInput,
		"A private key is needed where assertions must be encrypted.")
	if err := update(api.UpdateSAMLProviderInput{AssertionEncryptionMode: new("Required"), AddPrivateKey: &pkcs8}); err != nil {
		t.Fatal(err)
	}
	if err := update(api.UpdateSAMLProviderInput{AddPrivateKey: &pkcs1}); err != nil {
		t.Fatal(err)
	}
	two := keys()
	equal(t, "keys", len(two), 2)
	stored, _ := s.view().SAMLProvider(s.account, "corp")
	for i := range stored.PrivateKeys { // both forms become one
		key := ok2(x509.ParsePKCS8PrivateKey(stored.PrivateKeys[i].Key.Key.Reveal()))(t)
		equal(t, "the key", samlKey().Equal(key), true)
	}
	refused(t, update(api.UpdateSAMLProviderInput{AddPrivateKey: &pkcs1}), identity.LimitExceeded, "Cannot exceed quota for PrivateKeysPerSAMLProvider: 2")
	if err := update(api.UpdateSAMLProviderInput{AddPrivateKey: &pkcs1, RemovePrivateKey: &two[0]}); err != nil {
		t.Fatalf("replacing a key: %v", err)
	}
	replaced := keys()
	equal(t, "the key that stays", replaced[0], two[1])
	refused(t, update(api.UpdateSAMLProviderInput{RemovePrivateKey: &two[0]}), identity.InvalidInput, "The private key with id "+two[0]+" cannot be found.")
	if err := update(api.UpdateSAMLProviderInput{RemovePrivateKey: &replaced[0]}); err != nil {
		t.Fatal(err)
	}
	refused(t, update(api.UpdateSAMLProviderInput{RemovePrivateKey: &replaced[1]}), identity.InvalidInput,
		"A private key is needed where assertions must be encrypted.")
	if err := update(api.UpdateSAMLProviderInput{RemovePrivateKey: &replaced[1], AssertionEncryptionMode: new("Allowed")}); err != nil {
		t.Fatal(err)
	}
	equal(t, "keys", len(keys()), 0)
}

// What is no private key is refused, and nothing of it is said again.
func TestNoPrivateKeys(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	pkcs8 := pemOf("PRIVATE KEY", ok2(x509.MarshalPKCS8PrivateKey(samlKey()))(t))
	curve := ok2(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	for name, tt := range map[string]struct{ text, why string }{
		"no PEM":        {"c2VjcmV0c2VjcmV0", errPEM.Error()},
		"two":           {pkcs8 + pkcs8, errPEM.Error()},
		"text after it": {pkcs8 + "secretsecret", errPEM.Error()},
		"a certificate": {pemOf("CERTIFICATE", ok2(base64.StdEncoding.DecodeString(samlCertificate()))(t)), errPEM.Error()},
		"encrypted":     {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nc2VjcmV0c2VjcmV0\n-----END RSA PRIVATE KEY-----\n", errPEM.Error()},
		"another form":  {pemOf("ENCRYPTED PRIVATE KEY", []byte("secretsecret")), errPEM.Error()},
		"no DER":        {pemOf("PRIVATE KEY", []byte("secretsecret")), errRSA.Error()},
		"not RSA":       {pemOf("PRIVATE KEY", ok2(x509.MarshalPKCS8PrivateKey(curve))(t)), errRSA.Error()},
		"too long":      {pemOf("PRIVATE KEY", bytes.Repeat([]byte("secret"), 2000)), errLength.Error()},
	} {
		in := &api.UpdateSAMLProviderInput{SAMLProviderArn: s.arn(atCorp), AddPrivateKey: &tt.text}
		_, err := s.UpdateSAMLProvider(t.Context(), s.view(), s.as("caller"), in)
		f, isFault := identityFault(err)
		if !isFault || f.Code != identity.InvalidInput || f.Message != "The private key is not valid: "+tt.why {
			t.Errorf("%s: %v", name, err)
		}
		if text := fmt.Sprintf("%+v %+v", err, f); strings.Contains(text, "secretsecret") || strings.Contains(text, "c2VjcmV0") {
			t.Errorf("%s: the error shows the key: %s", name, text)
		}
	}
}

func TestSAMLProviderRefusals(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	create := func(in api.CreateSAMLProviderInput) error {
		_, err := s.CreateSAMLProvider(t.Context(), s.view(), s.as("caller"), &in)
		return err
	}
	for _, metadata := range []string{"{}", "<a/>", strings.Replace(metadataOf("https://idp.example", ""), "IDPSSO", "SPSSO", 2)} {
		refused(t, create(api.CreateSAMLProviderInput{Name: "new", SAMLMetadataDocument: metadata}), identity.InvalidInput, "Could not parse metadata")
	}
	whole := api.CreateSAMLProviderInput{Name: "new", SAMLMetadataDocument: metadataOf("https://idp.example", ""), AssertionEncryptionMode: new("Required")}
	refused(t, create(whole), identity.InvalidInput, "A private key is needed where assertions must be encrypted.")
	whole.AddPrivateKey = new(pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(samlKey())))
	whole.Tags = tagged
	if err := create(whole); err != nil {
		t.Fatal(err)
	}
	made, _ := s.view().SAMLProvider(s.account, "new")
	equal(t, "keys", len(made.PrivateKeys), 1)
	equal(t, "tags", len(made.Tags), 1)
	_, err := s.TagSAMLProvider(t.Context(), s.view(), s.as("caller"), &api.TagSAMLProviderInput{SAMLProviderArn: s.arn(atCorp)})
	refused(t, err, identity.InvalidInput, "The provided tag map must not be null/empty.")
	_, err = s.GetSAMLProvider(t.Context(), s.view(), s.as("caller"), &api.GetSAMLProviderInput{SAMLProviderArn: s.arn("oidc-provider/corp")})
	refused(t, err, identity.InvalidInput, "ARN "+s.arn("oidc-provider/corp")+" is not valid.")
}
