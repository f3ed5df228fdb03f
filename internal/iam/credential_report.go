package iam

import (
	"bytes"
	"context"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/password"
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
		report, err := s.credentialReport(v, req)
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
	noInformation = "no_information" // of a password that was never used
)

// credentialReport writes the account's root and then its users by name, in lines without an end after the last.
func (s *Service) credentialReport(v *directory.View, req *identity.Request) ([]byte, error) {
	a, ok := v.Account(req.Caller.Account)
	if !ok {
		return nil, noSuch("account", string(req.Caller.Account))
	}
	root := []string{"<root_account>", a.ARN, reportTime(a.Created), "false", notApplicable, notApplicable, notSupported}
	rows := [][]string{
		reportColumns,
		slices.Concat(root, mfaColumn(v, string(a.ID)), s.keyColumns(v, a.ID, a.RootKeys), certificateColumns(nil)),
	}
	for u := range v.Users(a.ID) {
		row := []string{u.Name, u.ARN, reportTime(u.Created)}
		rows = append(rows, slices.Concat(row, passwordColumns(a, u), mfaColumn(v, u.ID),
			s.keyColumns(v, a.ID, u.AccessKeys), certificateColumns(u.Certificates)))
	}
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// passwordColumns are password_enabled to password_next_rotation of a user.
func passwordColumns(a *directory.Account, u *directory.User) []string {
	if u.Login == nil {
		return []string{"false", notApplicable, notApplicable, notApplicable}
	}
	used, rotation := noInformation, notApplicable
	if !u.PasswordLastUsed.IsZero() {
		used = reportTime(u.PasswordLastUsed)
	}
	if end, ends := password.Expires(a, u.Login); ends {
		rotation = reportTime(end)
	}
	return []string{"true", used, reportTime(u.Login.Changed), rotation}
}

func mfaColumn(v *directory.View, ownerID string) []string {
	return []string{strconv.FormatBool(hasDevice(v, ownerID))}
}

// keyColumns are the columns of the access keys, in order of their ids.
func (s *Service) keyColumns(v *directory.View, account arn.AccountID, keys []directory.AccessKey) []string {
	var columns []string
	keys = slices.SortedFunc(slices.Values(keys), func(a, b directory.AccessKey) int { return strings.Compare(a.ID, b.ID) })
	for i := range maxKeys {
		if i >= len(keys) {
			columns = append(columns, "false", notApplicable, notApplicable, notApplicable, notApplicable)
			continue
		}
		columns = append(columns, strconv.FormatBool(keys[i].Status == directory.Active), reportTime(keys[i].Created))
		if u, used := s.Uses.Last(v, account, keys[i].ID); used {
			columns = append(columns, reportTime(u.Time), u.Region, u.Service)
		} else {
			columns = append(columns, notApplicable, notApplicable, notApplicable)
		}
	}
	return columns
}

// certificateColumns are the columns of the signing certificates, in order of their ids.
func certificateColumns(certificates []directory.SigningCertificate) []string {
	var columns []string
	certificates = slices.SortedFunc(slices.Values(certificates), func(a, b directory.SigningCertificate) int { return strings.Compare(a.ID, b.ID) })
	for i := range maxCertificates {
		active, rotated := "false", notApplicable
		if i < len(certificates) {
			active, rotated = strconv.FormatBool(certificates[i].Status == directory.Active), reportTime(certificates[i].Uploaded)
		}
		columns = append(columns, active, rotated)
	}
	return columns
}

func reportTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
