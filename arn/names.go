package arn

// The constructors below are on the way of every request: each is one concatenation. A path begins and ends with a
// slash, as IAM keeps it; the caller has checked it.

// Root is the root user of the account, which as a principal stands for the whole account.
func Root(p Partition, account AccountID) string {
	return "arn:" + string(p) + ":iam::" + string(account) + ":root"
}

// User is an IAM user.
func User(p Partition, account AccountID, path, name string) string {
	return "arn:" + string(p) + ":iam::" + string(account) + ":user" + path + name
}

// Role is an IAM role.
func Role(p Partition, account AccountID, path, name string) string {
	return "arn:" + string(p) + ":iam::" + string(account) + ":role" + path + name
}

// Group is an IAM group.
func Group(p Partition, account AccountID, path, name string) string {
	return "arn:" + string(p) + ":iam::" + string(account) + ":group" + path + name
}

// Policy is a managed policy. AWS's own have the account "aws".
func Policy(p Partition, account AccountID, path, name string) string {
	return "arn:" + string(p) + ":iam::" + string(account) + ":policy" + path + name
}

// InstanceProfile is an IAM instance profile. The server has none yet; the ARN is for those who write policies about them.
func InstanceProfile(p Partition, account AccountID, path, name string) string {
	return "arn:" + string(p) + ":iam::" + string(account) + ":instance-profile" + path + name
}

// MFADevice is the serial number of a virtual MFA device.
func MFADevice(p Partition, account AccountID, path, name string) string {
	return "arn:" + string(p) + ":iam::" + string(account) + ":mfa" + path + name
}

// OIDCProvider is an OpenID Connect provider; hostPath is its issuer URL without the scheme.
func OIDCProvider(p Partition, account AccountID, hostPath string) string {
	return "arn:" + string(p) + ":iam::" + string(account) + ":oidc-provider/" + hostPath
}

// SAMLProvider is a SAML provider.
func SAMLProvider(p Partition, account AccountID, name string) string {
	return "arn:" + string(p) + ":iam::" + string(account) + ":saml-provider/" + name
}

// AssumedRole is a session of a role; it drops the role's path (docs/wire-compatibility.md §9).
func AssumedRole(p Partition, account AccountID, roleName, session string) string {
	return "arn:" + string(p) + ":sts::" + string(account) + ":assumed-role/" + roleName + "/" + session
}

// FederatedUser is a session of GetFederationToken.
func FederatedUser(p Partition, account AccountID, name string) string {
	return "arn:" + string(p) + ":sts::" + string(account) + ":federated-user/" + name
}

// DelegationRequest is a request for temporary delegation in the account that it is for.
func DelegationRequest(p Partition, account AccountID, id string) string {
	return "arn:" + string(p) + ":iam::" + string(account) + ":delegation-request/" + id
}
