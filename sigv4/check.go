package sigv4

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DefaultSkew is how far the clocks of caller and service may be apart, and how long a signature is good for.
const DefaultSkew = 15 * time.Minute

// MaxExpires is the greatest X-Amz-Expires, one week.
const MaxExpires = 7 * 24 * time.Hour

// Options is what a service demands of a signature. The zero value with a Service and the time is the strictest there
// is, but for the expiry of presigned requests and the region.
type Options struct {
	// Now is the service's clock.
	Now time.Time
	// Skew is DefaultSkew if zero. Past it a signature is old, or not yet current.
	Skew time.Duration
	// Service is the one that the scope must name.
	Service string
	// Regions are those that the scope may name; none means any. An ECDSA region set must match one of them.
	Regions []string
	// Path is how the service reads paths.
	Path PathStyle
	// EnforceExpires makes presigned requests good for the X-Amz-Expires seconds that they state, 1 to 604800. Without
	// it they are good for Skew, whatever they state, as AWS STS has it.
	EnforceExpires bool
	// AllowUnsignedPayload accepts UNSIGNED-PAYLOAD in a signed X-Amz-Content-Sha256, and in presigned requests, which
	// then leave the body unsigned unless they say otherwise (S3).
	AllowUnsignedPayload bool
	// AllowStreaming accepts the STREAMING-… forms in X-Amz-Content-Sha256 (S3). The signature then says nothing of the body: whoever
	// allows them must take the body apart by the form that [Signature.Payload] names, and verify what it signs.
	AllowStreaming bool
	// RequireContentType refuses a Content-Type that is not signed. It is not the rule, because curl does not sign the
	// Content-Type that it adds by itself; set it where the Content-Type decides how a body is read.
	RequireContentType bool
	// TokenAfterSigning is for the services, AWS IoT is one, whose session token is added after signing: it may then be
	// an unsigned header, and in the query string is not covered.
	TokenAfterSigning bool
	// RefusePresignedPOST refuses POST requests signed in the query string, as AWS STS does.
	RefusePresignedPOST bool
}

// Check judges all that needs no key: that Host is signed, the date, the shape of the credential, its scope, in AWS's
// order (docs/wire-compatibility.md §4, 8 to 13). Verify refuses a Signature that has not passed it.
func (s *Signature) Check(o Options) error {
	s.checked = false
	if o.Skew == 0 {
		o.Skew = DefaultSkew
	}
	if !s.Signs("host") {
		return &Error{Code: CodeSignatureDoesNotMatch,
			Message: "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."}
	}
	if s.stamp == "" {
		return incomplete("Date must be in ISO-8601 'basic format'. Got '" + echo(s.date) +
			"'. See http://en.wikipedia.org/wiki/ISO_8601")
	}
	if err := s.checkTime(&o); err != nil {
		return err
	}
	if !s.complete {
		elements, example := "5", "keyid/date/region/service/term"
		if s.Algorithm == ECDSA {
			elements, example = "4", "keyid/date/service/term"
		}
		return incomplete("Credential must have exactly " + elements + " slash-delimited elements, e.g. " + example +
			", got '" + echo(s.credential) + "'")
	}
	if faults := s.scopeFaults(&o); faults != "" {
		return &Error{Code: CodeSignatureDoesNotMatch, Message: faults}
	}
	s.options, s.checked = o, true
	s.refusal = s.findRefusal()
	return nil
}

func (s *Signature) checkTime(o *Options) error {
	now := o.Now.UTC().Truncate(time.Second)
	oldest, newest := now.Add(-o.Skew), now.Add(o.Skew)
	minutes := strconv.Itoa(int(o.Skew / time.Minute))
	if s.Time.After(newest) {
		return &Error{Code: CodeSignatureDoesNotMatch, Message: "Signature not yet current: " + s.stamp +
			" is still later than " + newest.Format(basicFormat) +
			" (" + now.Format(basicFormat) + " + " + minutes + " min.)"}
	}
	if s.Presigned && o.EnforceExpires {
		return s.checkExpires(now)
	}
	if s.Time.Before(oldest) {
		return &Error{Code: CodeSignatureDoesNotMatch, Message: "Signature expired: " + s.stamp +
			" is now earlier than " + oldest.Format(basicFormat) +
			" (" + now.Format(basicFormat) + " - " + minutes + " min.)"}
	}
	return nil
}

func (s *Signature) checkExpires(now time.Time) error {
	seconds, err := strconv.ParseUint(s.expires, 10, 32)
	if err != nil || seconds < 1 || time.Duration(seconds)*time.Second > MaxExpires {
		return incomplete("X-Amz-Expires must be a number of seconds from 1 to 604800.")
	}
	if end := s.Time.Add(time.Duration(seconds) * time.Second); now.After(end) {
		return &Error{Code: CodeSignatureDoesNotMatch, Message: "Signature expired: " + end.Format(basicFormat) +
			" is now earlier than " + now.Format(basicFormat) + " (" + s.stamp + " + " + s.expires + " sec.)"}
	}
	return nil
}

func (s *Signature) scopeFaults(o *Options) string {
	var faults string
	if !s.regionAllowed(o.Regions) {
		faults = "Credential should be scoped to a valid region. "
	}
	if s.Service == "" || s.Service != o.Service {
		faults += "Credential should be scoped to correct service: '" + o.Service + "'. "
	}
	if s.Terminator != terminator {
		faults += "Credential should be scoped with a valid terminator: '" + terminator + "', not '" +
			echo(s.Terminator) + "'. "
	}
	if day := s.stamp[:8]; s.Date != day {
		faults += "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" +
			echo(s.Date) + "' != '" + day + "', from '" + s.stamp + "'. "
	}
	return faults
}

func (s *Signature) regionAllowed(regions []string) bool {
	if s.Region == "" {
		return false
	}
	if s.Algorithm == HMAC {
		return len(regions) == 0 || slices.Contains(regions, s.Region)
	}
	for pattern := range strings.SplitSeq(s.Region, ",") {
		pattern = strings.Trim(pattern, " ")
		if pattern != "" && (len(regions) == 0 ||
			slices.ContainsFunc(regions, func(r string) bool { return matchRegion(pattern, r) })) {
			return true
		}
	}
	return false
}

// matchRegion matches one element of a region set, in which * stands for any characters.
func matchRegion(pattern, region string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == region
	}
	region, ok := strings.CutPrefix(region, first)
	if !ok {
		return false
	}
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(region, part)
		}
		i := strings.Index(region, part)
		if i < 0 {
			return false
		}
		region, rest = region[i+len(part):], next
	}
}

// findRefusal applies the rules that are this package's own. They do not fail in Check, so that an unknown access key is
// still reported first, as AWS does.
func (s *Signature) findRefusal() string {
	o := &s.options
	// Advisory 5: a header that the service may act on, added after signing.
	for name := range s.req.Header {
		if !amzHeader(name) && (!o.RequireContentType || name != "Content-Type") {
			continue
		}
		if o.TokenAfterSigning && strings.EqualFold(name, queryNames[queryToken]) {
			continue
		}
		if !s.signsHeader(name) {
			return "header " + echo(lowerASCII(name)) + " is not signed"
		}
	}
	if s.Presigned && o.RefusePresignedPOST && s.req.Method == http.MethodPost {
		return "POST signed in the query string"
	}
	return ""
}
