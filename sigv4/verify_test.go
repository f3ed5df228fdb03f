package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// resign signs r once more after a test has changed what is to be signed.
func resign(t *testing.T, r *http.Request, body string) *http.Request {
	t.Helper()
	if err := testSigner().Sign(r, []byte(body), testTime); err != nil {
		t.Fatal(err)
	}
	return r
}

// advisory 5: an X-Amz-* header that was added after signing is refused, in both forms, by Verify and so after the key.
func TestUnsignedAmzHeaders(t *testing.T) {
	t.Parallel()
	for form, make := range map[string]func(testing.TB) *http.Request{"header": signedPOST, "presigned": presignedGET} {
		body := ""
		if form == "header" {
			body = testBody
		}
		accepted(t, form, verify(make(t), body, testOptions()))
		for _, name := range []string{"X-Amz-Target", "X-Amz-Security-Token", "X-Amz-Content-Sha256", "X-Amz-Meta-User", "x-amz-lower"} {
			r := make(t)
			r.Header[name] = []string{"x"}
			err := verify(r, body, testOptions())
			refused(t, form+" "+name, err, CodeSignatureDoesNotMatch, mismatchMessage, "header "+strings.ToLower(name)+" is not signed")
			if !errors.Is(err, ErrMismatch) {
				t.Errorf("%s %s: %v is not ErrMismatch", form, name, err)
			}
		}
		r := make(t)
		for _, name := range []string{"X_Amz_Target", "X-Amzn-Trace-Id", "X-Forwarded-For", "Cookie", "Userid"} { // advisory 15
			r.Header[name] = []string{"x"}
		}
		accepted(t, form+" with other headers", verify(r, body, testOptions()))
	}
	r := formPOST(t)
	r.Header.Set("X-Amz-Target", "x")
	accepted(t, "signed X-Amz-Target", verify(resign(t, r, testBody), testBody, testOptions()))
}

// A signed header that was left off is a mismatch.
func TestAbsentSignedHeader(t *testing.T) {
	t.Parallel()
	r := presignedGET(t)
	r.URL.RawQuery = testBody
	r.Header.Set("X-K8s-Aws-Id", "cluster-1")
	if err := testSigner().Presign(r, nil, testTime, time.Minute); err != nil {
		t.Fatal(err)
	}
	accepted(t, "x-k8s-aws-id", verify(r, "", testOptions()))
	r.Header.Del("X-K8s-Aws-Id")
	refused(t, "no x-k8s-aws-id", verify(r, "", testOptions()), CodeSignatureDoesNotMatch, mismatchMessage, "signed header x-k8s-aws-id is absent")
	// Even one that was signed as empty must be sent.
	r = formPOST(t)
	r.Header.Set("X-Empty", "")
	resign(t, r, testBody)
	accepted(t, "empty header", verify(r, testBody, testOptions()))
	r.Header.Del("X-Empty")
	refused(t, "no empty header", verify(r, testBody, testOptions()), CodeSignatureDoesNotMatch, mismatchMessage, "signed header x-empty is absent")
}

// advisory 3: neither UNSIGNED-PAYLOAD nor any STREAMING-… form is taken for a hash.
func TestPayloadLiterals(t *testing.T) {
	t.Parallel()
	const reason = "X-Amz-Content-Sha256 is not the hash of the body"
	allow := testOptions()
	allow.AllowUnsignedPayload = true
	for _, literal := range []string{
		"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
		"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
		"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
		"", "unsigned-payload", strings.Repeat("0", 64), strings.ToUpper(hex.EncodeToString([]byte(testBody))),
	} {
		r := formPOST(t)
		r.Header.Set("X-Amz-Content-Sha256", literal)
		resign(t, r, testBody)
		if literal == "" {
			accepted(t, "empty content hash: the body is hashed", verify(r, testBody, testOptions()))
			continue
		}
		refused(t, literal, verify(r, testBody, testOptions()), CodeSignatureDoesNotMatch, mismatchMessage, reason)
		if literal != "UNSIGNED-PAYLOAD" {
			refused(t, literal+" where UNSIGNED-PAYLOAD is allowed", verify(r, testBody, allow), CodeSignatureDoesNotMatch, mismatchMessage, reason)
		}
	}
	g := testSigner()
	g.UnsignedPayload = true
	r := formPOST(t)
	if err := g.Sign(r, nil, testTime); err != nil {
		t.Fatal(err)
	}
	accepted(t, "UNSIGNED-PAYLOAD where it is allowed", verify(r, "any body", allow))
	refused(t, "UNSIGNED-PAYLOAD", verify(r, "any body", testOptions()), CodeSignatureDoesNotMatch, mismatchMessage, reason)
	accepted(t, "no content hash where UNSIGNED-PAYLOAD is allowed", verify(signedPOST(t), testBody, allow))
	refused(t, "another body where UNSIGNED-PAYLOAD is allowed", verify(signedPOST(t), "x", allow), CodeSignatureDoesNotMatch, mismatchMessage, "signature differs")
	g = testSigner()
	g.SendContentHash = true
	r = formPOST(t)
	if err := g.Sign(r, []byte(testBody), testTime); err != nil {
		t.Fatal(err)
	}
	accepted(t, "content hash", verify(r, testBody, testOptions()))
	refused(t, "content hash of another body", verify(r, "x", testOptions()), CodeSignatureDoesNotMatch, mismatchMessage, reason)
}

// advisory 9: what is hashed is the body that came.
func TestBodyIsSigned(t *testing.T) {
	t.Parallel()
	accepted(t, "untouched", verify(signedPOST(t), testBody, testOptions()))
	for _, body := range []string{"", testBody + "&", "A" + testBody, strings.ToLower(testBody)} {
		refused(t, "body "+body, verify(signedPOST(t), body, testOptions()), CodeSignatureDoesNotMatch, mismatchMessage, "signature differs")
	}
}

// docs/wire-compatibility.md §4, step 16: STS refuses a POST form that is signed in the query string.
func TestPresignedPOST(t *testing.T) {
	t.Parallel()
	r := formPOST(t)
	if err := testSigner().Presign(r, []byte(testBody), testTime, time.Minute); err != nil {
		t.Fatal(err)
	}
	accepted(t, "presigned POST", verify(r, testBody, testOptions()))
	o := testOptions()
	o.RefusePresignedPOST = true
	refused(t, "presigned POST", verify(r, testBody, o), CodeSignatureDoesNotMatch, mismatchMessage, "POST signed in the query string")
	accepted(t, "presigned GET", verify(presignedGET(t), "", o))
	accepted(t, "signed POST", verify(signedPOST(t), testBody, o))
}

// advisory 14: a repeated parameter. The first counts, as for AWS, and all are signed but the signature itself.
func TestRepeatedParameters(t *testing.T) {
	t.Parallel()
	for _, extra := range []string{"X-Amz-Date=20150830T123600Z", "X-Amz-Signature=0", "X-Amz-Credential=x", "Action=B", "action=B", "X-Amz-Algorithm=x"} {
		r := presignedGET(t)
		r.URL.RawQuery += "&" + extra
		refused(t, extra+" added", verify(r, "", testOptions()), CodeSignatureDoesNotMatch, mismatchMessage, "signature differs")
	}
	accepted(t, "untouched", verify(presignedGET(t), "", testOptions()))
}

// One canonical form for each meaning of a query string: a plus is a space and never a plus.
func TestQuerySpellings(t *testing.T) {
	t.Parallel()
	for raw, canonical := range map[string]string{
		"a=b+c": "a=b%20c", "a=b%20c": "a=b%20c", "a=b%2Bc": "a=b%2Bc", "a=b%2bc": "a=b%2Bc", "a": "a=", "a=": "a=", "=a": "=a",
		"b&a": "a=&b=", "a=2&a=1": "a=1&a=2", "a-=1&a=2": "a=2&a-=1", "&&a=1&": "a=1", "a=1=2": "a=1%3D2", "a;b=1": "a%3Bb=1",
		"%61=%7e": "a=~", "a=/": "a=%2F", "": "", "B=1&a=1": "B=1&a=1", "ሴ=1": "%E1%88%B4=1",
	} {
		var w scratch
		if got := string(w.appendQuery(nil, raw, false, false)); got != canonical {
			t.Errorf("%q: %q, want %q", raw, got, canonical)
		}
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{ // as sent, standard, S3
		{"", "/", "/"},
		{"/", "/", "/"},
		{"//", "/", "//"}, // HashiCorp Vault sends POST // and signs /
		{"/a/../..", "/", "/a/../.."},
		{"/../a", "/a", "/../a"},
		{"/a/./b//c/", "/a/b/c/", "/a/./b//c/"},
		{"/a%20b", "/a%2520b", "/a%20b"},
		{"/%2e%2e/a", "/%252e%252e/a", "/../a"},
		{"/a%2Fb", "/a%252Fb", "/a%2Fb"},
		{"/a+b", "/a%2Bb", "/a%2Bb"},
		{"/a%", "/a%25", "/a%25"},
		{"/a\nb", "/a%0Ab", "/a%0Ab"},
		{"/ሴ", "/%E1%88%B4", "/%E1%88%B4"},
	} {
		for style, want := range []string{c[1], c[2]} {
			if got := string(appendPath([]byte("x"), c[0], PathStyle(style))); got != "x"+want {
				t.Errorf("path %q in style %d: %q, want %q", c[0], style, got, want)
			}
		}
	}
}

// A header value cannot make a line of its own, and repeated headers keep their order.
func TestHeaderValues(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", " a ": "a", "a  b\t\tc": "a b c", "a\r\nx:y": "a x:y", `"a   b"`: `"a b"`, "é": "é"} {
		if got := string(appendValue(nil, in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	r := formPOST(t)
	r.Header["X-Many"] = []string{"b", "a"}
	resign(t, r, testBody)
	accepted(t, "in order", verify(r, testBody, testOptions()))
	slices.Reverse(r.Header["X-Many"])
	refused(t, "reversed", verify(r, testBody, testOptions()), CodeSignatureDoesNotMatch, mismatchMessage, "signature differs")
}

func TestFromHTTP(t *testing.T) {
	t.Parallel()
	for target, want := range map[string][2]string{
		"/a%20b?x=1?2": {"/a%20b", "x=1?2"}, "//": {"//", ""}, "http://h/p?q": {"/p", "q"}, "http://h": {"/", ""},
		"http://h?q": {"", "q"}, "*": {"*", ""}, "/ሴ?ሴ": {"/ሴ", "ሴ"},
	} {
		req := FromHTTP(&http.Request{RequestURI: target, URL: new(url.URL)})
		if req.Path != want[0] || req.RawQuery != want[1] {
			t.Errorf("%s: %q %q, want %q", target, req.Path, req.RawQuery, want)
		}
	}
	client := formPOST(t)
	if req := FromHTTP(client); req.Host != "sts.us-east-1.amazonaws.com" || req.Path != "/" {
		t.Errorf("client request: %+v", req)
	}
}

// advisory 27: no error holds what a forger would need.
func TestErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	r := signedPOST(t)
	_, good, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), good, strings.Repeat("0", 64), 1))
	err := verify(r, testBody, testOptions())
	refused(t, "wrong signature", err, CodeSignatureDoesNotMatch, mismatchMessage, "signature differs")
	text := fmt.Sprintf("%v %+v %#v", err, err, err)
	for _, secret := range []string{good, testSecret, "AWS4-HMAC-SHA256\n", "content-type:"} {
		if strings.Contains(text, secret) {
			t.Errorf("the error holds %q: %s", secret, text)
		}
	}
	if !errors.Is(err, ErrMismatch) || errors.Is(err, ErrMissing) || err.Error() != "SignatureDoesNotMatch: "+mismatchMessage+" [signature differs]" {
		t.Errorf("%v", err)
	}
}

// advisory 129: keys and credentials do not print.
func TestKeysDoNotPrint(t *testing.T) {
	t.Parallel()
	key := DeriveKey(testSecret, "20150830", "us-east-1", "sts")
	pair, err := DeriveECDSAKey(testID, testSecret)
	if err != nil {
		t.Fatal(err)
	}
	private, _ := pair.private().Bytes()
	holder := struct {
		k, p SigningKey
		s    Signer
	}{key, pair, testSigner()}
	for _, v := range []any{key, &key, pair, &pair, holder, &holder, holder.s, holder.s.Credentials} {
		text := fmt.Sprintf("%v %+v %#v %x %s %q %d", v, v, v, v, v, v, v)
		for _, leak := range [][]byte{key.Reveal(), private, []byte(testSecret)} {
			if strings.Contains(text, string(leak)) || strings.Contains(text, hex.EncodeToString(leak)) || strings.Contains(text, strings.Trim(fmt.Sprint(leak), "[]")) {
				t.Errorf("%T prints its key: %s", v, text)
			}
		}
	}
	if _, err := json.Marshal(key); err == nil {
		t.Error("a key must not marshal to JSON")
	}
	if err := gob.NewEncoder(new(bytes.Buffer)).Encode(key); err == nil {
		t.Error("a key must not be encoded")
	}
	if b, err := json.Marshal(testSigner()); err != nil || strings.Contains(string(b), testSecret) {
		t.Errorf("signer as JSON: %s, %v", b, err)
	}
}

func TestHMACKey(t *testing.T) {
	t.Parallel()
	req := FromHTTP(signedPOST(t))
	s, _ := Parse(&req)
	if err := s.Check(testOptions()); err != nil {
		t.Fatal(err)
	}
	derived := DeriveKey(testSecret, "20150830", "us-east-1", "sts")
	handed, err := HMACKey(derived.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	body := sha256.Sum256([]byte(testBody))
	accepted(t, "a key derived elsewhere", s.Verify(handed, body))
	pair, _ := DeriveECDSAKey(testID, testSecret)
	for name, key := range map[string]SigningKey{
		"zero": {}, "another day": DeriveKey(testSecret, "20150831", "us-east-1", "sts"), "another region": DeriveKey(testSecret, "20150830", "us-east-2", "sts"),
		"another service": DeriveKey(testSecret, "20150830", "us-east-1", "iam"), "ECDSA": pair,
	} {
		refused(t, name+" key", s.Verify(key, body), CodeSignatureDoesNotMatch, mismatchMessage, "signature differs")
	}
	if _, err := HMACKey(derived.Reveal()[1:]); err == nil || !strings.Contains(err.Error(), "32 bytes") {
		t.Errorf("a short key: %v", err)
	}
	if pair.Reveal() != nil {
		t.Error("an ECDSA key has no derived bytes")
	}
}

func TestSignerRefuses(t *testing.T) {
	t.Parallel()
	for _, expires := range []time.Duration{0, -time.Second, time.Millisecond, MaxExpires + time.Second} {
		if err := testSigner().Presign(formPOST(t), nil, testTime, expires); err == nil || !strings.Contains(err.Error(), "7 days") {
			t.Errorf("expiry %v: %v", expires, err)
		}
	}
	r := formPOST(t)
	r.Header["X-Bad Name"] = []string{"x"}
	if err := testSigner().Sign(r, nil, testTime); err == nil || !strings.Contains(err.Error(), "header name") {
		t.Errorf("malformed header name: %v", err)
	}
	r = formPOST(t)
	r.URL.RawQuery = "a=%zz"
	if err := testSigner().Sign(r, nil, testTime); err == nil || !strings.Contains(err.Error(), "Illegal hex") {
		t.Errorf("malformed query: %v", err)
	}
}
