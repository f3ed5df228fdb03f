package harness

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signing says how to sign a request with Signature Version 4. The zero values of the fields after Service are the honest
// choice; each of them spoils one thing.
type Signing struct {
	Credentials Credentials
	Host        string
	At          time.Time
	Region      string
	Service     string

	SignedHeaders []string // instead of host, all x-amz-* headers and the content type
	ScopeDate     string   // instead of the day of At
	Terminator    string   // instead of aws4_request
	Credential    string   // instead of the whole credential scope with its key id
	Signature     string   // instead of the right one
	FirstParts    string   // written in the Authorization header before the right parts
	Expires       int      // of a presigned request, in seconds
}

const (
	algorithm     = "AWS4-HMAC-SHA256"
	timeFormat    = "20060102T150405Z"
	dayFormat     = "20060102"
	tokenHeader   = "X-Amz-Security-Token" // the name of a header
	signatureName = "X-Amz-Signature"
)

// Sign adds the date, the session token and the Authorization header.
func Sign(r *Request, s Signing) {
	r.Set("X-Amz-Date", s.At.UTC().Format(timeFormat))
	if s.Credentials.SessionToken != "" {
		r.Set(tokenHeader, s.Credentials.SessionToken)
	}
	names := s.SignedHeaders
	if names == nil {
		names = headersToSign(r)
	}
	signature := s.sign(r, names, string(r.Body))
	r.Header = append(r.Header, Field{"Authorization", fmt.Sprintf("%s %sCredential=%s, SignedHeaders=%s, Signature=%s",
		algorithm, s.FirstParts, s.credential(), strings.Join(names, ";"), signature)})
}

// Presign adds the signature to the query string.
func Presign(r *Request, s Signing) {
	names := s.SignedHeaders
	if names == nil {
		names = []string{"host"}
	}
	fields := []Field{
		{"X-Amz-Algorithm", algorithm},
		{"X-Amz-Credential", s.credential()},
		{"X-Amz-Date", s.At.UTC().Format(timeFormat)},
		{"X-Amz-Expires", strconv.Itoa(s.Expires)},
		{"X-Amz-SignedHeaders", strings.Join(names, ";")},
	}
	if s.Credentials.SessionToken != "" {
		fields = append(fields, Field{tokenHeader, s.Credentials.SessionToken})
	}
	r.Query = strings.TrimPrefix(r.Query+"&"+Encode(fields), "&")
	r.Query += "&" + Encode([]Field{{signatureName, s.sign(r, names, string(r.Body))}})
}

func (s Signing) terminator() string {
	if s.Terminator != "" {
		return s.Terminator
	}
	return "aws4_request"
}

func (s Signing) scope() string {
	day := s.ScopeDate
	if day == "" {
		day = s.At.UTC().Format(dayFormat)
	}
	return strings.Join([]string{day, s.Region, s.Service, s.terminator()}, "/")
}

func (s Signing) credential() string {
	if s.Credential != "" {
		return s.Credential
	}
	return s.Credentials.AccessKeyID + "/" + s.scope()
}

func (s Signing) sign(r *Request, names []string, payload string) string {
	if s.Signature != "" {
		return s.Signature
	}
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", r.Method, canonicalPath(r.Path), canonicalQuery(r.Query))
	for _, name := range names {
		value, _ := r.Get(name)
		if name == "host" && value == "" {
			value = s.Host
		}
		fmt.Fprintf(&canonical, "%s:%s\n", name, strings.Join(strings.Fields(value), " "))
	}
	hash, given := r.Get("X-Amz-Content-Sha256")
	if !given {
		hash = hexHash(payload)
	}
	fmt.Fprintf(&canonical, "\n%s\n%s", strings.Join(names, ";"), hash)

	toSign := strings.Join([]string{algorithm, s.At.UTC().Format(timeFormat), s.scope(), hexHash(canonical.String())}, "\n")
	key := []byte("AWS4" + s.Credentials.SecretAccessKey)
	for part := range strings.SplitSeq(s.scope(), "/") {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, toSign))
}

// headersToSign are host, the content type and every x-amz-* header, sorted.
func headersToSign(r *Request) []string {
	names := []string{"host"}
	for _, field := range r.Header {
		name := strings.ToLower(field.Name)
		if (name == "content-type" || strings.HasPrefix(name, "x-amz-")) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// canonicalPath is the path as it was signed by clients whose proxies double the slash: slashes alone are one slash.
func canonicalPath(path string) string {
	if strings.Trim(path, "/") == "" {
		return "/"
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		parts[i] = escape(part)
	}
	return strings.Join(parts, "/")
}

func canonicalQuery(query string) string {
	if query == "" {
		return ""
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		pairs[i] = reescape(name) + "=" + reescape(value)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func reescape(text string) string {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return text
	}
	return escape(plain)
}

func hexHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
