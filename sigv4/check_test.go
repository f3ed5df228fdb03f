package sigv4

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// docs/wire-compatibility.md §4, steps 8 to 13: each text exactly, and each step reported before the next.
func TestCheck(t *testing.T) {
	t.Parallel()
	const (
		region     = "Credential should be scoped to a valid region. "
		service    = "Credential should be scoped to correct service: 'sts'. "
		term       = "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'. "
		day        = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150829' != '20150830', from '20150830T123600Z'. "
		mismatched = CodeSignatureDoesNotMatch
	)
	for _, c := range []struct {
		name, credential, headers, date string
		now                             time.Duration // after testTime
		code, message                   string
	}{
		{"good", "", "", "", 0, "", ""},
		{"899 s old (advisory 16)", "", "", "", 899 * time.Second, "", ""},
		{"900 s old", "", "", "", 900 * time.Second, "", ""},
		{"901 s old (advisory 16)", "", "", "", 901 * time.Second, mismatched,
			"Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)"},
		{"900 s ahead", "", "", "", -900 * time.Second, "", ""},
		{"901 s ahead (advisory 16)", "", "", "", -901 * time.Second, mismatched,
			"Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T122059Z + 15 min.)"},
		{"far future", "", "", "99991231T235959Z", 0, mismatched, "Signature not yet current: 99991231T235959Z is still later than 20150830T125100Z (20150830T123600Z + 15 min.)"},
		{"host unsigned, before the date", "", "x-amz-date", "bad", 0, mismatched, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"date malformed, before the credential", "a/b", "", "bad", 0, CodeIncompleteSignature, "Date must be in ISO-8601 'basic format'. Got 'bad'. See http://en.wikipedia.org/wiki/ISO_8601"},
		{"old, before the credential", "a/b", "", "", time.Hour, mismatched, "Signature expired: …"},
		{"four elements", "AKIDX/20260101/us-east-1/sts", "", "", 0, CodeIncompleteSignature,
			"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIDX/20260101/us-east-1/sts'"},
		{"six elements", "a/20150830/us-east-1/sts/aws4_request/x", "", "", 0, CodeIncompleteSignature,
			"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/20150830/us-east-1/sts/aws4_request/x'"},
		{"region (advisory 17)", "a/20150830/eu-west-1/sts/aws4_request", "", "", 0, mismatched, region},
		{"no region", "a/20150830//sts/aws4_request", "", "", 0, mismatched, region},
		{"service (advisory 17)", "a/20150830/us-east-1/s3/aws4_request", "", "", 0, mismatched, service},
		{"region and service", "a/20150830/eu-west-1/s3/aws4_request", "", "", 0, mismatched, region + service},
		{"terminator (advisory 17)", "a/20150830/us-east-1/sts/aws5_request", "", "", 0, mismatched, term},
		{"scope of another day", "a/20150829/us-east-1/sts/aws4_request", "", "", 0, mismatched, day},
		{"everything", "a/20150829/x/y/aws5_request", "", "", 0, mismatched, region + service + term + day},
	} {
		credential, headers, date := "a/20150830/us-east-1/sts/aws4_request", "host", "20150830T123600Z"
		if c.credential != "" {
			credential = c.credential
		}
		if c.headers != "" {
			headers = c.headers
		}
		if c.date != "" {
			date = c.date
		}
		s, err := Parse(bare("AWS4-HMAC-SHA256 Credential="+credential+", SignedHeaders="+headers+", Signature=00", "", http.Header{"Date": {date}}))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		o := testOptions()
		o.Now = testTime.Add(c.now)
		err = s.Check(o)
		if c.code == "" {
			accepted(t, c.name, err)
			continue
		}
		refused(t, c.name, err, c.code, c.message, "")
		if err := s.Verify(DeriveKey(testSecret, s.Date, s.Region, s.Service), sha256.Sum256(nil)); !errors.Is(err, errUnchecked) {
			t.Errorf("%s: Verify after a failed Check: %v", c.name, err)
		}
	}
	s, _ := Parse(bare("AWS4-HMAC-SHA256 Credential=a/20150830/us-east-1//aws4_request, SignedHeaders=host, Signature=00", "", http.Header{"Date": {"20150830T123600Z"}}))
	refused(t, "options without a service match no scope", s.Check(Options{Now: testTime}), CodeSignatureDoesNotMatch, "Credential should be scoped to correct service: ''. ", "")
}

func TestCheckECDSA(t *testing.T) {
	t.Parallel()
	check := func(credential, set string, regions ...string) error {
		s, err := Parse(bare("AWS4-ECDSA-P256-SHA256 Credential="+credential+", SignedHeaders=host;x-amz-region-set, Signature=00", "",
			http.Header{"Date": {"20150830T123600Z"}, "X-Amz-Region-Set": {set}}))
		if err != nil {
			return err
		}
		return s.Check(Options{Now: testTime, Service: "sts", Regions: regions})
	}
	const good = "a/20150830/sts/aws4_request"
	for _, set := range []string{"us-east-1", "*", "us-*", "eu-west-1,us-east-1", "eu-west-1, us-*-1", "*-east-*", "us*east*1"} {
		accepted(t, set, check(good, set, "us-east-1"))
	}
	for _, set := range []string{"eu-west-1", "us-east-2", "us-", "us-*-2", "us-east-1*1", ",", "x*", "us-east-1-east*-east-1"} {
		refused(t, set, check(good, set, "us-east-1"), CodeSignatureDoesNotMatch, "Credential should be scoped to a valid region. ", "")
	}
	accepted(t, "any region", check(good, "mars"))
	refused(t, "five elements", check("a/20150830/us-east-1/sts/aws4_request", "*"), CodeIncompleteSignature,
		"Credential must have exactly 4 slash-delimited elements, e.g. keyid/date/service/term, got 'a/20150830/us-east-1/sts/aws4_request'", "")
}

// advisory 16, presigned: X-Amz-Expires is enforced for whoever asks; AWS STS ignores it and allows 15 minutes.
func TestExpires(t *testing.T) {
	t.Parallel()
	const bad = "X-Amz-Expires must be a number of seconds from 1 to 604800."
	for _, c := range []struct {
		expires       string
		after         time.Duration
		code, message string // with EnforceExpires
		lenient       bool   // accepted without
	}{
		{"60", 0, "", "", true},
		{"60", 60 * time.Second, "", "", true},
		{"60", 61 * time.Second, CodeSignatureDoesNotMatch, "Signature expired: 20150830T123700Z is now earlier than 20150830T123701Z (20150830T123600Z + 60 sec.)", true},
		{"604800", 7 * 24 * time.Hour, "", "", false},
		{"3600", 20 * time.Minute, "", "", false},
		{"60", -901 * time.Second, CodeSignatureDoesNotMatch, "Signature not yet current: …", false},
		{"0", 0, CodeIncompleteSignature, bad, true}, // aws-iam-authenticator 0.6 sends 0
		{"-1", 0, CodeIncompleteSignature, bad, true},
		{"604801", 0, CodeIncompleteSignature, bad, true},
		{"99999999999999999999", 0, CodeIncompleteSignature, bad, true},
		{"+60", 0, CodeIncompleteSignature, bad, true},
		{"6e1", 0, CodeIncompleteSignature, bad, true},
		{"", 0, CodeIncompleteSignature, bad, true},
	} {
		s, err := Parse(bare("", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/20150830/us-east-1/sts/aws4_request&X-Amz-Date=20150830T123600Z"+
			"&X-Amz-SignedHeaders=host&X-Amz-Signature=cd&X-Amz-Expires="+strings.ReplaceAll(c.expires, "+", "%2B"), nil))
		if err != nil {
			t.Fatal(err)
		}
		o := testOptions()
		o.Now = testTime.Add(c.after)
		if err := s.Check(o); (err == nil) != c.lenient {
			t.Errorf("X-Amz-Expires %q after %v, not enforced: %v", c.expires, c.after, err)
		}
		o.EnforceExpires = true
		if err := s.Check(o); c.code == "" {
			accepted(t, c.expires, err)
		} else {
			refused(t, "X-Amz-Expires "+c.expires, err, c.code, c.message, "")
		}
	}
}
