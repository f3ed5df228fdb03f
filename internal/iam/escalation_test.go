package iam

import (
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// What is not there is refused in the same words as what is: the ARN is the one that the request means.
func TestAuthorizationComesBeforeExistence(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowSTS)
	r := s.as("caller")
	_, err := s.GetUser(t.Context(), s.view(), r, &api.GetUserInput{UserName: new("ghost")})
	s.denied(err, "GetUser", s.arn("user/ghost"))
	_, err = s.GetRole(t.Context(), s.view(), r, &api.GetRoleInput{RoleName: "ghost"})
	s.denied(err, "GetRole", s.arn("role/ghost"))
	_, err = s.GetPolicy(t.Context(), s.view(), r, &api.GetPolicyInput{PolicyArn: s.arn("policy/ghost")})
	s.denied(err, "GetPolicy", s.arn("policy/ghost"))
	_, err = s.CreateUser(t.Context(), s.view(), r, &api.CreateUserInput{UserName: "bob"})
	s.denied(err, "CreateUser", s.arn("user/bob"))

	s.permit(allowAll)
	_, err = s.GetUser(t.Context(), s.view(), r, &api.GetUserInput{UserName: new("ghost")})
	refused(t, err, identity.NoSuchEntity, "The user with name ghost cannot be found.")
}

// advisory 30 (CVE-2022-24842): keys of another user need permission on that user, and permission on one user never leads to
// another's key.
func TestKeysOfOthersNeedPermissionOnThem(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowing("*", []string{"arn:aws:iam::*:user/${aws:username}"}, nil))
	r, ctx := s.as("caller"), t.Context()
	for _, own := range []*string{nil, new("caller"), new("CALLER")} {
		created := ok2(s.CreateAccessKey(ctx, s.view(), r, &api.CreateAccessKeyInput{UserName: own}))(t)
		if _, err := s.DeleteAccessKey(ctx, s.view(), r, &api.DeleteAccessKeyInput{UserName: own, AccessKeyId: created.AccessKey.AccessKeyId}); err != nil {
			t.Fatal(err)
		}
	}
	bobs := s.mustUser("bob").AccessKeys[0].ID
	_, err := s.CreateAccessKey(ctx, s.view(), r, &api.CreateAccessKeyInput{UserName: new("bob")})
	s.denied(err, "CreateAccessKey", s.arn(atBob))
	_, err = s.UpdateAccessKey(ctx, s.view(), r, &api.UpdateAccessKeyInput{UserName: new("bob"), AccessKeyId: bobs, Status: "Inactive"})
	s.denied(err, "UpdateAccessKey", s.arn(atBob))
	for _, own := range []*string{nil, new("caller")} {
		_, err = s.UpdateAccessKey(ctx, s.view(), r, &api.UpdateAccessKeyInput{UserName: own, AccessKeyId: bobs, Status: "Inactive"})
		refused(t, err, identity.NoSuchEntity, "The Access Key with id "+bobs+" cannot be found")
		_, err = s.DeleteAccessKey(ctx, s.view(), r, &api.DeleteAccessKeyInput{UserName: own, AccessKeyId: bobs})
		refused(t, err, identity.NoSuchEntity, "The Access Key with id "+bobs+" cannot be found")
	}
	equal(t, "bob's key", s.mustUser("bob").AccessKeys[0].Status, directory.Active)
}

// advisory 46 (CVE-2025-64761): no spelling of a name escapes what is said of it.
func TestNamesAreComparedInOneForm(t *testing.T) {
	t.Parallel()
	s := newStage(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"},`+
		`{"Effect":"Deny","Action":"iam:GetUser","Resource":"arn:aws:iam::*:user/px/bob"}]}`)
	for _, name := range []string{"bob", "BOB", "bOb"} {
		_, err := s.GetUser(t.Context(), s.view(), s.as("caller"), &api.GetUserInput{UserName: &name})
		refused(t, err, identity.AccessDenied, "User: "+s.arn("user/caller")+" is not authorized to perform: iam:GetUser on resource: "+
			s.arn(atBob)+" with an explicit deny in an identity-based policy")
		_, err = s.CreateUser(t.Context(), s.view(), s.as("caller"), &api.CreateUserInput{UserName: name})
		refused(t, err, identity.EntityAlreadyExists, "User with name "+name+" already exists.")
	}
	if _, err := s.GetUser(t.Context(), s.view(), s.as("caller"), &api.GetUserInput{UserName: new("PLAIN")}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/aws-service-role/x/", "/AWS-Service-Role/x/"} {
		_, err := s.CreateRole(t.Context(), s.view(), s.root(), &api.CreateRoleInput{RoleName: "slr", Path: &path, AssumeRolePolicyDocument: anyone})
		refused(t, err, identity.InvalidInput, "The path /aws-service-role/ is reserved for service-linked roles.")
	}
}

// advisory 47 (CVE-2024-9180): nobody raises itself without being allowed to.
func TestSelfModificationNeedsPermission(t *testing.T) {
	t.Parallel()
	s := newStage(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:DeleteUser","Resource":"*",`+
		`"Condition":{"StringEquals":{"aws:PrincipalTag/admin":"yes"}}}]}`)
	r, self := s.as("caller"), s.arn("user/caller")
	tag := []api.Tag{{Key: "admin", Value: "yes"}}
	_, err := s.TagUser(t.Context(), s.view(), r, &api.TagUserInput{UserName: "caller", Tags: tag})
	s.denied(err, "TagUser", self)
	_, err = s.PutUserPolicy(t.Context(), s.view(), r, &api.PutUserPolicyInput{UserName: "caller", PolicyName: "x", PolicyDocument: allowAll})
	s.denied(err, "PutUserPolicy", self)
	_, err = s.AddUserToGroup(t.Context(), s.view(), r, &api.AddUserToGroupInput{UserName: "caller", GroupName: "devs"})
	s.denied(err, "AddUserToGroup", s.arn(atDevs))
	_, err = s.UpdateAssumeRolePolicy(t.Context(), s.view(), s.inRole("bare"), &api.UpdateAssumeRolePolicyInput{RoleName: "bare", PolicyDocument: anyone})
	refused(t, err, identity.AccessDenied, "User: arn:aws:sts::"+string(s.account)+":assumed-role/bare/s is not authorized to perform: "+
		"iam:UpdateAssumeRolePolicy on resource: "+s.arn(atBare)+" because no identity-based policy allows the iam:UpdateAssumeRolePolicy action")
	_, err = s.DeleteUser(t.Context(), s.view(), r, &api.DeleteUserInput{UserName: "plain"})
	s.denied(err, "DeleteUser", s.arn(atPlain))

	if _, err := s.TagUser(t.Context(), s.view(), s.root(), &api.TagUserInput{UserName: "caller", Tags: tag}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteUser(t.Context(), s.view(), r, &api.DeleteUserInput{UserName: "plain"}); err != nil {
		t.Fatalf("with the tag: %v", err)
	}
}

// advisory 47: who may create may not thereby tag: that is a permission of its own, judged with the request's tags on what is
// to be created, and needed only if there are tags.
func TestTagsAtCreationNeedPermission(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		create, tag, resource string
		do                    func(s *stage, tags []api.Tag) error
	}{
		{"CreateUser", "TagUser", "user/n/new", func(s *stage, tags []api.Tag) error {
			_, err := s.CreateUser(s.t.Context(), s.view(), s.as("caller"), &api.CreateUserInput{UserName: "new", Path: new("/n/"), Tags: tags})
			return err
		}},
		{"CreateRole", "TagRole", "role/n/new", func(s *stage, tags []api.Tag) error {
			_, err := s.CreateRole(s.t.Context(), s.view(), s.as("caller"),
				&api.CreateRoleInput{RoleName: "new", Path: new("/n/"), AssumeRolePolicyDocument: anyone, Tags: tags})
			return err
		}},
		{"CreatePolicy", "TagPolicy", "policy/n/new", func(s *stage, tags []api.Tag) error {
			_, err := s.CreatePolicy(s.t.Context(), s.view(), s.as("caller"),
				&api.CreatePolicyInput{PolicyName: "new", Path: new("/n/"), PolicyDocument: allowSTS, Tags: tags})
			return err
		}},
		{"CreateVirtualMFADevice", "TagMFADevice", "mfa/n/new", func(s *stage, tags []api.Tag) error {
			_, err := s.CreateVirtualMFADevice(s.t.Context(), s.view(), s.as("caller"),
				&api.CreateVirtualMFADeviceInput{VirtualMFADeviceName: "new", Path: new("/n/"), Tags: tags})
			return err
		}},
	} {
		t.Run(tt.create, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, allowSTS)
			resource := s.arn(tt.resource)
			both := func(tagged, value string) string {
				return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:` + tt.create + `","Resource":"` + resource + `"},` +
					`{"Effect":"Allow","Action":"iam:` + tt.tag + `","Resource":"` + tagged + `","Condition":{"StringEquals":{"aws:RequestTag/k":"` + value + `"}}}]}`
			}
			s.permit(allowing(tt.tag, []string{resource}, nil))
			s.denied(tt.do(s, tagged), tt.create, resource)
			for _, text := range []string{allowing(tt.create, []string{resource}, nil), both(resource, "w"), both(resource+"-not", "v")} {
				s.permit(text)
				s.denied(tt.do(s, tagged), tt.tag, resource)
			}
			s.permit(both(resource, "v"))
			if err := tt.do(s, tagged); err != nil {
				t.Fatalf("allowed call: %v", err)
			}
			untagged := newStage(t, allowing(tt.create, []string{"*"}, nil))
			if err := tt.do(untagged, nil); err != nil {
				t.Fatalf("without tags: %v", err)
			}
		})
	}
}

// advisory 48 (GHSA-xp3c-3jw3-4vcr): a list under a path is judged by the policies for that path.
func TestListsObeyDenies(t *testing.T) {
	t.Parallel()
	s := newStage(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:List*","Resource":"*"},`+
		`{"Effect":"Deny","Action":"iam:ListUsers","Resource":"arn:aws:iam::*:user/px/*"}]}`)
	_, err := s.ListUsers(t.Context(), s.view(), s.as("caller"), &api.ListUsersInput{PathPrefix: new("/px/")})
	refused(t, err, identity.AccessDenied, "User: "+s.arn("user/caller")+" is not authorized to perform: iam:ListUsers on resource: "+
		s.arn("user/px/")+" with an explicit deny in an identity-based policy")
	if _, err := s.ListUsers(t.Context(), s.view(), s.as("caller"), &api.ListUsersInput{PathPrefix: new("/other/")}); err != nil {
		t.Fatal(err)
	}
}

// advisory 41: a policy of another account is out of reach, whatever the caller may do in its own.
func TestOtherAccountsAreOutOfReach(t *testing.T) {
	t.Parallel()
	s, other := newStage(t, allowAll), newStage(t, allowAll)
	_, err := s.GetPolicy(t.Context(), s.view(), s.as("caller"), &api.GetPolicyInput{PolicyArn: p1(other)})
	refused(t, err, identity.AccessDenied, "User: "+s.arn("user/caller")+" is not authorized to perform: iam:GetPolicy on resource: "+
		p1(other)+" because no resource-based policy allows the iam:GetPolicy action")
	_, err = s.AttachUserPolicy(t.Context(), s.view(), s.as("caller"), &api.AttachUserPolicyInput{UserName: "bob", PolicyArn: p1(other)})
	refused(t, err, identity.NoSuchEntity, "Policy "+p1(other)+" does not exist or is not attachable.")
	_, err = s.DeleteVirtualMFADevice(t.Context(), s.view(), s.as("caller"), &api.DeleteVirtualMFADeviceInput{SerialNumber: other.arn("mfa/loose")})
	refused(t, err, identity.AccessDenied, "User: "+s.arn("user/caller")+" is not authorized to perform: iam:DeleteVirtualMFADevice on resource: "+
		other.arn("mfa/loose")+" because no resource-based policy allows the iam:DeleteVirtualMFADevice action")
	if _, err := s.GetPolicy(t.Context(), s.view(), s.as("caller"), &api.GetPolicyInput{PolicyArn: p1(s)}); err != nil {
		t.Fatal(err)
	}
}

// ok2 takes the two results of a handler: ok2(s.GetUser(…))(t).
func ok2[T any](out T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		return ok(t, out, err)
	}
}
