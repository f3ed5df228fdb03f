package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/sigv4"
)

// AuthenticateInput is a [gateapi.AuthenticateInput].
type AuthenticateInput gateapi.AuthenticateInput

// Audited is what the audit log is told: no header and no query, where signatures and tokens are.
func (in *AuthenticateInput) Audited() any {
	return askedOf{Method: in.Request.Method, Path: pathOf(&in.Request), Region: ifName(in.Region), Service: ifName(in.Service)}.bounded()
}

// askedOf is what the audit log is told of a request that another service received.
type askedOf struct {
	Method   string `json:"method,omitempty"`
	Path     string `json:"path,omitempty"`
	Region   string `json:"region,omitempty"`
	Service  string `json:"service,omitempty"`
	Action   string `json:"action,omitempty"`
	Resource string `json:"resource,omitempty"`
}

const maxAudited = 2048 // bytes of a text, as the audit log's own

func (a askedOf) bounded() askedOf {
	for _, text := range []*string{&a.Method, &a.Path, &a.Action, &a.Resource} {
		if len(*text) > maxAudited {
			*text = strings.ToValidUTF8((*text)[:maxAudited], "")
		}
	}
	return a
}

func pathOf(r *gateapi.Request) string {
	path, _, _ := strings.Cut(r.Target, "?")
	return path
}

// AuthenticateOutput is a [gateapi.AuthenticateOutput]. Reason is why a caller was refused, for the audit log.
type AuthenticateOutput struct {
	gateapi.AuthenticateOutput
	Reason string `json:"-"`
}

// Audited is what the audit log is told.
func (o *AuthenticateOutput) Audited() any { return outcome(o.Refusal, o.Caller, nil) }

// AuditReason is why the caller was refused.
func (o *AuthenticateOutput) AuditReason() string { return o.Reason }

// Authenticate says who made a request to the relying service. It needs stint:Authenticate on the service of the region.
func (s *Service) Authenticate(_ context.Context, v *directory.View, req *identity.Request, in *AuthenticateInput) (*AuthenticateOutput, error) {
	if err := checkScope(in.Region, in.Service); err != nil {
		return nil, err
	}
	if err := s.may(v, req, "Authenticate", in.Region, in.Service); err != nil {
		return nil, err
	}
	out := new(AuthenticateOutput)
	who, err := s.authenticate(v, req, &in.Request, in.Region, in.Service)
	if err != nil {
		return nil, err
	}
	if out.Refusal, out.Reason = who.refusal, who.reason; out.Refusal != nil {
		return out, nil
	}
	b := s.Authorizer.Bearing(v, &who.Caller, req.Caller.Account)
	out.Caller, out.SignedBody = describe(&who.Caller, &b), who.Body
	return out, nil
}

// found is who made a request, or why nobody did.
type found struct {
	authn.Signed
	userAgent string
	refusal   *gateapi.Refusal
	reason    string
}

func (s *Service) authenticate(v *directory.View, req *identity.Request, given *gateapi.Request, region, service string) (found, error) {
	signed, body, err := requestOf(given)
	if err != nil {
		return found{}, err
	}
	who := found{userAgent: signed.Header.Get("User-Agent")}
	who.Signed, err = s.Authn.AuthenticateFor(v, signed, body, service, region, req.Time)
	if errors.Is(err, authn.ErrBodyUnknown) {
		return found{}, validation("bodySha256 must be given: the request does not say itself what of its body was signed").Because(err)
	}
	if err != nil {
		who.refusal, who.reason, err = refuse(err, who.Token)
		return who, err
	}
	who.refusal, who.reason = s.mayKnow(&req.Caller, &who.Caller)
	return who, nil
}

// Limits of a request that another service received.
const (
	maxMethod     = 32
	maxTarget     = 64 << 10
	maxHeaders    = 256
	maxHeaderText = 64 << 10
)

// requestOf makes of a request what its signature covers. Anything that no server takes for a request is the relying service's
// mistake.
func requestOf(r *gateapi.Request) (*sigv4.Request, *[sha256.Size]byte, error) {
	switch {
	case len(r.Method) > maxMethod || !token(r.Method):
		return nil, nil, validation("request.method must be the method of an HTTP request")
	case len(r.Target) > maxTarget || !strings.HasPrefix(r.Target, "/") || !printable(r.Target):
		return nil, nil, validation("request.target must be the path and query of the request line, as they came")
	case len(r.Headers) > maxHeaders:
		return nil, nil, validation("request.headers has too many headers")
	}
	path, query, _ := strings.Cut(r.Target, "?")
	out := &sigv4.Request{Method: r.Method, Path: path, RawQuery: query, Header: make(http.Header, len(r.Headers)), ContentLength: -1}
	hosts := 0
	for _, h := range r.Headers {
		if len(h.Name) > maxHeaderText || len(h.Value) > maxHeaderText || !token(h.Name) || strings.ContainsAny(h.Value, "\r\n\x00") {
			return nil, nil, validation("request.headers has what is no header")
		}
		if strings.EqualFold(h.Name, "host") {
			hosts++
			out.Host = h.Value
			continue
		}
		out.Header.Add(h.Name, h.Value)
	}
	if hosts != 1 {
		return nil, nil, validation("request.headers must have Host once")
	}
	if r.BodySHA256 == "" {
		return out, nil, nil
	}
	sum, err := hex.DecodeString(r.BodySHA256)
	if err != nil || len(sum) != sha256.Size || hex.EncodeToString(sum) != r.BodySHA256 {
		return nil, nil, validation("request.bodySha256 must be a SHA-256 in 64 digits of lower-case hex")
	}
	return out, (*[sha256.Size]byte)(sum), nil
}

// token reports whether s is a token of RFC 9110, 5.6.2.
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

// printable reports whether s can stand in a request line.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}
