package iam

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

func newTrail(t *testing.T) *audit.Log {
	t.Helper()
	return openTrail(t, filepath.Join(t.TempDir(), "audit.jsonl"))
}

func openTrail(t *testing.T, path string) *audit.Log {
	t.Helper()
	l, err := audit.Open(audit.Options{Path: path, Now: func() time.Time { return arrival }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func newJobs(t *testing.T, trail Trail) *Jobs {
	t.Helper()
	j := NewJobs(trail, func() time.Time { return arrival })
	t.Cleanup(j.Close)
	return j
}

// settle waits for all jobs.
func (s *stage) settle() { s.Jobs.wait.Wait() }

// did writes down a request of a caller.
func (s *stage) did(r *identity.Request, service, operation string, at time.Time) {
	s.t.Helper()
	q := *r
	q.Time, q.Region = at, "eu-west-1"
	e := &audit.Event{ID: "e", Request: &q, Service: service, Operation: operation, ReadOnly: true}
	if q.Caller.Kind == identity.AssumedRole {
		if role, ok := s.view().ByID(q.Caller.PrincipalID); ok {
			e.IssuerARN = s.arn("role/" + role.Key().Name)
		}
	}
	if err := s.trail.Write(s.t.Context(), e); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) credentialReport() string {
	s.t.Helper()
	_, err := s.GenerateCredentialReport(s.t.Context(), s.view(), s.root(), &api.Empty{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.settle()
	out, err := s.GetCredentialReport(s.t.Context(), s.view(), s.root(), &api.Empty{})
	return string(ok(s.t, out, err).Content)
}

// startedJob is the id of a report on an entity of the account.
func (s *stage) startedJob(entity string, granularity *string) string {
	s.t.Helper()
	out, err := s.GenerateServiceLastAccessedDetails(s.t.Context(), s.view(), s.root(),
		&api.GenerateServiceLastAccessedDetailsInput{Arn: s.arn(entity), Granularity: granularity})
	return *ok(s.t, out, err).JobId
}

const (
	orgPath  = "o-abcdefghij/r-abcd"
	teamUnit = "ou-abcd-team0000"
)

// organized is the directory with an organization that the account manages, of which no other test knows: its members are in
// the unit teamUnit, and deny is the text of a service control policy of theirs, if it is not empty.
func (s *stage) organized(deny string, members ...arn.AccountID) *directory.View {
	org := &directory.Organization{ID: "o-abcdefghij", RootID: "r-abcd", ManagementAccount: s.account, Members: members,
		ServiceControl: directory.ControlState{Enabled: true, Era: 1}}
	unit := &directory.Unit{ID: teamUnit, Name: "team", Parent: "r-abcd"}
	entities := []directory.Entity{org, unit, &directory.Unit{ID: "ou-abcd-empty000", Name: "empty", Parent: teamUnit}}
	if deny != "" {
		entities = append(entities, &directory.ControlPolicy{Owner: directory.Global, ID: "p-limited00", Name: "limited",
			Type: directory.ServiceControl, Document: directory.NewDocument(deny)})
		org.Attach(&unit.Node, directory.ServiceControl, []string{"p-limited00"})
	}
	for _, m := range members {
		entities = append(entities, &directory.Member{Account: m, Name: string(m), Parent: teamUnit})
	}
	v := s.view()
	events := make([]directory.Event, len(entities))
	for i, e := range entities {
		events[i] = directory.Event{Key: e.Key(), Entity: e}
	}
	return v.Apply(v.Revision(), events)
}

func (s *stage) startedOrganizationJob(path string, members ...arn.AccountID) string {
	s.t.Helper()
	return s.startedOrganizationJobIn(s.organized("", members...), &api.GenerateOrganizationsAccessReportInput{EntityPath: path})
}

func (s *stage) startedOrganizationJobIn(v *directory.View, in *api.GenerateOrganizationsAccessReportInput) string {
	s.t.Helper()
	out, err := s.GenerateOrganizationsAccessReport(s.t.Context(), v, s.root(), in)
	return *ok(s.t, out, err).JobId
}
