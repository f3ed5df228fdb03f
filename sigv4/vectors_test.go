package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The worked examples of the AWS documentation: the derived key, and ListUsers.
func TestDocumentedVectors(t *testing.T) {
	t.Parallel()
	key := DeriveKey(testSecret, "20120215", "us-east-1", "iam")
	if got := hex.EncodeToString(key.Reveal()); got != "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d" {
		t.Errorf("derived key %s", got)
	}
	r, _ := http.NewRequest("GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	g := Signer{Credentials: NewCredentials("AKIDEXAMPLE", testSecret, ""), Region: "us-east-1", Service: "iam"}
	if err := g.Sign(r, nil, testTime); err != nil {
		t.Fatal(err)
	}
	if got := r.Header.Get("Authorization"); got != "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "+
		"SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7" {
		t.Error(got)
	}
}

// What botocore 1.43 signed with this project's test key at the test time, and what curl does.
func TestClientVectors(t *testing.T) {
	t.Parallel()
	const scope = "AWS4-HMAC-SHA256 Credential=AKIARTX3GSDSQAAAAAAA/20150830/us-east-1/"
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	s3 := Options{Now: testTime, Service: "s3", Path: PathS3}
	unsigned := s3
	unsigned.AllowUnsignedPayload = true
	for _, c := range []struct {
		name, method, url, body string
		header                  http.Header
		authorization           string
		options                 Options
	}{
		{"POST form", "POST", "https://sts.us-east-1.amazonaws.com/", testBody, http.Header{"X-Amz-Date": {"20150830T123600Z"}},
			scope + "sts/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=52a8540fea00e731072179f763577cbe2a45eac2c5d32fb4d785f3eefac88165",
			testOptions()},
		{"POST form with a token", "POST", "https://sts.us-east-1.amazonaws.com/", testBody,
			http.Header{"X-Amz-Date": {"20150830T123600Z"}, "X-Amz-Security-Token": {"TOKEN/+="}, "X-Spaces": {"  a   b  "}},
			scope + "sts/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-spaces, " +
				"Signature=1a41fdf141d6880114f238658827cd3512231da8828f02194cdf47756b2d3ca0", testOptions()},
		{"GET with a Date", "GET", "https://api.example.com/a%20b/../c//d/?z=1&a=%2F&a=&b=~x", "",
			http.Header{"Date": {"Sun, 30 Aug 2015 12:36:00 -0000"}},
			scope + "sts/aws4_request, SignedHeaders=date;host, Signature=9e486b549ca4fbd0506ed6568dab906ee728a36c5f078e6dbc8f982eac1db68d",
			testOptions()},
		{"presigned with an extra header", "GET", "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15" +
			"&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIARTX3GSDSQAAAAAAA%2F20150830%2Fus-east-1%2Fsts%2Faws4_request" +
			"&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Security-Token=TOKEN%2F%2B%3D" +
			"&X-Amz-Signature=3eff14b7ca42be66c7e65dcfa79e598dad8b8fac558e018a4704cf865ff63811", "",
			http.Header{"X-K8s-Aws-Id": {"cluster-1"}}, "", testOptions()},
		{"S3", "GET", "https://bucket.s3.amazonaws.com/a%20b/../c//d%2Be?list-type=2&prefix=x%2Fy", "",
			http.Header{"X-Amz-Date": {"20150830T123600Z"}, "X-Amz-Content-Sha256": {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}},
			scope + "s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=40e86f443d7cbfccf4fda8137d988ff8cbd0f9ca1d59ebefbcb7dcfe53b7d4f7",
			s3},
		{"S3 presigned", "GET", "https://bucket.s3.amazonaws.com/a%20b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
			"&X-Amz-Credential=AKIARTX3GSDSQAAAAAAA%2F20150830%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=900" +
			"&X-Amz-SignedHeaders=host&X-Amz-Signature=2ed412b4faaaf5dd894f8aab8e333786cd8cbf47dbe2e0ff10b7656005122c6c", "any body",
			nil, "", unsigned},
	} {
		r := &http.Request{Method: c.method, URL: mustURL(t, c.url), Header: http.Header{}}
		for name, v := range c.header {
			r.Header[name] = v
		}
		if c.method == "POST" {
			r.Header["Content-Type"] = form["Content-Type"]
		}
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		accepted(t, c.name, verify(r, c.body, c.options))
	}
	// curl --aws-sigv4 signs host and x-amz-date only: neither a content hash nor the Content-Type that it adds.
	r := formPOST(t)
	r.Header.Del("Content-Type")
	if err := testSigner().Sign(r, []byte(testBody), testTime); err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	accepted(t, "curl", verify(r, testBody, testOptions()))
	strict := testOptions()
	strict.RequireContentType = true
	refused(t, "unsigned Content-Type where it is required", verify(r, testBody, strict), CodeSignatureDoesNotMatch, mismatchMessage,
		"header content-type is not signed")
	accepted(t, "signed Content-Type where it is required", verify(signedPOST(t), testBody, strict))
}

// reference signs by the letter of the documentation, with nothing of this package, for headers that need no folding.
func reference(method, path, rawQuery, host string, header map[string]string, body []byte, secret, stamp, region, service string) string {
	sum := func(b []byte) string { h := sha256.Sum256(b); return hex.EncodeToString(h[:]) }
	mac := func(key []byte, text string) []byte {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	encode := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	values, _ := url.ParseQuery(rawQuery)
	var keys []string
	for k := range values {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return strings.Compare(encode(a), encode(b)) })
	var pairs []string
	for _, k := range keys {
		var encoded []string
		for _, v := range values[k] {
			encoded = append(encoded, encode(v))
		}
		slices.Sort(encoded)
		for _, v := range encoded {
			pairs = append(pairs, encode(k)+"="+v)
		}
	}
	lines := map[string]string{"host": host}
	names := []string{"host"}
	for k, v := range header {
		lines[strings.ToLower(k)] = strings.Join(strings.Fields(v), " ")
		names = append(names, strings.ToLower(k))
	}
	slices.Sort(names)
	canonicalHeaders := ""
	for _, n := range names {
		canonicalHeaders += n + ":" + lines[n] + "\n"
	}
	canonical := strings.Join([]string{method, strings.ReplaceAll(encode(path), "%2F", "/"), strings.Join(pairs, "&"),
		canonicalHeaders, strings.Join(names, ";"), sum(body)}, "\n")
	scope := stamp[:8] + "/" + region + "/" + service + "/aws4_request"
	text := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + sum([]byte(canonical))
	key := mac(mac(mac(mac([]byte("AWS4"+secret), stamp[:8]), region), service), "aws4_request")
	return hex.EncodeToString(mac(key, text))
}

// Sign agrees with the reference and Verify with Sign, whatever the request; another secret, body, method, host, path or
// query is refused.
func TestSignVerifyRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		method := rapid.SampledFrom([]string{"GET", "POST", "PUT", "DELETE", "HEAD"}).Draw(t, "method")
		path := "/" + rapid.StringMatching(`([A-Za-z0-9_.~!$&'()@%=,;:+-]*[A-Za-z0-9]/?)?`).Draw(t, "path")
		path = strings.ReplaceAll(path, "%", "%25")
		query := ""
		for i := range rapid.IntRange(0, 6).Draw(t, "parameters") {
			k, v := rapid.String().Draw(t, "key"), rapid.String().Draw(t, "value")
			if i > 0 {
				query += "&"
			}
			query += url.QueryEscape(k) + "=" + url.QueryEscape(v)
		}
		header := map[string]string{}
		for range rapid.IntRange(0, 5).Draw(t, "headers") {
			name := "X-" + rapid.StringMatching(`[A-Z][a-z0-9]{0,8}(-[A-Z][a-z0-9_]{0,30})*`).Draw(t, "name")
			header[name] = rapid.StringMatching(`[!-~]{0,5}([ \t]*[!-~]{1,5}){0,3}`).Draw(t, "value")
		}
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		secret := rapid.StringMatching(`[A-Za-z0-9/+=]{1,80}`).Draw(t, "secret")
		at := time.Unix(rapid.Int64Range(1e9, 4e9).Draw(t, "time"), 0)
		presign := rapid.Bool().Draw(t, "presign")

		r := &http.Request{Method: method, Host: "h.example:8321", Header: http.Header{}, URL: &url.URL{Scheme: "https", Host: "x", Opaque: "//x" + path, RawQuery: query}}
		for k, v := range header {
			r.Header[k] = []string{v}
		}
		g := Signer{Credentials: NewCredentials(testID, secret, ""), Region: "eu-west-1", Service: "sts"}
		// URL.RequestURI puts the scheme before an opaque part; the path is what counts.
		if presign {
			if err := g.Presign(r, body, at, time.Hour); err != nil {
				t.Fatal(err)
			}
		} else {
			if err := g.Sign(r, body, at); err != nil {
				t.Fatal(err)
			}
			stamp := at.UTC().Format(basicFormat)
			header["X-Amz-Date"] = stamp
			expected := reference(method, path, query, "h.example:8321", header, body, secret, stamp, "eu-west-1", "sts")
			if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+expected) && !strings.Contains(path, ".") {
				t.Fatalf("got %s, reference %s", got, expected)
			}
		}
		o := Options{Now: at, Service: "sts", Regions: []string{"eu-west-1"}}
		req := FromHTTP(r)
		if err := verifyRequest(&req, string(body), o, secret); err != nil {
			t.Fatal(err)
		}
		for what, spoil := range map[string]func(*Request) (string, string){
			"secret": func(*Request) (string, string) { return string(body), secret + "x" },
			"body":   func(*Request) (string, string) { return string(body) + "x", secret },
			"method": func(q *Request) (string, string) { q.Method += "X"; return string(body), secret },
			"host":   func(q *Request) (string, string) { q.Host += "x"; return string(body), secret },
			"path":   func(q *Request) (string, string) { q.Path += "x"; return string(body), secret },
			"query":  func(q *Request) (string, string) { q.RawQuery += "&x=1"; return string(body), secret },
		} {
			spoiled := req
			b, k := spoil(&spoiled)
			err := verifyRequest(&spoiled, b, o, k)
			if e := new(Error); !errors.As(err, &e) || e.Code != CodeSignatureDoesNotMatch || e.Reason != "signature differs" {
				t.Fatalf("other %s: %v", what, err)
			}
		}
	})
}

// The one-buffer HMAC is crypto/hmac's.
func TestMAC(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "key")
		message := rapid.SliceOf(rapid.Byte()).Draw(t, "message")
		m := hmac.New(sha256.New, key)
		m.Write(message)
		buffer := []byte("leftover of an earlier use, longer than a block of the hash, to be overwritten")
		if got := macInto(&buffer, string(key), message); !hmac.Equal(got[:], m.Sum(nil)) {
			t.Fatalf("macInto(%x, %x) = %x", key, message, got)
		}
	})
}

// A 4A key pair signs and verifies; its public half alone verifies; another secret's does not.
func TestECDSARoundTrip(t *testing.T) {
	t.Parallel()
	for i := range 20 {
		g := testSigner()
		g.Algorithm, g.Region = ECDSA, "us-east-1,eu-*"
		g.Credentials = NewCredentials(fmt.Sprintf("%s%d", testID, i), testSecret, "token")
		r := formPOST(t)
		if err := g.Sign(r, []byte(testBody), testTime); err != nil {
			t.Fatal(err)
		}
		accepted(t, "4A header", verify(r, testBody, testOptions()))
		get := presignedGET(t)
		get.URL.RawQuery = testBody
		if err := g.Presign(get, nil, testTime, time.Minute); err != nil {
			t.Fatal(err)
		}
		accepted(t, "4A query", verify(get, "", testOptions()))
		req := FromHTTP(get)
		refused(t, "4A with another secret", verifyRequest(&req, "", testOptions(), testSecret+"x"), CodeSignatureDoesNotMatch,
			mismatchMessage, "signature differs")
	}
}
