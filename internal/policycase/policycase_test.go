package policycase

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stint-sts/stint/policy"
	"github.com/stint-sts/stint/policy/lint"
)

const everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

func requestOf(principal, rest string) string {
	return `"request":{"principal":` + principal + `,"action":"s3:GetObject","resource":{"arn":"arn:aws:s3:::b/k"}` + rest + `}`
}

const alice = `{"kind":"user","arn":"arn:aws:iam::111122223333:user/alice","account":"111122223333"}`

func TestDecide(t *testing.T) {
	t.Parallel()
	names := func(principal string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":` + principal + `,"Action":"*","Resource":"*"}}`
	}
	const (
		session   = `{"kind":"role-session","arn":"arn:aws:sts::111122223333:assumed-role/r/s","account":"111122223333"}`
		federated = `{"kind":"federated-user","arn":"arn:aws-cn:sts::111122223333:federated-user/bob","account":"111122223333"}`
	)
	for name, tt := range map[string]struct {
		policies, request string
		want              policy.Effect
	}{
		"allowed":                       {`"identity":[` + everything + `]`, requestOf(alice, ""), policy.Allow},
		"nothing allows":                {``, requestOf(alice, ""), policy.ImplicitDeny},
		"an empty boundary":             {`"identity":[` + everything + `],"boundary":[]`, requestOf(alice, ""), policy.ImplicitDeny},
		"no boundary":                   {`"identity":[` + everything + `],"boundary":null,"scps":null,"resource":null`, requestOf(alice, ""), policy.Allow},
		"an empty session policy":       {`"identity":[` + everything + `],"session":[]`, requestOf(alice, ""), policy.ImplicitDeny},
		"an empty endpoint policy":      {`"identity":[` + everything + `],"endpoint":[]`, requestOf(alice, ""), policy.ImplicitDeny},
		"a level of SCPs without any":   {`"identity":[` + everything + `],"scps":[[` + everything + `],[]]`, requestOf(alice, ""), policy.ImplicitDeny},
		"SCPs and the management":       {`"identity":[` + everything + `],"scps":[[]]`, requestOf(strings.Replace(alice, "}", `,"management_account":true}`, 1), ""), policy.Allow},
		"a text for a document":         {`"identity":["{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}"]`, requestOf(alice, ""), policy.Allow},
		"no document":                   {`"identity":[` + everything + `,"x"]`, requestOf(alice, ""), policy.ExplicitDeny},
		"keys without case":             {`"identity":[{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:securetransport":"true"},"NumericEquals":{"s3:max-keys":"1"},"ForAnyValue:StringEquals":{"aws:tagkeys":["a"]}}}}]`, requestOf(alice, `,"context":{"aws:SecureTransport":true,"S3:max-keys":1,"aws:TagKeys":["a","b"]}`), policy.Allow},
		"the role of a session":         {`"resource":` + names(`{"AWS":"arn:aws:iam::111122223333:role/r"}`), requestOf(session, ""), policy.Allow},
		"the path of a session's role":  {`"resource":` + names(`{"AWS":"arn:aws:iam::111122223333:role/p/r"}`), requestOf(session, `,"context":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/p/r"}`), policy.Allow},
		"another role than the one":     {`"resource":` + names(`{"AWS":"arn:aws:iam::111122223333:role/p/r"}`), requestOf(session, ""), policy.ImplicitDeny},
		"the role that is given":        {`"resource":` + names(`{"AWS":"arn:aws:iam::111122223333:role/p/r"}`), requestOf(strings.Replace(session, "}", `,"role_arn":"arn:aws:iam::111122223333:role/p/r"}`, 1), ""), policy.Allow},
		"an id":                         {`"resource":` + names(`{"AWS":"AROAEXAMPLE"}`), requestOf(strings.Replace(session, "}", `,"id":"AROAEXAMPLE"}`, 1), ""), policy.Allow},
		"who began a federated session": {`"session":[` + everything + `],"resource":` + names(`{"AWS":"arn:aws-cn:iam::111122223333:user/bob"}`), requestOf(federated, ""), policy.Allow},
		"a service":                     {`"resource":` + names(`{"Service":"ec2.amazonaws.com"}`), requestOf(`{"kind":"service","arn":"ec2.amazonaws.com"}`, ""), policy.Allow},
		"a role":                        {`"resource":` + names(`{"AWS":"arn:aws:iam::111122223333:role/r"}`), requestOf(`{"kind":"role","arn":"arn:aws:iam::111122223333:role/r","account":"111122223333"}`, ""), policy.Allow},
		"root":                          {``, requestOf(`{"kind":"root","arn":"arn:aws:iam::111122223333:root","account":"111122223333"}`, ""), policy.Allow},
		"anonymous":                     {`"resource":` + names(`"*"`), requestOf(`{"kind":"anonymous"}`, ""), policy.Allow},
		"a trust policy is asked for": {`"identity":[` + everything + `]`,
			`"request":{"principal":` + alice + `,"action":"sts:AssumeRole","resource":{"arn":"arn:aws:iam::111122223333:role/r"}}`, policy.ImplicitDeny},
		"a subject": {`"resource":` + names(`{"Federated":"accounts.google.com"}`),
			`"request":{"principal":{"kind":"federated","arn":"accounts.google.com"},"action":"sts:AssumeRoleWithWebIdentity","resource":{"arn":"arn:aws:iam::111122223333:role/r"}}`, policy.Allow},
		"RCPs": {`"identity":[` + everything + `],"rcps":[[{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}]]`, requestOf(alice, ""), policy.ExplicitDeny},
	} {
		c, err := ParseCase([]byte(`{"id":"x","note":1,"policies":{` + tt.policies + `},` + tt.request + `}`))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		a := c.Decide()
		if a.Decision != tt.want || a.ID != "x" || a.Trace.Decision.Effect != tt.want {
			t.Errorf("%s: %v, want %v: %+v", name, a.Decision, tt.want, a)
		}
		if (len(a.Matched) > 0) != a.Trace.Decision.MatchedAny {
			t.Errorf("%s: matched %v", name, a.Matched)
		}
		if refused := name == "no document"; refused != (len(a.Refused) == 1 && a.Refused[0].Policy == "identity[1]") {
			t.Errorf("%s: refused %v", name, a.Refused)
		}
	}
}

func TestCasesAreRefused(t *testing.T) {
	t.Parallel()
	if _, err := ParseCase([]byte(`{"policies":{},` + requestOf(alice, "") + `}`)); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		``:   "document ends too early",
		`[]`: "not an object",
		`{"policies":{},"policies":{},` + requestOf(alice, "") + `}`:                                                                              "duplicate key",
		`{` + requestOf(alice, "") + `}`:                                                                                                          `no "policies"`,
		`{"policies":{}}`:                                                                                                                         `no "request"`,
		`{"policies":[],` + requestOf(alice, "") + `}`:                                                                                            "policies is not an object",
		`{"policies":{"identity":{}},` + requestOf(alice, "") + `}`:                                                                               "policies.identity is not a list",
		`{"policies":{"scps":{}},` + requestOf(alice, "") + `}`:                                                                                   "policies.scps is not a list",
		`{"policies":{"scps":[{}]},` + requestOf(alice, "") + `}`:                                                                                 "policies.scps[0] is not a list",
		`{"policies":{"identities":[]},` + requestOf(alice, "") + `}`:                                                                             `unknown member "identities"`,
		`{"policies":{},` + requestOf(alice, `,"contexts":{}`) + `}`:                                                                              `unknown member "contexts"`,
		`{"policies":{},` + requestOf(alice, `,"context":[]`) + `}`:                                                                               "context is not an object",
		`{"policies":{},` + requestOf(alice, `,"context":{"k":{}}`) + `}`:                                                                         `the condition key "k"`,
		`{"policies":{},` + requestOf(alice, `,"context":{"k":[[]]}`) + `}`:                                                                       `the condition key "k"`,
		`{"policies":{},` + requestOf(alice, `,"context":{"k":"a","K":"b"}`) + `}`:                                                                "duplicate key",
		`{"policies":{},` + requestOf(`{"kind":"user"}`, "") + `}`:                                                                                `the principal has no "arn"`,
		`{"policies":{},` + requestOf(`{"kind":"ghost","arn":"x"}`, "") + `}`:                                                                     `no kind of principal "ghost"`,
		`{"policies":{},` + requestOf(`{"kind":1}`, "") + `}`:                                                                                     "principal.kind is not a string",
		`{"policies":{},` + requestOf(`{"service_linked_role":1}`, "") + `}`:                                                                      "principal.service_linked_role is not true or false",
		`{"policies":{},"request":{"action":"a:b","resource":{"arn":"*"}}}`:                                                                       `no "principal"`,
		`{"policies":{},"request":{"principal":` + alice + `,"resource":{"arn":"*"}}}`:                                                            `no "action"`,
		`{"policies":{},"request":{"principal":` + alice + `,"action":"a:b"}}`:                                                                    `no "resource"`,
		`{"policies":{},"request":{"principal":` + alice + `,"action":"a:b","resource":"*"}}`:                                                     "resource is not an object",
		`{"policies":{},"request":{"principal":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `,"action":"a:b","resource":{"arn":"*"}}}`: "deep",
	} {
		if _, err := ParseCase([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]policy.Type{"identity": policy.Managed, "inline": policy.Identity, "trust": policy.Trust, "resource": policy.Resource,
		"session": policy.Session, "boundary": policy.Boundary, "scp": policy.SCP, "rcp": policy.RCP, "endpoint": policy.Endpoint, "generic": policy.Generic} {
		if got, err := ParseType(word); err != nil || got != want {
			t.Errorf("%s: %v, %v", word, got, err)
		}
	}
	if _, err := ParseType("Identity"); err == nil || !strings.Contains(err.Error(), "there are identity, inline") {
		t.Errorf("%v", err)
	}
}

func answersOf(t *testing.T, input io.Reader, answer func([]byte) (any, error)) (lines []map[string]any, tally Tally) {
	t.Helper()
	var out strings.Builder
	tally, err := Each(input, &out, answer)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		var a map[string]any
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		lines = append(lines, a)
	}
	return lines, tally
}

// Every line gets its answer in its place, whatever is in it and however it arrives.
func TestEach(t *testing.T) {
	t.Parallel()
	good := func(id string) string { return `{"id":"` + id + `","policies":{},` + requestOf(alice, "") + `}` }
	long := `{"id":"` + strings.Repeat("x", MaxLine) + `"}`
	input := strings.Join([]string{good("a"), "", "x", long, good("b") + "\r", `{"id":"c","policies":{}}`,
		`{"id":"d","kind":"validate","document":"x","policy_type":"user"}`, strings.Repeat("y", 100_000), good("e")}, "\n") // the last without an end
	for name, r := range map[string]io.Reader{"whole": strings.NewReader(input), "halves": iotest.HalfReader(strings.NewReader(input)),
		"the end with the last": iotest.DataErrReader(strings.NewReader(input))} {
		lines, tally := answersOf(t, r, AnswerLine)
		if tally != (Tally{Lines: 9, Failed: 6}) || len(lines) != 9 {
			t.Fatalf("%s: %+v, %d answers", name, tally, len(lines))
		}
		for i, want := range []string{"a", "", "", "", "b", "c", "d", "", "e"} {
			id, _ := lines[i]["id"].(string)
			_, failed := lines[i]["error"]
			if id != want || failed == (want == "a" || want == "b" || want == "e") {
				t.Errorf("%s: line %d: %.200v", name, i, lines[i])
			}
		}
		if message := lines[3]["error"]; message != errTooLong.Error() {
			t.Errorf("%s: a long line: %v", name, message)
		}
	}
	if lines, tally := answersOf(t, strings.NewReader(""), AnswerLine); len(lines) != 0 || tally.Lines != 0 {
		t.Errorf("nothing is answered with %v", lines)
	}
	atLimit := `{"id":"` + strings.Repeat("x", MaxLine-len(`{"id":""}`)) + `"}`
	if lines, _ := answersOf(t, strings.NewReader(atLimit+"\n"), AnswerLine); len(lines) != 1 || lines[0]["error"] == errTooLong.Error() {
		t.Error("a line of the greatest length is not read")
	}
}

// An answer does not wait for further input.
func TestEachAnswersAtOnce(t *testing.T) {
	t.Parallel()
	questions, ask := io.Pipe()
	hear, answers := io.Pipe()
	go func() {
		_, err := Each(questions, answers, func(line []byte) (any, error) { return string(line), nil })
		answers.CloseWithError(err)
	}()
	d := json.NewDecoder(hear)
	for i := range 3 {
		fmt.Fprintf(ask, "%d\n", i)
		var a string
		if err := d.Decode(&a); err != nil || a != fmt.Sprint(i) {
			t.Fatalf("%q, %v", a, err)
		}
	}
	ask.Close()
	if _, err := hear.Read(make([]byte, 1)); err != nil && !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func TestEachFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	if _, err := Each(iotest.ErrReader(broken), io.Discard, AnswerLine); !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
	w, r := io.Pipe()
	w.CloseWithError(broken)
	if _, err := Each(strings.NewReader("x\n"), r, AnswerLine); !errors.Is(err, broken) {
		t.Errorf("a writer that fails: %v", err)
	}
}

func TestSubmissions(t *testing.T) {
	t.Parallel()
	advise := func(line []byte) (any, error) { return Lint(line, policy.Identity, lint.Options{}) }
	lines, tally := answersOf(t, strings.NewReader(strings.Join([]string{
		`{"id":"a","document":{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}}}`,
		`{"id":"b","document":` + everything + `,"type":"trust"}`,
		`{"id":"c","document":` + everything + `,"type":1}`,
		`{"id":"d"}`,
		`[`}, "\n")), advise)
	if tally.Failed != 3 || len(lines) != 5 {
		t.Fatalf("%+v: %v", tally, lines)
	}
	for i, want := range []string{"PASS_ROLE_WITH_STAR_IN_RESOURCE", "MALFORMED_POLICY_DOCUMENT", `"type" is not a string`, `no "document"`, "reading JSON"} {
		if text := fmt.Sprint(lines[i]); !strings.Contains(text, want) {
			t.Errorf("%s, want %s", text, want)
		}
	}
	// The type of the command line serves a line without one.
	for typ, valid := range map[policy.Type]bool{policy.Managed: true, policy.Trust: false} {
		v, err := Validate([]byte(`{"document":`+everything+`}`), typ)
		if verdict, ok := v.(*Verdict); err != nil || !ok || verdict.Valid != valid || len(verdict.Findings) > 0 == valid {
			t.Errorf("%v: %+v, %v", typ, v, err)
		}
	}
}
