package iam

import (
	"context"
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/session"
)

// taskKind begins the id of a deletion: task, the role's path, its name, and what proves that the deletion happened.
const taskKind = "task"

// CreateServiceLinkedRole makes the role of a service. Only the service can assume it, and only the operations here make or
// remove it.
func (s *Service) CreateServiceLinkedRole(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreateServiceLinkedRoleInput,
) (*api.CreateServiceLinkedRoleOutput, error) {
	template, known := linkedRoles[in.AWSServiceName]
	name := rolePrefix + template.name
	if in.CustomSuffix != nil {
		name += "_" + *in.CustomSuffix
	}
	r := &directory.Role{
		Account:           req.Caller.Account,
		Name:              name,
		Path:              servicePath + in.AWSServiceName + "/",
		Description:       in.Description,
		Created:           now(req),
		Trust:             directory.NewDocument(linkedTrust(in.AWSServiceName)),
		MaxSessionSeconds: defaultSessionSeconds,
	}
	var answer api.Role
	err := s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		err := s.authorize(v, req, ask{operation: "CreateServiceLinkedRole", name: r.Name, path: r.Path, linkedService: in.AWSServiceName})
		if err != nil {
			return nil, err
		}
		if err := checkLinked(in, template, known, r.Name); err != nil {
			return nil, err
		}
		if _, taken := v.Role(r.Account, r.Name); taken {
			return nil, identity.NewFault(identity.InvalidInput, "Service role name "+r.Name+
				" has been taken in this account, please try a different suffix.")
		}
		r.ARN = arn.Role(v.Partition(), r.Account, r.Path, r.Name)
		if err := checkARN(r.ARN); err != nil {
			return nil, err
		}
		if r.ID, err = s.newID(v, arn.RoleID, r.Account); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		c.Put(r)
		answer = createdRole(v, r)
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateServiceLinkedRoleOutput{Role: &answer}, nil
}

// checkLinked refuses a service that has no such role, and a name that cannot be.
func checkLinked(in *api.CreateServiceLinkedRoleInput, template linkedRole, known bool, name string) error {
	const maxName = 64 // roleNameType of the model
	switch {
	case !known:
		return identity.NewFault(identity.AccessDenied, "Cannot find Service Linked Role template for "+in.AWSServiceName)
	case in.CustomSuffix != nil && !template.suffixes:
		return identity.NewFault(identity.InvalidInput, "Custom suffix is not allowed for "+in.AWSServiceName)
	case len(name) > maxName:
		return identity.NewFault(identity.InvalidInput, "The role name "+name+" must have at most 64 characters.")
	}
	return nil
}

func linkedTrust(service string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole"}]}`
}

// DeleteServiceLinkedRole removes the role of a service at once. Its sessions end with it, since they hold its unique id.
func (s *Service) DeleteServiceLinkedRole(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeleteServiceLinkedRoleInput,
) (*api.DeleteServiceLinkedRoleOutput, error) {
	task := ""
	err := s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		a := ask{operation: "DeleteServiceLinkedRole", name: in.RoleName}
		if r, ok := v.Role(req.Caller.Account, in.RoleName); ok {
			a.linkedService = linkedServiceOf(r.Path)
		}
		r, err := s.role(v, req, a)
		if err != nil {
			return nil, err
		}
		if !serviceLinked(r.Path) {
			return nil, identity.NewFault(identity.InvalidInput, "The role "+r.Name+" is not a service-linked role.")
		}
		target := taskKind + r.Path + r.Name
		proof, err := s.Sealer.SealMessage(v, session.DeletionTask, deletion(r.Account, target))
		if err != nil {
			return nil, err
		}
		task = target + "/" + proof
		c := new(directory.Change)
		c.Delete(r)
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteServiceLinkedRoleOutput{DeletionTaskId: task}, nil
}

// GetServiceLinkedRoleDeletionStatus says of a deletion that it has succeeded: it had before its id was given out.
func (s *Service) GetServiceLinkedRoleDeletionStatus(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetServiceLinkedRoleDeletionStatusInput,
) (*api.GetServiceLinkedRoleDeletionStatusOutput, error) {
	const parts = 5 // task, aws-service-role, the service, the role, the proof: its letters can be slashes
	p := strings.SplitN(in.DeletionTaskId, "/", parts)
	if len(p) < parts || p[0] != taskKind || "/"+p[1]+"/" != servicePath {
		return nil, identity.NewFault(identity.InvalidInput, "The deletion task id is not valid.")
	}
	service, name, proof := p[2], p[3], p[4]
	a := ask{operation: "GetServiceLinkedRoleDeletionStatus", name: name, path: servicePath + service + "/", linkedService: service}
	if err := s.authorize(v, req, a); err != nil {
		return nil, err
	}
	plain, err := s.Sealer.OpenMessage(v, session.DeletionTask, proof)
	if target := strings.TrimSuffix(in.DeletionTaskId, "/"+proof); err != nil || string(plain) != string(deletion(req.Caller.Account, target)) {
		return nil, identity.NewFault(identity.NoSuchEntity, "The deletion task "+in.DeletionTaskId+" cannot be found.").Because(err)
	}
	return &api.GetServiceLinkedRoleDeletionStatusOutput{Status: "SUCCEEDED"}, nil
}

// deletion is what proves a deletion: whose account, and which role.
func deletion(account arn.AccountID, target string) []byte {
	return []byte(string(account) + "/" + target)
}

// linkedServiceOf is the service that a role's path names; empty if it is no service-linked role.
func linkedServiceOf(path string) string {
	if !serviceLinked(path) {
		return ""
	}
	return strings.TrimSuffix(path[len(servicePath):], "/")
}
