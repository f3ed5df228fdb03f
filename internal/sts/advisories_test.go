package sts_test

import (
	"testing"

	"github.com/stint-sts/stint/internal/api"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/identity"
)

// advisory 57 (CVE-2026-6993, AWS's confused deputy): a role whose trust policy asks for an ExternalId is assumed by those who
// bring the right one, and by nobody who brings none, an empty one or another spelling.
func TestExternalIDMustBeThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice", dt.AllowAll)
	asking := func(operator, value string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + u.ID + `"},"Action":"sts:AssumeRole",` +
			`"Condition":{"` + operator + `":{"sts:ExternalId":"` + value + `"}}}]}`
	}
	exact := w.Role(dt.A, "exact", asking("StringEquals", "Customer-1"))
	abroad := w.Role(dt.B, "abroad", asking("StringEquals", "Customer-1"))
	anything := w.Role(dt.A, "anything", asking("StringLike", "*"))
	v := w.View()
	tests := []struct {
		name       string
		externalID *string
		exact, any bool
	}{
		{"the right one", new("Customer-1"), true, true},
		{"none", nil, false, false},
		{"another case", new("customer-1"), false, true},
		{"another", new("Customer-2"), false, true},
		{"a part", new("Customer-"), false, true},
		{"more", new("Customer-11"), false, true},
		{"the policy's wildcard", new("*"), false, true},
	}
	for _, tt := range tests {
		for role, allowed := range map[string]bool{exact.ARN: tt.exact, abroad.ARN: tt.exact, anything.ARN: tt.any} {
			_, err := w.assume(v, user(u), api.AssumeRoleInput{RoleArn: role, ExternalId: tt.externalID})
			if allowed {
				if err != nil {
					t.Errorf("%s, %s: %v", tt.name, role, err)
				}
				continue
			}
			wantFault(t, err, identity.AccessDenied, "User: "+u.ARN+" is not authorized to perform: sts:AssumeRole on resource: "+role)
		}
	}
}

// advisory 57: no request tells whom a service acts for, so that a trust policy which asks for it opens to nobody; and what a
// request does tell under other names is not taken for it.
func TestSourceKeysAreAbsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice", dt.AllowAll)
	for name, condition := range map[string]string{
		"ArnLike":      `{"ArnLike":{"aws:SourceArn":"*"}}`,
		"StringLike":   `{"StringLike":{"aws:SourceArn":"*"}}`,
		"StringEquals": `{"StringEquals":{"aws:SourceAccount":"111122223333"}}`,
		"OrgID":        `{"StringLike":{"aws:SourceOrgID":"*"}}`,
	} {
		role := w.Role(dt.A, name, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+u.ID+
			`"},"Action":"sts:AssumeRole","Condition":`+condition+`}]}`)
		_, err := w.assume(w.View(), user(u), api.AssumeRoleInput{RoleArn: role.ARN, ExternalId: new("111122223333")})
		wantFault(t, err, identity.AccessDenied, denied(user(u), "sts:AssumeRole", role))
	}
	open := w.Role(dt.A, "open", trust(u.ID))
	if _, err := w.assume(w.View(), user(u), api.AssumeRoleInput{RoleArn: open.ARN}); err != nil {
		t.Errorf("control: %v", err)
	}
}

// advisory 40 (SeaweedFS #10302): every operation that begins a session of a role asks its trust policy. A role that trusts
// nobody is out of reach of every operation and every caller that there is, those included whose policies allow everything.
func TestNoWayIntoARoleThatTrustsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.User(dt.A, "admin", dt.AllowAll)
	open := w.Role(dt.A, "open", trust(admin.ID), dt.AllowAll)
	closed := w.Role(dt.A, "closed", trust(w.User(dt.B, "else").ID), dt.AllowAll)
	v := w.View()
	session, err := w.assume(v, user(admin), api.AssumeRoleInput{RoleArn: open.ARN})
	if err != nil {
		t.Fatalf("control: %v", err)
	}
	token, err := w.service.GetSessionToken(t.Context(), v, w.request(user(admin)), &api.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	federated, err := w.service.GetFederationToken(t.Context(), v, w.request(user(admin)), &api.GetFederationTokenInput{Name: "closed", Policy: new(dt.AllowAll)})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]identity.Caller{
		"user": user(admin), "root": root(dt.A), "role session": w.as(v, session.Credentials),
		"user session": w.as(v, token.Credentials), "federated user": w.as(v, federated.Credentials),
	} {
		out, err := w.assume(v, c, api.AssumeRoleInput{RoleArn: closed.ARN})
		if err == nil {
			t.Errorf("%s became %s", name, out.AssumedRoleUser.Arn)
		}
		wantFault(t, err, identity.AccessDenied, map[bool]string{true: "Roles may not be assumed by root accounts.",
			false: denied(c, "sts:AssumeRole", closed)}[c.Kind == identity.Root])
		// What the other operations begin is never a session of that role.
		for _, credentials := range []*api.Credentials{session.Credentials, token.Credentials, federated.Credentials} {
			s, err := w.service.Sealer.Open(v, credentials.AccessKeyId, credentials.SessionToken)
			if err != nil || s.PrincipalID == closed.ID {
				t.Errorf("a session of %s, %v", s.PrincipalID, err)
			}
		}
	}
}
