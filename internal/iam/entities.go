package iam

import (
	"context"
	"iter"
	"slices"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// policyHolder is a user, group or role that has a policy attached or as its permissions boundary.
type policyHolder struct {
	kind, name, id, path string
	attached, bounded    bool
}

// holdersOf yields who in the account uses a policy: groups, roles and users, each by name.
func holdersOf(v *directory.View, account arn.AccountID, policyARN string) iter.Seq[policyHolder] {
	return func(yield func(policyHolder) bool) {
		for g := range v.Groups(account) {
			h := policyHolder{"Group", g.Name, g.ID, g.Path, slices.Contains(g.Attached, policyARN), false}
			if h.attached && !yield(h) {
				return
			}
		}
		for r := range v.Roles(account) {
			h := policyHolder{"Role", r.Name, r.ID, r.Path, slices.Contains(r.Attached, policyARN), r.Boundary == policyARN}
			if (h.attached || h.bounded) && !yield(h) {
				return
			}
		}
		for u := range v.Users(account) {
			h := policyHolder{"User", u.Name, u.ID, u.Path, slices.Contains(u.Attached, policyARN), u.Boundary == policyARN}
			if (h.attached || h.bounded) && !yield(h) {
				return
			}
		}
	}
}

// ListEntitiesForPolicy lists who uses a managed policy.
func (s *Service) ListEntitiesForPolicy(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListEntitiesForPolicyInput,
) (*api.ListEntitiesForPolicyOutput, error) {
	prefix, filter, use := pathOr(in.PathPrefix), valueOf(in.EntityFilter), valueOf(in.PolicyUsageFilter)
	page, err := s.page(v, req, in.Marker, in.MaxItems, "ListEntitiesForPolicy", in.PolicyArn, prefix, filter, use)
	if err != nil {
		return nil, err
	}
	p, err := s.managed(v, req, ask{operation: "ListEntitiesForPolicy", name: in.PolicyArn})
	if err != nil {
		return nil, err
	}
	holders := only(holdersOf(v, req.Caller.Account, p.ARN), func(h policyHolder) bool {
		return within(h.path, prefix) && (filter == "" || filter == h.kind) &&
			(use != "PermissionsPolicy" || h.attached) && (use != "PermissionsBoundary" || h.bounded)
	})
	key := func(h policyHolder) string { return h.kind + "/" + directory.FoldName(h.name) }
	l, err := list(page, holders, key, func(h policyHolder) policyHolder { return h })
	if err != nil {
		return nil, err
	}
	return showHolders(l), nil
}

func showHolders(l listed[policyHolder]) *api.ListEntitiesForPolicyOutput {
	out := &api.ListEntitiesForPolicyOutput{
		PolicyGroups: []api.PolicyGroup{},
		PolicyUsers:  []api.PolicyUser{},
		PolicyRoles:  []api.PolicyRole{},
		IsTruncated:  l.truncated,
		Marker:       l.marker,
	}
	for _, h := range l.items {
		switch h.kind {
		case "Group":
			out.PolicyGroups = append(out.PolicyGroups, api.PolicyGroup{GroupName: &h.name, GroupId: &h.id})
		case "Role":
			out.PolicyRoles = append(out.PolicyRoles, api.PolicyRole{RoleName: &h.name, RoleId: &h.id})
		case "User":
			out.PolicyUsers = append(out.PolicyUsers, api.PolicyUser{UserName: &h.name, UserId: &h.id})
		}
	}
	return out
}
