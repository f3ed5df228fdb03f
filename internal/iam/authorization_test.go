package iam

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// call is a valid call of an operation on the stage. resources are the ARNs that it needs permission on.
type call struct {
	operation string
	resources []string // "*" or what follows the account
	do        func(s *stage, ctx context.Context, r *identity.Request) error
}

// on makes a call of a handler and of its input.
func on[In, Out any](
	operation string, handler func(*Service) func(context.Context, *directory.View, *identity.Request, *In) (*Out, error),
	input func(s *stage) *In, resources ...string,
) call {
	return call{operation, resources, func(s *stage, ctx context.Context, r *identity.Request) error {
		_, err := handler(s.Service)(ctx, s.view(), r, input(s))
		return err
	}}
}

// of passes an input that does not depend on the stage.
func of[In any](in In) func(*stage) *In { return func(*stage) *In { return &in } }

type handler[In, Out any] = func(context.Context, *directory.View, *identity.Request, *In) (*Out, error)

func bind[In, Out any](f func(*Service, context.Context, *directory.View, *identity.Request, *In) (*Out, error)) func(*Service) handler[In, Out] {
	return func(s *Service) handler[In, Out] {
		return func(ctx context.Context, v *directory.View, r *identity.Request, in *In) (*Out, error) {
			return f(s, ctx, v, r, in)
		}
	}
}

const (
	atBob, atPlain, atDevs, atEmpty = "user/px/bob", "user/plain", "group/gx/devs", "group/empty"
	atR1, atBare, atP1, atFree      = "role/rx/r1", "role/bare", "policy/pp/p1", "policy/free"
)

func p1(s *stage) string   { return s.arn(atP1) }
func free(s *stage) string { return s.arn(atFree) }

var tagged = []api.Tag{{Key: "k", Value: "v"}}

// calls has a call of every operation.
var calls = []call{
	on("AddUserToGroup", bind((*Service).AddUserToGroup), of(api.AddUserToGroupInput{GroupName: "devs", UserName: "plain"}), atDevs),
	on("AttachGroupPolicy", bind((*Service).AttachGroupPolicy), func(s *stage) *api.AttachGroupPolicyInput {
		return &api.AttachGroupPolicyInput{GroupName: "devs", PolicyArn: free(s)}
	}, atDevs),
	on("AttachRolePolicy", bind((*Service).AttachRolePolicy), func(s *stage) *api.AttachRolePolicyInput {
		return &api.AttachRolePolicyInput{RoleName: "r1", PolicyArn: free(s)}
	}, atR1),
	on("AttachUserPolicy", bind((*Service).AttachUserPolicy), func(s *stage) *api.AttachUserPolicyInput {
		return &api.AttachUserPolicyInput{UserName: "bob", PolicyArn: free(s)}
	}, atBob),
	on("CreateAccessKey", bind((*Service).CreateAccessKey), of(api.CreateAccessKeyInput{UserName: new("bob")}), atBob),
	on("CreateAccountAlias", bind((*Service).CreateAccountAlias), func(s *stage) *api.CreateAccountAliasInput {
		return &api.CreateAccountAliasInput{AccountAlias: "a" + string(s.account)}
	}, "*"),
	on("CreateGroup", bind((*Service).CreateGroup), of(api.CreateGroupInput{GroupName: "new", Path: new("/n/")}), "group/n/new"),
	on("CreatePolicy", bind((*Service).CreatePolicy),
		of(api.CreatePolicyInput{PolicyName: "new", Path: new("/n/"), PolicyDocument: allowSTS}), "policy/n/new"),
	on("CreatePolicyVersion", bind((*Service).CreatePolicyVersion), func(s *stage) *api.CreatePolicyVersionInput {
		return &api.CreatePolicyVersionInput{PolicyArn: p1(s), PolicyDocument: allowSTS}
	}, atP1),
	on("CreateRole", bind((*Service).CreateRole),
		of(api.CreateRoleInput{RoleName: "new", Path: new("/n/"), AssumeRolePolicyDocument: anyone}), "role/n/new"),
	on("CreateUser", bind((*Service).CreateUser), of(api.CreateUserInput{UserName: "new", Path: new("/n/")}), "user/n/new"),
	on("CreateVirtualMFADevice", bind((*Service).CreateVirtualMFADevice),
		of(api.CreateVirtualMFADeviceInput{VirtualMFADeviceName: "new", Path: new("/n/")}), "mfa/n/new"),
	on("DeactivateMFADevice", bind((*Service).DeactivateMFADevice), func(s *stage) *api.DeactivateMFADeviceInput {
		return &api.DeactivateMFADeviceInput{UserName: new("bob"), SerialNumber: s.arn("mfa/bobs")}
	}, atBob),
	on("DeleteAccessKey", bind((*Service).DeleteAccessKey), func(s *stage) *api.DeleteAccessKeyInput {
		return &api.DeleteAccessKeyInput{UserName: new("bob"), AccessKeyId: s.mustUser("bob").AccessKeys[0].ID}
	}, atBob),
	{"DeleteAccountAlias", []string{"*"}, func(s *stage, ctx context.Context, r *identity.Request) error {
		alias := "d" + string(s.account)
		if _, err := s.CreateAccountAlias(ctx, s.view(), s.root(), &api.CreateAccountAliasInput{AccountAlias: alias}); err != nil {
			return err
		}
		_, err := s.Service.DeleteAccountAlias(ctx, s.view(), r, &api.DeleteAccountAliasInput{AccountAlias: alias})
		return err
	}},
	on("DeleteGroup", bind((*Service).DeleteGroup), of(api.DeleteGroupInput{GroupName: "empty"}), atEmpty),
	on("DeleteGroupPolicy", bind((*Service).DeleteGroupPolicy), of(api.DeleteGroupPolicyInput{GroupName: "devs", PolicyName: "in"}), atDevs),
	on("DeletePolicy", bind((*Service).DeletePolicy), func(s *stage) *api.DeletePolicyInput {
		return &api.DeletePolicyInput{PolicyArn: free(s)}
	}, atFree),
	on("DeletePolicyVersion", bind((*Service).DeletePolicyVersion), func(s *stage) *api.DeletePolicyVersionInput {
		return &api.DeletePolicyVersionInput{PolicyArn: p1(s), VersionId: "v2"}
	}, atP1),
	on("DeleteRole", bind((*Service).DeleteRole), of(api.DeleteRoleInput{RoleName: "bare"}), atBare),
	on("DeleteRolePermissionsBoundary", bind((*Service).DeleteRolePermissionsBoundary),
		of(api.DeleteRolePermissionsBoundaryInput{RoleName: "r1"}), atR1),
	on("DeleteRolePolicy", bind((*Service).DeleteRolePolicy), of(api.DeleteRolePolicyInput{RoleName: "r1", PolicyName: "in"}), atR1),
	on("DeleteUser", bind((*Service).DeleteUser), of(api.DeleteUserInput{UserName: "plain"}), atPlain),
	on("DeleteUserPermissionsBoundary", bind((*Service).DeleteUserPermissionsBoundary),
		of(api.DeleteUserPermissionsBoundaryInput{UserName: "bob"}), atBob),
	on("DeleteUserPolicy", bind((*Service).DeleteUserPolicy), of(api.DeleteUserPolicyInput{UserName: "bob", PolicyName: "in"}), atBob),
	on("DeleteVirtualMFADevice", bind((*Service).DeleteVirtualMFADevice), func(s *stage) *api.DeleteVirtualMFADeviceInput {
		return &api.DeleteVirtualMFADeviceInput{SerialNumber: s.arn("mfa/loose")}
	}, "mfa/loose"),
	on("DetachGroupPolicy", bind((*Service).DetachGroupPolicy), func(s *stage) *api.DetachGroupPolicyInput {
		return &api.DetachGroupPolicyInput{GroupName: "devs", PolicyArn: p1(s)}
	}, atDevs),
	on("DetachRolePolicy", bind((*Service).DetachRolePolicy), func(s *stage) *api.DetachRolePolicyInput {
		return &api.DetachRolePolicyInput{RoleName: "r1", PolicyArn: p1(s)}
	}, atR1),
	on("DetachUserPolicy", bind((*Service).DetachUserPolicy), func(s *stage) *api.DetachUserPolicyInput {
		return &api.DetachUserPolicyInput{UserName: "bob", PolicyArn: p1(s)}
	}, atBob),
	on("EnableMFADevice", bind((*Service).EnableMFADevice), func(s *stage) *api.EnableMFADeviceInput {
		c1, c2 := s.codes(0)
		return &api.EnableMFADeviceInput{UserName: "bob", SerialNumber: s.arn("mfa/loose"), AuthenticationCode1: c1, AuthenticationCode2: c2}
	}, atBob),
	on("GetGroup", bind((*Service).GetGroup), of(api.GetGroupInput{GroupName: "devs"}), atDevs),
	on("GetGroupPolicy", bind((*Service).GetGroupPolicy), of(api.GetGroupPolicyInput{GroupName: "devs", PolicyName: "in"}), atDevs),
	on("GetMFADevice", bind((*Service).GetMFADevice), func(s *stage) *api.GetMFADeviceInput {
		return &api.GetMFADeviceInput{UserName: new("bob"), SerialNumber: s.arn("mfa/bobs")}
	}, atBob),
	on("GetPolicy", bind((*Service).GetPolicy), func(s *stage) *api.GetPolicyInput { return &api.GetPolicyInput{PolicyArn: p1(s)} }, atP1),
	on("GetPolicyVersion", bind((*Service).GetPolicyVersion), func(s *stage) *api.GetPolicyVersionInput {
		return &api.GetPolicyVersionInput{PolicyArn: p1(s), VersionId: "v1"}
	}, atP1),
	on("GetRole", bind((*Service).GetRole), of(api.GetRoleInput{RoleName: "r1"}), atR1),
	on("GetRolePolicy", bind((*Service).GetRolePolicy), of(api.GetRolePolicyInput{RoleName: "r1", PolicyName: "in"}), atR1),
	on("GetUser", bind((*Service).GetUser), of(api.GetUserInput{UserName: new("bob")}), atBob),
	on("GetUserPolicy", bind((*Service).GetUserPolicy), of(api.GetUserPolicyInput{UserName: "bob", PolicyName: "in"}), atBob),
	on("ListAccessKeys", bind((*Service).ListAccessKeys), of(api.ListAccessKeysInput{UserName: new("bob")}), atBob),
	on("ListAccountAliases", bind((*Service).ListAccountAliases), of(api.ListAccountAliasesInput{}), "*"),
	on("ListAttachedGroupPolicies", bind((*Service).ListAttachedGroupPolicies), of(api.ListAttachedGroupPoliciesInput{GroupName: "devs"}), atDevs),
	on("ListAttachedRolePolicies", bind((*Service).ListAttachedRolePolicies), of(api.ListAttachedRolePoliciesInput{RoleName: "r1"}), atR1),
	on("ListAttachedUserPolicies", bind((*Service).ListAttachedUserPolicies), of(api.ListAttachedUserPoliciesInput{UserName: "bob"}), atBob),
	on("ListEntitiesForPolicy", bind((*Service).ListEntitiesForPolicy), func(s *stage) *api.ListEntitiesForPolicyInput {
		return &api.ListEntitiesForPolicyInput{PolicyArn: p1(s)}
	}, atP1),
	on("ListGroupPolicies", bind((*Service).ListGroupPolicies), of(api.ListGroupPoliciesInput{GroupName: "devs"}), atDevs),
	on("ListGroups", bind((*Service).ListGroups), of(api.ListGroupsInput{PathPrefix: new("/gx/")}), "group/gx/"),
	on("ListGroupsForUser", bind((*Service).ListGroupsForUser), of(api.ListGroupsForUserInput{UserName: "bob"}), atBob),
	on("ListMFADevices", bind((*Service).ListMFADevices), of(api.ListMFADevicesInput{UserName: new("bob")}), atBob),
	on("ListPolicies", bind((*Service).ListPolicies), of(api.ListPoliciesInput{}), "*"),
	on("ListPolicyTags", bind((*Service).ListPolicyTags), func(s *stage) *api.ListPolicyTagsInput {
		return &api.ListPolicyTagsInput{PolicyArn: p1(s)}
	}, atP1),
	on("ListPolicyVersions", bind((*Service).ListPolicyVersions), func(s *stage) *api.ListPolicyVersionsInput {
		return &api.ListPolicyVersionsInput{PolicyArn: p1(s)}
	}, atP1),
	on("ListRolePolicies", bind((*Service).ListRolePolicies), of(api.ListRolePoliciesInput{RoleName: "r1"}), atR1),
	on("ListRoleTags", bind((*Service).ListRoleTags), of(api.ListRoleTagsInput{RoleName: "r1"}), atR1),
	on("ListRoles", bind((*Service).ListRoles), of(api.ListRolesInput{}), "role/"),
	on("ListUserPolicies", bind((*Service).ListUserPolicies), of(api.ListUserPoliciesInput{UserName: "bob"}), atBob),
	on("ListUserTags", bind((*Service).ListUserTags), of(api.ListUserTagsInput{UserName: "bob"}), atBob),
	on("ListUsers", bind((*Service).ListUsers), of(api.ListUsersInput{PathPrefix: new("/px/")}), "user/px/"),
	on("ListVirtualMFADevices", bind((*Service).ListVirtualMFADevices), of(api.ListVirtualMFADevicesInput{}), "mfa/"),
	on("PutGroupPolicy", bind((*Service).PutGroupPolicy),
		of(api.PutGroupPolicyInput{GroupName: "devs", PolicyName: "p", PolicyDocument: allowSTS}), atDevs),
	on("PutRolePermissionsBoundary", bind((*Service).PutRolePermissionsBoundary), func(s *stage) *api.PutRolePermissionsBoundaryInput {
		return &api.PutRolePermissionsBoundaryInput{RoleName: "r1", PermissionsBoundary: free(s)}
	}, atR1),
	on("PutRolePolicy", bind((*Service).PutRolePolicy),
		of(api.PutRolePolicyInput{RoleName: "r1", PolicyName: "p", PolicyDocument: allowSTS}), atR1),
	on("PutUserPermissionsBoundary", bind((*Service).PutUserPermissionsBoundary), func(s *stage) *api.PutUserPermissionsBoundaryInput {
		return &api.PutUserPermissionsBoundaryInput{UserName: "bob", PermissionsBoundary: free(s)}
	}, atBob),
	on("PutUserPolicy", bind((*Service).PutUserPolicy),
		of(api.PutUserPolicyInput{UserName: "bob", PolicyName: "p", PolicyDocument: allowSTS}), atBob),
	on("RemoveUserFromGroup", bind((*Service).RemoveUserFromGroup), of(api.RemoveUserFromGroupInput{GroupName: "devs", UserName: "bob"}), atDevs),
	on("ResyncMFADevice", bind((*Service).ResyncMFADevice), func(s *stage) *api.ResyncMFADeviceInput {
		c1, c2 := s.codes(0)
		return &api.ResyncMFADeviceInput{UserName: "bob", SerialNumber: s.arn("mfa/bobs"), AuthenticationCode1: c1, AuthenticationCode2: c2}
	}, atBob),
	on("SetDefaultPolicyVersion", bind((*Service).SetDefaultPolicyVersion), func(s *stage) *api.SetDefaultPolicyVersionInput {
		return &api.SetDefaultPolicyVersionInput{PolicyArn: p1(s), VersionId: "v2"}
	}, atP1),
	on("TagPolicy", bind((*Service).TagPolicy), func(s *stage) *api.TagPolicyInput {
		return &api.TagPolicyInput{PolicyArn: p1(s), Tags: tagged}
	}, atP1),
	on("TagRole", bind((*Service).TagRole), of(api.TagRoleInput{RoleName: "r1", Tags: tagged}), atR1),
	on("TagUser", bind((*Service).TagUser), of(api.TagUserInput{UserName: "bob", Tags: tagged}), atBob),
	on("UntagPolicy", bind((*Service).UntagPolicy), func(s *stage) *api.UntagPolicyInput {
		return &api.UntagPolicyInput{PolicyArn: p1(s), TagKeys: []string{"k"}}
	}, atP1),
	on("UntagRole", bind((*Service).UntagRole), of(api.UntagRoleInput{RoleName: "r1", TagKeys: []string{"k"}}), atR1),
	on("UntagUser", bind((*Service).UntagUser), of(api.UntagUserInput{UserName: "bob", TagKeys: []string{"k"}}), atBob),
	on("UpdateAccessKey", bind((*Service).UpdateAccessKey), func(s *stage) *api.UpdateAccessKeyInput {
		return &api.UpdateAccessKeyInput{UserName: new("bob"), AccessKeyId: s.mustUser("bob").AccessKeys[0].ID, Status: "Inactive"}
	}, atBob),
	on("UpdateAssumeRolePolicy", bind((*Service).UpdateAssumeRolePolicy),
		of(api.UpdateAssumeRolePolicyInput{RoleName: "r1", PolicyDocument: anyone}), atR1),
	on("UpdateGroup", bind((*Service).UpdateGroup), of(api.UpdateGroupInput{GroupName: "devs", NewGroupName: new("ops")}), atDevs, "group/gx/ops"),
	on("UpdateRole", bind((*Service).UpdateRole), of(api.UpdateRoleInput{RoleName: "r1"}), atR1),
	on("UpdateRoleDescription", bind((*Service).UpdateRoleDescription), of(api.UpdateRoleDescriptionInput{RoleName: "r1"}), atR1),
	on("UpdateUser", bind((*Service).UpdateUser), of(api.UpdateUserInput{UserName: "bob", NewUserName: new("rob")}), atBob, "user/px/rob"),
}

// allowing is a policy that allows one action on resources, under a condition if there is one.
func allowing(operation string, resources []string, condition map[string]any) string {
	statement := map[string]any{"Effect": "Allow", "Action": "iam:" + operation, "Resource": resources}
	if condition != nil {
		statement["Condition"] = condition
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statement})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (s *stage) full(resources []string) []string {
	out := make([]string, len(resources))
	for i, r := range resources {
		if out[i] = s.arn(strings.ReplaceAll(r, "{account}", string(s.account))); r == "*" {
			out[i] = r
		}
	}
	return out
}

// permit gives caller its policy.
func (s *stage) permit(text string) {
	u := s.mustUser("caller").Clone()
	u.Inline = inline("p", text)
	s.put(u)
}

func (s *stage) denied(err error, operation, resource string) {
	s.t.Helper()
	where := " on resource: " + resource
	if resource == "*" {
		where = ""
	}
	refused(s.t, err, identity.AccessDenied, "User: "+s.arn("user/caller")+" is not authorized to perform: iam:"+operation+where+
		" because no identity-based policy allows the iam:"+operation+" action")
}

func TestEveryOperationAsksForItsPermission(t *testing.T) {
	t.Parallel()
	named := make(map[string]bool)
	for _, c := range slices.Concat(calls, providerCalls, settingCalls, delegationCalls) {
		named[c.operation] = true
		t.Run(c.operation, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, allowing("Other", []string{"*"}, nil))
			resources := s.full(c.resources)
			// Denied while any of the resources is missing from the policy …
			for i, missing := range resources {
				if c.operation == "AssociateDelegationRequest" {
					continue // needs no policy: TestDelegationIsGrantedToItsOwner
				}
				elsewhere := slices.Clone(resources)
				if elsewhere[i] += "-not"; missing == "*" {
					elsewhere[i] = s.arn("user/caller")
				}
				s.permit(allowing(c.operation, elsewhere, nil))
				s.denied(c.do(s, t.Context(), s.as("caller")), c.operation, missing)
			}
			// … and allowed by no more than them.
			s.permit(allowing(c.operation, resources, nil))
			if err := c.do(s, t.Context(), s.as("caller")); err != nil {
				t.Fatalf("allowed call: %v", err)
			}
		})
	}
	for operation := range maps.Keys(rules) {
		if !named[operation] {
			t.Errorf("%s has a rule but no case", operation)
		}
	}
	if len(named) < 79 {
		t.Errorf("%d operations, want at least 79", len(named))
	}
}

func TestConditionKeysDecide(t *testing.T) {
	t.Parallel()
	like := func(key, value string) map[string]any {
		return map[string]any{"StringEquals": map[string]any{key: value}}
	}
	every := func(key, value string) map[string]any {
		return map[string]any{"ForAllValues:StringEquals": map[string]any{key: value}, "Null": map[string]any{key: "false"}}
	}
	byName := func(operation string) call {
		return calls[slices.IndexFunc(calls, func(c call) bool { return c.operation == operation })]
	}
	withBoundary := on("CreateUser", bind((*Service).CreateUser), func(s *stage) *api.CreateUserInput {
		return &api.CreateUserInput{UserName: "new", PermissionsBoundary: new(s.arn("policy/edge"))}
	}, "user/new")
	roleWithBoundary := on("CreateRole", bind((*Service).CreateRole), func(s *stage) *api.CreateRoleInput {
		return &api.CreateRoleInput{RoleName: "new", AssumeRolePolicyDocument: anyone, PermissionsBoundary: new(s.arn("policy/edge"))}
	}, "role/new")
	tests := []struct {
		name        string
		call        call
		yes, no     func(key, value string) map[string]any
		key         string
		right       string // followed by the account's ARN prefix if it begins with a resource type
		wrong       string
		isPolicyARN bool
	}{
		{"attach: the policy", byName("AttachUserPolicy"), like, like, "iam:PolicyARN", atFree, atP1, true},
		{"attach to group: the policy", byName("AttachGroupPolicy"), like, like, "iam:PolicyARN", atFree, atP1, true},
		{"attach to role: the policy", byName("AttachRolePolicy"), like, like, "iam:PolicyARN", atFree, atP1, true},
		{"detach: the policy", byName("DetachUserPolicy"), like, like, "iam:PolicyARN", atP1, atFree, true},
		{"attach: the boundary that is there", byName("AttachUserPolicy"), like, like, "iam:PermissionsBoundary", "policy/edge", atFree, true},
		{"put policy: the boundary that is there", byName("PutRolePolicy"), like, like, "iam:PermissionsBoundary", "policy/edge", atFree, true},
		{"put boundary: the new one", byName("PutUserPermissionsBoundary"), like, like, "iam:PermissionsBoundary", atFree, "policy/edge", true},
		{"delete boundary: the old one", byName("DeleteUserPermissionsBoundary"), like, like, "iam:PermissionsBoundary", "policy/edge", atFree, true},
		{"create user: its boundary", withBoundary, like, like, "iam:PermissionsBoundary", "policy/edge", atFree, true},
		{"create user without boundary", byName("CreateUser"), nil, like, "iam:PermissionsBoundary", "", "policy/edge", true},
		{"create role: its boundary", roleWithBoundary, like, like, "iam:PermissionsBoundary", "policy/edge", atFree, true},
		{"tag: the value", byName("TagUser"), like, like, "aws:RequestTag/k", "v", "w", false},
		{"tag: the keys", byName("TagRole"), every, every, "aws:TagKeys", "k", "l", false},
		{"tag policy: the value", byName("TagPolicy"), like, like, "aws:RequestTag/K", "v", "w", false},
		{"untag: the keys", byName("UntagUser"), every, every, "aws:TagKeys", "k", "l", false},
		{"tags of the target", byName("GetUser"), like, like, "aws:ResourceTag/team", "blue", "red", false},
		{"tags of the target, IAM's key", byName("DeleteUserPolicy"), like, like, "iam:ResourceTag/team", "blue", "red", false},
		{"tags of a role", byName("UpdateAssumeRolePolicy"), like, like, "aws:ResourceTag/team", "blue", "red", false},
		{"tags of a renamed user", byName("UpdateUser"), like, like, "aws:ResourceTag/team", "blue", "red", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, allowSTS)
			value := func(v string) string {
				if tt.isPolicyARN {
					return s.arn(v)
				}
				return v
			}
			resources := s.full(tt.call.resources)
			s.permit(allowing(tt.call.operation, resources, tt.no(tt.key, value(tt.wrong))))
			s.denied(tt.call.do(s, t.Context(), s.as("caller")), tt.call.operation, resources[0])
			if tt.yes == nil {
				return
			}
			s.permit(allowing(tt.call.operation, resources, tt.yes(tt.key, value(tt.right))))
			if err := tt.call.do(s, t.Context(), s.as("caller")); err != nil {
				t.Fatalf("allowed call: %v", err)
			}
		})
	}
}
