package forward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/relying"
)

// Gate decides what proxies ask. It is safe for concurrent use.
type Gate struct {
	verifier *relying.Verifier
	rules    rules
	original config.Original
	proxies  []netip.Prefix
	s3       bool // callers sign for s3, and are answered as S3 does
	log      *slog.Logger
}

// New makes a Gate of a configuration that was checked. verifier authenticates callers of the configuration's region and service.
func New(c *config.Gate, verifier *relying.Verifier, now func() time.Time, log *slog.Logger) (*Gate, error) {
	all, err := compile(c.Rules, c.Stint.Region, now)
	if err != nil {
		return nil, fmt.Errorf("reading the rules: %w", err)
	}
	proxies, err := c.Proxies()
	if err != nil {
		return nil, err
	}
	return &Gate{verifier: verifier, rules: all, original: c.Original, proxies: proxies, s3: c.Stint.Service == "s3", log: log}, nil
}

// Handler answers over HTTP: AuthPath for nginx, Traefik and Caddy, EnvoyPath and what is below it for Envoy.
func (g *Gate) Handler() http.Handler { return &handler{g, g.original} }

// verdict is what a proxy is told.
type verdict struct {
	allowed bool
	caller  relying.Caller
	// Of a denial:
	status  int
	code    string
	message string
	xml     bool
}

// decide says whether a request may pass. err is why it could not even be read.
func (g *Gate) decide(ctx context.Context, a *asked, err error) verdict {
	if err != nil {
		return g.refused(ctx, a, err)
	}
	r, values, err := g.rules.find(a.request, a.host, a.path)
	if err != nil {
		return g.refused(ctx, a, err)
	}
	caller, err := g.verifier.Authenticate(a.request.WithContext(ctx))
	if err != nil {
		return g.refused(ctx, a, err)
	}
	if err := g.payload(r, a.request.Method, caller.SignedBody); err != nil {
		return g.refused(ctx, a, err)
	}
	requests, err := r.requests(a.request, values)
	if err != nil {
		return g.refused(ctx, a, err)
	}
	if len(requests) == 0 {
		return g.refused(ctx, a, errors.New("nothing was asked for"))
	}
	for _, q := range requests {
		q.SourceIP, q.SecureTransport, q.UserAgent = a.source, a.secure, a.request.UserAgent()
		decision, err := g.verifier.Authorize(ctx, caller, q)
		if err != nil {
			return g.refused(ctx, a, err)
		}
		if !decision.Allowed {
			return g.denied(ctx, a, caller, q, decision.Message)
		}
	}
	g.log.DebugContext(ctx, "allowed", "method", a.request.Method, "host", a.host, "path", a.path, "caller", caller.Principal.ARN)
	return verdict{allowed: true, caller: caller}
}

// payload refuses requests whose signature does not cover the body, unless the rule lets them pass. Those without a body by their
// nature may be signed either way.
func (g *Gate) payload(r *rule, method, signed string) error {
	if r.unsignedPayload || method == http.MethodGet || method == http.MethodHead {
		return nil
	}
	if signed == "" && !g.s3 { // nothing was stated, and the signature was verified for an empty body
		return nil
	}
	if len(signed) != 64 || strings.Trim(signed, "0123456789abcdef") != "" {
		return fmt.Errorf("the signature does not state the hash of the body: x-amz-content-sha256 is %q", signed)
	}
	return nil
}

// refused is the answer to what was not understood, or not authenticated. The reason goes to the log; the client is told as little as
// AWS tells it.
func (g *Gate) refused(ctx context.Context, a *asked, err error) verdict {
	v := verdict{status: http.StatusForbidden, code: "AccessDenied", message: "Access Denied", xml: g.s3}
	var e *relying.Error
	if errors.As(err, &e) {
		v.code, v.message = e.Code, e.Message
		// nginx takes 401 and 403 for a denial and everything else for a failure of the gate.
		if e.Status >= 500 {
			v.status = e.Status
		}
	}
	attributes := []any{"code", v.code, "reason", err.Error()}
	if a != nil {
		attributes = append(attributes, "method", a.request.Method, "host", a.host, "path", a.path)
	}
	g.log.InfoContext(ctx, "refused", attributes...)
	return v
}

// denied is the answer to who is known and may not.
func (g *Gate) denied(ctx context.Context, a *asked, caller relying.Caller, q relying.Request, message string) verdict {
	g.log.InfoContext(ctx, "denied", "method", a.request.Method, "host", a.host, "path", a.path, "caller", caller.Principal.ARN,
		"access_key", caller.AccessKeyID, "action", q.Action, "resource", q.Resource)
	return verdict{status: http.StatusForbidden, code: "AccessDenied", message: message, xml: g.s3}
}
