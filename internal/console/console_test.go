package console

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/federation/saml"
	"github.com/stint-sts/stint/internal/federation/saml/samltest"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/mfa"
	"github.com/stint-sts/stint/internal/password"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/sts"
)

const (
	right  = "Correct-horse1"
	entity = "https://idp.example.com/saml"
)

// memory is a directory, and the ledgers of what is spent, in memory.
type memory struct {
	mu      sync.Mutex
	view    *directory.View // guarded by mu
	commits int             // guarded by mu
	spent   map[string]bool // guarded by mu
}

func (m *memory) View() *directory.View {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.view
}

func (m *memory) Commit(context.Context, *directory.Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commits++
	return nil
}

func (m *memory) Spend(_ context.Context, _ arn.AccountID, id string, _ int64) error {
	return m.spend(id, mfa.ErrSpent)
}

func (m *memory) SpendAssertion(_ context.Context, _ arn.AccountID, id string, _ time.Duration) error {
	return m.spend(id, saml.ErrSpent)
}

func (m *memory) spend(id string, spent error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.spent[id] {
		return spent
	}
	m.spent[id] = true
	return nil
}

// stage is a server with people, and a browser.
type stage struct {
	t       *testing.T
	memory  *memory
	tokens  *sts.Service
	handler *Handler
	server  *httptest.Server
	browser *http.Client
	key     *samltest.Key
	roles   []*directory.Role
	alice   *directory.User
	mu      sync.Mutex
	now     time.Time // guarded by mu
	log     *bytes.Buffer
	trail   string
}

func (s *stage) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *stage) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), log: new(bytes.Buffer), key: samltest.NewKey(2048), memory: &memory{spent: make(map[string]bool)}}
	key, err := session.NewSealingKey(1, dt.Created, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	entities := dt.New(t, key)
	hasher := password.New(rand.Reader)
	login, err := hasher.Set(t.Context(), &directory.Account{ID: dt.A}, nil, right, s.now)
	if err != nil {
		t.Fatal(err)
	}
	s.alice = entities.User(dt.A, "alice", dt.AllowAll).Clone()
	s.alice.Login = login
	entities.Put(s.alice)
	entities.User(dt.A, "nologin", dt.AllowAll)
	provider := arn.SAMLProvider(arn.AWS, dt.A, "corp")
	entities.Put(&directory.SAMLProvider{Account: dt.A, Name: "corp", ARN: provider, Metadata: samltest.Metadata(entity, s.key), ValidUntil: s.now.AddDate(1, 0, 0)})
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + provider + `"},"Action":"sts:AssumeRoleWithSAML"},` +
		`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}`
	for _, name := range []string{"reader", "writer"} {
		s.roles = append(s.roles, entities.Role(dt.A, name, trust, dt.AllowAll))
	}
	s.memory.view = entities.View()
	logger := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.trail = filepath.Join(t.TempDir(), "audit.jsonl")
	trail, err := audit.Open(audit.Options{Path: s.trail, Now: s.clock, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = trail.Close() })
	sealer := session.NewSealer(rand.Reader, s.clock)
	codes := mfa.New(s.memory)
	responses := saml.New(saml.Options{Ledger: s.memory})
	s.tokens = &sts.Service{Authorizer: authz.New(), Sealer: sealer, MFA: codes, SAML: responses, Random: rand.Reader}
	s.handler = New(Options{
		Directory: s.memory, Sessions: s.tokens, Sealer: sealer, Passwords: hasher, MFA: codes, SAML: responses, Audit: trail, Now: s.clock,
		Random: rand.Reader, Log: logger, Region: "us-east-1", Destinations: []string{"https://portal.example.com"},
	})
	s.server = httptest.NewServer(s.handler)
	t.Cleanup(s.server.Close)
	s.newBrowser()
	return s
}

// newBrowser is one without cookies, which follows no redirect by itself.
func (s *stage) newBrowser() {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.browser = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type answer struct {
	*http.Response
	body string
}

func (s *stage) do(method, path string, form url.Values, edits ...func(*http.Request)) answer {
	s.t.Helper()
	r, err := http.NewRequest(method, s.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", s.server.URL)
	}
	for _, edit := range edits {
		edit(r)
	}
	response, err := s.browser.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{response, string(body)}
}

// leads demands a redirect.
func (a answer) leads(t *testing.T, what string, status int, target string) {
	t.Helper()
	if a.StatusCode != status || a.Header.Get("Location") != target {
		t.Errorf("%s: %d to %q, want %d to %q; %s", what, a.StatusCode, a.Header.Get("Location"), status, target, a.body)
	}
}

func (s *stage) signIn(user, password string) answer {
	return s.do(http.MethodPost, signInPath, url.Values{"account": {string(dt.A)}, "user": {user}, "password": {password}})
}

// credentials are those of a role that alice assumed, or her federated ones.
func (s *stage) credentials(federated bool) *api.Credentials {
	s.t.Helper()
	v := s.memory.View()
	req := &identity.Request{Time: s.clock(), Region: "us-east-1", Caller: identity.Caller{
		Kind: identity.User, Account: dt.A, ARN: s.alice.ARN, UserID: s.alice.ID, PrincipalID: s.alice.ID, AccessKeyID: s.alice.AccessKeys[0].ID,
	}}
	if federated {
		out, err := s.tokens.GetFederationToken(s.t.Context(), v, req, &api.GetFederationTokenInput{Name: "fred"})
		if err != nil {
			s.t.Fatal(err)
		}
		return out.Credentials
	}
	out, err := s.tokens.AssumeRole(s.t.Context(), v, req, &api.AssumeRoleInput{RoleArn: s.roles[0].ARN, RoleSessionName: "work"})
	if err != nil {
		s.t.Fatal(err)
	}
	return out.Credentials
}

func sessionJSON(c *api.Credentials) string {
	text, _ := json.Marshal(map[string]string{"sessionId": c.AccessKeyId, "sessionKey": c.SecretAccessKey, "sessionToken": c.SessionToken})
	return string(text)
}

func (s *stage) getToken(form url.Values) answer {
	form.Set("Action", "getSigninToken")
	return s.do(http.MethodGet, federationPath+"?"+form.Encode(), nil)
}

func tokenOf(t *testing.T, a answer) string {
	t.Helper()
	var out map[string]string
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.StatusCode != http.StatusOK || len(out) != 1 || out["SigninToken"] == "" {
		t.Fatalf("getSigninToken: %d %s", a.StatusCode, a.body)
	}
	return out["SigninToken"]
}

func (s *stage) login(token, destination string) answer {
	return s.do(http.MethodGet, federationPath+"?"+url.Values{"Action": {"login"}, "Issuer": {"https://example.com"}, "Destination": {destination}, "SigninToken": {token}}.Encode(), nil)
}

// audited is what the audit log says so far.
func (s *stage) audited() string {
	s.t.Helper()
	if err := s.handler.Audit.(*audit.Log).Close(); err != nil {
		s.t.Fatal(err)
	}
	text, err := os.ReadFile(s.trail)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func TestPassword(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.do(http.MethodGet, consolePath, nil).leads(t, "without a session", http.StatusSeeOther, signInPath)
	var refusals []string
	for _, tt := range [][2]string{{"alice", "wrong"}, {"ghost", right}, {"nologin", right}, {"nologin", ""}} {
		a := s.signIn(tt[0], tt[1])
		if a.StatusCode != http.StatusForbidden || len(a.Cookies()) > 0 {
			t.Errorf("%s: %d %v", tt, a.StatusCode, a.Cookies())
		}
		refusals = append(refusals, strings.ReplaceAll(a.body, tt[0], "NAME"))
	}
	for i, r := range refusals {
		if r != refusals[0] || !strings.Contains(r, incorrect) {
			t.Errorf("refusal %d is another one: %s", i, r)
		}
	}
	a := s.signIn("alice", right)
	a.leads(t, "the right password", http.StatusSeeOther, donePath)
	for _, c := range a.Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("the cookie is %v", c)
		}
	}
	s.do(http.MethodGet, donePath, nil).leads(t, "after it", http.StatusSeeOther, consolePath)
	p := s.do(http.MethodGet, consolePath, nil)
	if p.StatusCode != http.StatusOK || !strings.Contains(p.body, s.alice.ARN) || !strings.Contains(p.body, "2026-03-02 00:00 UTC") {
		t.Fatalf("%d %s", p.StatusCode, p.body)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	} {
		if got := p.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if strings.Contains(p.body, "<script") || strings.Contains(p.body, "style=") {
		t.Error("the page has what its policy forbids")
	}
	id, secretKey, token := shown(p.body, "AWS_ACCESS_KEY_ID="), shown(p.body, "AWS_SECRET_ACCESS_KEY="), shown(p.body, "AWS_SESSION_TOKEN=")
	sess, err := s.tokens.Sealer.Open(s.memory.View(), id, token)
	if err != nil || sess.Secret.RevealString() != secretKey || sess.Kind != identity.UserSession {
		t.Fatalf("the shown credentials are not a session: %v", err)
	}
	if _, err := authn.Current(s.memory.View(), sess, s.clock()); err != nil {
		t.Error(err)
	}
	if s.memory.commits != 1 {
		t.Errorf("the use of the password was written down %d times", s.memory.commits)
	}
	s.advance(12 * time.Hour)
	s.do(http.MethodGet, consolePath, nil).leads(t, "after its end", http.StatusSeeOther, signInPath)
	text := s.audited()
	for _, canary := range []string{secretKey, token, right} {
		if strings.Contains(text, canary) || strings.Contains(s.log.String(), canary) {
			t.Error("a secret is in the audit log or the log")
		}
	}
	if strings.Count(text, `"ConsoleLogin":"Failure"`) != 4 || strings.Count(text, `"ConsoleLogin":"Success"`) != 1 {
		t.Errorf("the audit log says %s", text)
	}
}

// shown is what follows a text on its line of a page.
func shown(body, before string) string {
	_, rest, _ := strings.Cut(html.UnescapeString(body), before)
	line, _, _ := strings.Cut(rest, "\n")
	return line
}

func TestGuessing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for range 10 {
		if a := s.signIn("alice", "wrong"); a.StatusCode != http.StatusForbidden {
			t.Fatal(a.StatusCode)
		}
	}
	if a := s.signIn("ALICE", right); a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the right password after ten wrong ones: %d", a.StatusCode)
	}
	s.advance(time.Minute)
	s.signIn("alice", right).leads(t, "a minute later", http.StatusSeeOther, donePath)
}

func TestForeignForms(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	form := url.Values{"account": {string(dt.A)}, "user": {"alice"}, "password": {right}}
	foreign := func(r *http.Request) { r.Header.Set("Origin", "https://evil.example.com") }
	if a := s.do(http.MethodPost, signInPath, form, foreign); a.StatusCode != http.StatusForbidden || len(a.Cookies()) > 0 {
		t.Errorf("a sign-in from elsewhere: %d", a.StatusCode)
	}
	s.signIn("alice", right).leads(t, "positive control", http.StatusSeeOther, donePath)
	for name, edit := range map[string]func(*http.Request){"elsewhere": foreign, "here without the token": func(*http.Request) {}} {
		if a := s.do(http.MethodPost, signOutPath, url.Values{}, edit); a.StatusCode != http.StatusForbidden {
			t.Errorf("a sign-out from %s: %d", name, a.StatusCode)
		}
	}
	p := s.do(http.MethodGet, consolePath, nil)
	_, rest, _ := strings.Cut(p.body, `name="form_token" value="`)
	token, _, _ := strings.Cut(rest, `"`)
	s.do(http.MethodPost, signOutPath, url.Values{"form_token": {token}}).leads(t, "signing out", http.StatusSeeOther, signInPath)
	s.do(http.MethodGet, consolePath, nil).leads(t, "after signing out", http.StatusSeeOther, signInPath)
}

func TestFederationEndpoint(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	c := s.credentials(false)
	good := sessionJSON(c)
	wrongKey := *c
	wrongKey.SecretAccessKey = s.credentials(false).SecretAccessKey
	user := s.alice.AccessKeys[0]
	for name, form := range map[string]url.Values{
		"no session":            {},
		"two sessions":          {"Session": {good, good}},
		"no JSON":               {"Session": {"x"}},
		"a member more":         {"Session": {strings.Replace(good, "{", `{"x":"y",`, 1)}},
		"a member twice":        {"Session": {strings.Replace(good, "{", `{"sessionId":"x",`, 1)}},
		"another secret":        {"Session": {sessionJSON(&wrongKey)}},
		"a long-term key":       {"Session": {sessionJSON(&api.Credentials{AccessKeyId: user.ID, SecretAccessKey: user.Secret.Key.RevealString()})}},
		"too short":             {"Session": {good}, "SessionDuration": {"899"}},
		"too long":              {"Session": {good}, "SessionDuration": {"43201"}},
		"no number":             {"Session": {good}, "SessionDuration": {""}},
		"federated with length": {"Session": {sessionJSON(s.credentials(true))}, "SessionDuration": {"1800"}},
	} {
		if a := s.getToken(form); a.StatusCode != http.StatusBadRequest || strings.Contains(a.body, "SigninToken") {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	tokenOf(t, s.getToken(url.Values{"Session": {sessionJSON(s.credentials(true))}}))
	posted := s.do(http.MethodPost, federationPath, url.Values{"Action": {"getSigninToken"}, "Session": {good}}, func(r *http.Request) { r.Header.Del("Origin") })
	s.login(tokenOf(t, posted), "").leads(t, "a token that was posted for", http.StatusFound, consolePath)
	if p := s.do(http.MethodGet, consolePath, nil); !strings.Contains(p.body, "assumed-role/reader/work") || !strings.Contains(p.body, "2026-03-01 13:00 UTC") {
		t.Errorf("the session is not the role's: %s", p.body)
	}
	token := tokenOf(t, s.getToken(url.Values{"Session": {good}, "SessionDuration": {"43200"}}))
	s.login(token, "").leads(t, "with a length of its own", http.StatusFound, consolePath)
	if p := s.do(http.MethodGet, consolePath, nil); !strings.Contains(p.body, "2026-03-02 00:00 UTC") {
		t.Errorf("the session does not last twelve hours: %s", p.body)
	}
	s.advance(signinTokenLife - time.Second)
	s.login(token, "").leads(t, "almost 15 minutes later", http.StatusFound, consolePath)
	s.advance(time.Second)
	s.newBrowser()
	for name, a := range map[string]answer{"an old token": s.login(token, ""), "no token": s.login("x", ""), "a session token": s.login(c.SessionToken, "")} {
		if a.StatusCode != http.StatusBadRequest || len(a.Cookies()) > 0 {
			t.Errorf("%s: %d %v", name, a.StatusCode, a.Cookies())
		}
	}
	text := s.audited()
	for _, canary := range []string{c.SecretAccessKey, c.SessionToken, token} {
		if strings.Contains(text, canary) || strings.Contains(s.log.String(), canary) {
			t.Error("a secret is in the audit log or the log")
		}
	}
	if !strings.Contains(text, "the secret is not the session's") || !strings.Contains(text, "older than 15 minutes") {
		t.Errorf("the audit log says %s", text)
	}
}

func TestRevokedBetween(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	token := tokenOf(t, s.getToken(url.Values{"Session": {sessionJSON(s.credentials(false))}, "SessionDuration": {"43200"}}))
	s.login(token, "").leads(t, "positive control", http.StatusFound, consolePath)
	role := s.roles[0]
	s.memory.view = s.memory.view.Apply(9, []directory.Event{{Key: role.Key()}})
	s.do(http.MethodGet, consolePath, nil).leads(t, "the session of a role that is gone", http.StatusSeeOther, signInPath)
	if a := s.login(token, ""); a.StatusCode != http.StatusBadRequest {
		t.Errorf("a token of a role that is gone: %d", a.StatusCode)
	}
}

func TestDestinations(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	token := tokenOf(t, s.getToken(url.Values{"Session": {sessionJSON(s.credentials(false))}}))
	for destination, want := range map[string]string{
		"https://console.aws.amazon.com/":                    consolePath,
		"https://eu-central-1.console.aws.amazon.com/s3/x?y": consolePath,
		"/console?x=y":                                     "/console?x=y",
		s.server.URL + "/console":                          "/console",
		s.server.URL + "//evil.example.com/":               "/evil.example.com/",
		"https://portal.example.com/a?b#c":                 "https://portal.example.com/a?b#c",
		"https://evil.example.com/":                        "",
		"//evil.example.com/":                              "",
		"/\\evil.example.com/":                             "",
		"\\\\evil.example.com":                             "",
		"/\t/evil.example.com/":                            "",
		"https:evil.example.com":                           "",
		"https:///evil.example.com":                        "",
		"javascript:alert(1)":                              "",
		"data:text/html,x":                                 "",
		"evil.example.com":                                 "",
		"http://portal.example.com/":                       "",
		"https://portal.example.com.evil.com":              "",
		"https://portal.example.com@evil.com":              "",
		"https://console.aws.amazon.com.evil.example.com/": "",
		"https://evilconsole.aws.amazon.com/":              "",
		"http://console.aws.amazon.com/":                   "",
	} {
		a := s.login(token, destination)
		if want != "" {
			a.leads(t, destination, http.StatusFound, want)
		} else if a.StatusCode != http.StatusBadRequest || len(a.Cookies()) > 0 || a.Header.Get("Location") != "" {
			t.Errorf("%s: %d to %q", destination, a.StatusCode, a.Header.Get("Location"))
		}
		out := s.do(http.MethodGet, federationPath+"?"+url.Values{"Action": {"logout"}, "redirect_uri": {destination}}.Encode(), nil)
		if want != "" {
			out.leads(t, "logout to "+destination, http.StatusFound, want)
		} else if out.StatusCode != http.StatusBadRequest {
			t.Errorf("logout to %s: %d", destination, out.StatusCode)
		}
	}
}

func TestContinue(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, s.server.URL+"/x", nil)
	s.handler.SignIn(w, r, "/signin/authorize?state=x")
	link := w.Header().Get("Location")
	s.do(http.MethodGet, link, nil)
	s.signIn("alice", right).leads(t, "signing in", http.StatusSeeOther, donePath)
	s.do(http.MethodGet, donePath, nil).leads(t, "going on", http.StatusSeeOther, "/signin/authorize?state=x")
	s.do(http.MethodGet, donePath, nil).leads(t, "again", http.StatusSeeOther, consolePath)
	for _, forged := range []string{"/signin?continue=/console", "/signin?continue=https://evil.example.com", link[:len(link)-4]} {
		if a := s.do(http.MethodGet, forged, nil); a.StatusCode != http.StatusBadRequest || len(a.Cookies()) > 0 {
			t.Errorf("%.40s: %d", forged, a.StatusCode)
		}
	}
	s.advance(stepLife)
	if a := s.do(http.MethodGet, link, nil); a.StatusCode != http.StatusBadRequest {
		t.Errorf("an old link: %d", a.StatusCode)
	}
}

func (s *stage) response(roles ...*directory.Role) *samltest.Response {
	provider := arn.SAMLProvider(arn.AWS, dt.A, "corp")
	r := samltest.NewResponse(s.key, s.clock(), entity, roles[0].ARN, provider)
	for _, role := range roles[1:] {
		r.Attributes[0].Values = append(r.Attributes[0].Values, role.ARN+","+provider)
	}
	return r
}

func (s *stage) post(response, relay, picked string) answer {
	form := url.Values{"SAMLResponse": {response}, "RelayState": {relay}}
	if picked != "" {
		form.Set("roleIndex", picked)
	}
	return s.do(http.MethodPost, samlPath, form, func(r *http.Request) { r.Header.Set("Origin", "https://idp.example.com") })
}

func TestSAML(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	r := s.response(s.roles[0])
	r.Attributes = append(r.Attributes, samltest.Attribute{Name: samltest.Attributes + "SessionDuration", Values: []string{"1800"}})
	one := r.Encoded()
	s.post(one, "", "").leads(t, "one role", http.StatusSeeOther, donePath)
	if p := s.do(http.MethodGet, consolePath, nil); !strings.Contains(p.body, "assumed-role/reader/carol") || !strings.Contains(p.body, "2026-03-01 12:30 UTC") {
		t.Errorf("the page is %s", p.body)
	}
	s.newBrowser()
	if a := s.post(one, "", ""); a.StatusCode != http.StatusForbidden || len(a.Cookies()) > 0 || !strings.Contains(a.body, "used before") {
		t.Errorf("the same response again: %d %s", a.StatusCode, a.body)
	}
	two := s.response(s.roles...).Encoded()
	a := s.post(two, "https://portal.example.com/x", "")
	if a.StatusCode != http.StatusOK || len(a.Cookies()) > 0 || strings.Count(a.body, `type="radio"`) != 2 || !strings.Contains(html.UnescapeString(a.body), two) {
		t.Fatalf("two roles: %d %s", a.StatusCode, a.body)
	}
	if a := s.post(two, "", "arn:aws:iam::111122223333:role/admin"); a.StatusCode != http.StatusForbidden {
		t.Errorf("a role that is not offered: %d", a.StatusCode)
	}
	s.post(two, "https://portal.example.com/x", s.roles[1].ARN).leads(t, "the picked role", http.StatusSeeOther, "https://portal.example.com/x")
	if p := s.do(http.MethodGet, consolePath, nil); !strings.Contains(p.body, "assumed-role/writer/carol") {
		t.Errorf("the page is %s", p.body)
	}
	s.post(s.response(s.roles[0]).Encoded(), "https://evil.example.com/", "").leads(t, "a RelayState that may not be", http.StatusSeeOther, donePath)
	s.newBrowser()
	forged := s.response(s.roles[0])
	forged.SignAssertion = &samltest.Signature{Key: samltest.NewKey(2048)}
	long := s.response(s.roles[0])
	long.Attributes = append(long.Attributes, samltest.Attribute{Name: samltest.Attributes + "SessionDuration", Values: []string{"43200"}})
	for name, response := range map[string]string{"forged": forged.Encoded(), "too long": long.Encoded(), "nothing": "x", "no base64": "~"} {
		if a := s.post(response, "", ""); a.StatusCode != http.StatusForbidden || len(a.Cookies()) > 0 {
			t.Errorf("%s: %d %v", name, a.StatusCode, a.Cookies())
		}
	}
	text := s.audited()
	if strings.Contains(text, one) || strings.Contains(text, two) || strings.Count(text, `"eventName":"AssumeRoleWithSAML"`) != 5 || !strings.Contains(text, `"userName":"carol@example.com"`) {
		t.Errorf("the audit log says %s", text)
	}
}

// Over TLS, or from behind a proxy that ends it, cookies have all that browsers know to keep them.
func TestSecureCookies(t *testing.T) {
	t.Parallel()
	for host, secure := range map[string]bool{"sts.example.com": true, "localhost:8321": false, "127.0.0.1:8321": false, "[::1]:8321": false, "localhost.evil.com": true} {
		r := httptest.NewRequest(http.MethodGet, "http://"+host+"/", nil)
		if c := cookie(r, sessionCookie, "x"); c.Secure != secure || strings.HasPrefix(c.Name, "__Host-") != secure || c.Domain != "" || c.Path != "/" || !c.HttpOnly {
			t.Errorf("%s: %v", host, c)
		}
	}
}
