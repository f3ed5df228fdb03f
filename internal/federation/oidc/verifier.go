package oidc

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation"
	"github.com/stint-sts/stint/internal/identity"
)

// Options are what a Verifier works with.
type Options struct {
	// Now is the clock by which fetched keys age. Tokens are judged by the time of their request.
	Now func() time.Time
	Log *slog.Logger
	// Own reports whether an issuer URL is one of this server's own outbound issuers, whose tokens are refused. Nil if it has none.
	Own func(issuer string) bool
	// Leeway is how far the clock of an issuer may be off.
	Leeway time.Duration
	// ExtraAlgorithms adds PS256, PS384, PS512 and EdDSA to those of AWS.
	ExtraAlgorithms bool
	// AnyAddress lets fetches reach every address; otherwise only public ones and those of AllowedNetworks.
	AnyAddress      bool
	AllowedNetworks []netip.Prefix
	// Authorities are those of single issuers, by URL, in place of the system's.
	Authorities map[string]*x509.CertPool
	// AmazonTokenInfo and FacebookDebugToken are the URLs at which access tokens are verified; empty refuses them.
	AmazonTokenInfo    string
	FacebookDebugToken string
	// FacebookAppToken authenticates this server to Facebook.
	FacebookAppToken string
}

// Verifier verifies web identity tokens. It is safe for concurrent use.
type Verifier struct {
	options    Options
	algorithms []jose.SignatureAlgorithm
	cache      *keyCache
	pinned     pinnedSets
	tokens     *accessTokens
}

// New returns a Verifier.
func New(o Options) *Verifier {
	f := newFetcher(addresses{any: o.AnyAddress, allowed: o.AllowedNetworks}, o.Authorities)
	return newVerifier(o, f)
}

func newVerifier(o Options, f *fetcher) *Verifier {
	v := &Verifier{options: o, algorithms: awsAlgorithms(), cache: newKeyCache(f.keySet, o.Now, o.Log), tokens: newAccessTokens(o, f)}
	if o.ExtraAlgorithms {
		v.algorithms = append(v.algorithms, extraAlgorithms()...)
	}
	return v
}

// Presented is a token with the request that presents it.
type Presented struct {
	Token string
	// ProviderID names an OAuth 2.0 provider; it is nil for OpenID Connect.
	ProviderID *string
	// Account is the role's: the provider must be one of its own (advisory 72).
	Account arn.AccountID
	RoleARN string
	Time    time.Time
}

// provider is whom a token comes from.
type provider struct {
	name    string // for trust policies
	account arn.AccountID
	issuer  string // without scheme
	builtin bool
	entity  *directory.OIDCProvider // nil for a built-in one
}

// Verify returns what the token proves, or a fault in AWS's words whose cause is the reason.
func (v *Verifier) Verify(ctx context.Context, view *directory.View, in Presented) (*federation.Assertion, error) {
	if in.ProviderID != nil {
		return v.tokens.verify(ctx, v, in)
	}
	t, err := parse(in.Token, v.algorithms)
	if err != nil {
		return nil, federation.Refused(identity.InvalidIdentityToken, notJWT, err)
	}
	p, err := v.find(view, in.Account, t)
	if err != nil {
		return nil, err
	}
	// Nothing but the issuer is read of a token before its signature was verified (advisory 63): whoever cannot sign learns
	// nothing of audiences, clocks and subjects.
	if err := v.checkSignature(ctx, p, t); err != nil {
		return nil, err
	}
	return v.assert(p, t, in)
}

// find returns the provider of the account that the token's issuer names, byte by byte.
func (v *Verifier) find(view *directory.View, account arn.AccountID, t *token) (*provider, error) {
	if _, ok := t.claims.Get("iss"); !ok {
		return nil, invalid(missingClaim+"iss", "the token has no iss")
	}
	issuer, ok := t.text("iss")
	if !ok {
		return nil, invalid(notValid, "iss is not a text")
	}
	if v.options.Own != nil && v.options.Own(issuer) {
		return nil, invalid(notValid, "the token was issued by this server")
	}
	bare, secure := strings.CutPrefix(issuer, "https://")
	secure = secure || bare == google // Google's tokens name it both ways
	if !secure {
		return nil, invalid(noProvider+issuer, "the issuer is no URL of https")
	}
	if entity, ok := view.OIDCProvider(account, bare); ok {
		return &provider{name: entity.ARN, account: account, issuer: bare, entity: entity}, nil
	}
	if bare == google || bare == cognito {
		return &provider{name: bare, account: account, issuer: bare, builtin: true}, nil
	}
	return nil, invalid(noProvider+issuer, "the account has no provider for the issuer")
}

// The built-in providers: every account has them without an entity. One that an account makes itself takes their place there.
const (
	google  = "accounts.google.com"
	cognito = "cognito-identity.amazonaws.com"
)

// checkSignature finds the key and verifies.
func (v *Verifier) checkSignature(ctx context.Context, p *provider, t *token) error {
	signed, err := jose.ParseSignedCompact(t.compact, v.algorithms)
	if err != nil {
		return invalid(notJWT, "the JOSE library does not read the token")
	}
	if p.entity != nil && p.entity.JWKS != "" {
		set, err := v.pinned.keys(p.entity.JWKS)
		if err != nil {
			return federation.Refused(identity.InvalidIdentityToken, noKey, err)
		}
		return checkWith(set, t, signed)
	}
	s := p.source()
	set, err := v.cache.keys(ctx, s, nil)
	if err != nil {
		return keysUnavailable(err)
	}
	fault := checkWith(set, t, signed)
	if fault == nil || t.hasKeyID && len(set.candidates(t)) > 0 {
		return fault
	}
	// The key is not in the set: the issuer may have begun to use another.
	newer, err := v.cache.keys(ctx, s, set)
	if err != nil || newer == set {
		return fault
	}
	return checkWith(newer, t, signed)
}

// checkWith tries every key that fits.
func checkWith(set *keySet, t *token, signed *jose.JSONWebSignature) error {
	candidates := set.candidates(t)
	if len(candidates) == 0 {
		return invalid(noKey, "the key set has no key for the token's kid and alg")
	}
	for _, k := range candidates {
		if k.verify(t, signed) {
			return nil
		}
	}
	return invalid(notValid, "the signature is wrong")
}

func keysUnavailable(err error) error {
	if errors.Is(err, errThumbprint) {
		return federation.Refused(identity.InvalidIdentityToken, wrongThumbprint, err)
	}
	return federation.Refused(identity.InvalidIdentityToken, noKey, err)
}

// source says whose keys are fetched for the provider. Another provider never profits of them: it may trust other certificates.
func (p *provider) source() source {
	s := source{id: p.name, issuer: "https://" + p.issuer}
	if p.entity != nil {
		s.account = p.account
		s.thumbprints = p.entity.Thumbprints
		s.id += " " + strings.Join(s.thumbprints, ",")
	}
	return s
}

// assert reads the claims of a token whose signature is verified.
func (v *Verifier) assert(p *provider, t *token, in Presented) (*federation.Assertion, error) {
	var clients []string
	if p.entity != nil {
		clients = p.entity.ClientIDs
	}
	c, err := readClaims(t, clients, p.builtin, in.Time, v.options.Leeway)
	if err != nil {
		return nil, err
	}
	a := &federation.Assertion{
		Kind: identity.WebIdentityUser, Account: p.account, Provider: p.name, Issuer: "https://" + p.issuer,
		Subject: c.subject, Audience: c.audience,
	}
	if a.Tags, err = sessionTags(t); err != nil {
		return nil, err
	}
	if a.SourceIdentity, err = sourceIdentity(t); err != nil {
		return nil, err
	}
	named, err := authorized(t, in.RoleARN)
	if err != nil {
		return nil, err
	}
	a.Keys = append(conditionKeys(p.issuer, t, c),
		federation.Key{Name: "sts:roleauthorizedbyidp", Values: []string{strconv.FormatBool(named)}})
	return a, nil
}
