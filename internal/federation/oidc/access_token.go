package oidc

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"strconv"

	"github.com/stint-sts/stint/internal/federation"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/strictjson"
)

// The OAuth 2.0 providers that AWS knows (STS API reference, ProviderId).
const (
	amazon   = "www.amazon.com"
	facebook = "graph.facebook.com"
)

// maxIntrospections bounds the access tokens that are being shown to a provider: each costs a request of this server's, and
// whoever sends them has no credentials yet.
const maxIntrospections = 4

// accessTokens verifies access tokens by asking their provider. Nothing is remembered: a token may be withdrawn at any time.
type accessTokens struct {
	options Options
	fetcher *fetcher
	slots   chan struct{}
}

func newAccessTokens(o Options, f *fetcher) *accessTokens {
	return &accessTokens{options: o, fetcher: f, slots: make(chan struct{}, maxIntrospections)}
}

// verify asks the provider about the token.
func (a *accessTokens) verify(ctx context.Context, v *Verifier, in Presented) (*federation.Assertion, error) {
	switch *in.ProviderID {
	case amazon:
		if _, err := parse(in.Token, v.algorithms); err == nil {
			return nil, invalid("Provided Token is not a Login With Amazon token", "a JWT was presented as an access token")
		}
		return a.amazon(ctx, in)
	case facebook:
		return a.facebook(ctx, in)
	}
	return nil, federation.Refusal(identity.AccessDenied, "Unrecognized OAuth provider. Do not include a provider parameter when "+
		"submitting OpenIDConnect ID tokens", "the ProviderId is neither www.amazon.com nor graph.facebook.com")
}

// amazon reads Login with Amazon's token information: aud, user_id, app_id and the seconds that are left.
func (a *accessTokens) amazon(ctx context.Context, in Presented) (*federation.Assertion, error) {
	answer, err := a.ask(ctx, amazon, a.options.AmazonTokenInfo, url.Values{"access_token": {in.Token}})
	if err != nil {
		return nil, err
	}
	client, ok := member(answer, "aud")
	user, fine := member(answer, "user_id")
	if !ok || !fine || seconds(answer, "exp") <= 0 {
		return nil, federation.Refusal(identity.IDPRejectedClaim, rejected+amazon, "the provider's answer does not vouch for the token")
	}
	keys := []federation.Key{{Name: amazon + ":user_id", Values: []string{user}, Lasting: true}}
	if app, ok := member(answer, "app_id"); ok {
		keys = append(keys, federation.Key{Name: amazon + ":app_id", Values: []string{app}, Lasting: true})
	}
	return oauthAssertion(in, amazon, client, user, keys), nil
}

// facebook reads the answer of debug_token: data with app_id, user_id, is_valid and expires_at.
func (a *accessTokens) facebook(ctx context.Context, in Presented) (*federation.Assertion, error) {
	parameters := url.Values{"input_token": {in.Token}, "access_token": {a.options.FacebookAppToken}}
	answer, err := a.ask(ctx, facebook, a.options.FacebookDebugToken, parameters)
	if err != nil {
		return nil, err
	}
	data, _ := answer.Get("data")
	if data == nil {
		data = &strictjson.Value{}
	}
	app, ok := member(data, "app_id")
	user, fine := member(data, "user_id")
	valid, there := data.Get("is_valid")
	expires := seconds(data, "expires_at") // 0 for a token without an end
	if !ok || !fine || !there || valid.Kind != strictjson.Bool || valid.Text != "true" || expires != 0 && in.Time.Unix() >= expires {
		return nil, federation.Refusal(identity.IDPRejectedClaim, rejected+facebook, "the provider's answer does not vouch for the token")
	}
	return oauthAssertion(in, facebook, app, user, []federation.Key{
		{Name: facebook + ":app_id", Values: []string{app}, Lasting: true},
		{Name: facebook + ":id", Values: []string{user}, Lasting: true},
	}), nil
}

const rejected = "The access token was rejected by "

func oauthAssertion(in Presented, name, client, user string, keys []federation.Key) *federation.Assertion {
	return &federation.Assertion{
		Kind: identity.WebIdentityUser, Account: in.Account, Provider: name, Issuer: name, Subject: user, Audience: client, Keys: keys,
	}
}

// ask gets the provider's answer about a token.
func (a *accessTokens) ask(ctx context.Context, name, address string, parameters url.Values) (*strictjson.Value, error) {
	if address == "" {
		return nil, invalid("Access tokens of "+name+" are not accepted: this server has no URL at which to verify them.",
			"no URL is configured at which access tokens of the provider are verified")
	}
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	default:
		return nil, federation.Refusal(identity.Throttling, "Rate exceeded", "too many access tokens are being verified")
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	u.RawQuery = parameters.Encode()
	text, err := a.fetcher.get(ctx, u, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname(), RootCAs: a.fetcher.authorities["https://"+name]})
	if status, ok := err.(statusError); ok && int(status) >= http.StatusBadRequest && int(status) < http.StatusInternalServerError { //nolint:errorlint // get returns it as it is
		return nil, federation.Refused(identity.IDPRejectedClaim, rejected+name, err)
	}
	if err != nil {
		a.options.Log.Warn("an access token cannot be verified", "provider", name, "error", err)
		return nil, federation.Refusal(identity.IDPCommunicationError, "The identity provider "+name+" could not be reached.",
			"the provider cannot be asked about the access token")
	}
	answer, err := strictjson.Parse(text, strictjson.Limits{Bytes: maxBody, Depth: maxDepth, Tokens: documentTokens})
	if err != nil {
		return nil, federation.Refusal(identity.IDPCommunicationError, "The identity provider "+name+" gave no answer that can be read.",
			"the provider's answer is not strict JSON")
	}
	return &answer, nil
}

// member returns a text, or a number as it is written: Facebook's ids are either.
func member(v *strictjson.Value, name string) (string, bool) {
	m, ok := v.Get(name)
	if !ok || m.Kind != strictjson.String && m.Kind != strictjson.Number || m.Text == "" || len(m.Text) > maxSubject || control(m.Text) {
		return "", false
	}
	return m.Text, true
}

func seconds(v *strictjson.Value, name string) int64 {
	m, ok := v.Get(name)
	if !ok || m.Kind != strictjson.Number {
		return 0
	}
	n, err := strconv.ParseInt(m.Text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
