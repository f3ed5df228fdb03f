package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/stint-sts/stint/internal/identity"
)

// lineOf returns the event's line as the first of a chain, without its end.
func lineOf(e *Event) []byte {
	r := newRecord().(*record)
	r.build(e)
	first := origin()
	return bytes.TrimSuffix(first.append(nil, r), []byte("\n"))
}

func decode(t *testing.T, line []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, line)
	}
	return m
}

func TestLine(t *testing.T) {
	t.Parallel()
	line := lineOf(assumeRole())
	got := decode(t, line)
	chain := got["stint"].(map[string]any)["chain"].(map[string]any)
	if chain["sequence"] != 1.0 || chain["previousHash"] != strings.Repeat("0", 64) || len(chain["hash"].(string)) != 64 {
		t.Errorf("chain %v", chain)
	}
	delete(got["stint"].(map[string]any), "chain")
	want := decode(t, []byte(`{
		"eventVersion": "1.11",
		"userIdentity": {
			"type": "AssumedRole", "principalId": "AROARTZ4ZLEUI3DZDGQ6G:s1",
			"arn": "arn:aws:sts::111122223333:assumed-role/first/s1", "accountId": "111122223333", "accessKeyId": "ASIARTZ4ZLEUNXS2KT7A",
			"sessionContext": {
				"sessionIssuer": {
					"type": "Role", "principalId": "AROARTZ4ZLEUI3DZDGQ6G", "arn": "arn:aws:iam::111122223333:role/path/first",
					"accountId": "111122223333", "userName": "first"
				},
				"attributes": {"creationDate": "2026-07-01T11:00:00Z", "mfaAuthenticated": "true"},
				"sourceIdentity": "alice"
			}
		},
		"eventTime": "2026-07-01T12:00:00Z", "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "awsRegion": "us-east-1",
		"sourceIPAddress": "192.0.2.1", "userAgent": "aws-cli/2.31.0",
		"requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/target", "roleSessionName": "s2"},
		"responseElements": {"credentials": {"accessKeyId": "ASIARTZ4ZLEUAAAAAAAA", "expiration": "Jul 1, 2026, 1:00:00 PM"}},
		"requestID": "7a3b0001-0000-4000-8000-000000000002", "eventID": "5e1f4a2c-0001-4000-8000-000000000001",
		"readOnly": false,
		"resources": [{"ARN": "arn:aws:iam::111122223333:role/target", "accountId": "111122223333", "type": "AWS::IAM::Role"}],
		"eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": "111122223333", "eventCategory": "Management",
		"stint": {
			"sessionName": "s1", "chained": true,
			"sessionTags": [{"key": "team", "value": "blue", "transitive": true}, {"key": "cost", "value": "", "transitive": false}]
		}
	}`))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("line\n%s\nwant\n%v", line, want)
	}
}

func TestUserIdentity(t *testing.T) {
	t.Parallel()
	session := &identity.Session{Issued: noon}
	tests := []struct {
		name   string
		caller identity.Caller
		issuer string
		want   string
	}{
		{"nobody", identity.Caller{}, "", `{"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL"}`},
		{"a key that did not verify", identity.Caller{AccessKeyID: "AKIA\n"}, "",
			`{"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL","accessKeyId":"AKIA\u000a"}`},
		{"user", identity.Caller{Kind: identity.User, Account: "1", ARN: "arn:aws:iam::1:user/a/b/alice", UserID: "AIDA", AccessKeyID: "AKIA"}, "",
			`{"type":"IAMUser","principalId":"AIDA","arn":"arn:aws:iam::1:user/a/b/alice","accountId":"1","accessKeyId":"AKIA","userName":"alice"}`},
		{"root", identity.Caller{Kind: identity.Root, Account: "1", ARN: "arn:aws:iam::1:root", UserID: "1", AccessKeyID: "AKIA"}, "",
			`{"type":"Root","principalId":"1","arn":"arn:aws:iam::1:root","accountId":"1","accessKeyId":"AKIA"}`},
		{"assumed root", identity.Caller{Kind: identity.Root, Account: "1", ARN: "arn:aws:iam::1:root", UserID: "1", AccessKeyID: "ASIA",
			Session: &identity.Session{Kind: identity.AssumedRootSession, Issued: session.Issued}}, "",
			`{"type":"Root","principalId":"1","arn":"arn:aws:iam::1:root","accountId":"1","accessKeyId":"ASIA",` +
				`"sessionContext":{"attributes":{"creationDate":"2026-07-01T12:00:00Z","mfaAuthenticated":"false"},"assumedRoot":"true"}}`},
		{"user's session", identity.Caller{Kind: identity.User, Account: "1", ARN: "arn:aws:iam::1:user/bob", UserID: "AIDA", AccessKeyID: "ASIA", Session: session}, "",
			`{"type":"IAMUser","principalId":"AIDA","arn":"arn:aws:iam::1:user/bob","accountId":"1","accessKeyId":"ASIA","userName":"bob",` +
				`"sessionContext":{"attributes":{"creationDate":"2026-07-01T12:00:00Z","mfaAuthenticated":"false"}}}`},
		{"federated user", identity.Caller{Kind: identity.FederatedUser, Account: "1", ARN: "arn:aws:sts::1:federated-user/f", UserID: "1:f",
			PrincipalID: "AIDA", AccessKeyID: "ASIA", Session: session}, "arn:aws:iam::1:user/bob",
			`{"type":"FederatedUser","principalId":"1:f","arn":"arn:aws:sts::1:federated-user/f","accountId":"1","accessKeyId":"ASIA",` +
				`"sessionContext":{"sessionIssuer":{"type":"IAMUser","principalId":"AIDA","arn":"arn:aws:iam::1:user/bob","accountId":"1","userName":"bob"},` +
				`"attributes":{"creationDate":"2026-07-01T12:00:00Z","mfaAuthenticated":"false"}}}`},
		{"federated by root", identity.Caller{Kind: identity.FederatedUser, Account: "1", ARN: "arn:aws:sts::1:federated-user/f", UserID: "1:f",
			PrincipalID: "1", AccessKeyID: "ASIA", Session: session}, "arn:aws:iam::1:root",
			`{"type":"FederatedUser","principalId":"1:f","arn":"arn:aws:sts::1:federated-user/f","accountId":"1","accessKeyId":"ASIA",` +
				`"sessionContext":{"sessionIssuer":{"type":"Root","principalId":"1","arn":"arn:aws:iam::1:root","accountId":"1","userName":"root"},` +
				`"attributes":{"creationDate":"2026-07-01T12:00:00Z","mfaAuthenticated":"false"}}}`},
	}
	for _, tt := range tests {
		if got := string(appendIdentity(nil, &tt.caller, tt.issuer)); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

func TestAdditionalEventData(t *testing.T) {
	t.Parallel()
	e := assumeRole()
	if _, there := decode(t, lineOf(e))["additionalEventData"]; there {
		t.Error("additional data of none")
	}
	e.PolicyWarnings = []string{"CODE: \"text\"\n}"}
	if got := decode(t, lineOf(e))["additionalEventData"]; !reflect.DeepEqual(got, map[string]any{"policyWarnings": []any{"CODE: \"text\"\n}"}}) {
		t.Errorf("%v", got)
	}
	e.PolicyWarnings = slices.Repeat([]string{"CODE: text"}, 100)
	if got := decode(t, lineOf(e))["additionalEventData"].(map[string]any)["policyWarnings"].([]any); len(got) != maxWarnings {
		t.Errorf("%d warnings", len(got))
	}
}

func TestFailedRequest(t *testing.T) {
	t.Parallel()
	e := assumeRole()
	e.Issues, e.ResponseElements, e.Resources, e.Recipient = false, nil, nil, "444455556666"
	e.ErrorCode, e.ErrorMessage, e.Reason = "AccessDenied", "User: … is not authorized", "signature \"differs\"\n"
	e.Request.SourceIP = netip.Addr{}
	e.Request.Caller = identity.Caller{}
	got := decode(t, lineOf(e))
	for name, want := range map[string]any{
		"errorCode": "AccessDenied", "errorMessage": "User: … is not authorized", "responseElements": nil, "sourceIPAddress": "",
		"recipientAccountId": "444455556666",
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s: %v, want %v", name, v, want)
		}
	}
	if _, ok := got["resources"]; ok {
		t.Error("resources of none")
	}
	if own := got["stint"].(map[string]any); own["reason"] != e.Reason || own["chain"] == nil {
		t.Errorf("stint %v", own)
	}
}

// Advisory 27 (CVE-2026-42507): whatever a caller sends, it is one line of printable JSON, and not a long one.
func TestInjection(t *testing.T) {
	t.Parallel()
	hostile := []string{
		"\r\n{\"eventName\":\"Fake\"}", "\x00", "\x1b[2J\x1b[31m", "\"},\"stint\":{}}", `\`, `\"`, "\u2028\u2029", "\u202e", "\ufeff", "\u0085",
		"\x7f", "\xff\xfe", "\xed\xa0\x80", "a\u0300", "\U0001F600", "\U000E0001", strings.Repeat("A", 1<<20), strings.Repeat("ü", 1<<19),
		strings.Repeat("\x00", 1<<20), strings.Repeat("\xff", 1<<20),
	}
	for _, s := range hostile {
		e := assumeRole()
		e.Operation, e.ErrorCode, e.ErrorMessage, e.ID = s, s, s, s
		e.Request.ID, e.Request.UserAgent, e.Request.Region = s, s, s
		e.Request.Caller.AccessKeyID, e.Request.Caller.ARN = s, s
		e.Request.Caller.Session.Tags[0] = identity.SessionTag{Key: s, Value: s}
		line := lineOf(e)
		if len(line) > 256<<10 || !utf8.Valid(line) {
			t.Errorf("%.20q: %d bytes, valid UTF-8: %v", s, len(line), utf8.Valid(line))
		}
		for _, r := range string(line) {
			if !unicode.IsPrint(r) {
				t.Errorf("%.20q: the line has %U", s, r)
				break
			}
		}
		got := decode(t, line)["userAgent"].(string)
		if want := strings.ToValidUTF8(s, "\ufffd"); len(s) < maxText && utf8.ValidString(s) && got != want {
			t.Errorf("%q was written as %q", s, got)
		}
		if len(s) > maxText && !strings.Contains(got, "cut off") {
			t.Errorf("%.20q: not cut off", s)
		}
		if _, _, err := parseLine(line); err != nil {
			t.Errorf("%.20q: %v", s, err)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOfN(rapid.Byte(), 0, maxText).Draw(t, "bytes"))
		var got string
		if err := json.Unmarshal(appendText(nil, s), &got); err != nil || got != string([]rune(s)) {
			t.Fatalf("%q was written as %s: %v", s, appendText(nil, s), err)
		}
	})
}

// The parameters cannot pass for another part of the line.
func TestObjects(t *testing.T) {
	t.Parallel()
	whole := []string{`{}`, `{"a":[1,{"b":"}"}],"c":"\"}\\"}`, `{"ü":"\u0000"}`}
	for _, s := range whole {
		if got := string(appendObject(nil, []byte(s))); got != s {
			t.Errorf("%s was written as %s", s, got)
		}
	}
	if got := string(appendObject(nil, nil)); got != "null" {
		t.Errorf("nothing was written as %s", got)
	}
	spoilt := []string{
		`{},"readOnly":true,"x":{}`, `{}}`, `{`, `[]`, `"a"`, `1`, ` {}`, `{} `, "{\n}", "{\"a\":\"\x01\"}", `{"a":"}`, `{"a":"\`, `{"a":"\"}`, "{\"\xff\":1}",
		`{"a":[}`[:6], "{\"a\":\"\\\n\"}", `{"` + strings.Repeat("a", maxObject) + `":1}`,
	}
	for _, s := range spoilt {
		if got := string(appendObject(nil, []byte(s))); !strings.HasPrefix(got, `{"omittedBytes":`) || !json.Valid([]byte(got)) {
			t.Errorf("%.60q was written as %.60s", s, got)
		}
	}
}

// Advisories 128 and 129 (CVE-2024-8365): nothing of a session's secret gets into the log, nor into its errors.
func TestNoSecrets(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.log")
	l, err := Open(options(path))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := errors.Join(l.Write(t.Context(), assumeRole()), l.Write(t.Context(), getCallerIdentity())); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || bytes.Count(b, []byte("\n")) != 200 {
		t.Fatalf("%d lines, %v", bytes.Count(b, []byte("\n")), err)
	}
	if secret := assumeRole().Request.Caller.Session.Secret.RevealString(); bytes.Contains(b, []byte(secret)) {
		t.Error("the log has the secret of a session")
	}
}

// What an event is made of has no place for a secret but the caller's session, whose secret is opaque.
func TestEventHasNoSecretField(t *testing.T) {
	t.Parallel()
	want := []string{
		"ID", "Request", "Service", "Operation", "ReadOnly", "Issues", "IssuerARN", "RequestParameters", "ResponseElements", "PolicyWarnings", "Resources",
		"ErrorCode", "ErrorMessage", "Reason", "Uncertain", "Recipient",
	}
	var got []string
	for f := range reflect.TypeFor[Event]().Fields() {
		got = append(got, f.Name)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("fields %v: does the new one carry a secret?", got)
	}
}
