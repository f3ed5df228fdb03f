package commandline

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/loginapi"
	"github.com/stint-sts/stint/internal/throttle"
)

// Person is somebody whom the sign-in page knows.
type Person struct {
	// Caller is whom they signed in as, with a session.
	Caller identity.Caller
	// FormToken is what the forms of the pages that they are shown carry. Nobody else knows it.
	FormToken string
}

// People is the sign-in page.
type People interface {
	// Person returns who sent a request, by its cookie. Whose session is over, revoked or of nobody any more is nobody.
	Person(r *http.Request, v *directory.View, now time.Time) (*Person, bool)
	// SignIn answers by the way to the sign-in page, which leads to target in the end. target is a path of this server.
	SignIn(w http.ResponseWriter, r *http.Request, target string)
}

// Sessions makes credentials of what a person signed in as.
type Sessions interface {
	// Continue gives the caller's own session keys of their own, for a shorter time or as long.
	Continue(v *directory.View, req *identity.Request, seconds *int32) (*api.Credentials, error)
	AssumeRole(ctx context.Context, v *directory.View, req *identity.Request, in *api.AssumeRoleInput) (*api.AssumeRoleOutput, error)
}

// Recorder writes the audit log.
type Recorder interface {
	// Write returns once the line of what was issued is written; if it cannot be, nothing may be given out.
	Write(ctx context.Context, e *audit.Event) error
}

// Options are what a Service is made of. All must be set.
type Options struct {
	View     func() *directory.View
	People   People
	Sessions Sessions
	Grants   Grants
	Audit    Recorder
	Now      func() time.Time
	Random   io.Reader // cryptographically secure
	Log      *slog.Logger
	// Region is that of the requests, and the one that the credentials are first used in.
	Region string
	// Origin is the address of this server, scheme and host, as the browser that sent a request knows it.
	Origin func(r *http.Request) string
	// StyleSheet is the path of the pages' style sheet.
	StyleSheet string
}

// Service answers the endpoints. It is safe for concurrent use.
type Service struct {
	Options
	crossSite *http.CrossOriginProtection

	programs *throttle.Throttle // requests of programs, by peer
	devices  *throttle.Throttle // new device codes, by peer
	all      *throttle.Throttle // of all peers together
	polls    *throttle.Throttle // by device
	guesses  *throttle.Throttle // typed user codes, by person
}

// The rates of what anybody may ask of one node, and of what a person may guess. A device asks every pollInterval.
const (
	pollInterval = 5 * time.Second
	maxThrottled = 8192
)

// New returns a Service.
func New(o Options) *Service {
	return &Service{
		Options:   o,
		crossSite: http.NewCrossOriginProtection(),
		programs:  throttle.New(100, 100*time.Millisecond, maxThrottled),
		devices:   throttle.New(10, 10*time.Second, maxThrottled),
		all:       throttle.New(200, 200*time.Millisecond, 1),
		polls:     throttle.New(1, pollInterval-time.Second, maxThrottled),
		guesses:   throttle.New(10, 6*time.Second, maxThrottled),
	}
}

// Answers reports whether a path is one of the Service's.
func Answers(path string) bool {
	switch path {
	case loginapi.AuthorizePath, loginapi.TokenPath, loginapi.DevicePath, loginapi.VerifyPath:
		return true
	default:
		return false
	}
}

// call is one request.
type call struct {
	w       http.ResponseWriter
	r       *http.Request
	form    url.Values // of a GET's query, or of a POST's body alone
	view    *directory.View
	request identity.Request
	person  *Person // nil if nobody has signed in
}

// ServeHTTP answers a request to one of the paths. Nothing is read of one that another site's page made the browser send.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &call{w: w, r: r, view: s.View()}
	var err error
	if x.request, err = s.request(r); err != nil {
		s.Log.Error("a request of stint login was not answered", "error", err)
		s.answer(x, unavailable())
		return
	}
	page := r.URL.Path == loginapi.AuthorizePath || r.URL.Path == loginapi.VerifyPath
	if r.Method != http.MethodPost && (!page || r.Method != http.MethodGet) {
		header := w.Header()
		header.Set("Allow", http.MethodPost)
		if page {
			header.Set("Allow", http.MethodGet+", "+http.MethodPost)
		}
		header.Set("Content-Length", "0")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if err := s.crossSite.Check(r); err != nil {
		s.complain(x, http.StatusForbidden, "The form is not of this server.")
		return
	}
	if x.form, err = parameters(r); err != nil {
		if page {
			s.complain(x, http.StatusBadRequest, "The form cannot be read.")
			return
		}
		s.answer(x, badRequest("%v", err))
		return
	}
	switch r.URL.Path {
	case loginapi.AuthorizePath:
		s.authorize(x)
	case loginapi.VerifyPath:
		s.verify(x)
	case loginapi.DevicePath:
		s.device(x)
	case loginapi.TokenPath:
		s.token(x)
	}
}

func (s *Service) request(r *http.Request) (identity.Request, error) {
	id, err := audit.NewID(s.Random)
	q := identity.Request{
		ID: id, Time: s.Now(), Region: s.Region, UserAgent: r.UserAgent(), SecureTransport: r.TLS != nil,
	}
	// The peer of the socket and nothing that a header says (advisory 50).
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		q.SourceIP = peer.Addr().Unmap().WithZone("")
	}
	return q, err
}

// parameters reads those of a GET from the query, and those of a POST from the body and nowhere else.
func parameters(r *http.Request) (url.Values, error) {
	if r.Method == http.MethodGet {
		return url.ParseQuery(r.URL.RawQuery)
	}
	types := r.Header.Values("Content-Type")
	if len(types) != 1 {
		return nil, errors.New("the body is no form")
	}
	if media, _, err := mime.ParseMediaType(types[0]); err != nil || media != "application/x-www-form-urlencoded" {
		return nil, errors.New("the body is no form")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil || len(body) > maxForm {
		return nil, errors.New("the body is too long, or cut off")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("the form is malformed")
	}
	return form, nil
}

// visitor finds out who the person is.
func (s *Service) visitor(x *call) bool {
	person, ok := s.People.Person(x.r, x.view, x.request.Time)
	if !ok || person.Caller.Session == nil || person.FormToken == "" {
		return false
	}
	x.person, x.request.Caller = person, person.Caller
	return true
}

// owned reports whether the form is one that the person was shown.
func (x *call) owned() bool {
	got := x.form[tokenField]
	return len(got) == 1 && subtle.ConstantTimeCompare([]byte(got[0]), []byte(x.person.FormToken)) == 1
}

// The operations, as CloudTrail names those of AWS's own sign-in service for command lines (AWS Sign-In API reference) and of its
// device codes (SSO OIDC API reference).
const (
	signinSource    = "signin.amazonaws.com"
	authorizeAccess = "AuthorizeOAuth2Access"
	createToken     = "CreateOAuth2Token"
	startDevice     = "StartDeviceAuthorization"
)

// audited is what the audit log is told of a request; none of it is secret.
type audited struct {
	GrantType string `json:"grantType,omitempty"`
	RoleARN   string `json:"roleArn,omitempty"`
	Seconds   int32  `json:"durationSeconds,omitempty"`
	Device    string `json:"deviceAddress,omitempty"`
}

func (a *asked) audited(grantType string) audited {
	return audited{GrantType: grantType, RoleARN: a.Role, Seconds: a.Seconds}
}

// givenOut is what the audit log is told of credentials.
type givenOut struct {
	AccessKeyID string `json:"accessKeyId"`
	Expiration  string `json:"expiration"`
	ARN         string `json:"arn"`
}

// record writes a line of the audit log, as change makes it.
func (s *Service) record(x *call, operation string, parameters audited, change func(*audit.Event)) error {
	text, err := json.Marshal(parameters)
	if err != nil {
		return fmt.Errorf("encoding an audit line: %w", err)
	}
	id, err := audit.NewID(s.Random)
	if err != nil {
		return err
	}
	e := &audit.Event{ID: id, Request: &x.request, Service: signinSource, Operation: operation, RequestParameters: text}
	change(e)
	return s.Audit.Write(x.r.Context(), e)
}

// recordIssued writes down that credentials are given out.
func (s *Service) recordIssued(x *call, operation string, parameters audited, i *issued) error {
	elements, err := json.Marshal(givenOut{i.Token.AccessKeyID, i.Token.Expiration, i.Token.ARN})
	if err != nil {
		return fmt.Errorf("encoding an audit line: %w", err)
	}
	return s.record(x, operation, parameters, func(e *audit.Event) {
		e.Issues, e.IssuerARN, e.ResponseElements = true, i.IssuerARN, elements
		e.Recipient = arn.AccountID(i.Account)
	})
}

// refuse answers a program that it gets nothing, and writes that down.
func (s *Service) refuse(x *call, operation string, parameters audited, fault *oauthError) {
	err := s.record(x, operation, parameters, func(e *audit.Event) {
		e.ErrorCode, e.ErrorMessage, e.Reason = fault.code, fault.description, fault.reason
	})
	if err != nil {
		s.Log.Error("a refusal was not written down", "error", err)
	}
	s.answer(x, fault)
}

// answer answers a program that it gets nothing.
func (s *Service) answer(x *call, fault *oauthError) {
	if err := writeOAuthError(x.w, fault); err != nil {
		s.Log.Error("a request of stint login was not answered", "error", err)
	}
}

// unavailable is the answer when the store or the audit log cannot be written.
func unavailable() *oauthError {
	return &oauthError{loginapi.ErrUnavailable, "try again later", "the store or the audit log cannot be written"}
}

// storeFault is the answer when a grant cannot be had; gone is the one when there is no such grant.
func (s *Service) storeFault(err error, gone *oauthError) *oauthError {
	if errors.Is(err, ErrGone) {
		return gone
	}
	s.Log.Warn("a grant of stint login cannot be reached", "error", err)
	return unavailable()
}
