package federation

import (
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/identity"
)

// Assertion is what an identity provider said about a subject, verified.
type Assertion struct {
	// Kind is identity.WebIdentityUser or identity.SAMLUser.
	Kind identity.Kind
	// Account is the account of the provider; empty for a built-in one, which every account has.
	Account arn.AccountID
	// Provider is what trust policies name as the Federated principal: the ARN of the provider, or the name of a built-in one
	// such as accounts.google.com.
	Provider string
	// Issuer is the provider's own name: the URL of an OIDC issuer, the entity id of a SAML one.
	Issuer string
	// Subject is whom the assertion is about: the claim sub, or the text of the NameID.
	Subject string
	// SubjectType is the format of a SAML NameID as AWS shows it (persistent, transient, or a URI); empty for OIDC.
	SubjectType string
	// NameQualifier tells the subjects of a SAML provider from those of others; empty for OIDC.
	NameQualifier string
	// Audience is for whom the assertion was made: the client id, or SAML's recipient.
	Audience string
	// SessionName is the RoleSessionName of a SAML response; empty for OIDC, where it is a parameter.
	SessionName string
	// SessionSeconds is how long a session the provider asks for in the console (SAML's SessionDuration); zero if it does not say.
	SessionSeconds int32
	// SessionEnd is when the session must end at the latest (SAML's SessionNotOnOrAfter); zero if the provider does not say.
	SessionEnd time.Time
	// SourceIdentity is what the session's source identity shall be, or empty.
	SourceIdentity string
	// Tags are the session tags, with those marked that are passed along a chain. Their keys differ without regard to case.
	Tags []identity.SessionTag
	// Roles are what the provider offers (SAML's Role attribute). An OIDC provider offers none: its trust policies decide alone.
	Roles []OfferedRole
	// Keys are the condition keys that the assertion fills.
	Keys []Key
}

// OfferedRole is one value of SAML's Role attribute.
type OfferedRole struct{ RoleARN, ProviderARN string }

// Key is a condition key of the request that presents an assertion.
type Key struct {
	Name   string // lower case, such as saml:sub or idp.example.com:aud
	Values []string
	// Lasting is set for keys that every request of the session has as well (IAM UG, IAM and AWS STS condition context keys).
	Lasting bool
	// Multivalued is set for keys that are a set even if they have one value, such as amr.
	Multivalued bool
}

// Caller is the subject as the one who makes the request: the only principal that a federated operation has.
func (a *Assertion) Caller() identity.Caller {
	return identity.Caller{
		Kind:   a.Kind,
		UserID: a.principalID(),
		Federation: &identity.Federation{
			Provider: a.Provider,
			Subject:  a.Subject,
		},
	}
}

// principalID is CloudTrail's: provider:audience:subject of a web identity, qualifier:subject of SAML.
func (a *Assertion) principalID() string {
	if a.Kind == identity.SAMLUser {
		return a.NameQualifier + ":" + a.Subject
	}
	return a.Provider + ":" + a.Audience + ":" + a.Subject
}
