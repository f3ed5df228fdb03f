package policy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sharedFile reads a file of the shared data. Where the data is not there the test ends, except under CI, where it must be.
func sharedFile(t *testing.T, name string, into any) bool {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", name))
	if os.IsNotExist(err) && os.Getenv("CI") != "true" {
		t.Logf("%s is not there; only the package's own cases run", name)
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
	return true
}

// sharedCase is one case of policy/cases.json.
type sharedCase struct {
	ID       string
	Kind     string
	Name     string
	Scored   bool
	Type     string `json:"policy_type"`
	Document json.RawMessage
	Policies struct {
		Identity, Boundary, Session, Endpoint []json.RawMessage
		Resource                              json.RawMessage
		SCPs                                  [][]json.RawMessage `json:"scps"`
		RCPs                                  [][]json.RawMessage `json:"rcps"`
	}
	Request struct {
		Principal struct{ Kind, ARN, Account string }
		Action    string
		Resource  struct{ ARN, Account string }
		Context   map[string]any
	}
	Expect struct {
		Decision string
		Valid    bool
		Error    string
	}
}

func attach(t *testing.T, documents []json.RawMessage) []Attached {
	t.Helper()
	var attached []Attached
	for _, text := range documents {
		p, err := New(string(text), Generic)
		if err != nil {
			t.Logf("document does not parse and denies everything: %v", err)
			p = DenyAll()
		}
		attached = append(attached, Attached{Name: "p", Policy: p})
	}
	return attached
}

func attachLevels(t *testing.T, levels [][]json.RawMessage) [][]Attached {
	t.Helper()
	var attached [][]Attached
	for _, documents := range levels {
		attached = append(attached, attach(t, documents))
	}
	return attached
}

func contextOf(values map[string]any) Keys {
	keys := Keys{}
	for name, value := range values {
		name = strings.ToLower(name)
		switch value := value.(type) {
		case string:
			keys[name] = One(value)
		case []any:
			var many []string
			for _, v := range value {
				many = append(many, v.(string))
			}
			keys[name] = Many(many)
		}
	}
	return keys
}

// principalOf makes the principal of a case. What the case leaves out follows from AWS's forms: a session's role, and the user
// of the same name as a federated user's federator.
func principalOf(c *sharedCase) Principal {
	in := c.Request.Principal
	p := Principal{Account: in.Account, ARN: in.ARN}
	switch in.Kind {
	case "user":
		p.Kind = User
	case "root":
		p.Kind = Root
	case "role":
		p.Kind, p.RoleARN = Role, in.ARN
	case "role-session":
		p.Kind = Role
		role, _, _ := strings.Cut(strings.TrimPrefix(in.ARN, "arn:aws:sts::"+in.Account+":assumed-role/"), "/")
		p.RoleARN = "arn:aws:iam::" + in.Account + ":role/" + role
		if arn, ok := c.Request.Context["aws:PrincipalArn"].(string); ok {
			p.RoleARN = arn
		}
	case "federated-user":
		p.Kind = FederatedUser
		_, name, _ := strings.Cut(in.ARN, "federated-user/")
		p.FederatedBy = "arn:aws:iam::" + in.Account + ":user/" + name
	case "federated":
		p.Kind, p.Provider = Federated, in.ARN
	case "service":
		p.Kind, p.Service = Service, in.ARN
	}
	return p
}

func (c *sharedCase) decide(t *testing.T) (Decision, Trace) {
	set := &Set{
		Identity: attach(t, c.Policies.Identity),
		Boundary: attach(t, c.Policies.Boundary), HasBoundary: c.Policies.Boundary != nil,
		Session: attach(t, c.Policies.Session), HasSession: c.Policies.Session != nil,
		Endpoint: attach(t, c.Policies.Endpoint), HasEndpoint: c.Policies.Endpoint != nil,
		SCPs: attachLevels(t, c.Policies.SCPs), RCPs: attachLevels(t, c.Policies.RCPs),
	}
	if len(c.Policies.Resource) > 0 && string(c.Policies.Resource) != "null" {
		set.Resource = attach(t, []json.RawMessage{c.Policies.Resource})
	}
	set.ResourceRequired, set.Trust = ResourcePolicyRequired(c.Request.Action, c.Request.Resource.ARN)
	request := &Request{Principal: principalOf(c), Action: c.Request.Action, Resource: c.Request.Resource.ARN,
		ResourceAccount: c.Request.Resource.Account, Context: contextOf(c.Request.Context)}
	return Evaluate(set, request), Explain(set, request)
}

func (c *sharedCase) validate(t *testing.T) {
	types := map[string]Type{"identity": Managed, // recorded from CreatePolicy
		"resource": Resource, "trust": Trust, "generic": Generic}
	text := string(c.Document)
	var raw string
	if json.Unmarshal(c.Document, &raw) == nil {
		text = raw
	}
	d, err := Parse(text, types[c.Type])
	switch {
	case c.Expect.Valid && err != nil:
		t.Errorf("refused: %v\n%s", err, text)
	case !c.Expect.Valid && err == nil:
		t.Errorf("accepted, want %q\n%s", c.Expect.Error, text)
	case err == nil:
		Compile(d)
	case c.Type == "identity" && err.Error() != c.Expect.Error:
		t.Errorf("refused with %q, want %q\n%s", err, c.Expect.Error, text)
	}
}

func TestSharedPolicyCases(t *testing.T) {
	t.Parallel()
	var file struct{ Cases []sharedCase }
	if !sharedFile(t, "policy/cases.json", &file) {
		return
	}
	scored := 0
	for i := range file.Cases {
		c := &file.Cases[i]
		if c.Scored {
			scored++
		}
		t.Run(c.ID, func(t *testing.T) {
			if c.Kind == "validate" {
				c.validate(t)
				return
			}
			got, trace := c.decide(t)
			if trace.Decision != got {
				t.Errorf("traced decision %v, plain decision %v", trace.Decision, got)
			}
			matches := got.Effect.String() == c.Expect.Decision || c.Expect.Decision == "Deny" && !got.Allowed()
			if c.Scored && !matches {
				explained, _ := json.Marshal(trace)
				t.Errorf("%s: got %v, want %s\n%s", c.Name, got.Effect, c.Expect.Decision, explained)
			}
		})
	}
	if scored < 480 {
		t.Errorf("only %d scored cases, want at least 480", scored)
	}
}

// wireCase is one case of wire/cases.json, as far as policies are concerned.
type wireCase struct {
	ID      string
	Setup   []map[string]any
	Request struct{ Params map[string]json.RawMessage }
	Expect  struct {
		Status       any
		Message      string
		MessageRegex string `json:"message_regex"`
		Decision     string
	}
}

func wireCases(t *testing.T, groups ...string) []wireCase {
	var all []wireCase
	if !sharedFile(t, "wire/cases.json", &all) {
		return nil
	}
	var chosen []wireCase
	for _, c := range all {
		group, _, _ := strings.Cut(c.ID, "-")
		for _, g := range groups {
			if g == group {
				chosen = append(chosen, c)
			}
		}
	}
	return chosen
}

// documentOf gives a parameter that is a document: text, or an object with its JSON.
func documentOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var wrapped struct{ JSON json.RawMessage }
	if json.Unmarshal(raw, &wrapped) != nil {
		return string(raw)
	}
	return string(wrapped.JSON)
}

func TestWireDocumentCases(t *testing.T) {
	t.Parallel()
	cases := wireCases(t, "pol", "polok", "tp")
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			typ, raw := Managed, c.Request.Params["PolicyDocument"]
			if trust, found := c.Request.Params["AssumeRolePolicyDocument"]; found {
				typ, raw = Trust, trust
			}
			_, err := Parse(documentOf(raw), typ)
			status, fixed := c.Expect.Status.(float64)
			switch {
			case !fixed: // AWS is on record with both answers
			case strings.HasPrefix(c.Expect.Message, "Invalid principal"): // whether a principal exists is the directory's to say
			case status == 200 && err != nil:
				t.Errorf("refused: %v\n%s", err, raw)
			case status != 200 && err == nil:
				t.Errorf("accepted, want %q\n%s", c.Expect.Message, raw)
			case err == nil:
			case c.Expect.MessageRegex != "" && !regexp.MustCompile(c.Expect.MessageRegex).MatchString(err.Error()),
				c.Expect.MessageRegex == "" && err.Error() != c.Expect.Message:
				t.Errorf("refused with %q, want %q%q\n%s", err, c.Expect.Message, c.Expect.MessageRegex, raw)
			}
		})
	}
	if cases != nil && len(cases) < 60 {
		t.Errorf("only %d cases, want at least 60", len(cases))
	}
}

// TestWireBoundaryCases runs the matrix measured on AWS by BENKEHOE: a role session with a boundary, a role policy and a
// resource policy that names the caller in one of four ways.
func TestWireBoundaryCases(t *testing.T) {
	t.Parallel()
	cases := wireCases(t, "bnd")
	const role, session = "arn:aws:iam::111122223333:role/r", "arn:aws:sts::111122223333:assumed-role/r/s"
	named := map[string]string{
		"role-arn":                       `{"AWS":"` + role + `"}`,
		"session-arn":                    `{"AWS":"` + session + `"}`,
		"account+PrincipalArn-condition": `{"AWS":"arn:aws:iam::111122223333:root"}`,
		"star+PrincipalArn-condition":    `"*"`,
	}
	for _, c := range cases {
		vector := c.Setup[0]
		policyOf := func(allows any, principal, condition string) []Attached {
			action := "s3:PutObject"
			if allows == true {
				action = "s3:GetObject"
			}
			return one(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow",`+principal+`"Action":"`+action+`","Resource":"*"`+condition+`}}`, Generic)
		}
		form := vector["resource_principal"].(string)
		condition := ""
		if strings.HasSuffix(form, "condition") {
			condition = `,"Condition":{"ArnEquals":{"aws:PrincipalArn":"` + role + `"}}`
		}
		set := &Set{HasBoundary: true, Boundary: policyOf(vector["boundary_allows"], "", ""),
			Identity: policyOf(vector["role_policy_allows"], "", ""),
			Resource: policyOf(vector["resource_policy_allows"], `"Principal":`+named[form]+`,`, condition)}
		got := Evaluate(set, &Request{Principal: Principal{Kind: Role, Account: "111122223333", ARN: session, RoleARN: role},
			Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", ResourceAccount: "111122223333",
			Context: Keys{"aws:principalarn": One(role)}})
		if got.Allowed() != (c.Expect.Decision == "Allow") {
			t.Errorf("%s: got %v, want %s: %v", c.ID, got.Effect, c.Expect.Decision, vector)
		}
	}
	if cases != nil && len(cases) < 18 {
		t.Errorf("only %d cases, want at least 18", len(cases))
	}
}

// one attaches one document that must parse.
func one(t testing.TB, text string, typ Type) []Attached {
	t.Helper()
	p, err := New(text, typ)
	if err != nil {
		t.Fatalf("%v: %v\n%s", typ, err, text)
	}
	return []Attached{{Name: "test", Policy: p}}
}
