package saml

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation"
	"github.com/stint-sts/stint/internal/identity"
)

const (
	// redeem is how long after it was issued an assertion is taken.
	redeem = 5 * time.Minute
	// skew is how far the provider's clock may be ahead.
	skew = time.Minute
	// anyAudience is AWS's name in assertions.
	anyAudience = "urn:amazon:webservices"
	bearer      = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	// maxSubject is a NameID's length in bytes. SAML's persistent ones have up to 256 characters.
	maxSubject = 1024
)

var (
	errTime          = errors.New("a time is missing, or is not one in UTC")
	errIssuedLater   = errors.New("the assertion was issued in the future")
	errIssuedEarly   = errors.New("the assertion was issued more than five minutes ago")
	errNoConditions  = errors.New("the assertion has no Conditions")
	errCondition     = errors.New("a condition is not known, or not of its form")
	errNotBefore     = errors.New("the conditions hold only later (NotBefore)")
	errNotOnOrAfter  = errors.New("the conditions hold no more (NotOnOrAfter)")
	errAudience      = errors.New("an AudienceRestriction is missing, or names none of the accepted audiences")
	errDestination   = errors.New("the destination is none of the accepted URLs")
	errNoSubject     = errors.New("the assertion has no subject with one NameID")
	errSubject       = errors.New("the NameID is not a text of 1 to 1,024 bytes without control characters")
	errBearer        = errors.New("there is no confirmation of the subject by bearer")
	errConfirmation  = errors.New("the confirmation has no data with Recipient and NotOnOrAfter")
	errRecipient     = errors.New("the recipient is none of the accepted URLs")
	errConfirmedUp   = errors.New("the confirmation is over (NotOnOrAfter)")
	errConfirmedSoon = errors.New("the confirmation holds only later (NotBefore)")
	errSessionOver   = errors.New("SessionNotOnOrAfter is over or is not a time")
)

// places are the URLs that a response for this server may be made for.
type places struct {
	own    []string
	aws    string // the suffix of AWS's sign-in hosts; empty to leave them out
	unique string // the provider's own path there
}

func (v *Verifier) places(partition arn.Partition, p *directory.SAMLProvider) places {
	out := places{own: v.options.Endpoints, unique: "/saml/acs/" + p.UUID}
	if v.options.OnlyEndpoints {
		return out
	}
	switch partition {
	case "aws-cn":
		out.aws = "signin.amazonaws.cn"
	case "aws-us-gov":
		out.aws = "signin.amazonaws-us-gov.com"
	default:
		out.aws = "signin.aws.amazon.com"
	}
	return out
}

// has reports whether a URL is one of them, character by character. AWS's are its sign-in host, alone or of a region, with the
// path /saml, or the one of a single provider.
func (p places) has(url string) bool {
	if slices.Contains(p.own, url) {
		return true
	}
	rest, ok := strings.CutPrefix(url, "https://")
	host, path, _ := strings.Cut(rest, "/")
	if !ok || p.aws == "" || "/"+path != "/saml" && "/"+path != p.unique {
		return false
	}
	if host == p.aws {
		return true
	}
	region, ok := strings.CutSuffix(host, "."+p.aws)
	return ok && region != "" && strings.Trim(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// checkDestination holds a response to the URL that it says it was sent to.
func checkDestination(r *response, places places) error {
	if destination, given := attribute(r.element, "Destination"); given && !places.has(destination) {
		return invalid(wrongDestination, errDestination)
	}
	return nil
}

// instant reads a time; ok is false if there is none.
func instant(e *etree.Element, name string) (at time.Time, given bool, err error) {
	value, given := attribute(e, name)
	if !given {
		return at, false, nil
	}
	at, err = time.Parse(time.RFC3339, value)
	if err != nil || !strings.HasSuffix(value, "Z") { // SAML core 1.3.3: in UTC
		return at, true, errTime
	}
	return at, true, nil
}

func checkIssueInstant(a *assertion, now time.Time) error {
	issued, given, err := instant(a.element, "IssueInstant")
	switch {
	case err != nil || !given:
		return invalid(notYet, errTime)
	case issued.After(now.Add(skew)):
		return invalid(notYet, errIssuedLater)
	case now.After(issued.Add(redeem)):
		return federation.Refused(identity.ExpiredTokenException, tooLate, errIssuedEarly)
	}
	return nil
}

// checkConditions holds the assertion to its conditions, all of them.
func checkConditions(a *assertion, now time.Time, places places) error {
	if a.conditions == nil {
		return invalid(wrongAudience, errNoConditions)
	}
	if err := within(a.conditions, now, errNotBefore, errNotOnOrAfter); err != nil {
		return err
	}
	conditions, ok := children(a.conditions)
	if !ok {
		return invalid(wrongAudience, errCondition)
	}
	restricted := false
	for _, c := range conditions {
		switch {
		case is(c, assertionSpace, "AudienceRestriction"):
			if !meant(c, places) {
				return invalid(wrongAudience, errAudience)
			}
			restricted = true
		case is(c, assertionSpace, "OneTimeUse"), is(c, assertionSpace, "ProxyRestriction"): // every assertion is used once, and none is passed on
		default:
			return invalid(wrongAudience, errCondition)
		}
	}
	if !restricted {
		return invalid(wrongAudience, errAudience)
	}
	return nil
}

// within checks NotBefore and NotOnOrAfter, where they are.
func within(e *etree.Element, now time.Time, early, late error) error {
	from, given, err := instant(e, "NotBefore")
	if err != nil {
		return invalid(notYet, err)
	}
	if given && now.Add(skew).Before(from) {
		return invalid(notYet, early)
	}
	until, given, err := instant(e, "NotOnOrAfter")
	if err != nil {
		return invalid(expired, err)
	}
	if given && !now.Before(until) {
		return federation.Refused(identity.ExpiredTokenException, expired, late)
	}
	return nil
}

// meant reports whether an AudienceRestriction names this service.
func meant(restriction *etree.Element, places places) bool {
	audiences, ok := children(restriction)
	if !ok {
		return false
	}
	for _, a := range audiences {
		name, ok := text(a)
		name = strings.TrimSpace(name)
		if !ok || !is(a, assertionSpace, "Audience") {
			return false
		}
		if name == anyAudience || places.has(name) {
			return true
		}
	}
	return false
}

// subject is whom an assertion is about.
type subject struct{ name, format, recipient string }

// readSubject reads the NameID and the first confirmation by bearer that holds.
func readSubject(a *assertion, now time.Time, places places) (*subject, error) {
	if a.subject == nil {
		return nil, federation.Refused(identity.AccessDenied, notAuthorized, errNoSubject)
	}
	parts, ok := children(a.subject)
	if !ok || len(parts) == 0 || !is(parts[0], assertionSpace, "NameID") {
		return nil, federation.Refused(identity.AccessDenied, notAuthorized, errNoSubject)
	}
	s := &subject{format: subjectType(parts[0])}
	if s.name, ok = text(parts[0]); !ok || s.name == "" || len(s.name) > maxSubject || strings.ContainsFunc(s.name, control) ||
		len(s.format) > maxSubject || strings.ContainsFunc(s.format, control) {
		return nil, federation.Refused(identity.AccessDenied, notAuthorized, errSubject)
	}
	refusal := error(invalid(noConfirmation, errBearer))
	for _, c := range parts[1:] {
		if !is(c, assertionSpace, "SubjectConfirmation") {
			return nil, federation.Refused(identity.AccessDenied, notAuthorized, errNoSubject)
		}
		if method, _ := attribute(c, "Method"); method != bearer {
			continue
		}
		recipient, err := confirmed(c, now, places)
		if err == nil && s.recipient == "" {
			s.recipient = recipient
		}
		if err != nil && errors.Is(refusal, errBearer) {
			refusal = err
		}
	}
	if s.recipient == "" {
		return nil, refusal
	}
	return s, nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// subjectType is the format as AWS shows it: without the prefix of SAML 2.0, and unspecified if there is none.
func subjectType(nameID *etree.Element) string {
	format, given := attribute(nameID, "Format")
	if !given {
		return "unspecified"
	}
	return strings.TrimPrefix(format, "urn:oasis:names:tc:SAML:2.0:nameid-format:")
}

// confirmed checks one confirmation by bearer and returns its recipient.
func confirmed(c *etree.Element, now time.Time, places places) (string, error) {
	parts, ok := children(c)
	if !ok || len(parts) != 1 || !is(parts[0], assertionSpace, "SubjectConfirmationData") {
		return "", invalid(noConfirmation, errConfirmation)
	}
	recipient, given := attribute(parts[0], "Recipient")
	if _, until := attribute(parts[0], "NotOnOrAfter"); !given || !until {
		return "", invalid(noConfirmation, errConfirmation)
	}
	if !places.has(recipient) {
		return "", invalid(wrongRecipient, errRecipient)
	}
	return recipient, within(parts[0], now, errConfirmedSoon, errConfirmedUp)
}

// sessionEnd is the earliest SessionNotOnOrAfter; zero if there is none.
func sessionEnd(a *assertion) (end time.Time, err error) {
	for _, statement := range a.authn {
		at, given, err := instant(statement, "SessionNotOnOrAfter")
		if err != nil {
			return end, invalid(expired, errSessionOver)
		}
		if given && (end.IsZero() || at.Before(end)) {
			end = at
		}
	}
	return end, nil
}
