// Package gateapi is the JSON of Stint's endpoints for relying services: what package relying sends and package gate answers.
//
// Each is a signed POST to its path, of service stint, made with the relying service's own credentials: [SigningKeyPath],
// [AuthenticatePath], [AuthorizePath]; and a signed GET of [ChangesPath], which answers with server-sent events.
//
// An answer says in two ways that something is not allowed, and they must not be mixed up. What concerns the relying service
// itself is an error of the protocol, with AWS's status and code. What concerns its caller is status 200 with a [Refusal].
package gateapi

import "time"

// The paths of the endpoints.
const (
	SigningKeyPath   = "/stint/v1/signing-key"
	AuthenticatePath = "/stint/v1/authenticate"
	AuthorizePath    = "/stint/v1/authorize"
	ChangesPath      = "/stint/v1/changes"
)

// SigningKeyInput asks for the key of one credential, day, region and service.
type SigningKeyInput struct {
	AccessKeyID  string `json:"accessKeyId"`
	SessionToken string `json:"sessionToken,omitempty"`
	// Algorithm is the signature's: AWS4-HMAC-SHA256, or AWS4-ECDSA-P256-SHA256, whose key has neither day nor region.
	Algorithm string `json:"algorithm"`
	Date      string `json:"date"` // YYYYMMDD
	Region    string `json:"region"`
	Service   string `json:"service"`
	// Policies asks for the policies in force as well.
	Policies bool `json:"policies,omitempty"`
}

// SigningKeyOutput answers it: with a Refusal, or with all the others.
type SigningKeyOutput struct {
	Refusal *Refusal `json:"refusal,omitempty"`
	// SigningKey is 32 bytes of the HMAC algorithm, and the public key (SubjectPublicKeyInfo) of the other.
	SigningKey []byte    `json:"signingKey,omitempty"`
	Caller     *Caller   `json:"caller,omitempty"`
	Policies   *Policies `json:"policies,omitempty"`
	// Partition is the first part of the ARNs, and ServiceAccount the account of the relying service.
	Partition      string `json:"partition,omitempty"`
	ServiceAccount string `json:"serviceAccount,omitempty"`
	// ServiceKeys are the condition keys of ServiceAccount as the owner of the resource (aws:ResourceOrgID, aws:ResourceOrgPaths):
	// they hold for the resources of that account alone.
	ServiceKeys []Key `json:"serviceKeys,omitempty"`
	// Revision is the directory's that the answer is from.
	Revision int64 `json:"revision,omitempty"`
}

// Refusal is why a caller is not taken for whom it says it is. Unknown, disabled and wrongly signed keys get the same one.
type Refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Caller is an authenticated principal. Times are whole seconds; those that do not apply are left out.
type Caller struct {
	Principal   Principal `json:"principal"`
	UserID      string    `json:"userId"`
	AccessKeyID string    `json:"accessKeyId"`
	// SessionName is the role session's or the federated user's name.
	SessionName    string    `json:"sessionName,omitempty"`
	Issued         time.Time `json:"issued,omitzero"`
	Expires        time.Time `json:"expires,omitzero"`
	MFATime        time.Time `json:"mfaTime,omitzero"`
	SourceIdentity string    `json:"sourceIdentity,omitempty"`
	// Tags are the principal tags as policies see them: the session's before those of the user or role.
	Tags []Tag `json:"tags,omitempty"`
	// Keys are the condition keys that the caller brings into every decision, apart from tags and aws:MultiFactorAuthAge, which is
	// the time since MFATime.
	Keys []Key `json:"keys,omitempty"`
}

// Principal is the caller as the policy language knows it (policy.Principal).
type Principal struct {
	// Kind is Root, IAMUser, AssumedRole or FederatedUser.
	Kind string `json:"kind"`
	// Account and ARN are what GetCallerIdentity answers. ID is the unique id behind the credential.
	Account string `json:"account"`
	ARN     string `json:"arn"`
	ID      string `json:"id"`
	// RoleARN is the role's own, with its path.
	RoleARN           string `json:"roleArn,omitempty"`
	ServiceLinkedRole bool   `json:"serviceLinkedRole,omitempty"`
	// FederatedBy and FederatedByID are of the user that called GetFederationToken.
	FederatedBy   string `json:"federatedBy,omitempty"`
	FederatedByID string `json:"federatedById,omitempty"`
}

// Tag is a tag.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Key is a condition key: lower case, with one value, or a set of values if Multi.
type Key struct {
	Key    string   `json:"key"`
	Values []string `json:"values"`
	Multi  bool     `json:"multi,omitempty"`
}

// Policies are what policy.Set holds, apart from what a relying service adds: the resource's policies.
type Policies struct {
	Identity    []Document   `json:"identity,omitempty"`
	Boundary    []Document   `json:"boundary,omitempty"`
	HasBoundary bool         `json:"hasBoundary,omitempty"`
	Session     []Document   `json:"session,omitempty"`
	HasSession  bool         `json:"hasSession,omitempty"`
	SCPs        [][]Document `json:"scps,omitempty"` // null: the caller's account is in no organization
	// RCPs are those of the relying service's account.
	RCPs                      [][]Document `json:"rcps,omitempty"`
	ManagementAccount         bool         `json:"managementAccount,omitempty"`
	ResourceManagementAccount bool         `json:"resourceManagementAccount,omitempty"`
}

// Document is a policy with the name that traces and messages show. Without a text it denies everything.
type Document struct {
	Name string `json:"name"`
	Text string `json:"text"`
	// Managed marks a managed policy among the session policies: it has the grammar of identity policies.
	Managed bool `json:"managed,omitempty"`
}

// Request is a request that a relying service received.
type Request struct {
	Method string `json:"method"`
	// Target is the path and query as they stood in the request line.
	Target string `json:"target"`
	// Headers are all that came, Host among them, in their order.
	Headers []Header `json:"headers"`
	// BodySHA256 is the hash of the body in lower-case hex; empty if the relying service checks it itself against what the
	// answer says was signed.
	BodySHA256 string `json:"bodySha256,omitempty"`
}

// Header is one header line.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// AuthenticateInput asks who made a request to a service of a region.
type AuthenticateInput struct {
	Request Request `json:"request"`
	Region  string  `json:"region"`
	Service string  `json:"service"`
}

// AuthenticateOutput answers it: with a Refusal, or with a Caller.
type AuthenticateOutput struct {
	Refusal *Refusal `json:"refusal,omitempty"`
	Caller  *Caller  `json:"caller,omitempty"`
	// SignedBody is the payload hash as it was signed: hex, UNSIGNED-PAYLOAD, or one of the STREAMING-… forms.
	SignedBody string `json:"signedBody,omitempty"`
}

// AuthorizeInput asks whether the caller of a request may do something.
type AuthorizeInput struct {
	// Request is authenticated first.
	Request Request `json:"request"`
	Region  string  `json:"region"`
	Service string  `json:"service"`

	Action   string `json:"action"`
	Resource string `json:"resource"`
	// ResourceAccount owns the resource; the default is the relying service's account.
	ResourceAccount string `json:"resourceAccount,omitempty"`
	// ResourcePolicy is the resource's own policy document.
	ResourcePolicy string `json:"resourcePolicy,omitempty"`
	RequestTags    []Tag  `json:"requestTags,omitempty"`
	ResourceTags   []Tag  `json:"resourceTags,omitempty"`
	// Context are further condition keys. Those of aws: that speak of the caller cannot be given.
	Context []Key `json:"context,omitempty"`
	// SourceIP is the address that the request came from (aws:SourceIp).
	SourceIP string `json:"sourceIp,omitempty"`
	// SecureTransport says that it came by TLS (aws:SecureTransport).
	SecureTransport bool `json:"secureTransport,omitempty"`
}

// AuthorizeOutput answers it: with a Refusal, or with a Caller and whether it may.
type AuthorizeOutput struct {
	Refusal    *Refusal `json:"refusal,omitempty"`
	Caller     *Caller  `json:"caller,omitempty"`
	SignedBody string   `json:"signedBody,omitempty"`
	Allowed    bool     `json:"allowed"`
	// Message is AWS's sentence for a denial, and EncodedMessage what `aws sts decode-authorization-message` explains.
	Message        string `json:"message,omitempty"`
	EncodedMessage string `json:"encodedMessage,omitempty"`
}

// Change is the data of an event of the stream. Each event has the revision for its id, so that a client that comes back names
// the last one that it saw in Last-Event-ID. The first event of every stream tells the newest revision or what was missed; one
// comes at least every [Heartbeat], with nothing void if nothing is.
type Change struct {
	Revision int64 `json:"revision"`
	// All voids whatever is remembered from older revisions, Void what is of single accounts or principals.
	All  bool   `json:"all,omitempty"`
	Void []Void `json:"void,omitempty"`
}

// Void names whose keys, identity and policies changed: a principal's, or all of an account's.
type Void struct {
	Account string `json:"account"`
	// Principal is a Principal.ID. It stands for those whose FederatedByID it is, too.
	Principal string `json:"principal,omitempty"`
}

// Heartbeat is the longest that the stream is silent.
const Heartbeat = 10 * time.Second
