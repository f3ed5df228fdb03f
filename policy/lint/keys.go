package lint

import (
	"strings"

	"github.com/stint-sts/stint/policy"
)

// key is a condition key that AWS documents.
type key struct {
	name string // as AWS writes it; one that ends with a slash is followed by a name of one's own, such as a tag key
	is   policy.Comparison
	many bool // whether a request may have several values
}

// anything is for keys whose values are whatever somebody wrote, such as tags: every operator has its use.
const anything policy.Comparison = ""

// knownKeys are the global keys and those of STS, IAM and SAML (IAM UG, AWS global condition context keys; IAM and STS
// condition context keys; Service Authorization Reference).
var knownKeys = [...]key{
	{"aws:AssumedRoot", policy.Booleans, false},
	{"aws:CalledVia", policy.Strings, true},
	{"aws:CalledViaAWSMCP", policy.Strings, false},
	{"aws:CalledViaFirst", policy.Strings, false},
	{"aws:CalledViaLast", policy.Strings, false},
	{"aws:ChatbotSourceArn", policy.ARNs, false},
	{"aws:CurrentTime", policy.Dates, false},
	{"aws:Ec2InstanceSourcePrivateIPv4", policy.Addresses, false},
	{"aws:Ec2InstanceSourceVpc", policy.Strings, false},
	{"aws:EpochTime", policy.Dates, false},
	{"aws:FederatedProvider", policy.Strings, false},
	{"aws:MultiFactorAuthAge", policy.Numbers, false},
	{"aws:MultiFactorAuthPresent", policy.Booleans, false},
	{"aws:PrincipalAccount", policy.Strings, false},
	{"aws:PrincipalArn", policy.ARNs, false},
	{"aws:PrincipalIsAWSService", policy.Booleans, false},
	{"aws:PrincipalOrgID", policy.Strings, false},
	{"aws:PrincipalOrgPaths", policy.Strings, true},
	{"aws:PrincipalServiceName", policy.Strings, false},
	{"aws:PrincipalServiceNamesList", policy.Strings, true},
	{"aws:PrincipalTag/", anything, false},
	{"aws:PrincipalType", policy.Strings, false},
	{"aws:Referer", policy.Strings, false},
	{"aws:RequestTag/", anything, false},
	{"aws:RequestedRegion", policy.Strings, false},
	{"aws:ResourceAccount", policy.Strings, false},
	{"aws:ResourceOrgID", policy.Strings, false},
	{"aws:ResourceOrgPaths", policy.Strings, true},
	{"aws:ResourceTag/", anything, false},
	{"aws:SecureTransport", policy.Booleans, false},
	{"aws:SignInSessionArn", policy.ARNs, false},
	{"aws:SourceAccount", policy.Strings, false},
	{"aws:SourceArn", policy.ARNs, false},
	{"aws:SourceIdentity", policy.Strings, false},
	{"aws:SourceIp", policy.Addresses, false},
	{"aws:SourceOrgID", policy.Strings, false},
	{"aws:SourceOrgPaths", policy.Strings, true},
	{"aws:SourceVpc", policy.Strings, false},
	{"aws:SourceVpcArn", policy.ARNs, false},
	{"aws:SourceVpce", policy.Strings, false},
	{"aws:TagKeys", policy.Strings, true},
	{"aws:TokenIssueTime", policy.Dates, false},
	{"aws:UserAgent", policy.Strings, false},
	{"aws:ViaAWSMCPService", policy.Booleans, false},
	{"aws:ViaAWSService", policy.Booleans, false},
	{"aws:VpcSourceIp", policy.Addresses, false},
	{"aws:VpceAccount", policy.Strings, false},
	{"aws:VpceOrgID", policy.Strings, false},
	{"aws:VpceOrgPaths", policy.Strings, true},
	{"aws:userid", policy.Strings, false},
	{"aws:username", policy.Strings, false},

	{"iam:AWSServiceName", policy.Strings, false},
	{"iam:AssociatedResourceArn", policy.ARNs, false},
	{"iam:DelegationDuration", policy.Numbers, false},
	{"iam:DelegationRequestOwner", policy.ARNs, false},
	{"iam:FIDO-FIPS-140-2-certification", policy.Strings, false},
	{"iam:FIDO-FIPS-140-3-certification", policy.Strings, false},
	{"iam:FIDO-certification", policy.Strings, false},
	{"iam:NotificationChannel", policy.ARNs, false},
	{"iam:OrganizationsPolicyId", policy.Strings, false},
	{"iam:PassedToService", policy.Strings, false},
	{"iam:PermissionsBoundary", policy.ARNs, false},
	{"iam:PolicyARN", policy.ARNs, false},
	{"iam:RegisterSecurityKey", policy.Strings, false},
	{"iam:ResourceTag/", anything, false},
	{"iam:ServiceSpecificCredentialAgeDays", policy.Numbers, false},
	{"iam:ServiceSpecificCredentialServiceName", policy.Strings, false},
	{"iam:TemplateArn", policy.ARNs, false},

	{"sts:AWSServiceName", policy.Strings, false},
	{"sts:DurationSeconds", policy.Numbers, false},
	{"sts:ExternalId", policy.Strings, false},
	{"sts:IdentityTokenAudience", policy.Strings, true},
	{"sts:RequestContext/", anything, false},
	{"sts:RequestContextProviders", policy.ARNs, true},
	{"sts:RoleSessionName", policy.Strings, false},
	{"sts:SigningAlgorithm", policy.Strings, false},
	{"sts:SourceIdentity", policy.Strings, false},
	{"sts:TaskPolicyArn", policy.ARNs, false},
	{"sts:TransitiveTagKeys", policy.Strings, true},

	{"saml:aud", policy.Strings, false},
	{"saml:cn", policy.Strings, true},
	{"saml:commonName", policy.Strings, false},
	{"saml:doc", policy.Strings, false},
	{"saml:eduorghomepageuri", policy.Strings, true},
	{"saml:eduorgidentityauthnpolicyuri", policy.Strings, true},
	{"saml:eduorglegalname", policy.Strings, true},
	{"saml:eduorgsuperioruri", policy.Strings, true},
	{"saml:eduorgwhitepagesuri", policy.Strings, true},
	{"saml:edupersonaffiliation", policy.Strings, true},
	{"saml:edupersonassurance", policy.Strings, true},
	{"saml:edupersonentitlement", policy.Strings, true},
	{"saml:edupersonnickname", policy.Strings, true},
	{"saml:edupersonorgdn", policy.Strings, false},
	{"saml:edupersonorgunitdn", policy.Strings, true},
	{"saml:edupersonprimaryaffiliation", policy.Strings, false},
	{"saml:edupersonprimaryorgunitdn", policy.Strings, false},
	{"saml:edupersonprincipalname", policy.Strings, false},
	{"saml:edupersonscopedaffiliation", policy.Strings, true},
	{"saml:edupersontargetedid", policy.Strings, true},
	{"saml:givenName", policy.Strings, false},
	{"saml:iss", policy.Strings, false},
	{"saml:mail", policy.Strings, false},
	{"saml:name", policy.Strings, false},
	{"saml:namequalifier", policy.Strings, false},
	{"saml:organizationStatus", policy.Strings, false},
	{"saml:primaryGroupSID", policy.Strings, false},
	{"saml:sub", policy.Strings, false},
	{"saml:sub_type", policy.Strings, false},
	{"saml:surname", policy.Strings, false},
	{"saml:uid", policy.Strings, false},
	{"saml:x500UniqueIdentifier", policy.Strings, false},
}

// lookUp finds a key by its name in lower case.
func lookUp(name string) (key, bool) {
	for _, k := range knownKeys {
		known := strings.ToLower(k.name)
		if name == known && !strings.HasSuffix(known, "/") || strings.HasSuffix(known, "/") && len(name) > len(known) && strings.HasPrefix(name, known) {
			return k, true
		}
	}
	return key{}, false
}

// checkedServices are the prefixes whose keys are all in the table.
func checkedService(prefix string) bool {
	switch prefix {
	case "aws", "sts", "iam", "saml":
		return true
	}
	return false
}

func keyNames() []string {
	names := make([]string, len(knownKeys))
	for i, k := range knownKeys {
		names[i] = strings.TrimSuffix(k.name, "/")
	}
	return names
}

// unknownKey says what is wrong with a key's name, with the code for it; nothing if it is right or cannot be told.
func unknownKey(name string) (code, message string) {
	prefix, rest, found := strings.Cut(name, ":")
	if !found || prefix == "" || rest == "" || strings.ContainsAny(name, " \t\r\n") {
		return "INVALID_CONDITION_KEY_FORMAT", "The condition key " + quote(name) + " has not the form service:Key: no request has it."
	}
	prefix = strings.ToLower(prefix)
	if _, known := lookUp(strings.ToLower(name)); known || !checkedService(prefix) {
		return "", ""
	}
	code = "INVALID_SERVICE_CONDITION_KEY"
	if prefix == "aws" {
		code = "INVALID_GLOBAL_CONDITION_KEY"
	}
	bare, _, _ := strings.Cut(name, "/")
	if _, takesName := lookUp(strings.ToLower(bare) + "/x"); takesName {
		return code, "The condition key " + quote(name) + " lacks the name after the slash, as in " + quote(bare+"/team") + ": no request has it."
	}
	return code, "There is no condition key " + quote(name) + ": no request has it." + meant(near(name, keyNames()))
}
