package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// ListPoliciesGrantingServiceAccess lists, for each service named, the policies that allow a user, group or role anything of
// it. Only permissions policies count: no boundary, and nothing that denies (API).
func (s *Service) ListPoliciesGrantingServiceAccess(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListPoliciesGrantingServiceAccessInput,
) (*api.ListPoliciesGrantingServiceAccessOutput, error) {
	namespaces := slices.Compact(slices.Sorted(slices.Values(in.ServiceNamespaces)))
	page, err := s.page(v, req, in.Marker, nil, "ListPoliciesGrantingServiceAccess", in.Arn, strings.Join(namespaces, ","))
	if err != nil {
		return nil, err
	}
	p, err := s.principal(v, req, "ListPoliciesGrantingServiceAccess", in.Arn)
	if err != nil {
		return nil, err
	}
	l, err := list(page, slices.Values(namespaces), func(n string) string { return n }, p.granting)
	if err != nil {
		return nil, err
	}
	return &api.ListPoliciesGrantingServiceAccessOutput{PoliciesGrantingServiceAccess: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

func (p *principal) granting(namespace string) api.ListPoliciesGrantingServiceAccessEntry {
	out := api.ListPoliciesGrantingServiceAccessEntry{ServiceNamespace: &namespace, Policies: []api.PolicyGrantingServiceAccess{}}
	for i := range p.sources {
		source := &p.sources[i]
		switch {
		case !source.grants(namespace):
		case source.inline():
			out.Policies = append(out.Policies, api.PolicyGrantingServiceAccess{
				PolicyName: source.policy, PolicyType: "INLINE", EntityType: new(strings.ToUpper(source.kind)), EntityName: &source.owner,
			})
		default:
			out.Policies = append(out.Policies, api.PolicyGrantingServiceAccess{
				PolicyName: source.policy, PolicyType: "MANAGED", PolicyArn: &source.arn,
			})
		}
	}
	return out
}
