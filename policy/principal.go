package policy

// PrincipalKind is the kind of principal that makes a request.
type PrincipalKind int

// The kinds of principal; the zero value is nobody.
const (
	Anonymous     PrincipalKind = iota
	Root                        // the root user of an account
	User                        // an IAM user
	Role                        // a session of a role
	FederatedUser               // a session from GetFederationToken
	Federated                   // a web identity or SAML subject that has no session yet
	Service                     // a service principal
)

// Principal is who makes a request, as policies see it.
type Principal struct {
	Kind    PrincipalKind
	Account string // empty for Anonymous, Federated and Service
	// ARN is the root, user, role-session (arn:…:sts::…:assumed-role/R/S) or federated-user ARN.
	ARN string
	// ID is the user's unique id (AIDA…), for a role session the role's (AROA…), for root the account id. A trust policy stores
	// the principals it names by these ids.
	ID string
	// RoleARN is the ARN of the role, with its path, for a role session.
	RoleARN string
	// FederatedBy and FederatedByID are the ARN and unique id of the user that called GetFederationToken.
	FederatedBy   string
	FederatedByID string
	// Provider is what a Federated principal comes from: the ARN of an OIDC or SAML provider, or the name of a built-in one
	// (accounts.google.com). For a role session that began with federation it stays empty: the session is not the subject.
	Provider string
	// Service is the name of a Service principal, such as ec2.amazonaws.com.
	Service string
	// ServiceLinkedRole marks a session of a service-linked role, which SCPs and RCPs do not concern.
	ServiceLinkedRole bool
}
