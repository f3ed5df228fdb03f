package iam

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

const (
	iamSource = "iam.amazonaws.com"
	stsSource = "sts.amazonaws.com"
	listUsers = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:ListUsers","s3:*"],"Resource":"*"}]}`
)

// used is a stage whose log tells of some calls, an hour apart and the last an hour before arrival.
func usedStage(t *testing.T) *stage {
	t.Helper()
	s, other := newStage(t, allowAll), newStage(t, allowAll)
	bob := s.mustUser("bob").Clone()
	bob.Inline = append(bob.Inline, directory.InlinePolicy{Name: "list", Document: directory.NewDocument(listUsers)})
	s.put(bob)
	for i, call := range []struct {
		who                *identity.Request
		service, operation string
	}{
		{s.as("bob"), stsSource, "GetCallerIdentity"},
		{s.inRole("r1"), stsSource, "AssumeRole"},
		{s.as("bob"), iamSource, "ListUsers"},
		{s.as("bob"), iamSource, "GetUser"},
		{s.as("plain"), iamSource, "ListUsers"},
		{s.as("bob"), "s3.amazonaws.com", "GetObject"}, // no such lines are there yet: another service's
		{other.as("bob"), stsSource, "GetCallerIdentity"},
	} {
		s.did(call.who, call.service, call.operation, arrival.Add(time.Duration(i-7)*time.Hour))
	}
	s.did(s.as("caller"), iamSource, "GetUser", arrival.Add(-tracked-time.Hour))
	return s
}

func (s *stage) details(job string) *api.GetServiceLastAccessedDetailsOutput {
	s.t.Helper()
	s.settle()
	return ok2(s.GetServiceLastAccessedDetails(s.t.Context(), s.view(), s.as("caller"), &api.GetServiceLastAccessedDetailsInput{JobId: job}))(s.t)
}

func TestServiceLastAccessed(t *testing.T) {
	t.Parallel()
	s := usedStage(t)
	hour := func(n int) string {
		return arrival.Add(time.Duration(n-7) * time.Hour).Truncate(time.Second).Format(time.RFC3339)
	}
	never := func(namespaces ...string) (out []string) {
		for _, n := range namespaces {
			out = append(out, n+" 0")
		}
		return out
	}
	everything := []string{"iam", "organizations", "stint", "sts"}
	for entity, want := range map[string][]string{
		atBob: {
			"iam 1 " + hour(3) + " " + s.arn(atBob) + " eu-west-1",
			"sts 1 " + hour(0) + " " + s.arn(atBob) + " eu-west-1",
		},
		atDevs:        {"sts 1 " + hour(0) + " " + s.arn(atBob) + " eu-west-1"},
		atR1:          {"sts 1 " + hour(1) + " " + s.arn(atR1) + " eu-west-1"},
		atP1:          {"sts 2 " + hour(1) + " " + s.arn(atR1) + " eu-west-1"},
		"user/caller": never(everything...),
		atPlain:       nil, // may nothing, whatever it tried
	} {
		out := s.details(s.startedJob(entity, nil))
		equal(t, entity+": status", out.JobStatus, "COMPLETED")
		equal(t, entity+": type", *out.JobType, "SERVICE_LEVEL")
		var got []string
		for _, service := range out.ServicesLastAccessed {
			line := fmt.Sprintf("%s %d", service.ServiceNamespace, *service.TotalAuthenticatedEntities)
			if service.LastAuthenticated != nil {
				line += " " + service.LastAuthenticated.Format(time.RFC3339) + " " + *service.LastAuthenticatedEntity + " " + *service.LastAuthenticatedRegion
			}
			got = append(got, line)
			equal(t, entity+": actions", len(service.TrackedActionsLastAccessed), 0)
		}
		equal(t, entity, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	out := s.details(s.startedJob(atBob, new("ACTION_LEVEL")))
	equal(t, "type", *out.JobType, "ACTION_LEVEL")
	var actions []string
	for _, a := range out.ServicesLastAccessed[0].TrackedActionsLastAccessed {
		actions = append(actions, *a.ActionName+" "+a.LastAccessedTime.Format(time.RFC3339)+" "+*a.LastAccessedEntity)
	}
	equal(t, "actions", strings.Join(actions, "\n"), "GetUser "+hour(3)+" "+s.arn(atBob)+"\nListUsers "+hour(2)+" "+s.arn(atBob))
}

func TestServiceLastAccessedWithEntities(t *testing.T) {
	t.Parallel()
	s := usedStage(t)
	plain := s.mustUser("plain").Clone()
	plain.Attached = []string{p1(s)}
	s.put(plain)
	job := s.startedJob(atP1, nil)
	s.settle()
	get := func(in api.GetServiceLastAccessedDetailsWithEntitiesInput) (*api.GetServiceLastAccessedDetailsWithEntitiesOutput, error) {
		in.JobId = job
		return s.GetServiceLastAccessedDetailsWithEntities(t.Context(), s.view(), s.as("caller"), &in)
	}
	names := func(out *api.GetServiceLastAccessedDetailsWithEntitiesOutput) string {
		var all []string
		for _, e := range out.EntityDetailsList {
			all = append(all, fmt.Sprintf("%s %s %v", e.EntityInfo.Type, e.EntityInfo.Name, e.LastAuthenticated != nil))
		}
		return strings.Join(all, ", ")
	}
	equal(t, "entities", names(ok2(get(api.GetServiceLastAccessedDetailsWithEntitiesInput{ServiceNamespace: "sts"}))(t)),
		"ROLE r1 true, USER bob true, USER plain false")
	first := ok2(get(api.GetServiceLastAccessedDetailsWithEntitiesInput{ServiceNamespace: "sts", MaxItems: new(int32(2))}))(t)
	second := ok2(get(api.GetServiceLastAccessedDetailsWithEntitiesInput{ServiceNamespace: "sts", Marker: first.Marker}))(t)
	equal(t, "pages", names(first)+" | "+names(second), "ROLE r1 true, USER bob true | USER plain false")
	equal(t, "a service that the policy does not grant", names(ok2(get(api.GetServiceLastAccessedDetailsWithEntitiesInput{ServiceNamespace: "iam"}))(t)), "")
	_, err := get(api.GetServiceLastAccessedDetailsWithEntitiesInput{ServiceNamespace: "sqs"})
	refused(t, err, identity.InvalidInput, "Invalid service namespace.")
}

func TestServiceLastAccessedRefusals(t *testing.T) {
	t.Parallel()
	s, other := newStage(t, allowAll), newStage(t, allowAll)
	other.Jobs = s.Jobs
	generate := func(arn string) error {
		_, err := s.GenerateServiceLastAccessedDetails(t.Context(), s.view(), s.root(), &api.GenerateServiceLastAccessedDetailsInput{Arn: arn})
		return err
	}
	refused(t, generate(s.arn("user/ghost")), identity.NoSuchEntity, "The user with name ghost cannot be found.")
	refused(t, generate(s.arn("policy/ghost")), identity.NoSuchEntity, "Policy "+s.arn("policy/ghost")+" was not found.")
	refused(t, generate("arn:aws:s3:::bucket-of-someone"), identity.InvalidInput,
		"Invalid Entity Arn: arn:aws:s3:::bucket-of-someone does not clearly define entity type and name.")
	refused(t, generate(s.arn("root")), identity.InvalidInput, "Invalid Entity Arn: "+s.arn("root")+" does not clearly define entity type and name.")
	refused(t, generate(other.arn(atBob)), identity.InvalidInput, "Invalid Policy Source Arn: caller's account "+string(s.account)+
		" does not have access to policies in account "+string(other.account))

	job := s.startedJob(atBob, nil)
	s.settle()
	_, err := other.GetServiceLastAccessedDetails(t.Context(), s.view(), other.root(), &api.GetServiceLastAccessedDetailsInput{JobId: job})
	refused(t, err, identity.NoSuchEntity, "The job with name "+job+" cannot be found.")
	_, err = s.GetOrganizationsAccessReport(t.Context(), s.view(), s.root(), &api.GetOrganizationsAccessReportInput{JobId: job})
	refused(t, err, identity.NoSuchEntity, "The job with name "+job+" cannot be found.")
	if _, err := s.GetServiceLastAccessedDetails(t.Context(), s.view(), s.root(), &api.GetServiceLastAccessedDetailsInput{JobId: job}); err != nil {
		t.Errorf("control: %v", err)
	}
}

func TestLastAccessedWithoutAReadableLog(t *testing.T) {
	t.Parallel()
	stream, err := audit.Open(audit.Options{Stream: new(strings.Builder)})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		trail   Trail
		message string
	}{
		"stream":  {stream, "This node's audit log is not kept in a file, so that it cannot be read back."},
		"damaged": {damagedTrail(t), "This node's audit log could not be read."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, allowAll)
			s.Jobs = newJobs(t, test.trail)
			out := s.details(s.startedJob(atBob, nil))
			equal(t, "status", out.JobStatus, "FAILED")
			equal(t, "code", out.Error.Code, "ServiceFailure")
			equal(t, "message", out.Error.Message, test.message)
			equal(t, "services", len(out.ServicesLastAccessed), 0)
			if out.JobCompletionDate.IsZero() || out.JobType != nil {
				t.Errorf("%+v", out)
			}
		})
	}
}

// damagedTrail is a log in which a line was altered behind the server's back.
func damagedTrail(t *testing.T) *audit.Log {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	s := &stage{t: t, trail: openTrail(t, path)}
	s.did(&identity.Request{Caller: identity.Caller{Kind: identity.Root, Account: "111122223333"}}, stsSource, "GetCallerIdentity", arrival)
	if err := s.trail.Read(t.Context(), nil, nil); err != nil { // which writes what is buffered
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(strings.Replace(string(text), "GetCallerIdentity", "GetAnotherIdentit", 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s.trail
}

func TestOrganizationsAccessReport(t *testing.T) {
	t.Parallel()
	s, member := newStage(t, allowAll), newStage(t, allowAll)
	stranger := newStage(t, allowAll)
	s.did(s.as("bob"), stsSource, "GetCallerIdentity", arrival.Add(-3*time.Hour))
	s.did(member.as("bob"), stsSource, "AssumeRole", arrival.Add(-2*time.Hour))
	s.did(member.root(), iamSource, "GetUser", arrival.Add(-time.Hour))
	s.did(stranger.as("bob"), "organizations.amazonaws.com", "ListAccounts", arrival.Add(-time.Hour))
	get := func(job string, sortKey *string) *api.GetOrganizationsAccessReportOutput {
		s.settle()
		return ok2(s.GetOrganizationsAccessReport(t.Context(), s.view(), s.root(), &api.GetOrganizationsAccessReportInput{JobId: job, SortKey: sortKey}))(t)
	}
	show := func(out *api.GetOrganizationsAccessReportOutput) string {
		var lines []string
		for _, d := range out.AccessDetails {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %d %s", d.ServiceNamespace, *d.TotalAuthenticatedEntities, valueOf(d.EntityPath))))
		}
		return strings.Join(lines, ", ")
	}
	job := s.startedOrganizationJob(orgPath, member.account)
	out := get(job, nil)
	equal(t, "status", out.JobStatus, "COMPLETED")
	path := orgPath + "/" + teamUnit + "/" + string(member.account)
	equal(t, "root", show(out), "iam 1 "+path+", organizations 0, stint 0, sts 2 "+path)
	equal(t, "accessible", *out.NumberOfServicesAccessible, 4)
	equal(t, "not accessed", *out.NumberOfServicesNotAccessed, 2)
	for sortKey, want := range map[string]string{
		"SERVICE_NAMESPACE_DESCENDING":       "sts stint organizations iam",
		"LAST_AUTHENTICATED_TIME_ASCENDING":  "organizations stint sts iam",
		"LAST_AUTHENTICATED_TIME_DESCENDING": "iam sts organizations stint",
	} {
		var got []string
		for _, d := range get(job, &sortKey).AccessDetails {
			got = append(got, d.ServiceNamespace)
		}
		equal(t, sortKey, strings.Join(got, " "), want)
	}
	for entity, want := range map[string]string{
		orgPath + "/" + string(s.account): "iam 0, organizations 0, stint 0, sts 1 " + orgPath + "/" + string(s.account),
		orgPath + "/" + teamUnit:          "iam 1 " + path + ", organizations 0, stint 0, sts 1 " + path,
		path:                              "iam 1 " + path + ", organizations 0, stint 0, sts 1 " + path,
		orgPath + "/" + teamUnit + "/ou-abcd-empty000/": "iam 0, organizations 0, stint 0, sts 0",
	} {
		equal(t, entity, show(get(s.startedOrganizationJob(entity, member.account), nil)), want)
	}

	// What the policies of the organization do not allow is not listed.
	limited := s.organized(allowAction("iam:*"), member.account)
	for entity, want := range map[string]string{path: "iam 1 " + path, orgPath + "/" + string(s.account): "iam 0, organizations 0, stint 0, sts 1 " + orgPath + "/" + string(s.account)} {
		equal(t, "limited: "+entity, show(get(s.startedOrganizationJobIn(limited, &api.GenerateOrganizationsAccessReportInput{EntityPath: entity}), nil)), want)
	}
	byPolicy := get(s.startedOrganizationJobIn(limited, &api.GenerateOrganizationsAccessReportInput{EntityPath: orgPath, OrganizationsPolicyId: new("p-limited00")}), nil)
	equal(t, "by a policy", show(byPolicy), "iam 1 "+path)

	for _, path := range []string{"o-another123/r-abcd", orgPath + "/" + string(stranger.account), orgPath + "/" + string(member.account),
		orgPath + "/ou-abcd-12345678", orgPath + "/ou-abcd-empty000"} {
		failed := get(s.startedOrganizationJob(path, member.account), nil)
		equal(t, path, failed.JobStatus, "FAILED")
		equal(t, path, failed.ErrorDetails.Code+": "+failed.ErrorDetails.Message, "NoSuchEntity: The organization has no entity "+path+".")
	}
	failed := get(s.startedOrganizationJobIn(limited, &api.GenerateOrganizationsAccessReportInput{EntityPath: orgPath, OrganizationsPolicyId: new("p-12345678")}), nil)
	equal(t, "no such policy", failed.ErrorDetails.Message, "The organization has no policy p-12345678.")
	_, err := member.GenerateOrganizationsAccessReport(t.Context(), s.organized("", member.account), member.root(),
		&api.GenerateOrganizationsAccessReportInput{EntityPath: orgPath})
	refused(t, err, identity.AccessDenied, "You must be signed in to the management account of an organization to generate this report.")
}

func TestListPoliciesGrantingServiceAccess(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	bob := s.mustUser("bob").Clone()
	bob.Inline = append(bob.Inline, directory.InlinePolicy{Name: "list", Document: directory.NewDocument(listUsers)})
	s.put(bob)
	list := func(arn string, namespaces ...string) string {
		out := ok2(s.ListPoliciesGrantingServiceAccess(t.Context(), s.view(), s.as("caller"),
			&api.ListPoliciesGrantingServiceAccessInput{Arn: arn, ServiceNamespaces: namespaces}))(t)
		var lines []string
		for _, entry := range out.PoliciesGrantingServiceAccess {
			line := *entry.ServiceNamespace + ":"
			for _, p := range entry.Policies {
				line += " " + p.PolicyName + "/" + p.PolicyType + "/" + valueOf(p.EntityType) + "/" + valueOf(p.EntityName) + valueOf(p.PolicyArn)
			}
			lines = append(lines, line)
		}
		return strings.Join(lines, "\n")
	}
	equal(t, "bob", list(s.arn(atBob), "sts", "iam", "sqs"), "iam: list/INLINE/USER/bob\nsqs:\n"+
		"sts: in/INLINE/USER/bob p1/MANAGED//"+p1(s)+" in/INLINE/GROUP/devs")
	equal(t, "role", list(s.arn(atR1), "sts"), "sts: in/INLINE/ROLE/r1 p1/MANAGED//"+p1(s))
	equal(t, "group", list(s.arn(atDevs), "sts"), "sts: in/INLINE/GROUP/devs p1/MANAGED//"+p1(s))
}
