package conformance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stint-sts/stint/test/harness"
)

// operations are the IAM operations with as few parameters as each takes. Nobody and nothing of these names is there, so
// that an operation that gets past its permission changes nothing but what it creates.
const operations = `
AddUserToGroup GroupName=ghost UserName=ghost
AttachGroupPolicy GroupName=ghost PolicyArn=@
AttachRolePolicy RoleName=ghost PolicyArn=@
AttachUserPolicy UserName=ghost PolicyArn=@
CreateAccessKey UserName=ghost
CreateAccountAlias AccountAlias=made-here
CreateGroup GroupName=made
CreatePolicy PolicyName=made PolicyDocument=%
CreatePolicyVersion PolicyArn=# PolicyDocument=%
CreateRole RoleName=made AssumeRolePolicyDocument=^
CreateUser UserName=made
CreateVirtualMFADevice VirtualMFADeviceName=made
DeactivateMFADevice UserName=ghost SerialNumber=!
DeleteAccessKey UserName=ghost AccessKeyId=AKIARTX3GSDSQAAAAAAA
DeleteAccountAlias AccountAlias=ghost
DeleteGroup GroupName=ghost
DeleteGroupPolicy GroupName=ghost PolicyName=p
DeletePolicy PolicyArn=#
DeletePolicyVersion PolicyArn=# VersionId=v1
DeleteRole RoleName=ghost
DeleteRolePermissionsBoundary RoleName=ghost
DeleteRolePolicy RoleName=ghost PolicyName=p
DeleteUser UserName=ghost
DeleteUserPermissionsBoundary UserName=ghost
DeleteUserPolicy UserName=ghost PolicyName=p
DeleteVirtualMFADevice SerialNumber=!
DetachGroupPolicy GroupName=ghost PolicyArn=@
DetachRolePolicy RoleName=ghost PolicyArn=@
DetachUserPolicy UserName=ghost PolicyArn=@
EnableMFADevice UserName=ghost SerialNumber=! AuthenticationCode1=000000 AuthenticationCode2=000001
GetGroup GroupName=ghost
GetGroupPolicy GroupName=ghost PolicyName=p
GetMFADevice SerialNumber=!
GetPolicy PolicyArn=#
GetPolicyVersion PolicyArn=# VersionId=v1
GetRole RoleName=ghost
GetRolePolicy RoleName=ghost PolicyName=p
GetUser UserName=ghost
GetUserPolicy UserName=ghost PolicyName=p
ListAccessKeys UserName=ghost
ListAccountAliases
ListAttachedGroupPolicies GroupName=ghost
ListAttachedRolePolicies RoleName=ghost
ListAttachedUserPolicies UserName=ghost
ListEntitiesForPolicy PolicyArn=#
ListGroupPolicies GroupName=ghost
ListGroups
ListGroupsForUser UserName=ghost
ListMFADevices UserName=ghost
ListPolicies
ListPolicyTags PolicyArn=#
ListPolicyVersions PolicyArn=#
ListRolePolicies RoleName=ghost
ListRoles
ListRoleTags RoleName=ghost
ListUserPolicies UserName=ghost
ListUsers
ListUserTags UserName=ghost
ListVirtualMFADevices
PutGroupPolicy GroupName=ghost PolicyName=p PolicyDocument=%
PutRolePermissionsBoundary RoleName=ghost PermissionsBoundary=@
PutRolePolicy RoleName=ghost PolicyName=p PolicyDocument=%
PutUserPermissionsBoundary UserName=ghost PermissionsBoundary=@
PutUserPolicy UserName=ghost PolicyName=p PolicyDocument=%
RemoveUserFromGroup GroupName=ghost UserName=ghost
ResyncMFADevice UserName=ghost SerialNumber=! AuthenticationCode1=000000 AuthenticationCode2=000001
SetDefaultPolicyVersion PolicyArn=# VersionId=v1
TagPolicy PolicyArn=# Tags.member.1.Key=k Tags.member.1.Value=v
TagRole RoleName=ghost Tags.member.1.Key=k Tags.member.1.Value=v
TagUser UserName=ghost Tags.member.1.Key=k Tags.member.1.Value=v
UntagPolicy PolicyArn=# TagKeys.member.1=k
UntagRole RoleName=ghost TagKeys.member.1=k
UntagUser UserName=ghost TagKeys.member.1=k
UpdateAccessKey UserName=ghost AccessKeyId=AKIARTX3GSDSQAAAAAAA Status=Inactive
UpdateAssumeRolePolicy RoleName=ghost PolicyDocument=^
UpdateGroup GroupName=ghost NewGroupName=other
UpdateRole RoleName=ghost Description=d
UpdateRoleDescription RoleName=ghost Description=d
UpdateUser UserName=ghost NewUserName=other
GenerateCredentialReport
GetCredentialReport
GetAccountAuthorizationDetails
GetAccountSummary
GenerateServiceLastAccessedDetails Arn=arn:aws:iam::111122223333:user/ghost
GetOrganizationsAccessReport JobId=01234567-89ab-4def-8123-456789abcdef
GetServiceLastAccessedDetails JobId=01234567-89ab-4def-8123-456789abcdef
GetServiceLastAccessedDetailsWithEntities JobId=01234567-89ab-4def-8123-456789abcdef ServiceNamespace=sts
ListPoliciesGrantingServiceAccess Arn=arn:aws:iam::111122223333:user/ghost ServiceNamespaces.member.1=sts
GetContextKeysForCustomPolicy PolicyInputList.member.1=%
GetContextKeysForPrincipalPolicy PolicySourceArn=arn:aws:iam::111122223333:user/ghost
SimulateCustomPolicy PolicyInputList.member.1=% ActionNames.member.1=s3:GetObject
SimulatePrincipalPolicy PolicySourceArn=arn:aws:iam::111122223333:user/ghost ActionNames.member.1=s3:GetObject` + providers

// providers are the operations on identity providers, settings and delegation requests.
const providers = `
AcceptDelegationRequest DelegationRequestId=dr-of-nobody-here
AddClientIDToOpenIDConnectProvider OpenIDConnectProviderArn=? ClientID=c
CreateOpenIDConnectProvider Url=https://made.example
DeleteOpenIDConnectProvider OpenIDConnectProviderArn=?
DeleteSAMLProvider SAMLProviderArn=~
DisableOutboundWebIdentityFederation
EnableOutboundWebIdentityFederation
GetDelegationRequest DelegationRequestId=dr-of-nobody-here
GetHumanReadableSummary EntityArn=$
GetOpenIDConnectProvider OpenIDConnectProviderArn=?
GetOutboundWebIdentityFederationInfo
GetSAMLProvider SAMLProviderArn=~
ListDelegationRequests
ListOpenIDConnectProviders
ListOpenIDConnectProviderTags OpenIDConnectProviderArn=?
ListSAMLProviders
ListSAMLProviderTags SAMLProviderArn=~
RejectDelegationRequest DelegationRequestId=dr-of-nobody-here
RemoveClientIDFromOpenIDConnectProvider OpenIDConnectProviderArn=? ClientID=c
SendDelegationToken DelegationRequestId=dr-of-nobody-here
SetSecurityTokenServicePreferences GlobalEndpointTokenVersion=v2Token
TagOpenIDConnectProvider OpenIDConnectProviderArn=? Tags.member.1.Key=k Tags.member.1.Value=v
TagSAMLProvider SAMLProviderArn=~ Tags.member.1.Key=k Tags.member.1.Value=v
UntagOpenIDConnectProvider OpenIDConnectProviderArn=? TagKeys.member.1=k
UntagSAMLProvider SAMLProviderArn=~ TagKeys.member.1=k
UpdateDelegationRequest DelegationRequestId=dr-of-nobody-here
UpdateOpenIDConnectProviderThumbprint OpenIDConnectProviderArn=? ThumbprintList=
UpdateSAMLProvider SAMLProviderArn=~
AddRoleToInstanceProfile InstanceProfileName=ghost RoleName=ghost
CreateInstanceProfile InstanceProfileName=made
CreateLoginProfile UserName=ghost Password=Long-enough-1
CreateServiceLinkedRole AWSServiceName=batch.amazonaws.com
CreateServiceSpecificCredential UserName=ghost ServiceName=codecommit.amazonaws.com
DeleteAccountPasswordPolicy
DeleteInstanceProfile InstanceProfileName=ghost
DeleteLoginProfile UserName=ghost
DeleteSSHPublicKey UserName=ghost SSHPublicKeyId=APKAAAAAAAAAAAAAAAAA
DeleteServerCertificate ServerCertificateName=ghost
DeleteServiceLinkedRole RoleName=ghost
DeleteServiceSpecificCredential UserName=ghost ServiceSpecificCredentialId=ACCAAAAAAAAAAAAAAAAA
DeleteSigningCertificate UserName=ghost CertificateId=AAAAAAAAAAAAAAAAAAAAAAAA
GetAccountPasswordPolicy
GetInstanceProfile InstanceProfileName=ghost
GetLoginProfile UserName=ghost
GetSSHPublicKey UserName=ghost SSHPublicKeyId=APKAAAAAAAAAAAAAAAAA Encoding=SSH
GetServerCertificate ServerCertificateName=ghost
GetServiceLinkedRoleDeletionStatus DeletionTaskId=task/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS/x
ListInstanceProfileTags InstanceProfileName=ghost
ListInstanceProfiles
ListInstanceProfilesForRole RoleName=ghost
ListMFADeviceTags SerialNumber=!
ListSSHPublicKeys UserName=ghost
ListServerCertificateTags ServerCertificateName=ghost
ListServerCertificates
ListServiceSpecificCredentials UserName=ghost
ListSigningCertificates UserName=ghost
RemoveRoleFromInstanceProfile InstanceProfileName=ghost RoleName=ghost
ResetServiceSpecificCredential UserName=ghost ServiceSpecificCredentialId=ACCAAAAAAAAAAAAAAAAA
TagInstanceProfile InstanceProfileName=ghost Tags.member.1.Key=k Tags.member.1.Value=v
TagMFADevice SerialNumber=! Tags.member.1.Key=k Tags.member.1.Value=v
TagServerCertificate ServerCertificateName=ghost Tags.member.1.Key=k Tags.member.1.Value=v
UntagInstanceProfile InstanceProfileName=ghost TagKeys.member.1=k
UntagMFADevice SerialNumber=! TagKeys.member.1=k
UntagServerCertificate ServerCertificateName=ghost TagKeys.member.1=k
UpdateAccountPasswordPolicy MinimumPasswordLength=8
UpdateLoginProfile UserName=ghost PasswordResetRequired=true
UpdateSSHPublicKey UserName=ghost SSHPublicKeyId=APKAAAAAAAAAAAAAAAAA Status=Inactive
UpdateServerCertificate ServerCertificateName=ghost NewPath=/n/
UpdateServiceSpecificCredential UserName=ghost ServiceSpecificCredentialId=ACCAAAAAAAAAAAAAAAAA Status=Inactive
UpdateSigningCertificate UserName=ghost CertificateId=AAAAAAAAAAAAAAAAAAAAAAAA Status=Inactive
UploadSSHPublicKey UserName=ghost SSHPublicKeyBody=x
UploadSigningCertificate UserName=ghost CertificateBody=x`

var abbreviations = map[string]string{
	"@": "arn:aws:iam::aws:policy/ReadOnlyAccess",
	"#": "arn:aws:iam::111122223333:policy/ghost",
	"!": "arn:aws:iam::111122223333:mfa/ghost",
	"%": allowAll,
	"?": "arn:aws:iam::111122223333:oidc-provider/ghost.example",
	"~": "arn:aws:iam::111122223333:saml-provider/ghost",
	"$": "arn:aws:iam::111122223333:delegation-request/dr-of-nobody-here",
	"^": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}`,
}

// advisory 28, advisory 30, advisory 32, advisory 48: every operation asks for its own permission, before it tells whether
// anything is there; all other permissions together do not open it, and it alone does.
func TestEveryOperationAsksForItsOwnPermission(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","%s":"iam:%s","Resource":"*"}]}`
	tried := 0
	for line := range strings.Lines(strings.TrimSpace(operations)) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		action, texts := words[0], []string(nil)
		for _, word := range words[1:] {
			name, value, _ := strings.Cut(word, "=")
			if long := abbreviations[value]; long != "" {
				value = long
			}
			texts = append(texts, name, value)
		}
		tried++
		h.must(h.Admin, "iam", "PutUserPolicy", "UserName", "ops", "PolicyName", "all", "PolicyDocument", fmt.Sprintf(policy, "NotAction", action))
		denied := h.refused(action+" with every other permission", h.call(h.ops, "iam", action, texts...), "AccessDenied")
		if !strings.Contains(denied, "is not authorized to perform: iam:"+action+" ") {
			t.Errorf("%s is refused by %q", action, denied)
		}
		h.must(h.Admin, "iam", "PutUserPolicy", "UserName", "ops", "PolicyName", "all", "PolicyDocument", fmt.Sprintf(policy, "Action", action))
		if answer := h.call(h.ops, "iam", action, texts...); answer.Status != 200 && answer.Status != 404 {
			t.Errorf("%s with its permission: %s", action, answer)
		}
	}
	if tried < 119 {
		t.Errorf("only %d operations were tried", tried)
	}
}

type stance string

const (
	permits stance = "permits"
	silent  stance = "silent"
	denies  stance = "denies"
)

func (s stance) statement(rest string) string {
	switch s {
	case permits:
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",` + rest + `}]}`
	case denies:
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",` + rest + `},{"Effect":"Deny","Action":"sts:AssumeRole",` + rest + `}]}`
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:TagSession",` + rest + `}]}`
}

// advisory 39: who may assume a role, by the caller's identity policy, its session policy, the trust policy and the account.
// The trust policy names the caller's role: in the same account that is enough unless something denies, and a session
// policy, where there is one, must allow too; in another account the caller's own policy must allow as well.
func TestWhoMayAssume(t *testing.T) {
	t.Parallel()
	const other = "444455556666"
	stances := []stance{permits, silent, denies}
	key := harness.NewKey(mainAccount)
	file := directoryFile{Accounts: map[string]*accountEntry{
		mainAccount: {Users: map[string]*userEntry{"dana": {AccessKeys: []keyEntry{{key.AccessKeyID, key.SecretAccessKey}}}}, Roles: map[string]*roleEntry{}},
		other:       {Roles: map[string]*roleEntry{}},
	}}
	dana := []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::111122223333:user/dana"}}]}`)
	for _, s := range stances {
		file.Accounts[mainAccount].Roles["caller-"+string(s)] = &roleEntry{
			TrustPolicy: dana, InlinePolicies: rawDocuments(s.statement(`"Resource":"*"`))}
		callers := `"Principal":{"AWS":["arn:aws:iam::111122223333:role/caller-permits","arn:aws:iam::111122223333:role/caller-silent","arn:aws:iam::111122223333:role/caller-denies"]}`
		for account := range file.Accounts {
			file.Accounts[account].Roles["target-"+string(s)] = &roleEntry{TrustPolicy: []byte(s.statement(callers))}
		}
	}
	opened, err := open(t.TempDir(), file, newCast())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &house{Server: opened.server, t: t}
	rows, allowed := 0, 0
	for _, identity := range stances {
		for _, session := range []stance{"", permits, denies} {
			texts := []string{"RoleArn", "arn:aws:iam::111122223333:role/caller-" + string(identity), "RoleSessionName", "hop"}
			if session != "" {
				texts = append(texts, "Policy", session.statement(`"Resource":"*"`))
			}
			caller := h.must(key, "sts", "AssumeRole", texts...).Credentials()
			for _, trust := range stances {
				for _, account := range []string{mainAccount, other} {
					want := trust == permits && identity != denies && session != denies && (account == mainAccount || identity == permits)
					target := "arn:aws:iam::" + account + ":role/target-" + string(trust)
					answer := h.call(caller, "sts", "AssumeRole", "RoleArn", target, "RoleSessionName", "next")
					rows++
					if answer.Status == 200 {
						allowed++
					}
					if got := answer.Status == 200; got != want || !got && answer.Code() != "AccessDenied" {
						t.Errorf("identity %s, session %q, trust %s, account %s: %d %s, want allowed %v",
							identity, session, trust, account, answer.Status, answer.Code(), want)
					}
				}
			}
		}
	}
	if rows != 54 || allowed != 6 {
		t.Errorf("%d rows, of which %d allowed", rows, allowed)
	}
}
