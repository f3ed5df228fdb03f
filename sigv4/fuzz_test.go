package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// anyVerdict runs the whole way and demands that nothing but a typed refusal comes of it.
func anyVerdict(t *testing.T, req *Request) {
	t.Helper()
	s, err := Parse(req)
	if err != nil {
		if e := new(Error); !errors.As(err, &e) {
			t.Fatalf("Parse: %v", err)
		}
		return
	}
	if s.SignedHeaders == "" || s.credential == "" || s.signature == "" || !validSignedHeaders(s.SignedHeaders) {
		t.Fatalf("incomplete: %+v", *s)
	}
	o := Options{Now: testTime, Service: s.Service, EnforceExpires: true}
	if !s.Time.IsZero() {
		o.Now = s.Time
	}
	if err := s.Check(o); err != nil {
		if e := new(Error); !errors.As(err, &e) {
			t.Fatalf("Check: %v", err)
		}
		return
	}
	if s.AccessKeyID+s.Region == "" || s.Date != s.Time.Format("20060102") || s.Terminator != terminator || !s.Signs("host") {
		t.Fatalf("Check passed %+v", *s)
	}
	key, err := s.DeriveKey("a secret that nobody knows, least of all the fuzzer")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(key, sha256.Sum256(nil)); err == nil {
		t.Fatal("verified without the secret")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=a/20150830/us-east-1/sts/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "20150830T123600Z", "us-east-1", "")
	f.Add("AWS4-ECDSA-P256-SHA256 Credential=a/20150830/sts/aws4_request,SignedHeaders=host;x-amz-date;x-amz-region-set,Signature=30", "20150830T123600Z", "*", "a=%41")
	f.Add("AWS4-HMAC-SHA256 FooBar", "", "", "%")
	f.Fuzz(func(t *testing.T, authorization, date, region, query string) {
		anyVerdict(t, &Request{Method: "GET", Path: "/", RawQuery: query, Host: "h", ContentLength: -1, Header: http.Header{
			"Authorization": {authorization}, "X-Amz-Date": {date}, "X-Amz-Region-Set": {region}, "Date": {date}}})
	})
}

func FuzzParseQuery(f *testing.F) {
	f.Add("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2F20150830%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00")
	f.Add("X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential=a%2F20150830%2Fsts%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Region-Set=%2A&X-Amz-SignedHeaders=host&X-Amz-Signature=00")
	f.Add("a=%&b=+&&=")
	f.Fuzz(func(t *testing.T, query string) {
		anyVerdict(t, &Request{Method: "GET", Path: "/", RawQuery: query, Host: "h", ContentLength: -1})
	})
}

// FuzzCanonical: the canonical request has exactly the lines that it should, its query is a fixed point with the meaning
// of the query as sent, and what is signed verifies.
func FuzzCanonical(f *testing.F) {
	f.Add("/a/../b", "b=2&a=1&a=%20", "X-Name", "a  b", []byte("body"))
	f.Add("//", "a+b&&=", "X", "\r\nx:y", []byte{})
	f.Fuzz(func(t *testing.T, path, query, name, value string, body []byte) {
		header := http.Header{http.CanonicalHeaderKey(name): {value}}
		r := &http.Request{Method: "POST", Host: "h", Header: header, RequestURI: "/" + strings.ReplaceAll(path, "?", "") + "?" + query, URL: &url.URL{Path: "/", RawQuery: query}}
		if err := testSigner().Sign(r, body, testTime); err != nil {
			return // a malformed query or header name
		}
		req := FromHTTP(r)
		s, err := Parse(&req)
		if err != nil {
			if e := new(Error); errors.As(err, &e) && e.Reason != "" || e.Code == CodeMissingAuthenticationToken {
				return // the name was Authorization, or the query carries a credential
			}
			t.Fatal(err)
		}
		o := testOptions()
		o.Now = s.Time
		if err := s.Check(o); err != nil {
			t.Fatal(err)
		}
		var w scratch
		text, _ := s.appendCanonical(&w, nil, []byte("hash"))
		if lines := strings.Count(string(text), "\n"); lines != 5+1+strings.Count(s.SignedHeaders, ";") {
			t.Fatalf("%d lines in %q", lines, text)
		}
		once := string(w.appendQuery(nil, query, false, false))
		if again := string(w.appendQuery(nil, once, false, false)); again != once {
			t.Fatalf("%q becomes %q", once, again)
		}
		a, err1 := url.ParseQuery(query)
		b, err2 := url.ParseQuery(once)
		if err1 == nil && (err2 != nil || len(a) != len(b) || a.Encode() == "" != (b.Encode() == "")) {
			t.Fatalf("%q means %v, its canonical form %v", query, a, b)
		}
		sum := sha256.Sum256(body)
		if v := s.payload; v != "" && v != hex.EncodeToString(sum[:]) {
			return // a content hash of the fuzzer's own
		}
		if err := s.Verify(DeriveKey(testSecret, s.Date, s.Region, s.Service), sum); err != nil && s.Time.Sub(testTime) < time.Second {
			t.Fatalf("%v for %q", err, text)
		}
	})
}

func BenchmarkVerifyHeader(b *testing.B) {
	r := signedPOST(b)
	cache, o, body := NewKeyCache(1024), testOptions(), sha256.Sum256([]byte(testBody))
	b.ReportAllocs()
	for b.Loop() {
		req := FromHTTP(r)
		s, err := Parse(&req)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Check(o); err != nil {
			b.Fatal(err)
		}
		if err := s.Verify(cache.Key(s, testSecret), body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyQuery(b *testing.B) {
	r := presignedGET(b)
	cache, o, body := NewKeyCache(1024), testOptions(), sha256.Sum256(nil)
	b.ReportAllocs()
	for b.Loop() {
		req := FromHTTP(r)
		s, _ := Parse(&req)
		_ = s.Check(o)
		if err := s.Verify(cache.Key(s, testSecret), body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDeriveKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		DeriveKey(testSecret, "20150830", "us-east-1", "sts")
	}
}
