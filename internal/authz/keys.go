package authz

import (
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// Lookup answers for a condition key, which arrives in lower case. The keys and when each is there: IAM UG, AWS global
// condition context keys.
func (e *evaluation) Lookup(key string) (policy.Value, bool) {
	for i := range e.query.Keys {
		if e.query.Keys[i].Name == key {
			return e.query.Keys[i].Value, true
		}
	}
	if tag, ok := strings.CutPrefix(key, "aws:principaltag/"); ok {
		return one(e.principalTag(tag))
	}
	if tag, ok := strings.CutPrefix(key, "aws:requesttag/"); ok {
		return one(directory.TagValue(e.query.RequestTags, tag))
	}
	if tag, ok := strings.CutPrefix(key, "aws:resourcetag/"); ok {
		return one(directory.TagValue(e.query.ResourceTags, tag))
	}
	if tag, ok := strings.CutPrefix(key, "iam:resourcetag/"); ok {
		return one(directory.TagValue(e.query.ResourceTags, tag))
	}
	if v, ok := e.requestKey(key); ok {
		return v, true
	}
	if v, ok := e.principalKey(key); ok {
		return v, true
	}
	return e.sessionKey(key)
}

func one(s string, ok bool) (policy.Value, bool) { return policy.One(s), ok }

// requestKey answers for what is true of the request whoever makes it.
func (e *evaluation) requestKey(key string) (policy.Value, bool) {
	r := e.request
	switch key {
	case "aws:currenttime":
		return policy.One(r.Time.UTC().Format(time.RFC3339)), true
	case "aws:epochtime":
		return policy.One(strconv.FormatInt(r.Time.Unix(), 10)), true
	case "aws:sourceip":
		return one(r.SourceIP.String(), r.SourceIP.IsValid())
	case "aws:useragent":
		return one(r.UserAgent, r.UserAgent != "")
	case "aws:securetransport":
		return policy.One(strconv.FormatBool(r.SecureTransport)), true
	case "aws:requestedregion":
		return one(r.Region, r.Region != "")
	case "aws:viaawsservice", "aws:principalisawsservice":
		return policy.One("false"), true
	case "aws:tagkeys":
		if len(e.query.RequestTags) == 0 {
			return policy.Value{}, false
		}
		keys := make([]string, len(e.query.RequestTags))
		for i, t := range e.query.RequestTags {
			keys[i] = t.Key
		}
		return policy.Many(keys), true
	case "aws:resourceaccount":
		account := e.resourceAccount()
		return one(string(account), account != "")
	case "aws:resourceorgid":
		return organization(e.resourceStanding)
	case "aws:resourceorgpaths":
		return organizationPaths(e.resourceStanding)
	}
	return policy.Value{}, false
}

// principalKey answers for what is true of the caller.
func (e *evaluation) principalKey(key string) (policy.Value, bool) {
	c := &e.request.Caller
	switch key {
	case "aws:principalarn":
		if e.role != nil {
			return policy.One(e.role.ARN), true
		}
		return one(c.ARN, c.ARN != "")
	case "aws:principalaccount":
		if c.Kind == identity.Anonymous {
			return policy.One("anonymous"), true
		}
		return policy.One(string(c.Account)), true
	case "aws:principaltype":
		return policy.One(principalType(c.Kind)), true
	case "aws:userid":
		return one(c.UserID, c.UserID != "")
	case "aws:username":
		if c.Kind != identity.User || e.user == nil {
			return policy.Value{}, false
		}
		return policy.One(e.user.Name), true
	case "aws:principalorgid":
		return organization(e.standing)
	case "aws:principalorgpaths":
		return organizationPaths(e.standing)
	}
	return policy.Value{}, false
}

func organization(s *directory.Standing) (policy.Value, bool) {
	if s == nil {
		return policy.Value{}, false
	}
	return policy.One(s.Organization.ID), true
}

func organizationPaths(s *directory.Standing) (policy.Value, bool) {
	if s == nil {
		return policy.Value{}, false
	}
	return policy.Many(s.Paths), true
}

func principalType(k identity.Kind) string {
	switch k {
	case identity.Root:
		return "Account"
	case identity.User:
		return "User"
	case identity.AssumedRole:
		return "AssumedRole"
	case identity.FederatedUser:
		return "FederatedUser"
	default:
		return "Anonymous"
	}
}

// sessionKey answers for what only temporary credentials have.
func (e *evaluation) sessionKey(key string) (policy.Value, bool) {
	s := e.request.Caller.Session
	if s == nil {
		return policy.Value{}, false
	}
	switch key {
	case "aws:tokenissuetime":
		return policy.One(s.Issued.UTC().Format(time.RFC3339)), true
	case "aws:sourceidentity":
		return one(s.SourceIdentity, s.SourceIdentity != "")
	case "aws:multifactorauthpresent":
		// Role and federation sessions say nothing about MFA; it never passes along a chain (advisory 116).
		return one(strconv.FormatBool(!s.MFATime.IsZero()), s.Kind == identity.UserSession || s.Kind == identity.RootSession)
	case "aws:multifactorauthage":
		if s.MFATime.IsZero() {
			return policy.Value{}, false
		}
		return policy.One(strconv.FormatInt(int64(e.request.Time.Sub(s.MFATime)/time.Second), 10)), true
	}
	if e.query.Role != nil {
		// Of a role that is being assumed only the contexts in the request count: its account vouches for those, and the session's
		// may be another account's, or be told beside a provider that never said so.
		return policy.Value{}, false
	}
	for i := range s.Attributes {
		if s.Attributes[i].Key == key {
			return policy.Many(s.Attributes[i].Values), true
		}
	}
	return policy.Value{}, false
}

// principalTag prefers the session's tag to the user's or role's of the same key (IAM UG, session tags).
func (e *evaluation) principalTag(key string) (string, bool) {
	if s := e.request.Caller.Session; s != nil {
		if v, ok := s.Tag(key, strings.EqualFold); ok {
			return v, true
		}
	}
	switch {
	case e.role != nil:
		return directory.TagValue(e.role.Tags, key)
	case e.user != nil:
		return directory.TagValue(e.user.Tags, key)
	}
	return "", false
}
