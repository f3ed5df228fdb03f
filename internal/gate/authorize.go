package gate

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// AuthorizeInput is a [gateapi.AuthorizeInput].
type AuthorizeInput gateapi.AuthorizeInput

// Audited is what the audit log is told: no header, no query, and no tag or condition key, which may be anything.
func (in *AuthorizeInput) Audited() any {
	return askedOf{
		Method: in.Request.Method, Path: pathOf(&in.Request), Region: ifName(in.Region), Service: ifName(in.Service),
		Action: in.Action, Resource: in.Resource,
	}.bounded()
}

// AuthorizeOutput is a [gateapi.AuthorizeOutput]. Reason is why a caller was refused, for the audit log.
type AuthorizeOutput struct {
	gateapi.AuthorizeOutput
	Reason string `json:"-"`
}

// Audited is what the audit log is told.
func (o *AuthorizeOutput) Audited() any { return outcome(o.Refusal, o.Caller, &o.Allowed) }

// AuditReason is why the caller was refused.
func (o *AuthorizeOutput) AuditReason() string { return o.Reason }

// Authorize says whether the caller of a request may do something to a resource of the relying service. It needs stint:Authorize on
// the service of the region.
func (s *Service) Authorize(_ context.Context, v *directory.View, req *identity.Request, in *AuthorizeInput) (*AuthorizeOutput, error) {
	if err := checkScope(in.Region, in.Service); err != nil {
		return nil, err
	}
	if err := s.may(v, req, "Authorize", in.Region, in.Service); err != nil {
		return nil, err
	}
	query, source, err := queryOf(in, req)
	if err != nil {
		return nil, err
	}
	out := new(AuthorizeOutput)
	who, err := s.authenticate(v, req, &in.Request, in.Region, in.Service)
	if err != nil {
		return nil, err
	}
	if out.Refusal, out.Reason = who.refusal, who.reason; out.Refusal != nil {
		return out, nil
	}
	if err := uncarried(in.Context, &who.Caller); err != nil {
		return nil, err
	}
	b := s.Authorizer.Bearing(v, &who.Caller, req.Caller.Account)
	out.Caller, out.SignedBody = describe(&who.Caller, &b), who.Body
	decision := s.Authorizer.Authorize(v, &identity.Request{
		ID: req.ID, Caller: who.Caller, Action: in.Action, Time: req.Time, Region: in.Region,
		SourceIP: source, UserAgent: who.userAgent, SecureTransport: in.SecureTransport,
	}, query)
	if decision.Allowed() {
		out.Allowed = true
		return out, nil
	}
	out.Message = decision.Fault().Message
	if out.EncodedMessage, err = s.EncodeDenial(v, &who.Caller, decision); err != nil {
		return nil, fmt.Errorf("sealing the explanation of a denial: %w", err)
	}
	return out, nil
}

// Limits of what a relying service says of a request.
const (
	maxResource = 2048
	maxPolicy   = 100 << 10
	maxTags     = 50
	maxKeys     = 100
	maxValues   = 256
	maxKeyText  = 4096
)

func queryOf(in *AuthorizeInput, req *identity.Request) (q authz.Query, source netip.Addr, err error) {
	prefix, operation, ok := strings.Cut(in.Action, ":")
	if !ok || !name(strings.ToLower(prefix)) || !alphanumeric(operation) {
		return q, source, validation("action must be service:Operation")
	}
	if ours(prefix) {
		return q, source, validation("action must be one of the relying service")
	}
	if len(in.Resource) > maxResource || in.Resource != "*" && !isARN(in.Resource) {
		return q, source, validation("resource must be an ARN, or * for an action that has no resource")
	}
	q = authz.Query{Action: in.Action, Resource: in.Resource, ResourceAccount: req.Caller.Account}
	if in.ResourceAccount != "" {
		if q.ResourceAccount, err = arn.ParseAccountID(in.ResourceAccount); err != nil {
			return q, source, validation("resourceAccount must be an account id of 12 digits").Because(err)
		}
	}
	if in.SourceIP != "" {
		if source, err = netip.ParseAddr(in.SourceIP); err != nil || source.Zone() != "" {
			return q, source, validation("sourceIp must be an IP address")
		}
		source = source.Unmap()
	}
	if q.ResourcePolicy, err = resourcePolicy(in.ResourcePolicy); err != nil {
		return q, source, err
	}
	if q.RequestTags, err = tagsOf("requestTags", in.RequestTags); err != nil {
		return q, source, err
	}
	if q.ResourceTags, err = tagsOf("resourceTags", in.ResourceTags); err != nil {
		return q, source, err
	}
	q.Keys, err = contextOf(in.Context)
	return q, source, err
}

func alphanumeric(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// isARN reports whether a text is an ARN: six parts, without a control character. What is in the last one is the service's matter.
func isARN(s string) bool {
	return strings.HasPrefix(s, "arn:") && strings.Count(s, ":") >= 5 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func resourcePolicy(text string) (*policy.Policy, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) > maxPolicy {
		return nil, validation("resourcePolicy is too long")
	}
	p, err := policy.New(text, policy.Resource)
	if err != nil {
		return nil, validation("resourcePolicy is no policy of a resource: " + err.Error()).Because(err)
	}
	return p, nil
}

func tagsOf(member string, given []gateapi.Tag) ([]directory.Tag, error) {
	if len(given) > maxTags {
		return nil, validation(member + " has too many tags")
	}
	var tags []directory.Tag
	for _, t := range given {
		if _, twice := directory.TagValue(tags, t.Key); twice || t.Key == "" || len(t.Key)+len(t.Value) > maxKeyText {
			return nil, validation(member + " has a tag twice, without a key or too long")
		}
		tags = append(tags, directory.Tag{Key: t.Key, Value: t.Value})
	}
	return tags, nil
}

// contextOf reads the condition keys that a relying service adds. What says who the caller is comes from the caller's credentials
// alone.
func contextOf(given []gateapi.Key) ([]authz.Key, error) {
	if len(given) > maxKeys {
		return nil, validation("context has too many keys")
	}
	seen := make(map[string]bool, len(given))
	var keys []authz.Key
	for _, k := range given {
		switch {
		case len(k.Key) > maxKeyText || k.Key != strings.ToLower(k.Key) || !strings.Contains(k.Key, ":"):
			return nil, validation("context: a key is service:name in lower case")
		case authz.OfCaller(k.Key):
			return nil, validation("context: " + k.Key + " cannot be given: it says who the caller is, or has a place of its own")
		case seen[k.Key]:
			return nil, validation("context: " + k.Key + " is there twice")
		case !k.Multi && len(k.Values) != 1 || len(k.Values) > maxValues:
			return nil, validation("context: " + k.Key + " must have one value, or be multi")
		}
		seen[k.Key] = true
		for _, value := range k.Values {
			if len(value) > maxKeyText {
				return nil, validation("context: a value of " + k.Key + " is too long")
			}
		}
		if k.Multi {
			keys = append(keys, authz.Key{Name: k.Key, Value: policy.Many(k.Values)})
		} else {
			keys = append(keys, authz.Key{Name: k.Key, Value: policy.One(k.Values[0])})
		}
	}
	return keys, nil
}

// uncarried refuses condition keys that the caller's session brings.
func uncarried(given []gateapi.Key, c *identity.Caller) error {
	if c.Session == nil {
		return nil
	}
	for _, k := range given {
		for i := range c.Session.Attributes {
			if c.Session.Attributes[i].Key == k.Key {
				return validation("context: " + k.Key + " cannot be given: the caller's session says it")
			}
		}
	}
	return nil
}
