package versitygw_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/identity"
)

type decisions struct {
	Decisions, SessionDecisions [][]string
	HasSessionPolicy            bool
	PrincipalArn                string
}

func evaluating(c credential, actions, resources []string, condition object) object {
	return object{"accessKeyId": c.id, "sessionToken": c.token, "actions": actions, "resources": resources, "condition": condition, "region": "us-east-1", "service": "s3"}
}

const objects = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::data/*"},{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::data/sealed"}]}`

func TestEvaluate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.User(dt.A, "alice", objects)
	actions, resources := []string{"s3:GetObject", "s3:PutObject"}, []string{"arn:aws:s3:::data/a", "arn:aws:s3:::data/sealed", "arn:aws:s3:::other/a"}
	asked := func(c credential) (got decisions) {
		w.ask("/private/evaluate-policy", evaluating(c, actions, resources, nil), &got)
		return got
	}
	want := func(name string, got [][]string, rows ...string) {
		t.Helper()
		var flat []string
		for _, row := range got {
			flat = append(flat, strings.Join(row, " "))
		}
		if !slices.Equal(flat, rows) {
			t.Errorf("%s: %q, want %q", name, flat, rows)
		}
	}
	got := asked(long(alice))
	want("a user", got.Decisions, "allow no_match", "deny deny", "no_match no_match")
	if got.PrincipalArn != alice.ARN || got.HasSessionPolicy || got.SessionDecisions != nil {
		t.Errorf("a user: %+v", got)
	}

	edge := w.Policy(dt.A, "edge", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`)
	bounded := w.User(dt.A, "bounded", objects)
	bounded.Boundary = edge.ARN
	want("a boundary", asked(long(bounded)).Decisions, "allow deny", "deny deny", "no_match deny")

	role := w.Role(dt.A, "target", anyone, objects)
	session := w.begin(role, func(s *identity.Session) {
		s.Policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::other/*"},{"Effect":"Deny","Action":"s3:PutObject","Resource":"*"}]}`
	})
	got = asked(session)
	want("a session", got.Decisions, "allow no_match", "deny deny", "no_match no_match")
	want("its policy", got.SessionDecisions, "no_match deny", "no_match deny", "allow deny")
	if !got.HasSessionPolicy || got.PrincipalArn != "arn:aws:sts::111122223333:assumed-role/target/work" {
		t.Errorf("a session: %+v", got)
	}

	foreign := w.User(dt.B, "foreign", objects)
	refused(t, "foreign", w.request(long(w.gateway), "/private/evaluate-policy", text(t, evaluating(long(foreign), actions, resources, nil))), 403, "NoSuchIdentity", "")
	w.handler.Gate.Trusted = gate.Trusted{Accounts: []arn.AccountID{dt.A}}
	want("of another account", asked(long(foreign)).Decisions, "no_match deny", "deny deny", "deny deny")
}

// TestConditions: the gateway says how a request came, and cannot say who the caller is.
func TestConditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	allowIf := func(condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*","Condition":` + condition + `}]}`
	}
	for i, c := range []struct {
		name, condition string
		given           object
		want            string
	}{
		{"a prefix", `{"StringLike":{"s3:prefix":"blue/*"}}`, object{"s3:prefix": []string{"blue/a"}}, "allow"},
		{"in another case", `{"StringLike":{"s3:prefix":"blue/*"}}`, object{"S3:Prefix": []string{"blue/a"}}, "allow"},
		{"another prefix", `{"StringLike":{"s3:prefix":"blue/*"}}`, object{"s3:prefix": []string{"red/a"}}, "no_match"},
		{"no prefix", `{"StringLike":{"s3:prefix":"blue/*"}}`, nil, "no_match"},
		{"an address", `{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, object{"aws:SourceIp": []string{"192.0.2.7"}}, "allow"},
		{"two addresses", `{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, object{"aws:SourceIp": []string{"192.0.2.7", "198.51.100.1"}}, "no_match"},
		{"no address", `{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, object{"aws:SourceIp": []string{"@"}}, "no_match"},
		{"TLS", `{"Bool":{"aws:SecureTransport":"true"}}`, object{"aws:SecureTransport": []string{"true"}}, "allow"},
		{"the caller's ARN", `{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/u7"}}`, object{"aws:PrincipalArn": []string{"arn:aws:iam::111122223333:user/other"}}, "allow"},
		{"a forged ARN", `{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/admin"}}`, object{"AWS:principalarn": []string{"arn:aws:iam::111122223333:user/admin"}}, "no_match"},
		{"a forged tag", `{"StringEquals":{"aws:PrincipalTag/team":"blue"}}`, object{"aws:PrincipalTag/team": []string{"blue"}}, "no_match"},
		{"a forged name", `{"StringEquals":{"aws:username":"admin"}}`, object{"aws:username": []string{"admin"}}, "no_match"},
		{"forged MFA", `{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, object{"aws:MultiFactorAuthPresent": []string{"true"}}, "no_match"},
		{"a forged provider", `{"StringEquals":{"issuer.example.com:sub":"admin"}}`, object{"issuer.example.com:sub": []string{"admin"}}, "no_match"},
		{"a forged account", `{"StringEquals":{"aws:ResourceAccount":"444455556666"}}`, object{"aws:ResourceAccount": []string{"444455556666"}}, "no_match"},
		{"the gateway's account", `{"StringEquals":{"aws:ResourceAccount":"111122223333"}}`, nil, "allow"},
		{"a forged time", `{"DateLessThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}}`, object{"aws:CurrentTime": []string{"2025-01-01T00:00:00Z"}}, "no_match"},
	} {
		u := w.User(dt.A, fmt.Sprintf("u%d", i-1), allowIf(c.condition))
		var got decisions
		w.ask("/private/evaluate-policy", evaluating(long(u), []string{"s3:ListBucket"}, []string{"arn:aws:s3:::data"}, c.given), &got)
		if got.Decisions[0][0] != c.want {
			t.Errorf("%s: %v, want %s", c.name, got.Decisions, c.want)
		}
	}
	tagged := w.User(dt.A, "tagged", allowIf(`{"StringEquals":{"aws:PrincipalTag/Team":"blue"}}`))
	tagged.Tags = []directory.Tag{{Key: "team", Value: "blue"}}
	var got decisions
	w.ask("/private/evaluate-policy", evaluating(long(tagged), []string{"s3:ListBucket"}, []string{"arn:aws:s3:::data"}, object{"aws:PrincipalTag/team": []string{"red"}}), &got)
	if got.Decisions[0][0] != "allow" {
		t.Errorf("the caller's own tag: %v", got.Decisions)
	}
	role := w.Role(dt.A, "target", anyone, allowIf(`{"DateGreaterThan":{"aws:TokenIssueTime":"`+now.Add(-2*time.Minute).Format(time.RFC3339)+`"}}`))
	w.ask("/private/evaluate-policy", evaluating(w.begin(role, nil), []string{"s3:ListBucket"}, []string{"arn:aws:s3:::data"}, nil), &got)
	if got.Decisions[0][0] != "allow" {
		t.Errorf("when the session was issued: %v", got.Decisions)
	}
}

func TestEvaluateIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := long(w.User(dt.A, "alice", objects))
	get, data := []string{"s3:GetObject"}, []string{"arn:aws:s3:::data/a"}
	keys, many := object{}, make([]string, 1001)
	for i := range many {
		many[i] = fmt.Sprintf("arn:aws:s3:::data/%d", i)
	}
	for i := range 101 {
		keys[fmt.Sprintf("s3:k%d", i)] = []string{"a"}
	}
	for name, in := range map[string]object{
		"no action":                  evaluating(alice, []string{}, data, nil),
		"no resource":                evaluating(alice, get, []string{}, nil),
		"many resources":             evaluating(alice, get, many, nil),
		"many actions":               evaluating(alice, slices.Repeat(get, 51), data, nil),
		"an action of another":       evaluating(alice, []string{"iam:GetUser"}, data, nil),
		"a pattern for an action":    evaluating(alice, []string{"s3:Get*"}, data, nil),
		"a resource of another":      evaluating(alice, get, []string{"arn:aws:iam::111122223333:role/r"}, nil),
		"a long resource":            evaluating(alice, get, []string{"arn:aws:s3:::" + strings.Repeat("a", 2048)}, nil),
		"many keys":                  evaluating(alice, get, data, keys),
		"a key in two cases":         evaluating(alice, get, data, object{"s3:prefix": []string{"a"}, "S3:prefix": []string{"b"}}),
		"a long value":               evaluating(alice, get, data, object{"s3:prefix": []string{strings.Repeat("a", 2049)}}),
		"another service":            with(evaluating(alice, get, data, nil), "service", "iam"),
		"no region":                  with(evaluating(alice, get, data, nil), "region", ""),
		"a member that is not known": with(evaluating(alice, get, data, nil), "boundary", "x"),
	} {
		r := w.request(long(w.gateway), "/private/evaluate-policy", text(t, in))
		refused(t, name, r, http.StatusBadRequest, "BadRequest", "")
	}
	var got decisions
	w.ask("/private/evaluate-policy", evaluating(alice, get, many[:1000], object{"aws:UserAgent": []string{strings.Repeat("a", 4000)}}), &got)
	if len(got.Decisions) != 1000 || got.Decisions[999][0] != "allow" {
		t.Errorf("%d decisions", len(got.Decisions))
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, foreign, asleep := w.User(dt.A, "alice"), w.User(dt.B, "foreign"), w.User(dt.A, "asleep")
	asleep.AccessKeys[0].Status = directory.Inactive
	role := w.Role(dt.A, "target", anyone)
	session, root := w.begin(role, nil), w.RootKey(dt.A)
	key := func(u *directory.User) string { return u.AccessKeys[0].ID }
	var who struct {
		Identities []struct {
			Found              bool
			Kind, PrincipalArn string
		}
	}
	w.ask("/private/resolve-identity", object{"accessKeyIds": []string{key(alice), key(foreign), key(asleep), session.id, "", "AKIAAAAAAAAAAAAAAAAA", root.ID}}, &who)
	for i, got := range who.Identities {
		if i == 6 {
			if !got.Found || got.PrincipalArn != "arn:aws:iam::111122223333:root" {
				t.Errorf("root: %+v", got)
			}
		} else if want := i == 0; got.Found != want || want && (got.Kind != "user" || got.PrincipalArn != alice.ARN) || !want && got.PrincipalArn != "" {
			t.Errorf("%d: %+v", i, got)
		}
	}
	if len(who.Identities) != 7 {
		t.Errorf("%d identities of 7", len(who.Identities))
	}

	good := []string{alice.ARN, role.ARN, "111122223333", "arn:aws:iam::111122223333:root", "arn:aws:sts::111122223333:assumed-role/target/anything"}
	others := []string{foreign.ARN, "444455556666", "arn:aws:iam::444455556666:root"}
	bad := append([]string{"arn:aws:iam::111122223333:user/Alice", "arn:aws:iam::111122223333:role/other", "arn:aws:iam::111122223333:user/x/alice", "999999999999",
		"arn:aws:sts::111122223333:assumed-role/other/a", "arn:aws:sts::111122223333:assumed-role/target", "arn:aws:sts::111122223333:assumed-role/target/",
		"arn:aws-cn:iam::111122223333:root", "arn:aws:s3::111122223333:root", "arn:aws:iam:us-east-1:111122223333:root", "alice", "*", ""}, others...)
	var names struct{ Invalid []string }
	w.ask("/private/resolve-principals", object{"principals": append(slices.Clone(good), bad...)}, &names)
	if !slices.Equal(names.Invalid, bad) {
		t.Errorf("invalid are %q", names.Invalid)
	}
	w.handler.Gate.Trusted = gate.Trusted{All: true}
	w.ask("/private/resolve-principals", object{"principals": others}, &names)
	if len(names.Invalid) != 0 {
		t.Errorf("invalid for whom all accounts are there: %q", names.Invalid)
	}
	r := w.request(long(w.gateway), "/private/resolve-principals", text(t, object{"principals": slices.Repeat(good, 201)}))
	refused(t, "many", r, http.StatusBadRequest, "BadRequest", "at most 1000")
}
