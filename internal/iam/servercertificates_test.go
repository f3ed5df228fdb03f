package iam

import (
	"context"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/identity"
)

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestServerCertificates(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	authority := newCertificate("authority", nil)
	leaf := newCertificate("leaf", &authority)
	upload := func(name string) (*api.UploadServerCertificateOutput, error) {
		return s.UploadServerCertificate(ctx, s.view(), r, &api.UploadServerCertificateInput{ServerCertificateName: name, Path: new("/tls/"),
			CertificateBody: leaf.body, PrivateKey: leaf.private(), CertificateChain: &authority.body, Tags: tagged})
	}
	out := ok2(upload("Site"))(t)
	m := out.ServerCertificateMetadata
	equal(t, "ARN", m.Arn, s.arn("server-certificate/tls/Site"))
	equal(t, "prefix of the id", arn.PrefixOf(m.ServerCertificateId), arn.CertificateID)
	equal(t, "expiration", *m.Expiration, leaf.parsed.NotAfter.UTC())
	equal(t, "tags", len(out.Tags), 1)
	_, err := upload("site")
	refused(t, err, identity.EntityAlreadyExists, "The Server Certificate with name site already exists.")
	got := ok2(s.GetServerCertificate(ctx, s.view(), r, &api.GetServerCertificateInput{ServerCertificateName: "site"}))(t).ServerCertificate
	equal(t, "body", got.CertificateBody, leaf.body)
	equal(t, "chain", *got.CertificateChain, authority.body)
	if text := fmt.Sprintf("%+v", got); strings.Contains(text, "PRIVATE") {
		t.Error("the private key is shown")
	}
	stored, _ := s.view().ServerCertificate(s.account, "site")
	equal(t, "stored key", stored.Private.Key.RevealString(), leaf.private())
	ok2(upload("other"))(t)
	rename := func(name, to string) error {
		_, err := s.UpdateServerCertificate(ctx, s.view(), r,
			&api.UpdateServerCertificateInput{ServerCertificateName: name, NewServerCertificateName: &to, NewPath: new("/web/")})
		return err
	}
	refused(t, rename("site", "OTHER"), identity.EntityAlreadyExists, "The Server Certificate with name OTHER already exists.")
	refused(t, rename("ghost", "x"), identity.NoSuchEntity, "The Server Certificate with name ghost cannot be found.")
	if err := rename("site", "page"); err != nil {
		t.Fatal(err)
	}
	listed := ok2(s.ListServerCertificates(ctx, s.view(), r, &api.ListServerCertificatesInput{PathPrefix: new("/web/")}))(t).ServerCertificateMetadataList
	equal(t, "listed", len(listed), 1)
	equal(t, "ARN", listed[0].Arn, s.arn("server-certificate/web/page"))
	equal(t, "id", listed[0].ServerCertificateId, m.ServerCertificateId)
	equal(t, "key after renaming", ok2(s.GetServerCertificate(ctx, s.view(), r, &api.GetServerCertificateInput{ServerCertificateName: "page"}))(t).ServerCertificate.CertificateBody, leaf.body)
	ok2(s.UntagServerCertificate(ctx, s.view(), r, &api.UntagServerCertificateInput{ServerCertificateName: "page", TagKeys: []string{"k"}}))(t)
	equal(t, "tags", len(ok2(s.ListServerCertificateTags(ctx, s.view(), r, &api.ListServerCertificateTagsInput{ServerCertificateName: "page"}))(t).Tags), 0)
	ok2(s.DeleteServerCertificate(ctx, s.view(), r, &api.DeleteServerCertificateInput{ServerCertificateName: "page"}))(t)
	_, err = s.DeleteServerCertificate(ctx, s.view(), r, &api.DeleteServerCertificateInput{ServerCertificateName: "page"})
	refused(t, err, identity.NoSuchEntity, "The Server Certificate with name page cannot be found.")
}

func TestWhatServerCertificatesAreTaken(t *testing.T) {
	t.Parallel()
	root := newCertificate("root", nil)
	middle := newCertificate("middle", &root)
	leaf := newCertificate("leaf", &middle)
	stranger := newCertificate("middle", nil) // of the same name, and not the same
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edDER, err := x509.MarshalPKCS8PrivateKey(edKey)
	if err != nil {
		t.Fatal(err)
	}
	const badKey = "Unable to parse private key. Please ensure the private key is in PEM format and is not encrypted."
	badChain := func(i int) string {
		return fmt.Sprint("Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, followed by any "+
			"intermediaries in order. The index within the chain of the invalid certificate is: ", i)
	}
	late, early := arrival.AddDate(2, 0, 0), arrival.AddDate(-2, 0, 0)
	for _, tt := range []struct {
		name, body, key, chain string
		code                   identity.Code // empty: taken
		message                string
	}{
		{"alone", leaf.body, leaf.private(), "", "", ""},
		{"with its chain", leaf.body, leaf.private(), middle.body + "\n" + root.body, "", ""},
		{"with a part of its chain", leaf.body, leaf.private(), middle.body, "", ""},
		{"a chain in the wrong order", leaf.body, leaf.private(), root.body + middle.body, identity.MalformedCertificate, badChain(0)},
		{"a chain that breaks", leaf.body, leaf.private(), middle.body + leaf.body, identity.MalformedCertificate, badChain(1)},
		{"a chain of another of the same name", leaf.body, leaf.private(), stranger.body, identity.MalformedCertificate, badChain(0)},
		{"a chain that is no PEM", leaf.body, leaf.private(), "chain", identity.MalformedCertificate, badChain(0)},
		{"a chain with more behind it", leaf.body, leaf.private(), middle.body + "more", identity.MalformedCertificate, badChain(1)},
		{"a chain beyond bounds", leaf.body, leaf.private(), strings.Repeat(" ", maxChain+1), identity.MalformedCertificate,
			"The certificate chain must have at most 65536 bytes."},
		{"another's key", leaf.body, root.private(), "", identity.KeyPairMismatch, "The public key certificate and the private key do not match."},
		{"an RSA key", leaf.body, block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey())), "", identity.KeyPairMismatch,
			"The public key certificate and the private key do not match."},
		{"no PEM", "certificate", leaf.private(), "", identity.MalformedCertificate, notPEM},
		{"a key in place of the certificate", leaf.private(), leaf.private(), "", identity.MalformedCertificate, notPEM},
		{"two certificates", leaf.body + middle.body, leaf.private(), "", identity.MalformedCertificate, notPEM},
		{"damaged", block("CERTIFICATE", leaf.parsed.Raw[:100]), leaf.private(), "", identity.MalformedCertificate, notPEM},
		{"no key", leaf.body, "key", "", identity.MalformedCertificate, badKey},
		{"a certificate in place of the key", leaf.body, leaf.body, "", identity.MalformedCertificate, badKey},
		{"an encrypted key", leaf.body, block("ENCRYPTED PRIVATE KEY", []byte{1, 2, 3}), "", identity.MalformedCertificate, badKey},
		{"a damaged key", leaf.body, block("PRIVATE KEY", []byte{1, 2, 3}), "", identity.MalformedCertificate, badKey},
		{"a key of another kind", leaf.body, block("PRIVATE KEY", edDER), "", identity.MalformedCertificate, badKey},
		{"two keys", leaf.body, leaf.private() + leaf.private(), "", identity.MalformedCertificate, badKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := checkPair(tt.body, tt.chain, tt.key, arrival)
			if tt.code != "" {
				refused(t, err, tt.code, tt.message)
			} else if err != nil {
				t.Fatal(err)
			}
		})
	}
	_, err = checkPair(leaf.body, "", leaf.private(), late)
	refused(t, err, identity.MalformedCertificate, "The certificate has expired.")
	_, err = checkPair(leaf.body, "", leaf.private(), early)
	refused(t, err, identity.MalformedCertificate, "The certificate is not valid yet.")
	// As OpenSSL writes an elliptic curve key.
	der, err := x509.MarshalECPrivateKey(ecOf(leaf))
	if err != nil {
		t.Fatal(err)
	}
	parameters := block("EC PARAMETERS", []byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7})
	if _, err := checkPair(leaf.body, "", parameters+block("EC PRIVATE KEY", der), arrival); err != nil {
		t.Fatal(err)
	}
	equal(t, "curve", ecOf(leaf).Curve, elliptic.P256())
}

func TestSigningCertificates(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	s.furnish()
	ctx, r := t.Context(), s.as("caller")
	upload := func(user, body string) (*api.UploadSigningCertificateOutput, error) {
		return s.UploadSigningCertificate(ctx, s.view(), r, &api.UploadSigningCertificateInput{UserName: &user, CertificateBody: body})
	}
	_, err := upload("plain", "certificate")
	refused(t, err, identity.MalformedCertificate, notPEM)
	for _, body := range []string{site().body, "\n" + site().body + "\n"} { // carol has it
		_, err = upload("plain", body)
		refused(t, err, identity.DuplicateCertificate, "The same certificate is associated with an IAM user in the account.")
	}
	k := ok2(upload("plain", second().body))(t).Certificate
	equal(t, "user", k.UserName, "plain")
	equal(t, "status", k.Status, "Active")
	equal(t, "length of the id", len(k.CertificateId), 32)
	ok2(upload("plain", newCertificate("third", nil).body))(t)
	_, err = upload("plain", newCertificate("fourth", nil).body)
	refused(t, err, identity.LimitExceeded, "Cannot exceed quota for SigningCertificatesPerUser: 2")
	_, err = s.UploadSigningCertificate(ctx, s.view(), s.root(), &api.UploadSigningCertificateInput{CertificateBody: second().body})
	refused(t, err, identity.ValidationError, "Must specify userName when calling with non-User credentials")

	ok2(s.UpdateSigningCertificate(ctx, s.view(), r, &api.UpdateSigningCertificateInput{UserName: new("plain"), CertificateId: k.CertificateId, Status: "Inactive"}))(t)
	_, err = s.UpdateSigningCertificate(ctx, s.view(), r, &api.UpdateSigningCertificateInput{UserName: new("plain"), CertificateId: k.CertificateId, Status: "Expired"})
	refused(t, err, identity.InvalidInput, "Status must be Active or Inactive")
	for _, c := range ok2(s.ListSigningCertificates(ctx, s.view(), r, &api.ListSigningCertificatesInput{UserName: new("plain")}))(t).Certificates {
		equal(t, "status", c.Status == "Inactive", c.CertificateId == k.CertificateId)
	}
	equal(t, "the caller's", len(ok2(s.ListSigningCertificates(ctx, s.view(), r, &api.ListSigningCertificatesInput{}))(t).Certificates), 0)
	_, err = s.DeleteUser(ctx, s.view(), r, &api.DeleteUserInput{UserName: "plain"})
	refused(t, err, identity.DeleteConflict, "Cannot delete entity, must delete certificates first.")
	// Only the named user's are in reach.
	_, err = s.DeleteSigningCertificate(ctx, s.view(), r, &api.DeleteSigningCertificateInput{UserName: new("bob"), CertificateId: k.CertificateId})
	refused(t, err, identity.NoSuchEntity, "The Certificate with id "+k.CertificateId+" cannot be found.")
	ok2(s.DeleteSigningCertificate(ctx, s.view(), r, &api.DeleteSigningCertificateInput{UserName: new("plain"), CertificateId: k.CertificateId}))(t)
	ok2(upload("plain", second().body))(t)
}

// largeRSA is a certificate of an RSA key of a size; nobody has the private one.
func largeRSA(t *testing.T, bits uint, issuer *certificate) certificate {
	t.Helper()
	modulus := new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "large"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: arrival.AddDate(0, -1, 0), NotAfter: arrival.AddDate(0, 11, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer.parsed, &rsa.PublicKey{N: modulus, E: 65537}, issuer.key)
	if err != nil {
		t.Fatal(err)
	}
	return certificate{parsed: ok2(x509.ParseCertificate(der))(t), key: issuer.key, body: block("CERTIFICATE", der)}
}

// TestLargeRSAKeys: nothing is computed with a key that is too large.
func TestLargeRSAKeys(t *testing.T) {
	t.Parallel()
	const large = "RSA keys must have at most 8192 bits."
	authority := newCertificate("authority", nil)
	most, more := largeRSA(t, maxRSA, &authority), largeRSA(t, maxRSA+1, &authority)
	ok2(parseCertificate(most.body, arrival))(t)
	_, err := parseCertificate(more.body, arrival)
	refused(t, err, identity.MalformedCertificate, large)

	namesake := newCertificate("large", nil)
	leaf := newCertificate("leaf", &namesake)
	_, err = checkPair(leaf.body, more.body, leaf.private(), arrival)
	refused(t, err, identity.MalformedCertificate, large)
	_, err = checkPair(leaf.body, most.body, leaf.private(), arrival)
	if err == nil || !strings.Contains(err.Error(), "The index within the chain of the invalid certificate is: 0") {
		t.Errorf("control: %v", err)
	}

	for bits, want := range map[uint]string{
		maxRSA:     "Unable to parse private key. Please ensure the private key is in PEM format and is not encrypted.",
		maxRSA + 1: large,
	} {
		one := big.NewInt(1)
		pkcs1 := ok2(asn1.Marshal(struct {
			Version                    int
			N, E, D, P, Q, Dp, Dq, Inv *big.Int
		}{0, new(big.Int).SetBit(one, int(bits)-1, 1), big.NewInt(65537), one, one, one, one, one, one}))(t)
		pkcs8 := ok2(asn1.Marshal(struct {
			Version   int
			Algorithm pkix.AlgorithmIdentifier
			Key       []byte
		}{0, pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, Parameters: asn1.NullRawValue}, pkcs1}))(t)
		for _, text := range []string{block("RSA PRIVATE KEY", pkcs1), block("PRIVATE KEY", pkcs8)} {
			_, err := parsePrivateKey(text)
			refused(t, err, identity.MalformedCertificate, want)
		}
	}
}

// TestUploadsAreCheckedBeforeTheirTurn: no change of the account waits for the verification of a chain.
func TestUploadsAreCheckedBeforeTheirTurn(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	end := ok2(s.turns.take(t.Context(), s.account))(t)
	defer end()
	gone, leave := context.WithCancel(t.Context())
	leave()
	leaf, another := newCertificate("leaf", nil), newCertificate("another", nil)
	upload := func(key string) error {
		_, err := s.UploadServerCertificate(gone, s.view(), s.as("caller"),
			&api.UploadServerCertificateInput{ServerCertificateName: "Site", CertificateBody: leaf.body, PrivateKey: key})
		return err
	}
	refused(t, upload(another.private()), identity.KeyPairMismatch, "The public key certificate and the private key do not match.")
	if err := upload(leaf.private()); !errors.Is(err, context.Canceled) {
		t.Errorf("a pair waits for its turn: %v", err)
	}
}
