package iam

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// organizationAccess is a report on which accounts of an organization accessed what.
type organizationAccess struct {
	services []string                 // that the service control policies allow, by namespace
	paths    map[arn.AccountID]string // of the accounts that it is about
	activity activity
}

// GenerateOrganizationsAccessReport starts a report on the services that the accounts under the root or a unit, or one account,
// accessed. The management account alone may ask (API).
func (s *Service) GenerateOrganizationsAccessReport(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GenerateOrganizationsAccessReportInput,
) (*api.GenerateOrganizationsAccessReportOutput, error) {
	a := ask{operation: "GenerateOrganizationsAccessReport", name: in.EntityPath, policyID: valueOf(in.OrganizationsPolicyId)}
	if err := s.authorize(v, req, a); err != nil {
		return nil, err
	}
	org, ok := v.Organization()
	if !ok || org.ManagementAccount != req.Caller.Account {
		return nil, identity.NewFault(identity.AccessDenied, "You must be signed in to the management account of an organization to generate this report.")
	}
	id, err := newJobID(s.Random)
	if err != nil {
		return nil, err
	}
	err = s.Jobs.begin(id, "GenerateOrganizationsAccessReport", s.Jobs.logs, req, func(ctx context.Context) (any, int, error) {
		r, err := organizationSubject(v, org, in)
		if err != nil {
			return nil, 0, err
		}
		accounts := make(map[arn.AccountID]bool, len(r.paths))
		for account := range r.paths {
			accounts[account] = true
		}
		r.activity, err = s.Jobs.activityOf(ctx, accounts, req.Time.Add(-tracked), false,
			func(e audit.Entry) (string, bool) { return string(e.Account), true })
		return r, 256 * len(accounts), err
	})
	if err != nil {
		return nil, err
	}
	return &api.GenerateOrganizationsAccessReportOutput{JobId: &id}, nil
}

// organizationSubject finds the accounts under a path, o-…/r-…/ou-…/111122223333, and the services that the policy in the request,
// or else the service control policies that all of those accounts are under, allow.
func organizationSubject(
	v *directory.View, org *directory.Organization, in *api.GenerateOrganizationsAccessReportInput,
) (*organizationAccess, error) {
	path := strings.TrimSuffix(in.EntityPath, "/") + "/"
	r := &organizationAccess{paths: map[arn.AccountID]string{}}
	above := strings.Count(path, "/") - 1 // levels of policies from the root to the entity
	var scps [][]policy.Attached
	for m := range v.OrganizationMembers() {
		standing, _ := v.Standing(m.Account)
		for _, p := range standing.Paths {
			if own := p + string(m.Account); strings.HasPrefix(own+"/", path) {
				r.paths[m.Account] = own
				if !standing.Management() {
					scps = standing.SCPs[:min(above, len(standing.SCPs))]
				}
			}
		}
	}
	if len(r.paths) == 0 && !unitAt(v, org, path) {
		return nil, noSuchInOrganization("entity", in.EntityPath)
	}
	allows := func(namespace string) bool { return allowedAtAllLevels(scps, namespace) }
	if id := in.OrganizationsPolicyId; id != nil {
		p, ok := v.ControlPolicy(*id)
		if !ok || p.Type != directory.ServiceControl {
			return nil, noSuchInOrganization("policy", *id)
		}
		allows = p.Document.Policy(policy.SCP).Document().GrantsService
	}
	r.services = granted(allows)
	return r, nil
}

// unitAt reports whether a path is that of a unit, in which there may be no account.
func unitAt(v *directory.View, org *directory.Organization, path string) bool {
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	if len(parts) < 3 || parts[0] != org.ID || parts[1] != org.RootID {
		return false
	}
	for i := len(parts) - 1; i > 1; i-- {
		if u, ok := v.Unit(parts[i]); !ok || u.Parent != parts[i-1] {
			return false
		}
	}
	return true
}

func allowedAtAllLevels(scps [][]policy.Attached, namespace string) bool {
	for _, level := range scps {
		if !slices.ContainsFunc(level, func(a policy.Attached) bool { return a.Policy.Document().GrantsService(namespace) }) {
			return false
		}
	}
	return true
}

func noSuchInOrganization(kind, name string) error {
	return errFailed{api.ErrorDetails{Code: "NoSuchEntity", Message: "The organization has no " + kind + " " + name + "."}}
}

// GetOrganizationsAccessReport shows such a report by service.
func (s *Service) GetOrganizationsAccessReport(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetOrganizationsAccessReportInput,
) (*api.GetOrganizationsAccessReportOutput, error) {
	sortKey := valueOr(in.SortKey, "SERVICE_NAMESPACE_ASCENDING")
	p, err := s.page(v, req, in.Marker, in.MaxItems, "GetOrganizationsAccessReport", in.JobId, sortKey)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(v, req, ask{operation: "GetOrganizationsAccessReport"}); err != nil {
		return nil, err
	}
	j, ok := s.Jobs.find(in.JobId, "GenerateOrganizationsAccessReport", req.Caller.Account)
	if !ok {
		return nil, noSuch("job", in.JobId)
	}
	out := &api.GetOrganizationsAccessReportOutput{
		JobStatus: j.status(), JobCreationDate: j.created, ErrorDetails: j.failure, IsTruncated: new(false),
	}
	if !j.completed.IsZero() {
		out.JobCompletionDate = &j.completed
	}
	r, ok := j.report.(*organizationAccess)
	if !ok {
		return out, nil
	}
	positions := r.inOrder(sortKey)
	l, err := list(p, slices.Values(positions), func(n servicePosition) string { return n.key }, r.show)
	if err != nil {
		return nil, err
	}
	notAccessed := 0
	for _, service := range positions {
		if len(r.activity[service.namespace]) == 0 {
			notAccessed++
		}
	}
	out.NumberOfServicesAccessible, out.NumberOfServicesNotAccessed = new(int32(len(positions))), new(int32(notAccessed))
	out.AccessDetails, out.IsTruncated, out.Marker = l.items, l.truncated, l.marker
	return out, nil
}

// servicePosition is a service with its place in a list.
type servicePosition struct{ namespace, key string }

func (r *organizationAccess) inOrder(sortKey string) []servicePosition {
	var services []servicePosition
	for _, namespace := range r.services {
		services = append(services, servicePosition{namespace: namespace})
	}
	slices.SortStableFunc(services, func(a, b servicePosition) int {
		byTime := r.activity.last(a.namespace).at.Compare(r.activity.last(b.namespace).at)
		switch byName := cmp.Compare(a.namespace, b.namespace); sortKey {
		case "SERVICE_NAMESPACE_DESCENDING":
			return -byName
		case "LAST_AUTHENTICATED_TIME_ASCENDING":
			return byTime
		case "LAST_AUTHENTICATED_TIME_DESCENDING":
			return -byTime
		default:
			return byName
		}
	})
	for i := range services {
		services[i].key = fmt.Sprintf("%04d", i)
	}
	return services
}

func (r *organizationAccess) show(s servicePosition) api.AccessDetail {
	out := api.AccessDetail{
		ServiceName: serviceName(s.namespace), ServiceNamespace: s.namespace,
		TotalAuthenticatedEntities: new(int32(min(len(r.activity[s.namespace]), 1<<30))),
	}
	if last := r.activity.last(s.namespace); !last.at.IsZero() {
		out.LastAuthenticatedTime, out.Region, out.EntityPath = &last.at, &last.region, new(r.paths[last.account])
	}
	return out
}
