package authn

import "github.com/stint-sts/stint/internal/identity"

// Permitted refuses what credentials of the caller's kind may not call, whatever the policies say (STS API reference, and IAM
// UG, requesting temporary security credentials): sessions of GetSessionToken only AssumeRole and GetCallerIdentity in STS,
// and IAM and Stint's own operations only with MFA; sessions of GetFederationToken only GetCallerIdentity in STS, and nothing
// elsewhere. What a session of AssumeRoot may call is its task policy's to say.
func Permitted(c *identity.Caller, service, operation string) error {
	s := c.Session
	if s == nil || s.Kind == identity.RoleSession || s.Kind == identity.AssumedRootSession || delegated(s) {
		return nil
	}
	withMFA := s.Kind != identity.FederationSession && !s.MFATime.IsZero()
	switch service {
	case "iam", "organizations":
		if !withMFA {
			return invalidToken // IAM answers as if it did not know the token
		}
		return nil
	case "stint":
		if withMFA {
			return nil
		}
	case "sts":
		// AssumeRole is refused there to root and to federated users, after the parameters were checked.
		if operation == "GetCallerIdentity" || operation == "AssumeRole" {
			return nil
		}
	}
	return identity.NewFault(identity.AccessDenied, "Cannot call "+operation+" with session credentials")
}

// delegated reports whether a session is that of an exchange token (GetDelegatedAccessToken): one of a user or of root that a
// policy limits, which GetSessionToken makes none of. What it may call is the policy's to say.
func delegated(s *identity.Session) bool {
	return (s.Kind == identity.UserSession || s.Kind == identity.RootSession) && s.Policy != ""
}
