package commandline

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/login"
	"github.com/stint-sts/stint/internal/loginapi"
	"github.com/stint-sts/stint/internal/secret"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/store"
	"github.com/stint-sts/stint/internal/sts"
)

// shared is the store of all tests: grants have ids that nobody has twice.
var shared *store.Store

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "stint-commandline")
	if err != nil {
		log.Print(err)
		return 1
	}
	defer os.RemoveAll(dir)
	shared, err = store.Open(context.Background(), store.Options{
		Dir: dir, RootKey: secret.FromString("0123456789abcdef0123456789abcdef"), Partition: arn.AWS, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Print(err)
		return 1
	}
	defer shared.Close()
	return m.Run()
}

// grants is the store as cmd/stint wires it. away makes it as if it could not be reached.
type grants struct{ away bool }

func gone(err error) error {
	if errors.Is(err, store.ErrSpent) || errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	return err
}

var errAway = errors.New("the store is away")

func (g *grants) KeepGrant(ctx context.Context, id string, value []byte, keep time.Duration) error {
	if g.away {
		return errAway
	}
	return shared.KeepGrant(ctx, id, value, keep)
}

func (g *grants) ReadGrant(ctx context.Context, id string) ([]byte, int64, error) {
	if g.away {
		return nil, 0, errAway
	}
	value, revision, err := shared.ReadGrant(ctx, id)
	return value, revision, gone(err)
}

func (g *grants) ReplaceGrant(ctx context.Context, id string, revision int64, value []byte) error {
	return gone(shared.ReplaceGrant(ctx, id, revision, value))
}

func (g *grants) TakeGrant(ctx context.Context, id string) ([]byte, error) {
	value, err := shared.TakeGrant(ctx, id)
	return value, gone(err)
}

// lines is what was written to the audit log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
	full bool         // guarded by mu
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return 0, errors.New("the disk is full")
	}
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// world is a server with two users and two roles, whose sign-in page knows people by a cookie.
type world struct {
	t        *testing.T
	url      string
	view     *directory.View
	sealer   *session.Sealer
	grants   *grants
	audit    *lines
	log      *audit.Log
	alice    *directory.User
	reader   *directory.Role
	now      func() time.Time
	mu       sync.Mutex
	offset   time.Duration // guarded by mu
	signedIn map[string]*Person
}

var began = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, grants: new(grants), audit: new(lines), signedIn: make(map[string]*Person)}
	w.now = func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return began.Add(w.offset)
	}
	key, err := session.NewSealingKey(1, dt.Created, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := dt.New(t, key)
	w.alice = b.User(dt.A, "alice", dt.AllowAll)
	b.User(dt.A, "bob", dt.AllowAll)
	w.reader = b.Role(dt.A, "reader", trust(w.alice.ID))
	b.Role(dt.A, "closed", trust(string(dt.B)))
	w.view = b.View()
	w.sealer = session.NewSealer(rand.Reader, w.now)
	service := &sts.Service{Authorizer: authz.New(), Sealer: w.sealer, Random: rand.Reader}
	discard := slog.New(slog.DiscardHandler)
	if w.log, err = audit.Open(audit.Options{Stream: w.audit, Now: w.now, Logger: discard}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.log.Close() })
	s := New(Options{
		View: func() *directory.View { return w.view }, People: w, Sessions: service, Grants: w.grants, Audit: w.log,
		Now: w.now, Random: rand.Reader, Log: discard, Region: "eu-central-1", StyleSheet: "/signin/style.css",
		Origin: func(*http.Request) string { return w.url },
	})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !Answers(r.URL.Path) {
			http.NotFound(rw, r)
			return
		}
		s.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.url = server.URL
	for _, name := range []string{"alice", "bob"} {
		u, _ := w.view.User(dt.A, name)
		w.signIn(name, u)
	}
	return w
}

func trust(principal string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole"}]}`
}

// signIn gives a person a session of eight hours that began an hour ago.
func (w *world) signIn(name string, u *directory.User) {
	id, err := arn.NewID(arn.TemporaryKeyID, u.Account, rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	w.signedIn[name] = &Person{FormToken: "form-token-of-" + name, Caller: identity.Caller{
		Kind: identity.User, Account: u.Account, ARN: u.ARN, UserID: u.ID, PrincipalID: u.ID, AccessKeyID: id,
		Session: &identity.Session{
			Kind: identity.UserSession, AccessKeyID: id, Secret: secret.FromString("browser-secret"), Account: u.Account, PrincipalID: u.ID,
			Issued: began.Add(-time.Hour), Expires: began.Add(7 * time.Hour), Revision: 1, MFATime: began.Add(-time.Hour),
		},
	}}
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offset += d
}

// Person implements People.
func (w *world) Person(r *http.Request, _ *directory.View, _ time.Time) (*Person, bool) {
	cookie, err := r.Cookie("person")
	if err != nil {
		return nil, false
	}
	p, ok := w.signedIn[cookie.Value]
	return p, ok
}

// SignIn implements People.
func (w *world) SignIn(rw http.ResponseWriter, r *http.Request, target string) {
	http.Redirect(rw, r, "/signin?to="+url.QueryEscape(target), http.StatusSeeOther)
}

// browser is a browser with a person's cookie, or nobody's.
type browser struct {
	t      *testing.T
	client *http.Client
}

func (w *world) browser(person string) *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	if person != "" {
		jar.SetCookies(u, []*http.Cookie{{Name: "person", Value: person}})
	}
	return &browser{w.t, &http.Client{
		Jar: jar, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// reply is a page, or the way to another.
type reply struct {
	status   int
	location string
	header   http.Header
	body     string
}

func (b *browser) do(r *http.Request) reply {
	b.t.Helper()
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header.Get("Location"), response.Header, string(body)}
}

func (b *browser) get(target string) reply {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

// post sends a form as a browser does from a page of the same server; change may alter that.
func (b *browser) post(target string, form url.Values, change func(*http.Request)) reply {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if change != nil {
		change(r)
	}
	return b.do(r)
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// form is what the form of a page sends, with a decision.
func (r reply) form(decision string) url.Values {
	form := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(r.body, -1) {
		form.Add(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
	}
	if decision != "" {
		form.Set("decision", decision)
	}
	return form
}

// want checks a reply.
func (r reply) want(t *testing.T, what string, status int, contains string) {
	t.Helper()
	if r.status != status || !strings.Contains(r.body+r.location, contains) {
		t.Errorf("%s: status %d, location %q\n%s\nwant %d and %q", what, r.status, r.location, r.body, status, contains)
	}
}

// program is stint login. browse and code do what the person does.
func (w *world) program(browse func(page string), code func(page, code, complete string)) *login.Client {
	return &login.Client{
		Random: rand.Reader, Now: w.now, UserAgent: "stint-test",
		Sleep:  func(ctx context.Context, d time.Duration) error { w.pass(d); return ctx.Err() },
		Browse: browse, Code: code,
	}
}

// allow has a person say yes on the page of an address.
func (w *world) allow(person, page string) {
	b := w.browser(person)
	answer := b.post(w.url+loginapi.AuthorizePath, b.get(page).form(decisionAllow), nil)
	if answer.status != http.StatusSeeOther {
		w.t.Errorf("allowing: status %d\n%s", answer.status, answer.body)
		return
	}
	b.get(answer.location)
}

// session opens the credentials.
func (w *world) session(l *login.Login) *identity.Session {
	w.t.Helper()
	s, err := w.sealer.Open(w.view, l.AccessKeyID, l.SessionToken.RevealString())
	if err != nil {
		w.t.Fatal(err)
	}
	if !s.Secret.Equal(l.Secret) || !s.Expires.Equal(l.Expires) {
		w.t.Error("secret or expiry are not the session's")
	}
	return s
}

// events ends the audit log and returns how many of its lines have all of the texts.
func (w *world) events(texts ...string) int {
	w.log.Close()
	n := 0
	for line := range strings.Lines(w.audit.String()) {
		has := true
		for _, text := range texts {
			has = has && strings.Contains(line, text)
		}
		if has {
			n++
		}
	}
	return n
}
