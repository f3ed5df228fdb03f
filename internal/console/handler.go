package console

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation/saml"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/password"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/throttle"
)

// The paths.
const (
	signInPath     = "/signin"
	donePath       = "/signin/done"
	stylePath      = "/signin/style.css"
	consolePath    = "/console"
	signOutPath    = "/console/signout"
	federationPath = "/federation"
	samlPath       = "/saml"
	samlUniquePath = "/saml/acs/"
)

// Sessions makes the credentials of who has signed in. Package sts does.
type Sessions interface {
	SignIn(v *directory.View, req *identity.Request, u *directory.User, withCode bool) (*api.Credentials, error)
	Console(v *directory.View, req *identity.Request, seconds int32) (*api.Credentials, error)
	AssumeRoleWithSAML(ctx context.Context, v *directory.View, req *identity.Request, in *api.AssumeRoleWithSAMLInput) (*api.AssumeRoleWithSAMLOutput, error)
}

// MFA verifies and spends a one-time code of a device that belongs to the owner.
type MFA interface {
	Verify(ctx context.Context, v *directory.View, account arn.AccountID, ownerID, serial, code string, now time.Time) error
}

// Directory is where passwords that were used or chosen are written down.
type Directory interface {
	View() *directory.View
	Commit(ctx context.Context, c *directory.Change) error
}

// Recorder writes the audit log.
type Recorder interface {
	// Ready reports whether a line could be written now.
	Ready() error
	// Write returns once the line of a sign-in is written; if it cannot be, nobody is signed in.
	Write(ctx context.Context, e *audit.Event) error
}

// Options are what a Handler is made of. All must be set, except Destinations.
type Options struct {
	Directory Directory
	Sessions  Sessions
	Sealer    *session.Sealer
	Passwords *password.Hasher
	MFA       MFA
	SAML      *saml.Verifier
	Audit     Recorder
	Now       func() time.Time
	Random    io.Reader // cryptographically secure
	Log       *slog.Logger
	// Region is that of the requests, and the one that the shown credentials are first used in.
	Region string
	// Destinations are the origins, scheme and host, that a sign-in may lead to besides this server.
	Destinations []string
}

// Handler answers the pages. It is safe for concurrent use.
type Handler struct {
	Options
	crossSite *http.CrossOriginProtection
	peers     *throttle.Throttle // attempts, by peer
	guesses   *throttle.Throttle // passwords, by user and peer: nobody is kept out by what others try elsewhere
	responses chan struct{}      // SAML responses in memory
}

const (
	maxForm      = 64 << 10
	maxResponse  = 400 << 10 // a SAML response of 100,000 characters (STS model) in a form, with a margin
	maxResponses = 16
	maxThrottled = 8192
)

// New returns a Handler.
func New(o Options) *Handler {
	return &Handler{
		Options: o, crossSite: http.NewCrossOriginProtection(),
		peers: throttle.New(60, 2*time.Second, maxThrottled), guesses: throttle.New(10, 15*time.Second, maxThrottled),
		responses: make(chan struct{}, maxResponses),
	}
}

// Answers reports whether a path is one of the pages'.
func (h *Handler) Answers(path string) bool {
	switch path {
	case signInPath, donePath, stylePath, consolePath, signOutPath, federationPath, samlPath:
		return true
	default:
		return strings.HasPrefix(path, samlUniquePath)
	}
}

// call is one request.
type call struct {
	w       http.ResponseWriter
	r       *http.Request
	view    *directory.View
	request identity.Request
	form    url.Values
	eventID string
}

// ServeHTTP answers a request to one of the paths.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x, err := h.call(w, r)
	if err != nil {
		h.Log.Error("a page was not made", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	path := r.URL.Path
	switch get := r.Method == http.MethodGet; {
	case get && path == stylePath:
		h.style(x)
	case get && path == signInPath:
		h.welcome(x)
	case get && path == donePath:
		h.done(x)
	case get && path == consolePath:
		h.console(x)
	case get && path == federationPath:
		if x.form, err = url.ParseQuery(r.URL.RawQuery); err != nil {
			h.complain(x, http.StatusBadRequest, "The request cannot be read.")
			return
		}
		h.federation(x)
	case r.Method == http.MethodPost && path == federationPath:
		if h.reads(x, maxForm) {
			h.federation(x)
		}
	case r.Method == http.MethodPost && (path == samlPath || strings.HasPrefix(path, samlUniquePath)):
		h.saml(x)
	case r.Method == http.MethodPost && (path == signInPath || path == signOutPath):
		h.ownForm(x)
	default:
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// ownForm takes the forms that this server's pages made, and none that another site's page made the browser send.
func (h *Handler) ownForm(x *call) {
	if err := h.crossSite.Check(x.r); err != nil {
		h.complain(x, http.StatusForbidden, "The form is not of this server.")
		return
	}
	if !h.reads(x, maxForm) {
		return
	}
	if x.r.URL.Path == signOutPath {
		h.signOut(x)
		return
	}
	h.signIn(x)
}

func (h *Handler) call(w http.ResponseWriter, r *http.Request) (*call, error) {
	id, err := audit.NewID(h.Random)
	if err != nil {
		return nil, err
	}
	event, err := audit.NewID(h.Random)
	if err != nil {
		return nil, err
	}
	x := &call{w: w, r: r, view: h.Directory.View(), eventID: event, request: identity.Request{
		ID: id, Time: h.Now(), Region: h.Region, UserAgent: r.UserAgent(), SecureTransport: r.TLS != nil,
	}}
	// The peer of the socket and nothing that a header says (advisory 50).
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		x.request.SourceIP = peer.Addr().Unmap().WithZone("")
	}
	return x, nil
}

// reads reads the form in the body, of at most so many bytes, or answers that it cannot.
func (h *Handler) reads(x *call, most int64) bool {
	form, err := formOf(x.r, most)
	if err != nil {
		h.complain(x, http.StatusBadRequest, "The form cannot be read.")
		return false
	}
	x.form = form
	return true
}

func formOf(r *http.Request, most int64) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, errors.New("the body is no form")
	}
	if r.ContentLength > most {
		return nil, errors.New("the body is too long")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil || int64(len(body)) > most {
		return nil, errors.New("the body is too long, or cut off")
	}
	return url.ParseQuery(string(body))
}

// only returns the value of a field that is there once at most; empty for one that is not.
func (x *call) only(name string) (string, bool) {
	values := x.form[name]
	switch len(values) {
	case 0:
		return "", true
	case 1:
		return values[0], true
	default:
		return "", false
	}
}
