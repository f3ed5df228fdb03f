package directory

import (
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
)

// OIDCProviders yields the account's OpenID Connect providers by URL.
func (v *View) OIDCProviders(account arn.AccountID) iter.Seq[*OIDCProvider] {
	return all[*OIDCProvider](v, account, KindOIDCProvider)
}

// SAMLProviders yields the account's SAML providers by name.
func (v *View) SAMLProviders(account arn.AccountID) iter.Seq[*SAMLProvider] {
	return all[*SAMLProvider](v, account, KindSAMLProvider)
}

// maxIssuer is the greatest length of an issuer's URL (IAM model, OpenIDConnectProviderUrlType).
const maxIssuer = 255

// IssuerHostPath takes the scheme off an issuer's URL: what ARNs and trust policies name it by. It refuses what is no issuer:
// no https, no host, a query, a fragment, credentials, or a character that an ARN or a policy would read otherwise.
func IssuerHostPath(url string) (string, bool) {
	rest, ok := strings.CutPrefix(url, "https://")
	host, _, _ := strings.Cut(rest, "/")
	if !ok || host == "" || len(url) > maxIssuer || strings.ContainsAny(rest, `?#@ \*`) {
		return "", false
	}
	for i := range len(rest) {
		if rest[i] <= ' ' || rest[i] > '~' {
			return "", false
		}
	}
	return rest, true
}

// The prefixes of NewSAMLID.
const (
	SAMLProviderUUID = "SAMLSP"
	SAMLKeyID        = "SAMLPK"
)

// NewSAMLID makes an id of 30 characters of A-Z and 2-7 for a SAML provider or a private key of one, which never comes back.
func NewSAMLID(prefix string, random io.Reader) (string, error) {
	b := make([]byte, 15)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("making the id of a SAML provider: %w", err)
	}
	return prefix + base32.StdEncoding.EncodeToString(b), nil
}

// OutboundIssuer is an account's own issuer of web identity tokens (GetWebIdentityToken). Its URL is made of ID by the
// configuration of the server.
type OutboundIssuer struct {
	// ID is a UUID, which the account keeps for good: who trusts the issuer trusts it again when it is enabled again.
	ID      string `json:"id"`
	Enabled bool   `json:"enabled"`
	// Keys are in order of creation. Which of them signs is package outbound's.
	Keys []OutboundKey `json:"keys,omitempty"`
}

// OutboundKey is a key pair of an OutboundIssuer.
type OutboundKey struct {
	ID        string    `json:"id"`
	Algorithm string    `json:"algorithm"`
	Private   Protected `json:"private"` // PKCS #8, DER
	Public    string    `json:"public"`  // a JSON Web Key
	Created   time.Time `json:"created"`
}

func (o *OutboundIssuer) secrets() []*Protected {
	if o == nil {
		return nil
	}
	out := make([]*Protected, len(o.Keys))
	for i := range o.Keys {
		out[i] = &o.Keys[i].Private
	}
	return out
}

// AccountOfIssuer returns the account whose own token issuer has an id.
func (v *View) AccountOfIssuer(id string) (*Account, bool) { return v.issuers.get(id) }

// NewUUID makes a random UUID (RFC 9562, version 4).
func NewUUID(random io.Reader) (string, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("making a UUID: %w", err)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-"), nil
}
