package sigv4

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func bare(authorization, query string, header http.Header) *Request {
	h := http.Header{}
	for k, v := range header {
		h[k] = v
	}
	if authorization != "" {
		h.Set("Authorization", authorization)
	}
	return &Request{Method: "GET", Path: "/", RawQuery: query, Host: "h", Header: h, ContentLength: -1}
}

// docs/wire-compatibility.md §4, steps 4 to 7, in AWS's order and words.
func TestParseRefusals(t *testing.T) {
	t.Parallel()
	date := http.Header{"X-Amz-Date": {"20150830T123600Z"}}
	const (
		good    = "AWS4-HMAC-SHA256 Credential=a/20150830/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=00"
		hashed  = "(Hashed with SHA-256 and encoded with Base64) Authorization="
		grammar = "SignedHeaders must be lower-case header names, at most 64, sorted, each once, separated by semicolons."
		noEqual = "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '"
	)
	for _, c := range []struct {
		name  string
		req   *Request
		code  string
		text  string
		cause string
	}{
		{"no signature", bare("", "Action=x", date), CodeMissingAuthenticationToken, "Request is missing Authentication Token", ""},
		{"blank Authorization", bare(" ", "", date), CodeMissingAuthenticationToken, "Request is missing Authentication Token", ""},
		{"lower-case query names", bare("", "x-amz-algorithm=AWS4-HMAC-SHA256", nil), CodeMissingAuthenticationToken,
			"Request is missing Authentication Token", ""},
		{"unknown query algorithm", bare("", "X-Amz-Algorithm=AWS4", nil), CodeMissingAuthenticationToken,
			"Request is missing Authentication Token", ""},
		{"escape cut off", bare(good, "a=1&x=%", date), CodeMalformedQueryString, "Incomplete trailing escape % sequence", ""},
		{"escape cut off in a name", bare("", "a%4=1", date), CodeMalformedQueryString, "Incomplete trailing escape % sequence", ""},
		{"escape not hex, reported before the missing signature", bare("", "x=%yy", nil), CodeMalformedQueryString,
			"Illegal hex character in escape % pattern: %yy", ""},
		{"header and query (advisory 2)", bare(good, "X-Amz-Algorithm=AWS4-HMAC-SHA256", date), CodeSignatureDoesNotMatch, "",
			"signature both in the Authorization header and in the query string"},
		{"header and query credential (advisory 2)", bare(good, "X-Amz-Credential=b", date), CodeSignatureDoesNotMatch, "",
			"signature both in the Authorization header and in the query string"},
		{"escaped query name beside a header (advisory 2)", bare("x", "X%2DAmz-Signature=0", date), CodeSignatureDoesNotMatch, "",
			"signature both in the Authorization header and in the query string"},
		{"two Authorization headers", bare("", "", http.Header{"Authorization": {good, good}}), CodeSignatureDoesNotMatch, "",
			"more than one Authorization header"},
		{"algorithm", bare("AWS5-HMAC-SHA256 Credential=x/y/z/a/b, SignedHeaders=host, Signature=00", "", date), CodeIncompleteSignature,
			"Unsupported AWS 'algorithm': 'AWS5-HMAC-SHA256'.", ""},
		{"another scheme", bare("Bearer abc", "", date), CodeIncompleteSignature, "Unsupported AWS 'algorithm': 'Bearer'.", ""},
		{"a huge scheme is cut (advisory 27)", bare(strings.Repeat("x", 9000), "", date), CodeIncompleteSignature,
			"Unsupported AWS 'algorithm': '" + strings.Repeat("x", maxEcho) + "...'.", ""},
		{"no equal-sign", bare("AWS4-HMAC-SHA256 FooBar", "", date), CodeIncompleteSignature,
			noEqual + "/tTIH/RdeprHMqzRXPr3cfLkkLmY1JQhPD/TjcwUuFs='.", ""},
		{"nothing after the comma", bare(good+",", "", date), "", "", ""},
		{"nothing between commas", bare("AWS4-HMAC-SHA256 Credential=a,,Signature=0", "", date), CodeIncompleteSignature, noEqual + "…", ""},
		{"all parts missing", bare("AWS4-HMAC-SHA256", "", nil), CodeIncompleteSignature,
			"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. " +
				"Authorization header requires 'SignedHeaders' parameter. " +
				"Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. " + hashed + "…", ""},
		{"signature missing", bare("AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host", "", date), CodeIncompleteSignature,
			"Authorization header requires 'Signature' parameter. " + hashed + "…", ""},
		{"the last Signature counts, and is empty", bare(good+", Signature=", "", date), CodeIncompleteSignature,
			"Authorization header requires 'Signature' parameter. " + hashed + "…", ""},
		{"4A without a region set", bare(strings.Replace(good, "HMAC", "ECDSA-P256", 1), "", date), CodeIncompleteSignature,
			"Authorization header requires existence of a 'X-Amz-Region-Set' header. " + hashed + "…", ""},
		{"query parts missing", bare("", "X-Amz-Algorithm=AWS4-HMAC-SHA256", nil), CodeIncompleteSignature,
			"AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Signature'. " +
				"AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. " +
				"Re-examine the query-string parameters.", ""},
		{"query date missing, the header does not stand in", bare("", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Signature=0&X-Amz-SignedHeaders=host", date),
			CodeIncompleteSignature, "AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters.", ""},
		{"query 4A without a region set", bare("", "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential=a&X-Amz-Signature=0&X-Amz-SignedHeaders=host&X-Amz-Date=d", nil),
			CodeIncompleteSignature, "AWS query-string parameters must include 'X-Amz-Region-Set'. Re-examine the query-string parameters.", ""},
	} {
		_, err := Parse(c.req)
		if c.code == "" {
			accepted(t, c.name, err)
			continue
		}
		refused(t, c.name, err, c.code, c.text, c.cause)
	}
	if _, err := Parse(bare(good, "Action=x", date)); err != nil {
		t.Errorf("the untouched header: %v", err)
	}
	// advisory 7
	for _, list := range []string{"host;", ";host", "a;;host", "host;host", "Host", "x-amz-date;host", "ho st", "host;x:y", "hôst", longList(65)} {
		authorization := strings.Replace(good, "SignedHeaders=host", "SignedHeaders="+list, 1)
		_, err := Parse(bare(authorization, "", date))
		refused(t, "SignedHeaders "+list, err, CodeIncompleteSignature, grammar, "")
	}
	if _, err := Parse(bare(strings.Replace(good, "=host", "="+longList(64), 1), "", date)); err != nil {
		t.Errorf("64 signed headers: %v", err)
	}
}

func longList(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(';')
		}
		b.WriteString("h" + string(rune('a'+i/26)) + string(rune('a'+i%26)))
	}
	return b.String()
}

func TestParse(t *testing.T) {
	t.Parallel()
	header := bare("AWS4-HMAC-SHA256   Credential=AKID/20150830/us-east-1/sts/aws4_request,SignedHeaders=host;x-amz-date ,  Signature=ab, Unknown=1, Signature=cd",
		"", http.Header{"X-Amz-Date": {"20150830T123600Z"}, "Date": {"Mon, 31 Aug 2015 12:36:00 GMT"}, "X-Amz-Security-Token": {"tok"}})
	query := bare("", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20150830%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20150830T123600Z"+
		"&X-Amz-SignedHeaders=host%3bx-amz-date&X-Amz-Signature=cd&X-Amz-Security-Token=tok&X-Amz-Signature=ee&X-Amz-Date=x", nil)
	for _, req := range []*Request{header, query} {
		s, err := Parse(req)
		if err != nil {
			t.Fatal(err)
		}
		if s.Algorithm != HMAC || s.AccessKeyID != "AKID" || s.Date != "20150830" || s.Region != "us-east-1" || s.Service != "sts" ||
			s.Terminator != "aws4_request" || s.SignedHeaders != "host;x-amz-date" || s.SessionToken != "tok" || s.signature != "cd" ||
			!s.Time.Equal(testTime) || s.Presigned != (req == query) {
			t.Errorf("parsed %+v", *s)
		}
		if !s.Signs("host") || !s.Signs("x-amz-date") || s.Signs("x-amz") || s.Signs("") {
			t.Error("Signs")
		}
	}
}

// advisory 16: X-Amz-Date wins over Date; the forms that a date may have.
func TestDates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header http.Header
		want   time.Time // zero: malformed
	}{
		{http.Header{"X-Amz-Date": {"20150830T123600Z"}}, testTime},
		{http.Header{"Date": {"20150830T123600Z"}}, testTime},
		{http.Header{"Date": {"Sun, 30 Aug 2015 12:36:00 GMT"}}, testTime},
		{http.Header{"Date": {"Sun, 30 Aug 2015 12:36:00 -0000"}}, testTime},
		{http.Header{"X-Amz-Date": {"20150830T123600Z"}, "Date": {"20160830T123600Z"}}, testTime},
		{http.Header{"X-Amz-Date": {"Sun, 30 Aug 2015 12:36:00 GMT"}, "Date": {"20150830T123600Z"}}, time.Time{}},
		{http.Header{"X-Amz-Date": {"20150830T123600Z", "20150830T123600Z"}}, time.Time{}},
		{http.Header{"Date": {"Sun, 30 Aug 2015 12:36:00 +0200"}}, time.Time{}},
		{http.Header{"Date": {"Sun, 30 Aug 2015 12:36:00.5 GMT"}}, time.Time{}},
		{http.Header{"X-Amz-Date": {"20150830T123600"}}, time.Time{}},
		{http.Header{"X-Amz-Date": {"2015-08-30T12:36:00Z"}}, time.Time{}},
		{http.Header{"X-Amz-Date": {"20150230T123600Z"}}, time.Time{}},
		{http.Header{"X-Amz-Date": {"20150830T123660Z"}}, time.Time{}},
		{http.Header{"X-Amz-Date": {"20150830t123600z"}}, time.Time{}},
		{http.Header{"X-Amz-Date": {"２0150830T1236Z"}}, time.Time{}},
	} {
		s, err := Parse(bare("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=00", "", c.header))
		if err != nil {
			t.Errorf("%v: %v", c.header, err)
			continue
		}
		if (s.stamp == "") != c.want.IsZero() || s.stamp != "" && (!s.Time.Equal(c.want) || s.stamp != c.want.Format(basicFormat)) {
			t.Errorf("%v: %v %q, want %v", c.header, s.Time, s.stamp, c.want)
		}
		if s.stamp == "" {
			refused(t, "date", s.Check(testOptions()), CodeIncompleteSignature, "Date must be in ISO-8601 'basic format'. Got '"+s.date+
				"'. See http://en.wikipedia.org/wiki/ISO_8601", "")
		}
	}
}
