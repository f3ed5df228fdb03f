package directory

import (
	"errors"
	"strings"
	"testing"

	"github.com/stint-sts/stint/arn"
)

func trusting(principals string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principals + `,"Action":"sts:AssumeRole"}]}`
}

// Users and roles are stored by unique id; everything else stays as it was written, and comes back as it was.
func TestTrustComesBack(t *testing.T) {
	t.Parallel()
	role := newRole("Target", "AROA1")
	role.Path, role.ARN = "/a/", arn.Role(arn.AWS, accountA, "/a/", "Target")
	v := viewOf(newUser("alice", "AIDA1"), role)
	for _, c := range []struct{ written, stored string }{
		{`{"AWS":"arn:aws:iam::111122223333:user/alice"}`, `{"AWS":"AIDA1"}`},
		{`{"AWS":["arn:aws:iam::111122223333:role/a/Target","arn:aws:iam::111122223333:user/alice"]}`, `{"AWS":["AROA1","AIDA1"]}`},
		{`{"AWS":"arn:aws:iam::111122223333:root"}`, ""},
		{`{"AWS":"999999999999"}`, ""},
		{`{"AWS":"*"}`, ""},
		{`"*"`, ""},
		{`{"AWS":"arn:aws:sts::111122223333:assumed-role/Target/session"}`, ""},
		{`{"AWS":"arn:aws:sts::111122223333:federated-user/bob"}`, ""},
		{`{"Federated":"arn:aws:iam::111122223333:oidc-provider/issuer.example"}`, ""},
		{`{"Federated":"arn:aws:iam::111122223333:role/nowhere"}`, ""},
		{`{"Service":"ec2.amazonaws.com"}`, ""},
	} {
		want := trusting(c.stored)
		if c.stored == "" {
			want = trusting(c.written)
		}
		got, err := ResolveTrust(trusting(c.written), v.PrincipalID)
		if err != nil || got != want {
			t.Errorf("%s\nis stored as %s, %v\nwant %s", c.written, got, err, want)
		}
		if shown := v.ShowTrust(got); shown != trusting(c.written) {
			t.Errorf("%s\nis shown as %s", c.written, shown)
		}
	}
}

func TestTrustOfNobody(t *testing.T) {
	t.Parallel()
	v := viewOf(newUser("alice", "AIDA1"), newRole("Target", "AROA1"))
	for _, principal := range []string{
		"arn:aws:iam::111122223333:user/bob",
		"arn:aws:iam::111122223333:user/Alice",
		"arn:aws:iam::111122223333:user/x/alice",
		"arn:aws:iam::111122223333:role/alice",
		"arn:aws:iam::111122223333:user/Target",
		"arn:aws:iam::444455556666:user/alice",
		"arn:aws-cn:iam::111122223333:user/alice",
		"arn:aws:iam::111122223333:role/target",
	} {
		_, err := ResolveTrust(trusting(`{"AWS":"`+principal+`"}`), v.PrincipalID)
		var unknown *UnknownPrincipalError
		if !errors.As(err, &unknown) || unknown.ARN != principal {
			t.Errorf("%s: %v, want an UnknownPrincipalError", principal, err)
		}
	}
}

// A user that is deleted and made again is not the one that was trusted: the trust policy shows the old one's id.
func TestTrustEndsWithItsPrincipal(t *testing.T) {
	t.Parallel()
	alice := newUser("alice", "AIDA1")
	v := viewOf(alice)
	text, err := ResolveTrust(trusting(`{"AWS":"`+alice.ARN+`"}`), v.PrincipalID)
	if err != nil {
		t.Fatal(err)
	}
	v = v.Apply(2, gone(alice)).Apply(3, stored(newUser("alice", "AIDA2")))
	if shown := v.ShowTrust(text); !strings.Contains(shown, `"AIDA1"`) || strings.Contains(shown, "alice") {
		t.Errorf("the trust policy is shown as %s", shown)
	}
}

// A damaged text is shown as it is: it denies everything, and its owner must see why.
func TestShowTrustOfDamage(t *testing.T) {
	t.Parallel()
	if shown := NewView(arn.AWS).ShowTrust("{damaged"); shown != "{damaged" {
		t.Errorf("shown as %s", shown)
	}
}
