package organizations

// reach says from which accounts an operation may be called (API, each operation's note).
type reach uint8

const (
	anyone     reach = iota // also from an account that is in no organization
	members                 // from every account of the organization
	readers                 // from the management account or that of a delegated administrator
	management              // from the management account
)

// keys are the condition keys that an operation has besides the global ones.
type keys uint8

const (
	policyType       keys = 1 << iota // organizations:PolicyType
	servicePrincipal                  // organizations:ServicePrincipal
	requestTags                       // aws:RequestTag/…, aws:TagKeys
	tagKeys                           // aws:TagKeys
)

// rule is who may call an operation, given permission for organizations:<operation> on what it names, judged with the keys.
type rule struct {
	reach reach
	keys  keys
}

// rules holds a row for every operation: the condition keys that the SAR lists for its action. The resources are what the
// request names; "*" if it names none.
var rules = map[string]rule{
	// The organization.
	"CreateOrganization":   {anyone, 0},
	"DeleteOrganization":   {management, 0},
	"DescribeOrganization": {members, 0},
	"LeaveOrganization":    {members, 0},

	// Accounts.
	"CreateAccount":                 {management, requestTags},
	"DescribeAccount":               {readers, 0},
	"DescribeCreateAccountStatus":   {readers, 0},
	"ListAccounts":                  {readers, 0},
	"ListAccountsForParent":         {readers, 0},
	"ListCreateAccountStatus":       {readers, 0},
	"MoveAccount":                   {management, 0},
	"RemoveAccountFromOrganization": {management, 0},

	// Roots and units.
	"CreateOrganizationalUnit":         {management, requestTags},
	"DeleteOrganizationalUnit":         {management, 0},
	"DescribeOrganizationalUnit":       {readers, 0},
	"ListChildren":                     {readers, 0},
	"ListOrganizationalUnitsForParent": {readers, 0},
	"ListParents":                      {readers, 0},
	"ListRoots":                        {readers, 0},
	"UpdateOrganizationalUnit":         {management, 0},

	// Policies.
	"AttachPolicy":          {management, policyType},
	"CreatePolicy":          {management, policyType | requestTags},
	"DeletePolicy":          {management, policyType},
	"DescribePolicy":        {readers, policyType},
	"DetachPolicy":          {management, policyType},
	"DisablePolicyType":     {management, policyType},
	"EnablePolicyType":      {management, policyType},
	"ListPolicies":          {readers, policyType},
	"ListPoliciesForTarget": {readers, policyType},
	"ListTargetsForPolicy":  {readers, policyType},
	"UpdatePolicy":          {management, policyType},

	// Tags.
	"ListTagsForResource": {readers, 0},
	"TagResource":         {management, requestTags},
	"UntagResource":       {management, tagKeys},

	// Services.
	"DeregisterDelegatedAdministrator":    {management, servicePrincipal},
	"DisableAWSServiceAccess":             {management, servicePrincipal},
	"EnableAWSServiceAccess":              {management, servicePrincipal},
	"ListAWSServiceAccessForOrganization": {readers, 0},
	"ListDelegatedAdministrators":         {readers, servicePrincipal},
	"ListDelegatedServicesForAccount":     {readers, 0},
	"RegisterDelegatedAdministrator":      {management, servicePrincipal},
}
