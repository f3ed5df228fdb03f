package saml

import (
	"crypto"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation"
	"github.com/stint-sts/stint/internal/federation/saml/samltest"
	"github.com/stint-sts/stint/internal/identity"
)

// What providers really send is taken: the controls of TestAttacks.
func TestGoodResponses(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	const sha512 = "http://www.w3.org/2001/04/xmlenc#sha512"
	const oaepSHA256 = `<ds:DigestMethod xmlns:ds="` + samltest.DS + `" Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>` +
		`<e:MGF xmlns:e="` + samltest.XEnc11 + `" Algorithm="` + samltest.XEnc11 + `mgf1sha256"></e:MGF>`
	response := func(r *samltest.Response) { r.SignResponse = &samltest.Signature{Key: keys().idp} }
	rows := map[string]func(*samltest.Response){
		"the assertion signed": func(*samltest.Response) {},
		"the response signed":  func(r *samltest.Response) { response(r); r.SignAssertion = nil },
		"both signed":          response,
		"by the next key":      func(r *samltest.Response) { r.SignAssertion.Key = keys().next },
		"by SHA-384": func(r *samltest.Response) {
			r.SignAssertion.Method, r.SignAssertion.Digest, r.SignAssertion.Hash = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", "http://www.w3.org/2001/04/xmldsig-more#sha384", crypto.SHA384
		},
		"by SHA-512": func(r *samltest.Response) {
			r.SignAssertion.Method, r.SignAssertion.Digest, r.SignAssertion.Hash = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", sha512, crypto.SHA512
		},
		"with the certificate":         func(r *samltest.Response) { r.SignAssertion.KeyInfo = samltest.KeyInfo(keys().idp) },
		"with a certificate of others": func(r *samltest.Response) { r.SignAssertion.KeyInfo = samltest.KeyInfo(keys().other) },
		"with a list of prefixes": func(r *samltest.Response) {
			r.SignAssertion.Transforms = strings.Replace(samltest.Transforms, samltest.Exclusive+`">`,
				samltest.Exclusive+`"><ec:InclusiveNamespaces xmlns:ec="`+samltest.Exclusive+`" PrefixList="xs"></ec:InclusiveNamespaces>`, 1)
		},
		"in AES-128-GCM":            func(r *samltest.Response) { r.Encrypt = &samltest.Encryption{Key: keys().server, Bits: 128} },
		"in AES-192-GCM":            func(r *samltest.Response) { r.Encrypt = &samltest.Encryption{Key: keys().server, Bits: 192} },
		"in AES-256-GCM":            func(r *samltest.Response) { r.Encrypt = &samltest.Encryption{Key: keys().server} },
		"for the other private key": func(r *samltest.Response) { r.Encrypt = &samltest.Encryption{Key: keys().other} },
		"OAEP with SHA-256": func(r *samltest.Response) {
			r.Encrypt = &samltest.Encryption{Key: keys().server, Transport: samltest.XEnc11 + "rsa-oaep", Digest: oaepSHA256, Hash: crypto.SHA256, MGF: crypto.SHA256}
		},
		"in AES-GCM, the response signed": func(r *samltest.Response) {
			response(r)
			r.SignAssertion, r.Encrypt = nil, &samltest.Encryption{Key: keys().server}
		},
		"in AES-CBC under the response's signature": func(r *samltest.Response) {
			response(r)
			r.SignAssertion, r.Encrypt = nil, &samltest.Encryption{Key: keys().server, Chained: true}
		},
		"in AES-CBC, both signed": func(r *samltest.Response) {
			response(r)
			r.Encrypt = &samltest.Encryption{Key: keys().server, Chained: true, Bits: 128}
		},
		"the old audience": func(r *samltest.Response) { r.Audience = "https://signin.aws.amazon.com/saml" },
		"of a region":      func(r *samltest.Response) { r.Recipient = "https://eu-central-1.signin.aws.amazon.com/saml" },
		"for this server":  func(r *samltest.Response) { r.Recipient, r.Destination, r.Audience = own, own, own },
		"for the provider": func(r *samltest.Response) {
			r.Recipient = "https://us-east-1.signin.aws.amazon.com/saml/acs/SAMLSPABCDEFGHIJKLMNOPQRSTUVWX"
		},
		"five minutes old":    func(r *samltest.Response) { r.Issued = now.Add(-5 * time.Minute) },
		"a clock ahead":       func(r *samltest.Response) { r.Issued, r.NotBefore = now.Add(skew), now.Add(skew) },
		"an escaped name":     func(r *samltest.Response) { r.NameID = "carol&amp;co" },
		"an unread duplicate": func(r *samltest.Response) { r.Attributes = append(r.Attributes, group("a"), group("b")) },
		"a second confirmation": func(r *samltest.Response) {
			r.EditAssertion = swap("<saml:SubjectConfirmation ", `<saml:SubjectConfirmation Method="urn:x"></saml:SubjectConfirmation><saml:SubjectConfirmation `)
		},
		"the provider before the role": func(r *samltest.Response) { r.Attributes[0].Values = []string{providerARN + "," + roleARN} },
		"several roles": func(r *samltest.Response) {
			r.Attributes[0].Values = []string{"arn:aws:iam::111122223333:role/other," + providerARN, " " + roleARN + " , " + providerARN + " ", "nothing"}
		},
	}
	for name, change := range rows {
		r := good()
		change(r)
		a, err := s.verify(r.Encoded())
		if err != nil {
			t.Errorf("%s: %v", name, errors.Join(err, errors.Unwrap(err)))
			continue
		}
		if want := strings.ReplaceAll(r.NameID, "&amp;", "&"); a.Subject != want || a.Audience != r.Recipient || a.SessionName != "carol" {
			t.Errorf("%s: %+v", name, a)
		}
	}
	broken, declared := samltest.Encode(`<?xml version="1.0" encoding="UTF-8"?>`+"\n"+good().XML()+"\n"), good().Encoded()
	for i := 76; i < len(declared); i += 77 {
		declared = declared[:i] + "\n" + declared[i:]
	}
	for _, encoded := range []string{broken, declared} {
		if _, err := s.verify(encoded); err != nil {
			t.Error(err)
		}
	}
}

const own = "https://sts.example.com/saml"

func group(name string) samltest.Attribute {
	return samltest.Attribute{Name: "groups", Values: []string{name}}
}

func TestWhatAnAssertionSays(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	r := good()
	r.SessionNotOnOrAfter = now.Add(20 * time.Minute)
	a := func(name string, values ...string) samltest.Attribute {
		return samltest.Attribute{Name: name, Values: values}
	}
	r.Attributes = append(r.Attributes, a(samltest.Attributes+"SessionDuration", "7200"), a(samltest.Attributes+"SourceIdentity", "carol"),
		a(samltest.Attributes+"PrincipalTag:Team", "blue"), a(samltest.Attributes+"PrincipalTag:Cost", ""), a(samltest.Attributes+"TransitiveTagKeys", "Team"),
		a("urn:oid:1.3.6.1.4.1.5923.1.1.1.1", "staff", "member"), a("urn:oid:1.3.6.1.4.1.5923.1.1.1.10", "one"), a("urn:oid:1.3.6.1.4.1.5923.1.1.1.6", "carol@x"),
		a("urn:oid:1.3.6.1.4.1.5923.1.2.1.4", "Example"), a("urn:oid:2.5.4.3", "Carol"), a("2.5.4.3", "Carol C"), a("urn:oid:0.9.2342.19200300.100.1.3", "c@x"),
		a("http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid", "S-1"), a("urn:oid:1.3.6.1.4.1.5923.1.1.1.12", "x"), a("mail", "x"),
		// Two for one key fill none.
		a("2.5.4.4", "C"), a("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "D"))
	got, err := s.verify(r.Encoded())
	if err != nil {
		t.Fatal(err)
	}
	keysOf := got.Keys
	got.Keys = nil
	want := federation.Assertion{
		Kind: identity.SAMLUser, Account: "111122223333", Provider: providerARN, Issuer: entity, Subject: "carol@example.com", SubjectType: "persistent",
		NameQualifier: got.NameQualifier, Audience: "https://signin.aws.amazon.com/saml", SessionName: "carol", SessionSeconds: 7200, SessionEnd: now.Add(20 * time.Minute), SourceIdentity: "carol",
		Tags:  []identity.SessionTag{{Key: "Team", Value: "blue", Transitive: true}, {Key: "Cost"}},
		Roles: []federation.OfferedRole{{RoleARN: roleARN, ProviderARN: providerARN}},
	}
	if !reflect.DeepEqual(got.Assertion, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got.Assertion, want)
	}
	wantKeys := []federation.Key{
		{Name: "saml:aud", Values: []string{want.Audience}}, {Name: "saml:iss", Values: []string{entity}}, {Name: "saml:doc", Values: []string{"111122223333/corp"}},
		{Name: "saml:sub", Values: []string{want.Subject}, Lasting: true}, {Name: "saml:sub_type", Values: []string{"persistent"}, Lasting: true},
		{Name: "saml:namequalifier", Values: []string{want.NameQualifier}, Lasting: true},
		{Name: "saml:edupersonaffiliation", Values: []string{"staff", "member"}, Multivalued: true}, {Name: "saml:edupersontargetedid", Values: []string{"one"}, Multivalued: true},
		{Name: "saml:edupersonprincipalname", Values: []string{"carol@x"}}, {Name: "saml:eduorglegalname", Values: []string{"Example"}, Multivalued: true},
		{Name: "saml:cn", Values: []string{"Carol"}, Multivalued: true}, {Name: "saml:commonname", Values: []string{"Carol C"}},
		{Name: "saml:mail", Values: []string{"c@x"}}, {Name: "saml:primarygroupsid", Values: []string{"S-1"}},
	}
	if !reflect.DeepEqual(keysOf, wantKeys) {
		t.Errorf("keys\n%+v\nwant\n%+v", keysOf, wantKeys)
	}
}

// The example of the STS API reference has no value, so that the definition is checked by another implementation of it.
func TestNameQualifier(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	a, err := s.verify(good().Encoded())
	// printf %s https://idp.example.com/saml111122223333/corp | openssl sha1 -binary | base64
	if err != nil || a.NameQualifier != "q9cKCJk6vpTW1u2/xwTUYDemF2k=" {
		t.Errorf("got %q, %v", a.NameQualifier, err)
	}
}

func TestSubjectType(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	for format, want := range map[string]string{
		"urn:oasis:names:tc:SAML:2.0:nameid-format:transient": "transient",
		"": "unspecified",
		"urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
	} {
		r := good()
		r.Format = format
		if a, err := s.verify(r.Encoded()); err != nil || a.SubjectType != want {
			t.Errorf("%q: %+v, %v", format, a, err)
		}
	}
}

// advisory 109 (class): of any number of uses of one assertion one succeeds, and none while the ledger cannot be written.
func TestReplay(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	encoded, view := good().Encoded(), s.builder.View()
	var won, spent atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			a, err := s.verifier.Verify(view, Presented{Response: encoded, ProviderARN: providerARN, RoleARN: roleARN, RequestID: requestID, Time: now})
			if err != nil {
				t.Error(err)
				return
			}
			switch err := a.Spend(t.Context()); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, ErrSpent):
				spent.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || spent.Load() != 49 {
		t.Errorf("%d succeeded and %d were refused", won.Load(), spent.Load())
	}
	again, err := s.verify(encoded)
	if err != nil {
		t.Fatal(err)
	}
	wantRefused(t, again.Spend(t.Context()), identity.InvalidIdentityToken, usedBefore, ErrSpent)
	other, err := s.verify(good().Encoded())
	if err != nil {
		t.Fatal(err)
	}
	s.ledger.fail = errors.New("no store")
	wantRefused(t, other.Spend(t.Context()), identity.ServiceUnavailable, "", s.ledger.fail)
	s.ledger.fail = nil
	if err := other.Spend(t.Context()); err != nil {
		t.Errorf("control: %v", err)
	}
}

// Providers are found by their exact ARN, and each by its own keys and settings: advisory 107.
func TestProviders(t *testing.T) {
	t.Parallel()
	k := keys()
	refuse := func(change func(*directory.SAMLProvider), message string, reason error) {
		t.Helper()
		_, err := newStage(t, change).verify(good().Encoded())
		wantRefused(t, err, identity.InvalidIdentityToken, message, reason)
	}
	refuse(func(p *directory.SAMLProvider) { p.Metadata = samltest.Metadata(entity, k.other) }, badSignature, errSignature)
	refuse(func(p *directory.SAMLProvider) { p.Metadata = samltest.Metadata("https://other.example.com", k.idp) }, notIssuer, errIssuer)
	refuse(func(p *directory.SAMLProvider) { p.Metadata = samltest.Metadata(entity, k.weak) }, badSignature, errNoKey)
	refuse(func(p *directory.SAMLProvider) { p.ValidUntil = now }, expiredMetadata, errMetadataEnd)
	refuse(func(p *directory.SAMLProvider) { p.EncryptionRequired = true }, mustBeEncrypted, errNotEncrypted)
	sealed := func(change func(*directory.SAMLProvider)) error {
		r := good()
		r.Encrypt = &samltest.Encryption{Key: k.server}
		_, err := newStage(t, change).verify(r.Encoded())
		return err
	}
	if err := sealed(func(p *directory.SAMLProvider) { p.EncryptionRequired = true }); err != nil {
		t.Errorf("control: %v", err)
	}
	wantRefused(t, sealed(func(p *directory.SAMLProvider) { p.PrivateKeys = nil }), identity.InvalidIdentityToken, notDecrypted, errNoPrivateKey)

	s := newStage(t, nil)
	missing := behind(noProvider, codeProvider, requestID)
	for _, name := range []string{
		"arn:aws:iam::111122223333:saml-provider/none", "arn:aws:iam::444455556666:saml-provider/corp", "arn:aws:iam::111122223333:saml-provider/CORP",
		"arn:aws-cn:iam::111122223333:saml-provider/corp", "arn:aws:iam::111122223333:oidc-provider/corp", "corp", "",
	} {
		_, err := s.verifier.Verify(s.builder.View(), Presented{Response: good().Encoded(), ProviderARN: name, RoleARN: roleARN, RequestID: requestID, Time: now})
		wantRefused(t, err, identity.InvalidIdentityToken, missing, errProvider)
	}
}

// advisory 106: options that are left empty are the strictest. Endpoints of the configuration are in place of AWS's where the administrator says so.
func TestOnlyEndpoints(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.verifier = New(Options{Ledger: s.ledger, Endpoints: []string{own}, OnlyEndpoints: true})
	r := good()
	r.Destination = own
	_, err := s.verify(r.Encoded())
	wantRefused(t, err, identity.InvalidIdentityToken, wrongRecipient, errRecipient)
	r = good()
	r.Destination, r.Recipient = own, own
	if _, err := s.verify(r.Encoded()); err != nil {
		t.Errorf("control: %v", err)
	}
}

// advisories 99, 100, 101: no bytes make it panic, and nothing is accepted that the provider did not sign.
func FuzzVerify(f *testing.F) {
	s := newStage(f, nil)
	r := good()
	r.Encrypt = &samltest.Encryption{Key: keys().server}
	for _, xml := range []string{good().XML(), r.XML(), "<a/>", `<?xml version="1.0"?><a b="c">d</a>`} {
		f.Add(xml)
	}
	genuine := []string{good().NameID}
	f.Fuzz(func(t *testing.T, xml string) {
		a, err := s.verify(samltest.Encode(xml))
		if err == nil && !slices.Contains(genuine, a.Subject) {
			t.Errorf("accepted %q", a.Subject)
		}
	})
}
