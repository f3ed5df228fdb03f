package directory

import (
	"iter"
	"slices"
	"time"

	"github.com/stint-sts/stint/arn"
)

// Login is a user's password for the sign-in page.
type Login struct {
	Created time.Time `json:"created"` // of the login profile
	// Changed is when the present password was set: its age counts from there.
	Changed       time.Time `json:"changed"`
	ResetRequired bool      `json:"reset_required,omitempty"`
	// Hash is the password's, and Previous those of the passwords before it, newest first; package password makes them.
	Hash     Protected   `json:"hash"`
	Previous []Protected `json:"previous,omitempty"`
}

func (l *Login) clone() *Login {
	if l == nil {
		return nil
	}
	c := *l
	c.Previous = slices.Clone(l.Previous)
	return &c
}

func (l *Login) secrets() []*Protected {
	if l == nil {
		return nil
	}
	out := []*Protected{&l.Hash}
	for i := range l.Previous {
		out = append(out, &l.Previous[i])
	}
	return out
}

// PasswordPolicy is an account's rule for the passwords of its users. It is replaced whole, never altered.
type PasswordPolicy struct {
	MinimumLength   int32 `json:"minimum_length"`
	Symbols         bool  `json:"symbols,omitempty"`
	Numbers         bool  `json:"numbers,omitempty"`
	Uppercase       bool  `json:"uppercase,omitempty"`
	Lowercase       bool  `json:"lowercase,omitempty"`
	UsersMayChange  bool  `json:"users_may_change,omitempty"`
	MaxAgeDays      int32 `json:"max_age_days,omitempty"`     // 0: passwords do not expire
	ReusePrevention int32 `json:"reuse_prevention,omitempty"` // how many of the last passwords a new one must differ from
	HardExpiry      *bool `json:"hard_expiry,omitempty"`      // nil unless it was given
}

// SigningCertificate is an X.509 certificate of a user.
type SigningCertificate struct {
	ID       string    `json:"id"`
	Body     string    `json:"body"` // PEM, as it was uploaded
	Status   KeyStatus `json:"status"`
	Uploaded time.Time `json:"uploaded"`
}

// PublicKey is an SSH public key of a user.
type PublicKey struct {
	ID       string    `json:"id"`
	Blob     []byte    `json:"blob"` // RFC 4253, section 6.6
	Status   KeyStatus `json:"status"`
	Uploaded time.Time `json:"uploaded"`
}

// ServiceCredential is a user's credential for one service that knows no signatures.
type ServiceCredential struct {
	ID      string    `json:"id"`
	Service string    `json:"service"`
	Name    string    `json:"name"` // the user name of the credential, or the public part of an API key
	Secret  Protected `json:"secret"`
	Status  KeyStatus `json:"status"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
}

// ServerCertificate is a certificate with its private key, for services that end TLS.
type ServerCertificate struct {
	Meta
	Account  arn.AccountID `json:"account"`
	Name     string        `json:"name"`
	Path     string        `json:"path"`
	ID       string        `json:"id"`
	ARN      string        `json:"arn"`
	Body     string        `json:"body"` // PEM, as it was uploaded
	Chain    string        `json:"chain,omitempty"`
	Private  Protected     `json:"private"` // PEM
	Uploaded time.Time     `json:"uploaded"`
	Expires  time.Time     `json:"expires"`
	Tags     []Tag         `json:"tags,omitempty"`
}

// Key implements Entity.
func (s *ServerCertificate) Key() Key {
	return Key{s.Account, KindServerCertificate, FoldName(s.Name)}
}

// Secrets implements Entity.
func (s *ServerCertificate) Secrets() []*Protected { return []*Protected{&s.Private} }

// ServerCertificate returns a server certificate by name, without regard to case.
func (v *View) ServerCertificate(account arn.AccountID, name string) (*ServerCertificate, bool) {
	return get[*ServerCertificate](v, Key{account, KindServerCertificate, FoldName(name)})
}

// ServerCertificates yields the account's server certificates by name.
func (v *View) ServerCertificates(account arn.AccountID) iter.Seq[*ServerCertificate] {
	return all[*ServerCertificate](v, account, KindServerCertificate)
}
