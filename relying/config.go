package relying

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/sigv4"
)

// Config is what a Verifier is made of. Endpoint, Credentials, Region and Service are needed.
type Config struct {
	// Endpoint is Stint's URL: https://sts.example.com. Signing keys come over it, so that http is taken for loopback addresses
	// alone, unless PlainHTTP says that something else protects the way.
	Endpoint  string
	PlainHTTP bool
	// Credentials are the relying service's own. It needs stint:GetSigningKey and stint:GetCallerPolicies on
	// arn:<partition>:stint:<region>:<account>:service/<service>, and stint:WatchChanges on *. See [Static], [Environment] and
	// [Refreshing].
	Credentials func(context.Context) (sigv4.Credentials, error)
	// Region and Service are what callers sign for.
	Region, Service string
	// StintRegion is the region that requests to Stint are signed for; Region if empty.
	StintRegion string

	// S3 reads requests as S3 does: the path is encoded once, a body may be UNSIGNED-PAYLOAD or aws-chunked, and presigned URLs
	// leave it unsigned. It is implied by the service s3.
	S3 bool
	// RequireSignedPayload refuses bodies that the signature does not cover.
	RequireSignedPayload bool
	// WithoutBody is for proxies that are asked about requests without their bodies: they are not checked. Who has the body must
	// check it against Caller.SignedBody.
	WithoutBody bool
	// MaxBody is the most bytes of a body whose hash is not stated; 1 MiB if zero.
	MaxBody int64

	// MaxAge is how long an answer of Stint's is used without the stream of changes; 60 seconds if zero. StaticStability is how
	// much longer it is used while Stint cannot be reached.
	MaxAge, StaticStability time.Duration
	// Capacity is the most answers that are remembered; 16384 if zero. One takes a few kilobytes.
	Capacity int
	// OtherAccounts lets requests be for resources of accounts other than the relying service's. Their resource control policies
	// are not known here and are not applied; Stint's own authorize endpoint does.
	OtherAccounts bool

	// HTTP reaches Stint. Redirects are never followed.
	HTTP *http.Client
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Client says where a request came from and whether it came by TLS; by default that is the connection. A service behind a
	// proxy reads what that proxy vouches for.
	Client func(*http.Request) (source netip.Addr, secure bool)
	// WriteError writes refusals; by default as S3's XML or as JSON.
	WriteError func(http.ResponseWriter, *http.Request, *Error)
	// Refused is told every refusal, with its reason. It may be nil.
	Refused func(*http.Request, *Error)
}

const (
	defaultMaxAge   = time.Minute
	defaultMaxBody  = 1 << 20
	defaultCapacity = 16384
	askTimeout      = 5 * time.Second
	maxAsks         = 64 // at once
)

// Verifier authenticates and authorizes requests. It is safe for concurrent use.
type Verifier struct {
	config  Config
	options sigv4.Options // but for the time
	asking  *http.Client
	stream  *http.Client

	answers  *cache          // what Stint answered
	refusals *cache          // what it refused, for negativeAge
	policies *compiled       // by their text
	unknown  *sigv4.KeyCache // keys that match nothing
	slots    chan struct{}   // one for each question that may be open
	mu       sync.Mutex      // guards flights
	flights  map[scope]*flight
	voids    voids
	heard    atomic.Int64 // Unix nanoseconds of the last event of an unbroken stream
	alive    atomic.Bool  // the stream is open
	down     atomic.Int64 // Unix nanoseconds until which Stint is not asked for what is known
}

// New makes a Verifier. It asks nothing and starts nothing: [Verifier.Run] does.
func New(config Config) (*Verifier, error) {
	c := config
	if err := checkEndpoint(c.Endpoint, c.PlainHTTP); err != nil {
		return nil, fmt.Errorf("making a verifier: %w", err)
	}
	switch {
	case c.Credentials == nil:
		return nil, errors.New("making a verifier: the relying service's own credentials are missing")
	case c.Region == "" || c.Service == "":
		return nil, errors.New("making a verifier: region or service is missing")
	case c.MaxAge < 0 || c.StaticStability < 0 || c.Capacity < 0 || c.MaxBody < 0:
		return nil, errors.New("making a verifier: an age or a capacity is negative")
	}
	c.Endpoint = strings.TrimSuffix(c.Endpoint, "/")
	c.S3 = c.S3 || c.Service == "s3"
	setDefaults(&c)
	v := &Verifier{
		config:  c,
		options: sigv4.Options{Service: c.Service, Regions: []string{c.Region}, EnforceExpires: true},
		answers: newCache(c.Capacity), refusals: newCache(min(c.Capacity, maxRefusals)), policies: newCompiled(),
		unknown: sigv4.NewKeyCache(1), slots: make(chan struct{}, maxAsks), flights: make(map[scope]*flight),
	}
	if c.S3 {
		v.options.Path = sigv4.PathS3
		v.options.AllowUnsignedPayload, v.options.AllowStreaming = !c.RequireSignedPayload, true
	}
	v.asking, v.stream = client(c.HTTP, askTimeout), client(c.HTTP, 0)
	return v, nil
}

func setDefaults(c *Config) {
	if c.StintRegion == "" {
		c.StintRegion = c.Region
	}
	if c.MaxAge == 0 {
		c.MaxAge = defaultMaxAge
	}
	if c.MaxBody == 0 {
		c.MaxBody = defaultMaxBody
	}
	if c.Capacity == 0 {
		c.Capacity = defaultCapacity
	}
	if c.HTTP == nil {
		c.HTTP = new(http.Client)
	}
	if c.Now == nil {
		c.Now = time.Now //nolint:forbidigo // the clock of who gives none
	}
	if c.Client == nil {
		c.Client = connection
	}
	if c.WriteError == nil {
		c.WriteError = writeJSON
		if c.S3 {
			c.WriteError = writeXML
		}
	}
}

// client is a copy that follows no redirect: what it sends is signed for one place.
func client(given *http.Client, timeout time.Duration) *http.Client {
	c := *given
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Timeout = timeout
	c.Jar = nil
	return &c
}

func checkEndpoint(endpoint string, plain bool) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		return errors.New("the endpoint must be https://host or https://host:port")
	}
	switch {
	case u.Scheme == "https", u.Scheme == "http" && (plain || loopback(u.Hostname())):
		return nil
	}
	return errors.New("the endpoint must be https: signing keys come over it")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// connection is where a request came from by its connection.
func connection(r *http.Request) (netip.Addr, bool) {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, r.TLS != nil
	}
	return at.Addr().Unmap().WithZone(""), r.TLS != nil
}

// silence is how long the stream may be silent before it counts as lost.
const silence = gateapi.Heartbeat * 3 / 2

// current reports whether an answer may be used without asking again.
func (v *Verifier) current(e *entry, now time.Time) bool {
	if e.void.Load() {
		return false
	}
	heard := time.Unix(0, v.heard.Load())
	if v.alive.Load() && now.Sub(heard) <= silence {
		return true
	}
	return now.Sub(later(e.given, heard)) <= v.config.MaxAge
}

// stable reports whether an answer may be used while Stint cannot be reached.
func (v *Verifier) stable(e *entry, now time.Time) bool {
	heard := time.Unix(0, v.heard.Load())
	return !e.void.Load() && now.Sub(later(e.given, heard)) <= v.config.MaxAge+v.config.StaticStability
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
