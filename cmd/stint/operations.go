package main

import (
	"github.com/stint-sts/stint/internal/iam"
	"github.com/stint-sts/stint/internal/sts"
	"github.com/stint-sts/stint/internal/wire"
)

// bindings lists every operation that this build performs, and those of STS that it refuses. The frontend refuses the others
// of the models by name.
func bindings(tokens *sts.Service, identities *iam.Service) []wire.Binding {
	return []wire.Binding{
		wire.Bind(wire.AssumeRole, tokens.AssumeRole),
		wire.Bind(wire.DecodeAuthorizationMessage, tokens.DecodeAuthorizationMessage),
		wire.Bind(wire.GetAccessKeyInfo, tokens.GetAccessKeyInfo),
		wire.Bind(wire.GetCallerIdentity, tokens.GetCallerIdentity),
		wire.Bind(wire.GetFederationToken, tokens.GetFederationToken),
		wire.Bind(wire.GetSessionToken, tokens.GetSessionToken),
		wire.Refuse(wire.AssumeRoleWithSAML),
		wire.Bind(wire.AssumeRoleWithWebIdentity, tokens.AssumeRoleWithWebIdentity),
		wire.Refuse(wire.AssumeRoot),
		wire.Refuse(wire.GetDelegatedAccessToken),
		wire.Refuse(wire.GetWebIdentityToken),

		// Users.
		wire.Bind(wire.AttachUserPolicy, identities.AttachUserPolicy),
		wire.Bind(wire.CreateUser, identities.CreateUser),
		wire.Bind(wire.DeleteUser, identities.DeleteUser),
		wire.Bind(wire.DeleteUserPermissionsBoundary, identities.DeleteUserPermissionsBoundary),
		wire.Bind(wire.DeleteUserPolicy, identities.DeleteUserPolicy),
		wire.Bind(wire.DetachUserPolicy, identities.DetachUserPolicy),
		wire.Bind(wire.GetUser, identities.GetUser),
		wire.Bind(wire.GetUserPolicy, identities.GetUserPolicy),
		wire.Bind(wire.ListAttachedUserPolicies, identities.ListAttachedUserPolicies),
		wire.Bind(wire.ListUserPolicies, identities.ListUserPolicies),
		wire.Bind(wire.ListUserTags, identities.ListUserTags),
		wire.Bind(wire.ListUsers, identities.ListUsers),
		wire.Bind(wire.PutUserPermissionsBoundary, identities.PutUserPermissionsBoundary),
		wire.Bind(wire.PutUserPolicy, identities.PutUserPolicy),
		wire.Bind(wire.TagUser, identities.TagUser),
		wire.Bind(wire.UntagUser, identities.UntagUser),
		wire.Bind(wire.UpdateUser, identities.UpdateUser),

		// Groups.
		wire.Bind(wire.AddUserToGroup, identities.AddUserToGroup),
		wire.Bind(wire.AttachGroupPolicy, identities.AttachGroupPolicy),
		wire.Bind(wire.CreateGroup, identities.CreateGroup),
		wire.Bind(wire.DeleteGroup, identities.DeleteGroup),
		wire.Bind(wire.DeleteGroupPolicy, identities.DeleteGroupPolicy),
		wire.Bind(wire.DetachGroupPolicy, identities.DetachGroupPolicy),
		wire.Bind(wire.GetGroup, identities.GetGroup),
		wire.Bind(wire.GetGroupPolicy, identities.GetGroupPolicy),
		wire.Bind(wire.ListAttachedGroupPolicies, identities.ListAttachedGroupPolicies),
		wire.Bind(wire.ListGroupPolicies, identities.ListGroupPolicies),
		wire.Bind(wire.ListGroups, identities.ListGroups),
		wire.Bind(wire.ListGroupsForUser, identities.ListGroupsForUser),
		wire.Bind(wire.PutGroupPolicy, identities.PutGroupPolicy),
		wire.Bind(wire.RemoveUserFromGroup, identities.RemoveUserFromGroup),
		wire.Bind(wire.UpdateGroup, identities.UpdateGroup),

		// Roles.
		wire.Bind(wire.AttachRolePolicy, identities.AttachRolePolicy),
		wire.Bind(wire.CreateRole, identities.CreateRole),
		wire.Bind(wire.DeleteRole, identities.DeleteRole),
		wire.Bind(wire.DeleteRolePermissionsBoundary, identities.DeleteRolePermissionsBoundary),
		wire.Bind(wire.DeleteRolePolicy, identities.DeleteRolePolicy),
		wire.Bind(wire.DetachRolePolicy, identities.DetachRolePolicy),
		wire.Bind(wire.GetRole, identities.GetRole),
		wire.Bind(wire.GetRolePolicy, identities.GetRolePolicy),
		wire.Bind(wire.ListAttachedRolePolicies, identities.ListAttachedRolePolicies),
		wire.Bind(wire.ListRolePolicies, identities.ListRolePolicies),
		wire.Bind(wire.ListRoleTags, identities.ListRoleTags),
		wire.Bind(wire.ListRoles, identities.ListRoles),
		wire.Bind(wire.PutRolePermissionsBoundary, identities.PutRolePermissionsBoundary),
		wire.Bind(wire.PutRolePolicy, identities.PutRolePolicy),
		wire.Bind(wire.TagRole, identities.TagRole),
		wire.Bind(wire.UntagRole, identities.UntagRole),
		wire.Bind(wire.UpdateAssumeRolePolicy, identities.UpdateAssumeRolePolicy),
		wire.Bind(wire.UpdateRole, identities.UpdateRole),
		wire.Bind(wire.UpdateRoleDescription, identities.UpdateRoleDescription),

		// Managed policies.
		wire.Bind(wire.CreatePolicy, identities.CreatePolicy),
		wire.Bind(wire.CreatePolicyVersion, identities.CreatePolicyVersion),
		wire.Bind(wire.DeletePolicy, identities.DeletePolicy),
		wire.Bind(wire.DeletePolicyVersion, identities.DeletePolicyVersion),
		wire.Bind(wire.GetPolicy, identities.GetPolicy),
		wire.Bind(wire.GetPolicyVersion, identities.GetPolicyVersion),
		wire.Bind(wire.ListEntitiesForPolicy, identities.ListEntitiesForPolicy),
		wire.Bind(wire.ListPolicies, identities.ListPolicies),
		wire.Bind(wire.ListPolicyTags, identities.ListPolicyTags),
		wire.Bind(wire.ListPolicyVersions, identities.ListPolicyVersions),
		wire.Bind(wire.SetDefaultPolicyVersion, identities.SetDefaultPolicyVersion),
		wire.Bind(wire.TagPolicy, identities.TagPolicy),
		wire.Bind(wire.UntagPolicy, identities.UntagPolicy),

		// Access keys.
		wire.Bind(wire.CreateAccessKey, identities.CreateAccessKey),
		wire.Bind(wire.DeleteAccessKey, identities.DeleteAccessKey),
		wire.Bind(wire.ListAccessKeys, identities.ListAccessKeys),
		wire.Bind(wire.UpdateAccessKey, identities.UpdateAccessKey),

		// MFA devices.
		wire.Bind(wire.CreateVirtualMFADevice, identities.CreateVirtualMFADevice),
		wire.Bind(wire.DeactivateMFADevice, identities.DeactivateMFADevice),
		wire.Bind(wire.DeleteVirtualMFADevice, identities.DeleteVirtualMFADevice),
		wire.Bind(wire.EnableMFADevice, identities.EnableMFADevice),
		wire.Bind(wire.GetMFADevice, identities.GetMFADevice),
		wire.Bind(wire.ListMFADevices, identities.ListMFADevices),
		wire.Bind(wire.ListVirtualMFADevices, identities.ListVirtualMFADevices),
		wire.Bind(wire.ResyncMFADevice, identities.ResyncMFADevice),

		// The account.
		wire.Bind(wire.CreateAccountAlias, identities.CreateAccountAlias),
		wire.Bind(wire.DeleteAccountAlias, identities.DeleteAccountAlias),
		wire.Bind(wire.ListAccountAliases, identities.ListAccountAliases),
	}
}

// ownOperations lists the operations of Stint's own, by path.
func ownOperations(tokens *sts.Service) map[string]wire.JSONBinding {
	return map[string]wire.JSONBinding{
		contextPath: wire.BindJSON("IssueContextAssertion", tokens.IssueContext),
	}
}
