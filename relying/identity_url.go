package relying

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
)

// IdentityCheck is what a service demands of a presigned GetCallerIdentity that somebody presents for a login. Endpoint, Audience
// and UseNonce are needed.
type IdentityCheck struct {
	// Endpoint is Stint's URL. The request goes there, whatever the URL says. Plain http is for loopback addresses alone.
	Endpoint string
	// Hosts are those that the URL may name, in lower case and with the port if it has one; the endpoint's own if empty.
	Hosts []string
	// Audience is what this service is called, the value of a header that must be signed: a URL that was made for another service
	// is of no use here.
	Audience string
	// AudienceHeader and NonceHeader are the headers' names in lower case; x-stint-audience and x-stint-nonce if empty.
	AudienceHeader, NonceHeader string
	// UseNonce is given the nonce of the login, the value of the other header that must be signed. It must answer nil once for each
	// nonce that the service gave to this client, and never again.
	UseNonce func(ctx context.Context, nonce string) error
	// MaxExpires is the most that the URL may be good for: 1 minute if zero, 15 minutes at most.
	MaxExpires time.Duration
	HTTP       *http.Client
	Now        func() time.Time // time.Now if nil
}

// Identity is whose a login is, as GetCallerIdentity answers it.
type Identity struct {
	Account, ARN, UserID string
}

const (
	defaultMaxExpires = time.Minute
	maxMaxExpires     = 15 * time.Minute
	maxURL            = 8 << 10
	maxIdentity       = 64 << 10
	maxNonce          = 256
	stsNamespace      = "https://sts.amazonaws.com/doc/2011-06-15/"
	// skew is how far the client's clock may be ahead.
	skew = time.Minute
)

// VerifyCallerIdentityURL says whose a presigned GetCallerIdentity is. Of the URL nothing is used but the parameters of its signature:
// the request is made anew, towards the endpoint, with the audience and the nonce in the headers that the signature must cover. The
// nonce is used up before Stint is asked, so that a login that fails needs a new one. Errors are for the log.
func VerifyCallerIdentityURL(ctx context.Context, check IdentityCheck, presigned, nonce string) (Identity, error) {
	if err := check.complete(); err != nil {
		return Identity{}, fmt.Errorf("verifying a login: %w", err)
	}
	query, host, err := check.rebuild(presigned)
	if err != nil {
		return Identity{}, fmt.Errorf("verifying a login: %w", err)
	}
	if !headerValue(nonce) || len(nonce) > maxNonce {
		return Identity{}, errors.New("verifying a login: the nonce is no header value")
	}
	if err := check.UseNonce(ctx, nonce); err != nil {
		return Identity{}, fmt.Errorf("verifying a login: the nonce: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, check.Endpoint+"/?"+query, nil)
	if err != nil {
		return Identity{}, fmt.Errorf("verifying a login: %w", err)
	}
	r.Host = host
	r.Header.Set(check.AudienceHeader, check.Audience)
	r.Header.Set(check.NonceHeader, nonce)
	r.Header.Set("Accept", "text/xml")
	answer, err := client(check.HTTP, askTimeout).Do(r)
	if err != nil {
		return Identity{}, fmt.Errorf("verifying a login: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	id, err := readIdentity(answer)
	if err != nil {
		return Identity{}, fmt.Errorf("verifying a login: %w", err)
	}
	return id, nil
}

// complete holds that nothing is missing, and fills in the defaults.
func (k *IdentityCheck) complete() error {
	if err := checkEndpoint(k.Endpoint, false); err != nil {
		return err
	}
	k.Endpoint = strings.TrimSuffix(k.Endpoint, "/")
	if k.AudienceHeader == "" {
		k.AudienceHeader = "x-stint-audience"
	}
	if k.NonceHeader == "" {
		k.NonceHeader = "x-stint-nonce"
	}
	if k.MaxExpires == 0 {
		k.MaxExpires = defaultMaxExpires
	}
	switch {
	case !headerValue(k.Audience) || k.UseNonce == nil:
		return errors.New("an audience and a check of nonces are needed")
	case !strings.HasPrefix(k.AudienceHeader, "x-") || !strings.HasPrefix(k.NonceHeader, "x-") || k.AudienceHeader == k.NonceHeader:
		return errors.New("the headers must be two, and begin with x-")
	case k.MaxExpires < time.Second || k.MaxExpires > maxMaxExpires:
		return errors.New("the expiry must be from 1 second to 15 minutes")
	}
	if len(k.Hosts) == 0 {
		_, host, _ := strings.Cut(k.Endpoint, "://")
		k.Hosts = []string{strings.ToLower(host)}
	}
	if k.HTTP == nil {
		k.HTTP = new(http.Client)
	}
	if k.Now == nil {
		k.Now = time.Now //nolint:forbidigo // the clock of who gives none
	}
	return nil
}

func headerValue(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != ""
}

// The parameters of a presigned GetCallerIdentity: there is no other, and none is there twice.
var identityParameters = []string{
	"Action", "Version", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature",
	"X-Amz-SignedHeaders",
}

// rebuild takes the URL apart and writes its query anew.
func (k *IdentityCheck) rebuild(presigned string) (query, host string, err error) {
	if len(presigned) > maxURL {
		return "", "", errors.New("the URL is too long")
	}
	for i := range len(presigned) {
		if presigned[i] <= ' ' || presigned[i] >= 0x7f || strings.IndexByte(`\#@`, presigned[i]) >= 0 {
			return "", "", errors.New("the URL has a character that it must not have")
		}
	}
	u, err := url.Parse(presigned)
	if err != nil {
		return "", "", errors.New("the URL cannot be read")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) || u.Opaque != "" || u.User != nil || u.Fragment != "" ||
		u.Path != "" && u.Path != "/" || u.RawPath != "" {
		return "", "", errors.New("the URL is not https://host/?query")
	}
	if !slices.Contains(k.Hosts, u.Host) {
		return "", "", errors.New("the URL is for another host")
	}
	values, err := parameters(u.RawQuery)
	if err != nil {
		return "", "", err
	}
	if err := k.checkParameters(values); err != nil {
		return "", "", err
	}
	var b strings.Builder
	for _, name := range identityParameters {
		if value, ok := values[name]; ok {
			if b.Len() > 0 {
				b.WriteByte('&')
			}
			b.WriteString(name + "=" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20"))
		}
	}
	return b.String(), u.Host, nil
}

func parameters(raw string) (map[string]string, error) {
	values := make(map[string]string)
	for part := range strings.SplitSeq(raw, "&") {
		name, escaped, ok := strings.Cut(part, "=")
		value, err := url.QueryUnescape(escaped)
		if _, twice := values[name]; !ok || err != nil || twice || !slices.Contains(identityParameters, name) || !printable(value) {
			return nil, fmt.Errorf("the parameter %.40q is unknown, malformed or there twice", name)
		}
		values[name] = value
	}
	return values, nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func (k *IdentityCheck) checkParameters(values map[string]string) error {
	switch {
	case values["Action"] != "GetCallerIdentity" || values["Version"] != "2011-06-15":
		return errors.New("the URL is for another action")
	case values["X-Amz-Algorithm"] != "AWS4-HMAC-SHA256":
		return errors.New("the URL is signed by another algorithm")
	case values["X-Amz-Credential"] == "" || values["X-Amz-Signature"] == "":
		return errors.New("the URL is not signed")
	}
	signed := strings.Split(values["X-Amz-SignedHeaders"], ";")
	want := []string{"host", k.AudienceHeader, k.NonceHeader}
	slices.Sort(want)
	if !slices.Equal(signed, want) {
		return fmt.Errorf("the signature must cover the headers %s and no other", strings.Join(want, ", "))
	}
	at, err := time.Parse("20060102T150405Z", values["X-Amz-Date"])
	if err != nil {
		return errors.New("X-Amz-Date is no date")
	}
	seconds, err := strconv.ParseUint(values["X-Amz-Expires"], 10, 32)
	if err != nil || seconds < 1 || time.Duration(seconds)*time.Second > k.MaxExpires {
		return errors.New("X-Amz-Expires is absent or too great")
	}
	now := k.Now()
	if at.After(now.Add(skew)) || now.After(at.Add(time.Duration(seconds)*time.Second)) {
		return errors.New("the URL has expired, or is not yet good")
	}
	return nil
}

// readIdentity reads the answer: one element of Stint's namespace, each value once.
func readIdentity(answer *http.Response) (Identity, error) {
	kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	text, readErr := io.ReadAll(io.LimitReader(answer.Body, maxIdentity+1))
	switch {
	case answer.StatusCode != http.StatusOK:
		return Identity{}, fmt.Errorf("Stint answers %d", answer.StatusCode) //nolint:staticcheck // a name
	case err != nil || kind != "text/xml":
		return Identity{}, errors.New("the answer is not text/xml")
	case readErr != nil || len(text) > maxIdentity:
		return Identity{}, errors.New("the answer is too long or broke off")
	}
	values, err := identityElements(string(text))
	if err != nil {
		return Identity{}, err
	}
	id := Identity{Account: values["Account"], ARN: values["Arn"], UserID: values["UserId"]}
	parsed, err := arn.Parse(id.ARN)
	if err != nil {
		return Identity{}, errors.New("the answer has no ARN")
	}
	if account, err := arn.ParseAccountID(id.Account); err != nil || string(account) != parsed.Account || id.UserID == "" {
		return Identity{}, errors.New("the answer's account is not that of its ARN, or there is no user id")
	}
	return id, nil
}

func identityElements(text string) (map[string]string, error) {
	const result = "GetCallerIdentityResponse/GetCallerIdentityResult/"
	values := make(map[string]string)
	decoder := xml.NewDecoder(strings.NewReader(text))
	var path []string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.New("the answer is no XML")
		}
		switch t := token.(type) {
		case xml.StartElement:
			path = append(path, t.Name.Local)
			full := strings.Join(path, "/")
			if t.Name.Space != stsNamespace || path[0] != "GetCallerIdentityResponse" || seen(values, full) {
				return nil, errors.New("the answer is not one GetCallerIdentityResponse")
			}
			values[full] = ""
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if len(path) == 0 {
				if strings.TrimSpace(string(t)) != "" {
					return nil, errors.New("the answer has text around it")
				}
				continue
			}
			values[strings.Join(path, "/")] += string(t)
		case xml.ProcInst:
		default:
			return nil, errors.New("the answer has a comment or a directive")
		}
	}
	return map[string]string{"Account": values[result+"Account"], "Arn": values[result+"Arn"], "UserId": values[result+"UserId"]}, nil
}

func seen(values map[string]string, path string) bool {
	_, ok := values[path]
	return ok
}
