package signin

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/password"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/throttle"
)

// The paths.
const (
	Path           = "/signin"
	SignOutPath    = "/signin/signout"
	StyleSheetPath = "/signin/style.css"
)

// Lifetime is how long a person stays signed in, as at AWS's console.
const Lifetime = 12 * time.Hour

const (
	maxForm = 16 << 10
	maxUser = 64 // the IAM model's
)

// MFA verifies and spends a one-time code of a device that belongs to the owner.
type MFA interface {
	Verify(ctx context.Context, v *directory.View, account arn.AccountID, ownerID, serial, code string, now time.Time) error
}

// Recorder writes the audit log.
type Recorder interface {
	// Write returns once the line of a sign-in is written; if it cannot be, nobody is signed in.
	Write(ctx context.Context, e *audit.Event) error
}

// Options are what a Service is made of. All must be set.
type Options struct {
	View      func() *directory.View
	Passwords *password.Hasher
	MFA       MFA
	Sealer    *session.Sealer
	Audit     Recorder
	Now       func() time.Time
	Random    io.Reader // cryptographically secure
	Log       *slog.Logger
	Region    string
	// Lifetime is how long a person stays signed in.
	Lifetime time.Duration
}

// Service is the sign-in page. It is safe for concurrent use.
type Service struct {
	Options
	crossSite *http.CrossOriginProtection
	peers     *throttle.Throttle // attempts, by peer
	users     *throttle.Throttle // attempts, by user and peer: nobody is kept out by others' attempts
}

// New returns a Service.
func New(o Options) *Service {
	return &Service{
		Options: o, crossSite: http.NewCrossOriginProtection(),
		peers: throttle.New(60, 2*time.Second, 8192), users: throttle.New(10, 15*time.Second, 8192),
	}
}

//go:embed pages.html style.css
var files embed.FS

var templates = template.Must(template.ParseFS(files, "pages.html"))

// page is what a page shows.
type page struct {
	To, Account, User, Wrong string
	Who, Ends, FormToken     string
}

// ServeHTTP answers a request below Path.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == StyleSheetPath && r.Method == http.MethodGet:
		http.ServeFileFS(w, r, files, "style.css")
	case r.URL.Path == Path && r.Method == http.MethodGet:
		s.welcome(w, r)
	case (r.URL.Path == Path || r.URL.Path == SignOutPath) && r.Method == http.MethodPost:
		form, err := s.form(r)
		if err != nil {
			s.show(w, http.StatusForbidden, "form", &page{Wrong: "The form is not of this server, or cannot be read."})
			return
		}
		if r.URL.Path == SignOutPath {
			s.signOut(w, r, form)
			return
		}
		s.signIn(w, r, form)
	default:
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusNotFound)
	}
}

// form reads a form that a page of this server sent.
func (s *Service) form(r *http.Request) (url.Values, error) {
	if err := s.crossSite.Check(r); err != nil {
		return nil, err
	}
	if r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return nil, errors.New("the body is no form")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil || len(body) > maxForm {
		return nil, errors.New("the body is too long, or cut off")
	}
	return url.ParseQuery(string(body))
}

// SendTo answers by the way to the form, which leads to target in the end.
func SendTo(w http.ResponseWriter, target string) {
	leave(w, Path+"?"+url.Values{"to": {target}}.Encode())
}

// welcome shows the form, or to whom who is signed in.
func (s *Service) welcome(w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		query = nil
	}
	if caller, token, ok := s.Person(r, s.View(), s.Now()); ok {
		s.show(w, http.StatusOK, "who", &page{
			Who: caller.ARN, FormToken: token, Ends: caller.Session.Expires.Format("2006-01-02 15:04 UTC"),
		})
		return
	}
	s.show(w, http.StatusOK, "form", &page{To: destination(query.Get("to")), Account: query.Get("account")})
}

// destination takes paths of the pages of this server, and for all else the page itself: a form that leads anywhere would lend its
// good name to whoever sends the link.
func destination(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || u.Fragment != "" ||
		!strings.HasPrefix(to, Path+"/") || strings.Contains(u.Path, "..") {
		return Path
	}
	return u.String()
}

// incorrect is AWS's answer to all that is wrong: whether there is such a user, nobody learns.
const incorrect = "Your authentication information is incorrect. Please try again."

func (s *Service) signIn(w http.ResponseWriter, r *http.Request, form url.Values) {
	now, v := s.Now(), s.View()
	p := &page{To: destination(form.Get("to")), Account: form.Get("account"), User: form.Get("user")}
	if len(p.User) > maxUser {
		p.User = ""
	}
	account := accountOf(v, p.Account)
	if from := throttle.Peer(r); !s.peers.Allow(from, now) || !s.users.Allow(from+" "+string(account)+"/"+directory.FoldName(p.User), now) {
		p.Wrong = "There were too many attempts. Wait a minute."
		s.show(w, http.StatusTooManyRequests, "form", p)
		return
	}
	u, state, err := s.Passwords.SignIn(r.Context(), v, account, p.User, form.Get("password"), now)
	if err != nil {
		s.unavailable(w, p, err)
		return
	}
	code := form.Get("code")
	reason := "the password is wrong, or there is none"
	withCode := false
	if state != password.Refused {
		withCode, reason = s.secondFactor(r.Context(), v, u, code, now)
	}
	switch {
	case reason != "":
		p.Wrong = incorrect
	case state == password.MustChange:
		p.Wrong, reason = "You must choose a new password first: use ChangePassword (aws iam change-password).", "the password must be changed"
	case state == password.Locked:
		p.Wrong, reason = "Your password has expired. Ask your administrator for a new one.", "the password has expired"
	}
	if err := s.record(r, v, u, account, now, withCode, reason); err != nil {
		s.unavailable(w, p, err)
		return
	}
	if reason != "" {
		s.show(w, http.StatusForbidden, "form", p)
		return
	}
	value, err := s.seal(v, u, now, withCode)
	if err != nil {
		s.unavailable(w, p, err)
		return
	}
	http.SetCookie(w, cookie(r, value))
	leave(w, p.To)
}

// secondFactor demands a code of one of the user's devices, if there is any. reason is why it does not do.
func (s *Service) secondFactor(ctx context.Context, v *directory.View, u *directory.User, code string, now time.Time) (with bool, reason string) {
	some := false
	for d := range v.DevicesOf(u.ID) {
		some = true
		if code != "" && s.MFA.Verify(ctx, v, u.Account, u.ID, d.Serial, code, now) == nil {
			return true, ""
		}
	}
	switch {
	case some && code == "":
		return false, "the one-time code is missing"
	case some:
		return false, "the one-time code is wrong or spent"
	default:
		return false, ""
	}
}

// accountOf finds an account by its id or alias.
func accountOf(v *directory.View, text string) arn.AccountID {
	for a := range v.Accounts() {
		if string(a.ID) == text || a.Alias != "" && a.Alias == text {
			return a.ID
		}
	}
	return ""
}

// record writes CloudTrail's line of a sign-in.
func (s *Service) record(
	r *http.Request, v *directory.View, u *directory.User, account arn.AccountID, now time.Time, withCode bool, reason string,
) error {
	q := &identity.Request{Time: now, Region: s.Region, UserAgent: r.UserAgent(), SecureTransport: r.TLS != nil}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		q.SourceIP = peer.Addr().Unmap().WithZone("")
	}
	var err error
	if q.ID, err = audit.NewID(s.Random); err != nil {
		return err
	}
	id, err := audit.NewID(s.Random)
	if err != nil {
		return err
	}
	e := &audit.Event{ID: id, Request: q, Service: "signin.amazonaws.com", Operation: "ConsoleLogin", Recipient: account}
	outcome := "Success"
	if reason != "" {
		outcome, e.ErrorCode, e.ErrorMessage, e.Reason = "Failure", "Failed authentication", "Failed authentication", reason
	} else {
		e.Issues = true
		q.Caller = identity.Caller{Kind: identity.User, Account: u.Account, ARN: u.ARN, UserID: u.ID, PrincipalID: u.ID}
	}
	if e.ResponseElements, err = json.Marshal(map[string]string{"ConsoleLogin": outcome}); err != nil {
		return err
	}
	used := "No"
	if withCode {
		used = "Yes"
	}
	if e.RequestParameters, err = json.Marshal(map[string]string{"MFAUsed": used}); err != nil {
		return err
	}
	if err := s.Audit.Write(r.Context(), e); err != nil {
		return fmt.Errorf("writing down a sign-in: %w", err)
	}
	return nil
}

func (s *Service) signOut(w http.ResponseWriter, r *http.Request, form url.Values) {
	if _, token, ok := s.Person(r, s.View(), s.Now()); ok && token == form.Get("form_token") {
		gone := cookie(r, "")
		gone.MaxAge = -1
		http.SetCookie(w, gone)
	}
	leave(w, Path)
}

func (s *Service) unavailable(w http.ResponseWriter, p *page, err error) {
	s.Log.Error("nobody could sign in", "error", err)
	p.Wrong = "This cannot be done now. Try again later."
	s.show(w, http.StatusServiceUnavailable, "form", p)
}

// show answers by a page that no other site can frame.
func (s *Service) show(w http.ResponseWriter, status int, name string, p *page) {
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, p); err != nil {
		s.Log.Error("a page was not made", "page", name, "error", err)
		status = http.StatusInternalServerError
		body.Reset()
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(body.Len()))
	header.Set("Cache-Control", "no-store")
	// The form leads to the page of stint login, and by its redirect no further.
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Referrer-Policy", "same-origin") // without any, browsers send no Origin with a form
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// leave sends the browser elsewhere.
func leave(w http.ResponseWriter, target string) {
	header := w.Header()
	header.Set("Location", target)
	header.Set("Content-Length", "0")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}
