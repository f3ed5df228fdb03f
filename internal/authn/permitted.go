package authn

import "github.com/stint-sts/stint/internal/identity"

// Permitted refuses what credentials of the caller's kind may not call, whatever the policies say (STS API reference, and IAM
// UG, requesting temporary security credentials): sessions of GetSessionToken only AssumeRole and GetCallerIdentity in STS,
// and IAM only with MFA; sessions of GetFederationToken only GetCallerIdentity in STS, and no IAM.
func Permitted(c *identity.Caller, service, operation string) error {
	s := c.Session
	if s == nil || s.Kind == identity.RoleSession {
		return nil
	}
	if service == "iam" || service == "organizations" {
		// IAM answers as if it did not know the token.
		if s.Kind == identity.FederationSession || s.MFATime.IsZero() {
			return invalidToken
		}
		return nil
	}
	if service != "sts" || operation == "GetCallerIdentity" {
		return nil
	}
	if operation == "AssumeRole" {
		return nil // refused there to root and to federated users, after the parameters were checked
	}
	return identity.NewFault(identity.AccessDenied, "Cannot call "+operation+" with session credentials")
}
