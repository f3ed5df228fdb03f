package wire_test

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/wire"
	"github.com/stint-sts/stint/sigv4"
)

const denied403 = http.StatusForbidden

// advisory 2 (CVE-2026-41145): a request has one place for its credential. Two are refused, whichever of them is good.
func TestCredentialInTwoPlaces(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	presigned := &request{method: "GET", target: "/?" + identityForm, service: "sts", region: "us-east-1", header: http.Header{}, as: keyOf(p.alice), presign: true}
	p.serve(presigned).ok(t)
	signed := get(keyOf(p.bob), identityForm).build(t, started).Header
	both := func(authorization ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Authorization"] = authorization }
	}
	for _, authorization := range [][]string{{signed.Get("Authorization")}, {"garbage"}, {""}, {"a", "b"}} {
		p.serve(presigned.then(both(authorization...))).refused(t, denied403, "SignatureDoesNotMatch", "")
	}
	stray := get(keyOf(p.alice), identityForm+"&X-Amz-Credential="+url.QueryEscape(keyOf(p.bob).AccessKeyID+"/20260701/us-east-1/sts/aws4_request"))
	p.serve(stray).refused(t, denied403, "SignatureDoesNotMatch", "")
	twice := get(keyOf(p.alice), identityForm).then(func(r *http.Request) {
		r.Header["Authorization"] = append(r.Header["Authorization"], r.Header["Authorization"]...)
	})
	p.serve(twice).refused(t, denied403, "SignatureDoesNotMatch", "")
	// A form signed in the query string is refused as AWS does.
	form := post(keyOf(p.alice), identityForm)
	form.presign = true
	p.serve(form).refused(t, denied403, "SignatureDoesNotMatch", mismatch)
	p.serve(get(keyOf(p.alice), identityForm)).ok(t)
}

// advisory 5 (SeaweedFS #9121): a header that was added after signing is not obeyed; advisory 15: X_Amz_Date is not X-Amz-Date.
func TestHeadersAddedAfterSigning(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	late := func(name, value string) *request {
		return post(keyOf(p.alice), identityForm).then(func(r *http.Request) { r.Header[name] = []string{value} })
	}
	for name, value := range map[string]string{
		"X-Amz-Target": "x", "X-Amz-Expires": "1", "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD", "X-Amz-Userid": "root", "x-amz-lower": "x",
	} {
		p.serve(late(name, value)).refused(t, denied403, "SignatureDoesNotMatch", mismatch)
	}
	p.serve(late("X-Amz-Security-Token", "x")).refused(t, denied403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	p.serve(late("X_Amz_Date", "20200101T000000Z")).ok(t)
	p.serve(late("X-Forwarded-Host", "evil.example")).ok(t)
	without := post(keyOf(p.alice), identityForm).then(func(r *http.Request) {
		r.Header["X_Amz_Date"] = r.Header["X-Amz-Date"]
		delete(r.Header, "X-Amz-Date")
	})
	if r := p.serve(without); r.code() != "IncompleteSignature" || !strings.Contains(r.message(), "'X-Amz-Date' or a 'Date' header") {
		t.Errorf("X_Amz_Date alone: %d %s %s", r.Code, r.code(), r.message())
	}
	p.serve(post(keyOf(p.alice), identityForm).with("X-Amz-Target", "x")).ok(t) // signed, it may be there
}

// advisory 8 (SeaweedFS #10284): the host is that of the Host header, whatever a proxy's headers say.
func TestForwardedHost(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	forged := post(keyOf(p.alice), identityForm).then(func(r *http.Request) {
		r.Header["X-Forwarded-Host"], r.Header["Forwarded"], r.Host = []string{r.Host}, []string{"host=" + r.Host}, "other.example.com"
	})
	p.serve(forged).refused(t, denied403, "SignatureDoesNotMatch", mismatch)
	p.serve(post(keyOf(p.alice), identityForm)).ok(t)
}

// advisory 9 (SeaweedFS #8324): what is hashed is what is parsed.
func TestBodyExchanged(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	for _, sent := range []string{"", p.assume(), identityForm + "&", identityForm + "&x=\n", strings.Replace(identityForm, "G", "%47", 1)} {
		q := post(keyOf(p.alice), identityForm)
		q.sentBody = &sent
		if r := p.serve(q); sent == "" {
			if r.Code != http.StatusFound {
				t.Errorf("an empty body: %d, want 302", r.Code)
			}
		} else {
			r.refused(t, denied403, "SignatureDoesNotMatch", mismatch)
		}
	}
	// So is the query of a GET.
	p.serve(get(keyOf(p.alice), identityForm).then(func(r *http.Request) {
		r.URL.RawQuery = p.assume()
		r.RequestURI = "/?" + r.URL.RawQuery
	})).refused(t, denied403, "SignatureDoesNotMatch", mismatch)
	p.serve(post(keyOf(p.alice), identityForm)).ok(t)
}

// advisory 14 (CVE-2022-2385): of parameters with one name the first counts for the signature as for the operation, and
// another case is another name.
func TestDuplicateParameters(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.serve(post(keyOf(p.alice), identityForm+"&action=AssumeRole&Action=AssumeRole&ACTION=x")).ok(t).element(t, "GetCallerIdentityResult")
	p.serve(post(keyOf(p.alice), "action=GetCallerIdentity&Action=NoSuch&"+stsVersion)).
		refused(t, http.StatusBadRequest, "InvalidAction", "Could not find operation NoSuch for version 2011-06-15")
	presigned := &request{method: "GET", target: "/?" + identityForm, service: "sts", region: "us-east-1", header: http.Header{}, as: keyOf(p.alice), presign: true}
	p.serve(presigned).ok(t)
	for _, more := range []string{"&X-Amz-Credential=x", "&X-Amz-Date=20200101T000000Z", "&Action=AssumeRole", "&x-amz-algorithm=x"} {
		q := *presigned
		p.serve(q.then(func(r *http.Request) {
			r.URL.RawQuery += more
			r.RequestURI += more
		})).refused(t, denied403, "SignatureDoesNotMatch", mismatch)
	}
}

// advisory 6 (SeaweedFS #9120, GHSA-6r96-hmgc-726c) and advisory 50 (GHSA-fc6g-2gcp-2qrq): the context of policies is the
// verified identity and the peer of the socket. What headers claim changes nothing.
func TestContextIsTheVerifiedIdentity(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	const template = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*","Condition":`
	byAddress := p.entities.User(directorytest.A, "near", template+`{"IpAddress":{"aws:SourceIp":"10.1.2.3/32"}}}]}`)
	byID := p.entities.User(directorytest.A, "root", template+`{"StringEquals":{"aws:userid":"111122223333"}}}]}`)
	byName := p.entities.User(directorytest.A, "named", template+`{"StringEquals":{"aws:username":"named"},"Bool":{"aws:SecureTransport":"false"}}}]}`)
	accountTrust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]}`
	p.role = p.entities.Role(directorytest.A, "delegated", accountTrust)
	p.refresh()
	claims := http.Header{
		"X-Forwarded-For": {"10.1.2.3"}, "X-Real-Ip": {"10.1.2.3"}, "Forwarded": {"for=10.1.2.3"}, "X-Client-Ip": {"10.1.2.3"}, "True-Client-Ip": {"10.1.2.3"},
		"X-Amz-Source-Ip": {"10.1.2.3"}, "Aws_sourceip": {"10.1.2.3"}, "X-Amz-Userid": {"111122223333"}, "Aws_userid": {"111122223333"},
		"Aws_username": {"named"}, "X-Amz-Username": {"named"}, "X-Remote-User": {"named"}, "X-Forwarded-Proto": {"https"}, "X-Amz-Principal": {"root"},
	}
	from := func(q *request, peer string, headers http.Header) *request {
		for name, values := range headers {
			q.header[name] = values
		}
		return q.then(func(r *http.Request) { r.RemoteAddr = peer })
	}
	message := func(user string) string {
		return "User: arn:aws:iam::111122223333:user/" + user + " is not authorized to perform: sts:AssumeRole on resource: " + p.role.ARN
	}
	p.serve(from(post(keyOf(byAddress), p.assume()), "192.0.2.1:1", claims)).refused(t, denied403, "AccessDenied", message("near"))
	p.serve(from(post(keyOf(byAddress), p.assume()), "", claims)).refused(t, denied403, "AccessDenied", message("near"))
	p.serve(from(post(keyOf(byID), p.assume()), "10.1.2.3:1", claims)).refused(t, denied403, "AccessDenied", message("root"))
	p.serve(from(post(keyOf(byName), p.assume()), "192.0.2.1:1", claims)).ok(t)
	p.serve(from(post(keyOf(byAddress), p.assume()), "10.1.2.3:1", http.Header{"X-Forwarded-For": {"192.0.2.1"}})).ok(t)
	// A peer whose IPv4 address came over an IPv6 socket is the same peer (CVE-2024-24790).
	p.serve(from(post(keyOf(byAddress), p.assume()), "[::ffff:10.1.2.3]:1", nil)).ok(t)
	lines, _ := p.audited()
	if last := lines[len(lines)-1]; last.SourceIPAddress != "10.1.2.3" {
		t.Errorf("sourceIPAddress %q, want 10.1.2.3", last.SourceIPAddress)
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	work := p.begin(p.assume("DurationSeconds=900"))
	if got := p.serve(post(work, identityForm)).ok(t).element(t, "Arn"); got != "arn:aws:sts::111122223333:assumed-role/target/work" {
		t.Errorf("Arn %s", got)
	}
	other := p.begin(p.assume())
	crossed := sigv4.NewCredentials(work.AccessKeyID, "x", other.SessionToken)
	p.serve(post(crossed, identityForm)).refused(t, denied403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	p.clock.Store(899)
	p.serve(post(work, identityForm)).ok(t)
	p.clock.Store(900)
	p.serve(post(work, identityForm)).refused(t, denied403, "ExpiredToken", "The security token included in the request is expired")
	p.serve(post(other, identityForm)).ok(t)
	p.entities.Remove(p.role.Key())
	p.refresh()
	p.serve(post(other, identityForm)).refused(t, denied403, "InvalidClientTokenId", "The security token included in the request is invalid.")
}

// advisory 22 (CVE-2025-61726): the number of parameters is bounded before they take memory or time.
func TestManyParameters(t *testing.T) {
	p := newPipeline(t)
	many := func(n int) string { return identityForm + strings.Repeat("&a=1", n-2) }
	p.serve(post(keyOf(p.alice), many(10_000))).ok(t)
	p.serve(post(keyOf(p.alice), many(10_001))).refused(t, http.StatusBadRequest, "MalformedQueryString", "The query has too many parameters")

	body := []byte(strings.Repeat("a&", 4_500_000))
	q := anonymous("")
	var before, after runtime.MemStats
	h := q.build(t, started)
	w := newDiscard()
	runtime.ReadMemStats(&before)
	start := time.Now()
	p.ServeQuery(w, h, body, someIDs)
	elapsed := time.Since(start)
	runtime.ReadMemStats(&after)
	if w.status != http.StatusBadRequest || elapsed > time.Second {
		t.Errorf("%d after %v, want 400 within a second", w.status, elapsed)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("%d bytes were allocated for 9 MB of parameters", grown)
	}
}

// advisory 53 (CVE-2025-6203, CVE-2025-12044): nested JSON costs nothing before authentication and little after.
func TestDeepPolicies(t *testing.T) {
	p := newPipeline(t)
	for name, policy := range map[string]string{
		"arrays":  strings.Repeat("[", 2000),
		"objects": strings.Repeat(`{"a":`, 400),
		"closed":  `{"Version":"2012-10-17","Statement":` + strings.Repeat("[", 900) + strings.Repeat("]", 900) + `}`,
	} {
		form := p.assume("Policy=" + url.QueryEscape(policy))
		p.serve(anonymous(form)).refused(t, denied403, "MissingAuthenticationToken", "Request is missing Authentication Token")
		start := time.Now()
		r := p.serve(post(keyOf(p.alice), form))
		if r.Code != http.StatusBadRequest || r.code() != "MalformedPolicyDocument" {
			t.Errorf("%s: %d %s %s, want MalformedPolicyDocument", name, r.Code, r.code(), r.message())
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s: refused after %v", name, took)
		}
	}
	huge := p.assume("Policy=" + strings.Repeat("%5B", 3_000_000))
	start := time.Now()
	p.serve(post(keyOf(p.alice), huge))
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("9 MB of brackets took %v", took)
	}
	p.serve(post(keyOf(p.alice), p.assume("Policy="+url.QueryEscape(directorytest.AllowAll)))).ok(t)
}

// A use is one that was proved: whoever only claims a key leaves no trace of use. What comes of the request does not matter.
func TestUses(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	var uses []string
	o := p.Options
	o.Used = func(c *identity.Caller, at time.Time, service, region string) {
		uses = append(uses, fmt.Sprintf("%s %s %s %s", c.AccessKeyID, at.Sub(started), service, region))
	}
	p.Frontend = wire.NewFrontend(o)
	wrong := sigv4.NewCredentials(p.alice.AccessKeys[0].ID, "wrong", "")
	if r := p.serve(post(wrong, identityForm)); r.code() != "SignatureDoesNotMatch" {
		t.Errorf("a wrong signature: %s", r.Body)
	}
	p.serve(anonymous(identityForm)).refused(t, http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	if len(uses) != 0 {
		t.Errorf("%q are uses", uses)
	}
	p.serve(post(keyOf(p.alice), identityForm)).ok(t)
	p.serve(post(keyOf(p.alice), "Action=AssumeRoot&"+stsVersion)).refused(t, http.StatusBadRequest, "NotImplemented",
		"The operation AssumeRoot is not implemented by this server.")
	want := p.alice.AccessKeys[0].ID + " 0s sts us-east-1"
	if len(uses) != 2 || uses[0] != want || uses[1] != want {
		t.Errorf("the uses are %q, want %q twice", uses, want)
	}
}
