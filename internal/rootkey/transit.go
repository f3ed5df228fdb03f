package rootkey

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/secret"
	"github.com/stint-sts/stint/internal/strictjson"
)

const (
	transitTime    = 10 * time.Second
	transitAnswer  = 64 << 10
	transitWrapped = 8 << 10
	transitToken   = 8 << 10
)

// transit is a root key that is kept wrapped in a file: a key management service with the API of Vault's transit engine, which
// never gives its own key away, wraps and unwraps it.
type transit struct {
	settings config.Transit
	security *tls.Config
}

func newTransit(t config.Transit) (*transit, error) {
	security := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("loading the authorities of the key management service: %w", err)
		}
		security.RootCAs = x509.NewCertPool()
		if !security.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("loading the authorities of the key management service: %s has no certificate", t.CA)
		}
	}
	return &transit{t, security}, nil
}

func (t *transit) String() string { return t.settings.WrappedFile }

// Read implements Source.
func (t *transit) Read(ctx context.Context) (secret.Key, error) {
	key, err := t.read(ctx)
	if err != nil {
		return secret.Key{}, fmt.Errorf("unwrapping the root key %s: %w", t, err)
	}
	return key, nil
}

func (t *transit) read(ctx context.Context) (secret.Key, error) {
	wrapped, err := readPrivate(t.settings.WrappedFile, 0o022, transitWrapped)
	if err != nil {
		return secret.Key{}, err
	}
	if len(wrapped) > transitWrapped {
		return secret.Key{}, fmt.Errorf("it has more than %d bytes", transitWrapped)
	}
	text, err := t.call(ctx, "decrypt", "ciphertext", strings.TrimSpace(string(wrapped)), "plaintext")
	if err != nil {
		return secret.Key{}, err
	}
	material, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return secret.Key{}, errors.New("what was unwrapped is not base64")
	}
	return checked(material)
}

// Create implements Source.
func (t *transit) Create(ctx context.Context, random io.Reader) (secret.Key, func() error, error) {
	key, err := t.create(ctx, random)
	if err != nil {
		return secret.Key{}, nil, fmt.Errorf("wrapping a new root key: %w", err)
	}
	return key, func() error { return os.Remove(t.settings.WrappedFile) }, nil
}

// create reads the key back before it is good: a service that wraps what it cannot unwrap would cost the store.
func (t *transit) create(ctx context.Context, random io.Reader) (secret.Key, error) {
	key, err := secret.Random(Size, random)
	if err != nil {
		return secret.Key{}, err
	}
	wrapped, err := t.call(ctx, "encrypt", "plaintext", base64.StdEncoding.EncodeToString(key.Reveal()), "ciphertext")
	if err != nil {
		return secret.Key{}, err
	}
	back, err := t.call(ctx, "decrypt", "ciphertext", wrapped, "plaintext")
	if err != nil {
		return secret.Key{}, err
	}
	material, err := base64.StdEncoding.Strict().DecodeString(back)
	if err != nil || !secret.New(material).Equal(key) {
		return secret.Key{}, errors.New("the key management service does not unwrap what it has wrapped")
	}
	if len(wrapped) > transitWrapped {
		return secret.Key{}, fmt.Errorf("what was wrapped has more than %d bytes", transitWrapped)
	}
	return key, writeNew(t.settings.WrappedFile, []byte(wrapped+"\n"))
}

// call has the service encrypt or decrypt: it sends one member and returns one of the answer's data. No error holds what was sent
// or answered.
func (t *transit) call(ctx context.Context, operation, send, value, want string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, transitTime)
	defer cancel()
	body, err := json.Marshal(map[string]string{send: value})
	if err != nil {
		return "", err
	}
	address := strings.TrimRight(t.settings.Address, "/") + "/v1/" + t.settings.Mount + "/" + operation + "/" + url.PathEscape(t.settings.Key)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	token, err := t.token()
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Vault-Request", "true")
	if token != "" {
		r.Header.Set("X-Vault-Token", token)
	}
	answer, err := t.send(r)
	if err != nil {
		return "", fmt.Errorf("asking the key management service to %s: %w", operation, err)
	}
	if text := member(answer, want); text != "" {
		return text, nil
	}
	return "", fmt.Errorf("asking the key management service to %s: its answer has no %s", operation, want)
}

func (t *transit) send(r *http.Request) ([]byte, error) {
	client := http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token is for this address
		Transport: &http.Transport{
			TLSClientConfig: t.security, TLSHandshakeTimeout: transitTime, DisableKeepAlives: true, MaxResponseHeaderBytes: transitAnswer,
		},
	}
	response, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %d", response.StatusCode)
	}
	return io.ReadAll(io.LimitReader(response.Body, transitAnswer))
}

// token reads the token anew each time: whoever renews it replaces the file.
func (t *transit) token() (string, error) {
	if t.settings.TokenFile == "" {
		return "", nil
	}
	b, err := readPrivate(t.settings.TokenFile, 0o007, transitToken)
	if err != nil {
		return "", fmt.Errorf("reading the token %s: %w", t.settings.TokenFile, err)
	}
	token := strings.TrimSpace(string(b))
	if token == "" || len(b) > transitToken || strings.ContainsAny(token, "\r\n\x00") {
		return "", fmt.Errorf("reading the token %s: it is not one line of text", t.settings.TokenFile)
	}
	return token, nil
}

// member returns a text of the data of an answer, or nothing.
func member(answer []byte, name string) string {
	document, err := strictjson.Parse(answer, strictjson.Limits{})
	if err != nil {
		return ""
	}
	if data, ok := document.Get("data"); ok {
		if v, ok := data.Get(name); ok && v.Kind == strictjson.String {
			return v.Text
		}
	}
	return ""
}
