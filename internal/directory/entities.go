package directory

import (
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
)

// Account is a tenant.
type Account struct {
	Meta
	ID      arn.AccountID `json:"id"`
	ARN     string        `json:"arn"` // of its root
	Alias   string        `json:"alias,omitempty"`
	Created time.Time     `json:"created"`
	// RootKeys are the access keys of the account's root.
	RootKeys        []AccessKey `json:"root_keys,omitempty"`
	DisabledRegions []string    `json:"disabled_regions,omitempty"`

	// Outbound is the account's own token issuer; nil as long as outbound web identity federation was never enabled.
	Outbound *OutboundIssuer `json:"outbound,omitempty"`
	// GlobalEndpointTokenVersion is 1 or 2: which version of token the global endpoint of STS gives. 0 means that nobody said.
	GlobalEndpointTokenVersion int `json:"global_endpoint_token_version,omitempty"`
	// Passwords is the account's own password policy; nil for the one that every account has without one.
	Passwords *PasswordPolicy `json:"passwords,omitempty"`
}

// Key implements Entity.
func (a *Account) Key() Key { return Key{a.ID, KindAccount, string(a.ID)} }

// Secrets implements Entity.
func (a *Account) Secrets() []*Protected {
	return append(keySecrets(a.RootKeys), a.Outbound.secrets()...)
}

// KeyStatus says whether an access key may be used.
type KeyStatus string

// The states of an access key.
const (
	Active   KeyStatus = "Active"
	Inactive KeyStatus = "Inactive"
)

// AccessKey is a long-term credential.
type AccessKey struct {
	ID      string    `json:"id"`
	Secret  Protected `json:"secret"`
	Status  KeyStatus `json:"status"`
	Created time.Time `json:"created"`
}

func keySecrets(keys []AccessKey) []*Protected {
	out := make([]*Protected, len(keys))
	for i := range keys {
		out[i] = &keys[i].Secret
	}
	return out
}

// InlinePolicy is a policy that is part of a user, group or role.
type InlinePolicy struct {
	Name     string    `json:"name"`
	Document *Document `json:"document"`
}

// User is an IAM user.
type User struct {
	Meta
	Account arn.AccountID `json:"account"`
	Name    string        `json:"name"`
	Path    string        `json:"path"`
	ID      string        `json:"id"`
	ARN     string        `json:"arn"`
	Created time.Time     `json:"created"`
	Tags    []Tag         `json:"tags,omitempty"`
	// Boundary is the ARN of the permissions boundary, or empty.
	Boundary string `json:"boundary,omitempty"`
	// Groups are unique ids (AGPA…): a group that is renamed keeps its members.
	Groups     []string       `json:"groups,omitempty"`
	AccessKeys []AccessKey    `json:"access_keys,omitempty"`
	Inline     []InlinePolicy `json:"inline,omitempty"`
	Attached   []string       `json:"attached,omitempty"`
	// Login is the password; nil for a user who cannot sign in with one. PasswordLastUsed stays when it goes.
	Login              *Login               `json:"login,omitempty"`
	PasswordLastUsed   time.Time            `json:"password_last_used,omitzero"`
	Certificates       []SigningCertificate `json:"certificates,omitempty"`
	PublicKeys         []PublicKey          `json:"public_keys,omitempty"`
	ServiceCredentials []ServiceCredential  `json:"service_credentials,omitempty"`
}

// Key implements Entity.
func (u *User) Key() Key { return Key{u.Account, KindUser, FoldName(u.Name)} }

// Secrets implements Entity.
func (u *User) Secrets() []*Protected {
	out := append(keySecrets(u.AccessKeys), u.Login.secrets()...)
	for i := range u.ServiceCredentials {
		out = append(out, &u.ServiceCredentials[i].Secret)
	}
	return out
}

// Group is a set of users that share policies.
type Group struct {
	Meta
	Account  arn.AccountID  `json:"account"`
	Name     string         `json:"name"`
	Path     string         `json:"path"`
	ID       string         `json:"id"`
	ARN      string         `json:"arn"`
	Created  time.Time      `json:"created"`
	Inline   []InlinePolicy `json:"inline,omitempty"`
	Attached []string       `json:"attached,omitempty"`
}

// Key implements Entity.
func (g *Group) Key() Key { return Key{g.Account, KindGroup, FoldName(g.Name)} }

// Role is an identity that others assume.
type Role struct {
	Meta
	Account     arn.AccountID `json:"account"`
	Name        string        `json:"name"`
	Path        string        `json:"path"`
	ID          string        `json:"id"`
	ARN         string        `json:"arn"`
	Description *string       `json:"description,omitempty"`
	Created     time.Time     `json:"created"`
	// Trust names users and roles by unique id, as AWS stores them: one that is re-created is another. See ResolveTrust.
	Trust *Document `json:"trust"`
	// MaxSessionSeconds is MaxSessionDuration.
	MaxSessionSeconds int32          `json:"max_session_seconds"`
	Tags              []Tag          `json:"tags,omitempty"`
	Boundary          string         `json:"boundary,omitempty"`
	Inline            []InlinePolicy `json:"inline,omitempty"`
	Attached          []string       `json:"attached,omitempty"`
}

// Key implements Entity.
func (r *Role) Key() Key { return Key{r.Account, KindRole, FoldName(r.Name)} }

// ManagedPolicy is a policy with a life and versions of its own.
type ManagedPolicy struct {
	Meta
	Account     arn.AccountID `json:"account"` // "aws" for AWS-managed policies
	Name        string        `json:"name"`
	Path        string        `json:"path"`
	ID          string        `json:"id"`
	ARN         string        `json:"arn"`
	Description string        `json:"description,omitempty"`
	Created     time.Time     `json:"created"`
	Updated     time.Time     `json:"updated"`
	Tags        []Tag         `json:"tags,omitempty"`
	// Versions are in order of creation; NextVersion is the number that the next one gets, since numbers never come back.
	Versions       []PolicyVersion `json:"versions"`
	DefaultVersion string          `json:"default_version"`
	NextVersion    int             `json:"next_version"`
}

// PolicyVersion is one text of a managed policy.
type PolicyVersion struct {
	ID       string    `json:"id"` // v1, v2 …
	Document *Document `json:"document"`
	Created  time.Time `json:"created"`
}

// Key implements Entity.
func (p *ManagedPolicy) Key() Key { return Key{p.Account, KindPolicy, FoldName(p.Name)} }

// Default returns the document in force.
func (p *ManagedPolicy) Default() *Document {
	for i := range p.Versions {
		if p.Versions[i].ID == p.DefaultVersion {
			return p.Versions[i].Document
		}
	}
	return nil
}

// Device is a TOTP device. A virtual one's serial number is its ARN; a hardware one has its own.
type Device struct {
	Meta
	Account arn.AccountID `json:"account"`
	Name    string        `json:"name"` // of a hardware device: its serial number
	Path    string        `json:"path,omitempty"`
	Serial  string        `json:"serial"`
	Created time.Time     `json:"created"`
	Tags    []Tag         `json:"tags,omitempty"`
	Seed    Protected     `json:"seed"`
	// UserID is whose device it is once enabled: a user's unique id, or the account for root. Empty while unassigned.
	UserID  string    `json:"user_id,omitempty"`
	Enabled time.Time `json:"enabled,omitzero"`
}

// Key implements Entity.
func (d *Device) Key() Key { return Key{d.Account, KindDevice, FoldName(d.Name)} }

// Secrets implements Entity.
func (d *Device) Secrets() []*Protected { return []*Protected{&d.Seed} }

// Virtual reports whether the device's serial number is an ARN.
func (d *Device) Virtual() bool { return strings.HasPrefix(d.Serial, "arn:") }

// OIDCProvider is an OpenID Connect issuer that an account trusts.
type OIDCProvider struct {
	Meta
	Account     arn.AccountID `json:"account"`
	URL         string        `json:"url"` // host and path, without scheme
	ARN         string        `json:"arn"`
	ClientIDs   []string      `json:"client_ids,omitempty"`
	Thumbprints []string      `json:"thumbprints,omitempty"`
	// JWKS is a pinned key set (JSON), or empty.
	JWKS    string    `json:"jwks,omitempty"`
	Created time.Time `json:"created"`
	Tags    []Tag     `json:"tags,omitempty"`
}

// Key implements Entity. The URL's path keeps its case, as URLs do.
func (p *OIDCProvider) Key() Key { return Key{p.Account, KindOIDCProvider, p.URL} }

// SAMLProvider is a SAML identity provider that an account trusts.
type SAMLProvider struct {
	Meta
	Account  arn.AccountID `json:"account"`
	Name     string        `json:"name"`
	ARN      string        `json:"arn"`
	Metadata string        `json:"metadata"`
	Created  time.Time     `json:"created"`
	Tags     []Tag         `json:"tags,omitempty"`

	// UUID is SAMLProviderUUID, which no other provider ever had; see NewSAMLID.
	UUID string `json:"uuid"`
	// ValidUntil is what the metadata says, or a hundred years after the metadata was given.
	ValidUntil time.Time `json:"valid_until"`
	// EncryptionRequired is AssertionEncryptionMode: Required, or else Allowed.
	EncryptionRequired bool `json:"encryption_required,omitempty"`
	// PrivateKeys decrypt assertions. There are two at most, so that one can be replaced.
	PrivateKeys []SAMLPrivateKey `json:"private_keys,omitempty"`
}

// SAMLPrivateKey is an RSA key that assertions are encrypted for.
type SAMLPrivateKey struct {
	ID      string    `json:"id"`
	Key     Protected `json:"key"` // PKCS #8, DER
	Created time.Time `json:"created"`
}

// Secrets implements Entity.
func (p *SAMLProvider) Secrets() []*Protected {
	out := make([]*Protected, len(p.PrivateKeys))
	for i := range p.PrivateKeys {
		out[i] = &p.PrivateKeys[i].Key
	}
	return out
}

// Key implements Entity.
func (p *SAMLProvider) Key() Key { return Key{p.Account, KindSAMLProvider, FoldName(p.Name)} }

// Revocation voids the sessions of Target that were issued before the store revision at which the revocation itself was
// written, so no clock takes part.
type Revocation struct {
	Meta
	Account arn.AccountID `json:"account"`
	// Target is a unique id (all sessions of that role or user), id:session-name, or an access key id.
	Target string `json:"target"`
	// Before, if not zero, spares those of the sessions that were issued at that time or later, by the clock of the node that issued
	// them.
	Before time.Time `json:"before,omitzero"`
	// Below is a revision below which no session is spared all the same: that of an earlier revocation without Before.
	Below int64 `json:"below,omitempty"`
}

// Voids reports whether the revocation is of a session of its target that was issued at a revision and time.
func (r *Revocation) Voids(revision int64, issued time.Time) bool {
	if r.Before.IsZero() {
		return revision < r.Revision()
	}
	return revision < r.Below || revision < r.Revision() && issued.Before(r.Before)
}

// Again returns the revocation that stands for this one and for a further one of the same target; a zero time spares no session.
func (r *Revocation) Again(before time.Time) *Revocation {
	c := *r
	if before.IsZero() {
		c.Before, c.Below = time.Time{}, 0
		return &c
	}
	if r.Before.IsZero() {
		c.Below = r.Revision()
	}
	if before.After(r.Before) {
		c.Before = before
	}
	return &c
}

// Key implements Entity. Targets keep their case: session names are case-sensitive.
func (r *Revocation) Key() Key { return Key{r.Account, KindRevocation, r.Target} }

// SealingKey is a key of the ring that seals session tokens.
type SealingKey struct {
	Meta
	ID      uint32    `json:"id"`
	Secret  Protected `json:"secret"`
	Created time.Time `json:"created"`
}

// Key implements Entity.
func (k *SealingKey) Key() Key {
	return Key{Global, KindSealingKey, strconv.FormatUint(uint64(k.ID), 10)}
}

// Secrets implements Entity.
func (k *SealingKey) Secrets() []*Protected { return []*Protected{&k.Secret} }

// Organization binds accounts together.
type Organization struct {
	Meta
	ID                string          `json:"id"`
	ManagementAccount arn.AccountID   `json:"management_account"`
	Members           []arn.AccountID `json:"members"`
	// RootSessions allows AssumeRoot for member accounts.
	RootSessions bool `json:"root_sessions,omitempty"`

	RootID  string    `json:"root_id"`
	Created time.Time `json:"created"`
	// Root is the root's tags and policies.
	Root Node `json:"root,omitzero"`
	// BillingOnly says that the organization was made without the features that policies need.
	BillingOnly     bool         `json:"billing_only,omitempty"`
	ServiceControl  ControlState `json:"service_control,omitzero"`
	ResourceControl ControlState `json:"resource_control,omitzero"`
	// TrustedServices may act in the accounts of the organization.
	TrustedServices []Grant `json:"trusted_services,omitempty"`
	// RootCredentials lets the management account see to the root credentials of member accounts.
	RootCredentials bool `json:"root_credentials,omitempty"`
}

// Key implements Entity.
func (o *Organization) Key() Key { return Key{Global, KindOrganization, "self"} }
