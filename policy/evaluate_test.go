package policy

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const (
	account = "111122223333"
	other   = "444455556666"
	allowS3 = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`
	denyS3  = `{"Version":"2012-10-17","Statement":{"Sid":"no","Effect":"Deny","Action":"s3:*","Resource":"*"}}`
	allowEC = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ec2:*","Resource":"*"}}`
)

var (
	alice = Principal{Kind: User, Account: account, ARN: "arn:aws:iam::" + account + ":user/alice", ID: "AIDAALICE"}
	role  = Principal{Kind: Role, Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/r/s",
		RoleARN: "arn:aws:iam::" + account + ":role/path/r", ID: "AROAROLE"}
	federated = Principal{Kind: FederatedUser, Account: account, ARN: "arn:aws:sts::" + account + ":federated-user/bob",
		FederatedBy: alice.ARN, FederatedByID: alice.ID}
	rootUser  = Principal{Kind: Root, Account: account, ARN: "arn:aws:iam::" + account + ":root", ID: account}
	service   = Principal{Kind: Service, Service: "ec2.amazonaws.com"}
	subject   = Principal{Kind: Federated, Provider: "arn:aws:iam::" + account + ":oidc-provider/idp.example"}
	anonymous = Principal{}
)

// granting is a resource policy that allows s3:GetObject to what principal, a JSON value, names.
func granting(t testing.TB, principal string) []Attached {
	return one(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":`+principal+`,"Action":"s3:GetObject","Resource":"*"}}`, Resource)
}

func get(p Principal, owner string) *Request {
	return &Request{Principal: p, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", ResourceAccount: owner}
}

// TestResourceGrants is the table of docs/policy-semantics.md on what a resource-based grant bypasses within one account:
// implicit denies of the identity-based policy (I), the boundary (B), the session policy (S).
func TestResourceGrants(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		caller    Principal
		principal string
		bypasses  string
	}{
		{"user by ARN", alice, `{"AWS":"` + alice.ARN + `"}`, "IB"},
		{"user by id", alice, `{"AWS":"AIDAALICE"}`, "IB"},
		{"user by everyone", alice, `"*"`, "IBS"},
		{"user by account", alice, `{"AWS":"` + account + `"}`, ""},
		{"role by ARN", role, `{"AWS":"` + role.RoleARN + `"}`, "I"},
		{"role by id", role, `{"AWS":"AROAROLE"}`, "I"},
		{"role by session ARN", role, `{"AWS":"` + role.ARN + `"}`, "IBS"},
		{"role by everyone", role, `{"AWS":"*"}`, "IBS"},
		{"role by root ARN", role, `{"AWS":"` + rootUser.ARN + `"}`, ""},
		{"federated user by session ARN", federated, `{"AWS":"` + federated.ARN + `"}`, "IBS"},
		{"federated user by federating user", federated, `{"AWS":"` + alice.ARN + `"}`, "I"},
		{"federated user by federating user's id", federated, `{"AWS":"AIDAALICE"}`, "I"},
		{"federated user by everyone", federated, `"*"`, "IBS"},
		{"federated user by account", federated, `{"AWS":"` + account + `"}`, ""},
	} {
		yes, no := one(t, allowS3, Identity), one(t, allowEC, Identity)
		pick := func(letter, blocked string) []Attached {
			if letter == blocked {
				return no
			}
			return yes
		}
		for _, blocked := range []string{"", "I", "B", "S"} {
			set := &Set{Identity: pick("I", blocked), Boundary: pick("B", blocked), HasBoundary: true,
				Session: pick("S", blocked), HasSession: true, Resource: granting(t, c.principal)}
			d := Evaluate(set, get(c.caller, account))
			if want := strings.Contains(c.bypasses, blocked); d.Allowed() != want {
				t.Errorf("%s, %s does not allow: got %+v, want allowed %v", c.name, blocked, d, want)
			}
			if blocked != "" && !Evaluate(set, get(c.caller, account)).Allowed() {
				want := map[string]Type{"I": Identity, "B": Boundary, "S": Session}[blocked]
				if d.By != want {
					t.Errorf("%s: denied by %v, want %v", c.name, d.By, want)
				}
			}
			// From another account nothing is bypassed.
			if Evaluate(set, get(c.caller, other)).Allowed() != (blocked == "") {
				t.Errorf("%s, %s does not allow, other account: bypassed", c.name, blocked)
			}
		}
	}
}

// TestCombination asserts who decided beside what was decided.
func TestCombination(t *testing.T) {
	t.Parallel()
	allow, deny, ec := one(t, allowS3, Identity), one(t, denyS3, Identity), one(t, allowEC, Identity)
	everyone := granting(t, `"*"`)
	denyEveryone := one(t, `{"Version":"2012-10-17","Statement":{"Sid":"no","Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}`, Resource)
	full := [][]Attached{allow, allow}
	linked := role
	linked.ServiceLinkedRole = true
	for _, c := range []struct {
		name   string
		set    Set
		caller Principal
		owner  string
		effect Effect
		by     Type
	}{
		{"no policy", Set{}, alice, account, ImplicitDeny, Identity},
		{"identity allows", Set{Identity: allow}, alice, account, Allow, Identity},
		{"identity denies", Set{Identity: append(allow[:1:1], deny...), Resource: everyone}, alice, account, ExplicitDeny, Identity},
		{"boundary grants nothing", Set{Boundary: allow, HasBoundary: true}, alice, account, ImplicitDeny, Identity},
		{"boundary without policies allows nothing", Set{Identity: allow, HasBoundary: true}, alice, account, ImplicitDeny, Boundary},
		{"every boundary policy must allow", Set{Identity: allow, Boundary: append(allow[:1:1], ec...), HasBoundary: true}, alice, account, ImplicitDeny, Boundary},
		{"boundary denies", Set{Identity: allow, Boundary: deny, HasBoundary: true}, alice, account, ExplicitDeny, Boundary},
		{"session limits", Set{Identity: allow, Session: ec, HasSession: true}, role, account, ImplicitDeny, Session}, // advisory 28
		{"session denies", Set{Identity: allow, Session: deny, HasSession: true}, role, account, ExplicitDeny, Session},
		{"one of the session policies allows", Set{Identity: allow, Session: append(ec[:1:1], allow...), HasSession: true}, role, account, Allow, Identity},
		{"federated user without a session policy", Set{Identity: allow}, federated, account, ImplicitDeny, Session},
		{"federated user named by the resource", Set{Resource: granting(t, `{"AWS":"`+federated.ARN+`"}`)}, federated, account, Allow, Resource},
		{"resource allows in the same account", Set{Resource: everyone}, alice, account, Allow, Resource},
		{"resource must allow too", Set{Identity: allow, ResourceRequired: true}, alice, account, ImplicitDeny, Resource},
		{"cross account, resource only", Set{Resource: everyone}, alice, other, ImplicitDeny, Identity},
		{"cross account, identity only", Set{Identity: allow}, alice, other, ImplicitDeny, Resource},
		{"cross account, both", Set{Identity: allow, Resource: everyone}, alice, other, Allow, Identity},
		{"trust, identity only", Set{Identity: allow, Trust: true}, alice, account, ImplicitDeny, Trust},
		{"root needs no policy", Set{}, rootUser, account, Allow, Identity},
		{"root in another account", Set{}, rootUser, other, ImplicitDeny, Resource},
		{"root in another account that lets it in", Set{Resource: granting(t, `{"AWS":"`+account+`"}`)}, rootUser, other, Allow, Identity},
		{"root denied by resource", Set{Resource: denyEveryone}, rootUser, account, ExplicitDeny, Resource},
		{"root denied by SCP", Set{SCPs: [][]Attached{allow, deny}}, rootUser, account, ExplicitDeny, SCP},
		{"SCP missing at one level", Set{Identity: allow, SCPs: [][]Attached{allow, ec, allow}}, alice, account, ImplicitDeny, SCP},
		{"SCP level without policies", Set{Identity: allow, SCPs: [][]Attached{allow, {}}}, alice, account, ImplicitDeny, SCP},
		{"SCPs of a level are a union", Set{Identity: allow, SCPs: [][]Attached{append(ec[:1:1], allow...)}}, alice, account, Allow, Identity},
		{"SCP grants nothing", Set{SCPs: full}, alice, account, ImplicitDeny, Identity},
		{"SCP and the management account", Set{Identity: allow, SCPs: [][]Attached{deny}, ManagementAccount: true}, alice, account, Allow, Identity},
		{"SCP and a service-linked role", Set{Identity: allow, SCPs: [][]Attached{deny}}, linked, account, Allow, Identity},
		{"SCP and a service principal", Set{Resource: everyone, SCPs: [][]Attached{deny}}, service, account, Allow, Resource},
		{"RCP denies", Set{Identity: allow, Resource: everyone, RCPs: [][]Attached{denyEveryone}}, alice, account, ExplicitDeny, RCP},
		{"RCP denies outsiders", Set{Identity: allow, Resource: everyone, RCPs: [][]Attached{denyEveryone}}, alice, other, ExplicitDeny, RCP},
		{"RCP denies anonymous", Set{Resource: everyone, RCPs: [][]Attached{denyEveryone}}, anonymous, account, ExplicitDeny, RCP},
		{"RCP and a service-linked role", Set{Identity: allow, RCPs: [][]Attached{denyEveryone}}, linked, account, Allow, Identity},
		{"RCP and the management account", Set{Identity: allow, RCPs: [][]Attached{denyEveryone}, ResourceManagementAccount: true}, alice, account, Allow, Identity},
		{"RCP before SCP", Set{Identity: allow, RCPs: [][]Attached{denyEveryone}, SCPs: [][]Attached{deny}}, alice, account, ExplicitDeny, RCP},
		{"endpoint must allow", Set{Identity: allow, HasEndpoint: true}, alice, account, ImplicitDeny, Endpoint},
		{"endpoint allows", Set{Identity: allow, Endpoint: everyone, HasEndpoint: true}, alice, account, Allow, Identity},
		{"anonymous without a resource policy", Set{Identity: allow}, anonymous, account, ImplicitDeny, Resource},
		{"anonymous and everyone", Set{Resource: everyone}, anonymous, account, Allow, Resource},
		{"anonymous and an account", Set{Resource: granting(t, `{"AWS":"`+account+`"}`)}, anonymous, account, ImplicitDeny, Resource},
		{"service by name", Set{Resource: granting(t, `{"Service":"ec2.amazonaws.com"}`)}, service, account, Allow, Resource},
		{"service by another name", Set{Resource: granting(t, `{"Service":"ec2.eu-west-1.amazonaws.com"}`)}, service, account, ImplicitDeny, Resource},
		{"federated subject by provider", Set{Trust: true, Resource: granting(t, `{"Federated":"`+subject.Provider+`"}`)}, subject, account, Allow, Trust},
		{"federated subject by everyone", Set{Trust: true, Resource: everyone}, subject, account, ImplicitDeny, Trust},
		{"federated subject denied by everyone", Set{Trust: true, Resource: append(granting(t, `{"Federated":"`+subject.Provider+`"}`), denyEveryone...)}, subject, account, ExplicitDeny, Trust},
		{"provider as AWS", Set{Trust: true, Resource: granting(t, `{"AWS":"`+subject.Provider+`"}`)}, subject, account, ImplicitDeny, Trust},
		{"canonical user is nobody", Set{Resource: granting(t, `{"CanonicalUser":"79a59d"}`)}, alice, account, ImplicitDeny, Identity},
		{"nil policy", Set{Identity: append(allow[:1:1], Attached{Name: "broken"})}, alice, account, ExplicitDeny, Identity},
		{"deny all", Set{Identity: append(allow[:1:1], Attached{Policy: DenyAll()})}, alice, account, ExplicitDeny, Identity},
		{"deny all on a resource", Set{Trust: true, Resource: append(granting(t, `{"Federated":"`+subject.Provider+`"}`), Attached{Policy: DenyAll()})}, subject, account, ExplicitDeny, Trust},
	} {
		d := Evaluate(&c.set, get(c.caller, c.owner))
		if d.Effect != c.effect || d.By != c.by {
			t.Errorf("%s: got %v by %v, want %v by %v", c.name, d.Effect, d.By, c.effect, c.by)
		}
		if traced := Explain(&c.set, get(c.caller, c.owner)).Decision; traced != d {
			t.Errorf("%s: traced %+v, plain %+v", c.name, traced, d)
		}
	}
}

// TestNotPrincipal: everything that the caller is must be listed, and a boundary makes the list void.
func TestNotPrincipal(t *testing.T) {
	t.Parallel()
	quoted := func(values ...string) string { return `{"AWS":["` + strings.Join(values, `","`) + `"]}` }
	for _, c := range []struct {
		name     string
		caller   Principal
		list     string
		boundary bool
		denied   bool
	}{
		{"user and account", alice, quoted(alice.ARN, account), false, false},
		{"user id and account", alice, quoted(alice.ID, rootUser.ARN), false, false},
		{"user and account, but a boundary", alice, quoted(alice.ARN, account), true, true},
		{"user alone", alice, quoted(alice.ARN), false, true},
		{"account alone", alice, quoted(account), false, true},
		{"account alone, root", rootUser, quoted(account), false, false},
		{"session, role and account", role, quoted(role.ARN, role.RoleARN, account), false, false},
		{"role and account", role, quoted(role.RoleARN, account), false, true},
		{"everyone", role, `"*"`, false, false},
		{"everyone, anonymous", anonymous, `"*"`, false, false},
		{"an account, anonymous", anonymous, quoted(account), false, true},
		{"the service", service, `{"Service":"ec2.amazonaws.com"}`, false, false},
		{"another service", service, `{"Service":"s3.amazonaws.com"}`, false, true},
	} {
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotPrincipal":` + c.list + `,"Action":"*","Resource":"*"},
			{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
		set := &Set{Resource: one(t, text, Resource), HasBoundary: c.boundary, Boundary: one(t, allowS3, Boundary)}
		if d := Evaluate(set, get(c.caller, account)); (d.Effect == ExplicitDeny) != c.denied || !c.denied && !d.Allowed() {
			t.Errorf("%s: got %v, want denied %v", c.name, d.Effect, c.denied)
		}
	}
}

// TestStatementsWithoutMeaning: what no grammar accepts never grants, and denies if it can.
func TestStatementsWithoutMeaning(t *testing.T) {
	t.Parallel()
	whole := Statement{Principals: []PrincipalValue{{"AWS", "*"}}, Actions: []string{"*"}, Resources: []string{"*"}}
	without := func(change func(*Statement)) Statement {
		s := whole
		change(&s)
		return s
	}
	for name, s := range map[string]Statement{
		"no action":        without(func(s *Statement) { s.Actions = nil }),
		"no resource":      without(func(s *Statement) { s.Resources = nil }),
		"no principal":     without(func(s *Statement) { s.Principals = nil }),
		"unknown operator": without(func(s *Statement) { s.Conditions = []Condition{{Operator: "Sounds", Key: "a", Values: []string{"b"}}} }),
		"unreadable Null": without(func(s *Statement) {
			s.Conditions = []Condition{{Operator: "Null", Key: "a", Values: []string{"maybe"}}}
		}),
		"allow not naming": without(func(s *Statement) { s.Principals, s.NotPrincipals = nil, []PrincipalValue{{"AWS", other}} }),
		"unreadable number": without(func(s *Statement) {
			s.Conditions = []Condition{{Operator: "NumericNotEquals", Key: "n", Values: []string{"x"}}}
		}),
	} {
		for _, effect := range []Effect{Allow, ExplicitDeny} {
			s.Effect = effect
			set := &Set{Resource: []Attached{{Name: "p", Policy: Compile(&Document{Version: Version2012, Statements: []Statement{s}})}}}
			request := get(alice, account)
			request.Context = Keys{"n": One("1")}
			want := ImplicitDeny
			if effect == ExplicitDeny {
				want = ExplicitDeny
			}
			if d := Evaluate(set, request); d.Effect != want {
				t.Errorf("%s, %v: got %v, want %v", name, effect, d.Effect, want)
			}
		}
	}
	set := &Set{Resource: []Attached{{Policy: Compile(&Document{Statements: []Statement{without(func(s *Statement) { s.Effect = Allow })}})}}}
	if !Evaluate(set, get(alice, account)).Allowed() {
		t.Error("positive control: the whole statement does not allow")
	}
	// An identity-based policy that names principals anyway.
	set = &Set{Identity: set.Resource}
	if Evaluate(set, get(alice, account)).Allowed() {
		t.Error("a statement with principals granted in an identity-based policy")
	}
}

func TestEmptyPrincipalIsNobody(t *testing.T) {
	t.Parallel()
	nameless := Principal{Kind: User, Account: account}
	for _, kind := range []string{"AWS", "Service", "Federated"} {
		p := Compile(&Document{Statements: []Statement{{Effect: Allow, Principals: []PrincipalValue{{kind, ""}}, Actions: []string{"*"}, Resources: []string{"*"}}}})
		for _, caller := range []Principal{nameless, {Kind: Role}, {Kind: FederatedUser}, anonymous, rootUser} {
			caller.Account = other
			if Evaluate(&Set{Resource: []Attached{{Policy: p}}}, get(caller, account)).Allowed() {
				t.Errorf("an empty %s principal let in %+v", kind, caller)
			}
		}
	}
}

func TestTypeNames(t *testing.T) {
	t.Parallel()
	for typ := Identity; typ <= Generic; typ++ {
		text, err := typ.MarshalText()
		if err != nil || string(text) != typ.String() || !strings.Contains(typ.String(), "policy") && typ != Boundary {
			t.Errorf("%d is %q, %v", typ, text, err)
		}
	}
	if text, err := ExplicitDeny.MarshalText(); err != nil || string(text) != "ExplicitDeny" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestPolicyKeepsItsDocument(t *testing.T) {
	t.Parallel()
	if d := one(t, denyS3, Identity)[0].Policy.Document(); d.Statements[0].Sid != "no" || d.Version != Version2012 {
		t.Errorf("got %+v", d)
	}
}

func TestResourcePolicyRequired(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		action, resource string
		required, trust  bool
	}{
		{"sts:assumerole", "arn:aws:iam::111122223333:role/r", true, true},
		{"sts:TagSession", "arn:aws:iam::111122223333:role/r", true, true},
		{"iam:GetRole", "arn:aws:iam::111122223333:role/r", false, false},
		{"KMS:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k", true, false},
		{"kms:ListKeys", "*", false, false},
		{"s3:GetObject", "arn:aws:s3:::b/k", false, false},
	} {
		if required, trust := ResourcePolicyRequired(c.action, c.resource); required != c.required || trust != c.trust {
			t.Errorf("%s on %s: got %v, %v", c.action, c.resource, required, trust)
		}
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		d    Decision
		want string
	}{
		{Decision{}, "because no identity-based policy allows the s3:GetObject action"},
		{Decision{By: Session}, "because no session policy allows the s3:GetObject action"},
		{Decision{Effect: ExplicitDeny, By: Identity}, "with an explicit deny in an identity-based policy"},
		{Decision{Effect: ExplicitDeny, By: SCP}, "with an explicit deny in a service control policy"},
		{Decision{Effect: Allow}, ""},
	} {
		if got := c.d.Reason("s3:GetObject"); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	text := `{"Version":"2012-10-17","Statement":[
		{"Sid":"a","Effect":"Allow","Action":"ec2:*","Resource":"*"},
		{"Sid":"b","Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::c/*"},
		{"Sid":"c","Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}"},
		{"Sid":"d","Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/Team":["x","y"]},"Null":{"a":"true"}}}]}`
	request := get(alice, account)
	request.Context = Keys{"aws:principaltag/team": One("z")}
	trace := Explain(&Set{Identity: one(t, text, Identity)}, request)
	want := []string{reasons[missAction], reasons[missResource], reasons[missVariable], reasons[missCondition]}
	for i, s := range trace.Policies[0].Statements {
		if s.Matched || s.Reason != want[i] {
			t.Errorf("%s: %q, want %q", s.Sid, s.Reason, want[i])
		}
	}
	encoded, err := json.Marshal(trace.Policies[0].Statements[3].Conditions)
	wantJSON := `[{"operator":"StringEquals","key":"aws:PrincipalTag/Team","values":["x","y"],"present":true,"request":["z"],"held":false,` +
		`"reason":"\"z\" matches none of the policy's values"},` +
		`{"operator":"Null","key":"a","values":["true"],"present":false,"held":true}]`
	if err != nil || string(encoded) != wantJSON {
		t.Errorf("got %s, %v\nwant %s", encoded, err, wantJSON)
	}
}

// TestConditionReasons: a trace says of a condition that does not hold which value failed, and why.
func TestConditionReasons(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		operator, key string
		values        []string
		want          string
	}{
		{"StringEquals", "k", []string{"a", "b"}, `"x" matches none of the policy's values`},
		{"StringNotLike", "k", []string{"a", "x*"}, `"x" matches "x*"`},
		{"NotIpAddress", "k", []string{"10.0.0.0/8"}, `"x" cannot be compared with the policy's values`},
		{"ForAllValues:StringEquals", "m", []string{"a"}, `"b" matches none of the policy's values`},
		{"ForAnyValue:StringNotEquals", "m", []string{"a", "b"}, `"a" matches "a"`},
		{"StringEquals", "missing", []string{"a"}, "the request does not have the key"},
		{"ForAnyValue:StringNotEquals", "none", []string{"a"}, "the request does not have the key"},
		{"Null", "missing", []string{"false"}, "the request does not have the key"},
		{"Null", "k", []string{"true"}, "the request has the key"},
		{"StringResembles", "k", []string{"x"}, "there is no such operator"},
		{"StringEquals", "k", []string{"x"}, ""},
	} {
		d := &Document{Version: Version2012, Statements: []Statement{{Effect: Allow, Actions: []string{"*"}, Resources: []string{"*"},
			Conditions: []Condition{{Operator: c.operator, Key: c.key, Values: c.values}}}}}
		request := get(alice, account)
		request.Context = Keys{"k": One("x"), "m": Many([]string{"a", "b"}), "none": Many(nil)}
		got := Explain(&Set{Identity: []Attached{{Policy: Compile(d)}}}, request).Policies[0].Statements[0].Conditions[0]
		if got.Reason != c.want || got.Held != (c.want == "") {
			t.Errorf("%s %s %v: held %v, %q, want %q", c.operator, c.key, c.values, got.Held, got.Reason, c.want)
		}
	}
}

// drawSet makes a set of small policies and a request that they have something to say about.
func drawSet(t *rapid.T) (*Set, *Request) {
	attached := func(label string, typ Type) []Attached {
		var list []Attached
		for range rapid.IntRange(0, 2).Draw(t, label) {
			list = append(list, Attached{Name: label, Policy: Compile(drawDocument(t, typ))})
		}
		return list
	}
	callers := []Principal{alice, role, federated, rootUser, service, anonymous}
	set := &Set{Identity: attached("identity", Identity), Boundary: attached("boundary", Boundary),
		HasBoundary: rapid.Bool().Draw(t, "has boundary"), Session: attached("session", Session),
		HasSession: rapid.Bool().Draw(t, "has session"), Resource: attached("resource", Resource),
		Trust: rapid.Bool().Draw(t, "trust")}
	if rapid.Bool().Draw(t, "organization") {
		set.SCPs = [][]Attached{attached("SCP", SCP)}
		set.RCPs = [][]Attached{attached("RCP", RCP)}
	}
	request := get(rapid.SampledFrom(callers).Draw(t, "caller"), rapid.SampledFrom([]string{account, other}).Draw(t, "owner"))
	request.Context = Keys{"k": One(rapid.SampledFrom([]string{"x", "y"}).Draw(t, "value"))}
	return set, request
}

func drawDocument(t *rapid.T, typ Type) *Document {
	d := &Document{Type: typ, Version: Version2012}
	for range rapid.IntRange(0, 3).Draw(t, "statements") {
		s := Statement{Effect: rapid.SampledFrom([]Effect{Allow, Allow, ExplicitDeny}).Draw(t, "effect")}
		action := []string{rapid.SampledFrom([]string{"*", "s3:*", "s3:GetObject", "ec2:*"}).Draw(t, "action")}
		if rapid.IntRange(0, 4).Draw(t, "not action") == 0 {
			s.NotActions = action
		} else {
			s.Actions = action
		}
		s.Resources = []string{rapid.SampledFrom([]string{"*", "arn:aws:s3:::b/*", "arn:aws:s3:::${k}/*"}).Draw(t, "resource")}
		if namesPrincipals(typ) {
			s.Principals = []PrincipalValue{{"AWS", rapid.SampledFrom([]string{"*", account, alice.ARN, role.RoleARN, role.ARN,
				federated.ARN}).Draw(t, "principal")}}
		}
		if operator := rapid.SampledFrom([]string{"", "", "StringEquals", "ForAllValues:StringNotEquals"}).Draw(t, "operator"); operator != "" {
			s.Conditions = []Condition{{Operator: operator, Key: "k", Values: []string{"x"}}}
		}
		d.Statements = append(d.Statements, s)
	}
	return d
}

// denyingRandomly is a policy whose statements all deny.
func denyingRandomly(t *rapid.T, typ Type) Attached {
	d := drawDocument(t, typ)
	for i := range d.Statements {
		d.Statements[i].Effect = ExplicitDeny
	}
	return Attached{Name: "added", Policy: Compile(d)}
}

func TestAddingADenyNeverEnlarges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		set, request := drawSet(t)
		before := Evaluate(set, request)
		after := *set
		switch rapid.IntRange(0, 4).Draw(t, "where") {
		case 0:
			after.Identity = append(set.Identity[:len(set.Identity):len(set.Identity)], denyingRandomly(t, Identity))
		case 1:
			after.Boundary = append(set.Boundary[:len(set.Boundary):len(set.Boundary)], denyingRandomly(t, Boundary))
		case 2:
			after.Session = append(set.Session[:len(set.Session):len(set.Session)], denyingRandomly(t, Session))
		case 3:
			after.Resource = append(set.Resource[:len(set.Resource):len(set.Resource)], denyingRandomly(t, Resource))
		case 4:
			after.SCPs = append(set.SCPs[:len(set.SCPs):len(set.SCPs)], []Attached{denyingRandomly(t, SCP)})
		}
		if d := Evaluate(&after, request); d.Allowed() && !before.Allowed() {
			t.Fatalf("before %+v, after %+v", before, d)
		}
	})
}

// advisory 28 (CVE-2025-62506): a session policy restricts for every action, also of a caller on itself.
func TestAddingASessionPolicyOrBoundaryNeverEnlarges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		set, request := drawSet(t)
		set.HasSession, set.HasBoundary = false, false
		before := Evaluate(set, request)
		after := *set
		after.HasSession = rapid.Bool().Draw(t, "session")
		after.HasBoundary = !after.HasSession || rapid.Bool().Draw(t, "boundary")
		if d := Evaluate(&after, request); d.Allowed() && !before.Allowed() {
			t.Fatalf("before %+v, after %+v", before, d)
		}
		if traced := Explain(&after, request).Decision; traced != Evaluate(&after, request) {
			t.Fatal("traced and plain decisions differ")
		}
	})
}

// TestOrderOfStatementsDoesNotMatter also holds for the decision's source, because it compares the effect alone.
func TestOrderOfStatementsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		_, request := drawSet(t)
		d := drawDocument(t, Resource)
		shuffled := *d
		shuffled.Statements = rapid.Permutation(d.Statements).Draw(t, "order")
		effect := func(d *Document) Effect {
			return Evaluate(&Set{Resource: []Attached{{Policy: Compile(d)}}}, request).Effect
		}
		if effect(d) != effect(&shuffled) {
			t.Fatal("the order of statements decided")
		}
	})
}
