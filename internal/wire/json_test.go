package wire_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/directory/directorytest"
)

func contextRequest(p *pipeline, body string) *request {
	return &request{
		method: "POST", target: contextPath, service: "stint", region: "us-east-1", body: body,
		header: http.Header{"Content-Type": {"application/json"}}, as: keyOf(p.alice),
	}
}

// issue returns the assertion of a request that must succeed.
func (p *pipeline) issue(q *request) string {
	p.t.Helper()
	var out struct {
		ContextAssertion string
		Expiration       time.Time
	}
	r := p.serve(q).ok(p.t)
	if err := json.Unmarshal(r.Body.Bytes(), &out); err != nil || out.ContextAssertion == "" {
		p.t.Fatalf("%s: %v", r.Body, err)
	}
	if want := p.now().Add(15 * time.Minute); !out.Expiration.Equal(want) {
		p.t.Errorf("expiration %v, want %v", out.Expiration, want)
	}
	if r.Header().Get("Content-Type") != "application/json" || r.Header().Get("X-Amzn-Requestid") != r.id {
		p.t.Errorf("headers %v", r.Header())
	}
	return out.ContextAssertion
}

func provided(p *pipeline, providerARN, assertion string) string {
	return p.assume("ProvidedContexts.member.1.ProviderArn="+url.QueryEscape(providerARN), "ProvidedContexts.member.1.ContextAssertion="+url.QueryEscape(assertion))
}

// jsonRefused demands an error in JSON.
func (r reply) jsonRefused(t *testing.T, status int, code, message string) {
	t.Helper()
	var body struct {
		Error     struct{ Code, Message, Type string }
		RequestID string `json:"RequestId"`
	}
	if err := json.Unmarshal(r.Body.Bytes(), &body); err != nil {
		t.Errorf("%s: %v", r.Body, err)
		return
	}
	if r.Code != status || body.Error.Code != code || body.Error.Message != message || body.Error.Type != "Sender" || body.RequestID != r.id ||
		r.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %+v, want %d %s %q", r.Code, body, status, code, message)
	}
}

const goodContext = `{"providerArn":"` + provider + `","context":{"UserId":"u-1","Team":"blue"}}`

func TestContextAssertion(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	assertion := p.issue(contextRequest(p, goodContext))
	conditional := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["sts:AssumeRole","sts:SetContext"],` +
		`"Condition":{"StringEquals":{"sts:RequestContext/userid":"u-1"},"ForAllValues:ArnEquals":{"sts:RequestContextProviders":"` + provider + `"}}}]}`
	without := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
	denied := func(action string) string {
		return "User: " + p.alice.ARN + " is not authorized to perform: " + action + " on resource: " + p.role.ARN
	}

	p.role = p.entities.Role(directorytest.A, "contextual", conditional)
	p.refresh()
	p.serve(post(keyOf(p.alice), provided(p, provider, assertion))).ok(t)
	p.serve(post(keyOf(p.alice), p.assume())).refused(t, denied403, "AccessDenied", denied("sts:AssumeRole"))
	other := p.issue(contextRequest(p, strings.Replace(goodContext, "u-1", "u-2", 1)))
	p.serve(post(keyOf(p.alice), provided(p, provider, other))).refused(t, denied403, "AccessDenied", denied("sts:SetContext"))

	p.role = p.entities.Role(directorytest.A, "contextless", without)
	p.refresh()
	p.serve(post(keyOf(p.alice), provided(p, provider, assertion))).refused(t, denied403, "AccessDenied", denied("sts:SetContext"))
	p.serve(post(keyOf(p.alice), p.assume())).ok(t)

	p.role = p.entities.Role(directorytest.A, "contextual", conditional)
	p.refresh()
	const another = "arn:aws:iam::111122223333:contextProvider/another"
	p.serve(post(keyOf(p.alice), provided(p, another, assertion))).refused(t, http.StatusBadRequest, "InvalidParameterValue",
		"The provided context assertion is not from the context provider "+another+".")
	elsewhere := newPipeline(t)
	foreign := elsewhere.issue(contextRequest(elsewhere, goodContext))
	p.serve(post(keyOf(p.alice), provided(p, provider, foreign))).refused(t, http.StatusBadRequest, "InvalidParameterValue", "The provided context assertion is invalid.")
	p.serve(post(keyOf(p.alice), provided(p, provider, assertion[:len(assertion)-4]))).refused(t, http.StatusBadRequest, "InvalidParameterValue", "The provided context assertion is invalid.")
	p.clock.Store(899)
	p.serve(post(keyOf(p.alice), provided(p, provider, assertion))).ok(t)
	p.clock.Store(900)
	p.serve(post(keyOf(p.alice), provided(p, provider, assertion))).refused(t, http.StatusBadRequest, "ExpiredTokenException", "The provided context assertion is expired.")
}

func TestContextAssertionIsGated(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	edit := func(f func(*request)) *request {
		q := contextRequest(p, goodContext)
		f(q)
		return q
	}
	p.serve(edit(func(q *request) { q.unsigned = true })).jsonRefused(t, denied403, "MissingAuthenticationToken", "Request is missing Authentication Token")
	for _, service := range []string{"sts", "iam"} {
		p.serve(edit(func(q *request) { q.service = service })).jsonRefused(t, denied403, "SignatureDoesNotMatch", "Credential should be scoped to correct service: 'stint'. ")
	}
	for _, method := range []string{"GET", "PUT", "DELETE", "HEAD"} {
		p.serve(edit(func(q *request) { q.method = method })).jsonRefused(t, http.StatusBadRequest, "ValidationError", "IssueContextAssertion takes a POST.")
	}
	forged := strings.Replace(goodContext, "u-1", "u-9", 1)
	p.serve(edit(func(q *request) { q.sentBody = &forged })).jsonRefused(t, denied403, "SignatureDoesNotMatch", mismatch)
	p.serve(edit(func(q *request) { q.presign = true })).jsonRefused(t, denied403, "SignatureDoesNotMatch", mismatch)
	r := p.serve(edit(func(q *request) { q.as = keyOf(p.bob) }))
	r.jsonRefused(t, denied403, "AccessDenied", "User: "+p.bob.ARN+" is not authorized to perform: stint:IssueContextAssertion on resource: "+provider+
		" because no identity-based policy allows the stint:IssueContextAssertion action")
	if r.Header().Get("X-Stint-Authorization-Message") == "" {
		t.Error("the denial is not explained")
	}
	p.serve(edit(func(q *request) { q.as = keyOf(p.carol) })).jsonRefused(t, http.StatusBadRequest, "ValidationError",
		"providerArn must be arn:aws:iam::444455556666:contextProvider/<name>")
	p.issue(contextRequest(p, goodContext))
}

// advisory 52: one document has one meaning.
func TestContextAssertionIsStrict(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	const message = "The body must be a JSON object with the parameters of IssueContextAssertion."
	for name, body := range map[string]string{
		"nothing":             "",
		"no JSON":             "providerArn=x",
		"null":                "null",
		"array":               "[]",
		"text":                `"x"`,
		"duplicate":           `{"providerArn":"` + provider + `","providerArn":"` + provider + `","context":{"a":"b"}}`,
		"duplicate by case":   `{"providerArn":"` + provider + `","ProviderArn":"x","context":{"a":"b"}}`,
		"duplicate below":     `{"providerArn":"` + provider + `","context":{"a":"b","a":"c"}}`,
		"another case":        `{"PROVIDERARN":"` + provider + `","context":{"a":"b"}}`,
		"unknown member":      `{"providerArn":"` + provider + `","context":{"a":"b"},"account":"444455556666"}`,
		"trailing document":   goodContext + `{}`,
		"trailing text":       goodContext + `x`,
		"byte order mark":     "\ufeff" + goodContext,
		"wrong type":          `{"providerArn":1,"context":{"a":"b"}}`,
		"wrong type below":    `{"providerArn":"` + provider + `","context":{"a":1}}`,
		"invalid UTF-8":       "{\"providerArn\":\"" + provider + "\",\"context\":{\"a\":\"\xff\"}}",
		"lone surrogate":      `{"providerArn":"` + provider + `","context":{"a":"\ud800"}}`,
		"depth":               `{"context":` + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_001),
		"more than 1 MiB":     goodContext + strings.Repeat(" ", 1<<20),
		"cut off":             goodContext[:len(goodContext)-1],
		"comment":             "/* */" + goodContext,
		"single quotes":       strings.ReplaceAll(goodContext, `"`, "'"),
		"not a number, NaN":   `{"providerArn":NaN}`,
		"a control character": "{\"providerArn\":\"a\x01\"}",
	} {
		start := time.Now()
		r := p.serve(contextRequest(p, body))
		r.jsonRefused(t, http.StatusBadRequest, "ValidationError", message)
		if took := time.Since(start); took > time.Second || t.Failed() {
			t.Fatalf("%s: after %v", name, took)
		}
	}
	p.issue(contextRequest(p, " \n"+goodContext+"\n"))
}

// A denial is decoded by its own account and by no other.
func TestDenialIsDecoded(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	r := p.serve(post(keyOf(p.bob), "Action=GetAccessKeyInfo&AccessKeyId=AKIARTX3GSDSRAAAAAAA&"+stsVersion))
	r.refused(t, denied403, "AccessDenied", "User: "+p.bob.ARN+" is not authorized to perform: sts:GetAccessKeyInfo because no identity-based policy allows the sts:GetAccessKeyInfo action")
	message := r.Header().Get("X-Stint-Authorization-Message")
	decode := "Action=DecodeAuthorizationMessage&" + stsVersion + "&EncodedMessage=" + url.QueryEscape(message)
	var decoded struct {
		Allowed, ExplicitDeny bool
		Context               struct {
			Action    string
			Principal struct{ ID, ARN string }
		}
	}
	text := p.serve(post(keyOf(p.alice), decode)).ok(t).element(t, "DecodedMessage")
	if err := json.Unmarshal([]byte(text), &decoded); err != nil {
		t.Fatal(err)
	}
	if decoded.Allowed || decoded.Context.Action != "sts:GetAccessKeyInfo" || decoded.Context.Principal.ARN != p.bob.ARN || decoded.Context.Principal.ID != p.bob.ID {
		t.Errorf("decoded %s", text)
	}
	p.serve(post(keyOf(p.carol), decode)).refused(t, http.StatusBadRequest, "InvalidAuthorizationMessageException", "Message is not valid")
	p.serve(post(keyOf(p.bob), decode)).refused(t, denied403, "AccessDenied", "User: "+p.bob.ARN+
		" is not authorized to perform: sts:DecodeAuthorizationMessage because no identity-based policy allows the sts:DecodeAuthorizationMessage action")
	// A session token is no such message (advisory 34).
	session := p.begin(p.assume())
	p.serve(post(keyOf(p.alice), "Action=DecodeAuthorizationMessage&"+stsVersion+"&EncodedMessage="+url.QueryEscape(session.SessionToken))).
		refused(t, http.StatusBadRequest, "InvalidAuthorizationMessageException", "Message is not valid")
	// Refusals that no policy made have nothing to explain.
	if got := p.serve(anonymous(identityForm)).Header().Get("X-Stint-Authorization-Message"); got != "" {
		t.Errorf("an unsigned request gets %q", got)
	}
}

func TestNoSuchPath(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	for _, target := range []string{contextPath + "/", "/stint/v1/", "/stint/v1/%63ontext-assertion", "/stint/v1//context-assertion", "/STINT/v1/context-assertion", "/stint/v1/context-assertion%2F"} {
		q := contextRequest(p, goodContext)
		q.target = target
		w := newDiscard()
		if p.ServeJSON(w, q.build(t, started), []byte(q.body), someIDs) {
			t.Errorf("%s is answered", target)
		}
	}
	p.issue(contextRequest(p, goodContext))
}
