package sts_test

import (
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/identity"
)

const auditTask = "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"

// managing puts the accounts into an organization that A manages, with root sessions.
func managing(w *world) *directory.Organization {
	o := &directory.Organization{ID: "o-abcdefghij", RootID: "r-abcd", ManagementAccount: dt.A, Members: []arn.AccountID{dt.A, dt.B}, RootSessions: true}
	w.Put(o)
	w.Put(&directory.ManagedPolicy{
		Account: directory.AWSAccount, Name: "IAMAuditRootUserCredentials", Path: "/root-task/", ID: "ANPAAUDIT", ARN: auditTask,
		Versions: []directory.PolicyVersion{{ID: "v1", Document: directory.NewDocument(
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:ListAccessKeys","Resource":"*"}}`)}},
		DefaultVersion: "v1",
	})
	return o
}

func (w *world) assumeRoot(v *directory.View, c identity.Caller, in api.AssumeRootInput) (*api.AssumeRootOutput, error) {
	if in.TargetPrincipal == "" {
		in.TargetPrincipal = string(dt.B)
	}
	if in.TaskPolicyArn.Arn == nil {
		in.TaskPolicyArn.Arn = new(auditTask)
	}
	return w.service.AssumeRoot(w.t.Context(), v, w.request(c), &in)
}

func deniedRoot(c identity.Caller, account arn.AccountID) string {
	return "User: " + c.ARN + " is not authorized to perform: sts:AssumeRoot on resource: " + arn.Root(arn.AWS, account)
}

func TestAssumeRoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	managing(w)
	u := w.User(dt.A, "admin", dt.AllowAll)
	v := w.View()
	for _, target := range []string{string(dt.B), arn.Root(arn.AWS, dt.B)} {
		caller := user(u)
		caller.Session = &identity.Session{Kind: identity.RoleSession, SourceIdentity: "ann"}
		out, err := w.assumeRoot(v, caller, api.AssumeRootInput{TargetPrincipal: target})
		if err != nil {
			t.Fatal(err)
		}
		if !out.Credentials.Expiration.Equal(now.Add(15*time.Minute)) || out.SourceIdentity == nil || *out.SourceIdentity != "ann" {
			t.Errorf("expires %v, source identity %v", out.Credentials.Expiration, out.SourceIdentity)
		}
		s, err := w.service.Sealer.Open(v, out.Credentials.AccessKeyId, out.Credentials.SessionToken)
		if err != nil || s.Kind != identity.AssumedRootSession || s.Account != dt.B || s.PrincipalID != string(dt.B) || s.SourceIdentity != "ann" {
			t.Fatalf("session %+v, %v", s, err)
		}
		// The session does what its task allows and nothing else.
		c := root(dt.B)
		c.Session = s
		for action, allowed := range map[string]bool{"iam:ListAccessKeys": true, "iam:CreateUser": false, "sts:GetAccessKeyInfo": false} {
			if d := w.service.Authorizer.Authorize(v, w.request(c), authz.Query{Action: action, Resource: "*"}); d.Allowed() != allowed {
				t.Errorf("%s: allowed is %v", action, d.Allowed())
			}
		}
	}
	out, err := w.assumeRoot(v, user(u), api.AssumeRootInput{DurationSeconds: new(int32(0))})
	if err != nil || !out.Credentials.Expiration.Equal(now) || out.SourceIdentity != nil {
		t.Errorf("no seconds: %+v, %v", out, err)
	}
}

func TestAssumeRootRefusals(t *testing.T) {
	t.Parallel()
	only := func(task string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRoot","Resource":"` + arn.Root(arn.AWS, dt.B) +
			`","Condition":{"StringEquals":{"sts:TaskPolicyArn":"` + task + `"}}}}`
	}
	tests := []struct {
		name    string
		prepare func(w *world, o *directory.Organization)
		policy  string // of the caller; everything unless set
		account arn.AccountID
		in      api.AssumeRootInput
		code    identity.Code // empty: it works
		message string
	}{
		{name: "control"},
		{name: "the task's condition key", policy: only(auditTask)},
		{name: "another task alone", policy: only("arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"), code: identity.AccessDenied},
		{name: "no policy", policy: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}`,
			code: identity.AccessDenied},
		{name: "no organization", prepare: func(w *world, o *directory.Organization) { w.Remove(o.Key()) }, code: identity.AccessDenied},
		{name: "no root sessions", prepare: func(_ *world, o *directory.Organization) { o.RootSessions = false }, code: identity.AccessDenied},
		{name: "the caller is a member", account: dt.B, in: api.AssumeRootInput{TargetPrincipal: string(dt.B)}, code: identity.AccessDenied},
		{name: "a delegated administrator for IAM", account: dt.B, prepare: func(w *world, _ *directory.Organization) {
			w.Put(&directory.Member{Account: dt.B, Parent: "r-abcd", Administers: []directory.Grant{{Service: "iam.amazonaws.com"}}})
		}},
		{name: "a delegated administrator for something else", account: dt.B, prepare: func(w *world, _ *directory.Organization) {
			w.Put(&directory.Member{Account: dt.B, Parent: "r-abcd", Administers: []directory.Grant{{Service: "sso.amazonaws.com"}}})
		}, code: identity.AccessDenied},
		{name: "the management account", in: api.AssumeRootInput{TargetPrincipal: string(dt.A)}, code: identity.AccessDenied},
		{name: "an account of nobody", in: api.AssumeRootInput{TargetPrincipal: "999999999999"}, code: identity.AccessDenied},
		{name: "a user", in: api.AssumeRootInput{TargetPrincipal: "arn:aws:iam::444455556666:user/root"}, code: identity.ValidationError,
			message: "arn:aws:iam::444455556666:user/root is invalid"},
		{name: "another partition", in: api.AssumeRootInput{TargetPrincipal: "arn:aws-cn:iam::444455556666:root"}, code: identity.ValidationError,
			message: "arn:aws-cn:iam::444455556666:root is invalid"},
		{name: "a number with a suffix", in: api.AssumeRootInput{TargetPrincipal: "444455556666:root"}, code: identity.ValidationError,
			message: "444455556666:root is invalid"},
		{name: "no task", in: api.AssumeRootInput{TaskPolicyArn: api.PolicyDescriptorType{Arn: new("arn:aws:iam::aws:policy/AdministratorAccess")}},
			code: identity.ValidationError, message: "arn:aws:iam::aws:policy/AdministratorAccess is not a task policy of AssumeRoot"},
		{name: "a task of the caller's making", in: api.AssumeRootInput{
			TaskPolicyArn: api.PolicyDescriptorType{Arn: new("arn:aws:iam::111122223333:policy/root-task/IAMAuditRootUserCredentials")}},
			code:    identity.ValidationError,
			message: "arn:aws:iam::111122223333:policy/root-task/IAMAuditRootUserCredentials is not a task policy of AssumeRoot"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			o := managing(w)
			text, account := tt.policy, tt.account
			if text == "" {
				text = dt.AllowAll
			}
			if account == "" {
				account = dt.A
			}
			u := w.User(account, "admin", text)
			if tt.prepare != nil {
				tt.prepare(w, o)
			}
			in := tt.in
			if in.TargetPrincipal == "" && account == dt.B {
				o.Members = append(o.Members, "777788889999")
				w.Put(&directory.Account{ID: "777788889999", ARN: arn.Root(arn.AWS, "777788889999")})
				in.TargetPrincipal = "777788889999"
			}
			_, err := w.assumeRoot(w.View(), user(u), in)
			switch {
			case tt.code == "" && err != nil:
				t.Error(err)
			case tt.code == identity.AccessDenied:
				target := arn.AccountID(in.TargetPrincipal)
				if target == "" {
					target = dt.B
				}
				wantFault(t, err, tt.code, deniedRoot(user(u), target))
			case tt.code != "":
				wantFault(t, err, tt.code, tt.message)
			}
		})
	}
	w := newWorld(t)
	managing(w)
	_, err := w.assumeRoot(w.View(), root(dt.A), api.AssumeRootInput{})
	wantFault(t, err, identity.AccessDenied, "Roles may not be assumed by root accounts.")
}
