package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/test/harness"
)

// exchange is what went over the wire, for comparing and for failure messages.
type exchange struct {
	sent   *harness.Request
	raw    []byte
	answer *harness.Response
	at     time.Time // the server's time when the request was sent
}

// perform builds, signs, spoils and sends the case's request.
func (s *stage) perform(r request) (*exchange, error) {
	built, err := s.build(r)
	if err != nil {
		return nil, err
	}
	spoil, err := mutationsOf(r.Signing.Mutate)
	if err != nil {
		return nil, err
	}
	if err := s.sign(built, r.Signing, spoil); err != nil {
		return nil, err
	}
	built.Query += r.RawQuerySuffix
	spoil.after(built)
	done := &exchange{sent: built, raw: built.Bytes(s.server.Address), at: s.server.Now()}
	done.answer, err = harness.Exchange(s.server.Address, built.Method, done.raw)
	return done, err
}

func (s *stage) build(r request) (*harness.Request, error) {
	fields, err := s.fieldsOf(r.Params)
	if err != nil {
		return nil, err
	}
	for _, pair := range r.ParamList {
		fields = append(fields, harness.Field{Name: pair[0], Value: s.fill(pair[1])})
	}
	built := &harness.Request{Method: r.Method, Path: r.Path}
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		built.Query = harness.Encode(fields)
	case len(fields) > 0:
		built.Body = []byte(harness.Encode(fields))
		built.Set("Content-Type", harness.FormType)
	}
	if r.Endpoint == "<issuer>" {
		_, host, _ := strings.Cut(s.cast.saved[issuerName], "://")
		built.Set("Host", host)
	}
	for name, value := range r.Headers {
		built.Set(name, s.fill(value))
	}
	return built, nil
}

func (s *stage) sign(built *harness.Request, how signing, spoil mutations) error {
	if how.Mode == "none" {
		return nil
	}
	credentials, there := s.cast.credentials[how.As]
	if how.As == "administrator" {
		credentials, there = s.server.Admin, true
	}
	if !there && spoil.AccessKey == "" {
		return fmt.Errorf("no credentials of %q", how.As)
	}
	signing := s.server.Signing(credentials, how.Service)
	signing.Region = how.Region
	signing.SignedHeaders = how.SignedHeaders
	signing.Expires = how.Expires
	if err := spoil.before(&signing); err != nil {
		return err
	}
	switch how.Mode {
	case "sigv4-header":
		harness.Sign(built, signing)
	case "sigv4-query", "sigv4-query-on-post":
		harness.Presign(built, signing)
	default:
		return fmt.Errorf("unknown signing mode %q", how.Mode)
	}
	return nil
}

// mutations spoil one thing of a signed request each.
type mutations struct {
	Signature           string            `json:"signature"`
	AccessKey           string            `json:"access_key"`
	Secret              string            `json:"secret"`
	RegionOverride      string            `json:"region_override"`
	Terminator          string            `json:"terminator"`
	ScopeDate           string            `json:"scope_date"`
	Date                string            `json:"date"`
	Credential          string            `json:"credential"`
	SecurityToken       json.RawMessage   `json:"security_token"`
	DropHeader          string            `json:"drop_header"`
	AddHeaders          map[string]string `json:"add_headers"`
	DuplicateHeader     string            `json:"duplicate_header"`
	DuplicateParamFirst map[string]string `json:"duplicate_param_first"`
	BodyAfterSigning    string            `json:"body_after_signing"`
	PathAfterSigning    string            `json:"path_after_signing"`
}

func mutationsOf(raw map[string]json.RawMessage) (mutations, error) {
	var m mutations
	joined, err := json.Marshal(raw)
	if err != nil {
		return m, fmt.Errorf("reading mutations: %w", err)
	}
	if err := strict(joined, &m); err != nil {
		return m, fmt.Errorf("reading mutations: %w", err)
	}
	// A null token is a token left out, which decoding alone cannot tell from no mutation at all.
	if token, there := raw["security_token"]; there {
		m.SecurityToken = token
	}
	return m, nil
}

func (m mutations) before(s *harness.Signing) error {
	if m.AccessKey != "" {
		s.Credentials = harness.Credentials{AccessKeyID: m.AccessKey, SecretAccessKey: m.Secret}
	}
	if m.RegionOverride != "" {
		s.Region = m.RegionOverride
	}
	if m.Date != "" {
		seconds, err := strconv.Atoi(strings.TrimPrefix(m.Date, "now"))
		if err != nil {
			return fmt.Errorf("date %q: %w", m.Date, err)
		}
		s.At = s.At.Add(time.Duration(seconds) * time.Second)
	}
	if m.ScopeDate == "yesterday" {
		s.ScopeDate = s.At.UTC().AddDate(0, 0, -1).Format("20060102")
	}
	s.Terminator, s.Credential, s.Signature = m.Terminator, m.Credential, m.Signature
	for name, value := range m.DuplicateParamFirst {
		s.FirstParts += name + "=" + value + ", "
	}
	if len(m.SecurityToken) > 0 {
		token, err := spoiledToken(m.SecurityToken, s.Credentials.SessionToken)
		if err != nil {
			return err
		}
		s.Credentials.SessionToken = token
	}
	return nil
}

func spoiledToken(how json.RawMessage, token string) (string, error) {
	switch string(how) {
	case "null":
		return "", nil
	case `"tampered-one-char"`:
		middle := len(token) / 2
		other := byte('A')
		if token[middle] == other {
			other = 'B'
		}
		return token[:middle] + string(other) + token[middle+1:], nil
	case `"truncated"`:
		return token[:len(token)-4], nil
	case `"extended"`:
		return token + "AAAA", nil
	}
	return "", fmt.Errorf("unknown way %s to spoil a token", how)
}

func (m mutations) after(r *harness.Request) {
	if m.DropHeader != "" {
		r.Drop(m.DropHeader)
	}
	for name, value := range m.AddHeaders {
		r.Header = append(r.Header, harness.Field{Name: name, Value: value})
	}
	if value, there := r.Get(m.DuplicateHeader); there {
		r.Header = append(r.Header, harness.Field{Name: m.DuplicateHeader, Value: value})
	}
	if m.BodyAfterSigning != "" {
		r.Body = []byte(m.BodyAfterSigning)
	}
	if m.PathAfterSigning != "" {
		r.Path = m.PathAfterSigning
	}
}
