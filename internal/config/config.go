// Package config is the configuration file of `stint serve`, `stint init` and `stint apply`.
//
// The comments of [Config] are the manual: each field says what it is for, its unit, and its value when it is left out. The
// same manual as a file to start from is docs/stint.example.yaml; a test holds the two together.
//
// Flow: [Load] reads the file, refuses keys that it does not know and values that cannot be meant, and makes paths absolute.
// Files that the configuration names are not opened here. `stint dev` takes flags and no file.
package config

import "strings"

// Config is the configuration file. A key that is left out has the value of [Default]. Relative paths begin at the folder of
// the configuration file.
type Config struct {
	// Listen is the address of the API, host:port. The default is 127.0.0.1:8321. Anything but loopback needs TLS, or
	// Plaintext.
	Listen string `yaml:"listen"`
	// TLS is the certificate of the API. Without it the API is plain HTTP.
	TLS TLS `yaml:"tls"`
	// Plaintext allows plain HTTP on an address that is not loopback: for a node behind a proxy that ends TLS, since
	// otherwise session tokens can be read on the way. Off by default.
	Plaintext bool `yaml:"plaintext"`
	// Data is the data directory: the embedded store, and the audit log unless it is told elsewhere. The default is
	// /var/lib/stint.
	Data string `yaml:"data"`
	// RootKey is what all key material in the store is sealed under.
	RootKey RootKey `yaml:"root_key"`
	// Partition is the first part of every ARN. The default is aws. It cannot be changed once the store was begun.
	Partition string `yaml:"partition"`
	// Regions are those that signatures may be scoped to. The first is that of unsigned operations. IAM takes us-east-1 as
	// well. The default is us-east-1 alone.
	Regions []string `yaml:"regions"`
	// Directory says where the directory is kept.
	Directory Directory `yaml:"directory"`
	// ManagedPolicies is a folder with AWS-managed policies besides those that are built in, or in place of them: NAME.json is the
	// document of arn:aws:iam::aws:policy/NAME, SUB/NAME.json that of …:policy/SUB/NAME. It is read at the start, and must be the
	// same on every node. The default, empty, is none.
	ManagedPolicies string `yaml:"managed_policies"`
	// Audit is the audit log.
	Audit Audit `yaml:"audit"`
	// MaxSessionDuration is the longest session in seconds that is ever issued, 900 to 129600, whatever a role allows. The
	// default 0 leaves it to AWS's limits.
	MaxSessionDuration int `yaml:"max_session_duration"`
	// Hosts are the names, without port, that a request's Host header may have, such as sts.example.com. The default, none,
	// takes any.
	Hosts []string `yaml:"hosts"`
	// OutboundIssuer is the form of the URLs of the accounts' own token issuers (EnableOutboundWebIdentityFederation), with {id}
	// once in the host or the path, in the place of the id of the account's issuer. Whoever checks the tokens must reach this
	// server by it. https, or http on loopback. The default is AWS's, https://{id}.tokens.sts.global.api.aws.
	OutboundIssuer string `yaml:"outbound_issuer"`
	// OrganizationAccount is the account, twelve digits, that alone may create the organization, of which a server has one. The
	// default, empty, is any: the first one that does so has it.
	OrganizationAccount string `yaml:"organization_account"`
	// Federation is about identity providers.
	Federation Federation `yaml:"federation"`
	// Relying is about services that accept this server's credentials.
	Relying Relying `yaml:"relying"`
	// Log is the log on standard error.
	Log Log `yaml:"log"`
}

// issuerPlace is where an OutboundIssuer has the id.
const issuerPlace = "{id}"

// OutboundIssuerURL returns the URL of the issuer with an id.
func (c *Config) OutboundIssuerURL(id string) string {
	return strings.Replace(c.OutboundIssuer, issuerPlace, id, 1)
}

// TLS is a certificate. Both files are given, or neither. TLS 1.2 and 1.3 are spoken.
type TLS struct {
	// Cert is a PEM file: the certificate, and the intermediate ones after it.
	Cert string `yaml:"cert"`
	// Key is a PEM file, closed to other users.
	Key string `yaml:"key"`
}

// RootKey is the key that seals all others. Without it the store cannot be opened: keep a copy apart from the data.
type RootKey struct {
	// File has exactly 32 random bytes and mode 0600 or stricter. `stint init` makes it. The default is /etc/stint/root.key.
	File string `yaml:"file"`
}

// Directory says where accounts, users, roles and policies are kept.
type Directory struct {
	// Etcd is a cluster. Without endpoints, the store is embedded in this process and lives in the data directory.
	Etcd Etcd `yaml:"etcd"`
}

// Etcd is a cluster that is already there: 3.5.33, 3.6.14 or 3.7.1 at least.
type Etcd struct {
	// Endpoints are client URLs. Anything but loopback must be https.
	Endpoints []string `yaml:"endpoints"`
	// CA is a PEM file of the authorities that the cluster's certificates are from. The default is the system's.
	CA string `yaml:"ca"`
	// Cert and Key are PEM files: this node's certificate towards the cluster. Both are given, or neither.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
	// Prefix begins every key. The default is stint/.
	Prefix string `yaml:"prefix"`
}

// Audit is the audit log: one JSON line a request, written before the answer of whatever issues credentials.
type Audit struct {
	// File is appended to. The default, empty, is audit.jsonl in the data directory.
	File string `yaml:"file"`
	// Fsync has each line on disk before its answer. Off by default: the line is with the operating system, and survives
	// the process but not a loss of power.
	Fsync bool `yaml:"fsync"`
}

// Federation is about identity providers: what this server fetches from them, and what it takes from them.
type Federation struct {
	// AllowedNetworks are address ranges such as 10.1.0.0/16 that discovery documents, key sets and access token checks may be
	// fetched from although they are loopback, private, link-local or otherwise not public. The default is none.
	AllowedNetworks []string `yaml:"allowed_networks"`
	// OIDC is about web identity tokens.
	OIDC OIDC `yaml:"oidc"`
	// SAML is about the responses of AssumeRoleWithSAML.
	SAML SAML `yaml:"saml"`
}

// SAML is about the responses of AssumeRoleWithSAML.
type SAML struct {
	// Endpoints are the URLs that responses may be made for: their Recipient, Destination and Audience. The default is AWS's
	// sign-in URLs of the partition and https://{host}/saml of each of the hosts; a list is in place of both.
	Endpoints []string `yaml:"endpoints"`
}

// OIDC is about the tokens of AssumeRoleWithWebIdentity.
type OIDC struct {
	// Leeway is how many seconds, 0 to 300, an issuer's clock may be off: it is given to exp, iat and nbf. The default is 60.
	Leeway int `yaml:"leeway"`
	// ExtraAlgorithms takes signatures by PS256, PS384, PS512 and EdDSA beside the RS and ES algorithms of AWS. Off by default.
	ExtraAlgorithms bool `yaml:"extra_algorithms"`
	// Authorities are certificate authorities of single issuers. The default, none, is the system's for all.
	Authorities []Authority `yaml:"authorities"`
	// AmazonTokenInfo is the URL at which access tokens of Login with Amazon are verified (ProviderId www.amazon.com), such as
	// https://api.amazon.com/auth/o2/tokeninfo. The default, empty, refuses them.
	AmazonTokenInfo string `yaml:"amazon_token_info"`
	// FacebookDebugToken is the URL at which access tokens of Facebook are verified (ProviderId graph.facebook.com), such as
	// https://graph.facebook.com/debug_token. The default, empty, refuses them.
	FacebookDebugToken string `yaml:"facebook_debug_token"`
	// FacebookAppTokenFile holds the app access token that Facebook asks for, in a file closed to other users.
	FacebookAppTokenFile string `yaml:"facebook_app_token_file"`
}

// Authority is whose certificates an issuer may have, in place of the system's authorities.
type Authority struct {
	// Issuer is the issuer's URL as the provider has it: https://, host and path.
	Issuer string `yaml:"issuer"`
	// CA is a PEM file of certificates.
	CA string `yaml:"ca"`
}

// Log is the log on standard error.
type Log struct {
	// Format is text or json. The default is text.
	Format string `yaml:"format"`
	// Level is the least that is logged: debug, info, warn or error. The default is info.
	Level string `yaml:"level"`
}

// DefaultListen is the address that tools look for Stint at.
const DefaultListen = "127.0.0.1:8321"

// Default returns the configuration of an empty file.
func Default() Config {
	return Config{
		Listen:     DefaultListen,
		Data:       "/var/lib/stint",
		RootKey:    RootKey{File: "/etc/stint/root.key"},
		Partition:  "aws",
		Regions:    []string{"us-east-1"},
		Directory:  Directory{Etcd: Etcd{Prefix: "stint/"}},
		Federation: Federation{OIDC: OIDC{Leeway: 60}},
		Log:        Log{Format: "text", Level: "info"},

		OutboundIssuer: "https://{id}.tokens.sts.global.api.aws",
	}
}
