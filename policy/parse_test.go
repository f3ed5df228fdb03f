package policy

import (
	"errors"
	"strings"
	"testing"
)

const allowOne = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`

// TestParseRefusals asserts AWS's words for what the shared cases leave out; each type has its positive control below.
func TestParseRefusals(t *testing.T) {
	t.Parallel()
	trust := func(statement string) string { return `{"Version":"2012-10-17","Statement":[` + statement + `]}` }
	for _, c := range []struct {
		typ  Type
		text string
		want string
	}{
		{Identity, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}],"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, syntaxErrors},                 // advisory 52
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","effect":"Allow","Action":"*","Resource":"*"}}`, syntaxErrors},                                                                  // advisory 52
		{Identity, `{"Version":"2012-10-17","ſtatement":{"Effect":"Allow","Action":"*","Resource":"*"},"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`, syntaxErrors},                        // advisory 52
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/a":"x","aws:principaltag/A":"y"}}}}`, syntaxErrors}, // keys are case-insensitive
		{Identity, strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40), syntaxErrors},                                                                                                                      // advisory 53
		{Identity, allowOne + ` {}`, syntaxErrors},
		{Identity, "\xEF\xBB\xBF" + allowOne, syntaxErrors},
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"NullIfExists":{"a":"true"}}}}`, syntaxErrors},
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"BinaryNotEquals":{"a":"true"}}}}`, syntaxErrors},
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","NotPrincipal":"*","Resource":"*"}}`, "Policy document should not specify a principal."},
		{Boundary, `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`, "Policy document must be version 2012-10-17 or greater."},
		{Managed, `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`, "Policy document must be version 2012-10-17 or greater."},
		{Managed, `{"Version":"2008-10-17","Statement":{"Effect":"denY","Action":"s3:*","Resource":"*"}}`, "Policy document must be version 2012-10-17 or greater."},
		{Managed, `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}`, "Policy document should not specify a principal."},
		{Managed, `{"Version":"2012-10-18","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`, syntaxErrors},
		{Identity, `{"Version":"2012-10-18","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`, syntaxErrors},
		{Identity, `{"Version":"2012-10-17","Statement":{"Sid":"a b","Effect":"Allow","Action":"s3:*","Resource":"*"}}`, "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"},
		{Session, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3"}}`, `Resource arn:aws:s3 must be in ARN format or "*".`},
		{Session, `not JSON`, "The policy is not in the valid JSON format."},
		{Trust, `{`, "This policy contains invalid Json"},
		{Trust, trust(`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole","Resource":"*"}`), "Has prohibited field Resource"},
		{Trust, trust(`{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}`), "Has prohibited field NotPrincipal"},
		{Trust, trust(`{"Effect":"Allow","Action":"sts:AssumeRole"}`), "Missing required field Principal"},
		{Trust, trust(`{"Effect":"Allow","Principal":{"AWS":"111122223333"}}`), "Missing required field Action"},
		{Trust, trust(`{"Effect":"Allow","Principal":{"AWS":[]},"Action":"sts:AssumeRole"}`), noPrincipals},
		{Trust, trust(`{"Effect":"Allow","Principal":{},"Action":"sts:AssumeRole"}`), noPrincipals},
		{Trust, trust(`{"Effect":"Allow","Principal":"111122223333","Action":"sts:AssumeRole"}`), `Invalid principal in policy: "STAR":"111122223333"`},
		{Trust, trust(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/*"},"Action":"sts:AssumeRole"}`), `Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:role/*"`},
		{Trust, trust(`{"Effect":"Allow","Principal":{"Service":"*"},"Action":"sts:AssumeRole"}`), `Invalid principal in policy: "SERVICE":"*"`},
		{Trust, trust(`{"Effect":"Allow","Principal":{"Federated":"*"},"Action":"sts:AssumeRoleWithSAML"}`), `Invalid principal in policy: "FEDERATED":"*"`},
		{Trust, trust(`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"*"}`), "AssumeRole policy may only specify STS AssumeRole actions."},
		{Trust, trust(`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:GetCallerIdentity"}`), "AssumeRole policy may only specify STS AssumeRole actions."},
		{Trust, trust(`{"Effect":"Allow","Principals":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}`), "Unknown field Principals"},
		{Resource, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","NotPrincipal":"*","Action":"s3:*","Resource":"*"}}`, "Allow with NotPrincipal is not allowed."},
		{Identity, `[]`, syntaxErrors},
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"NumericAbout":{"a":"1"}}}}`, syntaxErrors},
		{Trust, trust(`{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}}}`), gitHubSubject}, // advisory 54
		{Identity, `{"Version":"2012-10-17","Statement":["x"]}`, syntaxErrors},
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam:us-east-1:111122223333:user/a"}}`, "IAM resource arn:aws:iam:us-east-1:111122223333:user/a cannot contain region information."},
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":true,"Action":"iam:*","Resource":"*"}}`, syntaxErrors},
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:*:::x"}}`, "Resource vendor must be fully qualified and cannot contain regexes."},
		{Session, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}`, "Policy document should not specify a principal."},
		{Session, `{"Statement":{"Effect":"Allow","Action":"s3","Resource":"*"}}`, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
		{Trust, trust(`{"Effect":"allow","Principal":"*","Action":"sts:AssumeRole"}`), syntaxErrors},
		{Trust, trust(`{"Effect":"Allow","Principal":{"Group":"x"},"Action":"sts:AssumeRole"}`), "Unknown field Group"},
		{Trust, trust(`{"Effect":"Allow","Principal":{"AWS":12},"Action":"sts:AssumeRole"}`), syntaxErrors},
		{Trust, trust(`{"Effect":"Allow","Principal":[],"Action":"sts:AssumeRole"}`), syntaxErrors},
		{Trust, trust(`{"Sid":"a","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},{"Sid":"a","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}`), "Statement IDs (SID) in a single policy must be unique."},
		{Resource, `{`, "Policies must be valid JSON and the first byte must be '{'"},
		{Resource, `{"Statement":{"Effect":"allow","Principal":"*","Action":"s3:*","Resource":"*"}}`, "Invalid effect: allow"},
		{Resource, `{"Statement":{"Effect":"Allow","Principal":"*","Resource":"*"}}`, "Missing required field Action"},
		{Resource, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*"}}`, "Missing required field Resource"},
		{Resource, `{"Statement":{"Effect":"Allow","Principal":{"AWS":"a*"},"Action":"s3:*","Resource":"*"}}`, `Invalid principal in policy: "AWS":"a*"`},
		{Resource, `{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"a*"},"Action":"s3:*","Resource":"*"}}`, `Invalid principal in policy: "AWS":"a*"`},
		{Generic, `{"Statement":{"Effect":"allow","Action":"s3:*","Resource":"*"}}`, syntaxErrors},
		{Generic, `{"Statement":{"Effect":"Allow","NotPrincipal":"*","Action":"s3:*","Resource":"*"}}`, syntaxErrors},
		{SCP, `{`, notOrganizations},
		{SCP, `{"Statement":{"Effect":"Allow","Action":"s3:*"}}`, notOrganizations},
		{SCP, `{"Statement":{"Effect":"allow","Action":"s3:*","Resource":"*"}}`, notOrganizations},
		{SCP, `{"Statement":{"Effect":"Allow","Resource":"*"}}`, notOrganizations},
		{SCP, `{"Statement":{"Effect":"Allow","Action":"s3","Resource":"*"}}`, notOrganizations},
		{SCP, `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}}`, notOrganizations},
		{SCP, `{"Statement":[{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"}]}`, notOrganizations},
		{RCP, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*"}}`, notOrganizations},
		{RCP, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3","Resource":"*"}}`, notOrganizations},
		{SCP, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}`, notOrganizations},
		{RCP, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}`, notOrganizations},
		{RCP, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}`, notOrganizations},
		{RCP, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"*"}}`, notOrganizations},
		{RCP, `{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}`, notOrganizations},
	} {
		if _, err := Parse(c.text, c.typ); err == nil || err.Error() != c.want {
			t.Errorf("%v: got %v, want %q\n%s", c.typ, err, c.want, c.text)
		}
	}
}

func TestParseAccepts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typ  Type
		text string
	}{
		{Identity, allowOne},
		{Managed, allowOne},
		{Boundary, allowOne},
		{Identity, `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`}, // IAM asks only managed policies for their version
		{Identity, `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`},
		{Session, `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`},
		{Trust, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`},
		{Session, `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b"}}`},
		{SCP, allowOne},
		{RCP, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}`},
		{Trust, `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:*"}}`},
		{Trust, `{"Version":"2012-10-17","Statement":{"Sid":"","Effect":"Allow","Principal":{"Federated":"accounts.google.com"},"Action":["sts:AssumeRoleWithWebIdentity","STS:tagsession"]}}`},
		{Trust, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringLike":{"token.actions.githubusercontent.com:SUB":"repo:o/r:*"}}}}`},
		{Trust, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"Action":"sts:AssumeRoleWithWebIdentity"}}`},
		{Resource, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"*"}}`},
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRoot","Resource":"arn:aws:iam::*:root"}}`},
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:us-east-1:111122223333:accesspoint/ap"}}`},
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws-cn:s3:::b","arn:*:s3:::b"]}}`},
	} {
		if _, err := Parse(c.text, c.typ); err != nil {
			t.Errorf("%v: %v\n%s", c.typ, err, c.text)
		}
	}
}

func TestParsePositions(t *testing.T) {
	t.Parallel()
	text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"a":true}}}]}`
	d, err := Parse(text, Identity)
	if err != nil {
		t.Fatal(err)
	}
	if at := text[d.Statements[0].Offset:]; !strings.HasPrefix(at, `{"Effect"`) {
		t.Errorf("statement at %.20s", at)
	}
	if at := text[d.Statements[0].Conditions[0].Offset:]; !strings.HasPrefix(at, `"a":true`) {
		t.Errorf("condition at %.20s", at)
	}
}

func TestSizeCountsNoWhiteSpace(t *testing.T) {
	t.Parallel()
	if got := Size("{ \"a\" :\t\"é b\"\r\n}"); got != 10 {
		t.Errorf("got %d, want 10", got)
	}
}

func TestMapPrincipals(t *testing.T) {
	t.Parallel()
	text := "{\"Statement\": [ {\"Principal\" : {\"AWS\": [\"arn:aws:iam::1:user/a\", \"*\"],\n \"Service\":\"ec2.amazonaws.com\"}, \"Sid\":\"arn:aws:iam::1:user/a\"},{\"NotPrincipal\":{\"AWS\":\"arn:aws:iam::1:user/a\"}}, {\"Principal\":\"*\"}]}"
	want := strings.NewReplacer(`["arn:aws:iam::1:user/a"`, `["AIDAEXAMPLE"`, `"AWS":"arn:aws:iam::1:user/a"`, `"AWS":"AIDAEXAMPLE"`).Replace(text)
	var kinds []string
	got, err := MapPrincipals(text, func(kind, value string) (string, error) {
		kinds = append(kinds, kind)
		if value == "arn:aws:iam::1:user/a" {
			return "AIDAEXAMPLE", nil
		}
		return value, nil
	})
	if err != nil || got != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
	if strings.Join(kinds, " ") != "AWS AWS Service AWS AWS" {
		t.Errorf("called for %v", kinds)
	}
	if _, err := MapPrincipals(`{`, nil); err == nil {
		t.Error("mapped what is not JSON")
	}
	if got, err := MapPrincipals(`{"Statement":{"Principal":{"AWS":[null]}}}`, nil); err != nil || got != `{"Statement":{"Principal":{"AWS":[null]}}}` {
		t.Errorf("a null among the principals: %s, %v", got, err)
	}
	refused := &Error{Message: "no such user"}
	if _, err := MapPrincipals(text, func(string, string) (string, error) { return "", refused }); !errors.Is(err, refused) {
		t.Errorf("got %v, want the function's own error", err)
	}
	if got, err := MapPrincipals(text, func(_, value string) (string, error) { return value, nil }); err != nil || got != text {
		t.Errorf("the identity changed the text: %s, %v", got, err)
	}
}

func TestDocumentPrincipals(t *testing.T) {
	t.Parallel()
	d, err := Parse(`{"Statement":[{"Effect":"Allow","Principal":{"AWS":["a","b"],"Service":"s"},"Action":"sts:AssumeRole"},
		{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}]}`, Trust)
	if err != nil {
		t.Fatal(err)
	}
	want := []PrincipalValue{{"AWS", "a"}, {"AWS", "b"}, {"Service", "s"}, {"AWS", "*"}}
	got := d.Principals()
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// FuzzParsePolicy: no text makes any grammar panic, and what one accepts can be compiled, evaluated and explained.
func FuzzParsePolicy(f *testing.F) {
	f.Add(allowOne)
	f.Add(benchDocument)
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"AIDA"},"NotAction":"s3:?","NotResource":"arn:aws:s3:::${aws:username, 'x'}/${*}${","Condition":{"ForAllValues:DateNotEqualsIfExists":{"a":[1,true]}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		for typ := Identity; typ <= Generic; typ++ {
			p, err := New(text, typ)
			if err != nil {
				continue
			}
			printedTheSame(t, p.Document())
			attached := []Attached{{Name: "p", Policy: p}}
			set := &Set{Identity: attached, Boundary: attached, HasBoundary: true, Session: attached, HasSession: true,
				Resource: attached, SCPs: [][]Attached{attached}, RCPs: [][]Attached{attached}}
			for _, kind := range []PrincipalKind{Anonymous, Root, User, Role, FederatedUser, Federated, Service} {
				request := benchRequest()
				request.Principal.Kind = kind
				request.Context = Keys{"a": One("2020-01-01"), "aws:username": Many([]string{"x", ""})}
				if got, traced := Evaluate(set, request), Explain(set, request).Decision; got != traced {
					t.Fatalf("plain %v, traced %v", got, traced)
				}
			}
		}
	})
}
