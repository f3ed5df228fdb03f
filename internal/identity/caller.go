package identity

import (
	"net/netip"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/secret"
)

// Kind tells the principals apart that can sign a request.
type Kind uint8

// The kinds of principal. The zero value is nobody: unsigned operations have such a caller.
const (
	Anonymous Kind = iota
	Root
	User
	AssumedRole
	FederatedUser
	WebIdentityUser // an OIDC subject that has no session yet
	SAMLUser        // a SAML subject that has no session yet
)

// String returns CloudTrail's name of the kind (userIdentity.type).
func (k Kind) String() string {
	switch k {
	case Root:
		return "Root"
	case User:
		return "IAMUser"
	case AssumedRole:
		return "AssumedRole"
	case FederatedUser:
		return "FederatedUser"
	case WebIdentityUser:
		return "WebIdentityUser"
	case SAMLUser:
		return "SAMLUser"
	default:
		return "Anonymous"
	}
}

// Caller is an authenticated principal.
type Caller struct {
	Kind    Kind
	Account arn.AccountID
	// ARN is what GetCallerIdentity answers and what denials print: a session's is the assumed-role ARN, without a path.
	ARN string
	// UserID is AIDA… of a user, AROA…:session of a role session, account:name of a federated user, the account of root,
	// provider:audience:subject of a web identity, qualifier:subject of a SAML one.
	UserID string
	// PrincipalID is the unique id behind the credential: the user's (also for the sessions that it began with
	// GetSessionToken and GetFederationToken), the role's, or the account for root.
	PrincipalID string
	AccessKeyID string
	// Session is nil for long-term credentials.
	Session *Session
	// Federation is nil for all but WebIdentityUser and SAMLUser. They have no ARN, principal id and access key, and for their
	// account that of the role that they ask for.
	Federation *Federation
}

// Federation is whom an identity provider vouched for.
type Federation struct {
	// Provider is the ARN of the provider, or the name of a built-in one.
	Provider string
	// Subject is the provider's name of the principal.
	Subject string
}

// Temporary reports whether the caller signed with a session's credentials.
func (c *Caller) Temporary() bool { return c.Session != nil }

// SessionKind tells the ways apart in which a session begins.
type SessionKind uint8

// The kinds of session. Their numbers are sealed into tokens: never renumber them.
const (
	RoleSession       SessionKind = 1 // AssumeRole and its federated forms
	UserSession       SessionKind = 2 // GetSessionToken of a user
	RootSession       SessionKind = 3 // GetSessionToken of root
	FederationSession SessionKind = 4 // GetFederationToken

	AssumedRootSession SessionKind = 5 // AssumeRoot: root's, limited by a task policy
)

// SessionTag is a session tag. Its key is unique in a session without regard to case.
type SessionTag struct {
	Key, Value string
	Transitive bool
}

// Attribute is a further condition key that a session carries for its whole life, such as
// sts:RequestContext/… of a provided context.
type Attribute struct {
	Key    string // lower case, as policies are compared
	Values []string
}

// Session is what a temporary credential stands for. It is stored nowhere: its token is the only copy.
type Session struct {
	Kind        SessionKind
	AccessKeyID string // ASIA…, carries Account
	Secret      secret.Key
	Account     arn.AccountID
	// PrincipalID is the unique id of the role or user that the session acts for; the account for root.
	PrincipalID string
	// Name is the role session name, or the federated user's name.
	Name    string
	Issued  time.Time // whole seconds
	Expires time.Time // whole seconds
	// Revision is the directory's when the session was issued. A revocation names the revision below which sessions are void.
	Revision       int64
	SourceIdentity string
	// Chained is set when the session was begun with another session's credentials.
	Chained bool
	// MFATime is when a one-time code was verified for GetSessionToken; zero without MFA.
	MFATime time.Time
	// Policy is the inline session policy without insignificant white space; PolicyARNs are the managed session policies.
	Policy     string
	PolicyARNs []string
	Tags       []SessionTag
	Attributes []Attribute
}

// Tag returns the session tag with the key, compared without case by fold.
func (s *Session) Tag(key string, fold func(a, b string) bool) (string, bool) {
	for _, t := range s.Tags {
		if fold(t.Key, key) {
			return t.Value, true
		}
	}
	return "", false
}

// Request is one call of one caller.
type Request struct {
	// ID is the request id of answer and audit line.
	ID     string
	Caller Caller
	// Action is the IAM action of the operation, such as sts:AssumeRole.
	Action string
	// Time is when the request arrived, by this node's clock.
	Time time.Time
	// Region is the region of the signature's scope; the first configured one for unsigned operations.
	Region          string
	SourceIP        netip.Addr // unmapped
	UserAgent       string
	SecureTransport bool
	// PolicyWarnings are what is to be said of a policy that the operation stores, one line each. Its handler sets them.
	PolicyWarnings []string
}
