package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stint-sts/stint/test/harness"
)

// policyCase is a case of policy/cases.json, as far as the comparison needs it; line is the whole.
type policyCase struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Type   string `json:"policy_type"`
	Scored bool   `json:"scored"`
	Expect struct {
		Decision string `json:"decision"`
		Valid    bool   `json:"valid"`
		Error    string `json:"error"`
	} `json:"expect"`
	line string
}

// policyAnswer is a line of `stint policy eval --batch` or `stint policy validate --batch`.
type policyAnswer struct {
	ID       string            `json:"id"`
	Error    string            `json:"error"`
	Decision string            `json:"decision"`
	Matched  []json.RawMessage `json:"matched"`
	Trace    json.RawMessage   `json:"trace"`
	Valid    *bool             `json:"valid"`
	Findings []struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"findings"`
}

// sharedText reads a shared file, or skips the test where the folder is not there.
func sharedText(t *testing.T, elements ...string) []byte {
	t.Helper()
	path, there := harness.Shared(elements...)
	if !there {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not there", path)
		}
		t.Skipf("%s is not there", path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// piped gives the answers to lines, one for each.
func piped(t *testing.T, lines []string, arguments ...string) []policyAnswer {
	t.Helper()
	output, err := harness.Pipe(strings.Join(lines, "\n")+"\n", arguments...)
	if err != nil {
		t.Fatal(err)
	}
	var answers []policyAnswer
	for line := range strings.Lines(output) {
		var a policyAnswer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		answers = append(answers, a)
	}
	if len(answers) != len(lines) {
		t.Fatalf("%d answers to %d lines", len(answers), len(lines))
	}
	return answers
}

// TestPolicyCases pipes the whole corpus of policy evaluations through the binary.
func TestPolicyCases(t *testing.T) {
	t.Parallel()
	var file struct {
		Cases []json.RawMessage `json:"cases"`
	}
	if err := json.Unmarshal(sharedText(t, "policy", "cases.json"), &file); err != nil {
		t.Fatal(err)
	}
	cases, lines, scored := make([]policyCase, len(file.Cases)), make([]string, len(file.Cases)), 0
	for i, raw := range file.Cases {
		var line bytes.Buffer
		if err := json.Compact(&line, raw); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &cases[i]); err != nil {
			t.Fatal(err)
		}
		lines[i] = line.String()
	}
	for i, a := range piped(t, lines, "policy", "eval", "--batch") {
		c := &cases[i]
		if a.ID != c.ID || a.Error != "" {
			t.Errorf("%s: answered as %s, error %q", c.ID, a.ID, a.Error)
		}
		if !c.Scored {
			continue
		}
		scored++
		if problem := c.compare(&a); problem != "" {
			t.Errorf("%s %s: %s", c.ID, c.Name, problem)
		}
	}
	if scored < 491 {
		t.Errorf("%d scored cases, want at least 491", scored)
	}
}

func (c *policyCase) compare(a *policyAnswer) string {
	if c.Kind == "validate" {
		switch {
		case a.Valid == nil || *a.Valid != c.Expect.Valid:
			return fmt.Sprintf("valid %v, want %t", a.Valid, c.Expect.Valid)
		case c.Type == "identity" && !c.Expect.Valid && a.Findings[0].Message != c.Expect.Error:
			return fmt.Sprintf("refused with %q, want %q", a.Findings[0].Message, c.Expect.Error)
		}
		return ""
	}
	denied := a.Decision == "ImplicitDeny" || a.Decision == "ExplicitDeny" // some peers report no more than that
	if a.Decision != c.Expect.Decision && (c.Expect.Decision != "Deny" || !denied) {
		return fmt.Sprintf("decided %s, want %s: %s", a.Decision, c.Expect.Decision, a.Trace)
	}
	if a.Matched == nil || len(a.Trace) == 0 {
		return "no matched or no trace"
	}
	return ""
}

// TestPolicyDocuments pipes the documents of the wire cases through `stint policy validate`, whose messages are those of the API.
func TestPolicyDocuments(t *testing.T) {
	t.Parallel()
	var cases []wireCase
	if err := strict(sharedText(t, "wire", "cases.json"), &cases); err != nil {
		t.Fatal(err)
	}
	var chosen []wireCase
	var lines []string
	for _, c := range cases {
		if group := c.group(); group != "pol" && group != "polok" && group != "tp" {
			continue
		}
		var r struct {
			Params map[string]json.RawMessage `json:"params"`
		}
		if err := json.Unmarshal(c.Request, &r); err != nil {
			t.Fatal(err)
		}
		typ, document := "identity", r.Params["PolicyDocument"]
		if trust, found := r.Params["AssumeRolePolicyDocument"]; found {
			typ, document = "trust", trust
		}
		var value struct {
			JSON json.RawMessage `json:"json"`
		}
		if json.Unmarshal(document, &value) == nil && value.JSON != nil {
			document = value.JSON
		}
		line, err := json.Marshal(map[string]any{"id": c.ID, "type": typ, "document": document})
		if err != nil {
			t.Fatal(err)
		}
		chosen, lines = append(chosen, c), append(lines, string(line))
	}
	if len(chosen) < 69 {
		t.Errorf("%d documents, want at least 69", len(chosen))
	}
	for i, a := range piped(t, lines, "policy", "validate", "--batch") {
		c := chosen[i]
		var want struct {
			Status  json.RawMessage `json:"status"`
			Message string          `json:"message"`
			Regex   string          `json:"message_regex"`
		}
		if err := json.Unmarshal(c.Expect, &want); err != nil {
			t.Fatal(err)
		}
		exists := strings.HasPrefix(want.Message, "Invalid principal in policy") // whether a principal is there only a server knows
		valid := string(want.Status) == "200" || exists
		switch {
		case a.ID != c.ID || a.Valid == nil:
			t.Errorf("%s: %+v", c.ID, a)
		case !strings.HasPrefix(string(want.Status), "{") && *a.Valid != valid:
			t.Errorf("%s: valid %t: %s", c.ID, *a.Valid, lines[i])
		case *a.Valid:
		case want.Message != "" && a.Findings[0].Message != want.Message,
			want.Regex != "" && !regexp.MustCompile(want.Regex).MatchString(a.Findings[0].Message):
			t.Errorf("%s: refused with %q, want %q%q", c.ID, a.Findings[0].Message, want.Message, want.Regex)
		}
	}
}

// TestBoundaryCases runs what was measured on AWS of boundaries and resource-based policies: a role session whose role has a
// boundary and a policy, and an object whose bucket names it in one of four ways.
func TestBoundaryCases(t *testing.T) {
	t.Parallel()
	var cases []wireCase
	if err := strict(sharedText(t, "wire", "cases.json"), &cases); err != nil {
		t.Fatal(err)
	}
	const role, session = "arn:aws:iam::111122223333:role/r", "arn:aws:sts::111122223333:assumed-role/r/s"
	principals := map[string]string{
		"role-arn":                       `{"AWS":"` + role + `"}`,
		"session-arn":                    `{"AWS":"` + session + `"}`,
		"account+PrincipalArn-condition": `{"AWS":"arn:aws:iam::111122223333:root"}`,
		"star+PrincipalArn-condition":    `"*"`,
	}
	var lines, decisions []string
	for _, c := range cases {
		if c.group() != "bnd" {
			continue
		}
		var vector struct {
			Boundary  bool   `json:"boundary_allows"`
			Role      bool   `json:"role_policy_allows"`
			Resource  bool   `json:"resource_policy_allows"`
			Principal string `json:"resource_principal"`
		}
		if err := json.Unmarshal(c.Setup[0], &vector); err != nil {
			t.Fatal(err)
		}
		var want struct {
			Decision string `json:"decision"`
		}
		if err := json.Unmarshal(c.Expect, &want); err != nil {
			t.Fatal(err)
		}
		principal := principals[vector.Principal]
		if principal == "" {
			t.Fatalf("%s: an unknown form of principal %q", c.ID, vector.Principal)
		}
		condition := ""
		if strings.HasSuffix(vector.Principal, "condition") {
			condition = `,"Condition":{"ArnEquals":{"aws:PrincipalArn":"` + role + `"}}`
		}
		lines = append(lines, fmt.Sprintf(`{"id":%q,"policies":{"boundary":[%s],"identity":[%s],"resource":%s},`+
			`"request":{"principal":{"kind":"role-session","arn":%q,"account":"111122223333"},"action":"s3:GetObject",`+
			`"resource":{"arn":"arn:aws:s3:::b/k","account":"111122223333"},"context":{"aws:PrincipalArn":%q}}}`,
			c.ID, oneStatement(vector.Boundary, ""), oneStatement(vector.Role, ""),
			oneStatement(vector.Resource, `,"Principal":`+principal+condition), session, role))
		decisions = append(decisions, want.Decision)
	}
	if len(lines) < 19 {
		t.Errorf("%d cases, want at least 19", len(lines))
	}
	for i, a := range piped(t, lines, "policy", "eval", "--batch") {
		if got := a.Decision == "Allow"; a.Error != "" || got != (decisions[i] == "Allow") {
			t.Errorf("%s: decided %q (%s), want %s: %s", a.ID, a.Decision, a.Error, decisions[i], lines[i])
		}
	}
}

func oneStatement(allows bool, rest string) string {
	action := "s3:PutObject"
	if allows {
		action = "s3:GetObject"
	}
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"` + action + `","Resource":"*"` + rest + `}}`
}
