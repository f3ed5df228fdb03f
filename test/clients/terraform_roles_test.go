package clients

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func (tf terraform) makePolicy(ctx context.Context, t *testing.T, name string) *string {
	t.Helper()
	return done[*iam.CreatePolicyOutput](t, "CreatePolicy")(tf.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: aws.String(readAll)})).Policy.Arn
}

func (tf terraform) destroyPolicy(ctx context.Context, t *testing.T, policyARN *string) {
	t.Helper()
	versions := done[*iam.ListPolicyVersionsOutput](t, "ListPolicyVersions")(tf.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: policyARN}))
	for _, v := range versions.Versions {
		if !v.IsDefaultVersion {
			done[*iam.DeletePolicyVersionOutput](t, "DeletePolicyVersion")(tf.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: policyARN, VersionId: v.VersionId}))
		}
	}
	done[*iam.DeletePolicyOutput](t, "DeletePolicy")(tf.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: policyARN}))
	gone[*iam.GetPolicyOutput](t, "the policy")(tf.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: policyARN}))
}

func (tf terraform) role(ctx context.Context, t *testing.T) {
	name := aws.String("tf-role")
	boundary := tf.makePolicy(ctx, t, "tf-role-boundary")
	created := done[*iam.CreateRoleOutput](t, "CreateRole")(tf.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: name, Path: aws.String("/jobs/"), AssumeRolePolicyDocument: aws.String(trustEC2), Description: aws.String("first"),
		MaxSessionDuration: aws.Int32(7200), PermissionsBoundary: boundary, Tags: tagged("team", "blue")})).Role
	want := &iamtypes.Role{
		Arn:                 aws.String("arn:aws:iam::111122223333:role/jobs/tf-role"),
		CreateDate:          created.CreateDate,
		Path:                aws.String("/jobs/"),
		RoleId:              created.RoleId,
		RoleName:            name,
		Description:         aws.String("first"),
		MaxSessionDuration:  aws.Int32(7200),
		PermissionsBoundary: &iamtypes.AttachedPermissionsBoundary{PermissionsBoundaryArn: boundary, PermissionsBoundaryType: "Policy"},
		RoleLastUsed:        &iamtypes.RoleLastUsed{},
		Tags:                tagged("team", "blue"),
	}
	trust := trustEC2
	read := func() (any, error) {
		out, err := tf.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
		if err != nil {
			return nil, err
		}
		if got, want := text(t, document(t, out.Role.AssumeRolePolicyDocument)), text(t, parsed(t, trust)); got != want {
			t.Errorf("the trust policy is %s, want %s", got, want)
		}
		out.Role.AssumeRolePolicyDocument = nil
		return out.Role, nil
	}
	plan(t, "the role", read, want)

	trust = trustAll
	done[*iam.UpdateAssumeRolePolicyOutput](t, "UpdateAssumeRolePolicy")(tf.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: &trust}))
	done[*iam.UpdateRoleOutput](t, "UpdateRole")(tf.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: name, Description: aws.String("second"), MaxSessionDuration: aws.Int32(3600)}))
	done[*iam.DeleteRolePermissionsBoundaryOutput](t, "DeleteRolePermissionsBoundary")(
		tf.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: name}))
	done[*iam.UntagRoleOutput](t, "UntagRole")(tf.UntagRole(ctx, &iam.UntagRoleInput{RoleName: name, TagKeys: []string{"team"}}))
	want.Description, want.MaxSessionDuration, want.PermissionsBoundary, want.Tags = aws.String("second"), aws.Int32(3600), nil, nil
	plan(t, "the role after its update", read, want)
	done[*iam.PutRolePermissionsBoundaryOutput](t, "PutRolePermissionsBoundary")(
		tf.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: name, PermissionsBoundary: boundary}))
	done[*iam.TagRoleOutput](t, "TagRole")(tf.TagRole(ctx, &iam.TagRoleInput{RoleName: name, Tags: tagged("stage", "test")}))
	want.PermissionsBoundary = &iamtypes.AttachedPermissionsBoundary{PermissionsBoundaryArn: boundary, PermissionsBoundaryType: "Policy"}
	want.Tags = tagged("stage", "test")
	plan(t, "the role with boundary and tags", read, want)

	policy := aws.String("inline")
	done[*iam.PutRolePolicyOutput](t, "PutRolePolicy")(tf.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: policy, PolicyDocument: aws.String(readAll)}))
	inline := done[*iam.GetRolePolicyOutput](t, "GetRolePolicy")(tf.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: policy}))
	plan(t, "the inline policy", func() (any, error) { return document(t, inline.PolicyDocument), nil }, parsed(t, readAll))
	done[*iam.AttachRolePolicyOutput](t, "AttachRolePolicy")(tf.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: boundary}))
	plan(t, "the role's policies", func() (any, error) {
		names, err := tf.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: name})
		if err != nil {
			return nil, err
		}
		attached, err := tf.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: name})
		if err != nil {
			return nil, err
		}
		return []any{names.PolicyNames, attached.AttachedPolicies}, nil
	}, []any{[]string{"inline"}, []iamtypes.AttachedPolicy{{PolicyArn: boundary, PolicyName: aws.String("tf-role-boundary")}}})

	// What a role with force_detach_policies is asked for before it is deleted.
	done[*iam.ListInstanceProfilesForRoleOutput](t, "ListInstanceProfilesForRole")(
		tf.ListInstanceProfilesForRole(ctx, &iam.ListInstanceProfilesForRoleInput{RoleName: name}))
	_, err := tf.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
	if !is[*iamtypes.DeleteConflictException](err) {
		t.Errorf("deleting a role that has policies: %v, want DeleteConflict", err)
	}
	done[*iam.DetachRolePolicyOutput](t, "DetachRolePolicy")(tf.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: name, PolicyArn: boundary}))
	done[*iam.DeleteRolePolicyOutput](t, "DeleteRolePolicy")(tf.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: policy}))
	done[*iam.DeleteRoleOutput](t, "DeleteRole")(tf.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name}))
	gone[*iam.GetRoleOutput](t, "the role")(tf.GetRole(ctx, &iam.GetRoleInput{RoleName: name}))
	tf.destroyPolicy(ctx, t, boundary)
}

func (tf terraform) policy(ctx context.Context, t *testing.T) {
	created := done[*iam.CreatePolicyOutput](t, "CreatePolicy")(tf.CreatePolicy(ctx, &iam.CreatePolicyInput{
		PolicyName: aws.String("tf-policy"), Path: aws.String("/p/"), Description: aws.String("what it is for"), PolicyDocument: aws.String(readAll)})).Policy
	want := &iamtypes.Policy{
		Arn:                           aws.String("arn:aws:iam::111122223333:policy/p/tf-policy"),
		AttachmentCount:               aws.Int32(0),
		CreateDate:                    created.CreateDate,
		DefaultVersionId:              aws.String("v1"),
		Description:                   aws.String("what it is for"),
		IsAttachable:                  true,
		Path:                          aws.String("/p/"),
		PermissionsBoundaryUsageCount: aws.Int32(0),
		PolicyId:                      created.PolicyId,
		PolicyName:                    aws.String("tf-policy"),
		Tags:                          []iamtypes.Tag{},
		UpdateDate:                    created.UpdateDate,
	}
	read := func() (any, error) {
		out, err := tf.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: created.Arn})
		if err != nil {
			return nil, err
		}
		return out.Policy, nil
	}
	plan(t, "the policy", read, want)

	// Each update is a new version that becomes the default; the oldest goes when there are five.
	for range 6 {
		versions := done[*iam.ListPolicyVersionsOutput](t, "ListPolicyVersions")(tf.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: created.Arn})).Versions
		if len(versions) == 5 {
			oldest := versions[len(versions)-1]
			done[*iam.DeletePolicyVersionOutput](t, "DeletePolicyVersion")(tf.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: created.Arn, VersionId: oldest.VersionId}))
		}
		next := strings.Replace(readAll, "s3:Get*", "s3:List*", 1)
		version := done[*iam.CreatePolicyVersionOutput](t, "CreatePolicyVersion")(tf.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
			PolicyArn: created.Arn, PolicyDocument: &next, SetAsDefault: true})).PolicyVersion
		want.DefaultVersionId = version.VersionId
		got := done[*iam.GetPolicyVersionOutput](t, "GetPolicyVersion")(tf.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: created.Arn, VersionId: version.VersionId})).PolicyVersion
		plan(t, "the version's document", func() (any, error) { return document(t, got.Document), nil }, parsed(t, next))
		updated := done[*iam.GetPolicyOutput](t, "GetPolicy")(tf.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: created.Arn})).Policy
		want.UpdateDate = updated.UpdateDate // by the server's clock
		plan(t, "the policy after its update", read, want)
	}
	equal(t, "the last version", aws.ToString(want.DefaultVersionId), "v7")
	done[*iam.TagPolicyOutput](t, "TagPolicy")(tf.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: created.Arn, Tags: tagged("team", "blue")}))
	want.Tags = tagged("team", "blue")
	plan(t, "the tagged policy", read, want)
	done[*iam.UntagPolicyOutput](t, "UntagPolicy")(tf.UntagPolicy(ctx, &iam.UntagPolicyInput{PolicyArn: created.Arn, TagKeys: []string{"team"}}))
	want.Tags = []iamtypes.Tag{}
	plan(t, "the policy without tags", read, want)
	tf.destroyPolicy(ctx, t, created.Arn)
}

func (tf terraform) instanceProfile(ctx context.Context, t *testing.T) {
	name, first, second := aws.String("tf-profile"), aws.String("tf-profile-role"), aws.String("tf-profile-other")
	for _, r := range []*string{first, second} {
		done[*iam.CreateRoleOutput](t, "CreateRole")(tf.CreateRole(ctx, &iam.CreateRoleInput{RoleName: r, AssumeRolePolicyDocument: aws.String(trustEC2)}))
	}
	created := done[*iam.CreateInstanceProfileOutput](t, "CreateInstanceProfile")(tf.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{
		InstanceProfileName: name, Path: aws.String("/x/"), Tags: tagged("team", "blue")})).InstanceProfile
	if err := iam.NewInstanceProfileExistsWaiter(tf).Wait(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: name}, commandLimit); err != nil {
		t.Fatalf("waiting for the instance profile: %v", err)
	}
	want := &iamtypes.InstanceProfile{
		Arn: aws.String("arn:aws:iam::111122223333:instance-profile/x/tf-profile"), CreateDate: created.CreateDate, InstanceProfileId: created.InstanceProfileId,
		InstanceProfileName: name, Path: aws.String("/x/"), Roles: []iamtypes.Role{}, Tags: tagged("team", "blue"),
	}
	read := func() (any, error) {
		out, err := tf.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: name})
		if err != nil {
			return nil, err
		}
		roles := make([]iamtypes.Role, len(out.InstanceProfile.Roles))
		for i, r := range out.InstanceProfile.Roles {
			roles[i] = iamtypes.Role{RoleName: r.RoleName}
		}
		out.InstanceProfile.Roles = roles
		return out.InstanceProfile, nil
	}
	plan(t, "the instance profile", read, want)
	for _, r := range []*string{first, second} {
		done[*iam.AddRoleToInstanceProfileOutput](t, "AddRoleToInstanceProfile")(
			tf.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: name, RoleName: r}))
		want.Roles = []iamtypes.Role{{RoleName: r}}
		plan(t, "the instance profile with a role", read, want)
		done[*iam.RemoveRoleFromInstanceProfileOutput](t, "RemoveRoleFromInstanceProfile")(
			tf.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: name, RoleName: r}))
	}
	done[*iam.TagInstanceProfileOutput](t, "TagInstanceProfile")(tf.TagInstanceProfile(ctx, &iam.TagInstanceProfileInput{InstanceProfileName: name, Tags: tagged("stage", "test")}))
	done[*iam.UntagInstanceProfileOutput](t, "UntagInstanceProfile")(tf.UntagInstanceProfile(ctx, &iam.UntagInstanceProfileInput{InstanceProfileName: name, TagKeys: []string{"team"}}))
	want.Roles, want.Tags = []iamtypes.Role{}, tagged("stage", "test")
	plan(t, "the instance profile with other tags", read, want)
	done[*iam.DeleteInstanceProfileOutput](t, "DeleteInstanceProfile")(tf.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: name}))
	gone[*iam.GetInstanceProfileOutput](t, "the instance profile")(tf.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: name}))
	for _, r := range []*string{first, second} {
		done[*iam.DeleteRoleOutput](t, "DeleteRole")(tf.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: r}))
	}
}
