package directory

import (
	"fmt"
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/secret"
)

// Global owns what belongs to no account: the sealing keys and the organization.
const Global arn.AccountID = "-"

// Kind names a sort of entity; it is the second part of a store key.
type Kind string

// The kinds of entity.
const (
	KindAccount      Kind = "account"
	KindUser         Kind = "user"
	KindGroup        Kind = "group"
	KindRole         Kind = "role"
	KindPolicy       Kind = "policy"
	KindDevice       Kind = "mfa"
	KindOIDCProvider Kind = "oidc-provider"
	KindSAMLProvider Kind = "saml-provider"
	KindRevocation   Kind = "revocation"
	KindSealingKey   Kind = "sealing-key"
	KindOrganization Kind = "organization"

	// The organization.
	KindUnit              Kind = "organizational-unit"
	KindMember            Kind = "organization-member"
	KindControlPolicy     Kind = "organization-policy"
	KindAccountRequest    Kind = "create-account"
	KindDelegationRequest Kind = "delegation-request"
)

// Key finds an entity: account/kind/name, so that an account is one range of the store. Name is folded, since AWS's names
// are unique without regard to case (IAM quotas page), and holds no control character.
type Key struct {
	Account arn.AccountID
	Kind    Kind
	Name    string
}

func (k Key) String() string { return string(k.Account) + "/" + string(k.Kind) + "/" + k.Name }

// ParseKey reads what Key.String wrote.
func ParseKey(s string) (Key, error) {
	account, rest, ok := strings.Cut(s, "/")
	kind, name, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 || account == "" || kind == "" || name == "" {
		return Key{}, fmt.Errorf("parsing directory key %q: want account/kind/name", s)
	}
	return Key{arn.AccountID(account), Kind(kind), name}, nil
}

// FoldName brings a name into the form in which names are compared. IAM names are ASCII.
func FoldName(name string) string { return strings.ToLower(name) }

// Entity is a record of the directory.
type Entity interface {
	Key() Key
	// Revision is the store's when the entity last changed; 0 before it was ever stored.
	Revision() int64
	// Secrets are the entity's key material, which the store seals and opens.
	Secrets() []*Protected

	meta() *Meta
}

// recordVersion is the version of the records that this build writes.
const recordVersion = 1

// Meta is what every entity carries.
type Meta struct {
	Version  int `json:"v"`
	revision int64
}

// Revision returns the store revision of the entity's last change.
func (m *Meta) Revision() int64 { return m.revision }

// Secrets returns nothing; entities with key material override it.
func (m *Meta) Secrets() []*Protected { return nil }

func (m *Meta) meta() *Meta { return m }

// Protected is key material of an entity: sealed under the root key in the store, open in memory.
type Protected struct {
	Sealed []byte     `json:"sealed"`
	Key    secret.Key `json:"-"`
}

// Tag is a tag of an entity.
type Tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// TagValue returns the value of the tag with the key, compared without case.
func TagValue(tags []Tag, key string) (string, bool) {
	for _, t := range tags {
		if strings.EqualFold(t.Key, key) {
			return t.Value, true
		}
	}
	return "", false
}
