package gate_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// relyingContext answers for condition keys as a relying service does: from what it was given of the caller, and from the request.
type relyingContext struct {
	keys policy.Keys
	tags []gateapi.Tag
}

func (c *relyingContext) Lookup(key string) (policy.Value, bool) {
	if tag, ok := strings.CutPrefix(key, "aws:principaltag/"); ok {
		for _, t := range c.tags {
			if strings.EqualFold(t.Key, tag) {
				return policy.One(t.Value), true
			}
		}
		return policy.Value{}, false
	}
	return c.keys.Lookup(key)
}

func (c *relyingContext) add(keys []gateapi.Key) {
	for _, k := range keys {
		if k.Multi {
			c.keys[k.Key] = policy.Many(k.Values)
		} else {
			c.keys[k.Key] = policy.One(k.Values[0])
		}
	}
}

func compiled(documents []gateapi.Document, t policy.Type) []policy.Attached {
	var out []policy.Attached
	for _, d := range documents {
		grammar := t
		if d.Managed {
			grammar = policy.Identity
		}
		p, err := policy.New(d.Text, grammar)
		if d.Text == "" || err != nil {
			p = policy.DenyAll()
		}
		out = append(out, policy.Attached{Name: d.Name, Policy: p})
	}
	return out
}

func compiledLevels(levels [][]gateapi.Document, t policy.Type) [][]policy.Attached {
	var out [][]policy.Attached
	for _, l := range levels {
		out = append(out, compiled(l, t))
	}
	return out
}

// decide evaluates what was transferred, as a relying service does without asking again.
func decide(t *testing.T, answer *gateapi.SigningKeyOutput, q *authz.Query, req *identity.Request) policy.Decision {
	t.Helper()
	var in gateapi.SigningKeyOutput // what came over the wire
	if err := json.Unmarshal([]byte(asJSON(t, answer)), &in); err != nil {
		t.Fatal(err)
	}
	p := in.Policies
	set := policy.Set{
		Identity: compiled(p.Identity, policy.Identity),
		Boundary: compiled(p.Boundary, policy.Boundary), HasBoundary: p.HasBoundary,
		Session: compiled(p.Session, policy.Session), HasSession: p.HasSession,
		SCPs: compiledLevels(p.SCPs, policy.SCP), RCPs: compiledLevels(p.RCPs, policy.RCP),
		ManagementAccount: p.ManagementAccount, ResourceManagementAccount: p.ResourceManagementAccount,
	}
	if q.ResourcePolicy != nil {
		set.Resource = []policy.Attached{{Name: q.Resource, Policy: q.ResourcePolicy}}
	}
	kinds := map[string]policy.PrincipalKind{"Root": policy.Root, "IAMUser": policy.User, "AssumedRole": policy.Role, "FederatedUser": policy.FederatedUser}
	who := in.Caller.Principal
	c := &relyingContext{keys: policy.Keys{
		"aws:currenttime":     policy.One(req.Time.UTC().Format(time.RFC3339)),
		"aws:sourceip":        policy.One(req.SourceIP.String()),
		"aws:securetransport": policy.One("true"),
		"aws:requestedregion": policy.One(req.Region),
	}, tags: in.Caller.Tags}
	c.add(in.Caller.Keys)
	c.add(in.ServiceKeys)
	if !in.Caller.MFATime.IsZero() {
		c.keys["aws:multifactorauthage"] = policy.One(strconv.Itoa(int(req.Time.Sub(in.Caller.MFATime) / time.Second)))
	}
	return policy.Evaluate(&set, &policy.Request{
		Principal: policy.Principal{
			Kind: kinds[who.Kind], Account: who.Account, ARN: who.ARN, ID: who.ID, RoleARN: who.RoleARN, ServiceLinkedRole: who.ServiceLinkedRole,
			FederatedBy: who.FederatedBy, FederatedByID: who.FederatedByID,
		},
		Action: q.Action, Resource: q.Resource, ResourceAccount: in.ServiceAccount, Context: c,
	})
}

// generator makes directories, callers and policies.
type generator struct {
	*rand.Rand
	*world
	names int
}

func pick[T any](g *generator, of ...T) T { return of[g.IntN(len(of))] }

func (g *generator) document(resourceBased bool) string {
	var statements []string
	for range 1 + g.IntN(3) {
		s := `{"Effect":"` + pick(g, "Allow", "Allow", "Allow", "Deny") + `"`
		if resourceBased {
			s += `,"Principal":` + pick(g, `"*"`, `{"AWS":"111122223333"}`, `{"AWS":"arn:aws:iam::444455556666:root"}`, `{"AWS":"*"}`,
				`{"AWS":"arn:aws:iam::111122223333:user/u0"}`, `{"AWS":"arn:aws:iam::111122223333:role/r0"}`)
		}
		s += `,"Action":` + pick(g, `"*"`, `"s3:*"`, `"s3:Get*"`, `["s3:GetObject","s3:PutObject"]`, `"kms:*"`)
		s += `,"Resource":` + pick(g, `"*"`, `"arn:aws:s3:::b/*"`, `"arn:aws:s3:::b/${aws:username}/*"`, `"arn:aws:s3:::b/${aws:PrincipalTag/team}/*"`, `"arn:aws:s3"`)
		if g.IntN(2) == 0 {
			s += `,"Condition":{` + g.condition() + `}`
		}
		statements = append(statements, s+"}")
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func (g *generator) condition() string {
	return pick(g,
		`"StringEquals":{"aws:PrincipalTag/team":"red"}`, `"StringNotEquals":{"aws:PrincipalTag/team":"red"}`,
		`"Null":{"aws:TokenIssueTime":"true"}`, `"DateLessThan":{"aws:TokenIssueTime":"2026-05-06T07:07:30Z"}`,
		`"Bool":{"aws:MultiFactorAuthPresent":"true"}`, `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`,
		`"NumericLessThan":{"aws:MultiFactorAuthAge":"90"}`,
		`"StringEquals":{"aws:PrincipalOrgID":"o-abcdefghij"}`, `"StringEquals":{"aws:ResourceOrgID":"${aws:PrincipalOrgID}"}`,
		`"StringNotEqualsIfExists":{"aws:ResourceOrgID":"o-abcdefghij"}`,
		`"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-abcdefghij/r-abcd/*"}`, `"ForAnyValue:StringLike":{"aws:ResourceOrgPaths":"o-*"}`,
		`"StringEquals":{"aws:PrincipalAccount":"111122223333"}`, `"StringEquals":{"aws:ResourceAccount":"111122223333"}`,
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}`, `"StringLike":{"aws:userid":"AROA*:s*"}`,
		`"StringEquals":{"aws:PrincipalType":"User"}`, `"StringEquals":{"aws:SourceIdentity":"alice"}`,
		`"StringEquals":{"issuer.example:sub":"subject"}`, `"ForAnyValue:StringEquals":{"issuer.example:amr":"mfa"}`,
		`"StringEquals":{"sts:RequestContext/ticket":"4711"}`, `"Bool":{"aws:ViaAWSService":"false"}`, `"Bool":{"aws:PrincipalIsAWSService":"true"}`,
		`"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`, `"StringEquals":{"aws:username":"u0"}`)
}

func (g *generator) tags() []directory.Tag {
	if g.IntN(2) == 0 {
		return nil
	}
	return []directory.Tag{{Key: pick(g, "team", "Team"), Value: pick(g, "red", "blue", "u0")}}
}

func (g *generator) policies(n int) (texts []string) {
	for range g.IntN(n) {
		texts = append(texts, g.document(false))
	}
	return texts
}

// managed makes policies and returns their ARNs, at times one that is not there.
func (g *generator) managed(account arn.AccountID, n int) (arns []string) {
	for range g.IntN(n) {
		g.names++
		p := g.Policy(account, fmt.Sprintf("p%d", g.names), g.document(false))
		if g.IntN(12) == 0 {
			g.Remove(p.Key())
		}
		arns = append(arns, p.ARN)
	}
	return arns
}

func (g *generator) boundary(account arn.AccountID) string {
	if g.IntN(3) > 0 {
		return ""
	}
	return append(g.managed(account, 2), pick(g, "arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::111122223333:policy/gone"))[0]
}

func (g *generator) organize() {
	o := &directory.Organization{ID: "o-abcdefghij", RootID: "r-abcd", ManagementAccount: pick(g, dt.A, dt.B), Members: []arn.AccountID{dt.B, dt.A}}
	o.ServiceControl.Enabled, o.ResourceControl.Enabled = g.IntN(4) > 0, g.IntN(4) > 0
	o.ServiceControl.Era, o.ResourceControl.Era = 1, 1
	unit := &directory.Unit{ID: "ou-abcd-12345678", Name: "dev", Parent: o.RootID}
	for kind, t := range []directory.ControlType{directory.ServiceControl, directory.ResourceControl} {
		attached := []string{t.FullAccess()}
		for i := range g.IntN(2) {
			id := fmt.Sprintf("p-%d%d000000", kind, i)
			text := strings.ReplaceAll(g.document(false), `"Action":"*"`, `"Action":"s3:*"`) // the relying service may ask
			if t == directory.ResourceControl {
				text = strings.ReplaceAll(strings.ReplaceAll(text, `"Allow"`, `"Deny"`), `,"Action"`, `,"Principal":"*","Action"`)
			}
			g.Put(&directory.ControlPolicy{Owner: directory.Global, ID: id, Name: id, Type: t, Document: directory.NewDocument(text)})
			attached = append(attached, id)
		}
		o.Attach(&unit.Node, t, attached)
	}
	g.Put(o)
	g.Put(unit)
	g.Put(&directory.Member{Account: dt.A, Name: "a", Parent: unit.ID})
}

// callers are one of each kind, of account A or B.
func (g *generator) callers() (v *directory.View, all []credential) {
	account := pick(g, dt.A, dt.A, dt.B)
	u := g.User(account, "u0", g.policies(3)...)
	u.Tags, u.Attached, u.Boundary = g.tags(), g.managed(account, 3), g.boundary(account)
	if g.IntN(2) == 0 {
		group := &directory.Group{Account: account, Name: "devs", Path: "/", ID: "AGPA" + strconv.Itoa(g.IntN(1000)), Attached: g.managed(account, 2),
			Inline: []directory.InlinePolicy{{Name: "g", Document: directory.NewDocument(g.document(false))}}}
		g.Put(group)
		u.Groups = []string{group.ID}
	}
	r := g.Role(account, "r0", anyone, g.policies(3)...)
	r.Tags, r.Attached, r.Boundary = g.tags(), g.managed(account, 3), g.boundary(account)
	if g.IntN(8) == 0 {
		r.Path, r.ARN = "/aws-service-role/x/", arn.Role(arn.AWS, account, "/aws-service-role/x/", "r0")
	}
	sessionPolicies := g.managed(account, 3)
	root := g.RootKey(account)
	if g.IntN(3) > 0 {
		g.organize()
	}
	v = g.refresh()
	restricted := func(s identity.Session) identity.Session {
		s.Account = account
		if g.IntN(2) == 0 {
			s.Policy = g.document(false)
		}
		if g.IntN(2) == 0 {
			s.PolicyARNs = sessionPolicies
		}
		for _, t := range g.tags() {
			s.Tags = append(s.Tags, identity.SessionTag{Key: t.Key, Value: t.Value})
		}
		s.Issued = now.Add(-pick(g, time.Second, time.Minute)).Truncate(time.Second)
		return s
	}
	role := identity.Session{Kind: identity.RoleSession, PrincipalID: r.ID, Name: "s1", SourceIdentity: pick(g, "", "alice")}
	if g.IntN(2) == 0 {
		role.Attributes = []identity.Attribute{{Key: "issuer.example:amr", Values: []string{"mfa"}}, {Key: "issuer.example:sub", Values: []string{"subject"}},
			{Key: "sts:requestcontext/ticket", Values: []string{"4711"}}}
	}
	mfa := now.Add(-pick(g, time.Minute, time.Hour))
	return v, []credential{
		long(u.AccessKeys[0]), long(root),
		g.begin(v, restricted(role)),
		g.begin(v, identity.Session{Kind: identity.UserSession, Account: account, PrincipalID: u.ID, MFATime: pick(g, time.Time{}, mfa)}),
		g.begin(v, restricted(identity.Session{Kind: identity.FederationSession, PrincipalID: u.ID, Name: "bob"})),
		g.begin(v, restricted(identity.Session{Kind: identity.FederationSession, PrincipalID: string(account), Name: "bob"})),
		g.begin(v, identity.Session{Kind: identity.RootSession, Account: account, PrincipalID: string(account), MFATime: pick(g, time.Time{}, mfa)}),
		g.begin(v, identity.Session{Kind: identity.AssumedRootSession, Account: account, PrincipalID: string(account), Policy: g.document(false)}),
	}
}

// What a relying service decides by the policies and keys that it was given is what this server would decide: the same effect, by the
// same statement of the same policy.
func TestTransferredPoliciesDecideTheSame(t *testing.T) {
	t.Parallel()
	effects := make(map[policy.Effect]int)
	by := make(map[policy.Type]int)
	for seed := range uint64(150) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 6)), world: newWorld(t)}
		v, callers := g.callers()
		g.service.Trusted.All = true
		for _, c := range callers {
			answer, err := g.key(v, as(g.relying), c, nil)
			if err != nil || answer.Refusal != nil {
				t.Fatalf("seed %d: %+v, %v", seed, answer, err)
			}
			caller := g.authenticated(v, c)
			for range 6 {
				q := authz.Query{
					Action: pick(g, "s3:GetObject", "s3:PutObject", "s3:ListBucket", "kms:Decrypt"), ResourceAccount: dt.A,
					Resource: pick(g, "*", "arn:aws:s3:::b/k", "arn:aws:s3:::b/u0/k", "arn:aws:s3:::b/red/k"),
				}
				if g.IntN(3) == 0 {
					if q.ResourcePolicy, err = policy.New(g.document(true), policy.Resource); err != nil {
						t.Fatal(err)
					}
				}
				req := &identity.Request{Caller: caller, Time: now, Region: "us-east-1", SourceIP: netip.MustParseAddr("192.0.2.7"), SecureTransport: true}
				want := g.service.Authorizer.Authorize(v, req, q).Decision
				if got := decide(t, &answer.SigningKeyOutput, &q, req); got != want {
					t.Errorf("seed %d, %s %s on %s: %+v, want %+v\n%s", seed, answer.Caller.Principal.ARN, q.Action, q.Resource, got, want, asJSON(t, answer))
				}
				effects[want.Effect]++
				by[want.By]++
			}
		}
	}
	for _, e := range []policy.Effect{policy.Allow, policy.ImplicitDeny, policy.ExplicitDeny} {
		if effects[e] < 300 {
			t.Errorf("only %d decisions are %v: %v", effects[e], e, effects)
		}
	}
	for _, kind := range []policy.Type{policy.Identity, policy.Boundary, policy.Session, policy.Resource, policy.SCP, policy.RCP} {
		if by[kind] < 20 {
			t.Errorf("only %d decisions are by a %v: %v", by[kind], kind, by)
		}
	}
}

// authenticated is the caller of a credential as Authenticate finds it.
func (g *generator) authenticated(v *directory.View, c credential) identity.Caller {
	g.t.Helper()
	caller, _, err := g.service.Authn.SigningKey(v, scopeOf(c), now)
	if err != nil {
		g.t.Fatal(err)
	}
	return caller
}
