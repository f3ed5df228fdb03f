package identity

// Code names a refusal as the AWS services do. The table of HTTP statuses and of each service's spelling is package wire's.
type Code string

// The refusals of STS and IAM. The string is the error code on the wire unless wire maps it otherwise.
const (
	AccessDenied                Code = "AccessDenied"
	ConcurrentModification      Code = "ConcurrentModification"
	DeleteConflict              Code = "DeleteConflict"
	EntityAlreadyExists         Code = "EntityAlreadyExists"
	EntityTemporarilyUnmod      Code = "EntityTemporarilyUnmodifiable"
	ExpiredToken                Code = "ExpiredToken"
	ExpiredTokenException       Code = "ExpiredTokenException"
	IDPCommunicationError       Code = "IDPCommunicationError"
	IDPRejectedClaim            Code = "IDPRejectedClaim"
	IncompleteSignature         Code = "IncompleteSignature"
	InternalFailure             Code = "InternalFailure"
	InvalidAction               Code = "InvalidAction"
	InvalidAuthenticationCode   Code = "InvalidAuthenticationCode"
	InvalidAuthorizationMessage Code = "InvalidAuthorizationMessageException"
	InvalidClientTokenID        Code = "InvalidClientTokenId"
	InvalidIdentityToken        Code = "InvalidIdentityToken"
	InvalidInput                Code = "InvalidInput"
	InvalidParameterValue       Code = "InvalidParameterValue"
	LimitExceeded               Code = "LimitExceeded"
	MalformedInput              Code = "MalformedInput"
	MalformedPolicyDocument     Code = "MalformedPolicyDocument"
	MalformedQueryString        Code = "MalformedQueryString"
	MissingAuthenticationToken  Code = "MissingAuthenticationToken"
	NoSuchEntity                Code = "NoSuchEntity"
	NotImplemented              Code = "NotImplemented"
	PackedPolicyTooLarge        Code = "PackedPolicyTooLarge"
	PolicyEvaluation            Code = "PolicyEvaluation"
	PolicyNotAttachable         Code = "PolicyNotAttachable"
	RegionDisabled              Code = "RegionDisabledException"
	ReportExpired               Code = "ReportExpired"
	ReportGenerationLimit       Code = "ReportGenerationLimitExceeded"
	ReportInProgress            Code = "ReportInProgress"
	ReportNotPresent            Code = "ReportNotPresent"
	ServiceUnavailable          Code = "ServiceUnavailable"
	SignatureDoesNotMatch       Code = "SignatureDoesNotMatch"
	Throttling                  Code = "Throttling"
	UnmodifiableEntity          Code = "UnmodifiableEntity"
	ValidationError             Code = "ValidationError"

	AccountNotManagement  Code = "AccountNotManagementOrDelegatedAdministratorException"
	CallerIsNotManagement Code = "CallerIsNotManagementAccountException"
	FeatureDisabled       Code = "FeatureDisabled"
	FeatureEnabled        Code = "FeatureEnabled"
	OrganizationNotFound  Code = "OrganizationNotFoundException"

	ExpiredTradeInToken       Code = "ExpiredTradeInTokenException"
	JWTPayloadSizeExceeded    Code = "JWTPayloadSizeExceededException"
	OutboundDisabled          Code = "OutboundWebIdentityFederationDisabledException"
	SessionDurationEscalation Code = "SessionDurationEscalationException"
)

// The refusals of Organizations that more than its own package makes.
const (
	InvalidInputException         Code = "InvalidInputException"
	UnknownOperation              Code = "UnknownOperationException"
	DuplicateCertificate          Code = "DuplicateCertificate"
	DuplicateSSHPublicKey         Code = "DuplicateSSHPublicKey"
	InvalidCertificate            Code = "InvalidCertificate"
	InvalidPublicKey              Code = "InvalidPublicKey"
	InvalidUserType               Code = "InvalidUserType"
	KeyPairMismatch               Code = "KeyPairMismatch"
	MalformedCertificate          Code = "MalformedCertificate"
	PasswordPolicyViolation       Code = "PasswordPolicyViolation"
	UnrecognizedPublicKeyEncoding Code = "UnrecognizedPublicKeyEncoding"
)

// Fault is a refusal. Message is for the caller and says no more than AWS would; Cause is for the operator's log and never
// reaches the caller. An empty Message leaves the element out of the answer, as AWS does for some.
type Fault struct {
	Code    Code
	Message string
	Cause   error
	// Denial explains an AccessDenied; nil for every other refusal.
	Denial Explainer
	// Reason is a member beside the message that some refusals of Organizations have; empty for every other.
	Reason string
}

// Explainer renders why a request was denied as the JSON document that DecodeAuthorizationMessage returns.
type Explainer interface {
	Explain() ([]byte, error)
}

// NewFault returns a refusal with a message for the caller.
func NewFault(code Code, message string) *Fault { return &Fault{Code: code, Message: message} }

// Because returns a copy of f that remembers its cause for the log.
func (f *Fault) Because(cause error) *Fault {
	g := *f
	g.Cause = cause
	return &g
}

func (f *Fault) Error() string {
	if f.Message == "" {
		return string(f.Code)
	}
	return string(f.Code) + ": " + f.Message
}

func (f *Fault) Unwrap() error { return f.Cause }
