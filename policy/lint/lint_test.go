package lint

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stint-sts/stint/policy"
)

var update = flag.Bool("update", false, "write testdata/findings.golden anew")

// document puts statements into a document.
func document(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

const (
	own    = "111122223333"
	gitHub = `"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"Action":"sts:AssumeRoleWithWebIdentity"`
	corp   = `"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/idp.example/realm"},"Action":"sts:AssumeRoleWithWebIdentity"`
	gets   = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{`
	shuts  = `{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{`
)

// checks has each finding beside a document that differs little and has it not.
var checks = []struct {
	code     string
	severity Severity
	typ      policy.Type
	bad      string
	good     string
}{
	{"MALFORMED_POLICY_DOCUMENT", Error, policy.Managed, `{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`, document(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`)},
	{"MALFORMED_POLICY_DOCUMENT", Error, policy.Identity, document(gets + `"StringEqual":{"aws:username":"a"}}}`), document(gets + `"StringEquals":{"aws:username":"a"}}}`)},
	{"MISSING_VERSION", Suggestion, policy.Identity, `{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`, document(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`)},

	{"INVALID_ACTION", Warning, policy.Identity, document(`{"Effect":"Allow","Action":"sts:AssumeRoles","Resource":"arn:aws:iam::111122223333:role/r"}`), document(`{"Effect":"Allow","Action":"STS:assumerole","Resource":"arn:aws:iam::111122223333:role/r"}`)},
	{"INVALID_ACTION", Warning, policy.Identity, document(`{"Effect":"Allow","Action":"iam:Fetch*","Resource":"*"}`), document(`{"Effect":"Allow","Action":["iam:Get*","iam:*Role","iam:ListUser?"],"Resource":"arn:aws:iam::111122223333:role/r"}`)},
	{"INVALID_ACTION", Warning, policy.Resource, document(`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"GetObject","Resource":"*"}`), document(`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:GetObject","Resource":"*"}`)},
	{"WILDCARD_IN_SERVICE_NAME", Warning, policy.Resource, document(`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s?:GetObject","Resource":"*"}`), document(`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:Get*","Resource":"*"}`)},
	{"DENY_WITHOUT_EFFECT", Warning, policy.Identity, document(`{"Effect":"Deny","Action":"sts:GetCallerIdentity","Resource":"*"}`), document(`{"Effect":"Deny","Action":"sts:*","Resource":"*"}`)},
	{"REDUNDANT_ACTION", Suggestion, policy.Identity, document(`{"Effect":"Allow","Action":["s3:GetObject","S3:get*"],"Resource":"*"}`), document(`{"Effect":"Allow","Action":["s3:GetObject","s3:Put*"],"Resource":"*"}`)},
	{"REDUNDANT_ACTION", Suggestion, policy.Identity, document(`{"Effect":"Allow","Action":["s3:GetObject","s3:getobject"],"Resource":"*"}`), document(`{"Effect":"Allow","Action":["s3:GetObject","s3:GetObjectAcl"],"Resource":"*"}`)},
	{"REDUNDANT_RESOURCE", Suggestion, policy.Identity, document(`{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::b/*","arn:aws:s3:::b/${aws:username}/x"]}`), document(`{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::b/${aws:username}/*","arn:aws:s3:::b/shared/x"]}`)},

	{"ALLOW_WITH_NOT_ACTION", Warning, policy.Identity, document(`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`), document(`{"Effect":"Deny","NotAction":"iam:*","Resource":"*"}`)},
	{"ALLOW_WITH_NOT_RESOURCE", Warning, policy.Identity, document(`{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::b/*"}`), document(`{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::b/*"}`)},
	{"ALLOW_WITH_NOT_ACTION", Warning, policy.Identity, document(`{"Effect":"Allow","NotAction":["iam:*","sts:*"],"Resource":"*"}`), document(`{"Effect":"Allow","Action":"*","Resource":"*"}`)},
	{"PASS_ROLE_WITH_STAR_IN_RESOURCE", SecurityWarning, policy.Identity, document(`{"Effect":"Allow","Action":"iam:passrole","Resource":"*"}`), document(`{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::111122223333:role/service/*"}`)},
	{"PASS_ROLE_WITH_STAR_IN_RESOURCE", SecurityWarning, policy.Identity, document(`{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::111122223333:role/*"}`), document(`{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}}`)},
	{"PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE", SecurityWarning, policy.Identity, document(`{"Effect":"Allow","Action":"iam:*","Resource":"*"}`), document(`{"Effect":"Allow","Action":"*","Resource":"*"}`)},
	{"PASS_ROLE_WITH_NOT_RESOURCE", SecurityWarning, policy.Identity, document(`{"Effect":"Allow","Action":"iam:PassRole","NotResource":"arn:aws:iam::111122223333:role/admin"}`), document(`{"Effect":"Deny","Action":"iam:PassRole","NotResource":"arn:aws:iam::111122223333:role/admin"}`)},
	{"ASSUME_ROLE_WITH_STAR_IN_RESOURCE", Warning, policy.Identity, document(`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`), document(`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::*:role/audit"}`)},
	{"ALLOW_WITH_NOT_ACTION", Warning, policy.Identity, document(`{"Effect":"Allow","NotAction":"iam:*","Resource":"arn:aws:s3:::b"}`), `boundary`},

	{"PRINCIPAL_WITH_STAR", SecurityWarning, policy.Trust, document(`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}`), document(`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}}`)},
	{"PRINCIPAL_WITH_STAR", SecurityWarning, policy.Resource, document(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"*","Condition":{"IpAddressIfExists":{"aws:SourceIp":"10.0.0.0/8"}}}`), document(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`)},
	{"PRINCIPAL_WITH_STAR", SecurityWarning, policy.Resource, document(`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}`), document(`{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"*"}`)},
	{"DENY_WITH_NOT_PRINCIPAL", Warning, policy.Resource, document(`{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"s3:GetObject","Resource":"*"}`), document(`{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/r"}}}`)},

	{"MISSING_EXTERNAL_ID", Warning, policy.Trust, document(`{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::444455556666:root","111122223333"]},"Action":"sts:AssumeRole"}`), document(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}`)},
	{"MISSING_EXTERNAL_ID", Warning, policy.Trust, document(`{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:*","Condition":{"StringLike":{"sts:ExternalId":"*"}}}`), document(`{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:*","Condition":{"StringEquals":{"STS:externalid":"x"}}}`)},
	{"MISSING_OIDC_SUBJECT", SecurityWarning, policy.Trust, document(`{"Effect":"Allow",` + corp + `,"Condition":{"StringEquals":{"idp.example/realm:aud":"c"}}}`), document(`{"Effect":"Allow",` + corp + `,"Condition":{"StringEquals":{"idp.example/realm:aud":"c","idp.example/realm:sub":"s"}}}`)},
	{"MISSING_OIDC_AUDIENCE", Warning, policy.Trust, document(`{"Effect":"Allow",` + corp + `,"Condition":{"StringEquals":{"idp.example/realm:sub":"s"}}}`), document(`{"Effect":"Allow",` + corp + `,"Condition":{"StringEquals":{"idp.example/realm:sub":"s","idp.example/realm:aud":["c","d"]}}}`)},
	{"MISSING_OIDC_AUDIENCE", SecurityWarning, policy.Trust, document(`{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},"Action":"sts:AssumeRoleWithWebIdentity"}`), document(`{"Effect":"Allow","Principal":{"Federated":"www.amazon.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"www.amazon.com:app_id":"a"}}}`)},
	{"OIDC_SUBJECT_WITH_STAR_IN_OWNER", SecurityWarning, policy.Trust, document(`{"Effect":"Allow",` + gitHub + `,"Condition":{"StringLike":{"token.actions.githubusercontent.com:sub":"repo:acme*"},"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}}}`), document(`{"Effect":"Allow",` + gitHub + `,"Condition":{"StringLike":{"token.actions.githubusercontent.com:sub":"repo:acme/*"},"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}}}`)},
	{"MISSING_SAML_AUDIENCE", Warning, policy.Trust, document(`{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/p"},"Action":"sts:AssumeRoleWithSAML"}`), document(`{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/p"},"Action":"sts:AssumeRoleWithSAML","Condition":{"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml"}}}`)},
	{"UNREACHABLE_STATEMENT", Warning, policy.Trust, document(`{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/p"},"Action":"sts:AssumeRole"}`), document(`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":["sts:AssumeRole","sts:TagSession"]}`)},

	{"INVALID_GLOBAL_CONDITION_KEY", Warning, policy.Identity, document(gets + `"StringEquals":{"aws:PrincipalOrgId2":"o"}}}`), document(gets + `"StringEquals":{"AWS:principalorgid":"o"}}}`)},
	{"INVALID_GLOBAL_CONDITION_KEY", Warning, policy.Identity, document(gets + `"StringEquals":{"aws:PrincipalTag":"o"}}}`), document(gets + `"StringEquals":{"aws:PrincipalTag/Team":"o"}}}`)},
	{"INVALID_SERVICE_CONDITION_KEY", Warning, policy.Identity, document(gets + `"StringEquals":{"sts:ExternalID2":"o"}}}`), document(gets + `"StringEquals":{"s3:prefix":"o"}}}`)},
	{"INVALID_CONDITION_KEY_FORMAT", Warning, policy.Identity, document(gets + `"StringEquals":{"username":"o"}}}`), document(gets + `"StringEquals":{"idp.example/realm:sub":"o"}}}`)},
	{"TYPE_MISMATCH", Warning, policy.Identity, document(gets + `"StringLike":{"aws:SourceIp":"10.1.*"}}}`), document(gets + `"IpAddress":{"aws:SourceIp":"10.1.0.0/16"}}}`)},
	{"TYPE_MISMATCH", Warning, policy.Identity, document(gets + `"NumericLessThan":{"aws:CurrentTime":"20"}}}`), document(gets + `"NumericLessThan":{"aws:EpochTime":"20"}}}`)},
	{"TYPE_MISMATCH", Warning, policy.Identity, document(gets + `"ArnEquals":{"aws:username":"arn:aws:iam::111122223333:user/u"}}}`), document(gets + `"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/u"}}}`)},
	{"TYPE_MISMATCH", Warning, policy.Identity, document(gets + `"NumericEquals":{"aws:PrincipalAccount":"111122223333"}}}`), document(gets + `"NumericEquals":{"aws:PrincipalTag/level":"3"}}}`)},
	{"TYPE_MISMATCH", Warning, policy.Identity, document(gets + `"StringEquals":{"sts:DurationSeconds":"900"}}}`), document(gets + `"Null":{"sts:DurationSeconds":"true"}}}`)},
	{"TYPE_MISMATCH", Suggestion, policy.Identity, document(shuts + `"StringEquals":{"aws:SecureTransport":"false"}}}`), document(shuts + `"Bool":{"aws:SecureTransport":"false"}}}`)},
	{"INVALID_CONDITION_VALUE", Error, policy.Identity, document(gets + `"Bool":{"aws:SecureTransport":"yes"}}}`), document(gets + `"Bool":{"aws:SecureTransport":true}}}`)},
	{"INVALID_CONDITION_VALUE", Error, policy.Identity, document(gets + `"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:topic"}}}`), document(gets + `"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:topic"}}}`)},
	{"INVALID_CONDITION_VALUE", Error, policy.Identity, document(gets + `"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}}`), document(gets + `"IpAddress":{"aws:SourceIp":"10.0.0.0/32"}}}`)},
	{"INVALID_CONDITION_MULTIPLE_BOOLEAN", Warning, policy.Identity, document(gets + `"Bool":{"aws:SecureTransport":["true","false"]}}}`), document(gets + `"Bool":{"aws:SecureTransport":["true"]}}}`)},
	{"EMPTY_ARRAY_CONDITION", Warning, policy.Identity, document(gets + `"StringEquals":{"aws:username":[]}}}`), document(gets + `"StringEquals":{"aws:username":[""]}}}`)},
	{"WILDCARD_WITHOUT_LIKE_OPERATOR", Warning, policy.Identity, document(gets + `"StringNotEqualsIgnoreCase":{"aws:userid":"AROA*:bob"}}}`), document(gets + `"StringEquals":{"aws:userid":"a${*}b"}}}`)},
	{"CONDITION_TAKES_EVERY_VALUE", Warning, policy.Identity, document(gets + `"IpAddress":{"aws:SourceIp":["10.0.0.0/8","0.0.0.0/0"]}}}`), document(gets + `"NotIpAddress":{"aws:SourceIp":"0.0.0.0/0"}}}`)},
	{"EQUIVALENT_TO_NULL_FALSE", Suggestion, policy.Identity, document(gets + `"StringLike":{"aws:PrincipalTag/team":"*"}}}`), document(gets + `"StringLike":{"aws:PrincipalTag/team":"?*"}}}`)},
	{"FORALLVALUES_WITH_SINGLE_VALUED_KEY", SecurityWarning, policy.Identity, document(gets + `"ForAllValues:StringEquals":{"aws:PrincipalOrgID":"o"}}}`), document(gets + `"StringEquals":{"aws:PrincipalOrgID":"o"}}}`)},
	{"FORALLVALUES_WITH_SINGLE_VALUED_KEY", Warning, policy.Identity, document(shuts + `"ForAllValues:StringEquals":{"aws:PrincipalOrgID":"o"}}}`), document(shuts + `"StringEquals":{"aws:PrincipalOrgID":"o"}}}`)},
	{"FORANYVALUE_WITH_SINGLE_VALUED_KEY", Suggestion, policy.Identity, document(gets + `"ForAnyValue:StringEquals":{"aws:PrincipalOrgID":"o"}}}`), document(gets + `"ForAnyValue:StringEquals":{"aws:PrincipalOrgPaths":"o"}}}`)},
	{"MISSING_QUALIFIER", Warning, policy.Identity, document(gets + `"StringLike":{"aws:PrincipalOrgPaths":"o-1/*"}}}`), document(gets + `"Null":{"aws:PrincipalOrgPaths":"false"}}}`)},
	{"FORALLVALUES_WITHOUT_NULL_GUARD", SecurityWarning, policy.Identity, document(gets + `"ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-1/*"}}}`), document(gets + `"ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-1/*"},"Null":{"aws:principalorgpaths":false}}}`)},
	{"FORALLVALUES_WITHOUT_NULL_GUARD", Suggestion, policy.Identity, document(gets + `"ForAllValues:StringEquals":{"aws:TagKeys":"team"}}}`), document(shuts + `"ForAllValues:StringEquals":{"aws:TagKeys":"team"}}}`)},
	{"MFA_NOT_REQUIRED", Warning, policy.Identity, document(shuts + `"Bool":{"aws:MultiFactorAuthPresent":"false"}}}`), document(shuts + `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`)},
	{"MFA_NOT_REQUIRED", SecurityWarning, policy.Identity, document(gets + `"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}}`), document(gets + `"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`)},
	{"MFA_NOT_REQUIRED", SecurityWarning, policy.Identity, document(gets + `"NumericLessThanIfExists":{"aws:MultiFactorAuthAge":"3600"}}}`), document(gets + `"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}}`)},
	{"UNREACHABLE_STATEMENT", Warning, policy.Identity, document(gets + `"Null":{"aws:username":"true"},"StringEquals":{"aws:username":"a"}}}`), document(gets + `"Null":{"aws:username":"true"},"StringEqualsIfExists":{"aws:username":"a"}}}`)},
	{"KEY_CASE", Suggestion, policy.Identity, document(gets + `"StringLike":{"aws:PrincipalTag/Team":"a*"},"StringNotEquals":{"aws:PrincipalTag/team":"ab"}}}`), document(gets + `"StringLike":{"aws:PrincipalTag/team":"a*"},"StringNotEquals":{"aws:PrincipalTag/team":"ab"}}}`)},

	{"VARIABLE_UNSUPPORTED_IN_VERSION", Warning, policy.Identity, `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:username}/*"}}`, document(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:username}/*"}`)},
	{"VARIABLE_UNSUPPORTED_IN_VERSION", Warning, policy.Identity, `{"Version":"2008-10-17","Statement":` + gets + `"StringEquals":{"s3:prefix":"${aws:username}"}}}}`, document(gets + `"StringEquals":{"s3:prefix":"${aws:username}"}}}`)},
	{"VARIABLE_UNSUPPORTED_IN_ELEMENT", Warning, policy.Identity, document(`{"Effect":"Allow","Action":"s3:${aws:username}","Resource":"*"}`), document(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`)},
	{"INVALID_VARIABLE_FOR_OPERATOR", Warning, policy.Identity, document(gets + `"IpAddress":{"aws:SourceIp":"${aws:PrincipalTag/ip}"}}}`), document(gets + `"StringEquals":{"aws:userid":"${aws:PrincipalTag/ip}"}}}`)},
	{"VARIABLE_BEFORE_RESOURCE_NAME", Warning, policy.Identity, document(`{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:${aws:RequestedRegion}:111122223333:q"}`), document(`{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:*:111122223333:${aws:RequestedRegion}-q"}`)},
	{"MISSING_BRACE_IN_VARIABLE", Warning, policy.Identity, document(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username/*"}`), document(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${$}{aws:username/*"}`)},
	{"MISSING_QUOTE_IN_VARIABLE", Warning, policy.Identity, document(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username, none}"}`), document(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username, 'none'}"}`)},
	{"INVALID_VARIABLE", Warning, policy.Identity, document(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${}"}`), document(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${?}"}`)},
	{"INVALID_GLOBAL_CONDITION_KEY", Warning, policy.Identity, document(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:user}"}`), document(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:userId}"}`)},
	{"MULTIVALUED_VARIABLE", Warning, policy.Identity, document(gets + `"StringLike":{"s3:prefix":"${aws:TagKeys}"}}}`), document(gets + `"StringLike":{"s3:prefix":"${aws:PrincipalTag/k}"}}}`)},

	{"UNREACHABLE_STATEMENT", Warning, policy.Identity, document(`{"Effect":"Allow","Action":["s3:GetObject","s3:GetObjectAcl"],"Resource":"arn:aws:s3:::b/*"},{"Sid":"shut","Effect":"Deny","Action":"s3:Get*","Resource":"arn:aws:s3:::*"}`), document(`{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/*"},{"Effect":"Deny","Action":"s3:Get*","Resource":"arn:aws:s3:::*"}`)},
	{"UNREACHABLE_STATEMENT", Warning, policy.Resource, document(`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:GetObject","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`), document(`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:GetObject","Resource":"*"},{"Effect":"Deny","Principal":{"AWS":"444455556666"},"Action":"*","Resource":"*"}`)},
	{"REDUNDANT_STATEMENT", Suggestion, policy.Identity, document(`{"Effect":"Deny","Action":"s3:*","Resource":"*"},{"Sid":"two","Effect":"Deny","Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`), document(`{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}},{"Effect":"Deny","Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*"}`)},
	{"REDUNDANT_STATEMENT", Suggestion, policy.Identity, document(gets + `"StringLike":{"s3:prefix":"a"}}},` + gets + `"StringLike":{"s3:prefix":"a"}}}`), document(gets + `"StringLike":{"s3:prefix":"a"}}},` + gets + `"StringLike":{"s3:prefix":"b"}}}`)},
	{"REDUNDANT_STATEMENT", Suggestion, policy.Identity, document(`{"Effect":"Deny","NotAction":["s3:*","sts:*"],"Resource":"*"},{"Effect":"Deny","NotAction":"s3:*","Resource":"*"}`), document(`{"Effect":"Deny","NotAction":"sts:*","Resource":"*"},{"Effect":"Deny","NotAction":"s3:*","Resource":"*"}`)},
}

// TestChecks holds every check to a document that has the finding and one that has not, and the wording to the golden file.
func TestChecks(t *testing.T) {
	t.Parallel()
	var golden strings.Builder
	for _, c := range checks {
		findings := Text(c.bad, c.typ, Options{Account: own})
		fmt.Fprintf(&golden, "%s: %s\n", c.typ, c.bad)
		for _, f := range findings {
			fmt.Fprintf(&golden, "  %s %s, statement %d %s at %d: %s\n", f.Severity, f.Code, f.Statement, f.Element, f.Offset, f.Message)
		}
		if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Code == c.code && f.Severity == c.severity }) {
			t.Errorf("%s is not found in %s: %v", c.code, c.bad, findings)
		}
		good, typ := c.good, c.typ
		if good == "boundary" { // the same document leaves room there and gives nothing
			good, typ = c.bad, policy.Boundary
		}
		for _, f := range Text(good, typ, Options{Account: own}) {
			if f.Code == c.code {
				t.Errorf("found in %s: %v", good, f)
			}
		}
	}
	const path = "testdata/findings.golden"
	if *update {
		if err := os.WriteFile(path, []byte(golden.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if golden.String() != string(want) {
		t.Errorf("the findings are not those of %s; go test -update writes them anew\n%s", path, golden.String())
	}
}

// Documents that AWS itself publishes or that are usual have nothing that a server should warn of.
func TestUsualDocumentsAreQuiet(t *testing.T) {
	t.Parallel()
	for _, d := range []struct {
		typ  policy.Type
		text string
	}{
		{policy.Managed, document(`{"Effect":"Allow","Action":"*","Resource":"*"}`)},
		{policy.Managed, document(`{"Effect":"Allow","Action":["iam:Get*","iam:List*","sts:GetCallerIdentity"],"Resource":"*"}`)},
		{policy.Identity, document(`{"Sid":"AllowManageOwn","Effect":"Allow","Action":["iam:*LoginProfile","iam:*AccessKey*"],"Resource":"arn:aws:iam::*:user/${aws:username}"},{"Sid":"DenyAllExceptListedIfNoMFA","Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","sts:GetSessionToken"],"Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`)},
		{policy.Identity, document(`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-01-01T00:00:00Z"}}}`)},
		{policy.Identity, document(`{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b","Condition":{"StringLike":{"s3:prefix":["","home/","home/${aws:username}/*"]}}}`)},
		{policy.Trust, document(`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`)},
		{policy.Trust, document(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`)},
		{policy.Trust, document(`{"Effect":"Allow",` + gitHub + `,"Condition":{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com","token.actions.githubusercontent.com:sub":"repo:acme/app:ref:refs/heads/main"}}}`)},
		{policy.SCP, document(`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","NotAction":["iam:*","sts:*"],"Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-central-1"]}}}`)},
		{policy.RCP, document(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"BoolIfExists":{"aws:SecureTransport":"false"}}}`)},
		{policy.Session, document(`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`)},
	} {
		if findings := Text(d.text, d.typ, Options{Account: own}); len(findings) > 0 {
			t.Errorf("%s: %v", d.text, findings)
		}
	}
}

// Without the account, trust in one is only a question.
func TestUnknownAccount(t *testing.T) {
	t.Parallel()
	findings := Text(document(`{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::444455556666:root","*"]},"Action":"sts:AssumeRole"}`), policy.Trust, Options{})
	if len(findings) != 2 || findings[0].Code != "PRINCIPAL_WITH_STAR" || findings[1].Code != "MISSING_EXTERNAL_ID" || findings[1].Severity != Suggestion {
		t.Errorf("%v", findings)
	}
	if worst, any := Worst(findings); worst != SecurityWarning || !any {
		t.Errorf("the worst is %v", worst)
	}
	if _, any := Worst(nil); any {
		t.Error("nothing has a worst")
	}
}

// Documents that no grammar let through still get findings, and none of them makes the linter fall.
func TestDocumentsMadeByHand(t *testing.T) {
	t.Parallel()
	d := &policy.Document{Type: policy.Resource, Version: policy.Version2012, Statements: []policy.Statement{
		{Effect: policy.Allow, NotPrincipals: []policy.PrincipalValue{{Kind: "AWS", Value: "111122223333"}}, Actions: []string{"s3:*"},
			Conditions: []policy.Condition{{Operator: "StringEqual", Key: "aws:username", Values: []string{"${aws:username}"}}}},
		{},
	}}
	var codes []string
	for _, f := range Document(d, Options{}) {
		codes = append(codes, f.Code)
	}
	if !slices.Equal(codes, []string{"ALLOW_WITH_NOT_PRINCIPAL", "INVALID_CONDITION_OPERATOR"}) {
		t.Errorf("%v", codes)
	}
}

// The work for one document is bounded, whatever is in it.
func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	var statements []string
	for i := range 1500 {
		statements = append(statements, fmt.Sprintf(`{"Effect":"Allow","Action":"s3:Get%d*","Resource":["arn:aws:s3:::*a*b%d"]}`, i, i))
	}
	if findings := Text(document(strings.Join(statements, ",")), policy.Managed, Options{}); len(findings) != 0 {
		t.Errorf("%d findings, the first %v", len(findings), findings[0])
	}
	findings := Text(document(strings.Repeat(`{"Effect":"Allow","Action":"iam:Gone","Resource":"*"},`, 500)+`{"Effect":"Allow","Action":"iam:Gone","Resource":"*"}`), policy.Managed, Options{})
	if len(findings) != maxFindings {
		t.Errorf("%d findings", len(findings))
	}
}

func TestGlobCovers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		wide, narrow string
		want         bool
	}{
		{"*", "anything*", true},
		{"a*", "ab*c", true},
		{"a*", "*", false},
		{"a*c", "abc", true},
		{"a*c", "a*c", true},
		{"a*c", "a*", false},
		{"a?c", "a?c", true},
		{"a?c", "a*c", false},
		{"a**", "a*", true},
		{"*b", "*a*b", true},
		{"*ab", "aab", true},
		{"", "", true},
		{"a", "", false},
	} {
		if got := globCovers(tt.wide, tt.narrow); got != tt.want {
			t.Errorf("%q covers %q: %t", tt.wide, tt.narrow, got)
		}
	}
	l := &linter{budget: 10}
	for _, tt := range []struct {
		wide, narrow string
		want         bool
	}{
		{"b/?", "b/é", false}, // cannot be told: the comparison is of bytes
		{"b/${aws:username}", "b/${aws:username}", true},
		{"b/${aws:username}", "b/x", false},
		{"b/$*", "b/${aws:username}", false},
		{"b/*", "b/${aws:username}/${k", true},
	} {
		if got := l.covers(tt.wide, tt.narrow, false); got != tt.want {
			t.Errorf("%q covers %q: %t", tt.wide, tt.narrow, got)
		}
	}
	if l.budget = 0; l.covers("*", "a", false) {
		t.Error("compared without a budget")
	}
}

func TestNear(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"StringEqual":             "StringEquals",
		"stringequals":            "StringEquals",
		"BinaryNotEquals":         "",
		"Bol":                     "Bool",
		strings.Repeat("x", 1000): "",
	} {
		if got := near(name, operatorNames[:]); got != want {
			t.Errorf("%s is near %q, want %q", name, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, c := range checks {
		f.Add(c.bad, byte(c.typ))
	}
	f.Fuzz(func(t *testing.T, text string, typ byte) {
		for _, finding := range Text(text, policy.Type(typ%10), Options{Account: own}) {
			if finding.Code == "" || finding.Message == "" || finding.Offset > len(text) {
				t.Errorf("%+v", finding)
			}
			if strings.ContainsAny(finding.Message, "\r\n") && finding.Code != "MALFORMED_POLICY_DOCUMENT" {
				t.Errorf("line breaks in %q", finding.Message)
			}
		}
	})
}

// The page that explains the codes has every one that a check is known by, and no other.
func TestCodesAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/policy-tools.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "| code | severity | when |")
	if !found {
		t.Fatal("the page has no table of codes")
	}
	documented := regexp.MustCompile("`([A-Z]+(?:_[A-Z]+)+)`").FindAllStringSubmatch(table, -1)
	codes := map[string]bool{"ALLOW_WITH_NOT_PRINCIPAL": true, "INVALID_CONDITION_OPERATOR": true} // only in documents made by hand
	for _, c := range checks {
		codes[c.code] = true
	}
	for _, d := range documented {
		if !codes[d[1]] {
			t.Errorf("%s is documented and no check has it", d[1])
		}
		codes[d[1]] = false
	}
	for code, missing := range codes {
		if missing {
			t.Errorf("%s is not documented", code)
		}
	}
}
