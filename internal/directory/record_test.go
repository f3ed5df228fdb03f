package directory

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/secret"
)

// everyKind is one entity of each kind, with everything set that a record keeps.
func everyKind() []Entity {
	text := "described"
	document := NewDocument(`{ "Version": "2012-10-17" }`)
	key := func(s string) Protected {
		return Protected{Sealed: []byte("sealed"), Key: secret.FromString("clear-" + s)}
	}
	tags := []Tag{{"k", "v"}}
	inline := []InlinePolicy{{"p", document}}
	return []Entity{
		&Account{ID: accountA, ARN: arn.Root(arn.AWS, accountA), Alias: "main", Created: created,
			RootKeys: []AccessKey{{ID: "AKIA1", Secret: key("root"), Status: Inactive, Created: created}}, DisabledRegions: []string{"ap-east-1"},
			Outbound: &OutboundIssuer{"id", true, []OutboundKey{{"k", "ES384", key("issuer"), "{}", created}}}, GlobalEndpointTokenVersion: 2,
			Passwords: &PasswordPolicy{MinimumLength: 8, Symbols: true, Numbers: true, Uppercase: true, Lowercase: true, UsersMayChange: true,
				MaxAgeDays: 90, ReusePrevention: 3, HardExpiry: new(bool)}},
		&User{Account: accountA, Name: "Alice", Path: "/a/", ID: "AIDA1", ARN: "arn", Created: created, Tags: tags, Boundary: "b",
			Groups: []string{"AGPA1"}, AccessKeys: []AccessKey{{ID: "AKIA2", Secret: key("user"), Status: Active, Created: created}},
			Inline: inline, Attached: []string{"p"},
			Login:            &Login{Created: created, Changed: created, ResetRequired: true, Hash: key("hash"), Previous: []Protected{key("previous")}},
			PasswordLastUsed: created, Certificates: []SigningCertificate{{"CERT1", "body", Active, created}},
			PublicKeys:         []PublicKey{{"APKA1", []byte("blob"), Active, created}},
			ServiceCredentials: []ServiceCredential{{"ACCA1", "s", "n", key("service"), Active, created, created}}},
		&Group{Account: accountA, Name: "Devs", Path: "/", ID: "AGPA1", ARN: "arn", Created: created, Inline: inline, Attached: []string{"p"}},
		&Role{Account: accountA, Name: "Target", Path: "/", ID: "AROA1", ARN: "arn", Description: &text, Created: created, Trust: document,
			MaxSessionSeconds: 3600, Tags: tags, Boundary: "b", Inline: inline, Attached: []string{"p"}},
		&ManagedPolicy{Account: accountA, Name: "Edge", Path: "/", ID: "ANPA1", ARN: "arn", Description: text, Created: created, Updated: created,
			Tags: tags, Versions: []PolicyVersion{{"v3", document, created}}, DefaultVersion: "v3", NextVersion: 4},
		&Device{Account: accountA, Name: "Phone", Path: "/", Serial: "s", Created: created, Tags: tags, Seed: key("seed"), UserID: "AIDA1", Enabled: created},
		&OIDCProvider{Account: accountA, URL: "Issuer.example/Path", ARN: "arn", ClientIDs: []string{"c"}, Thumbprints: []string{"t"}, JWKS: "{}",
			Created: created, Tags: tags},
		&SAMLProvider{Account: accountA, Name: "Corp", ARN: "arn", Metadata: "<m/>", Created: created, Tags: tags, UUID: "u", ValidUntil: created,
			EncryptionRequired: true, PrivateKeys: []SAMLPrivateKey{{"k", key("assertions"), created}}},
		&Revocation{Account: accountA, Target: "AROA1:Name", Before: created, Below: 7},
		&SealingKey{ID: 9, Secret: key("ring"), Created: created},
		&Organization{ID: "o-1", ManagementAccount: accountA, Members: []arn.AccountID{accountA, accountB}, RootSessions: true, RootCredentials: true},
		&DelegationRequest{Account: accountA, ID: "dr-1", OwnerAccount: accountB, OwnerARN: "arn", OwnerID: "AIDA1", WorkflowID: "w", Description: "d",
			Message: "m", RedirectURL: "u", Channel: "c", Template: "t", Parameters: []DelegationParameter{{"n", true, []string{"v"}}}, Policy: document,
			Boundaries: []string{"b"}, SessionSeconds: 300, OnlySendByOwner: true, State: DelegationFinalized, Notes: "n", RejectionReason: "r",
			Created: created, Updated: created, Expires: created, Released: created, Traded: created,
			Approver: &Approver{"arn", "AROA1", "s", "alice", created, []ApproverTag{{"k", "v", true}}, []ApproverAttribute{{"k", []string{"v"}}}}},

		&InstanceProfile{Account: accountA, Name: "Web", Path: "/", ID: "AIPA1", ARN: "arn", Created: created, RoleID: "AROA1", Tags: tags},
		&ServerCertificate{Account: accountA, Name: "Site", Path: "/", ID: "ASCA1", ARN: "arn", Body: "b", Chain: "c", Private: key("private"),
			Uploaded: created, Expires: created, Tags: tags},
		&LastUse{Account: accountA, ID: "AKIA2", Time: created, Service: "sts", Region: "r"},
	}
}

// Every kind comes back from its record as it was, but for the clear secrets.
func TestRecordsComeBack(t *testing.T) {
	t.Parallel()
	seen := make(map[Kind]bool)
	for _, e := range everyKind() {
		seen[e.Key().Kind] = true
		record, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		key, err := ParseKey(e.Key().String())
		if err != nil || key != e.Key() {
			t.Fatalf("key %s was read as %s: %v", e.Key(), key, err)
		}
		back, err := Decode(key, record, 42)
		if err != nil {
			t.Fatal(err)
		}
		if back.Revision() != 42 {
			t.Errorf("%s: revision %d", key, back.Revision())
		}
		for i, s := range back.Secrets() {
			if !s.Key.IsZero() || !bytes.Equal(s.Sealed, []byte("sealed")) {
				t.Errorf("%s: secret %d came back open, or not sealed", key, i)
			}
		}
		again, err := json.Marshal(back)
		if err != nil || !bytes.Equal(again, record) {
			t.Errorf("%s:\n%s\nbecame\n%s", key, record, again)
		}
	}
	for _, k := range []Kind{KindAccount, KindUser, KindGroup, KindRole, KindPolicy, KindDevice, KindOIDCProvider, KindSAMLProvider,
		KindRevocation, KindSealingKey, KindOrganization, KindDelegationRequest, KindInstanceProfile, KindServerCertificate, KindLastUse} {
		if !seen[k] {
			t.Errorf("kind %s is not tested", k)
		}
	}
}

// A record never holds a secret in the clear, and one that would hold none is not made.
func TestRecordsHoldNoClearSecret(t *testing.T) {
	t.Parallel()
	with := 0
	for _, e := range everyKind() {
		record, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(record, []byte("clear-")) {
			t.Errorf("%s holds a secret in the clear: %s", e.Key(), record)
		}
		for _, s := range e.Secrets() {
			with++
			sealed := s.Sealed
			s.Sealed = nil
			if _, err := Encode(e); err == nil || !strings.Contains(err.Error(), "not sealed") || strings.Contains(err.Error(), "clear-") {
				t.Errorf("%s with a secret that is not sealed: %v", e.Key(), err)
			}
			s.Sealed = sealed
		}
	}
	if with != 10 {
		t.Errorf("%d secrets looked at, want 10", with)
	}
}

// Whatever holds key material says so: else it would be written unsealed, that is lost.
func TestSecretsAreComplete(t *testing.T) {
	t.Parallel()
	for _, e := range everyKind() {
		if found := countProtected(reflect.ValueOf(e).Elem()); found != len(e.Secrets()) {
			t.Errorf("%s holds %d secrets and tells of %d", e.Key(), found, len(e.Secrets()))
		}
	}
}

func countProtected(v reflect.Value) int {
	n := 0
	switch {
	case v.Type() == reflect.TypeFor[Protected]():
		return 1
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			n += countProtected(v.Field(i))
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			n += countProtected(v.Index(i))
		}
	case v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct && !v.IsNil() && v.Type() != reflect.TypeFor[*Document]():
		n += countProtected(v.Elem())
	}
	return n
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	alice := newUser("alice", "AIDA1")
	record, err := Encode(alice)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		key    Key
		record string
		want   string
	}{
		"a newer version":  {alice.Key(), strings.Replace(string(record), `"v":1`, `"v":2`, 1), "record version 2"},
		"no version":       {alice.Key(), `{"account":"111122223333","name":"alice"}`, "record version 0"},
		"another's record": {newUser("bob", "").Key(), string(record), "the record is of 111122223333/user/alice"},
		"another account":  {Key{accountB, KindUser, "alice"}, string(record), "the record is of 111122223333/user/alice"},
		"an unknown kind":  {Key{accountA, "planet", "alice"}, string(record), `unknown kind "planet"`},
		"cut":              {alice.Key(), string(record[:len(record)-1]), "111122223333/user/alice"},
		"empty":            {alice.Key(), "", "111122223333/user/alice"},
	} {
		if _, err := Decode(c.key, []byte(c.record), 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := Decode(alice.Key(), record, 1); err != nil {
		t.Errorf("the control: %v", err)
	}
}

func TestParseKeyRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "a", "a/b", "a/b/", "/b/c", "a//c"} {
		if k, err := ParseKey(s); err == nil {
			t.Errorf("%q was read as %+v", s, k)
		}
	}
	if k, err := ParseKey("a/oidc-provider/issuer.example/Path"); err != nil || k.Name != "issuer.example/Path" {
		t.Errorf("%+v, %v", k, err)
	}
}

// A copy shares nothing with the original that altering it would change.
func TestClonesAreApart(t *testing.T) {
	t.Parallel()
	for _, e := range everyKind() {
		method := reflect.ValueOf(e).MethodByName("Clone")
		if !method.IsValid() {
			continue // without slices: a plain copy is apart
		}
		c := method.Call(nil)[0].Elem()
		o := reflect.ValueOf(e).Elem()
		for i := range o.NumField() {
			if f := o.Field(i); f.Kind() == reflect.Slice && f.Len() > 0 && f.Pointer() == c.Field(i).Pointer() {
				t.Errorf("%s: the copy shares %s", e.Key(), o.Type().Field(i).Name)
			}
			if f := o.Field(i); f.Type() == reflect.TypeFor[*Login]() && !f.IsNil() && (f.Pointer() == c.Field(i).Pointer() ||
				&f.Interface().(*Login).Previous[0] == &c.Field(i).Interface().(*Login).Previous[0]) {
				t.Errorf("%s: the copy shares the login profile", e.Key())
			}
		}
	}
}

// What a name, a path and an account share with the ARN stays what the record says.
func TestDecodeShares(t *testing.T) {
	t.Parallel()
	for _, want := range []*User{
		{Account: "111122223333", Name: "alice", Path: "/", ARN: "arn:aws:iam::111122223333:user/alice"},
		{Account: "111122223333", Name: "Alice", Path: "/a/", ARN: "arn:aws:iam::111122223333:user/a/Alice"},
		{Account: "111122223333", Name: "user", Path: "/user/", ARN: "arn:aws:iam::111122223333:user/user/user"},
		{Account: "111122223333", Name: "elsewhere", Path: "/x/", ARN: "another"},
		{Account: "111122223333", Name: "bare", ARN: ""},
	} {
		record, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(want.Key(), record, 1)
		if err != nil {
			t.Fatal(err)
		}
		if u := got.(*User); u.Account != want.Account || u.Name != want.Name || u.Path != want.Path || u.ARN != want.ARN {
			t.Errorf("got %+v, want %+v", u, want)
		}
	}
}
