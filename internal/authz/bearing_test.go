package authz_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/identity"
)

// Every condition key that speaks of the caller, of its session or of the owner of the resource is in what bears on a caller: a new
// one in keys.go has to be there, too. aws:MultiFactorAuthAge grows, and is the relying service's to work out.
func TestBearingHasEveryKey(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("keys.go")
	if err != nil {
		t.Fatal(err)
	}
	answered := func(function string) (keys []string) {
		_, body, found := strings.Cut(string(source), "func (e *evaluation) "+function+"(")
		body, _, _ = strings.Cut(body, "\n}\n")
		for line := range strings.Lines(body) {
			if strings.HasPrefix(strings.TrimSpace(line), "case ") {
				for _, key := range regexp.MustCompile(`"(aws:[a-z]+)"`).FindAllStringSubmatch(line, -1) {
					keys = append(keys, key[1])
				}
			}
		}
		if !found || len(keys) == 0 {
			t.Fatalf("%s answers for nothing", function)
		}
		return keys
	}
	want := slices.Concat(answered("principalKey"), answered("sessionKey"), []string{"aws:viaawsservice", "aws:principalisawsservice"})
	for _, key := range answered("requestKey") {
		if strings.HasPrefix(key, "aws:resource") {
			want = append(want, key)
		}
	}
	want = slices.DeleteFunc(want, func(key string) bool { return key == "aws:multifactorauthage" })

	b := dt.New(t, nil)
	organized(b, "", "")
	u, r := b.User(dt.A, "alice", dt.AllowAll), b.Role(dt.A, "target", trustA)
	v := b.View()
	session := &identity.Session{Kind: identity.UserSession, Account: dt.A, PrincipalID: u.ID, Issued: now, MFATime: now, SourceIdentity: "alice"}
	mfa := user(u)
	mfa.Session = session
	var got []string
	for _, c := range []identity.Caller{mfa, roleSession(r, identity.Session{SourceIdentity: "alice"})} {
		bearing := authz.New().Bearing(v, &c, dt.A)
		for _, k := range append(bearing.Keys, bearing.ResourceKeys...) {
			got = append(got, k.Name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("what bears on a caller has\n%q, and keys.go answers for\n%q", got, want)
	}
	for _, key := range want {
		if !authz.OfCaller(key) {
			t.Errorf("a service could give %s", key)
		}
	}
}

// The principal tags are what policies see: the session's before those of the user or role, without regard to case.
func TestBearingTags(t *testing.T) {
	t.Parallel()
	b := dt.New(t, nil)
	r := b.Role(dt.A, "target", trustA)
	r.Tags = []directory.Tag{{Key: "Team", Value: "role"}, {Key: "cost", Value: "role"}}
	c := roleSession(r, identity.Session{Issued: now.Add(-time.Minute), Tags: []identity.SessionTag{{Key: "team", Value: "session"}}})
	got := authz.New().Bearing(b.View(), &c, dt.A).Tags
	if want := []directory.Tag{{Key: "team", Value: "session"}, {Key: "cost", Value: "role"}}; !slices.Equal(got, want) {
		t.Errorf("the tags are %v, want %v", got, want)
	}
}
