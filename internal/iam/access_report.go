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
)

// organizationAccess is a report on which accounts of an organization accessed what.
type organizationAccess struct {
	path     string // of the entity that the report is about
	account  bool   // it is an account
	activity activity
}

// GenerateOrganizationsAccessReport starts a report on the services that the accounts under the root, or one account, accessed.
// The management account alone may ask (API).
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
	err = s.Jobs.begin(id, "GenerateOrganizationsAccessReport", req, func(ctx context.Context) (any, int, error) {
		if in.OrganizationsPolicyId != nil {
			return nil, 0, noSuchInOrganization("policy", *in.OrganizationsPolicyId)
		}
		accounts, one, err := accountsUnder(org, in.EntityPath)
		if err != nil {
			return nil, 0, err
		}
		found, err := s.Jobs.activityOf(ctx, accounts, req.Time.Add(-tracked), false,
			func(e audit.Entry) (string, bool) { return string(e.Account), true })
		return &organizationAccess{path: in.EntityPath, account: one, activity: found}, 128 * len(accounts), err
	})
	if err != nil {
		return nil, err
	}
	return &api.GenerateOrganizationsAccessReportOutput{JobId: &id}, nil
}

// accountsUnder lists the accounts that a path leads to, o-…/r-…/…/111122223333: one if it ends with an account, else all.
func accountsUnder(org *directory.Organization, path string) (accounts map[arn.AccountID]bool, one bool, err error) {
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	last := arn.AccountID(parts[len(parts)-1])
	all := map[arn.AccountID]bool{org.ManagementAccount: true}
	for _, member := range org.Members {
		all[member] = true
	}
	switch {
	case parts[0] != org.ID:
	case len(parts) == 2: // the root
		return all, false, nil
	case all[last]:
		return map[arn.AccountID]bool{last: true}, true, nil
	}
	return nil, false, noSuchInOrganization("entity", path)
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
	for _, s := range audited {
		services = append(services, servicePosition{namespace: s.namespace})
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
		path := r.path
		if !r.account {
			path = strings.TrimSuffix(path, "/") + "/" + string(last.account)
		}
		out.LastAuthenticatedTime, out.Region, out.EntityPath = &last.at, &last.region, &path
	}
	return out
}
