package policy

import (
	"encoding/json"
	"flag"
	"math/rand/v2"
	"testing"
)

var (
	oracleRuns = flag.Int("oracle", 3000, "random (policies, request) pairs to decide with the naive evaluator too")
	oracleSeed = flag.Uint64("oracle.seed", 0, "seed of the first of them; 0 draws one")
)

// TestNaiveEvaluatorAgrees decides random requests on random policies four times: with the naive evaluator, with the index, by
// a plain scan and with a trace. `make policy-oracle` does so a million times.
func TestNaiveEvaluatorAgrees(t *testing.T) {
	t.Parallel()
	seed := *oracleSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	outcomes := map[Effect]int{}
	for i := range uint64(*oracleRuns) {
		d := drawer{rand.New(rand.NewPCG(seed+i, 0))}
		set, request := d.set(), d.request()
		effect, by := (&naive{set: set, request: request, keys: request.Context.(Keys)}).decide()
		outcomes[effect]++
		indexed, scanned := set.compile()
		decision := Evaluate(indexed, request)
		plain, traced := Evaluate(scanned, request), Explain(indexed, request).Decision
		if decision.Effect != effect || decision.By != by || decision != plain || decision != traced {
			documents, _ := json.Marshal(set.documents())
			asked, _ := json.Marshal(request)
			t.Fatalf("seed %d: naively %v by %v\nindexed %+v\nscanned %+v\ntraced %+v\n%s\n%+v\n%s\n%+v",
				seed+i, effect, by, decision, plain, traced, documents, *set, asked, request.Context)
		}
	}
	t.Logf("%d pairs from seed %d: %v", *oracleRuns, seed, outcomes)
	for _, effect := range []Effect{Allow, ImplicitDeny, ExplicitDeny} {
		if outcomes[effect]*20 < *oracleRuns {
			t.Errorf("only %d of %d are %v; the policies drawn say too little", outcomes[effect], *oracleRuns, effect)
		}
	}
}

func (s *naiveSet) documents() [][]*Document {
	all := [][]*Document{s.identity, s.boundary, s.session, s.resource, s.endpoint}
	return append(append(all, s.scps...), s.rcps...)
}

// FuzzEvaluate decides what the seed draws, with an action, a resource and a value of a key that the fuzzer chooses: with the
// index, by a plain scan and with a trace. A policy that denies all must turn each decision.
func FuzzEvaluate(f *testing.F) {
	f.Add(uint64(1), "s3:GetObject", "arn:aws:s3:::b/k", "x")
	f.Add(uint64(7), "sts:AssumeRole", "arn:aws:iam::111122223333:role/r", "alice")
	f.Add(uint64(9), "S3:\xff", "arn:aws:s3:::é*?${k}", "2026-01-01T00:00:00Z")
	f.Fuzz(func(t *testing.T, seed uint64, action, resource, value string) {
		d := drawer{rand.New(rand.NewPCG(seed, 0))}
		set, request := d.set(), d.request()
		request.Action, request.Resource = action, resource
		for _, key := range []string{"k", "aws:username", "n", "d", "i", "arn", "bin"} {
			if d.oneIn(2) {
				request.Context.(Keys)[key] = One(value)
			}
		}
		indexed, scanned := set.compile()
		decision, plain, traced := Evaluate(indexed, request), Evaluate(scanned, request), Explain(indexed, request).Decision
		if decision != plain || decision != traced {
			t.Fatalf("indexed %+v\nscanned %+v\ntraced %+v", decision, plain, traced)
		}
		indexed.Resource = append(indexed.Resource, Attached{Policy: DenyAll()})
		if denied := Evaluate(indexed, request); denied.Effect != ExplicitDeny {
			t.Fatalf("with a policy that denies all: %+v", denied)
		}
	})
}

// compile gives the sets for the evaluator proper, with indexes and without.
func (s *naiveSet) compile() (indexed, scanned *Set) {
	list := func(documents []*Document) (indexed, scanned []Attached) {
		for _, d := range documents {
			p := Compile(d)
			indexed, scanned = append(indexed, Attached{Name: "p", Policy: p}), append(scanned, Attached{Name: "p", Policy: p.WithoutIndex()})
		}
		return indexed, scanned
	}
	indexed = &Set{HasBoundary: s.hasBoundary, HasSession: s.hasSession, HasEndpoint: s.hasEndpoint, Trust: s.trust,
		ResourceRequired: s.resourceRequired, ManagementAccount: s.management, ResourceManagementAccount: s.resourceManagement}
	scanned = new(*indexed)
	indexed.Identity, scanned.Identity = list(s.identity)
	indexed.Boundary, scanned.Boundary = list(s.boundary)
	indexed.Session, scanned.Session = list(s.session)
	indexed.Resource, scanned.Resource = list(s.resource)
	indexed.Endpoint, scanned.Endpoint = list(s.endpoint)
	for _, level := range s.scps {
		a, b := list(level)
		indexed.SCPs, scanned.SCPs = append(indexed.SCPs, a), append(scanned.SCPs, b)
	}
	for _, level := range s.rcps {
		a, b := list(level)
		indexed.RCPs, scanned.RCPs = append(indexed.RCPs, a), append(scanned.RCPs, b)
	}
	return indexed, scanned
}

// drawer draws policies and requests that have something to say about each other.
type drawer struct{ *rand.Rand }

func (d drawer) oneIn(n int) bool { return d.IntN(n) == 0 }

func (d drawer) of(list ...string) string { return list[d.IntN(len(list))] }

func (d drawer) some(list ...string) []string {
	drawn := []string{d.of(list...)}
	for d.oneIn(3) {
		drawn = append(drawn, d.of(list...))
	}
	return drawn
}

func (d drawer) set() *naiveSet {
	s := &naiveSet{
		identity: d.policies(Identity, 3), boundary: d.policies(Boundary, 2), session: d.policies(Session, 2),
		resource: d.policies(Resource, 2), endpoint: d.policies(Endpoint, 2),
		hasBoundary: d.oneIn(3), hasSession: d.oneIn(3), hasEndpoint: d.oneIn(8), trust: d.oneIn(6), resourceRequired: d.oneIn(10),
		management: d.oneIn(5), resourceManagement: d.oneIn(5),
	}
	if s.trust {
		s.resource = d.policies(Trust, 2)
	}
	if d.oneIn(3) {
		for range 1 + d.IntN(3) {
			s.scps = append(s.scps, append(d.policies(SCP, 2), d.full(SCP)...))
			s.rcps = append(s.rcps, d.policies(RCP, 2))
		}
	}
	return s
}

// full is often a policy that allows all.
func (d drawer) full(t Type) []*Document {
	if d.oneIn(4) {
		return nil
	}
	return []*Document{{Type: t, Version: Version2012, Statements: []Statement{{Effect: Allow, Actions: []string{"*"}, Resources: []string{"*"}}}}}
}

func (d drawer) policies(t Type, most int) []*Document {
	var list []*Document
	for range d.IntN(most + 1) {
		document := &Document{Type: t, Version: d.of(Version2012, Version2012, Version2012, Version2008, "")}
		statements := d.IntN(4)
		if d.oneIn(4) {
			statements = indexFrom + d.IntN(2*indexFrom)
		}
		for range statements {
			document.Statements = append(document.Statements, d.statement(t, statements))
		}
		list = append(list, document)
	}
	return list
}

// statement draws one of so many of a policy: the more there are the seldomer they match.
func (d drawer) statement(t Type, of int) Statement {
	s := Statement{Effect: Allow}
	if d.oneIn(4 + of) {
		s.Effect = ExplicitDeny
	}
	actions := d.some("*", "s3:*", "s3:GetObject", "S3:getobject", "s3:Get?bject", "s3:G*t*", "s3:Put*", "s3:PutObject", "ec2:*", "sts:AssumeRole", "sts:*")
	if of >= indexFrom && !d.oneIn(3) {
		actions = d.some("ec2:RunInstances", "ec2:*", "s3:PutObject", "s3:List*", "sts:TagSession", "s3:GetObjectAcl")
	}
	if d.oneIn(8) {
		s.NotActions = actions
	} else {
		s.Actions = actions
	}
	resources := d.some("*", "*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", "arn:aws:s3:::*/k", "arn:aws:s3:::b/?", "arn:aws:s3",
		"arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::${k, 'b'}/k", "arn:aws:s3:::b/${missing, 'k'}", "arn:aws:${k}:::b/k",
		"arn:aws:s3:::b/${*}", "arn:aws:s3:::b/${}", "arn:aws:s3:::b/${missing}*", "arn:aws:s3:::b/${m}", "arn:aws:s3:::B/K", "arn:aws:s3:::b/é*?",
		"arn:aws:s3:::b/${k", "${arn}")
	switch {
	case d.oneIn(8):
		s.NotResources = resources
	case t != Trust || d.oneIn(3):
		s.Resources = resources
	}
	if namesPrincipals(t) {
		if list := d.principals(); d.oneIn(8) {
			s.NotPrincipals = list
		} else {
			s.Principals = list
		}
	}
	for d.oneIn(3) {
		s.Conditions = append(s.Conditions, d.condition())
	}
	return s
}

func (d drawer) principals() []PrincipalValue {
	var list []PrincipalValue
	for range 1 + d.IntN(4) {
		switch d.IntN(8) {
		case 0:
			list = append(list, PrincipalValue{"Service", d.of(service.Service, "s3.amazonaws.com")})
		case 1:
			list = append(list, PrincipalValue{"Federated", d.of(subject.Provider, "accounts.google.com")})
		case 2:
			list = append(list, PrincipalValue{"CanonicalUser", "79a59d"})
		case 3:
			list = append(list, PrincipalValue{"AWS", "*"})
		default:
			list = append(list, PrincipalValue{"AWS", d.of(account, other, rootUser.ARN, alice.ARN, alice.ID, role.ARN, role.RoleARN, role.ID,
				federated.ARN, "arn:aws:iam::"+account+":user/bob")})
		}
	}
	return list
}

// families are the operators with values that they can read, and one that they cannot.
func (d drawer) family() (operators, keys, values []string) {
	order := func(family string) []string {
		return []string{family + "Equals", family + "NotEquals", family + "LessThan", family + "LessThanEquals", family + "GreaterThan", family + "GreaterThanEquals"}
	}
	switch d.IntN(9) {
	case 0:
		return order("Numeric"), []string{"n"}, []string{"1", "1.0", "-1", "10", "2.50", "007", "1e3", "many"}
	case 1:
		return order("Date"), []string{"d"}, []string{"2026", "2026-01", "2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00",
			"2025-12-31T23:59:59.5Z", "1767225600", "2026-02-30", "never"}
	case 2:
		return []string{"Bool"}, []string{"b"}, []string{"true", "false", "TRUE", "1"}
	case 3:
		return []string{"IpAddress", "NotIpAddress"}, []string{"i"}, []string{"10.0.0.0/8", "10.0.0.1", "10.0.0.1/32", "2001:db8::/32", "2001:db8::1", "0.0.0.0/0",
			"::/0", "10.0.0.300", "host"}
	case 4:
		return []string{"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"}, []string{"arn"}, []string{"arn:aws:sns:*:" + account + ":t", "arn:aws:sns:r:" + account + ":t",
			"arn:aws:sns:r:*:t*", "*", "arn:aws:sns:r:a", "${arn}", "arn:aws:sns:r:${aws:username}:t", "arn:aws:sns:r:" + account + ":${k}", "t"}
	case 5:
		return []string{"BinaryEquals"}, []string{"bin"}, []string{"YWI=", "YQ==", "!"}
	case 6:
		return []string{"Null"}, []string{"k", "m", "missing", "empty"}, []string{"true", "false"}
	}
	return []string{"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"},
		[]string{"k", "m", "aws:username", "empty"}, []string{"x", "X", "y", "*", "?", "x*", "${k}", "${aws:username}", "${missing, 'x'}", "${missing}", "${*}", "${m}", "", "é"}
}

func (d drawer) condition() Condition {
	operators, keys, values := d.family()
	c := Condition{Operator: d.of(operators...), Key: d.of(keys...), Values: d.some(values...)}
	if c.Operator != "Null" {
		c.Operator = d.of("", "", "ForAllValues:", "ForAnyValue:") + c.Operator + d.of("", "", "IfExists")
		if d.oneIn(8) {
			c.Key = d.of("m", "missing", "k", "K", "empty", "none")
		}
	}
	return c
}

func (d drawer) request() *Request {
	callers := []Principal{alice, alice, role, role, federated, rootUser, service, subject, anonymous, role}
	callers[len(callers)-1].ServiceLinkedRole = true
	keys := Keys{
		"k": One(d.of("x", "y", "X", "b", "é", "*")), "aws:username": One(d.of("alice", "x", "?")), "n": One(d.of("1", "1.00", "-5", "many")),
		"d": One(d.of("2026-01-01T00:00:00Z", "1767225599", "2026-01-01T00:00:00.25Z", "never")), "b": One(d.of("true", "False", "1")),
		"i": One(d.of("10.0.0.1", "11.0.0.1", "2001:db8::1", "host")), "arn": One(d.of("arn:aws:sns:r:"+account+":t", "arn:aws:sns:r:"+other+":t:u", "t")),
		"bin": One(d.of("YWI=", "YQ==", "!")), "m": Many(d.some("x", "y", "", "é")), "empty": One(""), "none": Many(nil),
	}
	for _, key := range []string{"k", "n", "d", "b", "i", "arn", "m", "aws:username"} {
		if d.oneIn(6) {
			delete(keys, key)
		}
	}
	return &Request{Principal: callers[d.IntN(len(callers))], Action: d.of("s3:GetObject", "s3:GetObject", "S3:GETOBJECT", "s3:PutObject", "sts:AssumeRole"),
		Resource:        d.of("arn:aws:s3:::b/k", "arn:aws:s3:::b/k", "arn:aws:s3:::b/alice/k", "arn:aws:s3:::x/k", "*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/éé"),
		ResourceAccount: d.of(account, account, other, ""), Context: keys}
}
