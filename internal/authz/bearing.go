package authz

import (
	"slices"
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// Bearing is all that bears on whatever a caller asks of another service, apart from what the request and the resource bring: what
// that service needs to decide as [Authorizer.Authorize] would.
type Bearing struct {
	Principal policy.Principal
	// Set has the caller's policies, and the RCPs of the account that owns the resources.
	Set policy.Set
	// Keys are the condition keys that speak of the caller, apart from its tags and aws:MultiFactorAuthAge, which grows.
	Keys []Key
	// Tags are the principal tags, each key once without regard to case.
	Tags []directory.Tag
	// ResourceKeys are the condition keys that speak of the account that owns the resources.
	ResourceKeys []Key
}

// Those of the condition keys that are the same for all requests of a caller, and of all to an account's resources.
var (
	callerKeys = []string{
		"aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:userid", "aws:username", "aws:principalorgid",
		"aws:principalorgpaths", "aws:viaawsservice", "aws:principalisawsservice",
		"aws:tokenissuetime", "aws:sourceidentity", "aws:multifactorauthpresent",
	}
	resourceKeys = []string{"aws:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths"}
)

// Bearing gathers what bears on a caller's requests for resources of an account.
func (a *Authorizer) Bearing(v *directory.View, c *identity.Caller, resources arn.AccountID) Bearing {
	e := &evaluation{view: v, request: &identity.Request{Caller: *c}, query: Query{ResourceAccount: resources}}
	e.subject.Principal = e.principal()
	e.gather(a)
	b := Bearing{Principal: e.subject.Principal, Set: e.set, Tags: e.principalTags(), ResourceKeys: e.lookAll(resourceKeys)}
	names := callerKeys
	if c.Session != nil {
		names = slices.Clone(names)
		for i := range c.Session.Attributes {
			names = append(names, c.Session.Attributes[i].Key)
		}
	}
	b.Keys = e.lookAll(names)
	return b
}

func (e *evaluation) lookAll(names []string) []Key {
	keys := make([]Key, 0, len(names))
	for _, name := range names {
		if v, ok := e.Lookup(name); ok {
			keys = append(keys, Key{name, v})
		}
	}
	return keys
}

// principalTags lists what principalTag answers.
func (e *evaluation) principalTags() []directory.Tag {
	var tags []directory.Tag
	if s := e.request.Caller.Session; s != nil {
		for _, t := range s.Tags {
			tags = append(tags, directory.Tag{Key: t.Key, Value: t.Value})
		}
	}
	own := func(more []directory.Tag) {
		for _, t := range more {
			if !slices.ContainsFunc(tags, func(other directory.Tag) bool { return strings.EqualFold(other.Key, t.Key) }) {
				tags = append(tags, t)
			}
		}
	}
	switch {
	case e.role != nil:
		own(e.role.Tags)
	case e.user != nil:
		own(e.user.Tags)
	}
	return tags
}

// OfCaller reports whether a condition key, in lower case, is one that says who the caller is, or which this package answers for
// itself: no service can give it for one of its requests.
func OfCaller(key string) bool {
	prefix, name, _ := strings.Cut(key, ":")
	switch prefix {
	case "aws":
		return !slices.Contains(ofRequest, name)
	case "sts", "saml", "iam", "organizations", "stint", "":
		return true
	}
	return strings.ContainsAny(prefix, "./") // what an identity provider says has its host in front
}

// ofRequest are the global condition keys that say how a request came, or for whom another service makes it (IAM UG, AWS global
// condition context keys): only the service that received it can tell. aws:SourceIp, aws:SecureTransport and tags have places of
// their own.
var ofRequest = []string{
	"referer", "sourcevpc", "sourcevpcarn", "sourcevpce", "vpcsourceip", "vpceaccount", "vpceorgid", "vpceorgpaths",
	"sourcearn", "sourceaccount", "sourceorgid", "sourceorgpaths", "calledvia", "calledviafirst", "calledvialast",
}
