package wire_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/wire"
	"github.com/stint-sts/stint/sigv4"
)

// headers demands exactly these headers.
func (r reply) headers(t *testing.T, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := r.Header()[name]; len(got) != 1 || got[0] != value {
			t.Errorf("header %s: %q, want %q", name, got, value)
		}
	}
	if len(r.Header()) != len(want) {
		t.Errorf("headers %v, want %d", r.Header(), len(want))
	}
}

func TestSuccessExactly(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	for name, q := range map[string]*request{
		"POST":                       post(keyOf(p.alice), identityForm),
		"POST with a charset":        post(keyOf(p.alice), identityForm).with("Content-Type", formType+"; charset=utf-8"),
		"POST //":                    {method: "POST", target: "//", service: "sts", region: "us-east-1", body: identityForm, header: http.Header{"Content-Type": {formType}}, as: keyOf(p.alice)},
		"GET":                        get(keyOf(p.alice), identityForm),
		"GET presigned":              {method: "GET", target: "/?" + identityForm, service: "sts", region: "eu-west-1", header: http.Header{}, as: keyOf(p.alice), presign: true},
		"GET with a body of its own": {method: "GET", target: "/?" + identityForm, body: "Action=AssumeRole", service: "sts", region: "us-east-1", header: http.Header{}, as: keyOf(p.alice)},
	} {
		r := p.serve(q).ok(t)
		want := `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>` + p.alice.ARN + `</Arn>
    <UserId>` + p.alice.ID + `</UserId>
    <Account>111122223333</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata>
    <RequestId>` + r.id + `</RequestId>
  </ResponseMetadata>
</GetCallerIdentityResponse>
`
		if r.Body.String() != want {
			t.Errorf("%s: %s, want %s", name, r.Body, want)
		}
		r.headers(t, map[string]string{"Content-Type": "text/xml", "X-Amzn-Requestid": r.id, "Content-Length": itoa(len(want))})
	}
}

func TestErrorExactly(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	r := p.serve(anonymous(identityForm))
	want := `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error>
    <Type>Sender</Type>
    <Code>MissingAuthenticationToken</Code>
    <Message>Request is missing Authentication Token</Message>
  </Error>
  <RequestId>` + r.id + `</RequestId>
</ErrorResponse>
`
	if r.Code != http.StatusForbidden || r.Body.String() != want {
		t.Errorf("%d %s, want 403 %s", r.Code, r.Body, want)
	}
	r.headers(t, map[string]string{"Content-Type": "text/xml", "X-Amzn-Requestid": r.id, "Content-Length": itoa(len(want))})
}

func TestJSONOnRequest(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	r := p.serve(post(keyOf(p.alice), identityForm).with("Accept", "application/json")).ok(t)
	want := `{"GetCallerIdentityResponse":{"GetCallerIdentityResult":{"Account":"111122223333","Arn":"` + p.alice.ARN + `","UserId":"` +
		p.alice.ID + `"},"ResponseMetadata":{"RequestId":"` + r.id + `"}}}`
	if r.Body.String() != want {
		t.Errorf("%s, want %s", r.Body, want)
	}
	r.headers(t, map[string]string{"Content-Type": "application/json", "X-Amzn-Requestid": r.id, "Content-Length": itoa(len(want))})

	r = p.serve(anonymous(identityForm).with("Accept", "text/html, application/json;q=0.9"))
	want = `{"Error":{"Code":"MissingAuthenticationToken","Message":"Request is missing Authentication Token","Type":"Sender"},"RequestId":"` + r.id + `"}`
	if r.Code != http.StatusForbidden || r.Body.String() != want {
		t.Errorf("%d %s, want 403 %s", r.Code, r.Body, want)
	}
	r.headers(t, map[string]string{"Content-Type": "application/json", "X-Amzn-Requestid": r.id, "Content-Length": itoa(len(want))})

	r = p.serve(post(keyOf(p.alice), p.assume()).with("Accept", "application/json")).ok(t)
	var answer struct {
		AssumeRoleResponse struct {
			AssumeRoleResult struct {
				Credentials struct{ Expiration json.Number }
			}
		}
	}
	if err := json.Unmarshal(r.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	got, err := answer.AssumeRoleResponse.AssumeRoleResult.Credentials.Expiration.Int64()
	if err != nil || got != started.Unix()+3600 {
		t.Errorf("Expiration %s, want the number %d", answer.AssumeRoleResponse.AssumeRoleResult.Credentials.Expiration, started.Unix()+3600)
	}
}

// Nothing that is no form of the query protocol is parsed, whatever it holds: the body of each row is a good signed request
// (advisory 4).
func TestRedirects(t *testing.T) {
	t.Parallel()
	const manual = "https://aws.amazon.com/iam"
	p := newPipeline(t)
	typed := func(types ...string) *request {
		r := post(keyOf(p.alice), p.assume())
		if len(types) == 0 {
			delete(r.header, "Content-Type")
			return r
		}
		return r.with("Content-Type", types...)
	}
	method := func(m string) *request {
		r := post(keyOf(p.alice), p.assume())
		r.method = m
		return r
	}
	rows := []struct {
		name     string
		request  *request
		location string
	}{
		{"no Action in a form", post(keyOf(p.alice), stsVersion), manual},
		{"nothing at all", anonymous(""), manual},
		{"no Action in a query", get(keyOf(p.alice), stsVersion), manual + "?" + stsVersion},
		{"GET without a query", get(keyOf(p.alice), ""), manual},
		{"multipart", typed(`multipart/form-data; boundary="x"`), manual},
		{"JSON", typed("application/json"), manual},
		{"text", typed("text/plain"), manual},
		{"form as text", typed("text/plain; x=" + formType), manual},
		{"no type", typed(), manual},
		{"empty type", typed(""), manual},
		{"two forms", typed(formType, formType), manual},
		{"a form and JSON", typed(formType, "application/json"), manual},
		{"two types in one", typed(formType + ", application/json"), manual},
		{"broken parameter", typed(formType + "; charset"), manual},
		{"PUT", method("PUT"), manual},
		{"DELETE", method("DELETE"), manual},
		{"HEAD", method("HEAD"), manual},
		{"query of a POST", &request{method: "POST", target: "/?" + p.assume(), service: "sts", region: "us-east-1", header: http.Header{"Content-Type": {formType}}, as: keyOf(p.alice)}, manual},
	}
	for _, row := range rows {
		r := p.serve(row.request)
		if r.Code != http.StatusFound || r.Body.Len() != 0 {
			t.Errorf("%s: %d with %d bytes, want an empty 302", row.name, r.Code, r.Body.Len())
		}
		r.headers(t, map[string]string{"Location": row.location, "X-Amzn-Requestid": r.id, "Content-Length": "0"})
	}
	p.serve(typed(formType)).ok(t)
	p.serve(typed("Application/X-WWW-Form-URLencoded ; charset=UTF-8")).ok(t)
	// The operation was entered for the last two alone.
	if lines, _ := p.audited(); len(lines) != 2 {
		t.Errorf("%d audit lines, want 2", len(lines))
	}
}

func TestUnknownOperations(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	for form, message := range map[string]string{
		"Action=NoSuch&Version=2011-06-15":                                   "Could not find operation NoSuch for version 2011-06-15",
		"Action=GetCallerIdentity":                                           "Could not find operation GetCallerIdentity for version NO_VERSION_SPECIFIED",
		"Action=GetCallerIdentity&Version=":                                  "Could not find operation GetCallerIdentity for version ",
		"Action=&Version=2011-06-15":                                         "Could not find operation  for version 2011-06-15",
		"Action=GetCallerIdentity&Version=2010-05-08":                        "Could not find operation GetCallerIdentity for version 2010-05-08",
		"Action=getcalleridentity&Version=2011-06-15":                        "Could not find operation getcalleridentity for version 2011-06-15",
		"Action=No%3CSuch&Action=GetCallerIdentity&Version=2011-06-15":       "Could not find operation No<Such for version 2011-06-15",
		"Version=1999-01-01&Version=2011-06-15&Action=GetCallerIdentity":     "Could not find operation GetCallerIdentity for version 1999-01-01",
		"Action=AssumeRoot%00&Version=2011-06-15":                            "Could not find operation AssumeRoot\uFFFD for version 2011-06-15",
		"Action=" + strings.Repeat("x", 200<<10) + "&Version=2011-06-15&a=b": "",
	} {
		for name, q := range map[string]*request{"unsigned": anonymous(form), "signed": post(keyOf(p.alice), form)} {
			r := p.serve(q)
			if message != "" {
				r.refused(t, http.StatusBadRequest, "InvalidAction", message)
			} else if r.code() != "InvalidAction" || r.Body.Len() > 140<<10 {
				t.Errorf("%s: %s with %d bytes, want a shortened InvalidAction", name, r.code(), r.Body.Len())
			}
			if !strings.HasPrefix(r.Body.String(), `<ErrorResponse xmlns="http://webservices.amazon.com/AWSFault/2005-15-09">`) {
				t.Errorf("%s %.40s: %.90s", name, form, r.Body)
			}
		}
	}
	p.serve(post(keyOf(p.alice), "Version=2011-06-15&Version=x&Action=GetCallerIdentity&Action=NoSuch")).ok(t)
}

func TestMalformedQueries(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	for form, message := range map[string]string{
		identityForm + "&x=%":    "Incomplete trailing escape % sequence",
		identityForm + "&x=%4":   "Incomplete trailing escape % sequence",
		identityForm + "&x=%yy":  "Illegal hex character in escape % pattern: %yy",
		identityForm + "&%zz=1":  "Illegal hex character in escape % pattern: %zz",
		identityForm + "&x=%ff":  "The query is not valid UTF-8",
		"%=1&" + identityForm:    "Incomplete trailing escape % sequence",
		"Action=%C3%28&x=%25%32": "The query is not valid UTF-8",
	} {
		p.serve(anonymous(form)).refused(t, http.StatusBadRequest, "MalformedQueryString", message)
	}
	p.serve(post(keyOf(p.alice), identityForm+"&x=%25&%7a=%c3%a4&&&=&y")).ok(t)
}

func TestScopes(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	const listUsers = "Action=ListUsers&Version=2010-05-08"
	scoped := func(form, service, region string) *request {
		r := post(keyOf(p.alice), form)
		r.service, r.region = service, region
		return r
	}
	const region, toSTS, toIAM = "Credential should be scoped to a valid region. ",
		"Credential should be scoped to correct service: 'sts'. ", "Credential should be scoped to correct service: 'iam'. "
	for _, row := range []struct{ form, service, region, message, namespace string }{
		{identityForm, "iam", "us-east-1", toSTS, "https://sts.amazonaws.com/doc/2011-06-15/"},
		{identityForm, "stint", "us-east-1", toSTS, "https://sts.amazonaws.com/doc/2011-06-15/"},
		{identityForm, "STS", "us-east-1", toSTS, "https://sts.amazonaws.com/doc/2011-06-15/"},
		{identityForm, "sts", "mars-1", region, "https://sts.amazonaws.com/doc/2011-06-15/"},
		{identityForm, "iam", "mars-1", region + toSTS, "https://sts.amazonaws.com/doc/2011-06-15/"},
		{listUsers, "sts", "us-east-1", toIAM, "https://iam.amazonaws.com/doc/2010-05-08/"},
		// A wrong region is told in STS's namespace, whichever service was asked (SCRATCH).
		{listUsers, "sts", "mars-1", region + toIAM, "https://sts.amazonaws.com/doc/2011-06-15/"},
	} {
		r := p.serve(scoped(row.form, row.service, row.region))
		r.refused(t, http.StatusForbidden, "SignatureDoesNotMatch", row.message)
		if !strings.HasPrefix(r.Body.String(), `<ErrorResponse xmlns="`+row.namespace+`">`) {
			t.Errorf("%+v: %.90s", row, r.Body)
		}
	}
	if r := p.serve(anonymous(listUsers)); !strings.HasPrefix(r.Body.String(), `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">`) {
		t.Errorf("unsigned: %.90s", r.Body)
	}
	p.serve(scoped(identityForm, "sts", "eu-west-1")).ok(t)
	p.serve(scoped(listUsers, "iam", "us-east-1")).refused(t, http.StatusBadRequest, "NotImplemented",
		"The operation ListUsers is not implemented by this server.")
}

// Without a binding an operation is refused by name, and only to who may know: the signature comes first.
func TestUnboundOperation(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	const form = "Action=AssumeRoot&" + stsVersion
	p.serve(post(keyOf(p.alice), form)).refused(t, http.StatusBadRequest, "NotImplemented", "The operation AssumeRoot is not implemented by this server.")
	p.serve(anonymous(form)).refused(t, http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
}

// advisories 1 (CVE-2026-40344) and 130: every operation of the models is refused unsigned and with a signature that is
// wrong, but for the two that carry a proof of their own.
func TestEveryOperationIsGated(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	wrong := sigv4.NewCredentials(keyOf(p.alice).AccessKeyID, "not-the-secret", "")
	open := map[string]bool{"AssumeRoleWithSAML": true, "AssumeRoleWithWebIdentity": true}
	seen := 0
	for service, names := range operationNames(t) {
		version := map[string]string{"sts": "2011-06-15", "iam": "2010-05-08"}[service]
		for _, name := range names {
			op, ok := wire.Lookup(service, name)
			if !ok || op.Signed == (open[name] && service == "sts") {
				t.Errorf("%s:%s is in the table: %t, signed %t", service, name, ok, ok && op.Signed)
				continue
			}
			seen++
			form := "Action=" + name + "&Version=" + version
			forged := post(wrong, form)
			forged.service = service
			payload := post(keyOf(p.alice), form).with("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
			payload.service = service
			if !op.Signed {
				p.serve(anonymous(form)).refused(t, http.StatusBadRequest, "NotImplemented", "The operation "+name+" is not implemented by this server.")
				continue
			}
			p.serve(anonymous(form)).refused(t, http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
			p.serve(get(sigv4.Credentials{}, form+"&X-Amz-Credential=x&X-Amz-Signature=y").unsign()).
				refused(t, http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
			p.serve(anonymous(form).with("Authorization", "Bearer x")).
				refused(t, http.StatusBadRequest, "IncompleteSignature", "Unsupported AWS 'algorithm': 'Bearer'.")
			p.serve(forged).refused(t, http.StatusForbidden, "SignatureDoesNotMatch", mismatch)
			p.serve(payload).refused(t, http.StatusForbidden, "SignatureDoesNotMatch", mismatch)
		}
	}
	if seen < 180 {
		t.Errorf("%d operations, want at least 180", seen)
	}
	p.serve(post(keyOf(p.alice), identityForm)).ok(t)
	lines, _ := p.audited()
	for _, l := range lines[:len(lines)-1] {
		if l.ErrorCode == "" || l.UserIdentity.Type != "AWSAccount" {
			t.Fatalf("%+v is not a refusal of nobody", l)
		}
	}
}

const mismatch = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

// advisory 20: an unknown, an inactive and a deleted key are answered alike to the byte, whatever the signature.
func TestKeysThatAreNotThere(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	inactive := p.entities.User(directorytest.A, "inactive", directorytest.AllowAll)
	deleted := p.entities.User(directorytest.A, "deleted", directorytest.AllowAll)
	p.refresh()
	p.serve(post(keyOf(inactive), identityForm)).ok(t)
	p.serve(post(keyOf(deleted), identityForm)).ok(t)
	inactive.AccessKeys[0].Status = "Inactive"
	p.entities.Remove(deleted.Key())
	p.refresh()
	never := sigv4.NewCredentials("AKIARTX3GSDSRAAAAAAA", "secret", "")
	expected := ""
	for name, as := range map[string]sigv4.Credentials{
		"unknown": never, "inactive": keyOf(inactive), "deleted": keyOf(deleted),
		"inactive with another secret": sigv4.NewCredentials(keyOf(inactive).AccessKeyID, "x", ""),
	} {
		r := p.serve(post(as, identityForm))
		r.refused(t, http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
		body := strings.ReplaceAll(r.Body.String(), r.id, "ID")
		if expected == "" {
			expected = body
		}
		if body != expected {
			t.Errorf("%s: %s, want %s", name, body, expected)
		}
	}
}
