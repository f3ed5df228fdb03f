package gate_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/sigv4"
)

func (w *world) authenticate(r gateapi.Request) (*gate.AuthenticateOutput, error) {
	return w.service.Authenticate(w.t.Context(), w.service.View(), as(w.relying), &gate.AuthenticateInput{Request: r, Region: "us-east-1", Service: "s3"})
}

func presign(expires, ago time.Duration) func(sigv4.Signer, *http.Request) error {
	return func(g sigv4.Signer, r *http.Request) error { return g.Presign(r, nil, now.Add(-ago), expires) }
}

func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// set replaces or adds a header.
func set(r gateapi.Request, name, value string) gateapi.Request {
	headers := []gateapi.Header{}
	for _, h := range r.Headers {
		if !strings.EqualFold(h.Name, name) {
			headers = append(headers, h)
		}
	}
	r.Headers = append(headers, gateapi.Header{Name: name, Value: value})
	return r
}

// Requests to S3 are verified in all their forms: what of the body was signed is told.
func TestAuthenticate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, target := w.User(dt.A, "alice"), w.Role(dt.A, "target", anyone)
	v := w.refresh()
	user := long(alice.AccessKeys[0])
	role := w.begin(v, identity.Session{Kind: identity.RoleSession, Account: dt.A, PrincipalID: target.ID, Name: "s1"})
	withBody := w.received(user, sigv4.Signer{}, http.MethodPut, "/b/k", "hello", nil)
	withBody.BodySHA256 = hashOf("hello")
	noHash := w.received(user, sigv4.Signer{Service: "kms", Region: "us-east-1"}, http.MethodPost, "/", "hello", nil)
	for name, tt := range map[string]struct {
		r         gateapi.Request
		arn, body string
	}{
		"header":            {w.received(user, sigv4.Signer{}, http.MethodGet, "/b/a%20b//c?list-type=2&prefix=x", "", nil), alice.ARN, hashOf("")},
		"with its body":     {withBody, alice.ARN, hashOf("hello")},
		"body not yet read": {w.received(user, sigv4.Signer{}, http.MethodPut, "/b/k", "hello", nil), alice.ARN, hashOf("hello")},
		"session":           {w.received(role, sigv4.Signer{}, http.MethodGet, "/b/k", "", nil), arn.AssumedRole(arn.AWS, dt.A, "target", "s1"), hashOf("")},
		"unsigned payload": {w.received(user, sigv4.Signer{Service: "s3", Region: "us-east-1", Path: sigv4.PathS3, UnsignedPayload: true}, http.MethodPut, "/b/k", "x", nil),
			alice.ARN, "UNSIGNED-PAYLOAD"},
		"presigned": {w.received(user, sigv4.Signer{Service: "s3", Region: "us-east-1", Path: sigv4.PathS3, UnsignedPayload: true}, http.MethodGet, "/b/k", "",
			presign(time.Hour, 30*time.Minute)), alice.ARN, "UNSIGNED-PAYLOAD"},
		"presigned by a session": {w.received(role, sigv4.Signer{Service: "s3", Region: "us-east-1", Path: sigv4.PathS3, UnsignedPayload: true}, http.MethodPut, "/b/k", "",
			presign(time.Minute, 0)), arn.AssumedRole(arn.AWS, dt.A, "target", "s1"), "UNSIGNED-PAYLOAD"},
	} {
		out, err := w.authenticate(tt.r)
		if err != nil || out.Refusal != nil {
			t.Errorf("%s: %+v, %v", name, out, err)
			continue
		}
		if out.Caller.Principal.ARN != tt.arn || out.SignedBody != tt.body {
			t.Errorf("%s: %s signed %s", name, out.Caller.Principal.ARN, out.SignedBody)
		}
	}
	in := &gate.AuthenticateInput{Request: noHash, Region: "us-east-1", Service: "kms"}
	_, err := w.service.Authenticate(t.Context(), v, as(w.relying), in)
	wantFault(t, "a body that is signed and not known", err, identity.ValidationError, "bodySha256 must be given")
	in.Request.BodySHA256 = hashOf("hello")
	if out, err := w.service.Authenticate(t.Context(), v, as(w.relying), in); err != nil || out.Refusal != nil || out.SignedBody != hashOf("hello") {
		t.Errorf("a body by its hash: %+v, %v", out, err)
	}
}

// A caller that is not believed is told as little as AWS tells, and the audit log why.
func TestAuthenticateRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, off, other := w.User(dt.A, "alice"), w.User(dt.A, "off"), w.User(dt.B, "other")
	off.AccessKeys[0].Status = directory.Inactive
	target := w.Role(dt.A, "target", anyone)
	v := w.refresh()
	user := long(alice.AccessKeys[0])
	role := w.begin(v, identity.Session{Kind: identity.RoleSession, Account: dt.A, PrincipalID: target.ID, Name: "s1"})
	ended := w.begin(v, identity.Session{Kind: identity.RoleSession, Account: dt.A, PrincipalID: target.ID, Name: "s1", Issued: now.Add(-time.Hour), Expires: now})
	get := func(c credential) gateapi.Request {
		return w.received(c, sigv4.Signer{}, http.MethodGet, "/b/k", "", nil)
	}
	wrong, unknown, spoiled := user, credential{id: "AKIAQQQQQQQQQQQQQQQQ", secret: "x"}, role
	wrong.secret = "wrong"
	spoiled.token = "AAAA" + role.token[4:]
	otherBody := get(user)
	otherBody.BodySHA256 = hashOf("something else")
	moved := get(user)
	moved.Target = "/b/other"
	twice := get(user)
	twice.Headers = append(twice.Headers, gateapi.Header{Name: "Authorization", Value: "AWS4-HMAC-SHA256 x=y"})
	both := get(user)
	both.Target += "?X-Amz-Signature=00&X-Amz-Credential=x"
	for name, tt := range map[string]struct {
		r                     gateapi.Request
		code, message, reason string
	}{
		"unknown":                  {get(unknown), "SignatureDoesNotMatch", mismatch, "no such access key"},
		"inactive":                 {get(long(off.AccessKeys[0])), "SignatureDoesNotMatch", mismatch, "inactive"},
		"wrong secret":             {get(wrong), "SignatureDoesNotMatch", mismatch, "signature differs"},
		"of another account":       {get(long(other.AccessKeys[0])), "SignatureDoesNotMatch", mismatch, "relying.accounts"},
		"another path":             {moved, "SignatureDoesNotMatch", mismatch, "signature differs"},
		"another host":             {set(get(user), "Host", "evil.example"), "SignatureDoesNotMatch", mismatch, "signature differs"},
		"unsigned x-amz header":    {set(get(user), "X-Amz-Acl", "public-read"), "SignatureDoesNotMatch", mismatch, "x-amz-acl is not signed"},
		"another body":             {otherBody, "SignatureDoesNotMatch", mismatch, "not the hash of the body"},
		"streaming, not signed so": {set(get(user), "X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), "SignatureDoesNotMatch", mismatch, "signature differs"},
		"unsigned, not signed so":  {set(get(user), "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), "SignatureDoesNotMatch", mismatch, "signature differs"},
		"two signatures":           {twice, "SignatureDoesNotMatch", mismatch, "more than one Authorization header"},
		"header and query":         {both, "SignatureDoesNotMatch", mismatch, "both in the Authorization header and in the query"},
		"spoiled token":            {get(spoiled), "InvalidToken", "The provided token is malformed or otherwise invalid.", "token"},
		"expired token":            {get(ended), "ExpiredToken", "The provided token has expired.", ""},
		"another service": {w.received(user, sigv4.Signer{Service: "kms", Region: "us-east-1"}, http.MethodGet, "/b/k", "", nil), "SignatureDoesNotMatch",
			"Credential should be scoped to correct service: 's3'.", ""},
		"another region": {w.received(user, sigv4.Signer{Service: "s3", Region: "eu-west-1"}, http.MethodGet, "/b/k", "", nil), "SignatureDoesNotMatch",
			"Credential should be scoped to a valid region.", ""},
		"no signature": {gateapi.Request{Method: "GET", Target: "/", Headers: []gateapi.Header{{Name: "host", Value: "s3.example"}}},
			"MissingAuthenticationToken", "Request is missing Authentication Token", ""},
		"presigned, over": {w.received(user, sigv4.Signer{Service: "s3", Region: "us-east-1", Path: sigv4.PathS3, UnsignedPayload: true}, http.MethodGet, "/b/k", "",
			presign(time.Minute, 61*time.Second)), "SignatureDoesNotMatch", "Signature expired: 20260506T070808Z is now earlier than 20260506T070809Z (20260506T070708Z + 60 sec.)", ""},
	} {
		out, err := w.authenticate(tt.r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		wantRefusal(t, name, out.Refusal, out.Reason, tt.code, tt.message, tt.reason)
		if out.Caller != nil || out.SignedBody != "" {
			t.Errorf("%s: a refusal tells more: %+v", name, out)
		}
	}
	if out, err := w.authenticate(get(user)); err != nil || out.Refusal != nil {
		t.Errorf("control: %+v, %v", out, err)
	}
}

// What no server takes for a request is the relying service's mistake.
func TestAuthenticateFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.User(dt.A, "alice")
	none := w.User(dt.A, "none")
	v := w.refresh()
	good := w.received(long(alice.AccessKeys[0]), sigv4.Signer{}, http.MethodGet, "/b/k", "", nil)
	with := func(change func(*gateapi.Request)) gateapi.Request {
		r := good
		change(&r)
		return r
	}
	for name, tt := range map[string]struct {
		r       gateapi.Request
		message string
	}{
		"no method":           {with(func(r *gateapi.Request) { r.Method = "" }), "request.method"},
		"method with a space": {with(func(r *gateapi.Request) { r.Method = "GET /x" }), "request.method"},
		"absolute target":     {with(func(r *gateapi.Request) { r.Target = "https://s3.example/b/k" }), "request.target"},
		"target with a break": {with(func(r *gateapi.Request) { r.Target = "/b\r\nx" }), "request.target"},
		"long target":         {with(func(r *gateapi.Request) { r.Target = "/" + strings.Repeat("a", 64<<10) }), "request.target"},
		"two hosts":           {with(func(r *gateapi.Request) { r.Headers = append(r.Headers, gateapi.Header{Name: "host", Value: "x"}) }), "Host once"},
		"no host":             {with(func(r *gateapi.Request) { r.Headers = nil }), "Host once"},
		"header with a break": {set(good, "X-Y", "a\nb"), "request.headers"},
		"header without name": {set(good, "", "a"), "request.headers"},
		"many headers":        {with(func(r *gateapi.Request) { r.Headers = make([]gateapi.Header, 257) }), "too many"},
		"hash in capitals":    {with(func(r *gateapi.Request) { r.BodySHA256 = strings.ToUpper(hashOf("")) }), "bodySha256"},
		"short hash":          {with(func(r *gateapi.Request) { r.BodySHA256 = "00" }), "bodySha256"},
	} {
		_, err := w.authenticate(tt.r)
		wantFault(t, name, err, identity.ValidationError, tt.message)
	}
	for _, service := range []string{"sts", "iam", "organizations", "stint", "signin"} {
		_, err := w.service.Authenticate(t.Context(), v, as(w.relying), &gate.AuthenticateInput{Request: good, Region: "us-east-1", Service: service})
		wantFault(t, service, err, identity.AccessDenied, "the service "+service)
	}
	_, err := w.service.Authenticate(t.Context(), v, as(none), &gate.AuthenticateInput{Request: good, Region: "us-east-1", Service: "s3"})
	wantFault(t, "no permission", err, identity.AccessDenied, "stint:Authenticate on resource: arn:aws:stint:us-east-1:111122223333:service/s3")
	told := (&gate.AuthenticateInput{Request: with(func(r *gateapi.Request) { r.Target = "/b/k?X-Amz-Security-Token=canary" }), Region: "us-east-1", Service: "s3"}).Audited()
	if got := asJSON(t, told); got != `{"method":"GET","path":"/b/k","region":"us-east-1","service":"s3"}` {
		t.Errorf("the audit log is told %s", got)
	}
}
