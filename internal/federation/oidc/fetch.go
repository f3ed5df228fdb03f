package oidc

import (
	"context"
	"crypto/sha1" // thumbprints of IAM are SHA-1
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/strictjson"
)

// The limits of fetching. A fetch is the discovery document and the key set together.
const (
	fetchTime      = 10 * time.Second
	maxFetches     = 32        // for the providers of accounts
	accountFetches = 2         // for those of one account, and as many for the built-in ones
	maxBody        = 256 << 10 // of one document
	maxAnswerHead  = 16 << 10
	documentTokens = 4096
)

const discoveryPath = "/.well-known/openid-configuration"

// errThumbprint is a certificate from no known authority, nor from one that the provider's thumbprints name.
var errThumbprint = errors.New("the certificate is from no trusted authority and matches no thumbprint of the provider")

// fetchError says what failed in words that may stand in the audit log; the cause, which may quote the issuer, is for the log.
type fetchError struct {
	reason string
	cause  error
}

func (e *fetchError) Error() string { return e.reason }

func (e *fetchError) Unwrap() error { return e.cause }

// source is whose keys are fetched.
type source struct {
	id          string        // tells it from all others: the same issuer is another source in another account, or with other thumbprints
	account     arn.AccountID // whose provider it is; empty for a built-in one
	issuer      string        // URL
	thumbprints []string
}

// fetcher fetches from issuers. It follows no redirects, takes no proxy from the environment, keeps no connection, and asks for
// no compression.
type fetcher struct {
	authorities map[string]*x509.CertPool // by issuer URL; the system's for all others
	slots       chan struct{}             // taken by the providers of accounts
	patience    time.Duration
	dial        func(ctx context.Context, network, address string) (net.Conn, error)

	mu     sync.Mutex
	shares map[arn.AccountID]*share // of the accounts that fetch or wait to; guarded by mu
}

// share is the fetches of one account, so that its slow issuers hold up nobody else's.
type share struct {
	slots chan struct{}
	users int // who have a slot or wait for one; guarded by the fetcher's mu
}

func newFetcher(a addresses, authorities map[string]*x509.CertPool) *fetcher {
	dialer := &net.Dialer{Timeout: fetchTime, Control: a.control}
	return &fetcher{
		authorities: authorities, slots: make(chan struct{}, maxFetches), patience: fetchTime, dial: dialer.DialContext,
		shares: make(map[arn.AccountID]*share),
	}
}

// keySet fetches the keys of an issuer.
func (f *fetcher) keySet(ctx context.Context, s source) (*keySet, error) {
	ctx, cancel := context.WithTimeout(ctx, f.patience)
	defer cancel()
	leave, err := f.enter(ctx, s.account)
	if err != nil {
		return nil, &fetchError{"too many fetches are under way", err}
	}
	defer leave()
	text, err := f.document(ctx, s, strings.TrimSuffix(s.issuer, "/")+discoveryPath)
	if err != nil {
		return nil, &fetchError{"the discovery document cannot be fetched", err}
	}
	keysURL, err := readDiscovery(text, s.issuer)
	if err != nil {
		return nil, &fetchError{"the discovery document is not the issuer's", err}
	}
	if text, err = f.document(ctx, s, keysURL); err != nil {
		return nil, &fetchError{"the key set cannot be fetched", err}
	}
	set, err := parseKeys(text)
	if err != nil {
		return nil, &fetchError{"the key set holds no usable keys", err}
	}
	return set, nil
}

// enter waits for a slot of the account's share and then for one of the node's, which the built-in providers do not need: they
// are no more than their share.
func (f *fetcher) enter(ctx context.Context, account arn.AccountID) (leave func(), err error) {
	f.mu.Lock()
	own := f.shares[account]
	if own == nil {
		own = &share{slots: make(chan struct{}, accountFetches)}
		f.shares[account] = own
	}
	own.users++
	f.mu.Unlock()
	part := func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(f.shares, account)
		}
	}
	select {
	case own.slots <- struct{}{}:
	case <-ctx.Done():
		part()
		return nil, ctx.Err()
	}
	if account == "" {
		return func() { <-own.slots; part() }, nil
	}
	select {
	case f.slots <- struct{}{}:
		return func() { <-f.slots; <-own.slots; part() }, nil
	case <-ctx.Done():
		<-own.slots
		part()
		return nil, ctx.Err()
	}
}

// readDiscovery returns the URL of the key set. The document must name the issuer letter by letter (OpenID Connect Discovery 4.3).
func readDiscovery(text []byte, issuer string) (string, error) {
	document, err := strictjson.Parse(text, strictjson.Limits{Bytes: maxBody, Depth: maxDepth, Tokens: documentTokens})
	if err != nil {
		return "", err
	}
	if named, ok := document.Get("issuer"); !ok || named.Kind != strictjson.String || named.Text != issuer {
		return "", errors.New("the document names another issuer")
	}
	keys, ok := document.Get("jwks_uri")
	if !ok || keys.Kind != strictjson.String {
		return "", errors.New("the document has no jwks_uri")
	}
	return keys.Text, nil
}

// document gets one document.
func (f *fetcher) document(ctx context.Context, s source, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return nil, errors.New("not a URL of https, a host and a path")
	}
	return f.get(ctx, u, f.tls(s, u.Hostname()))
}

func (f *fetcher) get(ctx context.Context, u *url.URL, security *tls.Config) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "stint")
	client := http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            f.dial,
			TLSClientConfig:        security,
			TLSHandshakeTimeout:    fetchTime,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxAnswerHead,
		},
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, statusError(response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err == nil {
		err = ctx.Err() // an issuer that notices the end of our patience may end its body in time to look whole
	}
	if err != nil {
		return nil, err
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("the document has more than %d bytes", maxBody)
	}
	return body, nil
}

// statusError is an answer that is no document.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("the answer has status %d", int(e)) }

// withoutURL takes the URL out of an error of net/http: it may hold an access token.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// tls says which certificates the host may have. As AWS does, certificates of known authorities are taken whatever the
// provider's thumbprints are; only for others must a certificate of the chain be one that a thumbprint names, and then it is
// the authority that the chain must lead to.
func (f *fetcher) tls(s source, host string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, RootCAs: f.authorities[s.issuer]}
	if len(s.thumbprints) == 0 {
		return c
	}
	roots := c.RootCAs
	c.InsecureSkipVerify = true // VerifyConnection does all of it
	c.VerifyConnection = func(state tls.ConnectionState) error {
		return verifyChain(state.PeerCertificates, x509.VerifyOptions{Roots: roots, DNSName: host}, s.thumbprints)
	}
	return c
}

func verifyChain(chain []*x509.Certificate, options x509.VerifyOptions, thumbprints []string) error {
	if len(chain) == 0 {
		return errThumbprint
	}
	options.Intermediates = x509.NewCertPool()
	for _, c := range chain[1:] {
		options.Intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(options)
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown {
		return err
	}
	for _, c := range chain {
		if slices.ContainsFunc(thumbprints, func(t string) bool { return strings.EqualFold(t, thumbprint(c)) }) {
			options.Roots = x509.NewCertPool()
			options.Roots.AddCert(c)
			_, err := chain[0].Verify(options)
			return err
		}
	}
	return errThumbprint
}

func thumbprint(c *x509.Certificate) string {
	sum := sha1.Sum(c.Raw) // thumbprints of IAM are SHA-1; finding a second certificate with one is out of reach
	return hex.EncodeToString(sum[:])
}
