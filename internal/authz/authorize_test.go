package authz_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

var now = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

func request(c identity.Caller) *identity.Request {
	return &identity.Request{
		ID: "r", Caller: c, Time: now, Region: "us-east-1", SourceIP: netip.MustParseAddr("192.0.2.7"), UserAgent: "agent/1",
		SecureTransport: true,
	}
}

func user(u *directory.User) identity.Caller {
	return identity.Caller{Kind: identity.User, Account: u.Account, ARN: u.ARN, UserID: u.ID, PrincipalID: u.ID}
}

func roleSession(r *directory.Role, s identity.Session) identity.Caller {
	s.Kind, s.Account, s.PrincipalID = identity.RoleSession, r.Account, r.ID
	if s.Name == "" {
		s.Name = "s1"
	}
	return identity.Caller{
		Kind: identity.AssumedRole, Account: r.Account, ARN: arn.AssumedRole(arn.AWS, r.Account, r.Name, s.Name),
		UserID: r.ID + ":" + s.Name, PrincipalID: r.ID, Session: &s,
	}
}

func allow(action string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"*"}]}`
}

func deny(action string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"` + action + `","Resource":"*"}]}`
}

const trustA = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}`

// TestFreshPrincipalsMayNothing: advisory 37 (SeaweedFS #9317).
func TestFreshPrincipalsMayNothing(t *testing.T) {
	t.Parallel()
	b := dt.New(t, nil)
	u, r := b.User(dt.A, "fresh"), b.Role(dt.A, "fresh", trustA)
	admin := b.User(dt.A, "admin", dt.AllowAll)
	v := b.View()
	a := authz.New()
	for _, action := range []string{"s3:GetObject", "iam:CreateUser", "iam:ListUsers", "sts:GetAccessKeyInfo", "stint:IssueContextAssertion"} {
		q := authz.Query{Action: action, Resource: "*"}
		for name, c := range map[string]identity.Caller{"user": user(u), "role": roleSession(r, identity.Session{})} {
			if d := a.Authorize(v, request(c), q); d.Effect != policy.ImplicitDeny {
				t.Errorf("%s %s: %v, want ImplicitDeny", name, action, d.Effect)
			}
		}
		if d := a.Authorize(v, request(user(admin)), q); !d.Allowed() {
			t.Errorf("admin %s: %v, want Allow", action, d.Effect)
		}
	}
}

// TestEveryLayerLimits: effective permissions are identity ∩ boundary ∩ session (advisory 28, CVE-2025-62506).
func TestEveryLayerLimits(t *testing.T) {
	t.Parallel()
	const action = "s3:GetObject"
	tests := []struct {
		name, identity, boundary, session string
		want                              policy.Effect
		by                                policy.Type
	}{
		{"identity alone", allow("s3:*"), "", "", policy.Allow, policy.Identity},
		{"all three", allow("s3:*"), allow("s3:*"), allow("s3:*"), policy.Allow, policy.Identity},
		{"no identity", allow("iam:*"), allow("s3:*"), allow("s3:*"), policy.ImplicitDeny, policy.Identity},
		{"boundary silent", allow("s3:*"), allow("iam:*"), "", policy.ImplicitDeny, policy.Boundary},
		{"session silent", allow("s3:*"), "", allow("iam:*"), policy.ImplicitDeny, policy.Session},
		{"boundary denies", allow("s3:*"), deny("s3:*"), "", policy.ExplicitDeny, policy.Boundary},
		{"session denies", allow("s3:*"), "", deny("s3:*"), policy.ExplicitDeny, policy.Session},
		{"identity denies", deny("s3:*"), allow("s3:*"), allow("s3:*"), policy.ExplicitDeny, policy.Identity},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := dt.New(t, nil)
			r := b.Role(dt.A, "r", trustA, tt.identity)
			if tt.boundary != "" {
				r.Boundary = b.Policy(dt.A, "edge", tt.boundary).ARN
			}
			d := authz.New().Authorize(b.View(), request(roleSession(r, identity.Session{Policy: tt.session})),
				authz.Query{Action: action, Resource: "arn:aws:s3:::b/k"})
			if d.Effect != tt.want || d.By != tt.by {
				t.Errorf("got %v by %v, want %v by %v", d.Effect, d.By, tt.want, tt.by)
			}
		})
	}
}

// What is granted without a policy is granted to users, roles and federated users, within all that limits them.
func TestGrantedIsLimited(t *testing.T) {
	t.Parallel()
	const action = "iam:GetDelegationRequest"
	q := authz.Query{Action: action, Resource: "*"}
	for name, tt := range map[string]struct {
		identity, boundary, session, scp string
		want                             policy.Effect
		by                               policy.Type
	}{
		"nothing limits":   {"", "", "", "", policy.Allow, policy.Identity},
		"all that limit":   {"", allow("iam:*"), allow("iam:*"), deny("s3:*"), policy.Allow, policy.Identity},
		"identity denies":  {deny("iam:*"), "", "", "", policy.ExplicitDeny, policy.Identity},
		"boundary silent":  {"", allow("s3:*"), "", "", policy.ImplicitDeny, policy.Boundary},
		"boundary denies":  {"", deny("iam:*"), "", "", policy.ExplicitDeny, policy.Boundary},
		"session silent":   {"", "", allow("s3:*"), "", policy.ImplicitDeny, policy.Session},
		"session denies":   {"", "", deny("iam:*"), "", policy.ExplicitDeny, policy.Session},
		"organization too": {"", "", "", deny("iam:*"), policy.ExplicitDeny, policy.SCP},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := dt.New(t, nil)
			organized(b, tt.scp, "")
			var own []string
			if tt.identity != "" {
				own = append(own, tt.identity)
			}
			u, r := b.User(dt.A, "u", own...), b.Role(dt.A, "r", trustA, own...)
			if tt.boundary != "" {
				u.Boundary = b.Policy(dt.A, "edge", tt.boundary).ARN
				r.Boundary = u.Boundary
			}
			session := tt.session
			if session == "" {
				session = allow("*")
			}
			callers := map[string]identity.Caller{
				"role": roleSession(r, identity.Session{Policy: tt.session}),
				"federated user": {Kind: identity.FederatedUser, Account: dt.A, ARN: arn.FederatedUser(arn.AWS, dt.A, "f"), UserID: string(dt.A) + ":f",
					PrincipalID: u.ID, Session: &identity.Session{Kind: identity.FederationSession, Account: dt.A, PrincipalID: u.ID, Name: "f", Policy: session}},
			}
			if tt.session == "" {
				callers["user"] = user(u)
			}
			for kind, c := range callers {
				granted := q
				granted.Granted = true
				if d := authz.New().Authorize(b.View(), request(c), granted); d.Effect != tt.want || d.By != tt.by {
					t.Errorf("%s: %v by %v, want %v by %v", kind, d.Effect, d.By, tt.want, tt.by)
				}
				if d := authz.New().Authorize(b.View(), request(c), q); d.Allowed() {
					t.Errorf("%s: allowed without a grant", kind)
				}
			}
		})
	}
}

func TestWhatIsMissingNeverAllows(t *testing.T) {
	t.Parallel()
	q := authz.Query{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}
	const gone = "arn:aws:iam::111122223333:policy/gone"
	tests := map[string]func(b *dt.Builder, r *directory.Role, s *identity.Session){
		"boundary gone":                 func(_ *dt.Builder, r *directory.Role, _ *identity.Session) { r.Boundary = gone },
		"attached policy gone":          func(_ *dt.Builder, r *directory.Role, _ *identity.Session) { r.Attached = []string{gone} },
		"managed session policy gone":   func(_ *dt.Builder, _ *directory.Role, s *identity.Session) { s.PolicyARNs = []string{gone} },
		"session policy does not parse": func(_ *dt.Builder, _ *directory.Role, s *identity.Session) { s.Policy = "{" },
		"inline policy does not parse": func(_ *dt.Builder, r *directory.Role, _ *identity.Session) {
			r.Inline = append(r.Inline, directory.InlinePolicy{Name: "bad", Document: directory.NewDocument("{")})
		},
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, spoiled := range []bool{false, true} {
				b := dt.New(t, nil)
				r, s := b.Role(dt.A, "r", trustA, dt.AllowAll), identity.Session{}
				if spoiled {
					spoil(b, r, &s)
				}
				d := authz.New().Authorize(b.View(), request(roleSession(r, s)), q)
				if d.Allowed() == spoiled {
					t.Errorf("spoiled %v: %v", spoiled, d.Effect)
				}
			}
		})
	}
}

func TestConditionKeys(t *testing.T) {
	t.Parallel()
	b := dt.New(t, nil)
	u := b.User(dt.A, "alice")
	u.Tags = []directory.Tag{{Key: "Team", Value: "blue"}}
	r := b.Role(dt.A, "deploy", trustA)
	r.Tags = []directory.Tag{{Key: "Team", Value: "green"}, {Key: "Only", Value: "role"}}
	b.Put(&directory.Organization{ID: "o-abcdefghij", ManagementAccount: dt.B, Members: []arn.AccountID{dt.A}})
	session := identity.Session{
		Issued: now.Add(-time.Minute), SourceIdentity: "carol",
		Tags:       []identity.SessionTag{{Key: "team", Value: "red"}},
		Attributes: []identity.Attribute{{Key: "sts:requestcontextproviders", Values: []string{"arn:x", "arn:y"}}},
	}
	mfa := user(u)
	mfa.Session = &identity.Session{Kind: identity.UserSession, Account: dt.A, PrincipalID: u.ID, Issued: now, MFATime: now.Add(-90 * time.Second)}
	noMFA := user(u)
	noMFA.Session = &identity.Session{Kind: identity.UserSession, Account: dt.A, PrincipalID: u.ID, Issued: now}
	federated := identity.Caller{
		Kind: identity.FederatedUser, Account: dt.A, ARN: arn.FederatedUser(arn.AWS, dt.A, "bob"), UserID: "111122223333:bob", PrincipalID: u.ID,
		Session: &identity.Session{Kind: identity.FederationSession, Account: dt.A, PrincipalID: u.ID, Name: "bob", Issued: now},
	}
	callers := map[string]identity.Caller{
		"user": user(u), "role": roleSession(r, session), "mfa": mfa, "no-mfa": noMFA, "federated": federated,
		"root": {Kind: identity.Root, Account: dt.A, ARN: arn.Root(arn.AWS, dt.A), UserID: "111122223333", PrincipalID: "111122223333"},
	}
	query := authz.Query{
		Action: "iam:TagUser", Resource: "*", ResourceAccount: dt.B,
		RequestTags:  []directory.Tag{{Key: "Cost", Value: "1"}},
		ResourceTags: []directory.Tag{{Key: "Env", Value: "prod"}},
		Keys:         []authz.Key{{Name: "sts:externalid", Value: policy.One("x1")}},
	}
	const absent = "(absent)"
	tests := []struct{ caller, key, want string }{
		{"user", "aws:PrincipalArn", "arn:aws:iam::111122223333:user/alice"},
		{"role", "aws:PrincipalArn", "arn:aws:iam::111122223333:role/deploy"},
		{"root", "aws:PrincipalArn", "arn:aws:iam::111122223333:root"},
		{"federated", "aws:PrincipalArn", "arn:aws:sts::111122223333:federated-user/bob"},
		{"role", "aws:PrincipalAccount", "111122223333"},
		{"user", "aws:PrincipalType", "User"},
		{"role", "aws:PrincipalType", "AssumedRole"},
		{"root", "aws:PrincipalType", "Account"},
		{"federated", "aws:PrincipalType", "FederatedUser"},
		{"role", "aws:PrincipalOrgID", "o-abcdefghij"},
		{"user", "aws:userid", u.ID},
		{"role", "aws:userid", r.ID + ":s1"},
		{"user", "aws:username", "alice"},
		{"mfa", "aws:username", "alice"},
		{"role", "aws:username", absent},
		{"federated", "aws:username", absent},
		{"user", "aws:PrincipalTag/team", "blue"},
		{"role", "aws:PrincipalTag/TEAM", "red"}, // the session's before the role's
		{"role", "aws:PrincipalTag/only", "role"},
		{"role", "aws:PrincipalTag/none", absent},
		{"role", "aws:SourceIdentity", "carol"},
		{"user", "aws:SourceIdentity", absent},
		{"role", "aws:TokenIssueTime", "2026-05-06T07:07:09Z"},
		{"user", "aws:TokenIssueTime", absent},
		{"user", "aws:MultiFactorAuthPresent", absent},
		{"role", "aws:MultiFactorAuthPresent", absent}, // advisory 116: nothing passes along a chain
		{"no-mfa", "aws:MultiFactorAuthPresent", "false"},
		{"mfa", "aws:MultiFactorAuthPresent", "true"},
		{"mfa", "aws:MultiFactorAuthAge", "90"},
		{"no-mfa", "aws:MultiFactorAuthAge", absent},
		{"user", "aws:CurrentTime", "2026-05-06T07:08:09Z"},
		{"user", "aws:EpochTime", "1778051289"},
		{"user", "aws:SourceIp", "192.0.2.7"},
		{"user", "aws:UserAgent", "agent/1"},
		{"user", "aws:SecureTransport", "true"},
		{"user", "aws:RequestedRegion", "us-east-1"},
		{"user", "aws:ResourceAccount", "444455556666"},
		{"user", "aws:ViaAWSService", "false"},
		{"user", "aws:RequestTag/cost", "1"},
		{"user", "aws:TagKeys", "Cost"},
		{"user", "aws:ResourceTag/env", "prod"},
		{"user", "iam:ResourceTag/env", "prod"},
		{"user", "sts:ExternalId", "x1"},
		{"role", "sts:RequestContextProviders", absent}, // the session's, and this assumes another role
		{"user", "sts:RequestContextProviders", absent},
	}
	for _, tt := range tests {
		t.Run(tt.caller+" "+tt.key, func(t *testing.T) {
			t.Parallel()
			condition := `{"ForAnyValue:StringEquals":{"` + tt.key + `":"` + tt.want + `"}}`
			if tt.want == absent {
				condition = `{"Null":{"` + tt.key + `":"true"}}`
			}
			c := callers[tt.caller]
			if d := decideBy(t, u, r, c, query, condition); d.Effect != policy.ExplicitDeny {
				t.Errorf("%s is not %q: %v", tt.key, tt.want, d.Effect)
			}
			// The control: another value does not match.
			if d := decideBy(t, u, r, c, query, `{"ForAnyValue:StringEquals":{"`+tt.key+`":"something else"}}`); d.Effect == policy.ExplicitDeny {
				t.Errorf("%s matches any value", tt.key)
			}
		})
	}
}

// A session's provided contexts hold for what it does.
func TestContextsOfSessions(t *testing.T) {
	t.Parallel()
	b := dt.New(t, nil)
	r := b.Role(dt.A, "deploy", trustA, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*",`+
		`"Condition":{"ForAnyValue:StringEquals":{"sts:RequestContextProviders":"arn:y"}}}]}`)
	v := b.View()
	for provider, want := range map[string]policy.Effect{"arn:y": policy.Allow, "arn:z": policy.ImplicitDeny} {
		c := roleSession(r, identity.Session{Attributes: []identity.Attribute{{Key: "sts:requestcontextproviders", Values: []string{"arn:x", provider}}}})
		if d := authz.New().Authorize(v, request(c), authz.Query{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}); d.Effect != want {
			t.Errorf("%s: %v, want %v", provider, d.Effect, want)
		}
	}
}

// decideBy denies the query under a condition, by a policy that every kind of caller meets: the resource's.
func decideBy(t *testing.T, u *directory.User, r *directory.Role, c identity.Caller, q authz.Query, condition string) authz.Decision {
	t.Helper()
	b := dt.New(t, nil)
	b.Put(u)
	b.Put(r)
	b.Put(&directory.Organization{ID: "o-abcdefghij", ManagementAccount: dt.B, Members: []arn.AccountID{dt.A}})
	q.Action = "sts:AssumeRole"
	q.Role = &directory.Role{Trust: directory.NewDocument(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},` +
		`"Action":"sts:AssumeRole","Condition":` + condition + `}]}`)}
	return authz.New().Authorize(b.View(), request(c), q)
}

// TestTwinsInOtherAccounts: advisory 41, the same names in two accounts never meet.
func TestTwinsInOtherAccounts(t *testing.T) {
	t.Parallel()
	b := dt.New(t, nil)
	mine, other := b.User(dt.A, "twin", dt.AllowAll), b.User(dt.B, "twin")
	b.Policy(dt.A, "shared", dt.AllowAll)
	other.Attached = []string{b.Policy(dt.B, "shared", allow("iam:*")).ARN}
	v := b.View()
	q := authz.Query{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}
	if d := authz.New().Authorize(v, request(user(mine)), q); !d.Allowed() {
		t.Errorf("own twin: %v", d.Effect)
	}
	if d := authz.New().Authorize(v, request(user(other)), q); d.Allowed() {
		t.Error("the other account's twin has the permissions of the first")
	}
}

func TestDenialSentences(t *testing.T) {
	t.Parallel()
	b := dt.New(t, nil)
	u := b.User(dt.A, "alice", `{"Version":"2012-10-17","Statement":[{"Sid":"no","Effect":"Deny","Action":"iam:DeleteUser","Resource":"*"}]}`)
	v := b.View()
	tests := []struct{ action, resource, want string }{
		{"sts:GetAccessKeyInfo", "*", "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: sts:GetAccessKeyInfo " +
			"because no identity-based policy allows the sts:GetAccessKeyInfo action"},
		{"iam:GetUser", "arn:aws:iam::111122223333:user/bob", "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: " +
			"iam:GetUser on resource: arn:aws:iam::111122223333:user/bob because no identity-based policy allows the iam:GetUser action"},
		{"iam:DeleteUser", "arn:aws:iam::111122223333:user/bob", "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: " +
			"iam:DeleteUser on resource: arn:aws:iam::111122223333:user/bob with an explicit deny in an identity-based policy"},
	}
	for _, tt := range tests {
		d := authz.New().Authorize(v, request(user(u)), authz.Query{Action: tt.action, Resource: tt.resource})
		f := d.Fault()
		if f.Code != identity.AccessDenied || f.Message != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.action, f.Message, tt.want)
		}
		text, err := f.Denial.Explain()
		if err != nil || !strings.Contains(string(text), `"allowed":false`) || !strings.Contains(string(text), `"action":"`+tt.action+`"`) {
			t.Errorf("%s: explanation %s, %v", tt.action, text, err)
		}
	}
}

// TestExplanationKeepsOthersTrust: who is denied in another account learns nothing of that account's trust policy.
func TestExplanationKeepsOthersTrust(t *testing.T) {
	t.Parallel()
	b := dt.New(t, nil)
	u := b.User(dt.A, "alice", dt.AllowAll)
	trust := `{"Version":"2012-10-17","Statement":[{"Sid":"Confidential","Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:AssumeRole"}]}`
	own, foreign := b.Role(dt.A, "own", trust), b.Role(dt.B, "foreign", trust)
	v := b.View()
	for _, r := range []*directory.Role{own, foreign} {
		d := authz.New().Authorize(v, request(user(u)), authz.Query{Action: "sts:AssumeRole", Resource: r.ARN, ResourceAccount: r.Account, Role: r})
		if d.Allowed() {
			t.Fatalf("%s: allowed", r.Name)
		}
		text, err := d.PlainFault().Denial.Explain()
		if err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(string(text), "role trust policy"); told != (r == own) {
			t.Errorf("%s: trust policy told: %v: %s", r.Name, told, text)
		}
	}
}
