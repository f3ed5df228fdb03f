package audit

import (
	"crypto/sha256"
	"hash"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/identity"
)

// Event is one request and its outcome.
type Event struct {
	// ID is the event's own id, a UUID.
	ID string
	// Request says who, when, from where. It must not be nil.
	Request *identity.Request
	// Service is the event source, such as sts.amazonaws.com; Operation the name of the operation, such as AssumeRole.
	Service, Operation string
	// ReadOnly is set for operations that change nothing. Issues is set for what gives out credentials.
	ReadOnly, Issues bool
	// IssuerARN is the role of a role session or the user of a federated one; empty for all others.
	IssuerARN string
	// RequestParameters and ResponseElements are JSON objects without secrets, or nil. An object that is not well-formed or
	// longer than 100 KiB is left out, with its length and digest in its place.
	RequestParameters, ResponseElements []byte
	// PolicyWarnings are what the linter says of a policy that was stored; those after the first twenty are left out.
	PolicyWarnings []string
	// Resources are what the request was about; those after the first twenty are left out.
	Resources []Resource
	// ErrorCode and ErrorMessage are what the caller was told; empty if it succeeded.
	ErrorCode, ErrorMessage string
	// Reason is why the caller was not believed, where the caller is told less: a rule that failed, never what was sent to
	// prove an identity nor what would have been right. Empty for all but refused authentication and refused tokens.
	Reason string
	// Uncertain is set for a refusal of something that may have been changed nevertheless: the server failed on the way.
	Uncertain bool
	// Recipient is the account in whose trail the event belongs; the caller's unless set.
	Recipient arn.AccountID
}

// Resource is what a request was about, such as the role of an AssumeRole.
type Resource struct {
	ARN     string
	Account arn.AccountID
	Type    string // such as AWS::IAM::Role
}

// urgent reports whether the line must be written before the answer: that of whatever was issued or changed. A refusal is
// not waited for, so that who has no credentials cannot make the disk work.
func (e *Event) urgent() bool {
	return e.Uncertain || e.ErrorCode == "" && (e.Issues || !e.ReadOnly)
}

// deferrable reports whether the line may be built when it is written: nobody waits for it, its length is known well enough,
// and nothing in it holds on to a request's memory. Many lines built one after the other cost a fraction of what each costs between other work.
func (e *Event) deferrable() bool {
	return !e.urgent() && e.ErrorCode == "" && e.Reason == "" &&
		len(e.RequestParameters)+len(e.ResponseElements)+len(e.PolicyWarnings)+len(e.Resources) == 0 &&
		e.Request.Caller.Session == nil && len(e.Request.UserAgent) <= usualLine/2 // so that usualLine is what it comes to
}

const (
	// lineOpen begins every line.
	lineOpen = `{"eventVersion":"1.11"`
	// maxLine is more than the limits of the parts allow for; Open and Verify refuse longer lines.
	maxLine      = 1 << 20
	maxText      = 2048 // bytes of a text, before escaping
	maxObject    = 100 << 10
	maxResources = 20
	maxWarnings  = 20
	timeFormat   = time.RFC3339 // of times in UTC: with a Z
)

// record is an event's line without its place in the chain.
type record struct {
	line []byte            // empty while the event is kept in place of it
	hash hash.Hash         // of line
	sum  [sha256.Size]byte // room for the result
	// event is what the line is built from when it is written; request is the copy that it refers to.
	event   Event
	request identity.Request
	// The following belong to whoever holds Log.flushing, once the record is queued.
	waiting bool // somebody waits for it; else it is kept until it is written
	done    bool
	err     error
}

func newRecord() any { return &record{line: make([]byte, 0, 2048), hash: sha256.New()} }

func (r *record) reset() { r.line, r.waiting, r.done, r.err = r.line[:0], false, false, nil }

// usualLine is about how long a line is whose event is kept, in bytes.
const usualLine = 1024

func (r *record) size() int { return max(len(r.line), usualLine) }

// keep puts off building the line.
func (r *record) keep(e *Event) {
	r.event, r.request = *e, *e.Request
	r.event.Request = &r.request
}

// finish builds the line if that was put off.
func (r *record) finish() {
	if len(r.line) == 0 {
		r.build(&r.event)
		r.event, r.request = Event{}, identity.Request{}
	}
}

// rehash makes the hash that of the line again.
func (r *record) rehash() {
	r.hash.Reset()
	r.hash.Write(r.line)
}

// build writes the event in the order of CloudTrail's own records.
func (r *record) build(e *Event) {
	q := e.Request
	b := append(r.line[:0], lineOpen+`,"userIdentity":`...)
	b = appendIdentity(b, &q.Caller, e.IssuerARN)
	b = append(b, `,"eventTime":"`...)
	b = q.Time.UTC().AppendFormat(b, timeFormat)
	b = append(b, '"')
	b = appendField(b, "eventSource", e.Service)
	b = appendField(b, "eventName", e.Operation)
	b = appendField(b, "awsRegion", q.Region)
	b = append(b, `,"sourceIPAddress":"`...)
	if q.SourceIP.IsValid() {
		b = q.SourceIP.WithZone("").AppendTo(b) // a zone is a name that the operating system chose
	}
	b = append(b, '"')
	b = appendField(b, "userAgent", q.UserAgent)
	if e.ErrorCode != "" {
		b = appendField(b, "errorCode", e.ErrorCode)
		b = appendField(b, "errorMessage", e.ErrorMessage)
	}
	b = appendObject(append(b, `,"requestParameters":`...), e.RequestParameters)
	b = appendObject(append(b, `,"responseElements":`...), e.ResponseElements)
	b = appendWarnings(b, e.PolicyWarnings)
	b = appendField(b, "requestID", q.ID)
	b = appendField(b, "eventID", e.ID)
	b = append(b, `,"readOnly":`...)
	b = strconv.AppendBool(b, e.ReadOnly)
	b = appendResources(b, e.Resources)
	b = append(b, `,"eventType":"AwsApiCall","managementEvent":true`...)
	b = appendField(b, "recipientAccountId", string(recipient(e)))
	b = append(b, `,"eventCategory":"Management","stint":{`...)
	if e.Reason != "" {
		b = appendText(append(b, `"reason":`...), e.Reason)
		b = append(b, ',')
	}
	r.line = appendSession(b, q.Caller.Session)
	r.rehash()
}

func recipient(e *Event) arn.AccountID {
	if e.Recipient != "" {
		return e.Recipient
	}
	return e.Request.Caller.Account
}

// appendIdentity writes userIdentity ([CloudTrail UG, userIdentity element]).
func appendIdentity(b []byte, c *identity.Caller, issuerARN string) []byte {
	if c.Kind == identity.Anonymous {
		b = append(b, `{"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL"`...)
		if c.AccessKeyID != "" {
			b = appendField(b, "accessKeyId", c.AccessKeyID)
		}
		return append(b, '}')
	}
	b = append(b, `{"type":"`...)
	b = append(b, c.Kind.String()...)
	b = append(b, '"')
	b = appendField(b, "principalId", c.UserID)
	if f := c.Federation; f != nil {
		return append(appendField(appendField(b, "userName", f.Subject), "identityProvider", f.Provider), '}')
	}
	b = appendField(b, "arn", c.ARN)
	b = appendField(b, "accountId", string(c.Account))
	b = appendField(b, "accessKeyId", c.AccessKeyID)
	if c.Kind == identity.User {
		b = appendField(b, "userName", lastPart(c.ARN))
	}
	if c.Session != nil {
		b = appendSessionContext(b, c, issuerARN)
	}
	return append(b, '}')
}

func appendSessionContext(b []byte, c *identity.Caller, issuerARN string) []byte {
	b = append(b, `,"sessionContext":{`...)
	if issuerARN != "" {
		b = append(b, `"sessionIssuer":{"type":"`...)
		b = append(b, issuerType(c)...)
		b = append(b, '"')
		b = appendField(b, "principalId", c.PrincipalID)
		b = appendField(b, "arn", issuerARN)
		b = appendField(b, "accountId", string(c.Account))
		b = appendField(b, "userName", lastPart(issuerARN))
		b = append(b, `},`...)
	}
	b = appendFederation(b, c.Session)
	b = append(b, `"attributes":{"creationDate":"`...)
	b = c.Session.Issued.UTC().AppendFormat(b, timeFormat)
	b = append(b, `","mfaAuthenticated":"`...)
	b = strconv.AppendBool(b, !c.Session.MFATime.IsZero())
	b = append(b, `"}`...)
	if c.Session.Kind == identity.AssumedRootSession {
		b = appendField(b, "assumedRoot", "true")
	}
	if c.Session.SourceIdentity != "" {
		b = appendField(b, "sourceIdentity", c.Session.SourceIdentity)
	}
	return append(b, '}')
}

// appendFederation writes the provider of a session that began with a web identity.
func appendFederation(b []byte, s *identity.Session) []byte {
	for i := range s.Attributes {
		a := &s.Attributes[i]
		if a.Key == "aws:federatedprovider" && len(a.Values) == 1 && !strings.Contains(a.Values[0], ":saml-provider/") {
			b = append(b, `"webIdFederationData":{"federatedProvider":`...)
			return append(appendText(b, a.Values[0]), `,"attributes":{}},`...)
		}
	}
	return b
}

func issuerType(c *identity.Caller) string {
	switch {
	case c.Kind == identity.AssumedRole:
		return "Role"
	case c.PrincipalID == string(c.Account):
		return "Root"
	default:
		return "IAMUser"
	}
}

// lastPart returns the name at the end of an ARN.
func lastPart(s string) string { return s[strings.LastIndexAny(s, "/:")+1:] }

// appendWarnings writes additionalEventData, where CloudTrail has what no other field is for.
func appendWarnings(b []byte, warnings []string) []byte {
	if len(warnings) == 0 {
		return b
	}
	b = append(b, `,"additionalEventData":{"policyWarnings":[`...)
	for i, w := range warnings[:min(len(warnings), maxWarnings)] {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, w)
	}
	return append(b, `]}`...)
}

func appendResources(b []byte, resources []Resource) []byte {
	if len(resources) == 0 {
		return b
	}
	b = append(b, `,"resources":[`...)
	for i, r := range resources[:min(len(resources), maxResources)] {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"ARN":`...), r.ARN)
		b = appendField(b, "accountId", string(r.Account))
		b = appendField(b, "type", r.Type)
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendSession writes Stint's own part of the line, which CloudTrail has no place for: the tags that the caller's session
// carries and whether it was begun by another session.
func appendSession(b []byte, s *identity.Session) []byte {
	if s == nil {
		return b
	}
	b = append(b, `"sessionName":`...)
	b = appendText(b, s.Name)
	b = append(b, `,"chained":`...)
	b = strconv.AppendBool(b, s.Chained)
	b = append(b, `,"sessionTags":[`...)
	for i, t := range s.Tags {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"key":`...), t.Key)
		b = appendField(b, "value", t.Value)
		b = append(b, `,"transitive":`...)
		b = append(strconv.AppendBool(b, t.Transitive), '}')
	}
	return append(b, `],`...)
}

// buildRecovery writes the line that says what Open cut off.
func (r *record) buildRecovery(now time.Time, torn []byte) {
	b := append(r.line[:0], lineOpen+`,"eventTime":"`...)
	b = now.UTC().AppendFormat(b, timeFormat)
	b = append(b, `","eventSource":"stint","eventName":"RecoverAuditLog","eventType":"AwsServiceEvent","stint":{"recovery":`...)
	b = appendOmitted(b, torn)
	r.line = append(b, ',')
	r.rehash()
}
