package iam

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/lastuse"
	"github.com/stint-sts/stint/internal/secret"
)

func TestCredentialReport(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	bob := s.mustUser("bob").Clone()
	first := bob.AccessKeys[0]
	second := directory.AccessKey{ID: "AKIA0", Secret: directory.Protected{Key: secret.FromString("k")}, Status: directory.Inactive, Created: first.Created.Add(time.Hour)}
	bob.AccessKeys = append(bob.AccessKeys, second)
	s.put(bob)
	const at, nothing = "2026-01-02T03:04:05Z", "false,N/A,N/A,N/A,N/A"
	want := "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active," +
		"access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service," +
		"access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service," +
		"cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated\n" +
		"<root_account>," + s.arn("root") + "," + at + ",false,N/A,N/A,not_supported,false," + nothing + "," + nothing + ",false,N/A,false,N/A\n" +
		"bob," + s.arn(atBob) + "," + at + ",false,N/A,N/A,N/A,true,false,2026-01-02T04:04:05Z,N/A,N/A,N/A,true," + at + ",N/A,N/A,N/A,false,N/A,false,N/A\n" +
		"caller," + s.arn("user/caller") + "," + at + ",false,N/A,N/A,N/A,false," + nothing + "," + nothing + ",false,N/A,false,N/A\n" +
		"plain," + s.arn(atPlain) + "," + at + ",false,N/A,N/A,N/A,false," + nothing + "," + nothing + ",false,N/A,false,N/A"
	if got := s.credentialReport(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	out := ok2(s.GetCredentialReport(t.Context(), s.view(), s.root(), &api.Empty{}))(t)
	equal(t, "format", *out.ReportFormat, "text/csv")
	equal(t, "time", *out.GeneratedTime, arrival.Truncate(time.Second))
}

func TestCredentialReportOfUse(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	bob := s.mustUser("bob").Clone()
	bob.Login = &directory.Login{Created: day(1), Changed: day(2), Hash: directory.Protected{Key: secret.FromString("h")}}
	bob.Certificates = []directory.SigningCertificate{
		{ID: "B", Body: "b", Status: directory.Active, Uploaded: day(4)}, {ID: "A", Body: "a", Status: directory.Inactive, Uploaded: day(3)},
	}
	s.put(bob)
	s.Uses.(*lastuse.Tracker).Note(&identity.Caller{Kind: identity.User, Account: s.account, AccessKeyID: bob.AccessKeys[0].ID}, day(5), "s3", "eu-west-1")
	columns := func() string {
		report, err := s.Service.credentialReport(s.view(), s.root())
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(report)) {
			if rest, ok := strings.CutPrefix(line, "bob,"+bob.ARN+","+reportTime(bob.Created)+","); ok {
				return strings.TrimSpace(strings.ReplaceAll(rest, "T00:00:00Z", ""))
			}
		}
		t.Fatalf("no bob in %s", report)
		return ""
	}
	rest := ",true,true," + reportTime(bob.AccessKeys[0].Created) + ",2026-01-05,eu-west-1,s3,false,N/A,N/A,N/A,N/A,false,2026-01-03,true,2026-01-04"
	equal(t, "a password that was never used and never expires", columns(), "true,no_information,2026-01-02,N/A"+rest)

	bob = s.mustUser("bob").Clone()
	bob.PasswordLastUsed = day(6)
	a, _ := s.view().Account(s.account)
	a = a.Clone()
	a.Passwords = &directory.PasswordPolicy{MinimumLength: 6, MaxAgeDays: 10}
	s.put(bob, a)
	equal(t, "a password that was used and expires", columns(), "true,2026-01-06,2026-01-02,2026-01-12"+rest)
}

func TestCredentialReportStates(t *testing.T) {
	t.Parallel()
	s, other := newStage(t, allowAll), newStage(t, allowAll)
	other.Jobs = s.Jobs
	generate := func(r *identity.Request) (state, description string) {
		out := ok2(s.GenerateCredentialReport(t.Context(), s.view(), r, &api.Empty{}))(t)
		return *out.State, valueOf(out.Description)
	}
	get := func(s *stage, r *identity.Request) error {
		_, err := s.GetCredentialReport(t.Context(), s.view(), r, &api.Empty{})
		return err
	}
	refused(t, get(s, s.root()), identity.ReportNotPresent, "Unknown")

	s.Jobs.views <- struct{}{} // another job runs
	state, description := generate(s.root())
	equal(t, "state", state, "STARTED")
	equal(t, "description", description, "No report exists. Starting a new report generation task")
	state, _ = generate(s.root())
	equal(t, "state meanwhile", state, "INPROGRESS")
	refused(t, get(s, s.root()), identity.ReportInProgress, "Unknown")
	<-s.Jobs.views
	s.settle()
	state, _ = generate(s.root())
	equal(t, "state afterwards", state, "COMPLETE")
	equal(t, "report", get(s, s.root()), nil)
	refused(t, get(other, other.root()), identity.ReportNotPresent, "Unknown")

	// For four hours the report stays what it was.
	s.put(s.newUser("/", "zoe"))
	late := s.root()
	late.Time = arrival.Truncate(time.Second).Add(reportLife)
	equal(t, "report after four hours", get(s, late), nil)
	state, _ = generate(late)
	equal(t, "state after four hours", state, "COMPLETE")
	late.Time = late.Time.Add(time.Second)
	refused(t, get(s, late), identity.ReportExpired, "Unknown")
	state, _ = generate(late)
	equal(t, "state after that", state, "STARTED")
	s.settle()
	if text := s.credentialReport(); !strings.Contains(text, "\nzoe,") {
		t.Errorf("the new report lacks the new user: %s", text)
	}
}

func TestJobsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	s.Jobs.logs <- struct{}{}
	ids := make([]string, maxAccountJobs)
	for i := range ids {
		ids[i] = s.startedJob(atBob, nil)
	}
	_, err := s.GenerateServiceLastAccessedDetails(t.Context(), s.view(), s.root(), &api.GenerateServiceLastAccessedDetailsInput{Arn: s.arn(atBob)})
	refused(t, err, identity.LimitExceeded, "Too many reports are being generated. Wait until they are complete.")
	<-s.Jobs.logs
	s.settle()
	newest := s.startedJob(atBob, nil)
	for id, want := range map[string]bool{ids[0]: false, ids[1]: true, newest: true} {
		_, err := s.GetServiceLastAccessedDetails(t.Context(), s.view(), s.root(), &api.GetServiceLastAccessedDetailsInput{JobId: id})
		if (err == nil) != want {
			t.Errorf("job %s: %v, want it kept: %v", id, err, want)
		}
	}
	s.Jobs.Close()
	s.settle()
}

func TestJobsEndWithTheNode(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	s.Jobs.logs <- struct{}{}
	id := s.startedJob(atBob, nil)
	s.Jobs.Close()
	out := ok2(s.GetServiceLastAccessedDetails(t.Context(), s.view(), s.root(), &api.GetServiceLastAccessedDetailsInput{JobId: id}))(t)
	equal(t, "status", out.JobStatus, "IN_PROGRESS")
	equal(t, "failure of a broken log", failureOf(errors.New("x")).Code, "ServiceFailure")
}
