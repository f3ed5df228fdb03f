package iam

import (
	"bytes"
	"context"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// reportLife is how long a credential report is handed out before a new one is made (UG, credential reports).
const reportLife = 4 * time.Hour

// unknown is all that AWS says when there is no report to hand out (index id 70292668482).
const unknown = "Unknown"

// reportID names the account's one credential report among the jobs.
const reportID = "credential-report"

// GenerateCredentialReport makes a report on the credentials of all users, unless there is one that is young enough.
func (s *Service) GenerateCredentialReport(
	_ context.Context, v *directory.View, req *identity.Request, _ *api.Empty,
) (*api.GenerateCredentialReportOutput, error) {
	if err := s.authorize(v, req, ask{operation: "GenerateCredentialReport"}); err != nil {
		return nil, err
	}
	if j, ok := s.Jobs.find(reportID, "GenerateCredentialReport", req.Caller.Account); ok && !expired(&j, req) {
		if j.completed.IsZero() {
			return &api.GenerateCredentialReportOutput{State: new("INPROGRESS")}, nil
		}
		if j.failure == nil {
			return &api.GenerateCredentialReportOutput{State: new("COMPLETE")}, nil
		}
	}
	err := s.Jobs.begin(reportID, "GenerateCredentialReport", s.Jobs.views, req, func(context.Context) (any, int, error) {
		report, err := credentialReport(v, req)
		return report, len(report), err
	})
	if err != nil {
		return nil, err
	}
	return &api.GenerateCredentialReportOutput{
		State:       new("STARTED"),
		Description: new("No report exists. Starting a new report generation task"),
	}, nil
}

// GetCredentialReport hands out the account's report.
func (s *Service) GetCredentialReport(
	_ context.Context, v *directory.View, req *identity.Request, _ *api.Empty,
) (*api.GetCredentialReportOutput, error) {
	if err := s.authorize(v, req, ask{operation: "GetCredentialReport"}); err != nil {
		return nil, err
	}
	j, ok := s.Jobs.find(reportID, "GenerateCredentialReport", req.Caller.Account)
	switch {
	case !ok || j.failure != nil:
		return nil, identity.NewFault(identity.ReportNotPresent, unknown)
	case j.completed.IsZero():
		return nil, identity.NewFault(identity.ReportInProgress, unknown)
	case expired(&j, req):
		return nil, identity.NewFault(identity.ReportExpired, unknown)
	}
	return &api.GetCredentialReportOutput{Content: j.report.([]byte), ReportFormat: new("text/csv"), GeneratedTime: &j.completed}, nil
}

func expired(j *job, req *identity.Request) bool {
	return !j.completed.IsZero() && req.Time.Sub(j.completed) > reportLife
}

// The columns of the report (UG; the last that UG names, additional_credentials_info, AWS leaves out: index id 70292668482).
var reportColumns = strings.Fields(`user arn user_creation_time
	password_enabled password_last_used password_last_changed password_next_rotation mfa_active
	access_key_1_active access_key_1_last_rotated
	access_key_1_last_used_date access_key_1_last_used_region access_key_1_last_used_service
	access_key_2_active access_key_2_last_rotated
	access_key_2_last_used_date access_key_2_last_used_region access_key_2_last_used_service
	cert_1_active cert_1_last_rotated cert_2_active cert_2_last_rotated`)

const (
	notApplicable = "N/A"
	notSupported  = "not_supported"
)

// credentialReport writes the account's root and then its users by name, in lines without an end after the last.
func credentialReport(v *directory.View, req *identity.Request) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{reportColumns}
	if a, ok := v.Account(req.Caller.Account); ok {
		rows = append(rows, rootRow(v, a))
	}
	for u := range v.Users(req.Caller.Account) {
		row := []string{u.Name, u.ARN, reportTime(u.Created), "false", notApplicable, notApplicable, notApplicable}
		rows = append(rows, slices.Concat(row, credentialColumns(v, u.ID, u.AccessKeys)))
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

func rootRow(v *directory.View, a *directory.Account) []string {
	row := []string{"<root_account>", a.ARN, reportTime(a.Created), "false", notApplicable, notApplicable, notSupported}
	return slices.Concat(row, credentialColumns(v, string(a.ID), a.RootKeys))
}

// credentialColumns are the columns from mfa_active on. Keys come in order of their ids.
func credentialColumns(v *directory.View, ownerID string, keys []directory.AccessKey) []string {
	columns := []string{strconv.FormatBool(hasDevice(v, ownerID))}
	keys = slices.SortedFunc(slices.Values(keys), func(a, b directory.AccessKey) int { return strings.Compare(a.ID, b.ID) })
	for i := range maxKeys {
		active, rotated := "false", notApplicable
		if i < len(keys) {
			active, rotated = strconv.FormatBool(keys[i].Status == directory.Active), reportTime(keys[i].Created)
		}
		columns = append(columns, active, rotated, notApplicable, notApplicable, notApplicable)
	}
	return append(columns, "false", notApplicable, "false", notApplicable)
}

func reportTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
