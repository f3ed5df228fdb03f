package wire_test

import (
	"encoding/base32"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pquerna/otp/totp"

	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/secret"
)

// Every request that names an operation leaves one line, refused or not.
func TestOneLineForEachRequest(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	iam := post(keyOf(p.alice), "Action=CreateUser&Version=2010-05-08&UserName=x")
	iam.service = "iam"
	list := post(keyOf(p.alice), "Action=ListUsers&Version=2010-05-08")
	list.service, list.region = "iam", "eu-west-1"
	misscoped := post(keyOf(p.alice), "Action=CreateUser&Version=2010-05-08&UserName=x") // scoped to STS
	ownMisscoped := contextRequest(p, "{}")
	ownMisscoped.service = "sts"
	missing := strings.Replace(p.assume(), "target", "missing", 1)
	identity := p.alice.ARN
	rows := []struct {
		request *request
		want    auditLine
	}{
		{post(keyOf(p.alice), identityForm), auditLine{EventSource: "sts.amazonaws.com", EventName: "GetCallerIdentity", AWSRegion: "us-east-1", ReadOnly: true}},
		{post(keyOf(p.alice), p.assume()), auditLine{EventSource: "sts.amazonaws.com", EventName: "AssumeRole", AWSRegion: "us-east-1", ReadOnly: true}},
		{post(keyOf(p.alice), missing), auditLine{EventSource: "sts.amazonaws.com", EventName: "AssumeRole", AWSRegion: "us-east-1", ReadOnly: true, ErrorCode: "AccessDenied"}},
		{post(keyOf(p.alice), "Action=AssumeRole&"+stsVersion), auditLine{EventSource: "sts.amazonaws.com", EventName: "AssumeRole", AWSRegion: "us-east-1", ReadOnly: true, ErrorCode: "ValidationError"}},
		{iam, auditLine{EventSource: "iam.amazonaws.com", EventName: "CreateUser", AWSRegion: "us-east-1", ErrorCode: "NotImplemented"}},
		{list, auditLine{EventSource: "iam.amazonaws.com", EventName: "ListUsers", AWSRegion: "eu-west-1", ReadOnly: true, ErrorCode: "NotImplemented"}},
		{misscoped, auditLine{EventSource: "iam.amazonaws.com", EventName: "CreateUser", AWSRegion: "us-east-1", ErrorCode: "SignatureDoesNotMatch"}},
		{ownMisscoped, auditLine{EventSource: "stint", EventName: "IssueContextAssertion", AWSRegion: "us-east-1", ReadOnly: true, ErrorCode: "SignatureDoesNotMatch"}},
		{anonymous(identityForm), auditLine{EventSource: "sts.amazonaws.com", EventName: "GetCallerIdentity", AWSRegion: "us-east-1", ReadOnly: true, ErrorCode: "MissingAuthenticationToken"}},
		{anonymous("Action=NoSuch&" + stsVersion), auditLine{EventSource: "sts.amazonaws.com", AWSRegion: "us-east-1", ReadOnly: true, ErrorCode: "InvalidAction"}},
		{anonymous("Action=%"), auditLine{EventSource: "sts.amazonaws.com", AWSRegion: "us-east-1", ReadOnly: true, ErrorCode: "MalformedQueryString"}},
		{contextRequest(p, `{"providerArn":"`+provider+`","context":{"UserId":"u-1"}}`), auditLine{EventSource: "stint", EventName: "IssueContextAssertion", AWSRegion: "us-east-1", ReadOnly: true}},
		{contextRequest(p, `{}`), auditLine{EventSource: "stint", EventName: "IssueContextAssertion", AWSRegion: "us-east-1", ReadOnly: true, ErrorCode: "ValidationError"}},
	}
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = p.serve(row.request).id
	}
	lines, _ := p.audited()
	if len(lines) != len(rows) {
		t.Fatalf("%d lines, want %d", len(lines), len(rows))
	}
	for i, row := range rows {
		got := lines[i]
		if got.EventSource != row.want.EventSource || got.EventName != row.want.EventName || got.AWSRegion != row.want.AWSRegion ||
			got.ReadOnly != row.want.ReadOnly || got.ErrorCode != row.want.ErrorCode {
			t.Errorf("row %d: %+v, want %+v", i, got, row.want)
		}
		if got.RequestID != ids[i] || got.EventID == got.RequestID || got.SourceIPAddress != "192.0.2.1" {
			t.Errorf("row %d: request %s, event %s, from %s", i, got.RequestID, got.EventID, got.SourceIPAddress)
		}
		if known := !row.request.unsigned && row.want.ErrorCode != "SignatureDoesNotMatch"; known != (got.UserIdentity.ARN == identity) || known != (got.RecipientAccountID == "111122223333") {
			t.Errorf("row %d: %+v in %s", i, got.UserIdentity, got.RecipientAccountID)
		}
		if (got.ErrorCode != "") != (got.ErrorMessage != "") {
			t.Errorf("row %d: code %q, message %q", i, got.ErrorCode, got.ErrorMessage)
		}
		if got.ErrorCode != "" && string(got.ResponseElements) != "null" {
			t.Errorf("row %d: a refusal has responseElements %s", i, got.ResponseElements)
		}
	}
	if got := string(lines[1].RequestParameters); got != `{"roleArn":"`+p.role.ARN+`","roleSessionName":"work"}` {
		t.Errorf("requestParameters %s", got)
	}
	if got := string(lines[1].ResponseElements); !strings.Contains(got, `"assumedRoleUser":`) || !strings.Contains(got, `"accessKeyId":"ASIA`) {
		t.Errorf("responseElements %s", got)
	}
}

func TestResourcesOfTheAuditLine(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	foreign := strings.NewReplacer("111122223333", "999988887777", "target", "x").Replace(p.role.ARN)
	p.serve(post(keyOf(p.alice), p.assume()))
	p.serve(post(keyOf(p.alice), strings.Replace(p.assume(), url.QueryEscape(p.role.ARN), url.QueryEscape(foreign), 1)))
	p.serve(post(keyOf(p.alice), strings.Replace(p.assume(), url.QueryEscape(p.role.ARN), strings.Repeat("x", 20), 1)))
	// A parameter that the operation does not have names nothing that was touched.
	p.serve(post(keyOf(p.alice), identityForm+"&RoleArn="+url.QueryEscape(p.role.ARN))).ok(t)
	lines, _ := p.audited()
	for i, want := range [][2]string{{p.role.ARN, "111122223333"}, {foreign, "999988887777"}, {strings.Repeat("x", 20), ""}} {
		r := lines[i].Resources
		if len(r) != 1 || r[0].ARN != want[0] || r[0].AccountID != want[1] || r[0].Type != "AWS::IAM::Role" {
			t.Errorf("line %d: resources %+v, want %v", i, r, want)
		}
	}
	if r := lines[3].Resources; r != nil {
		t.Errorf("GetCallerIdentity has resources %+v", r)
	}
}

// advisory 128 (CVE-2024-8365, CVE-2025-62513): no secret that passes through is in the log, raw, escaped or in base32.
func TestAuditIsWithoutSecrets(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	seed := "12345678901234567890"
	device := &directory.Device{
		Account: directorytest.A, Name: "alice", Serial: "arn:aws:iam::111122223333:mfa/alice", UserID: p.alice.ID,
		Seed: directory.Protected{Key: secret.FromString(seed)}, Created: directorytest.Created, Enabled: directorytest.Created,
	}
	p.entities.Put(device)
	p.refresh()
	base32Seed := base32.StdEncoding.EncodeToString([]byte(seed))
	code, err := totp.GenerateCode(base32Seed, p.now())
	if err != nil {
		t.Fatal(err)
	}
	canaries := map[string]string{"seed": seed, "base32 seed": base32Seed, "TokenCode": code, "alice's secret": p.alice.AccessKeys[0].Secret.Key.RevealString()}
	mfaForm := p.assume("SerialNumber="+url.QueryEscape(device.Serial), "TokenCode="+code)
	first := p.serve(post(keyOf(p.alice), mfaForm)).ok(t)
	for _, name := range []string{"SecretAccessKey", "SessionToken"} {
		canaries[name] = first.element(t, name)
	}
	p.serve(post(keyOf(p.alice), mfaForm)).refused(t, denied403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	wrong := post(keyOf(p.alice), identityForm).then(func(r *http.Request) {
		a := r.Header.Get("Authorization")
		canaries["signature"] = a[strings.LastIndex(a, "=")+1:]
		r.Header.Set("Authorization", a[:len(a)-1]+"z")
		canaries["signature"] = canaries["signature"][:63]
	})
	p.serve(wrong).refused(t, denied403, "SignatureDoesNotMatch", mismatch)
	session := p.begin(p.assume())
	canaries["another token"] = session.SessionToken
	p.serve(post(session, identityForm)).ok(t)
	broken := session
	broken.SessionToken = "A" + session.SessionToken
	p.serve(post(broken, identityForm)).refused(t, denied403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	presigned := &request{method: "GET", target: "/?" + identityForm, service: "sts", region: "us-east-1", header: http.Header{}, as: session, presign: true}
	p.serve(presigned).ok(t)
	assertion := p.issue(contextRequest(p, `{"providerArn":"`+provider+`","context":{"UserId":"u-1"}}`))
	canaries["assertion"] = assertion
	p.serve(post(keyOf(p.alice), provided(p, provider, assertion))).ok(t)
	denial := p.serve(post(keyOf(p.bob), "Action=GetAccessKeyInfo&AccessKeyId=AKIARTX3GSDSRAAAAAAA&"+stsVersion)).Header().Get("X-Stint-Authorization-Message")
	canaries["denial"] = denial
	p.serve(post(keyOf(p.alice), "Action=DecodeAuthorizationMessage&"+stsVersion+"&EncodedMessage="+url.QueryEscape(denial))).ok(t)

	lines, text := p.audited()
	for name, canary := range canaries {
		if len(canary) < 6 {
			t.Fatalf("the canary %s is %q", name, canary)
		}
		if strings.Contains(text, canary) || strings.Contains(text, url.QueryEscape(canary)) {
			t.Errorf("%s is in the audit log", name)
		}
		if strings.Contains(p.errors.String(), canary) {
			t.Errorf("%s is in the server's log", name)
		}
	}
	if len(lines) != 11 || !strings.Contains(text, session.AccessKeyID) {
		t.Errorf("%d lines, want 11 with the session's key id", len(lines))
	}
}

// advisory 27 (CVE-2026-42507): what a client sends cannot begin a line, nor reach a terminal.
func TestAuditEscapes(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	const evil = "a\r\n{\"eventVersion\":\"1.11\"}\x1b[2J\x00\u2028\x7f"
	escaped := url.QueryEscape(evil)
	p.serve(anonymous("Action=" + escaped + "&" + stsVersion))
	p.serve(post(keyOf(p.alice), "Action=AssumeRole&"+stsVersion+"&RoleArn="+escaped+"&RoleSessionName="+escaped+"&ExternalId="+escaped))
	p.serve(post(keyOf(p.alice), identityForm).then(func(r *http.Request) { r.Header["User-Agent"] = []string{evil} })).ok(t)
	p.serve(post(keyOf(p.alice), identityForm).then(func(r *http.Request) { r.Header["User-Agent"] = []string{strings.Repeat("x", 1<<20)} })).ok(t)
	p.serve(anonymous("Action=" + strings.Repeat("y", 1<<20) + "&" + stsVersion))
	lines, text := p.audited()
	if len(lines) != 5 {
		t.Fatalf("%d lines, want 5", len(lines))
	}
	if i := strings.IndexFunc(strings.ReplaceAll(text, "\n", ""), func(c rune) bool { return c < ' ' || c == 0x7f || c == '\u2028' }); i >= 0 {
		t.Errorf("a control character is in the log at %d", i)
	}
	if lines[2].UserAgent != evil {
		t.Errorf("userAgent %q, want %q", lines[2].UserAgent, evil)
	}
	if n := len(text); n > 64<<10 {
		t.Errorf("five lines take %d bytes: long values are not cut", n)
	}
	if !strings.Contains(lines[0].ErrorMessage, "Could not find operation a\r\n") {
		t.Errorf("errorMessage %q", lines[0].ErrorMessage)
	}
}

// failing is a stream that can be made to refuse everything.
type failing struct{ refuse atomic.Bool }

var errFull = errors.New("no space left on device")

func (f *failing) Write(p []byte) (int, error) {
	if f.refuse.Load() {
		return 0, errFull
	}
	return len(p), nil
}

// Nothing is issued that is not written down: the answer holds no credentials, and says so with a 503.
func TestAuditCannotBeWritten(t *testing.T) {
	t.Parallel()
	stream := new(failing)
	p := newAuditedPipeline(t, audit.Options{Stream: stream})
	p.serve(post(keyOf(p.alice), p.assume())).ok(t)
	stream.refuse.Store(true)
	issue := contextRequest(p, `{"providerArn":"`+provider+`","context":{"UserId":"u-1"}}`)
	for name, q := range map[string]*request{
		"AssumeRole": post(keyOf(p.alice), p.assume()), "GetSessionToken": post(keyOf(p.alice), "Action=GetSessionToken&"+stsVersion),
		"JSON": post(keyOf(p.alice), p.assume()).with("Accept", "application/json"), "context": issue,
	} {
		r := p.serve(q)
		text := r.Body.String()
		if r.Code != http.StatusServiceUnavailable || !strings.Contains(text, "ServiceUnavailable") ||
			!strings.Contains(text, "The audit log cannot be written; nothing was issued.") || !strings.Contains(text, "Receiver") {
			t.Errorf("%s: %d %s", name, r.Code, text)
		}
		for _, secret := range []string{"ASIA", "SessionToken", "SecretAccessKey", "contextAssertion"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: the answer holds %s: %s", name, secret, text)
			}
		}
	}
	// What issues nothing goes on (the node keeps its lines until they can be written), and so do refusals.
	p.serve(post(keyOf(p.alice), identityForm)).ok(t)
	p.serve(anonymous(identityForm)).refused(t, denied403, "MissingAuthenticationToken", "Request is missing Authentication Token")
	if !strings.Contains(p.errors.String(), "nothing is issued without an audit line") {
		t.Error("the operator is not told")
	}
	stream.refuse.Store(false)
	p.serve(post(keyOf(p.alice), p.assume())).ok(t)
}
