package main

import (
	"context"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/internal/iam"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/organizations"
	"github.com/stint-sts/stint/internal/sts"
	"github.com/stint-sts/stint/internal/wire"
)

// delegationPath is where the requestor of a delegation asks for what AWS would publish.
const delegationPath = "/stint/v1/delegation-notification"

// bindings lists every operation that this build performs, and those of STS that it refuses. The frontend refuses the others
// of the models by name.
func bindings(tokens *sts.Service, identities *iam.Service, accounts *organizations.Service) []wire.Binding {
	return []wire.Binding{
		wire.Bind(wire.AssumeRole, tokens.AssumeRole),
		wire.Bind(wire.DecodeAuthorizationMessage, tokens.DecodeAuthorizationMessage),
		wire.Bind(wire.GetAccessKeyInfo, tokens.GetAccessKeyInfo),
		wire.Bind(wire.GetCallerIdentity, tokens.GetCallerIdentity),
		wire.Bind(wire.GetFederationToken, tokens.GetFederationToken),
		wire.Bind(wire.GetSessionToken, tokens.GetSessionToken),
		wire.Bind(wire.AssumeRoleWithSAML, tokens.AssumeRoleWithSAML),
		wire.Bind(wire.AssumeRoleWithWebIdentity, tokens.AssumeRoleWithWebIdentity),
		wire.Bind(wire.AssumeRoot, tokens.AssumeRoot),
		wire.Bind(wire.GetDelegatedAccessToken, tokens.GetDelegatedAccessToken),
		wire.Bind(wire.GetWebIdentityToken, tokens.GetWebIdentityToken),

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

		// Organizations: the organization itself.
		wire.Bind(wire.CreateOrganization, accounts.CreateOrganization),
		wire.Bind(wire.DeleteOrganization, accounts.DeleteOrganization),
		wire.Bind(wire.DescribeOrganization, accounts.DescribeOrganization),
		wire.Bind(wire.LeaveOrganization, accounts.LeaveOrganization),

		// Organizations: accounts.
		wire.Bind(wire.CreateAccount, accounts.CreateAccount),
		wire.Bind(wire.DescribeAccount, accounts.DescribeAccount),
		wire.Bind(wire.DescribeCreateAccountStatus, accounts.DescribeCreateAccountStatus),
		wire.Bind(wire.ListAccounts, accounts.ListAccounts),
		wire.Bind(wire.ListAccountsForParent, accounts.ListAccountsForParent),
		wire.Bind(wire.ListCreateAccountStatus, accounts.ListCreateAccountStatus),
		wire.Bind(wire.MoveAccount, accounts.MoveAccount),
		wire.Bind(wire.RemoveAccountFromOrganization, accounts.RemoveAccountFromOrganization),

		// Organizations: roots and units.
		wire.Bind(wire.CreateOrganizationalUnit, accounts.CreateOrganizationalUnit),
		wire.Bind(wire.DeleteOrganizationalUnit, accounts.DeleteOrganizationalUnit),
		wire.Bind(wire.DescribeOrganizationalUnit, accounts.DescribeOrganizationalUnit),
		wire.Bind(wire.ListChildren, accounts.ListChildren),
		wire.Bind(wire.ListOrganizationalUnitsForParent, accounts.ListOrganizationalUnitsForParent),
		wire.Bind(wire.ListParents, accounts.ListParents),
		wire.Bind(wire.ListRoots, accounts.ListRoots),
		wire.Bind(wire.UpdateOrganizationalUnit, accounts.UpdateOrganizationalUnit),

		// Organizations: policies.
		wire.Bind(wire.AttachPolicy, accounts.AttachPolicy),
		wire.Bind(wire.OrganizationsCreatePolicy, accounts.CreatePolicy),
		wire.Bind(wire.OrganizationsDeletePolicy, accounts.DeletePolicy),
		wire.Bind(wire.DescribePolicy, accounts.DescribePolicy),
		wire.Bind(wire.DetachPolicy, accounts.DetachPolicy),
		wire.Bind(wire.DisablePolicyType, accounts.DisablePolicyType),
		wire.Bind(wire.EnablePolicyType, accounts.EnablePolicyType),
		wire.Bind(wire.OrganizationsListPolicies, accounts.ListPolicies),
		wire.Bind(wire.ListPoliciesForTarget, accounts.ListPoliciesForTarget),
		wire.Bind(wire.ListTargetsForPolicy, accounts.ListTargetsForPolicy),
		wire.Bind(wire.UpdatePolicy, accounts.UpdatePolicy),

		// Organizations: tags.
		wire.Bind(wire.ListTagsForResource, accounts.ListTagsForResource),
		wire.Bind(wire.TagResource, accounts.TagResource),
		wire.Bind(wire.UntagResource, accounts.UntagResource),

		// Organizations: services.
		wire.Bind(wire.DeregisterDelegatedAdministrator, accounts.DeregisterDelegatedAdministrator),
		wire.Bind(wire.DisableAWSServiceAccess, accounts.DisableAWSServiceAccess),
		wire.Bind(wire.EnableAWSServiceAccess, accounts.EnableAWSServiceAccess),
		wire.Bind(wire.ListAWSServiceAccessForOrganization, accounts.ListAWSServiceAccessForOrganization),
		wire.Bind(wire.ListDelegatedAdministrators, accounts.ListDelegatedAdministrators),
		wire.Bind(wire.ListDelegatedServicesForAccount, accounts.ListDelegatedServicesForAccount),
		wire.Bind(wire.RegisterDelegatedAdministrator, accounts.RegisterDelegatedAdministrator),

		// OpenID Connect providers.
		wire.Bind(wire.AddClientIDToOpenIDConnectProvider, identities.AddClientIDToOpenIDConnectProvider),
		wire.Bind(wire.CreateOpenIDConnectProvider, identities.CreateOpenIDConnectProvider),
		wire.Bind(wire.DeleteOpenIDConnectProvider, identities.DeleteOpenIDConnectProvider),
		wire.Bind(wire.GetOpenIDConnectProvider, identities.GetOpenIDConnectProvider),
		wire.Bind(wire.ListOpenIDConnectProviderTags, identities.ListOpenIDConnectProviderTags),
		wire.Bind(wire.ListOpenIDConnectProviders, identities.ListOpenIDConnectProviders),
		wire.Bind(wire.RemoveClientIDFromOpenIDConnectProvider, identities.RemoveClientIDFromOpenIDConnectProvider),
		wire.Bind(wire.TagOpenIDConnectProvider, identities.TagOpenIDConnectProvider),
		wire.Bind(wire.UntagOpenIDConnectProvider, identities.UntagOpenIDConnectProvider),
		wire.Bind(wire.UpdateOpenIDConnectProviderThumbprint, identities.UpdateOpenIDConnectProviderThumbprint),

		// SAML providers.
		wire.Bind(wire.CreateSAMLProvider, identities.CreateSAMLProvider),
		wire.Bind(wire.DeleteSAMLProvider, identities.DeleteSAMLProvider),
		wire.Bind(wire.GetSAMLProvider, identities.GetSAMLProvider),
		wire.Bind(wire.ListSAMLProviderTags, identities.ListSAMLProviderTags),
		wire.Bind(wire.ListSAMLProviders, identities.ListSAMLProviders),
		wire.Bind(wire.TagSAMLProvider, identities.TagSAMLProvider),
		wire.Bind(wire.UntagSAMLProvider, identities.UntagSAMLProvider),
		wire.Bind(wire.UpdateSAMLProvider, identities.UpdateSAMLProvider),

		// Settings of the account and of the organization.
		wire.Bind(wire.DisableOrganizationsRootCredentialsManagement, identities.DisableOrganizationsRootCredentialsManagement),
		wire.Bind(wire.DisableOrganizationsRootSessions, identities.DisableOrganizationsRootSessions),
		wire.Bind(wire.DisableOutboundWebIdentityFederation, identities.DisableOutboundWebIdentityFederation),
		wire.Bind(wire.EnableOrganizationsRootCredentialsManagement, identities.EnableOrganizationsRootCredentialsManagement),
		wire.Bind(wire.EnableOrganizationsRootSessions, identities.EnableOrganizationsRootSessions),
		wire.Bind(wire.EnableOutboundWebIdentityFederation, identities.EnableOutboundWebIdentityFederation),
		wire.Bind(wire.GetOutboundWebIdentityFederationInfo, identities.GetOutboundWebIdentityFederationInfo),
		wire.Bind(wire.ListOrganizationsFeatures, identities.ListOrganizationsFeatures),
		wire.Bind(wire.SetSecurityTokenServicePreferences, identities.SetSecurityTokenServicePreferences),

		// Delegation requests.
		wire.Bind(wire.AcceptDelegationRequest, identities.AcceptDelegationRequest),
		wire.Bind(wire.AssociateDelegationRequest, identities.AssociateDelegationRequest),
		wire.Bind(wire.CreateDelegationRequest, identities.CreateDelegationRequest),
		wire.Bind(wire.GetDelegationRequest, identities.GetDelegationRequest),
		wire.Bind(wire.GetHumanReadableSummary, identities.GetHumanReadableSummary),
		wire.Bind(wire.ListDelegationRequests, identities.ListDelegationRequests),
		wire.Bind(wire.RejectDelegationRequest, identities.RejectDelegationRequest),
		wire.Bind(wire.SendDelegationToken, identities.SendDelegationToken),
		wire.Bind(wire.UpdateDelegationRequest, identities.UpdateDelegationRequest),

		// Instance profiles.
		wire.Bind(wire.AddRoleToInstanceProfile, identities.AddRoleToInstanceProfile),
		wire.Bind(wire.CreateInstanceProfile, identities.CreateInstanceProfile),
		wire.Bind(wire.DeleteInstanceProfile, identities.DeleteInstanceProfile),
		wire.Bind(wire.GetInstanceProfile, identities.GetInstanceProfile),
		wire.Bind(wire.ListInstanceProfileTags, identities.ListInstanceProfileTags),
		wire.Bind(wire.ListInstanceProfiles, identities.ListInstanceProfiles),
		wire.Bind(wire.ListInstanceProfilesForRole, identities.ListInstanceProfilesForRole),
		wire.Bind(wire.RemoveRoleFromInstanceProfile, identities.RemoveRoleFromInstanceProfile),
		wire.Bind(wire.TagInstanceProfile, identities.TagInstanceProfile),
		wire.Bind(wire.UntagInstanceProfile, identities.UntagInstanceProfile),

		// Passwords.
		wire.Bind(wire.ChangePassword, identities.ChangePassword),
		wire.Bind(wire.CreateLoginProfile, identities.CreateLoginProfile),
		wire.Bind(wire.DeleteAccountPasswordPolicy, identities.DeleteAccountPasswordPolicy),
		wire.Bind(wire.DeleteLoginProfile, identities.DeleteLoginProfile),
		wire.Bind(wire.GetAccountPasswordPolicy, identities.GetAccountPasswordPolicy),
		wire.Bind(wire.GetLoginProfile, identities.GetLoginProfile),
		wire.Bind(wire.UpdateAccountPasswordPolicy, identities.UpdateAccountPasswordPolicy),
		wire.Bind(wire.UpdateLoginProfile, identities.UpdateLoginProfile),

		// Certificates, SSH public keys and credentials of services.
		wire.Bind(wire.CreateServiceSpecificCredential, identities.CreateServiceSpecificCredential),
		wire.Bind(wire.DeleteSSHPublicKey, identities.DeleteSSHPublicKey),
		wire.Bind(wire.DeleteServerCertificate, identities.DeleteServerCertificate),
		wire.Bind(wire.DeleteServiceSpecificCredential, identities.DeleteServiceSpecificCredential),
		wire.Bind(wire.DeleteSigningCertificate, identities.DeleteSigningCertificate),
		wire.Bind(wire.GetSSHPublicKey, identities.GetSSHPublicKey),
		wire.Bind(wire.GetServerCertificate, identities.GetServerCertificate),
		wire.Bind(wire.ListSSHPublicKeys, identities.ListSSHPublicKeys),
		wire.Bind(wire.ListServerCertificateTags, identities.ListServerCertificateTags),
		wire.Bind(wire.ListServerCertificates, identities.ListServerCertificates),
		wire.Bind(wire.ListServiceSpecificCredentials, identities.ListServiceSpecificCredentials),
		wire.Bind(wire.ListSigningCertificates, identities.ListSigningCertificates),
		wire.Bind(wire.ResetServiceSpecificCredential, identities.ResetServiceSpecificCredential),
		wire.Bind(wire.TagServerCertificate, identities.TagServerCertificate),
		wire.Bind(wire.UntagServerCertificate, identities.UntagServerCertificate),
		wire.Bind(wire.UpdateSSHPublicKey, identities.UpdateSSHPublicKey),
		wire.Bind(wire.UpdateServerCertificate, identities.UpdateServerCertificate),
		wire.Bind(wire.UpdateServiceSpecificCredential, identities.UpdateServiceSpecificCredential),
		wire.Bind(wire.UpdateSigningCertificate, identities.UpdateSigningCertificate),
		wire.Bind(wire.UploadSSHPublicKey, identities.UploadSSHPublicKey),
		wire.Bind(wire.UploadServerCertificate, identities.UploadServerCertificate),
		wire.Bind(wire.UploadSigningCertificate, identities.UploadSigningCertificate),

		// Tags of MFA devices; the use of access keys.
		wire.Bind(wire.GetAccessKeyLastUsed, identities.GetAccessKeyLastUsed),
		wire.Bind(wire.ListMFADeviceTags, identities.ListMFADeviceTags),
		wire.Bind(wire.TagMFADevice, identities.TagMFADevice),
		wire.Bind(wire.UntagMFADevice, identities.UntagMFADevice),

		// Service-linked roles.
		wire.Bind(wire.CreateServiceLinkedRole, identities.CreateServiceLinkedRole),
		wire.Bind(wire.DeleteServiceLinkedRole, identities.DeleteServiceLinkedRole),
		wire.Bind(wire.GetServiceLinkedRoleDeletionStatus, identities.GetServiceLinkedRoleDeletionStatus),

		// Reports on the account.
		wire.Bind(wire.GenerateCredentialReport, identities.GenerateCredentialReport),
		wire.Bind(wire.GetAccountAuthorizationDetails, identities.GetAccountAuthorizationDetails),
		wire.Bind(wire.GetAccountSummary, identities.GetAccountSummary),
		wire.Bind(wire.GetCredentialReport, identities.GetCredentialReport),

		// Last accessed.
		wire.Bind(wire.GenerateOrganizationsAccessReport, identities.GenerateOrganizationsAccessReport),
		wire.Bind(wire.GenerateServiceLastAccessedDetails, identities.GenerateServiceLastAccessedDetails),
		wire.Bind(wire.GetOrganizationsAccessReport, identities.GetOrganizationsAccessReport),
		wire.Bind(wire.GetServiceLastAccessedDetails, identities.GetServiceLastAccessedDetails),
		wire.Bind(wire.GetServiceLastAccessedDetailsWithEntities, identities.GetServiceLastAccessedDetailsWithEntities),
		wire.Bind(wire.ListPoliciesGrantingServiceAccess, identities.ListPoliciesGrantingServiceAccess),

		// Simulation.
		wire.Bind(wire.GetContextKeysForCustomPolicy, identities.GetContextKeysForCustomPolicy),
		wire.Bind(wire.GetContextKeysForPrincipalPolicy, identities.GetContextKeysForPrincipalPolicy),
		wire.Bind(wire.SimulateCustomPolicy, identities.SimulateCustomPolicy),
		wire.Bind(wire.SimulatePrincipalPolicy, identities.SimulatePrincipalPolicy),
	}
}

// ownOperations lists the operations of Stint's own, by path.
func ownOperations(tokens *sts.Service, identities *iam.Service, relying *gate.Service) map[string]wire.JSONBinding {
	return map[string]wire.JSONBinding{
		contextPath: wire.BindJSON("IssueContextAssertion", tokens.IssueContext),

		delegationPath: wire.BindJSON("ReceiveDelegationNotification", identities.ReceiveDelegationNotification),

		// Relying services.
		gateapi.SigningKeyPath:   wire.BindJSON("GetSigningKey", relying.SigningKey),
		gateapi.AuthenticatePath: wire.BindJSON("Authenticate", relying.Authenticate),
		gateapi.AuthorizePath:    wire.BindJSON("Authorize", relying.Authorize),
		gate.RevokeSessionsPath:  wire.BindJSON("RevokeSessions", relying.RevokeSessions),
	}
}

// streams lists the operations of Stint's own that answer with events, by path.
func streams(relying *gate.Service) map[string]wire.StreamBinding {
	return map[string]wire.StreamBinding{
		gateapi.ChangesPath: {
			Name: "WatchChanges",
			Open: func(ctx context.Context, v *directory.View, req *identity.Request, last string) (wire.Stream, error) {
				return relying.WatchChanges(ctx, v, req, last)
			},
		},
	}
}
