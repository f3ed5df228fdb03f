package wire

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"pgregory.net/rapid"
)

const requestID = "01234567-89ab-cdef-0123-456789abcdef"

var expiration = time.Date(2021, 8, 5, 19, 58, 2, 999, time.FixedZone("east", 3600))

func xmlOf[In, Out any](op Op[In, Out], out *Out) string {
	return string((&answer[In, Out]{op: op, out: out}).AppendXML(nil, requestID))
}

func jsonOf[In, Out any](op Op[In, Out], out *Out) string {
	return string((&answer[In, Out]{op: op, out: out}).AppendJSON(nil, requestID))
}

func auditOf[In, Out any](op Op[In, Out], in *In, out *Out) (request, response string) {
	a := &answer[In, Out]{op: op, in: *in, out: out}
	return string(a.AppendRequestParameters(nil)), string(a.AppendResponseElements(nil))
}

func equal(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

var identityOutput = &api.GetCallerIdentityOutput{
	UserId: new("AIDAAAAAAAAAAAAAAAAAA"), Account: new("111122223333"), Arn: new("arn:aws:iam::111122223333:user/alice"),
}

var assumed = &api.AssumeRoleOutput{
	AssumedRoleUser: &api.AssumedRoleUser{AssumedRoleId: "AROAAAAAAAAAAAAAAAAAA:s1", Arn: "arn:aws:sts::111122223333:assumed-role/target/s1"},
	Credentials: &api.Credentials{
		AccessKeyId: "ASIAAAAAAAAAAAAAAAAA", SecretAccessKey: "s+/cret", SessionToken: "tok==", Expiration: expiration,
	},
	SourceIdentity: new("carol"),
}

// Recorded bytes (ARGMIN).
func TestXMLAnswers(t *testing.T) {
	t.Parallel()
	equal(t, xmlOf(GetCallerIdentity, identityOutput), `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:aws:iam::111122223333:user/alice</Arn>
    <UserId>AIDAAAAAAAAAAAAAAAAAA</UserId>
    <Account>111122223333</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata>
    <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
  </ResponseMetadata>
</GetCallerIdentityResponse>
`)
	equal(t, xmlOf(AssumeRole, assumed), `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser>
      <AssumedRoleId>AROAAAAAAAAAAAAAAAAAA:s1</AssumedRoleId>
      <Arn>arn:aws:sts::111122223333:assumed-role/target/s1</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAAAAAAAAAAAAAAAAA</AccessKeyId>
      <SecretAccessKey>s+/cret</SecretAccessKey>
      <SessionToken>tok==</SessionToken>
      <Expiration>2021-08-05T18:58:02Z</Expiration>
    </Credentials>
    <SourceIdentity>carol</SourceIdentity>
  </AssumeRoleResult>
  <ResponseMetadata>
    <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
  </ResponseMetadata>
</AssumeRoleResponse>
`)
	equal(t, xmlOf(DeleteUser, &api.Empty{}), `<DeleteUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <ResponseMetadata>
    <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
  </ResponseMetadata>
</DeleteUserResponse>
`)
	equal(t, xmlOf(UpdateRole, &api.UpdateRoleOutput{}), `<UpdateRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <UpdateRoleResult/>
  <ResponseMetadata>
    <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
  </ResponseMetadata>
</UpdateRoleResponse>
`)
}

func result(xml string) string {
	_, xml, _ = strings.Cut(xml, "Result>\n")
	xml, _, _ = strings.Cut(xml, "  <ResponseMetadata>")
	return xml[:strings.LastIndex(xml, "  </")]
}

func TestXMLMembers(t *testing.T) {
	t.Parallel()
	role := api.Role{Path: "/", RoleName: "r", RoleId: "AROA", Arn: "arn", CreateDate: expiration, RoleLastUsed: &api.RoleLastUsed{}, Description: new("")}
	equal(t, xmlOf(GetRole, &api.GetRoleOutput{Role: role}), `<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <GetRoleResult>
    <Role>
      <Path>/</Path>
      <RoleName>r</RoleName>
      <RoleId>AROA</RoleId>
      <Arn>arn</Arn>
      <CreateDate>2021-08-05T18:58:02Z</CreateDate>
      <Description/>
      <RoleLastUsed/>
    </Role>
  </GetRoleResult>
  <ResponseMetadata>
    <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
  </ResponseMetadata>
</GetRoleResponse>
`)
	equal(t, xmlOf(ListUserTags, &api.ListUserTagsOutput{Tags: []api.Tag{{Key: "k", Value: "v"}, {Key: "e"}}, IsTruncated: new(false)}),
		`<ListUserTagsResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <ListUserTagsResult>
    <Tags>
      <member>
        <Key>k</Key>
        <Value>v</Value>
      </member>
      <member>
        <Key>e</Key>
        <Value/>
      </member>
    </Tags>
    <IsTruncated>false</IsTruncated>
  </ListUserTagsResult>
  <ResponseMetadata>
    <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
  </ResponseMetadata>
</ListUserTagsResponse>
`)
	// A list that the model requires is there even when a handler leaves it nil.
	equal(t, result(xmlOf(ListUsers, &api.ListUsersOutput{})), "    <Users/>\n")
	// GetPolicy has Tags even if empty; CreatePolicy leaves nil Tags out.
	equal(t, result(xmlOf(GetPolicy, &api.GetPolicyOutput{Policy: &api.Policy{Tags: []api.Tag{}}})), "    <Policy>\n      <Tags/>\n    </Policy>\n")
	equal(t, result(xmlOf(GetPolicy, &api.GetPolicyOutput{Policy: &api.Policy{}})), "    <Policy/>\n")
	equal(t, result(xmlOf(ListUserPolicies, &api.ListUserPoliciesOutput{PolicyNames: []string{"a", ""}})),
		"    <PolicyNames>\n      <member>a</member>\n      <member/>\n    </PolicyNames>\n")
	equal(t, result(xmlOf(GetAccountSummary, &api.GetAccountSummaryOutput{SummaryMap: map[string]int32{"Users": 2, "Groups": 1}})),
		"    <SummaryMap>\n      <entry>\n        <key>Groups</key>\n        <value>1</value>\n      </entry>\n      <entry>\n        <key>Users</key>\n        <value>2</value>\n      </entry>\n    </SummaryMap>\n")
	equal(t, result(xmlOf(GetCredentialReport, &api.GetCredentialReportOutput{Content: []byte("a,b")})), "    <Content>YSxi</Content>\n")
}

// Observed (ZIG): keys in alphabetical order; LS: times are epoch seconds.
func TestJSONAnswers(t *testing.T) {
	t.Parallel()
	equal(t, jsonOf(GetCallerIdentity, identityOutput), `{"GetCallerIdentityResponse":{"GetCallerIdentityResult":{"Account":"111122223333",`+
		`"Arn":"arn:aws:iam::111122223333:user/alice","UserId":"AIDAAAAAAAAAAAAAAAAAA"},"ResponseMetadata":{"RequestId":"01234567-89ab-cdef-0123-456789abcdef"}}}`)
	equal(t, jsonOf(AssumeRole, assumed), `{"AssumeRoleResponse":{"AssumeRoleResult":{"AssumedRoleUser":{"Arn":"arn:aws:sts::111122223333:assumed-role/target/s1",`+
		`"AssumedRoleId":"AROAAAAAAAAAAAAAAAAAA:s1"},"Credentials":{"AccessKeyId":"ASIAAAAAAAAAAAAAAAAA","Expiration":1628189882,"SecretAccessKey":"s+/cret",`+
		`"SessionToken":"tok=="},"SourceIdentity":"carol"},"ResponseMetadata":{"RequestId":"01234567-89ab-cdef-0123-456789abcdef"}}}`)
	equal(t, jsonOf(DeleteUser, &api.Empty{}), `{"DeleteUserResponse":{"ResponseMetadata":{"RequestId":"01234567-89ab-cdef-0123-456789abcdef"}}}`)
	equal(t, jsonOf(ListUserPolicies, &api.ListUserPoliciesOutput{PolicyNames: []string{"a", "b"}, IsTruncated: new(true)}),
		`{"ListUserPoliciesResponse":{"ListUserPoliciesResult":{"IsTruncated":true,"PolicyNames":["a","b"]},"ResponseMetadata":{"RequestId":"01234567-89ab-cdef-0123-456789abcdef"}}}`)
	equal(t, jsonOf(GetAccountSummary, &api.GetAccountSummaryOutput{SummaryMap: map[string]int32{"Users": 2, "Groups": 1}}),
		`{"GetAccountSummaryResponse":{"GetAccountSummaryResult":{"SummaryMap":{"Groups":1,"Users":2}},"ResponseMetadata":{"RequestId":"01234567-89ab-cdef-0123-456789abcdef"}}}`)
}

func TestAuditEncoding(t *testing.T) {
	t.Parallel()
	in := &api.AssumeRoleInput{
		RoleArn: "arn", RoleSessionName: "s1", DurationSeconds: new(int32(900)), TokenCode: new("123456"),
		Tags: []api.Tag{{Key: "k", Value: "v"}}, PolicyArns: []api.PolicyDescriptorType{},
	}
	request, response := auditOf(AssumeRole, in, assumed)
	equal(t, request, `{"durationSeconds":900,"policyArns":[],"roleArn":"arn","roleSessionName":"s1","tags":[{"key":"k","value":"v"}],"tokenCode":"HIDDEN_DUE_TO_SECURITY_REASONS"}`)
	equal(t, response, `{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/target/s1","assumedRoleId":"AROAAAAAAAAAAAAAAAAAA:s1"},`+
		`"credentials":{"accessKeyId":"ASIAAAAAAAAAAAAAAAAA","expiration":"Aug 5, 2021, 6:58:02 PM","secretAccessKey":"HIDDEN_DUE_TO_SECURITY_REASONS",`+
		`"sessionToken":"HIDDEN_DUE_TO_SECURITY_REASONS"},"sourceIdentity":"carol"}`)
	request, response = auditOf(GetCallerIdentity, &api.GetCallerIdentityInput{}, nil)
	equal(t, request, "null")
	equal(t, response, "null")
}

// A line of the audit log has an end, whatever the request holds.
func TestAuditIsCapped(t *testing.T) {
	t.Parallel()
	in := &api.AssumeRoleInput{Policy: new(strings.Repeat("é", 1_000_000))}
	for range 10_000 {
		in.TransitiveTagKeys = append(in.TransitiveTagKeys, strings.Repeat("k", 10_000))
		in.Tags = append(in.Tags, api.Tag{Key: strings.Repeat("k", 10_000)})
	}
	request, _ := auditOf(AssumeRole, in, nil)
	if n := len(request); n < auditTotal || n > auditTotal+4*auditText {
		t.Errorf("%d bytes", n)
	}
	if !json.Valid([]byte(request)) || !strings.Contains(request, "é…") {
		t.Error("the cut request is not valid JSON with a mark")
	}
}

// advisory 27 (CVE-2026-42507): whatever a caller sends, an audit line is one line of valid JSON without control characters.
func TestHostileTextInJSON(t *testing.T) {
	t.Parallel()
	hostile := []string{"\r\n", "\x1b[2J", "\x00", `"},{"x":"`, `\`, "\u2028\u2029", "\u0085\u009b", "\x7f", "a\xffb", "\xed\xa0\x80", strings.Repeat("\"", 1<<20)}
	check := func(fatal func(string, ...any), value string) {
		request, _ := auditOf(AssumeRole, &api.AssumeRoleInput{RoleArn: value, TransitiveTagKeys: []string{value}}, nil)
		response := jsonOf(AssumeRole, &api.AssumeRoleOutput{SourceIdentity: &value})
		for _, text := range []string{request, response} {
			if !json.Valid([]byte(text)) {
				fatal("%q: not JSON: %.200q", value, text)
			}
			if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || 0x7f <= r && r < 0xa0 || r == 0x2028 || r == 0x2029 }); i >= 0 {
				fatal("%q: control character at %d of %.200q", value, i, text)
			}
		}
		var back struct {
			R struct {
				R struct{ SourceIdentity string } `json:"AssumeRoleResult"`
			} `json:"AssumeRoleResponse"`
		}
		if err := json.Unmarshal([]byte(response), &back); err != nil || back.R.R.SourceIdentity != strings.ToValidUTF8(value, "\uFFFD") && strings.ToValidUTF8(value, "") == value {
			fatal("%.100q comes back as %.100q, %v", value, back.R.R.SourceIdentity, err)
		}
	}
	for _, value := range hostile {
		check(t.Errorf, value)
	}
	rapid.Check(t, func(t *rapid.T) { check(t.Fatalf, rapid.String().Draw(t, "value")) })
}

// Any text comes back out of the XML as it went in, but for what no XML document can hold.
func TestXMLRoundTrip(t *testing.T) {
	t.Parallel()
	check := func(fatal func(string, ...any), value string) {
		var back struct {
			R struct {
				SourceIdentity string
				Credentials    struct{ SessionToken string }
			} `xml:"AssumeRoleResult"`
		}
		text := xmlOf(AssumeRole, &api.AssumeRoleOutput{SourceIdentity: &value, Credentials: &api.Credentials{SessionToken: value}})
		if err := xml.Unmarshal([]byte(text), &back); err != nil {
			fatal("%q: %v in %s", value, err, text)
		}
		want := strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
				return 0xfffd
			}
			return r
		}, value)
		if back.R.SourceIdentity != want || back.R.Credentials.SessionToken != want {
			fatal("%q comes back as %q", value, back.R.SourceIdentity)
		}
	}
	for _, value := range []string{"", " ", "\r\n\t", "<&>\"'", "]]>", "</SourceIdentity>", "<!--", "\x00\x1b", "a\xffb", "\xed\xa0\x80", "\ufffe\uffff", "😀é\u0085\u2028"} {
		check(t.Errorf, value)
	}
	rapid.Check(t, func(t *rapid.T) { check(t.Fatalf, rapid.String().Draw(t, "value")) })
}
