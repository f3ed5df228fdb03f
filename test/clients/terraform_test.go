package clients

import (
	"context"
	"encoding/json"
	"net/url"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/stint-sts/stint/test/harness"
)

// TestTerraform makes, reads back, plans, updates, tags, imports and destroys what Terraform's AWS provider manages, call for
// call as the provider does. A plan is empty when every read answers what was written and nothing else, so each read is
// compared whole with what is wanted, right after the write.
func TestTerraform(t *testing.T) {
	t.Parallel()
	g := goSDK{t: t, server: harness.Start(t, harness.Options{})}
	tf := terraform{g.iam(g.server.Admin)}
	for name, scene := range map[string]func(context.Context, *testing.T){
		"aws_iam_user":                    tf.user,
		"aws_iam_group":                   tf.group,
		"aws_iam_role":                    tf.role,
		"aws_iam_policy":                  tf.policy,
		"aws_iam_instance_profile":        tf.instanceProfile,
		"aws_iam_openid_connect_provider": tf.oidcProvider,
		"aws_iam_saml_provider":           tf.samlProvider,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
			defer cancel()
			scene(ctx, t)
		})
	}
}

// terraform makes the calls of Terraform's AWS provider.
type terraform struct{ *iam.Client }

const (
	trustEC2 = `{"Version":"2012-10-17","Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"}}]}`
	trustAll = `{"Version":"2012-10-17","Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"}}]}`
	readAll  = `{"Version":"2012-10-17","Statement":[{"Action":"s3:Get*","Effect":"Allow","Resource":"*"}]}`
)

// plan reads an entity twice, as a refresh and a second plan do, and compares what was read with what is wanted.
func plan(t *testing.T, what string, read func() (any, error), want any) {
	t.Helper()
	for range 2 {
		got, err := read()
		if err != nil {
			t.Fatalf("%s: reading it back: %v", what, err)
		}
		if !reflect.DeepEqual(plain(t, got), plain(t, want)) {
			t.Fatalf("%s: a plan would not be empty:\n got %s\nwant %s", what, text(t, got), text(t, want))
		}
	}
}

// plain is a value as its members: those that are absent, and the SDK's own about the exchange, are left out.
func plain(t *testing.T, v any) any {
	t.Helper()
	var out any
	if err := json.Unmarshal([]byte(text(t, v)), &out); err != nil {
		t.Fatal(err)
	}
	return prune(out)
}

func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "ResultMetadata")
		for k, member := range v {
			if pruned := prune(member); pruned == nil {
				delete(v, k)
			} else {
				v[k] = pruned
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
		return v
	default:
		return v
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// done demands that a call succeeded.
func done[Out any](t *testing.T, what string) func(Out, error) Out {
	t.Helper()
	return func(out Out, err error) Out {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return out
	}
}

// gone demands that what was destroyed is not found, which is how the provider knows that it was.
func gone[Out any](t *testing.T, what string) func(Out, error) {
	t.Helper()
	return func(_ Out, err error) {
		t.Helper()
		if !is[*iamtypes.NoSuchEntityException](err) {
			t.Errorf("%s after it was destroyed: %v, want NoSuchEntity", what, err)
		}
	}
}

// document is a policy as the provider compares it: decoded, and without regard to the order of members.
func document(t *testing.T, encoded *string) any {
	t.Helper()
	raw, err := url.QueryUnescape(aws.ToString(encoded))
	if err != nil {
		t.Fatalf("the document %q: %v", aws.ToString(encoded), err)
	}
	return parsed(t, raw)
}

func parsed(t *testing.T, raw string) (out any) {
	t.Helper()
	if err := json.Unmarshal([]byte(raw), &out); err != nil {
		t.Fatalf("the document %q: %v", raw, err)
	}
	return out
}

func tagged(pairs ...string) (out []iamtypes.Tag) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, iamtypes.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	return out
}

func (tf terraform) user(ctx context.Context, t *testing.T) {
	name, other := aws.String("tf-user"), aws.String("tf-user-renamed")
	boundary := tf.makePolicy(ctx, t, "tf-user-boundary")
	created := done[*iam.CreateUserOutput](t, "CreateUser")(tf.CreateUser(ctx, &iam.CreateUserInput{
		UserName: name, Path: aws.String("/people/"), PermissionsBoundary: boundary, Tags: tagged("team", "blue")}))
	want := &iamtypes.User{
		Arn:                 aws.String("arn:aws:iam::111122223333:user/people/tf-user"),
		CreateDate:          created.User.CreateDate,
		Path:                aws.String("/people/"),
		UserId:              created.User.UserId,
		UserName:            name,
		PermissionsBoundary: &iamtypes.AttachedPermissionsBoundary{PermissionsBoundaryArn: boundary, PermissionsBoundaryType: "Policy"},
		Tags:                tagged("team", "blue"),
	}
	read := func() (any, error) {
		out, err := tf.GetUser(ctx, &iam.GetUserInput{UserName: want.UserName})
		if err != nil {
			return nil, err
		}
		return out.User, nil
	}
	plan(t, "the user", read, want)

	done[*iam.UpdateUserOutput](t, "UpdateUser")(tf.UpdateUser(ctx, &iam.UpdateUserInput{UserName: name, NewUserName: other, NewPath: aws.String("/")}))
	want.UserName, want.Path, want.Arn = other, aws.String("/"), aws.String("arn:aws:iam::111122223333:user/tf-user-renamed")
	plan(t, "the renamed user", read, want)
	done[*iam.DeleteUserPermissionsBoundaryOutput](t, "DeleteUserPermissionsBoundary")(
		tf.DeleteUserPermissionsBoundary(ctx, &iam.DeleteUserPermissionsBoundaryInput{UserName: other}))
	want.PermissionsBoundary = nil
	plan(t, "the user without a boundary", read, want)
	done[*iam.PutUserPermissionsBoundaryOutput](t, "PutUserPermissionsBoundary")(
		tf.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: other, PermissionsBoundary: boundary}))
	want.PermissionsBoundary = &iamtypes.AttachedPermissionsBoundary{PermissionsBoundaryArn: boundary, PermissionsBoundaryType: "Policy"}
	plan(t, "the user with a boundary again", read, want)
	done[*iam.UntagUserOutput](t, "UntagUser")(tf.UntagUser(ctx, &iam.UntagUserInput{UserName: other, TagKeys: []string{"team"}}))
	done[*iam.TagUserOutput](t, "TagUser")(tf.TagUser(ctx, &iam.TagUserInput{UserName: other, Tags: tagged("stage", "test")}))
	want.Tags = tagged("stage", "test")
	plan(t, "the user with other tags", read, want)

	policy := aws.String("inline")
	done[*iam.PutUserPolicyOutput](t, "PutUserPolicy")(tf.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: other, PolicyName: policy, PolicyDocument: aws.String(readAll)}))
	inline := done[*iam.GetUserPolicyOutput](t, "GetUserPolicy")(tf.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: other, PolicyName: policy}))
	plan(t, "the inline policy", func() (any, error) { return document(t, inline.PolicyDocument), nil }, parsed(t, readAll))
	done[*iam.AttachUserPolicyOutput](t, "AttachUserPolicy")(tf.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: other, PolicyArn: boundary}))
	plan(t, "the attachment", func() (any, error) {
		out, err := tf.ListAttachedUserPolicies(ctx, &iam.ListAttachedUserPoliciesInput{UserName: other})
		if err != nil {
			return nil, err
		}
		return out.AttachedPolicies, nil
	}, []iamtypes.AttachedPolicy{{PolicyArn: boundary, PolicyName: aws.String("tf-user-boundary")}})
	tf.accessKey(ctx, t, other)
	tf.loginProfile(ctx, t, other)

	// What a user with force_destroy is asked for before it is deleted.
	done[*iam.ListGroupsForUserOutput](t, "ListGroupsForUser")(tf.ListGroupsForUser(ctx, &iam.ListGroupsForUserInput{UserName: other}))
	done[*iam.ListAccessKeysOutput](t, "ListAccessKeys")(tf.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: other}))
	done[*iam.ListMFADevicesOutput](t, "ListMFADevices")(tf.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: other}))
	done[*iam.ListVirtualMFADevicesOutput](t, "ListVirtualMFADevices")(tf.ListVirtualMFADevices(ctx, &iam.ListVirtualMFADevicesInput{AssignmentStatus: "Any"}))
	done[*iam.ListSSHPublicKeysOutput](t, "ListSSHPublicKeys")(tf.ListSSHPublicKeys(ctx, &iam.ListSSHPublicKeysInput{UserName: other}))
	done[*iam.ListSigningCertificatesOutput](t, "ListSigningCertificates")(tf.ListSigningCertificates(ctx, &iam.ListSigningCertificatesInput{UserName: other}))
	done[*iam.ListServiceSpecificCredentialsOutput](t, "ListServiceSpecificCredentials")(
		tf.ListServiceSpecificCredentials(ctx, &iam.ListServiceSpecificCredentialsInput{UserName: other}))
	_, err := tf.DeleteUser(ctx, &iam.DeleteUserInput{UserName: other})
	if !is[*iamtypes.DeleteConflictException](err) {
		t.Errorf("deleting a user that has policies: %v, want DeleteConflict", err)
	}
	done[*iam.DeleteUserPolicyOutput](t, "DeleteUserPolicy")(tf.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: other, PolicyName: policy}))
	done[*iam.DetachUserPolicyOutput](t, "DetachUserPolicy")(tf.DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: other, PolicyArn: boundary}))
	done[*iam.DeleteUserOutput](t, "DeleteUser")(tf.DeleteUser(ctx, &iam.DeleteUserInput{UserName: other}))
	gone[*iam.GetUserOutput](t, "the user")(tf.GetUser(ctx, &iam.GetUserInput{UserName: other}))
	tf.destroyPolicy(ctx, t, boundary)
}

func (tf terraform) accessKey(ctx context.Context, t *testing.T, user *string) {
	key := done[*iam.CreateAccessKeyOutput](t, "CreateAccessKey")(tf.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: user})).AccessKey
	want := []iamtypes.AccessKeyMetadata{{AccessKeyId: key.AccessKeyId, CreateDate: key.CreateDate, Status: "Active", UserName: user}}
	read := func() (any, error) {
		out, err := tf.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: user})
		if err != nil {
			return nil, err
		}
		return out.AccessKeyMetadata, nil
	}
	plan(t, "the access key", read, want)
	done[*iam.UpdateAccessKeyOutput](t, "UpdateAccessKey")(tf.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: user, AccessKeyId: key.AccessKeyId, Status: "Inactive"}))
	want[0].Status = "Inactive"
	plan(t, "the inactive access key", read, want)
	used := done[*iam.GetAccessKeyLastUsedOutput](t, "GetAccessKeyLastUsed")(tf.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: key.AccessKeyId}))
	equal(t, "the user of the key", aws.ToString(used.UserName), aws.ToString(user))
	done[*iam.DeleteAccessKeyOutput](t, "DeleteAccessKey")(tf.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: user, AccessKeyId: key.AccessKeyId}))
	plan(t, "no access key", read, []iamtypes.AccessKeyMetadata{})
}

func (tf terraform) loginProfile(ctx context.Context, t *testing.T, user *string) {
	profile := done[*iam.CreateLoginProfileOutput](t, "CreateLoginProfile")(tf.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{
		UserName: user, Password: aws.String("Sufficient-1y-long"), PasswordResetRequired: true})).LoginProfile
	want := &iamtypes.LoginProfile{UserName: user, CreateDate: profile.CreateDate, PasswordResetRequired: true}
	plan(t, "the login profile", func() (any, error) {
		out, err := tf.GetLoginProfile(ctx, &iam.GetLoginProfileInput{UserName: user})
		if err != nil {
			return nil, err
		}
		return out.LoginProfile, nil
	}, want)
	done[*iam.DeleteLoginProfileOutput](t, "DeleteLoginProfile")(tf.DeleteLoginProfile(ctx, &iam.DeleteLoginProfileInput{UserName: user}))
	gone[*iam.GetLoginProfileOutput](t, "the login profile")(tf.GetLoginProfile(ctx, &iam.GetLoginProfileInput{UserName: user}))
}

func (tf terraform) group(ctx context.Context, t *testing.T) {
	name, other, member := aws.String("tf-group"), aws.String("tf-group-renamed"), aws.String("tf-member")
	created := done[*iam.CreateGroupOutput](t, "CreateGroup")(tf.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: name, Path: aws.String("/teams/")}))
	want := &iamtypes.Group{
		Arn: aws.String("arn:aws:iam::111122223333:group/teams/tf-group"), CreateDate: created.Group.CreateDate,
		GroupId: created.Group.GroupId, GroupName: name, Path: aws.String("/teams/"),
	}
	read := func() (any, error) {
		out, err := tf.GetGroup(ctx, &iam.GetGroupInput{GroupName: want.GroupName})
		if err != nil {
			return nil, err
		}
		return out.Group, nil
	}
	plan(t, "the group", read, want)
	done[*iam.UpdateGroupOutput](t, "UpdateGroup")(tf.UpdateGroup(ctx, &iam.UpdateGroupInput{GroupName: name, NewGroupName: other, NewPath: aws.String("/")}))
	want.GroupName, want.Path, want.Arn = other, aws.String("/"), aws.String("arn:aws:iam::111122223333:group/tf-group-renamed")
	plan(t, "the renamed group", read, want)

	user := done[*iam.CreateUserOutput](t, "CreateUser")(tf.CreateUser(ctx, &iam.CreateUserInput{UserName: member})).User
	done[*iam.AddUserToGroupOutput](t, "AddUserToGroup")(tf.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: other, UserName: member}))
	plan(t, "the membership", func() (any, error) {
		out, err := tf.GetGroup(ctx, &iam.GetGroupInput{GroupName: other})
		if err != nil {
			return nil, err
		}
		return out.Users, nil
	}, []iamtypes.User{{Arn: user.Arn, CreateDate: user.CreateDate, Path: user.Path, UserId: user.UserId, UserName: member}})
	plan(t, "the groups of the member", func() (any, error) {
		out, err := tf.ListGroupsForUser(ctx, &iam.ListGroupsForUserInput{UserName: member})
		if err != nil {
			return nil, err
		}
		return out.Groups, nil
	}, []iamtypes.Group{*want})

	policy := aws.String("inline")
	done[*iam.PutGroupPolicyOutput](t, "PutGroupPolicy")(tf.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: other, PolicyName: policy, PolicyDocument: aws.String(readAll)}))
	inline := done[*iam.GetGroupPolicyOutput](t, "GetGroupPolicy")(tf.GetGroupPolicy(ctx, &iam.GetGroupPolicyInput{GroupName: other, PolicyName: policy}))
	plan(t, "the inline policy", func() (any, error) { return document(t, inline.PolicyDocument), nil }, parsed(t, readAll))
	attached := tf.makePolicy(ctx, t, "tf-group-policy")
	done[*iam.AttachGroupPolicyOutput](t, "AttachGroupPolicy")(tf.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: other, PolicyArn: attached}))
	plan(t, "the attachment", func() (any, error) {
		out, err := tf.ListAttachedGroupPolicies(ctx, &iam.ListAttachedGroupPoliciesInput{GroupName: other})
		if err != nil {
			return nil, err
		}
		return out.AttachedPolicies, nil
	}, []iamtypes.AttachedPolicy{{PolicyArn: attached, PolicyName: aws.String("tf-group-policy")}})

	done[*iam.DetachGroupPolicyOutput](t, "DetachGroupPolicy")(tf.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: other, PolicyArn: attached}))
	done[*iam.DeleteGroupPolicyOutput](t, "DeleteGroupPolicy")(tf.DeleteGroupPolicy(ctx, &iam.DeleteGroupPolicyInput{GroupName: other, PolicyName: policy}))
	gone[*iam.GetGroupPolicyOutput](t, "the inline policy")(tf.GetGroupPolicy(ctx, &iam.GetGroupPolicyInput{GroupName: other, PolicyName: policy}))
	done[*iam.RemoveUserFromGroupOutput](t, "RemoveUserFromGroup")(tf.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: other, UserName: member}))
	done[*iam.DeleteGroupOutput](t, "DeleteGroup")(tf.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: other}))
	gone[*iam.GetGroupOutput](t, "the group")(tf.GetGroup(ctx, &iam.GetGroupInput{GroupName: other}))
	done[*iam.DeleteUserOutput](t, "DeleteUser")(tf.DeleteUser(ctx, &iam.DeleteUserInput{UserName: member}))
	tf.destroyPolicy(ctx, t, attached)
}
