package iam

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

func trusting(principal string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole"}]}`
}

func decoded(t *testing.T, text *string) string {
	t.Helper()
	out, err := url.PathUnescape(*text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Which members an answer has was recorded (docs/wire-compatibility.md §11).
func TestRoleAnswers(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	created := ok2(s.CreateRole(ctx, s.view(), r, &api.CreateRoleInput{RoleName: "new", Path: new("/px/"), AssumeRolePolicyDocument: anyone, Tags: tagged}))(t).Role
	equal(t, "ARN", created.Arn, s.arn("role/px/new"))
	equal(t, "prefix of the id", arn.PrefixOf(created.RoleId), arn.RoleID)
	equal(t, "trust", decoded(t, created.AssumeRolePolicyDocument), anyone)
	equal(t, "tags", len(created.Tags), 1)
	if created.MaxSessionDuration != nil || created.RoleLastUsed != nil || created.PermissionsBoundary != nil || created.Description != nil {
		t.Errorf("CreateRole answers too much: %+v", created)
	}
	got := ok2(s.GetRole(ctx, s.view(), r, &api.GetRoleInput{RoleName: "r1"}))(t).Role
	equal(t, "MaxSessionDuration", *got.MaxSessionDuration, 3600)
	equal(t, "boundary", *got.PermissionsBoundary.PermissionsBoundaryArn, s.arn("policy/edge"))
	equal(t, "RoleLastUsed", *got.RoleLastUsed, api.RoleLastUsed{})
	equal(t, "tags", len(got.Tags), 1)
	bare := ok2(s.GetRole(ctx, s.view(), r, &api.GetRoleInput{RoleName: "bare"}))(t).Role
	if bare.Tags != nil || bare.PermissionsBoundary != nil {
		t.Errorf("GetRole shows what is not there: %+v", bare)
	}
	all := ok2(s.ListRoles(ctx, s.view(), r, &api.ListRolesInput{PathPrefix: new("/rx/")}))(t)
	equal(t, "roles", len(all.Roles), 1)
	equal(t, "MaxSessionDuration in a list", *all.Roles[0].MaxSessionDuration, 3600)
	if l := all.Roles[0]; l.Tags != nil || l.PermissionsBoundary != nil || l.RoleLastUsed != nil {
		t.Errorf("ListRoles shows too much: %+v", l)
	}
	_, err := s.CreateRole(ctx, s.view(), r, &api.CreateRoleInput{RoleName: "R1", AssumeRolePolicyDocument: anyone})
	refused(t, err, identity.EntityAlreadyExists, "Role with name R1 already exists.")
	_, err = s.GetRole(ctx, s.view(), r, &api.GetRoleInput{RoleName: "ghost"})
	refused(t, err, identity.NoSuchEntity, "The role with name ghost cannot be found.")
}

func TestTrustPolicies(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	long := func(n int) string { // n characters that count, and some that do not
		text := trusting(s.arn(atBob))
		return "  " + strings.Replace(text, `"Effect"`, `"Sid":"`+strings.Repeat("x", n-len(text)-len(`"Sid":"",`))+`","Effect"`, 1) + "\n\t"
	}
	for _, tt := range []struct {
		name, text string
		code       identity.Code
		message    string // empty: accepted
	}{
		{"user", trusting(s.arn(atBob)), "", ""},
		{"role", trusting(s.arn(atR1)), "", ""},
		{"account", trusting(s.arn("root")), "", ""},
		{"everyone", trusting("*"), "", ""},
		{"session", trusting("arn:aws:sts::" + string(s.account) + ":assumed-role/ghost/s"), "", ""},
		{"id of a user that lives", trusting(s.mustUser("bob").ID), "", ""},
		{"2,048 characters", long(2048), "", ""},
		{"2,049 characters", long(2049), identity.LimitExceeded, "Cannot exceed quota for ACLSizePerRole: 2048"},
		{"not JSON", `{"Version":`, identity.MalformedPolicyDocument, "This policy contains invalid Json"},
		{"Resource", strings.Replace(trusting("*"), `"Action"`, `"Resource":"*","Action"`, 1), identity.MalformedPolicyDocument, "Has prohibited field Resource"},
		{"unknown user", trusting(s.arn("user/ghost")), identity.MalformedPolicyDocument,
			`Invalid principal in policy: "AWS":"` + s.arn("user/ghost") + `"`},
		{"user without its path", trusting(s.arn("user/bob")), identity.MalformedPolicyDocument,
			`Invalid principal in policy: "AWS":"` + s.arn("user/bob") + `"`},
		{"user in another case", trusting(s.arn("user/px/BOB")), identity.MalformedPolicyDocument,
			`Invalid principal in policy: "AWS":"` + s.arn("user/px/BOB") + `"`},
		{"id of nobody", trusting("AIDAQQQQQQQQQQQQQQQQQ"), identity.MalformedPolicyDocument,
			`Invalid principal in policy: "AWS":"AIDAQQQQQQQQQQQQQQQQQ"`},
		{"foreign action", strings.Replace(trusting("*"), "sts:AssumeRole", "s3:GetObject", 1), identity.MalformedPolicyDocument,
			"AssumeRole policy may only specify STS AssumeRole actions."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, _ := s.view().Role(s.account, "bare")
			_, err := s.UpdateAssumeRolePolicy(ctx, s.view(), r, &api.UpdateAssumeRolePolicyInput{RoleName: "bare", PolicyDocument: tt.text})
			if tt.message == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			refused(t, err, tt.code, tt.message)
			after, _ := s.view().Role(s.account, "bare")
			equal(t, "trust policy", after.Trust.Text(), before.Trust.Text())
			_, err = s.CreateRole(ctx, s.view(), r, &api.CreateRoleInput{RoleName: "other", AssumeRolePolicyDocument: tt.text})
			refused(t, err, tt.code, tt.message)
		})
	}
}

// A principal that is deleted and made anew is another one (UG, Principal): the trust policy keeps the id, and shows it.
func TestTrustNamesTheUserNotTheName(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	shown := func() string {
		return decoded(t, ok2(s.GetRole(ctx, s.view(), r, &api.GetRoleInput{RoleName: "bare"}))(t).Role.AssumeRolePolicyDocument)
	}
	ok2(s.UpdateAssumeRolePolicy(ctx, s.view(), r, &api.UpdateAssumeRolePolicyInput{RoleName: "bare", PolicyDocument: trusting(s.arn(atPlain))}))(t)
	id := s.mustUser("plain").ID
	stored, _ := s.view().Role(s.account, "bare")
	equal(t, "stored", stored.Trust.Text(), trusting(id))
	equal(t, "shown", shown(), trusting(s.arn(atPlain)))
	ok2(s.UpdateUser(ctx, s.view(), r, &api.UpdateUserInput{UserName: "plain", NewUserName: new("plane")}))(t)
	equal(t, "shown after renaming", shown(), trusting(s.arn("user/plane")))
	ok2(s.DeleteUser(ctx, s.view(), r, &api.DeleteUserInput{UserName: "plane"}))(t)
	ok2(s.CreateUser(ctx, s.view(), r, &api.CreateUserInput{UserName: "plain"}))(t)
	equal(t, "shown after deletion", shown(), trusting(id))
}

func TestUpdateRole(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	role := func() *directory.Role {
		found, _ := s.view().Role(s.account, "bare")
		return found
	}
	ok2(s.UpdateRole(ctx, s.view(), r, &api.UpdateRoleInput{RoleName: "bare", Description: new("d"), MaxSessionDuration: new(int32(43200))}))(t)
	equal(t, "description", *role().Description, "d")
	equal(t, "seconds", role().MaxSessionSeconds, 43200)
	ok2(s.UpdateRole(ctx, s.view(), r, &api.UpdateRoleInput{RoleName: "bare"}))(t)
	equal(t, "description that was not given", *role().Description, "d")
	equal(t, "seconds that were not given", role().MaxSessionSeconds, 3600)
	out := ok2(s.UpdateRoleDescription(ctx, s.view(), r, &api.UpdateRoleDescriptionInput{RoleName: "bare", Description: "e"}))(t)
	equal(t, "description", *out.Role.Description, "e")
	equal(t, "stored description", *role().Description, "e")
}

func TestServiceLinkedRolesAreProtected(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	linked := s.newRole("/aws-service-role/x.amazonaws.com/", "AWSServiceRoleForX")
	linked.Attached = []string{p1(s)}
	s.put(linked)
	const message = "Cannot perform the operation on the protected role 'AWSServiceRoleForX' - this role is only modifiable by AWS"
	name := linked.Name
	_, err := s.DeleteRole(ctx, s.view(), r, &api.DeleteRoleInput{RoleName: name})
	refused(t, err, identity.UnmodifiableEntity, message)
	_, err = s.UpdateAssumeRolePolicy(ctx, s.view(), r, &api.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: anyone})
	refused(t, err, identity.UnmodifiableEntity, message)
	_, err = s.AttachRolePolicy(ctx, s.view(), r, &api.AttachRolePolicyInput{RoleName: name, PolicyArn: free(s)})
	refused(t, err, identity.UnmodifiableEntity, message)
	_, err = s.PutRolePolicy(ctx, s.view(), r, &api.PutRolePolicyInput{RoleName: name, PolicyName: "p", PolicyDocument: allowAll})
	refused(t, err, identity.UnmodifiableEntity, message)
	equal(t, "attached", len(ok2(s.ListAttachedRolePolicies(ctx, s.view(), r, &api.ListAttachedRolePoliciesInput{RoleName: name}))(t).AttachedPolicies), 1)
}

func TestDeleteRole(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	remove := func() error {
		_, err := s.DeleteRole(ctx, s.view(), r, &api.DeleteRoleInput{RoleName: "r1"})
		return err
	}
	refused(t, remove(), identity.DeleteConflict, "Cannot delete entity, must detach all policies first.")
	ok2(s.DetachRolePolicy(ctx, s.view(), r, &api.DetachRolePolicyInput{RoleName: "r1", PolicyArn: p1(s)}))(t)
	refused(t, remove(), identity.DeleteConflict, "Cannot delete entity, must delete policies first.")
	ok2(s.DeleteRolePolicy(ctx, s.view(), r, &api.DeleteRolePolicyInput{RoleName: "r1", PolicyName: "in"}))(t)
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	refused(t, remove(), identity.NoSuchEntity, "The role with name r1 cannot be found.")
}

func TestDocumentsAreEncodedByRFC3986(t *testing.T) {
	t.Parallel()
	equal(t, "encoded", encoded("aZ09-_.~ *+/%3A\"é\n"), "aZ09-_.~%20%2A%2B%2F%253A%22%C3%A9%0A")
}
