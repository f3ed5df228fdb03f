package iam

import (
	"fmt"
	"strconv"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// ask is what an operation wants to do to what. Which of it reaches the policies is the operation's row's business.
type ask struct {
	operation string
	// name is that of the user, group or role; the ARN of a managed policy that exists; the serial number of a device.
	name string
	// path is set when the ARN is to be made of path and name: of what is to be created, and, with a prefix and no name, of
	// what is to be listed. Otherwise the ARN is that of the entity with the name; of one that does not exist, under "/".
	path string
	// root is set when the request concerns the account's root.
	root bool
	// resourceTags are those of an entity that the ARN does not lead to.
	resourceTags []directory.Tag

	policyARN string
	policyID  string // of an organization's policy
	boundary  string // in the request
	tags      []directory.Tag
	tagKeys   []string

	delegation        delegationAsk
	linkedService     string // whose service-linked role it is
	credentialService string // of a service-specific credential
	credentialDays    int32  // after which it expires; 0 if it does not
	// granted is set when the account's password policy gives the caller, a user, the permission.
	granted bool
}

// authorize refuses what the caller may not do, whether or not what it names exists.
func (s *Service) authorize(v *directory.View, req *identity.Request, a ask) error {
	r, ok := rules[a.operation]
	if !ok {
		return fmt.Errorf("authorizing %s: the operation has no rule", a.operation)
	}
	t := r.resource(v, &req.Caller, a)
	if err := s.permitted(v, req, a.operation, r.keys, a, t); err != nil {
		return err
	}
	if also, ok := tagging[a.operation]; ok && len(a.tags) > 0 {
		return s.permitted(v, req, also, requestTags, a, t)
	}
	return nil
}

// permitted asks for one permission.
func (s *Service) permitted(v *directory.View, req *identity.Request, operation string, k keys, a ask, t target) error {
	query := authz.Query{
		Action:          "iam:" + operation,
		Resource:        t.arn,
		Shown:           t.shown,
		ResourceAccount: t.account,
		ResourceTags:    t.tags,
		Keys:            append(k.values(a, t), a.delegation.values(k)...),
		Granted:         a.granted || a.delegation.granted(operation, &req.Caller),
	}
	if k&requestTags != 0 {
		query.RequestTags = a.tags
	}
	if decision := s.Authorizer.Authorize(v, req, query); !decision.Allowed() {
		return decision.Fault()
	}
	return nil
}

// values are the condition keys that the request has a value for.
func (k keys) values(a ask, t target) (out []authz.Key) {
	add := func(has keys, name, value string) {
		if k&has != 0 && value != "" {
			out = append(out, authz.Key{Name: name, Value: policy.One(value)})
		}
	}
	add(policyKey, "iam:policyarn", a.policyARN)
	add(organizationsPolicy, "iam:organizationspolicyid", a.policyID)
	add(newBoundary, "iam:permissionsboundary", a.boundary)
	add(ownBoundary, "iam:permissionsboundary", t.boundary)
	add(linkedService, "iam:awsservicename", a.linkedService)
	add(credentialService, "iam:servicespecificcredentialservicename", a.credentialService)
	if a.credentialDays > 0 {
		add(credentialAge, "iam:servicespecificcredentialagedays", strconv.Itoa(int(a.credentialDays)))
	}
	if k&tagKeys != 0 && len(a.tagKeys) > 0 {
		out = append(out, authz.Key{Name: "aws:tagkeys", Value: policy.Many(a.tagKeys)})
	}
	return out
}

// target is the resource that an ask names.
type target struct {
	arn      string
	shown    string        // in denials, if that is not the ARN
	account  arn.AccountID // empty for the caller's own
	tags     []directory.Tag
	boundary string
}

// resource finds the target of an ask.
type resource func(v *directory.View, c *identity.Caller, a ask) target

func anything(*directory.View, *identity.Caller, ask) target { return target{arn: "*"} }

// policyList has no ARN, but AWS's denials of ListPolicies have words for it (index id 67344712365).
func policyList(_ *directory.View, _ *identity.Caller, a ask) target {
	return target{arn: "*", shown: "policy path " + a.path}
}

// accessReport is of the entity of an organization that a.name gives the path of (SAR, access-report).
func accessReport(v *directory.View, c *identity.Caller, a ask) target {
	return target{arn: "arn:" + string(v.Partition()) + ":iam::" + string(c.Account) + ":access-report/" + a.name}
}

func user(v *directory.View, c *identity.Caller, a ask) target {
	if a.root {
		return target{arn: arn.Root(v.Partition(), c.Account)}
	}
	if u, ok := v.User(c.Account, a.name); ok && a.path == "" {
		return target{arn: u.ARN, tags: u.Tags, boundary: u.Boundary}
	}
	return target{arn: arn.User(v.Partition(), c.Account, a.givenPath(), a.name), tags: a.resourceTags}
}

func group(v *directory.View, c *identity.Caller, a ask) target {
	if g, ok := v.Group(c.Account, a.name); ok && a.path == "" {
		return target{arn: g.ARN}
	}
	return target{arn: arn.Group(v.Partition(), c.Account, a.givenPath(), a.name)}
}

func role(v *directory.View, c *identity.Caller, a ask) target {
	if r, ok := v.Role(c.Account, a.name); ok && a.path == "" {
		return target{arn: r.ARN, tags: r.Tags, boundary: r.Boundary}
	}
	return target{arn: arn.Role(v.Partition(), c.Account, a.givenPath(), a.name)}
}

func managedPolicy(v *directory.View, c *identity.Caller, a ask) target {
	if a.path != "" {
		return target{arn: arn.Policy(v.Partition(), c.Account, a.path, a.name)}
	}
	t := target{arn: a.name, account: ownerOf(a.name)}
	if p, ok := v.PolicyByARN(a.name); ok && p.Account == c.Account {
		t.tags = p.Tags
	}
	return t
}

func device(v *directory.View, c *identity.Caller, a ask) target {
	if a.path != "" {
		return target{arn: arn.MFADevice(v.Partition(), c.Account, a.path, a.name)}
	}
	t := target{arn: a.name, account: ownerOf(a.name)}
	if _, err := arn.Parse(a.name); err != nil { // the serial number of a hardware device
		t = target{arn: arn.MFADevice(v.Partition(), c.Account, "/", a.name)}
	}
	if d, ok := v.Device(c.Account, a.name); ok {
		t.tags = d.Tags
	}
	return t
}

func oidcProvider(v *directory.View, c *identity.Caller, a ask) target {
	t := target{arn: a.name, account: ownerOf(a.name)}
	if p, ok := oidcProviderByARN(v, c.Account, a.name); ok && a.path == "" {
		t.tags = p.Tags
	}
	return t
}

func samlProvider(v *directory.View, c *identity.Caller, a ask) target {
	t := target{arn: a.name, account: ownerOf(a.name)}
	if p, ok := samlProviderByARN(v, c.Account, a.name); ok && a.path == "" {
		t.tags = p.Tags
	}
	return t
}

func instanceProfile(v *directory.View, c *identity.Caller, a ask) target {
	if p, ok := v.InstanceProfile(c.Account, a.name); ok && a.path == "" {
		return target{arn: p.ARN, tags: p.Tags}
	}
	return target{arn: arn.InstanceProfile(v.Partition(), c.Account, a.givenPath(), a.name)}
}

func serverCertificate(v *directory.View, c *identity.Caller, a ask) target {
	if s, ok := v.ServerCertificate(c.Account, a.name); ok && a.path == "" {
		return target{arn: s.ARN, tags: s.Tags}
	}
	return target{arn: arn.ServerCertificate(v.Partition(), c.Account, a.givenPath(), a.name), tags: a.resourceTags}
}

func (a ask) givenPath() string {
	if a.path == "" {
		return "/"
	}
	return a.path
}

// ownerOf is the account in an ARN; what AWS manages is everyone's own.
func ownerOf(resourceARN string) arn.AccountID {
	a, err := arn.Parse(resourceARN)
	if err != nil || arn.AccountID(a.Account) == directory.AWSAccount {
		return ""
	}
	return arn.AccountID(a.Account)
}
