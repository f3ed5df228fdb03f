package iam

import (
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// ec2 is the service that a role in an instance profile is passed to.
const ec2 = "ec2.amazonaws.com"

// roleToPass finds the role that the caller hands to the machines of an instance profile, and refuses who may not pass it.
// Which machines that are is not known yet, and iam:AssociatedResourceArn says so (API, AddRoleToInstanceProfile).
func (s *Service) roleToPass(v *directory.View, req *identity.Request, name string) (*directory.Role, error) {
	t := role(v, &req.Caller, ask{name: name})
	decision := s.Authorizer.Authorize(v, req, authz.Query{
		Action:       "iam:PassRole",
		Resource:     t.arn,
		ResourceTags: t.tags,
		Keys: []authz.Key{
			{Name: "iam:passedtoservice", Value: policy.One(ec2)},
			{Name: "iam:associatedresourcearn", Value: policy.One("arn:" + string(v.Partition()) + ":ec2:*:" + string(req.Caller.Account) + ":instance/*")},
		},
	})
	if !decision.Allowed() {
		return nil, decision.Fault()
	}
	r, ok := v.Role(req.Caller.Account, name)
	if !ok {
		return nil, noSuch("role", name)
	}
	if serviceLinked(r.Path) {
		return nil, protectedRole(r)
	}
	return r, nil
}
