package relying

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/policy"
)

// Decision is whether a caller may.
type Decision struct {
	Allowed bool
	policy.Decision
	// Message is AWS's sentence for a denial.
	Message string

	evaluation *evaluation
}

// Trace evaluates again and says what every statement of every policy came to. It is for the log: it tells what policies say.
func (d *Decision) Trace() policy.Trace {
	if d.evaluation == nil {
		return policy.Trace{}
	}
	return policy.Explain(&d.evaluation.set, &d.evaluation.subject)
}

// Authorize decides by the policies in force. A denial is a Decision; an error means that there is none, and is of type [*Error].
func (v *Verifier) Authorize(ctx context.Context, c Caller, r Request) (Decision, error) {
	if c.entry == nil {
		return Decision{}, denied("the caller was not authenticated by this package")
	}
	now := v.config.Now()
	e, err := v.refresh(ctx, c.entry, now)
	if err != nil {
		return Decision{}, err
	}
	if err := unexpired(e, now); err != nil {
		return Decision{}, err
	}
	if err := v.checkRequest(e, &r); err != nil {
		return Decision{}, err
	}
	x := &evaluation{verifier: v, entry: e, request: r, now: now, set: e.set}
	x.subject = policy.Request{Principal: e.principal, Action: r.Action, Resource: r.Resource, ResourceAccount: r.ResourceAccount, Context: x}
	if r.ResourcePolicy != nil {
		x.set.Resource = []policy.Attached{{Name: "resource-policy", Policy: r.ResourcePolicy}}
	}
	x.set.ResourceRequired, x.set.Trust = policy.ResourcePolicyRequired(r.Action, r.Resource)
	d := Decision{Decision: policy.Evaluate(&x.set, &x.subject), evaluation: x}
	if d.Allowed = d.Decision.Allowed(); !d.Allowed {
		d.Message = x.sentence() + d.Reason(r.Action)
	}
	return d, nil
}

func (v *Verifier) checkRequest(e *entry, r *Request) error {
	if r.ResourceAccount == "" {
		r.ResourceAccount = e.serviceAccount
	}
	prefix, _, ok := strings.Cut(r.Action, ":")
	switch {
	case !ok || r.Resource == "":
		return denied("a request for a permission without an action or a resource")
	case ofStint(prefix):
		return denied("a permission of Stint's own")
	case r.ResourceAccount != e.serviceAccount && !v.config.OtherAccounts:
		return denied("the resource is of another account, whose resource control policies are not known")
	}
	return nil
}

func ofStint(prefix string) bool {
	switch strings.ToLower(prefix) {
	case "sts", "iam", "organizations", "stint", "signin":
		return true
	}
	return false
}

// sentence is AWS's (IAM UG, access denied error messages).
func (x *evaluation) sentence() string {
	s := "User: " + x.entry.caller.Principal.ARN + " is not authorized to perform: " + x.request.Action
	if x.request.Resource != "*" {
		s += " on resource: " + x.request.Resource
	}
	return s + " "
}

// evaluation answers for the condition keys of one decision, as Stint itself does.
type evaluation struct {
	verifier *Verifier
	entry    *entry
	request  Request
	now      time.Time
	set      policy.Set
	subject  policy.Request
}

// Lookup answers for a key in lower case. What speaks of the caller comes from Stint alone; the service's own context is asked last, and
// for nothing that has a place of its own.
func (x *evaluation) Lookup(key string) (policy.Value, bool) {
	if value, ok := x.entry.keys[key]; ok {
		return value, true
	}
	r := &x.request
	if prefix, tag, ok := strings.Cut(key, "/"); ok {
		switch prefix {
		case "aws:principaltag":
			return tagValue(x.entry.caller.Tags, tag)
		case "aws:requesttag":
			return tagValue(r.RequestTags, tag)
		case "aws:resourcetag":
			return tagValue(r.ResourceTags, tag)
		}
	}
	if value, ok := x.ofRequest(key); ok {
		return value, true
	}
	if r.Context == nil || ofCaller(key) {
		return policy.Value{}, false
	}
	return r.Context.Lookup(key)
}

func (x *evaluation) ofRequest(key string) (policy.Value, bool) {
	r := &x.request
	switch key {
	case "aws:currenttime":
		return policy.One(x.now.UTC().Format(time.RFC3339)), true
	case "aws:epochtime":
		return policy.One(strconv.FormatInt(x.now.Unix(), 10)), true
	case "aws:sourceip":
		if !r.SourceIP.IsValid() {
			return policy.Value{}, false
		}
		return policy.One(r.SourceIP.Unmap().WithZone("").String()), true
	case "aws:useragent":
		return policy.One(r.UserAgent), r.UserAgent != ""
	case "aws:securetransport":
		return policy.One(strconv.FormatBool(r.SecureTransport)), true
	case "aws:requestedregion":
		return policy.One(x.verifier.config.Region), true
	case "aws:multifactorauthage":
		if x.entry.caller.MFATime.IsZero() {
			return policy.Value{}, false
		}
		return policy.One(strconv.FormatInt(int64(x.now.Sub(x.entry.caller.MFATime)/time.Second), 10)), true
	case "aws:tagkeys":
		if len(r.RequestTags) == 0 {
			return policy.Value{}, false
		}
		keys := make([]string, len(r.RequestTags))
		for i, t := range r.RequestTags {
			keys[i] = t.Key
		}
		return policy.Many(keys), true
	case "aws:resourceaccount":
		return policy.One(r.ResourceAccount), r.ResourceAccount != ""
	case "aws:resourceorgid", "aws:resourceorgpaths":
		if r.ResourceAccount != x.entry.serviceAccount {
			return policy.Value{}, false
		}
		value, ok := x.entry.serviceKeys[key]
		return value, ok
	}
	return policy.Value{}, false
}

func tagValue(tags []Tag, key string) (policy.Value, bool) {
	for i := range tags {
		if strings.EqualFold(tags[i].Key, key) {
			return policy.One(tags[i].Value), true
		}
	}
	return policy.Value{}, false
}

// ofCaller reports whether a condition key says who the caller is, or has a place of its own in Request: the context cannot give
// it. It is the rule of Stint's authorize endpoint.
func ofCaller(key string) bool {
	prefix, name, _ := strings.Cut(key, ":")
	switch prefix {
	case "aws":
		switch name {
		case "referer", "sourcevpc", "sourcevpcarn", "sourcevpce", "vpcsourceip", "vpceaccount", "vpceorgid", "vpceorgpaths",
			"sourcearn", "sourceaccount", "sourceorgid", "sourceorgpaths", "calledvia", "calledviafirst", "calledvialast":
			return false
		}
		return true
	case "sts", "saml", "iam", "organizations", "stint", "":
		return true
	}
	return strings.ContainsAny(prefix, "./") // what an identity provider says has its host in front
}

// asError makes an error one that can be told.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return denied(err.Error())
}
