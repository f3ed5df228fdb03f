package oidc

import (
	"github.com/stint-sts/stint/internal/federation"
	"github.com/stint-sts/stint/internal/identity"
)

// AWS's sentences (recorded in September 2026 unless docs/wire-compatibility.md says otherwise). What a caller is told of a token
// that does not verify is always one of them, and the reason is told to the operator alone.
const (
	notJWT     = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
	notValid   = "The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation for requirements."
	noProvider = "No OpenIDConnect provider found in your account for "
	noKey      = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity " +
		"documentation for requirements"
	wrongThumbprint = "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint"
	wrongAudience   = "Incorrect token audience"
	manyAudiences   = "Token audience contains more than one audience while authorized party is not present"
	badTimestamp    = "Invalid timestamp in token claims."
	badTags         = "principal_tags passed in claim is not in correct format."
	missingClaim    = "Missing a required claim: "
	emptyClaim      = "Claim is not allowed to be empty: "
)

// invalid refuses a token.
func invalid(message, reason string) *identity.Fault {
	return federation.Refusal(identity.InvalidIdentityToken, message, reason)
}
