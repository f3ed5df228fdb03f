package iam

import (
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// The functions below are the only way to an entity that a request names: they authorize first, and say only then whether it
// exists.

func (s *Service) user(v *directory.View, req *identity.Request, a ask) (*directory.User, error) {
	if err := s.authorize(v, req, a); err != nil {
		return nil, err
	}
	u, ok := v.User(req.Caller.Account, a.name)
	if !ok {
		return nil, noSuch("user", a.name)
	}
	return u, nil
}

func (s *Service) group(v *directory.View, req *identity.Request, a ask) (*directory.Group, error) {
	if err := s.authorize(v, req, a); err != nil {
		return nil, err
	}
	g, ok := v.Group(req.Caller.Account, a.name)
	if !ok {
		return nil, noSuch("group", a.name)
	}
	return g, nil
}

func (s *Service) role(v *directory.View, req *identity.Request, a ask) (*directory.Role, error) {
	if err := s.authorize(v, req, a); err != nil {
		return nil, err
	}
	r, ok := v.Role(req.Caller.Account, a.name)
	if !ok {
		return nil, noSuch("role", a.name)
	}
	return r, nil
}

// roleToChange refuses a service-linked role, which only its service may change.
func (s *Service) roleToChange(v *directory.View, req *identity.Request, a ask) (*directory.Role, error) {
	r, err := s.role(v, req, a)
	if err != nil {
		return nil, err
	}
	if serviceLinked(r.Path) {
		return nil, protectedRole(r)
	}
	return r, nil
}

const servicePath = "/aws-service-role/"

// serviceLinked compares without case, so that no spelling of the path passes for another (advisory 46).
func serviceLinked(path string) bool {
	return len(path) >= len(servicePath) && strings.EqualFold(path[:len(servicePath)], servicePath)
}

func protectedRole(r *directory.Role) *identity.Fault {
	return identity.NewFault(identity.UnmodifiableEntity, "Cannot perform the operation on the protected role '"+r.Name+
		"' - this role is only modifiable by AWS")
}

// managed finds a managed policy of the caller's account or of AWS, which a.name names by its ARN.
func (s *Service) managed(v *directory.View, req *identity.Request, a ask) (*directory.ManagedPolicy, error) {
	if err := policyShaped(a.name); err != nil {
		return nil, err
	}
	if err := s.authorize(v, req, a); err != nil {
		return nil, err
	}
	p, ok := visiblePolicy(v, req.Caller.Account, a.name)
	if !ok {
		return nil, policyNotFound(a.name)
	}
	return p, nil
}

// managedToChange refuses AWS's own policies.
func (s *Service) managedToChange(v *directory.View, req *identity.Request, a ask) (*directory.ManagedPolicy, error) {
	p, err := s.managed(v, req, a)
	if err != nil {
		return nil, err
	}
	if p.Account != req.Caller.Account {
		return nil, identity.NewFault(identity.AccessDenied, "User: "+req.Caller.ARN+" is not authorized to perform: iam:"+
			a.operation+" on resource: "+p.ARN)
	}
	return p, nil
}

// visiblePolicy finds a policy that the account may use.
func visiblePolicy(v *directory.View, account arn.AccountID, policyARN string) (*directory.ManagedPolicy, bool) {
	p, ok := v.PolicyByARN(policyARN)
	if !ok || p.Account != account && p.Account != directory.AWSAccount {
		return nil, false
	}
	return p, true
}

// policyShaped checks what an ARN says by itself (docs/wire-compatibility.md §11, Attach).
func policyShaped(policyARN string) error {
	a, err := arn.Parse(policyARN)
	if err != nil {
		return identity.NewFault(identity.ValidationError, "Invalid ARN:  Could not be parsed!").Because(err)
	}
	if kind, _, name := a.Entity(); a.Service != "iam" || a.Region != "" || kind != "policy" || name == "" {
		return identity.NewFault(identity.InvalidInput, "ARN "+policyARN+" is not valid.")
	}
	return nil
}

func policyNotFound(policyARN string) *identity.Fault {
	return identity.NewFault(identity.NoSuchEntity, "Policy "+policyARN+" was not found.")
}

// owner is whose access keys or devices a request concerns: a user's, or those of the account's root.
type owner struct {
	user    *directory.User    // nil for root
	account *directory.Account // nil for a user
}

// owner finds the user that the request names, or else the caller itself (API: "If you do not specify a user name, IAM
// determines the user name implicitly based on the access key ID signing the request").
func (s *Service) owner(v *directory.View, req *identity.Request, operation string, userName *string) (owner, error) {
	if userName == nil && req.Caller.Kind == identity.Root {
		return s.rootOwner(v, req, operation)
	}
	name, err := implied(v, &req.Caller, userName)
	if err != nil {
		return owner{}, err
	}
	u, err := s.user(v, req, ask{operation: operation, name: name})
	return owner{user: u}, err
}

func (s *Service) rootOwner(v *directory.View, req *identity.Request, operation string) (owner, error) {
	if err := s.authorize(v, req, ask{operation: operation, root: true}); err != nil {
		return owner{}, err
	}
	account, ok := v.Account(req.Caller.Account)
	if !ok {
		return owner{}, noSuch("account", string(req.Caller.Account))
	}
	return owner{account: account}, nil
}

// implied is the name in the request, or the caller's own if that is a user.
func implied(v *directory.View, c *identity.Caller, userName *string) (string, error) {
	if userName != nil {
		return *userName, nil
	}
	if c.Kind != identity.User {
		return "", identity.NewFault(identity.ValidationError, "Must specify userName when calling with non-User credentials")
	}
	entity, _ := v.ByID(c.PrincipalID)
	u, ok := entity.(*directory.User)
	if !ok {
		return "", noSuch("user", c.ARN[strings.LastIndexByte(c.ARN, '/')+1:])
	}
	return u.Name, nil
}

// name is the user's; empty for root, whose keys and devices AWS shows without a user name.
func (o owner) name() string {
	if o.user == nil {
		return ""
	}
	return o.user.Name
}

// shownName leaves the member out for root.
func (o owner) shownName() *string {
	if o.user == nil {
		return nil
	}
	return &o.user.Name
}

// id is what a device's UserID holds.
func (o owner) id() string {
	if o.user == nil {
		return string(o.account.ID)
	}
	return o.user.ID
}
