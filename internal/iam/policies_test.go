package iam

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/identity"
)

// sized is an identity policy of n characters that count, and some that do not.
func sized(n int) string {
	const frame = `{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Allow","Action":"*","Resource":"*"}]}`
	return " " + strings.Replace(frame, `"Sid":""`, `"Sid":"`+strings.Repeat("x", n-len(frame))+`"`, 1) + "\r\n\t "
}

// Which members an answer has was recorded (docs/wire-compatibility.md §11).
func TestPolicyAnswers(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	created := ok2(s.CreatePolicy(ctx, s.view(), r, &api.CreatePolicyInput{PolicyName: "new", Path: new("/px/"), PolicyDocument: allowSTS, Description: new("d")}))(t).Policy
	equal(t, "ARN", *created.Arn, s.arn("policy/px/new"))
	equal(t, "prefix of the id", arn.PrefixOf(*created.PolicyId), arn.PolicyID)
	equal(t, "attachments", *created.AttachmentCount, 0)
	equal(t, "boundary uses", *created.PermissionsBoundaryUsageCount, 0)
	equal(t, "default version", *created.DefaultVersionId, "v1")
	equal(t, "attachable", *created.IsAttachable, true)
	if created.Description != nil || created.Tags != nil {
		t.Errorf("CreatePolicy answers too much: %+v", created)
	}
	got := ok2(s.GetPolicy(ctx, s.view(), r, &api.GetPolicyInput{PolicyArn: *created.Arn}))(t).Policy
	equal(t, "description", *got.Description, "d")
	if got.Tags == nil || len(got.Tags) != 0 {
		t.Error("GetPolicy always has Tags")
	}
	local := ok2(s.ListPolicies(ctx, s.view(), r, &api.ListPoliciesInput{PathPrefix: new("/px/")}))(t)
	equal(t, "policies", len(local.Policies), 1)
	if l := local.Policies[0]; l.Description != nil || l.Tags != nil {
		t.Errorf("ListPolicies shows too much: %+v", l)
	}
	_, err := s.CreatePolicy(ctx, s.view(), r, &api.CreatePolicyInput{PolicyName: "P1", PolicyDocument: allowSTS})
	refused(t, err, identity.EntityAlreadyExists, "A policy called P1 already exists. Duplicate names are not allowed.")
	_, err = s.GetPolicy(ctx, s.view(), r, &api.GetPolicyInput{PolicyArn: s.arn("policy/p1")})
	refused(t, err, identity.NoSuchEntity, "Policy "+s.arn("policy/p1")+" was not found.")
	_, err = s.GetPolicy(ctx, s.view(), r, &api.GetPolicyInput{PolicyArn: "longpolicynamebutnoarn"})
	refused(t, err, identity.ValidationError, "Invalid ARN:  Could not be parsed!")
}

func TestPolicyDocuments(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	for i, tt := range []struct {
		text    string
		code    identity.Code
		message string
	}{
		{sized(6144), "", ""},
		{sized(6145), identity.LimitExceeded, "Cannot exceed quota for PolicySize: 6144"},
		{"{", identity.MalformedPolicyDocument, "Syntax errors in policy."},
		{strings.Replace(allowAll, `"Version":"2012-10-17",`, "", 1), identity.MalformedPolicyDocument, "Policy document must be version 2012-10-17 or greater."},
		{trusting("*"), identity.MalformedPolicyDocument, "Policy document should not specify a principal."},
	} {
		_, err := s.CreatePolicy(ctx, s.view(), r, &api.CreatePolicyInput{PolicyName: fmt.Sprint("new", i), PolicyDocument: tt.text})
		_, err2 := s.CreatePolicyVersion(ctx, s.view(), r, &api.CreatePolicyVersionInput{PolicyArn: p1(s), PolicyDocument: tt.text})
		if tt.code == "" {
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			continue
		}
		refused(t, err, tt.code, tt.message)
		refused(t, err2, tt.code, tt.message)
	}
}

func TestPolicyVersions(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r, policy := t.Context(), s.as("caller"), p1(s)
	create := func(asDefault *bool) (*api.CreatePolicyVersionOutput, error) {
		return s.CreatePolicyVersion(ctx, s.view(), r, &api.CreatePolicyVersionInput{PolicyArn: policy, PolicyDocument: allowAll, SetAsDefault: asDefault})
	}
	remove := func(id string) error {
		_, err := s.DeletePolicyVersion(ctx, s.view(), r, &api.DeletePolicyVersionInput{PolicyArn: policy, VersionId: id})
		return err
	}
	v3 := ok2(create(new(true)))(t).PolicyVersion
	equal(t, "version", *v3.VersionId, "v3")
	equal(t, "default", *v3.IsDefaultVersion, true)
	v4 := ok2(create(nil))(t).PolicyVersion
	equal(t, "default", *v4.IsDefaultVersion, false)
	ok2(create(nil))(t)
	_, err := create(nil)
	refused(t, err, identity.LimitExceeded, "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
	refused(t, remove("v3"), identity.DeleteConflict, "Cannot delete the default version of a policy.")
	refused(t, remove("v9"), identity.NoSuchEntity, "Policy "+policy+" version v9 does not exist or is not attachable.")
	if err := remove("v5"); err != nil {
		t.Fatal(err)
	}
	v6 := ok2(create(nil))(t).PolicyVersion
	equal(t, "a number never comes back", *v6.VersionId, "v6")
	var listed []string
	for _, v := range ok2(s.ListPolicyVersions(ctx, s.view(), r, &api.ListPolicyVersionsInput{PolicyArn: policy}))(t).Versions {
		listed = append(listed, *v.VersionId)
		if v.Document != nil {
			t.Error("a list shows documents")
		}
	}
	equal(t, "versions", strings.Join(listed, " "), "v6 v4 v3 v2 v1")
	got := ok2(s.GetPolicyVersion(ctx, s.view(), r, &api.GetPolicyVersionInput{PolicyArn: policy, VersionId: "v3"}))(t).PolicyVersion
	equal(t, "document", *got.Document, encoded(allowAll))
	ok2(s.SetDefaultPolicyVersion(ctx, s.view(), r, &api.SetDefaultPolicyVersionInput{PolicyArn: policy, VersionId: "v1"}))(t)
	equal(t, "default", *ok2(s.GetPolicy(ctx, s.view(), r, &api.GetPolicyInput{PolicyArn: policy}))(t).Policy.DefaultVersionId, "v1")
	_, err = s.SetDefaultPolicyVersion(ctx, s.view(), r, &api.SetDefaultPolicyVersionInput{PolicyArn: policy, VersionId: "v5"})
	refused(t, err, identity.NoSuchEntity, "Policy "+policy+" version v5 does not exist or is not attachable.")
}

func TestDeletePolicy(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	remove := func(policyARN string) error {
		_, err := s.DeletePolicy(ctx, s.view(), r, &api.DeletePolicyInput{PolicyArn: policyARN})
		return err
	}
	refused(t, remove(p1(s)), identity.DeleteConflict, "Cannot delete a policy attached to entities.")
	refused(t, remove(s.arn("policy/edge")), identity.DeleteConflict, "Cannot delete a policy attached to entities.")
	ok2(s.CreatePolicyVersion(ctx, s.view(), r, &api.CreatePolicyVersionInput{PolicyArn: free(s), PolicyDocument: allowSTS}))(t)
	refused(t, remove(free(s)), identity.DeleteConflict, "This policy has more than one version. Before you delete a policy, you must "+
		"delete the policy's versions. The default version is deleted with the policy.")
	ok2(s.DeletePolicyVersion(ctx, s.view(), r, &api.DeletePolicyVersionInput{PolicyArn: free(s), VersionId: "v2"}))(t)
	if err := remove(free(s)); err != nil {
		t.Fatal(err)
	}
	refused(t, remove(free(s)), identity.NoSuchEntity, "Policy "+free(s)+" was not found.")
	const administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
	refused(t, remove(administrator), identity.AccessDenied,
		"User: "+s.arn("user/caller")+" is not authorized to perform: iam:DeletePolicy on resource: "+administrator)
}

func TestAttach(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	kinds := map[string]struct {
		attach, detach func(policyARN string) error
		list           func() ([]api.AttachedPolicy, error)
	}{
		"PoliciesPerUser": {
			func(p string) error {
				_, err := s.AttachUserPolicy(ctx, s.view(), r, &api.AttachUserPolicyInput{UserName: "plain", PolicyArn: p})
				return err
			},
			func(p string) error {
				_, err := s.DetachUserPolicy(ctx, s.view(), r, &api.DetachUserPolicyInput{UserName: "plain", PolicyArn: p})
				return err
			},
			func() ([]api.AttachedPolicy, error) {
				out, err := s.ListAttachedUserPolicies(ctx, s.view(), r, &api.ListAttachedUserPoliciesInput{UserName: "plain"})
				return out.AttachedPolicies, err
			},
		},
		"PoliciesPerGroup": {
			func(p string) error {
				_, err := s.AttachGroupPolicy(ctx, s.view(), r, &api.AttachGroupPolicyInput{GroupName: "empty", PolicyArn: p})
				return err
			},
			func(p string) error {
				_, err := s.DetachGroupPolicy(ctx, s.view(), r, &api.DetachGroupPolicyInput{GroupName: "empty", PolicyArn: p})
				return err
			},
			func() ([]api.AttachedPolicy, error) {
				out, err := s.ListAttachedGroupPolicies(ctx, s.view(), r, &api.ListAttachedGroupPoliciesInput{GroupName: "empty"})
				return out.AttachedPolicies, err
			},
		},
		"PoliciesPerRole": {
			func(p string) error {
				_, err := s.AttachRolePolicy(ctx, s.view(), r, &api.AttachRolePolicyInput{RoleName: "bare", PolicyArn: p})
				return err
			},
			func(p string) error {
				_, err := s.DetachRolePolicy(ctx, s.view(), r, &api.DetachRolePolicyInput{RoleName: "bare", PolicyArn: p})
				return err
			},
			func() ([]api.AttachedPolicy, error) {
				out, err := s.ListAttachedRolePolicies(ctx, s.view(), r, &api.ListAttachedRolePoliciesInput{RoleName: "bare"})
				return out.AttachedPolicies, err
			},
		},
	}
	for i := range maxAttached {
		s.put(s.newPolicy("/", fmt.Sprint("q", i), 1))
	}
	const readOnly = "arn:aws:iam::aws:policy/ReadOnlyAccess"
	for quota, k := range kinds {
		refused(t, k.attach("longpolicynamebutnoarn"), identity.ValidationError, "Invalid ARN:  Could not be parsed!")
		refused(t, k.attach(s.arn("policy/none123")), identity.NoSuchEntity, "Policy "+s.arn("policy/none123")+" does not exist or is not attachable.")
		refused(t, k.detach(readOnly), identity.NoSuchEntity, "Policy "+readOnly+" was not found.")
		for range 2 { // one that is attached may be attached again
			if err := k.attach(readOnly); err != nil {
				t.Fatal(err)
			}
		}
		for i := range maxAttached - 1 {
			if err := k.attach(s.arn(fmt.Sprint("policy/q", i))); err != nil {
				t.Fatal(err)
			}
		}
		refused(t, k.attach(s.arn("policy/q9")), identity.LimitExceeded, "Cannot exceed quota for "+quota+": 10")
		l := ok2(k.list())(t)
		equal(t, "attached", len(l), maxAttached)
		equal(t, "last by name", *l[maxAttached-1].PolicyArn, readOnly)
		if err := k.detach(s.arn("policy/q0")); err != nil {
			t.Fatal(err)
		}
		if err := k.attach(s.arn("policy/q9")); err != nil {
			t.Fatal(err)
		}
	}
	// AWS's policies are counted for the account alone.
	other := newStage(t, allowAll)
	equal(t, "attachments here", *ok2(s.GetPolicy(ctx, s.view(), r, &api.GetPolicyInput{PolicyArn: readOnly}))(t).Policy.AttachmentCount, 3)
	equal(t, "attachments elsewhere",
		*ok2(other.GetPolicy(ctx, s.view(), other.as("caller"), &api.GetPolicyInput{PolicyArn: readOnly}))(t).Policy.AttachmentCount, 0)
}

func TestListPolicies(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	names := func(in api.ListPoliciesInput) string {
		var out []string
		for _, p := range ok2(s.ListPolicies(t.Context(), s.view(), s.as("caller"), &in))(t).Policies {
			out = append(out, *p.PolicyName)
		}
		return strings.Join(out, " ")
	}
	equal(t, "local", names(api.ListPoliciesInput{Scope: new("Local")}), "edge free p1")
	equal(t, "attached", names(api.ListPoliciesInput{OnlyAttached: new(true)}), "edge p1")
	equal(t, "as permissions", names(api.ListPoliciesInput{PolicyUsageFilter: new("PermissionsPolicy")}), "p1")
	equal(t, "as boundary", names(api.ListPoliciesInput{PolicyUsageFilter: new("PermissionsBoundary")}), "edge")
	if aws := names(api.ListPoliciesInput{Scope: new("AWS")}); !strings.HasPrefix(aws, "AdministratorAccess AmazonS3FullAccess") {
		t.Errorf("AWS's policies are %s", aws)
	}
	if all := names(api.ListPoliciesInput{}); !strings.HasPrefix(all, "AdministratorAccess") || !strings.Contains(all, " edge free IAMAuditRootUserCredentials ") {
		t.Errorf("all policies are %s", all)
	}
}

func TestListEntitiesForPolicy(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	count := func(in api.ListEntitiesForPolicyInput) string {
		out := ok2(s.ListEntitiesForPolicy(t.Context(), s.view(), s.as("caller"), &in))(t)
		return fmt.Sprint(len(out.PolicyGroups), len(out.PolicyRoles), len(out.PolicyUsers))
	}
	edge := s.arn("policy/edge")
	equal(t, "all", count(api.ListEntitiesForPolicyInput{PolicyArn: p1(s)}), "1 1 1")
	equal(t, "users", count(api.ListEntitiesForPolicyInput{PolicyArn: p1(s), EntityFilter: new("User")}), "0 0 1")
	equal(t, "under a path", count(api.ListEntitiesForPolicyInput{PolicyArn: p1(s), PathPrefix: new("/rx/")}), "0 1 0")
	equal(t, "boundary", count(api.ListEntitiesForPolicyInput{PolicyArn: edge}), "0 1 1")
	equal(t, "boundary alone", count(api.ListEntitiesForPolicyInput{PolicyArn: edge, PolicyUsageFilter: new("PermissionsBoundary")}), "0 1 1")
	equal(t, "permissions alone", count(api.ListEntitiesForPolicyInput{PolicyArn: edge, PolicyUsageFilter: new("PermissionsPolicy")}), "0 0 0")
}

func TestInlinePolicies(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	putUser := func(name, text string) error {
		_, err := s.PutUserPolicy(ctx, s.view(), r, &api.PutUserPolicyInput{UserName: "plain", PolicyName: name, PolicyDocument: text})
		return err
	}
	putGroup := func(name, text string) error {
		_, err := s.PutGroupPolicy(ctx, s.view(), r, &api.PutGroupPolicyInput{GroupName: "empty", PolicyName: name, PolicyDocument: text})
		return err
	}
	putRole := func(name, text string) error {
		_, err := s.PutRolePolicy(ctx, s.view(), r, &api.PutRolePolicyInput{RoleName: "bare", PolicyName: name, PolicyDocument: text})
		return err
	}
	for _, tt := range []struct {
		put   func(name, text string) error
		quota int
		whose string
	}{{putUser, 2048, "user plain"}, {putGroup, 5120, "group empty"}, {putRole, 10240, "role bare"}} {
		for _, p := range []struct{ name, text string }{{"a", sized(1000)}, {"A", sized(1001)}, {"b", sized(tt.quota - 1001)}} {
			if err := tt.put(p.name, p.text); err != nil {
				t.Fatalf("%s: %v", tt.whose, err)
			}
		}
		refused(t, tt.put("b", sized(tt.quota-1000)), identity.LimitExceeded,
			fmt.Sprintf("Maximum policy size of %d bytes exceeded for %s", tt.quota, tt.whose))
		refused(t, tt.put("c", "[]"), identity.MalformedPolicyDocument, "Syntax errors in policy.")
	}
	for _, version := range []string{"", `"Version":"2008-10-17",`} { // refused only of managed policies
		old := strings.Replace(allowSTS, `"Version":"2012-10-17",`, version, 1)
		for _, put := range []func(name, text string) error{putUser, putGroup, putRole} {
			if err := put("b", old); err != nil {
				t.Fatalf("%s: %v", old, err)
			}
		}
	}
	out := ok2(s.GetUserPolicy(ctx, s.view(), r, &api.GetUserPolicyInput{UserName: "PLAIN", PolicyName: "a"}))(t)
	equal(t, "user", out.UserName, "plain")
	equal(t, "name", out.PolicyName, "A")
	equal(t, "document", out.PolicyDocument, encoded(sized(1001)))
	names := ok2(s.ListUserPolicies(ctx, s.view(), r, &api.ListUserPoliciesInput{UserName: "plain"}))(t).PolicyNames
	equal(t, "names", strings.Join(names, " "), "A b")
	_, err := s.GetUserPolicy(ctx, s.view(), r, &api.GetUserPolicyInput{UserName: "plain", PolicyName: "ghost"})
	refused(t, err, identity.NoSuchEntity, "The user policy with name ghost cannot be found.")
	_, err = s.GetGroupPolicy(ctx, s.view(), r, &api.GetGroupPolicyInput{GroupName: "empty", PolicyName: "ghost"})
	refused(t, err, identity.NoSuchEntity, "The group policy with name ghost cannot be found.")
	_, err = s.DeleteRolePolicy(ctx, s.view(), r, &api.DeleteRolePolicyInput{RoleName: "bare", PolicyName: "ghost"})
	refused(t, err, identity.NoSuchEntity, "The role policy with name ghost cannot be found.")
	refused(t, func() error {
		_, err := s.PutUserPolicy(ctx, s.view(), r, &api.PutUserPolicyInput{UserName: "ghost", PolicyName: "p", PolicyDocument: allowSTS})
		return err
	}(), identity.NoSuchEntity, "The user with name ghost cannot be found.")
}

func TestBoundaries(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	put := func(policyARN string) error {
		_, err := s.PutUserPermissionsBoundary(ctx, s.view(), r, &api.PutUserPermissionsBoundaryInput{UserName: "plain", PermissionsBoundary: policyARN})
		return err
	}
	if err := put(free(s)); err != nil {
		t.Fatal(err)
	}
	equal(t, "boundary", s.mustUser("plain").Boundary, free(s))
	refused(t, put(s.arn("policy/ghost")), identity.NoSuchEntity, "Scope ARN: "+s.arn("policy/ghost")+" does not exist or is not attachable.")
	refused(t, put("longpolicynamebutnoarn"), identity.ValidationError, "Invalid ARN:  Could not be parsed!")
	equal(t, "boundary", s.mustUser("plain").Boundary, free(s))
	for range 2 {
		ok2(s.DeleteUserPermissionsBoundary(ctx, s.view(), r, &api.DeleteUserPermissionsBoundaryInput{UserName: "plain"}))(t)
	}
	equal(t, "boundary", s.mustUser("plain").Boundary, "")
	ok2(s.PutRolePermissionsBoundary(ctx, s.view(), r, &api.PutRolePermissionsBoundaryInput{RoleName: "bare", PermissionsBoundary: free(s)}))(t)
	bare, _ := s.view().Role(s.account, "bare")
	equal(t, "boundary", bare.Boundary, free(s))
}
