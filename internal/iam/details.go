package iam

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// The filters of GetAccountAuthorizationDetails, in the order of the lists.
var detailFilters = [...]string{"User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"}

// GetAccountAuthorizationDetails shows all users, groups, roles and policies with their relations. One page goes through the
// four lists; MaxItems counts entities, whatever they are.
func (s *Service) GetAccountAuthorizationDetails(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetAccountAuthorizationDetailsInput,
) (*api.GetAccountAuthorizationDetailsOutput, error) {
	filter := slices.Sorted(slices.Values(in.Filter))
	p, err := s.page(v, req, in.Marker, in.MaxItems, "GetAccountAuthorizationDetails", strings.Join(filter, ","))
	if err != nil {
		return nil, err
	}
	if err := s.authorize(v, req, ask{operation: "GetAccountAuthorizationDetails"}); err != nil {
		return nil, err
	}
	wanted := func(d detail) bool { return len(filter) == 0 || slices.Contains(filter, detailFilters[d.list]) }
	l, err := list(p, only(detailsOf(v, req.Caller.Account), wanted), detail.key, func(d detail) detail { return d })
	if err != nil {
		return nil, err
	}
	out := &api.GetAccountAuthorizationDetailsOutput{
		UserDetailList:  []api.UserDetail{},
		GroupDetailList: []api.GroupDetail{},
		RoleDetailList:  []api.RoleDetail{},
		Policies:        []api.ManagedPolicyDetail{},
		IsTruncated:     l.truncated,
		Marker:          l.marker,
	}
	for _, d := range l.items {
		switch e := d.entity.(type) {
		case *directory.User:
			out.UserDetailList = append(out.UserDetailList, userDetail(v, e))
		case *directory.Group:
			out.GroupDetailList = append(out.GroupDetailList, groupDetail(v, e))
		case *directory.Role:
			out.RoleDetailList = append(out.RoleDetailList, s.roleDetail(v, e))
		case *directory.ManagedPolicy:
			out.Policies = append(out.Policies, policyDetail(v, req.Caller.Account, e))
		}
	}
	return out, nil
}

// detail is an entity with the filter that lets it through.
type detail struct {
	list   int
	name   string
	entity directory.Entity
}

func (d detail) key() string { return string(rune('0'+d.list)) + directory.FoldName(d.name) }

// detailsOf yields the entities in order of their keys. Of AWS's policies only those are there that the account uses.
func detailsOf(v *directory.View, account arn.AccountID) iter.Seq[detail] {
	return func(yield func(detail) bool) {
		for u := range v.Users(account) {
			if !yield(detail{0, u.Name, u}) {
				return
			}
		}
		for g := range v.Groups(account) {
			if !yield(detail{1, g.Name, g}) {
				return
			}
		}
		for r := range v.Roles(account) {
			if !yield(detail{2, r.Name, r}) {
				return
			}
		}
		for p := range v.Policies(account) {
			if !yield(detail{3, p.Name, p}) {
				return
			}
		}
		for p := range v.Policies(directory.AWSAccount) {
			if usageIn(v, account, p) != (usage{}) && !yield(detail{4, p.Name, p}) {
				return
			}
		}
	}
}

func userDetail(v *directory.View, u *directory.User) api.UserDetail {
	groups := []string{}
	for g := range v.GroupsOf(u) {
		groups = append(groups, g.Name)
	}
	out := api.UserDetail{
		Path: &u.Path, UserName: &u.Name, UserId: &u.ID, Arn: &u.ARN, CreateDate: &u.Created,
		GroupList:               groups,
		AttachedManagedPolicies: attachedDetails(v, u.Attached),
		PermissionsBoundary:     showBoundary(u.Boundary),
		Tags:                    append([]api.Tag{}, showTags(u.Tags)...),
	}
	if len(u.Inline) > 0 { // only of users, AWS leaves the empty list out
		out.UserPolicyList = inlineDetails(u.Inline)
	}
	return out
}

func groupDetail(v *directory.View, g *directory.Group) api.GroupDetail {
	return api.GroupDetail{
		Path: &g.Path, GroupName: &g.Name, GroupId: &g.ID, Arn: &g.ARN, CreateDate: &g.Created,
		GroupPolicyList:         inlineDetails(g.Inline),
		AttachedManagedPolicies: attachedDetails(v, g.Attached),
	}
}

func (s *Service) roleDetail(v *directory.View, r *directory.Role) api.RoleDetail {
	profiles := []api.InstanceProfile{}
	for p := range v.InstanceProfilesOf(r) {
		profiles = append(profiles, showProfile(v, p))
	}
	return api.RoleDetail{
		Path: &r.Path, RoleName: &r.Name, RoleId: &r.ID, Arn: &r.ARN, CreateDate: &r.Created,
		AssumeRolePolicyDocument: new(encoded(v.ShowTrust(r.Trust.Text()))),
		InstanceProfileList:      profiles,
		RolePolicyList:           inlineDetails(r.Inline),
		AttachedManagedPolicies:  attachedDetails(v, r.Attached),
		PermissionsBoundary:      showBoundary(r.Boundary),
		Tags:                     append([]api.Tag{}, showTags(r.Tags)...),
		RoleLastUsed:             s.roleLastUsed(v, r),
	}
}

func policyDetail(v *directory.View, account arn.AccountID, p *directory.ManagedPolicy) api.ManagedPolicyDetail {
	used := usageIn(v, account, p)
	out := api.ManagedPolicyDetail{
		PolicyName: &p.Name, PolicyId: &p.ID, Arn: &p.ARN, Path: &p.Path, DefaultVersionId: &p.DefaultVersion,
		AttachmentCount:               new(int32(used.attached)),
		PermissionsBoundaryUsageCount: new(int32(used.boundary)),
		IsAttachable:                  new(true),
		CreateDate:                    &p.Created,
		UpdateDate:                    &p.Updated,
	}
	if p.Description != "" {
		out.Description = &p.Description
	}
	for version := range sorted(p.Versions, newestFirst) {
		shown := showVersion(p, version)
		shown.Document = new(encoded(version.Document.Text()))
		out.PolicyVersionList = append(out.PolicyVersionList, shown)
	}
	return out
}

func inlineDetails(policies []directory.InlinePolicy) []api.PolicyDetail {
	out := []api.PolicyDetail{}
	for _, p := range policies {
		out = append(out, api.PolicyDetail{PolicyName: &p.Name, PolicyDocument: new(encoded(p.Document.Text()))})
	}
	return out
}

func attachedDetails(v *directory.View, attached []string) []api.AttachedPolicy {
	out := []api.AttachedPolicy{}
	for _, policyARN := range attached {
		if p, ok := v.PolicyByARN(policyARN); ok {
			out = append(out, api.AttachedPolicy{PolicyName: &p.Name, PolicyArn: &p.ARN})
		}
	}
	return out
}
