package clients

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

func (tf terraform) oidcProvider(ctx context.Context, t *testing.T) {
	thumb, other := "9e99a48a9960b14926bb7f3b02e22da2b0ab7280", "cf23df2207d99a74fbe169e3eba035e633b65d94"
	providerARN := done[*iam.CreateOpenIDConnectProviderOutput](t, "CreateOpenIDConnectProvider")(tf.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
		Url: aws.String("https://issuer.example/tf"), ClientIDList: []string{"sts.amazonaws.com"}, ThumbprintList: []string{thumb}, Tags: tagged("team", "blue")})).OpenIDConnectProviderArn
	equal(t, "the provider", aws.ToString(providerARN), "arn:aws:iam::111122223333:oidc-provider/issuer.example/tf")
	get := func() (*iam.GetOpenIDConnectProviderOutput, error) {
		return tf.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: providerARN})
	}
	want := &iam.GetOpenIDConnectProviderOutput{
		ClientIDList: []string{"sts.amazonaws.com"}, CreateDate: done[*iam.GetOpenIDConnectProviderOutput](t, "GetOpenIDConnectProvider")(get()).CreateDate,
		Tags: tagged("team", "blue"), ThumbprintList: []string{thumb}, Url: aws.String("issuer.example/tf"),
	}
	read := func() (any, error) { return get() }
	plan(t, "the provider", read, want)
	done[*iam.UpdateOpenIDConnectProviderThumbprintOutput](t, "UpdateOpenIDConnectProviderThumbprint")(tf.UpdateOpenIDConnectProviderThumbprint(ctx,
		&iam.UpdateOpenIDConnectProviderThumbprintInput{OpenIDConnectProviderArn: providerARN, ThumbprintList: []string{other}}))
	done[*iam.AddClientIDToOpenIDConnectProviderOutput](t, "AddClientIDToOpenIDConnectProvider")(tf.AddClientIDToOpenIDConnectProvider(ctx,
		&iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: providerARN, ClientID: aws.String("other")}))
	done[*iam.RemoveClientIDFromOpenIDConnectProviderOutput](t, "RemoveClientIDFromOpenIDConnectProvider")(tf.RemoveClientIDFromOpenIDConnectProvider(ctx,
		&iam.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderArn: providerARN, ClientID: aws.String("sts.amazonaws.com")}))
	done[*iam.TagOpenIDConnectProviderOutput](t, "TagOpenIDConnectProvider")(tf.TagOpenIDConnectProvider(ctx,
		&iam.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: providerARN, Tags: tagged("stage", "test")}))
	done[*iam.UntagOpenIDConnectProviderOutput](t, "UntagOpenIDConnectProvider")(tf.UntagOpenIDConnectProvider(ctx,
		&iam.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: providerARN, TagKeys: []string{"team"}}))
	want.ThumbprintList, want.ClientIDList, want.Tags = []string{other}, []string{"other"}, tagged("stage", "test")
	plan(t, "the provider after its update", read, want)
	done[*iam.DeleteOpenIDConnectProviderOutput](t, "DeleteOpenIDConnectProvider")(tf.DeleteOpenIDConnectProvider(ctx,
		&iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: providerARN}))
	gone[*iam.GetOpenIDConnectProviderOutput](t, "the provider")(get())
}

func (tf terraform) samlProvider(ctx context.Context, t *testing.T) {
	first, second := metadata(t, "https://first.example"), metadata(t, "https://second.example")
	providerARN := done[*iam.CreateSAMLProviderOutput](t, "CreateSAMLProvider")(tf.CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{
		Name: aws.String("tf-saml"), SAMLMetadataDocument: &first, Tags: tagged("team", "blue")})).SAMLProviderArn
	equal(t, "the provider", aws.ToString(providerARN), "arn:aws:iam::111122223333:saml-provider/tf-saml")
	get := func() (*iam.GetSAMLProviderOutput, error) {
		return tf.GetSAMLProvider(ctx, &iam.GetSAMLProviderInput{SAMLProviderArn: providerARN})
	}
	made := done[*iam.GetSAMLProviderOutput](t, "GetSAMLProvider")(get())
	want := &iam.GetSAMLProviderOutput{
		CreateDate: made.CreateDate, SAMLMetadataDocument: &first, SAMLProviderUUID: made.SAMLProviderUUID, Tags: tagged("team", "blue"), ValidUntil: made.ValidUntil,
		AssertionEncryptionMode: made.AssertionEncryptionMode, PrivateKeyList: made.PrivateKeyList,
	}
	if made.ValidUntil == nil || made.ValidUntil.Before(time.Now()) || aws.ToString(made.SAMLProviderUUID) == "" {
		t.Errorf("the provider is valid until %v and has the UUID %q", made.ValidUntil, aws.ToString(made.SAMLProviderUUID))
	}
	read := func() (any, error) { return get() }
	plan(t, "the provider", read, want)
	done[*iam.UpdateSAMLProviderOutput](t, "UpdateSAMLProvider")(tf.UpdateSAMLProvider(ctx, &iam.UpdateSAMLProviderInput{SAMLProviderArn: providerARN, SAMLMetadataDocument: &second}))
	done[*iam.TagSAMLProviderOutput](t, "TagSAMLProvider")(tf.TagSAMLProvider(ctx, &iam.TagSAMLProviderInput{SAMLProviderArn: providerARN, Tags: tagged("stage", "test")}))
	done[*iam.UntagSAMLProviderOutput](t, "UntagSAMLProvider")(tf.UntagSAMLProvider(ctx, &iam.UntagSAMLProviderInput{SAMLProviderArn: providerARN, TagKeys: []string{"team"}}))
	want.SAMLMetadataDocument, want.Tags = &second, tagged("stage", "test")
	want.ValidUntil = done[*iam.GetSAMLProviderOutput](t, "GetSAMLProvider")(get()).ValidUntil // the other certificate's
	plan(t, "the provider after its update", read, want)
	done[*iam.DeleteSAMLProviderOutput](t, "DeleteSAMLProvider")(tf.DeleteSAMLProvider(ctx, &iam.DeleteSAMLProviderInput{SAMLProviderArn: providerARN}))
	gone[*iam.GetSAMLProviderOutput](t, "the provider")(get())
}

// metadata is what an identity provider publishes of itself, with a certificate of its own.
func metadata(t *testing.T, entity string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: entity},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return `<?xml version="1.0"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="` + entity + `">
  <md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>` + base64.StdEncoding.EncodeToString(certificate) + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
    <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="` + entity + `/sso"/>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="` + entity + `/sso"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>
`
}
