package login

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/loginapi"
	"github.com/stint-sts/stint/internal/secret"
	"github.com/stint-sts/stint/internal/strictjson"
)

// The limits of talking to a server.
const (
	requestPatience = 30 * time.Second
	maxAnswer       = 64 << 10
)

// Patience is how long a person has to sign in.
const Patience = 10 * time.Minute

// ErrTimeout is a person who did not sign in within [Patience].
var ErrTimeout = fmt.Errorf("nobody signed in within %v", Patience)

// Error is what a server refuses with.
type Error struct {
	Code        string // of package loginapi
	Description string
}

// Error says what the server says. Both are text that can be printed.
func (e *Error) Error() string {
	if e.Description == "" {
		return "the server answers " + e.Code
	}
	return fmt.Sprintf("the server answers %s: %s", e.Code, e.Description)
}

// Request is what to log in to.
type Request struct {
	Endpoint Endpoint
	// CAFile is a PEM file of authorities that the server's certificate may be from; the system's if empty.
	CAFile string
	// Role is the ARN of a role; empty for what the person signs in as.
	Role string
	// Duration is how long the credentials are to last; 0 leaves it to the server.
	Duration time.Duration
}

// Client logs in. Its functions must not be nil.
type Client struct {
	// Random is cryptographically secure.
	Random io.Reader
	Now    func() time.Time
	// Sleep waits, and returns early with an error when ctx ends.
	Sleep func(ctx context.Context, d time.Duration) error
	// UserAgent is what the server's audit log shows.
	UserAgent string
	// Browse shows a URL to the person, at best in a browser. It does not wait.
	Browse func(url string)
	// Code shows the URL of the page that takes a code, the code, and the URL that has it in already.
	Code func(page, code, complete string)
}

// randomText returns 256 random bits as 43 characters, which is a code verifier too (RFC 7636, 4.1).
func (c *Client) randomText() (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(c.Random, b[:]); err != nil {
		return "", fmt.Errorf("reading randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// challengeOf is the S256 of RFC 7636.
func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ask adds to a form what is asked for.
func (r *Request) ask(form url.Values) url.Values {
	form.Set(loginapi.ParamClientID, loginapi.ClientID)
	if r.Role != "" {
		form.Set(loginapi.ParamRole, r.Role)
	}
	if r.Duration != 0 {
		form.Set(loginapi.ParamDuration, strconv.FormatInt(int64(r.Duration/time.Second), 10))
	}
	return form
}

// server sends forms to one server. It follows no redirects: credentials come from where they were asked for.
type server struct {
	client    *http.Client
	endpoint  Endpoint
	userAgent string
}

func (c *Client) server(r *Request) (*server, error) {
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: requestPatience,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true,
	}
	if r.CAFile != "" {
		pem, err := os.ReadFile(r.CAFile)
		if err != nil {
			return nil, fmt.Errorf("reading the authorities: %w", err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading the authorities: %s has no certificate", r.CAFile)
		}
	}
	client := &http.Client{
		Transport:     transport,
		Timeout:       requestPatience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &server{client, r.Endpoint, c.UserAgent}, nil
}

func (s *server) close() { s.client.CloseIdleConnections() }

// unreachable is a server that gave no answer that it means: the next one may be another.
type unreachable struct{ error }

func (u *unreachable) Unwrap() error { return u.error }

// post sends a form and returns the members of the answer, or what it refuses with.
func (s *server) post(ctx context.Context, path string, form url.Values) (*fields, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, string(s.endpoint)+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", s.userAgent)
	response, err := s.client.Do(r)
	if err != nil {
		return nil, &unreachable{err}
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, &unreachable{fmt.Errorf("reading the answer of %s: %w", s.endpoint, err)}
	}
	f, err := parseFields(text, strictjson.Limits{Bytes: maxAnswer, Depth: 4})
	if err == nil && response.StatusCode != http.StatusOK {
		refused := &Error{Code: f.text("error", 64), Description: f.optional("error_description", 1024)}
		if err = f.done(); err == nil {
			return nil, refused
		}
	}
	if err != nil {
		err = fmt.Errorf("%s answers %s to %s, which is no answer of a sign-in endpoint", s.endpoint, response.Status, path)
		if response.StatusCode >= http.StatusInternalServerError {
			err = &unreachable{err}
		}
		return nil, err
	}
	return f, nil
}

// token makes a login of the answer of the token endpoint.
func (r *Request) token(f *fields) (*Login, error) {
	l := &Login{
		Endpoint:     r.Endpoint,
		CAFile:       r.CAFile,
		AskedRole:    r.Role,
		AccessKeyID:  f.text("access_key_id", maxField),
		Secret:       secret.FromString(f.text("secret_access_key", maxField)),
		SessionToken: secret.FromString(f.text("access_token", maxToken)),
		Expires:      f.time("expiration"),
		ARN:          f.text("arn", maxField),
		RoleARN:      f.optional("role_arn", maxField),
		Region:       f.text("region", maxField),
	}
	if kind := f.text("token_type", maxField); kind != loginapi.TokenType {
		f.fail("token_type", "is not "+loginapi.TokenType)
	}
	if r.Role != "" && l.RoleARN != r.Role {
		f.fail("role_arn", "is not the role that was asked for")
	}
	if err := f.done(); err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", r.Endpoint, err)
	}
	return l, nil
}

// patient turns the end of ctx by its own time into ErrTimeout.
func patient(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ErrTimeout
	}
	return err
}
