package sigv4

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	testID     = "AKIARTX3GSDSQAAAAAAA"
	testSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	testBody   = "Action=GetCallerIdentity&Version=2011-06-15"
)

var testTime = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func testSigner() Signer {
	return Signer{Credentials: NewCredentials(testID, testSecret, ""), Region: "us-east-1", Service: "sts"}
}

func testOptions() Options {
	return Options{Now: testTime, Service: "sts", Regions: []string{"us-east-1"}}
}

// formPOST is an unsigned request as the SDKs make it.
func formPOST(t testing.TB) *http.Request {
	t.Helper()
	r, err := http.NewRequest("POST", "https://sts.us-east-1.amazonaws.com/", strings.NewReader(testBody))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return r
}

func signedPOST(t testing.TB) *http.Request {
	t.Helper()
	r := formPOST(t)
	if err := testSigner().Sign(r, []byte(testBody), testTime); err != nil {
		t.Fatal(err)
	}
	return r
}

func presignedGET(t testing.TB) *http.Request {
	t.Helper()
	r, err := http.NewRequest("GET", "https://sts.us-east-1.amazonaws.com/?"+testBody, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := testSigner().Presign(r, nil, testTime, time.Minute); err != nil {
		t.Fatal(err)
	}
	return r
}

// verify is the whole way, with the right secret.
func verify(r *http.Request, body string, o Options) error {
	req := FromHTTP(r)
	return verifyRequest(&req, body, o, testSecret)
}

func verifyRequest(req *Request, body string, o Options, secret string) error {
	s, err := Parse(req)
	if err != nil {
		return err
	}
	if err := s.Check(o); err != nil {
		return err
	}
	key, err := s.DeriveKey(secret)
	if err != nil {
		return err
	}
	return s.Verify(key, sha256.Sum256([]byte(body)))
}

// refused asserts code, message and reason of a refusal; a message or reason that ends in … is a prefix.
func refused(t *testing.T, what string, err error, code, message, reason string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("%s: %v, want %s", what, err, code)
		return
	}
	if e.Code != code || !alike(e.Message, message) || !alike(e.Reason, reason) {
		t.Errorf("%s:\n got %q %q %q\nwant %q %q %q", what, e.Code, e.Message, e.Reason, code, message, reason)
	}
}

func alike(got, want string) bool {
	if prefix, ok := strings.CutSuffix(want, "…"); ok {
		return strings.HasPrefix(got, prefix)
	}
	return got == want
}

func accepted(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v, want it accepted", what, err)
	}
}
