package iam

import (
	"context"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// GetAccessKeyLastUsed shows when, where and for what an access key of the account was last used. Keys of others are answered
// as keys that do not exist: the API has no other refusal than AccessDenied.
func (s *Service) GetAccessKeyLastUsed(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetAccessKeyLastUsedInput,
) (*api.GetAccessKeyLastUsedOutput, error) {
	key, ok := v.AccessKey(in.AccessKeyId)
	switch {
	case ok && key.User != nil && key.User.Account == req.Caller.Account:
		if err := s.authorize(v, req, ask{operation: "GetAccessKeyLastUsed", name: key.User.Name}); err != nil {
			return nil, err
		}
	case ok && key.Account != nil && key.Account.ID == req.Caller.Account:
		if err := s.authorize(v, req, ask{operation: "GetAccessKeyLastUsed", root: true}); err != nil {
			return nil, err
		}
	default:
		return nil, identity.NewFault(identity.AccessDenied, "User: "+req.Caller.ARN+
			" is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key "+in.AccessKeyId)
	}
	out := &api.GetAccessKeyLastUsedOutput{AccessKeyLastUsed: &api.AccessKeyLastUsed{ServiceName: "N/A", Region: "N/A"}}
	if key.User != nil {
		out.UserName = &key.User.Name
	}
	if u, used := s.Uses.Last(v, req.Caller.Account, in.AccessKeyId); used {
		out.AccessKeyLastUsed = &api.AccessKeyLastUsed{LastUsedDate: &u.Time, ServiceName: u.Service, Region: u.Region}
	}
	return out, nil
}

// roleLastUsed is empty for a role that was never used (docs/wire-compatibility.md §11).
func (s *Service) roleLastUsed(v *directory.View, r *directory.Role) *api.RoleLastUsed {
	u, used := s.Uses.Last(v, r.Account, r.ID)
	if !used {
		return &api.RoleLastUsed{}
	}
	return &api.RoleLastUsed{LastUsedDate: &u.Time, Region: &u.Region}
}
