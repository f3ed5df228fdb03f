package saml

import (
	"errors"

	"github.com/stint-sts/stint/internal/federation"
	"github.com/stint-sts/stint/internal/identity"
)

// AWS's sentences (docs/wire-compatibility.md §6). The misspelling is AWS's.
const (
	badSignature    = "Response signature invalid"
	noSessionName   = "RoleSessionName is required in AuthnResponse"
	badSessionName  = "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"
	badSource       = `Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"`
	notOffered      = "SAML Assertion doesn't contain the requested Role and Metadata in the attributes"
	noConfirmation  = "Responses must contain SubjectConfirmatonData with a Recipient and NotOnOrAfter"
	wrongAudience   = "Response does not contain the required audience."
	tooLate         = "Token must be redeemed within 5 minutes of issuance"
	notAuthorized   = "Not authorized to perform sts:AssumeRoleWithSAML"
	invalidResponse = "Invalid SAMLResponse"
	invalidBase64   = "Invalid base64 SAMLResponse"
	otherIssuer     = "Issuer not present in specified provider"
	noProvider      = "Specified provider doesn't exist"
)

// What AWS's texts are not known of.
const (
	expiredMetadata  = "The metadata of the specified provider is no longer valid"
	notDecrypted     = "SAML assertion cannot be decrypted with the keys of the specified provider"
	mustBeEncrypted  = "SAML assertion must be encrypted for the specified provider"
	badStatus        = "Response status is not Success"
	wrongDestination = "Response does not have the required destination."
	wrongRecipient   = "Response does not contain the required recipient."
	notYet           = "Response is not yet valid"
	expired          = "Response is expired"
	badAttribute     = "An attribute of the AuthnResponse is not of the documented form"
	usedBefore       = "SAML Assertion was used before"
)

// The codes of the service behind AWS's, which its texts let through.
const (
	codeProvider = "AuthSamlManifestNotFoundException"
	codeResponse = "AuthSamlInvalidSamlResponseException"
)

var (
	errProvider    = errors.New("the account has no such SAML provider")
	errMetadataEnd = errors.New("the metadata is over (validUntil)")
	errIssuer      = errors.New("the issuer is not the entity that the metadata is of")
	errUnsigned    = errors.New("neither the response nor the assertion is signed")
)

// invalid refuses a response.
func invalid(message string, reason error) *identity.Fault {
	return federation.Refused(identity.InvalidIdentityToken, message, reason)
}

// behind is a text of the service behind.
func behind(message, code, requestID string) string {
	return message + " (Service: AWSOpenIdDiscoveryService; Status Code: 400; Error Code: " + code + "; Request ID: " + requestID + "; Proxy: null)"
}
