package federation

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/identity"
)

func TestSessionTags(t *testing.T) {
	t.Parallel()
	tags := []identity.SessionTag{{Key: "Team", Value: "blue"}, {Key: "cost center", Value: ""}, {Key: "über:/=+-@._9", Value: strings.Repeat("ü", 256)}}
	got, err := SessionTags(slices.Clone(tags), []string{"TEAM", "team"})
	if err != nil || !got[0].Transitive || got[1].Transitive || got[2].Transitive || len(got) != 3 {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := SessionTags(nil, nil); err != nil || got != nil {
		t.Errorf("no tags: %+v, %v", got, err)
	}
	many := make([]identity.SessionTag, 51)
	for i := range many {
		many[i].Key = strings.Repeat("k", i+1)
	}
	if _, err := SessionTags(many[:50], nil); err != nil {
		t.Errorf("50 tags: %v", err)
	}
	for reason, tags := range map[string][]identity.SessionTag{
		"more than 50 session tags": many,
		"the key of a session tag is not 1 to 128 of the allowed characters":    {{Key: "a\x00"}},
		"the value of a session tag is not up to 256 of the allowed characters": {{Key: "a", Value: "<"}},
		"the key of a session tag begins with aws:":                             {{Key: "Aws:x"}},
		"two session tags have the same key, compared without case":             {{Key: "a"}, {Key: "A"}},
	} {
		if _, err := SessionTags(tags, nil); err == nil || err.Error() != reason {
			t.Errorf("got %v, want %s", err, reason)
		}
	}
	if _, err := SessionTags([]identity.SessionTag{{Key: "a"}}, []string{"b"}); err == nil || err.Error() != "a transitive tag key is not among the session tags" {
		t.Errorf("a transitive key without tag: %v", err)
	}
}

func TestSourceIdentity(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"ab": true, "a@b.c": true, "A_9+=,.@-": true, strings.Repeat("a", 64): true, "awsx": true,
		"": false, "a": false, strings.Repeat("a", 65): false, "aws:a": false, "AWS:a": false, "a b": false, "a:b": false, "ä1": false, "a\n": false,
	} {
		if SourceIdentity(text) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}

func TestCaller(t *testing.T) {
	t.Parallel()
	a := Assertion{Kind: identity.SAMLUser, Provider: "arn:aws:iam::111122223333:saml-provider/corp", Subject: "carol", NameQualifier: "abc=", Audience: "x"}
	if c := a.Caller(); c.UserID != "abc=:carol" || c.Kind.String() != "SAMLUser" || c.Federation.Provider != a.Provider || c.Temporary() {
		t.Errorf("SAML: %+v", c)
	}
	a.Kind = identity.WebIdentityUser
	if c := a.Caller(); c.UserID != a.Provider+":x:carol" || c.Kind.String() != "WebIdentityUser" {
		t.Errorf("web identity: %+v", c)
	}
}

// TestRefusal: the caller's message and the operator's reason are two things.
func TestRefusal(t *testing.T) {
	t.Parallel()
	cause := errors.New("why")
	for _, f := range []*identity.Fault{Refusal(identity.InvalidIdentityToken, "told", "why"), Refused(identity.InvalidIdentityToken, "told", cause)} {
		if f.Code != identity.InvalidIdentityToken || f.Message != "told" || f.Cause.Error() != "why" || strings.Contains(f.Error(), "why") {
			t.Errorf("%+v", f)
		}
	}
}
