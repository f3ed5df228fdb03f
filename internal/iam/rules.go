package iam

// keys are the condition keys that an operation has besides the global ones.
type keys uint16

const (
	policyKey   keys = 1 << iota // iam:PolicyARN
	newBoundary                  // iam:PermissionsBoundary: the one in the request
	ownBoundary                  // iam:PermissionsBoundary: the one that the user or role has
	requestTags                  // aws:RequestTag/…, aws:TagKeys
	tagKeys                      // aws:TagKeys
)

// Of delegation requests.
const (
	delegationTerms keys = 1 << (15 - iota) // iam:TemplateArn, iam:NotificationChannel, iam:DelegationDuration
	requestOwner                            // iam:DelegationRequestOwner
)

// rule is what an operation needs permission for: iam:<operation> on the resource, judged with the keys.
type rule struct {
	resource resource
	keys     keys
}

// rules holds a row for every operation: the resource types and condition keys that the SAR lists for its action. Where the
// SAR lists none, AWS's own denials name what is printed here (for ListUsers the ARN "user/" with the path prefix, for
// ListPolicies no ARN). Of iam:PermissionsBoundary UG (permissions boundaries, delegating to others) says which boundary is
// meant.
var rules = map[string]rule{
	// Users.
	"AttachUserPolicy":              {user, policyKey | ownBoundary},
	"CreateUser":                    {user, newBoundary | requestTags},
	"DeleteUser":                    {user, 0},
	"DeleteUserPermissionsBoundary": {user, ownBoundary},
	"DeleteUserPolicy":              {user, ownBoundary},
	"DetachUserPolicy":              {user, policyKey | ownBoundary},
	"GetUser":                       {user, 0},
	"GetUserPolicy":                 {user, 0},
	"ListAttachedUserPolicies":      {user, 0},
	"ListUserPolicies":              {user, 0},
	"ListUserTags":                  {user, 0},
	"ListUsers":                     {user, 0},
	"PutUserPermissionsBoundary":    {user, newBoundary},
	"PutUserPolicy":                 {user, ownBoundary},
	"TagUser":                       {user, requestTags},
	"UntagUser":                     {user, tagKeys},
	"UpdateUser":                    {user, 0},

	// Groups.
	"AddUserToGroup":            {group, 0},
	"AttachGroupPolicy":         {group, policyKey},
	"CreateGroup":               {group, 0},
	"DeleteGroup":               {group, 0},
	"DeleteGroupPolicy":         {group, 0},
	"DetachGroupPolicy":         {group, policyKey},
	"GetGroup":                  {group, 0},
	"GetGroupPolicy":            {group, 0},
	"ListAttachedGroupPolicies": {group, 0},
	"ListGroupPolicies":         {group, 0},
	"ListGroups":                {group, 0},
	"ListGroupsForUser":         {user, 0},
	"PutGroupPolicy":            {group, 0},
	"RemoveUserFromGroup":       {group, 0},
	"UpdateGroup":               {group, 0},

	// Roles.
	"AttachRolePolicy":              {role, policyKey | ownBoundary},
	"CreateRole":                    {role, newBoundary | requestTags},
	"DeleteRole":                    {role, 0},
	"DeleteRolePermissionsBoundary": {role, ownBoundary},
	"DeleteRolePolicy":              {role, ownBoundary},
	"DetachRolePolicy":              {role, policyKey | ownBoundary},
	"GetRole":                       {role, 0},
	"GetRolePolicy":                 {role, 0},
	"ListAttachedRolePolicies":      {role, 0},
	"ListRolePolicies":              {role, 0},
	"ListRoleTags":                  {role, 0},
	"ListRoles":                     {role, 0},
	"PutRolePermissionsBoundary":    {role, newBoundary},
	"PutRolePolicy":                 {role, ownBoundary},
	"TagRole":                       {role, requestTags},
	"UntagRole":                     {role, tagKeys},
	"UpdateAssumeRolePolicy":        {role, 0},
	"UpdateRole":                    {role, 0},
	"UpdateRoleDescription":         {role, 0},

	// Managed policies.
	"CreatePolicy":            {managedPolicy, requestTags},
	"CreatePolicyVersion":     {managedPolicy, 0},
	"DeletePolicy":            {managedPolicy, 0},
	"DeletePolicyVersion":     {managedPolicy, 0},
	"GetPolicy":               {managedPolicy, 0},
	"GetPolicyVersion":        {managedPolicy, 0},
	"ListEntitiesForPolicy":   {managedPolicy, 0},
	"ListPolicies":            {anything, 0},
	"ListPolicyTags":          {managedPolicy, 0},
	"ListPolicyVersions":      {managedPolicy, 0},
	"SetDefaultPolicyVersion": {managedPolicy, 0},
	"TagPolicy":               {managedPolicy, requestTags},
	"UntagPolicy":             {managedPolicy, tagKeys},

	// Access keys.
	"CreateAccessKey": {user, 0},
	"DeleteAccessKey": {user, 0},
	"ListAccessKeys":  {user, 0},
	"UpdateAccessKey": {user, 0},

	// MFA devices.
	"CreateVirtualMFADevice": {device, requestTags},
	"DeactivateMFADevice":    {user, 0},
	"DeleteVirtualMFADevice": {device, 0},
	"EnableMFADevice":        {user, 0},
	"GetMFADevice":           {user, 0},
	"ListMFADevices":         {user, 0},
	"ListVirtualMFADevices":  {device, 0},
	"ResyncMFADevice":        {user, 0},

	// The account.
	"CreateAccountAlias": {anything, 0},
	"DeleteAccountAlias": {anything, 0},
	"ListAccountAliases": {anything, 0},

	// OpenID Connect providers.
	"AddClientIDToOpenIDConnectProvider":      {oidcProvider, 0},
	"CreateOpenIDConnectProvider":             {oidcProvider, requestTags},
	"DeleteOpenIDConnectProvider":             {oidcProvider, 0},
	"GetOpenIDConnectProvider":                {oidcProvider, 0},
	"ListOpenIDConnectProviderTags":           {oidcProvider, 0},
	"ListOpenIDConnectProviders":              {anything, 0},
	"RemoveClientIDFromOpenIDConnectProvider": {oidcProvider, 0},
	"TagOpenIDConnectProvider":                {oidcProvider, requestTags},
	"UntagOpenIDConnectProvider":              {oidcProvider, tagKeys},
	"UpdateOpenIDConnectProviderThumbprint":   {oidcProvider, 0},

	// SAML providers.
	"CreateSAMLProvider":   {samlProvider, requestTags},
	"DeleteSAMLProvider":   {samlProvider, 0},
	"GetSAMLProvider":      {samlProvider, 0},
	"ListSAMLProviderTags": {samlProvider, 0},
	"ListSAMLProviders":    {anything, 0},
	"TagSAMLProvider":      {samlProvider, requestTags},
	"UntagSAMLProvider":    {samlProvider, tagKeys},
	"UpdateSAMLProvider":   {samlProvider, 0},

	// Settings of the account and of the organization.
	"DisableOrganizationsRootCredentialsManagement": {anything, 0},
	"DisableOrganizationsRootSessions":              {anything, 0},
	"DisableOutboundWebIdentityFederation":          {anything, 0},
	"EnableOrganizationsRootCredentialsManagement":  {anything, 0},
	"EnableOrganizationsRootSessions":               {anything, 0},
	"EnableOutboundWebIdentityFederation":           {anything, 0},
	"GetOutboundWebIdentityFederationInfo":          {anything, 0},
	"ListOrganizationsFeatures":                     {anything, 0},
	"SetSecurityTokenServicePreferences":            {anything, 0},

	// Delegation requests.
	"AcceptDelegationRequest":    {delegationRequest, requestOwner},
	"AssociateDelegationRequest": {delegationRequest, requestOwner},
	"CreateDelegationRequest":    {delegationRequest, delegationTerms},
	"GetDelegationRequest":       {delegationRequest, requestOwner},
	"GetHumanReadableSummary":    {delegationRequest, requestOwner},
	"ListDelegationRequests":     {anything, requestOwner},
	"RejectDelegationRequest":    {delegationRequest, requestOwner},
	"SendDelegationToken":        {delegationRequest, requestOwner},
	"UpdateDelegationRequest":    {delegationRequest, requestOwner},
}

// tagging names the operation whose permission a request needs too if it brings tags along: else who may create might tag
// what it creates as it likes (advisory 47). AWS's denials of CreateRole name iam:TagRole (index id 1542129493); for the others
// nobody is on record, and the same is done.
var tagging = map[string]string{
	"CreatePolicy":           "TagPolicy",
	"CreateRole":             "TagRole",
	"CreateUser":             "TagUser",
	"CreateVirtualMFADevice": "TagMFADevice",

	"CreateOpenIDConnectProvider": "TagOpenIDConnectProvider",
	"CreateSAMLProvider":          "TagSAMLProvider",
}
