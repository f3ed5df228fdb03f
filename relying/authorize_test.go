package relying_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
	"github.com/stint-sts/stint/relying"
)

// may is a policy that allows s3:GetObject under a condition.
func may(condition string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{` + condition + `}}]}`
}

// Each condition key is what Stint itself would make of it, and what speaks of the caller cannot be given by the service.
func TestConditionKeys(t *testing.T) {
	t.Parallel()
	base := relying.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", SourceIP: netip.MustParseAddr("192.0.2.7"), SecureTransport: true, UserAgent: "x/1"}
	given := func(key, value string) relying.Request {
		r := base
		r.Context = policy.Keys{key: policy.One(value)}
		return r
	}
	tagged := base
	tagged.RequestTags, tagged.ResourceTags = []relying.Tag{{Key: "a", Value: "1"}}, []relying.Tag{{Key: "Owner", Value: "me"}}
	for name, tt := range map[string]struct {
		condition string
		request   relying.Request
		allowed   bool
	}{
		"source":                     {`"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`, base, true},
		"another source":             {`"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}`, base, false},
		"a source in the context":    {`"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}`, given("aws:sourceip", "198.51.100.1"), false},
		"TLS":                        {`"Bool":{"aws:SecureTransport":"true"}`, base, true},
		"time":                       {`"DateLessThan":{"aws:CurrentTime":"2026-05-06T07:08:10Z"}`, base, true},
		"later":                      {`"DateGreaterThan":{"aws:CurrentTime":"2026-05-06T07:08:10Z"}`, base, false},
		"user agent":                 {`"StringLike":{"aws:UserAgent":"x/*"}`, base, true},
		"region":                     {`"StringEquals":{"aws:RequestedRegion":"us-east-1"}`, base, true},
		"resource account":           {`"StringEquals":{"aws:ResourceAccount":"111122223333"}`, base, true},
		"request tag":                {`"StringEquals":{"aws:RequestTag/A":"1"},"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}`, tagged, true},
		"resource tag":               {`"StringEquals":{"aws:ResourceTag/owner":"me"}`, tagged, true},
		"a tag in the context":       {`"StringEquals":{"aws:ResourceTag/owner":"me"}`, given("aws:resourcetag/owner", "me"), false},
		"principal tag":              {`"StringEquals":{"aws:PrincipalTag/Team":"blue"}`, base, true},
		"a principal tag given":      {`"StringEquals":{"aws:PrincipalTag/Team":"red"}`, given("aws:principaltag/team", "red"), false},
		"a principal tag that is no": {`"StringEquals":{"aws:PrincipalTag/Level":"9"}`, given("aws:principaltag/level", "9"), false},
		"principal ARN":              {`"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/target"}`, base, true},
		"a principal ARN given":      {`"StringEquals":{"aws:PrincipalArn":"x"}`, given("aws:principalarn", "x"), false},
		"an organization given":      {`"StringEquals":{"aws:PrincipalOrgID":"o-1234567890"}`, given("aws:principalorgid", "o-1234567890"), false},
		"MFA given":                  {`"Bool":{"aws:MultiFactorAuthPresent":"true"}`, given("aws:multifactorauthpresent", "true"), false},
		"MFA age given":              {`"NumericLessThan":{"aws:MultiFactorAuthAge":"10"}`, given("aws:multifactorauthage", "1"), false},
		"source identity":            {`"StringEquals":{"aws:SourceIdentity":"ann"}`, base, true},
		"a source identity given":    {`"StringEquals":{"aws:SourceIdentity":"eve"}`, given("aws:sourceidentity", "eve"), false},
		"of the service":             {`"StringEquals":{"s3:prefix":"a/"}`, given("s3:prefix", "a/"), true},
		"of the connection":          {`"StringEquals":{"aws:SourceVpc":"vpc-1"}`, given("aws:sourcevpc", "vpc-1"), true},
	} {
		s := newStage(t, nil)
		target := s.Role(dt.A, "target", anyone, may(tt.condition))
		target.Tags = []directory.Tag{{Key: "team", Value: "blue"}}
		s.refresh()
		c, err := s.verifier.Authenticate(s.received(s.begin(identity.Session{
			Kind: identity.RoleSession, Account: dt.A, PrincipalID: target.ID, Name: "s1", SourceIdentity: "ann",
		}), "GET", "/b/k", ""))
		if err != nil {
			t.Fatal(err)
		}
		d, err := s.verifier.Authorize(t.Context(), c, tt.request)
		if err != nil || d.Allowed != tt.allowed {
			t.Errorf("%s: %+v, %v", name, d.Decision, err)
		}
	}
}

// Denials say why in AWS's words, and what is no question is refused.
func TestAuthorize(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	alice := s.User(dt.A, "alice", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"No","Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}]}`)
	s.refresh()
	c, err := s.verifier.Authenticate(s.received(long(alice.AccessKeys[0]), "GET", "/b/k", ""))
	if err != nil {
		t.Fatal(err)
	}
	q := relying.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}
	if d, err := s.verifier.Authorize(t.Context(), c, q); err != nil || !d.Allowed {
		t.Errorf("the control: %+v, %v", d, err)
	}
	own, err := policy.New(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}`, policy.Resource)
	if err != nil {
		t.Fatal(err)
	}
	closed := q
	closed.ResourcePolicy = own
	for name, tt := range map[string]struct {
		q       relying.Request
		message string
	}{
		"explicit deny":   {relying.Request{Action: "s3:DeleteObject", Resource: q.Resource}, "User: " + alice.ARN + " is not authorized to perform: s3:DeleteObject on resource: arn:aws:s3:::b/k with an explicit deny in an identity-based policy"},
		"not allowed":     {relying.Request{Action: "kms:Sign", Resource: "*"}, "User: " + alice.ARN + " is not authorized to perform: kms:Sign because no identity-based policy allows the kms:Sign action"},
		"resource policy": {closed, "User: " + alice.ARN + " is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k with an explicit deny in a resource-based policy"},
	} {
		d, err := s.verifier.Authorize(t.Context(), c, tt.q)
		if err != nil || d.Allowed || d.Message != tt.message {
			t.Errorf("%s: %q, %v", name, d.Message, err)
		}
		if len(d.Trace().Policies) == 0 {
			t.Errorf("%s: no trace", name)
		}
	}
	for name, tt := range map[string]struct {
		c      relying.Caller
		q      relying.Request
		reason string
	}{
		"nobody":           {relying.Caller{}, q, "was not authenticated"},
		"no action":        {c, relying.Request{Resource: "*"}, "without an action"},
		"no resource":      {c, relying.Request{Action: "s3:GetObject"}, "without an action or a resource"},
		"Stint's own":      {c, relying.Request{Action: "IAM:CreateUser", Resource: "*"}, "Stint's own"},
		"another's bucket": {c, relying.Request{Action: "s3:GetObject", Resource: "*", ResourceAccount: string(dt.B)}, "another account"},
	} {
		_, err := s.verifier.Authorize(t.Context(), tt.c, tt.q)
		wantError(t, name, err, "AccessDenied", "Access Denied", tt.reason)
	}
	// A caller that is kept is held to what is in force.
	s.Put(inactive(alice))
	s.refresh()
	s.at.Add(61)
	_, err = s.verifier.Authorize(t.Context(), c, q)
	wantError(t, "kept too long", err, "SignatureDoesNotMatch", mismatch, "Stint refuses")
}

func TestMiddleware(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	alice := s.User(dt.A, "alice", may(`"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}`))
	s.refresh()
	mapper := relying.MapperFunc(func(r *http.Request) ([]relying.Request, error) {
		switch {
		case r.URL.Path == "/b/nothing":
			return nil, nil
		case r.Method == http.MethodGet:
			return []relying.Request{{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}}, nil
		}
		return []relying.Request{{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}, {Action: "s3:PutObject", Resource: "arn:aws:s3:::b/k"}}, nil
	})
	site := httptest.NewServer(s.verifier.Middleware(mapper)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := relying.CallerFrom(r.Context())
		if !ok {
			t.Error("no caller")
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			s.verifier.WriteError(w, r, err)
			return
		}
		_, _ = io.WriteString(w, c.Principal.ARN+" "+string(body))
	})))
	t.Cleanup(site.Close)
	for name, tt := range map[string]struct {
		method, path, body, sent string
		status                   int
		answer                   string
	}{
		"allowed":          {"GET", "/b/k", "hello", "hello", 200, alice.ARN + " hello"},
		"one of two":       {"PUT", "/b/k", "", "", 403, "<Code>AccessDenied</Code><Message>User: " + alice.ARN + " is not authorized to perform: s3:PutObject"},
		"no permission":    {"GET", "/b/nothing", "", "", 403, "<Code>AccessDenied</Code><Message>Access Denied</Message>"},
		"an altered body":  {"GET", "/b/k", "hello", "hullo", 400, "<Code>XAmzContentSHA256Mismatch</Code>"},
		"an altered HEAD":  {"HEAD", "/b/nothing", "", "", 403, ""},
		"a spoiled method": {"DELETE", "/b/k", "", "", 403, "s3:PutObject"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, site.URL+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.signer(long(alice.AccessKeys[0])).Sign(r, []byte(tt.body), s.now()); err != nil {
			t.Fatal(err)
		}
		r.Body = io.NopCloser(strings.NewReader(tt.sent))
		answer, err := site.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != tt.status || !strings.Contains(string(text), tt.answer) {
			t.Errorf("%s: %d %s", name, answer.StatusCode, text)
		}
	}
}

// statements is a policy of n statements, of which the last allows.
func statements(n int) string {
	var b strings.Builder
	b.WriteString(`{"Version":"2012-10-17","Statement":[`)
	for range n - 1 {
		b.WriteString(`{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::other/*","Condition":{"StringEquals":{"aws:PrincipalTag/a":"b"}}},`)
	}
	b.WriteString(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}]}`)
	return b.String()
}

func BenchmarkAuthenticate(b *testing.B) {
	s := newStage(b, nil)
	alice, target := s.User(dt.A, "alice"), s.Role(dt.A, "target", anyone)
	s.refresh()
	for name, c := range map[string]credential{
		"user": long(alice.AccessKeys[0]), "session": s.begin(identity.Session{Kind: identity.RoleSession, Account: dt.A, PrincipalID: target.ID, Name: "s1"}),
	} {
		b.Run(name, func(b *testing.B) {
			r := s.received(c, "GET", "/b/some/key?list-type=2&prefix=a", "")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.verifier.Authenticate(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAuthorize(b *testing.B) {
	s := newStage(b, nil)
	alice := s.User(dt.A, "alice", statements(100))
	s.refresh()
	c, err := s.verifier.Authenticate(s.received(long(alice.AccessKeys[0]), "GET", "/b/k", ""))
	if err != nil {
		b.Fatal(err)
	}
	q := relying.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", SourceIP: netip.MustParseAddr("192.0.2.7")}
	b.ReportAllocs()
	for b.Loop() {
		if d, err := s.verifier.Authorize(b.Context(), c, q); err != nil || !d.Allowed {
			b.Fatal(d, err)
		}
	}
}

// Cold: a credential that was never seen, with one round trip to a loopback server.
func BenchmarkAuthenticateCold(b *testing.B) {
	s := newStage(b, nil)
	target := s.Role(dt.A, "target", anyone, dt.AllowAll)
	s.refresh()
	credentials := make([]*http.Request, 512)
	for i := range credentials {
		credentials[i] = s.received(s.begin(identity.Session{Kind: identity.RoleSession, Account: dt.A, PrincipalID: target.ID, Name: "s1"}), "GET", "/b/k", "")
	}
	begin := time.Now()
	for _, r := range credentials {
		if _, err := s.verifier.Authenticate(r); err != nil {
			b.Fatal(err)
		}
	}
	if n := s.asked.Load(); n != int64(len(credentials)) {
		b.Errorf("%d questions for %d credentials", n, len(credentials))
	}
	took := time.Since(begin)
	for b.Loop() { //nolint:revive // measured above: each credential is cold once
	}
	b.ReportMetric(float64(took.Microseconds())/float64(len(credentials)), "µs/cold")
	b.ReportMetric(float64(s.asked.Load())/float64(len(credentials)), "questions/cold")
}
