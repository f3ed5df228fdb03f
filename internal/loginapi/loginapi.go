// Package loginapi is what `stint login` and the sign-in endpoints of a server say to each other: paths, parameters and answers.
//
// It is OAuth 2.0 for one public client, [ClientID]: the authorization code grant with PKCE and a redirect to loopback (RFC 6749,
// 7636, 8252) where there is a browser, and the device authorization grant (RFC 8628) where there is none. Requests are forms,
// answers JSON. The access token that both end with is a session token, which is worth nothing without the secret access key beside
// it (RFC 6749, 7.1, foresees types of token that have more members).
package loginapi

// The paths of the endpoints. All but VerifyPath, which is a page, take what a program sends.
const (
	AuthorizePath = "/signin/authorize"
	TokenPath     = "/signin/token"
	DevicePath    = "/signin/device"
	VerifyPath    = "/signin/device/verify"
)

// What the client says of itself and asks for.
const (
	ClientID        = "stint-cli"
	ResponseType    = "code"
	ChallengeMethod = "S256"
	GrantCode       = "authorization_code"
	GrantDevice     = "urn:ietf:params:oauth:grant-type:device_code"
	// CallbackPath is the path of the redirect to loopback; its port is any.
	CallbackPath = "/callback"
)

// The names of the parameters.
const (
	ParamResponseType    = "response_type"
	ParamClientID        = "client_id"
	ParamRedirectURI     = "redirect_uri"
	ParamState           = "state"
	ParamChallenge       = "code_challenge"
	ParamChallengeMethod = "code_challenge_method"
	ParamGrantType       = "grant_type"
	ParamCode            = "code"
	ParamVerifier        = "code_verifier"
	ParamDeviceCode      = "device_code"
	ParamUserCode        = "user_code"
	ParamError           = "error"
	ParamDescription     = "error_description"
	// ParamRole is the ARN of the role to get credentials of; without it they are of what the person signed in as.
	ParamRole = "role_arn"
	// ParamDuration is how long the credentials are to last, in seconds; without it the server says.
	ParamDuration = "duration_seconds"
)

// The errors of the protocol that either side tells apart.
const (
	ErrInvalidRequest = "invalid_request"
	ErrInvalidClient  = "invalid_client"
	ErrInvalidGrant   = "invalid_grant"
	ErrUnknownGrant   = "unsupported_grant_type"
	ErrUnknownType    = "unsupported_response_type"
	ErrAccessDenied   = "access_denied"
	ErrUnavailable    = "temporarily_unavailable"
	ErrPending        = "authorization_pending"
	ErrSlowDown       = "slow_down"
	ErrExpired        = "expired_token"
)

// TokenType is the type of the access token: what it is used with is a signature.
const TokenType = "AWS4-HMAC-SHA256" //nolint:gosec // the name of an algorithm

// Token answers a request to [TokenPath].
type Token struct {
	// AccessToken is the session token.
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	// ExpiresIn is how many seconds the credentials last.
	ExpiresIn       int64  `json:"expires_in"`
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	// Expiration is when they end, RFC 3339 in UTC.
	Expiration string `json:"expiration"`
	// ARN is what GetCallerIdentity answers with them; RoleARN the role's, where they are a role's.
	ARN     string `json:"arn"`
	RoleARN string `json:"role_arn,omitempty"`
	// Region is the first that the server takes signatures for.
	Region string `json:"region"`
}

// Device answers a request to [DevicePath] (RFC 8628, 3.2).
type Device struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	// ExpiresIn is how many seconds the codes last, Interval how many to wait between two requests.
	ExpiresIn int64 `json:"expires_in"`
	Interval  int64 `json:"interval"`
}

// Error answers a request that failed (RFC 6749, 5.2).
type Error struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}
