package iam

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// lastAccessed is a report on what a user, group, role or managed policy was used for.
type lastAccessed struct {
	granularity string
	services    []string // that it grants, by namespace
	principals  []string // the unique ids of those that it gives permissions to
	activity    activity
}

// GenerateServiceLastAccessedDetails starts a report on the services that an entity may access and on who of those that it
// stands for did so last. Denied attempts count (API).
func (s *Service) GenerateServiceLastAccessedDetails(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GenerateServiceLastAccessedDetailsInput,
) (*api.GenerateServiceLastAccessedDetailsOutput, error) {
	subject, err := s.subject(v, req, in.Arn)
	if err != nil {
		return nil, err
	}
	subject.granularity = valueOr(in.Granularity, "SERVICE_LEVEL")
	id, err := newJobID(s.Random)
	if err != nil {
		return nil, err
	}
	err = s.Jobs.begin(id, "GenerateServiceLastAccessedDetails", s.Jobs.logs, req, func(ctx context.Context) (any, int, error) {
		wanted := make(map[string]bool, len(subject.principals))
		for _, principal := range subject.principals {
			wanted[principal] = true
		}
		found, err := s.Jobs.activityOf(ctx, map[arn.AccountID]bool{req.Caller.Account: true}, req.Time.Add(-tracked),
			subject.granularity == "ACTION_LEVEL", func(e audit.Entry) (string, bool) { return e.PrincipalID, wanted[e.PrincipalID] })
		subject.activity = found
		size := 64 * len(subject.principals)
		for _, principals := range found {
			size += 128 * len(principals)
		}
		return subject, size, err
	})
	if err != nil {
		return nil, err
	}
	return &api.GenerateServiceLastAccessedDetailsOutput{JobId: &id}, nil
}

// subject finds what a report is about.
func (s *Service) subject(v *directory.View, req *identity.Request, entityARN string) (*lastAccessed, error) {
	const operation = "GenerateServiceLastAccessedDetails"
	subject := new(lastAccessed)
	if a, err := arn.Parse(entityARN); err == nil {
		if kind, _, _ := a.Entity(); kind == "policy" {
			p, err := s.managed(v, req, ask{operation: operation, name: entityARN})
			if err != nil {
				return nil, err
			}
			subject.principals = attachedTo(v, req.Caller.Account, p.ARN)
			subject.services = granted((&source{document: p.Default()}).grants)
			return subject, nil
		}
	}
	p, err := s.principal(v, req, operation, entityARN)
	if err != nil {
		return nil, err
	}
	subject.services = granted(p.grants)
	if g, ok := v.Group(req.Caller.Account, p.name); ok && p.kind == "group" {
		for u := range v.Members(g) {
			subject.principals = append(subject.principals, u.ID)
		}
		return subject, nil
	}
	subject.principals = []string{p.id}
	return subject, nil
}

// granted lists the services that are audited and granted.
func granted(grants func(namespace string) bool) []string {
	var out []string
	for _, s := range audited {
		if grants(s.namespace) {
			out = append(out, s.namespace)
		}
	}
	return out
}

// attachedTo lists the users and roles that a policy is attached to, by themselves or through a group.
func attachedTo(v *directory.View, account arn.AccountID, policyARN string) []string {
	var ids []string
	for u := range v.Users(account) {
		through := func(g *directory.Group) bool { return slices.Contains(g.Attached, policyARN) }
		if slices.Contains(u.Attached, policyARN) || slices.ContainsFunc(slices.Collect(v.GroupsOf(u)), through) {
			ids = append(ids, u.ID)
		}
	}
	for r := range v.Roles(account) {
		if slices.Contains(r.Attached, policyARN) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// newJobID makes a UUID of version 4.
func newJobID(random io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("making a job id: %w", err)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

// GetServiceLastAccessedDetails shows such a report by service.
func (s *Service) GetServiceLastAccessedDetails(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetServiceLastAccessedDetailsInput,
) (*api.GetServiceLastAccessedDetailsOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, "GetServiceLastAccessedDetails", in.JobId)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(v, req, ask{operation: "GetServiceLastAccessedDetails"}); err != nil {
		return nil, err
	}
	j, r, err := s.lastAccessedJob(req, in.JobId)
	if err != nil {
		return nil, err
	}
	out := &api.GetServiceLastAccessedDetailsOutput{
		JobStatus: j.status(), JobCreationDate: j.created, JobCompletionDate: j.completed, Error: j.failure,
		ServicesLastAccessed: []api.ServiceLastAccessed{}, IsTruncated: new(false),
	}
	if r == nil {
		return out, nil
	}
	out.JobType = &r.granularity
	l, err := list(p, slices.Values(r.services), func(n string) string { return n }, func(n string) api.ServiceLastAccessed { return r.show(v, n) })
	if err != nil {
		return nil, err
	}
	out.ServicesLastAccessed, out.IsTruncated, out.Marker = l.items, l.truncated, l.marker
	return out, nil
}

// lastAccessedJob finds a job and, if it is complete, its report.
func (s *Service) lastAccessedJob(req *identity.Request, id string) (job, *lastAccessed, error) {
	j, ok := s.Jobs.find(id, "GenerateServiceLastAccessedDetails", req.Caller.Account)
	if !ok {
		return job{}, nil, noSuch("job", id)
	}
	r, _ := j.report.(*lastAccessed)
	return j, r, nil
}

func (r *lastAccessed) show(v *directory.View, namespace string) api.ServiceLastAccessed {
	out := api.ServiceLastAccessed{
		ServiceName: serviceName(namespace), ServiceNamespace: namespace,
		TotalAuthenticatedEntities: new(int32(min(len(r.activity[namespace]), 1<<30))),
	}
	if last := r.activity.last(namespace); !last.at.IsZero() {
		out.LastAuthenticated, out.LastAuthenticatedEntity, out.LastAuthenticatedRegion = &last.at, entityARN(v, last.principal), &last.region
	}
	for _, name := range slices.Sorted(slices.Values(r.activity.actions(namespace))) {
		last := r.activity.last(namespace + ":" + name)
		out.TrackedActionsLastAccessed = append(out.TrackedActionsLastAccessed, api.TrackedActionLastAccessed{
			ActionName: &name, LastAccessedEntity: entityARN(v, last.principal), LastAccessedTime: &last.at, LastAccessedRegion: &last.region,
		})
	}
	return out
}

func serviceName(namespace string) string {
	for _, s := range audited {
		if s.namespace == namespace {
			return s.name
		}
	}
	return namespace
}

// entityARN is the ARN that a user or role has now; nil if it is gone.
func entityARN(v *directory.View, id string) *string {
	switch e, _ := v.ByID(id); e := e.(type) {
	case *directory.User:
		return &e.ARN
	case *directory.Role:
		return &e.ARN
	default:
		return nil
	}
}

// GetServiceLastAccessedDetailsWithEntities shows, for one service of such a report, the users and roles that have the
// permissions, those who used the service last first.
func (s *Service) GetServiceLastAccessedDetailsWithEntities(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetServiceLastAccessedDetailsWithEntitiesInput,
) (*api.GetServiceLastAccessedDetailsWithEntitiesOutput, error) {
	p, err := s.page(v, req, in.Marker, in.MaxItems, "GetServiceLastAccessedDetailsWithEntities", in.JobId, in.ServiceNamespace)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(v, req, ask{operation: "GetServiceLastAccessedDetailsWithEntities"}); err != nil {
		return nil, err
	}
	if serviceName(in.ServiceNamespace) == in.ServiceNamespace {
		return nil, invalidInput("Invalid service namespace.")
	}
	j, r, err := s.lastAccessedJob(req, in.JobId)
	if err != nil {
		return nil, err
	}
	out := &api.GetServiceLastAccessedDetailsWithEntitiesOutput{
		JobStatus: j.status(), JobCreationDate: j.created, JobCompletionDate: j.completed, Error: j.failure,
		EntityDetailsList: []api.EntityDetails{}, IsTruncated: new(false),
	}
	if r == nil || !slices.Contains(r.services, in.ServiceNamespace) {
		return out, nil
	}
	l, err := list(p, slices.Values(r.entities(v, in.ServiceNamespace)), entityDetails.key, entityDetails.show)
	if err != nil {
		return nil, err
	}
	out.EntityDetailsList, out.IsTruncated, out.Marker = l.items, l.truncated, l.marker
	return out, nil
}

// entityDetails is a user or role with the last time that it called the service.
type entityDetails struct {
	api.EntityInfo
	at time.Time
}

// entities are those that are still there, in order of their keys.
func (r *lastAccessed) entities(v *directory.View, namespace string) []entityDetails {
	var out []entityDetails
	for _, id := range r.principals {
		at := r.activity[namespace][id].at
		switch e, _ := v.ByID(id); e := e.(type) {
		case *directory.User:
			out = append(out, entityDetails{api.EntityInfo{Arn: e.ARN, Name: e.Name, Type: "USER", Id: e.ID, Path: &e.Path}, at})
		case *directory.Role:
			out = append(out, entityDetails{api.EntityInfo{Arn: e.ARN, Name: e.Name, Type: "ROLE", Id: e.ID, Path: &e.Path}, at})
		}
	}
	slices.SortFunc(out, func(a, b entityDetails) int { return cmp.Compare(a.key(), b.key()) })
	return out
}

// key orders by time, the latest first and never last, and then by id.
func (d entityDetails) key() string { return descending(d.at) + d.Id }

// descending makes keys that sort the later time first and none last.
func descending(t time.Time) string {
	if t.IsZero() {
		return "~"
	}
	return fmt.Sprintf("%020d", uint64(1)<<62-uint64(t.Unix())) // the log begins after 1970
}

func (d entityDetails) show() api.EntityDetails {
	out := api.EntityDetails{EntityInfo: d.EntityInfo}
	if !d.at.IsZero() {
		out.LastAuthenticated = &d.at
	}
	return out
}
