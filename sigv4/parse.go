package sigv4

import (
	"strings"
	"time"
)

// Algorithm names a signing algorithm on the wire.
type Algorithm string

// The two algorithms.
const (
	HMAC  Algorithm = "AWS4-HMAC-SHA256"       // Signature Version 4
	ECDSA Algorithm = "AWS4-ECDSA-P256-SHA256" // Signature Version 4A: the scope has a region set in place of a region
)

const (
	terminator       = "aws4_request"
	basicFormat      = "20060102T150405Z"
	maxSignedHeaders = 64
)

// Signature is the signature of one request, taken apart. Nothing in it is trustworthy before [Signature.Verify] has
// answered nil. It refers to the Request that it was parsed from. It is for one goroutine.
type Signature struct {
	Algorithm     Algorithm
	AccessKeyID   string
	Date          string // of the credential scope, YYYYMMDD
	Region        string // of the credential scope; for ECDSA the region set
	Service       string
	Terminator    string
	SignedHeaders string // lower-case names, sorted, with semicolons between
	SessionToken  string // empty if there is none
	Time          time.Time
	Presigned     bool // the signature was in the query string

	req        *Request
	signature  string
	credential string
	date       string // as sent
	stamp      string // the time in basic format, as it is signed
	expires    string // X-Amz-Expires as sent
	payload    string // X-Amz-Content-Sha256 as sent
	complete   bool   // the credential had the right number of elements

	options Options
	checked bool
	refusal string // why Verify will refuse whatever the key says
}

// Parse finds the one signature that req carries and takes it apart. It refuses malformed query strings, requests
// without a signature, requests with more than one place for it, and signatures with parts missing, in AWS's order
// (docs/wire-compatibility.md §4, 4 to 7). The credential and the date are judged by [Signature.Check].
func Parse(req *Request) (*Signature, error) {
	query, err := scanQuery(req.RawQuery)
	if err != nil {
		return nil, err
	}
	authorization := req.Header["Authorization"]
	switch {
	case len(authorization) > 1:
		return nil, ambiguous("more than one Authorization header")
	case len(authorization) == 1 && query.carriesCredential():
		return nil, ambiguous("signature both in the Authorization header and in the query string")
	case len(authorization) == 1 && strings.Trim(authorization[0], " \t") != "":
		return parseHeader(req, authorization[0])
	case query[queryAlgorithm].found:
		return parseQuery(req, &query)
	}
	return nil, ErrMissing
}

func parseHeader(req *Request, header string) (*Signature, error) {
	name, rest, _ := strings.Cut(strings.Trim(header, " \t"), " ")
	s := &Signature{req: req, Algorithm: Algorithm(name)}
	if s.Algorithm != HMAC && s.Algorithm != ECDSA {
		return nil, incomplete("Unsupported AWS 'algorithm': '" + echo(name) + "'.")
	}
	// A parameter given twice: the last wins (SCRATCH). Unknown parameters are ignored, as AWS does.
	for rest != "" {
		var part string
		part, rest, _ = strings.Cut(rest, ",")
		key, value, ok := strings.Cut(strings.Trim(part, " \t"), "=")
		if !ok {
			return nil, incomplete("Invalid key=value pair (missing equal-sign) in Authorization header " +
				"(hashed with SHA-256 and encoded with Base64): '" + digest(header) + "'.")
		}
		switch key {
		case "Credential":
			s.credential = value
		case "SignedHeaders":
			s.SignedHeaders = value
		case "Signature":
			s.signature = value
		}
	}
	s.SessionToken = req.joined("x-amz-security-token")
	s.payload = req.joined("x-amz-content-sha256")
	regionSet := req.joined("x-amz-region-set")
	s.readDate()
	if err := s.requireHeaderParts(header, regionSet); err != nil {
		return nil, err
	}
	return s, s.finish(regionSet)
}

// readDate takes the time from X-Amz-Date, and only if there is none from Date (advisory 16), which may also have the
// forms of mail and HTTP: botocore signs a request that was given a Date with "… 12:36:00 -0000".
func (s *Signature) readDate() {
	if s.date = s.req.joined("x-amz-date"); s.date != "" {
		s.Time, s.stamp = parseBasic(s.date)
		return
	}
	s.date = s.req.joined("date")
	if s.Time, s.stamp = parseBasic(s.date); s.stamp != "" {
		return
	}
	for _, zone := range []string{" GMT", " -0000", " +0000"} {
		day, ok := strings.CutSuffix(s.date, zone)
		if t, err := time.Parse("Mon, 02 Jan 2006 15:04:05", day); ok && err == nil && t.Nanosecond() == 0 {
			s.Time, s.stamp = t, t.Format(basicFormat)
		}
	}
}

func (s *Signature) requireHeaderParts(header, regionSet string) error {
	if s.credential != "" && s.signature != "" && s.SignedHeaders != "" && s.date != "" &&
		(s.Algorithm == HMAC || regionSet != "") {
		return nil
	}
	var b strings.Builder
	for _, p := range []struct{ value, name string }{
		{s.credential, "Credential"}, {s.signature, "Signature"}, {s.SignedHeaders, "SignedHeaders"},
	} {
		if p.value == "" {
			b.WriteString("Authorization header requires '" + p.name + "' parameter. ")
		}
	}
	if s.date == "" {
		b.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	if s.Algorithm == ECDSA && regionSet == "" {
		b.WriteString("Authorization header requires existence of a 'X-Amz-Region-Set' header. ")
	}
	return incomplete(b.String() + "(Hashed with SHA-256 and encoded with Base64) Authorization=" + digest(header))
}

func parseQuery(req *Request, q *query) (*Signature, error) {
	s := &Signature{
		req: req, Presigned: true,
		Algorithm:     Algorithm(q[queryAlgorithm].value),
		SignedHeaders: q[querySignedHeaders].value,
		SessionToken:  q[queryToken].value,
		signature:     q[querySignature].value,
		credential:    q[queryCredential].value,
		date:          q[queryDate].value,
		expires:       q[queryExpires].value,
		payload:       q[queryPayload].value,
	}
	if s.Algorithm != HMAC && s.Algorithm != ECDSA {
		return nil, ErrMissing
	}
	if s.payload == "" {
		s.payload = req.joined("x-amz-content-sha256")
	}
	var missing string
	for _, p := range []queryName{queryCredential, querySignature, querySignedHeaders, queryDate, queryRegionSet} {
		if q[p].value == "" && (p != queryRegionSet || s.Algorithm == ECDSA) {
			missing += "AWS query-string parameters must include '" + queryNames[p] + "'. "
		}
	}
	if missing != "" {
		return nil, incomplete(missing + "Re-examine the query-string parameters.")
	}
	s.Time, s.stamp = parseBasic(s.date)
	return s, s.finish(q[queryRegionSet].value)
}

// finish judges the grammar of the signed headers and takes the credential apart.
func (s *Signature) finish(regionSet string) error {
	if !validSignedHeaders(s.SignedHeaders) {
		return incomplete("SignedHeaders must be lower-case header names, at most 64, sorted, each once, " +
			"separated by semicolons.")
	}
	fields := [...]*string{&s.AccessKeyID, &s.Date, &s.Region, &s.Service, &s.Terminator}
	rest, more := s.credential, true
	for i, field := range fields {
		if i == 2 && s.Algorithm == ECDSA {
			s.Region = regionSet
			continue
		}
		if !more {
			return nil
		}
		*field, rest, more = strings.Cut(rest, "/")
	}
	s.complete = !more
	return nil
}

// Signs reports whether the header with this lower-case name is among the signed ones.
func (s *Signature) Signs(name string) bool {
	for signed := range strings.SplitSeq(s.SignedHeaders, ";") {
		if signed == name {
			return true
		}
	}
	return false
}

// signsHeader is Signs for a name as the header map has it. Names of the same length fold only within ASCII.
func (s *Signature) signsHeader(name string) bool {
	for signed := range strings.SplitSeq(s.SignedHeaders, ";") {
		if len(signed) == len(name) && strings.EqualFold(signed, name) {
			return true
		}
	}
	return false
}

// validSignedHeaders demands lower-case tokens in strictly ascending order (advisory 7): one spelling for each set.
func validSignedHeaders(list string) bool {
	previous, count := "", 0
	for name := range strings.SplitSeq(list, ";") {
		if count++; count > maxSignedHeaders || name <= previous || !lowerToken(name) {
			return false
		}
		previous = name
	}
	return true
}

func lowerToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte("-_.!#$%&'*+^`|~", c) < 0 {
			return false
		}
	}
	return true
}

// parseBasic reads exactly YYYYMMDDTHHMMSSZ; the string is empty when s is anything else.
func parseBasic(s string) (time.Time, string) {
	if len(s) != len(basicFormat) || s[8] != 'T' || s[15] != 'Z' {
		return time.Time{}, ""
	}
	// The extended form is what package time reads without interpreting a layout.
	extended := [...]byte{
		s[0], s[1], s[2], s[3], '-', s[4], s[5], '-', s[6], s[7],
		'T', s[9], s[10], ':', s[11], s[12], ':', s[13], s[14], 'Z',
	}
	t, err := time.Parse(time.RFC3339, string(extended[:]))
	if err != nil {
		return time.Time{}, ""
	}
	return t, s
}
