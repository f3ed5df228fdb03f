package outbound

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/stint-sts/stint/internal/directory"
)

// maxPayload bounds the claims of a token in bytes: tokens travel in headers.
const maxPayload = 8 << 10

// ErrTooLarge is the answer to claims that make too large a token.
var ErrTooLarge = errors.New("outbound: the claims are too large")

// Claims are what a token says. The names are AWS's (UG, token claims).
type Claims struct {
	Audience Audience `json:"aud"`
	Subject  string   `json:"sub"`
	AWS      AWS      `json:"https://sts.amazonaws.com/"`
	Issuer   string   `json:"iss"`
	Expires  int64    `json:"exp"`
	Issued   int64    `json:"iat"`
	ID       string   `json:"jti"`
}

// AWS are the claims that are AWS's own.
type AWS struct {
	OrganizationID string `json:"org_id,omitempty"`
	Account        string `json:"aws_account"`
	// OrganizationPaths is a list, as recorded of AWS, though its documentation shows a text.
	OrganizationPaths []string          `json:"ou_path,omitempty"`
	SessionExpires    string            `json:"original_session_exp,omitempty"`
	Region            string            `json:"source_region"`
	PrincipalID       string            `json:"principal_id"`
	PrincipalTags     map[string]string `json:"principal_tags,omitempty"`
	RequestTags       map[string]string `json:"request_tags,omitempty"`
	SourceIdentity    string            `json:"source_identity,omitempty"`
	FederatedProvider string            `json:"federated_provider,omitempty"`
}

// Audience is a text if there is one, and a list if there are several.
type Audience []string

// MarshalJSON implements json.Marshaler.
func (a Audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// Sign makes a token of the claims with the issuer's key for the algorithm.
func Sign(o *directory.OutboundIssuer, algorithm string, now time.Time, claims *Claims) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("signing a web identity token: %w", err)
	}
	if len(payload) > maxPayload {
		return "", ErrTooLarge
	}
	key, ok := signing(o, algorithm, now)
	if !ok {
		return "", fmt.Errorf("signing a web identity token: the issuer has no key for %s", algorithm)
	}
	private, err := x509.ParsePKCS8PrivateKey(key.Private.Key.Reveal())
	if err != nil {
		return "", fmt.Errorf("signing a web identity token: %w", err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{
		Algorithm: jose.SignatureAlgorithm(algorithm), Key: jose.JSONWebKey{Key: private, KeyID: key.ID},
	}, new(jose.SignerOptions).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("signing a web identity token: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing a web identity token: %w", err)
	}
	return signed.CompactSerialize()
}
