package sigv4

import (
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/secret"
)

// Credentials are what a request is signed with. They print without the secret.
type Credentials struct {
	AccessKeyID  string
	SessionToken string // empty for long-term keys
	secret       secret.Key
}

// NewCredentials makes Credentials; sessionToken is empty for long-term keys.
func NewCredentials(accessKeyID, secretAccessKey, sessionToken string) Credentials {
	return Credentials{AccessKeyID: accessKeyID, SessionToken: sessionToken, secret: secret.FromString(secretAccessKey)}
}

// Signer signs requests to one service.
type Signer struct {
	Credentials Credentials
	Algorithm   Algorithm // HMAC if empty
	Region      string    // for ECDSA the region set, separated by commas, with * for any characters
	Service     string
	Path        PathStyle
	// SendContentHash adds X-Amz-Content-Sha256, as S3 demands.
	SendContentHash bool
	// UnsignedPayload signs UNSIGNED-PAYLOAD in place of the hash of the body.
	UnsignedPayload bool
}

// unsignable are the headers that the SDKs leave out, because proxies change them.
var unsignable = []string{
	"authorization", "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
	"transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id",
}

// Sign signs r, whose body is body, in its Authorization header. It sets X-Amz-Date and, where needed,
// X-Amz-Security-Token, X-Amz-Region-Set and X-Amz-Content-Sha256. It signs Host and every header that r has but those
// that proxies change.
func (g Signer) Sign(r *http.Request, body []byte, at time.Time) error {
	s := g.begin(at)
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header.Del("Authorization")
	r.Header.Set("X-Amz-Date", s.stamp)
	if token := g.Credentials.SessionToken; token != "" {
		r.Header.Set("X-Amz-Security-Token", token)
	}
	if s.Algorithm == ECDSA {
		r.Header.Set("X-Amz-Region-Set", g.Region)
	}
	if payload := g.payload(body); g.SendContentHash || g.UnsignedPayload {
		r.Header.Set("X-Amz-Content-Sha256", string(payload))
	}
	req := FromHTTP(r)
	signature, err := g.sign(s, &req, body)
	if err != nil {
		return fmt.Errorf("signing a request: %w", err)
	}
	r.Header.Set("Authorization", string(s.Algorithm)+" Credential="+s.credential+", SignedHeaders="+s.SignedHeaders+
		", Signature="+signature)
	return nil
}

// Presign signs r in its query string, good for expires (1 second to 7 days). It signs Host and every header that r has
// but those that proxies change: whoever sends the URL must send them too.
func (g Signer) Presign(r *http.Request, body []byte, at time.Time, expires time.Duration) error {
	if expires < time.Second || expires > MaxExpires {
		return errors.New("presigning a request: expiry must be from 1 second to 7 days")
	}
	s := g.begin(at)
	s.Presigned = true
	req := FromHTTP(r)
	s.SignedHeaders = signable(&req)
	parameters := []struct {
		name  queryName
		value string
	}{
		{queryAlgorithm, string(s.Algorithm)}, {queryCredential, s.credential}, {queryDate, s.stamp},
		{queryExpires, strconv.FormatInt(int64(expires/time.Second), 10)}, {querySignedHeaders, s.SignedHeaders},
	}
	query := r.URL.RawQuery
	add := func(name queryName, value string) {
		if query != "" {
			query += "&"
		}
		query += queryNames[name] + "=" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
	}
	for _, p := range parameters {
		add(p.name, p.value)
	}
	if token := g.Credentials.SessionToken; token != "" {
		add(queryToken, token)
	}
	if s.Algorithm == ECDSA {
		add(queryRegionSet, g.Region)
	}
	req.RawQuery = query
	signature, err := g.sign(s, &req, body)
	if err != nil {
		return fmt.Errorf("presigning a request: %w", err)
	}
	add(querySignature, signature)
	r.URL.RawQuery = query
	return nil
}

func (g Signer) begin(at time.Time) *Signature {
	s := &Signature{
		Algorithm: g.Algorithm, AccessKeyID: g.Credentials.AccessKeyID, Region: g.Region, Service: g.Service,
		Terminator: terminator, Time: at.UTC(), stamp: at.UTC().Format(basicFormat),
	}
	if s.Algorithm == "" {
		s.Algorithm = HMAC
	}
	s.Date = s.stamp[:8]
	s.credential = s.AccessKeyID + "/" + s.Date + "/"
	if s.Algorithm == HMAC {
		s.credential += s.Region + "/"
	}
	s.credential += s.Service + "/" + terminator
	s.options.Path = g.Path
	return s
}

// separated reports whether a header has the separator of SignedHeaders in its name: listed, it would read as two.
func separated(h http.Header) bool {
	for name := range h {
		if strings.Contains(name, ";") {
			return true
		}
	}
	return false
}

// sign returns the signature of s over req in hexadecimal.
func (g Signer) sign(s *Signature, req *Request, body []byte) (string, error) {
	if err := checkEscapes(req.RawQuery); err != nil {
		return "", err
	}
	s.req = req
	s.SignedHeaders = signable(req)
	if !validSignedHeaders(s.SignedHeaders) || separated(req.Header) {
		return "", errors.New("more than 64 headers, or a malformed header name")
	}
	key, err := s.DeriveKey(g.Credentials.secret.RevealString())
	if err != nil {
		return "", err
	}
	var w scratch
	text, _ := s.appendCanonical(&w, nil, g.payload(body))
	hash := sha256.Sum256(text)
	return key.sign(s.Algorithm, s.appendStringToSign(nil, hex.AppendEncode(nil, hash[:])))
}

func (k SigningKey) sign(algorithm Algorithm, stringToSign []byte) (string, error) {
	if algorithm == HMAC {
		var buffer []byte
		mac := macInto(&buffer, k.hmac.RevealString(), stringToSign)
		return hex.EncodeToString(mac[:]), nil
	}
	hash := sha256.Sum256(stringToSign)
	// Without a source of randomness the signature is the deterministic one of RFC 6979.
	signature, err := k.private().Sign(nil, hash[:], crypto.SHA256)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(signature), nil
}

func (g Signer) payload(body []byte) []byte {
	if g.UnsignedPayload {
		return []byte(unsignedPayload)
	}
	hash := sha256.Sum256(body)
	return hex.AppendEncode(nil, hash[:])
}

func signable(req *Request) string {
	names := []string{"host"}
	for name := range req.Header {
		if name = lowerASCII(name); name != "host" && !slices.Contains(unsignable, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ";")
}

// lowerASCII leaves letters beyond ASCII alone: lower-cased, some of them are ASCII, and would name another header.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}
