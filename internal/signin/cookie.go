package signin

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/session"
)

// The names of the cookie. The prefix has browsers refuse one that was set by a neighbouring host or in the clear; plain HTTP on loopback
// cannot have it.
const (
	cookieName      = "__Host-stint"
	plainCookieName = "stint"
)

// content is what a cookie holds. Times are seconds since 1970.
type content struct {
	Account   arn.AccountID `json:"a"`
	UserID    string        `json:"u"`
	Issued    int64         `json:"i"`
	Expires   int64         `json:"e"`
	Revision  int64         `json:"r"`
	MFATime   int64         `json:"m,omitempty"`
	FormToken string        `json:"f"`
}

// plain reports whether the browser speaks plain HTTP: with loopback, that is. What comes in the clear to another name was TLS up to a
// proxy, since it is not allowed otherwise.
func plain(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(host)
	return r.TLS == nil && (host == "localhost" || err == nil && address.IsLoopback())
}

// Origin is the address of this server, scheme and host, as the browser that sent a request knows it.
func Origin(r *http.Request) string {
	if plain(r) {
		return "http://" + r.Host
	}
	return "https://" + r.Host
}

// cookie makes the cookie of a request's browser. It ends with the browser, or when what is in it does.
func cookie(r *http.Request, value string) *http.Cookie {
	c := &http.Cookie{Name: cookieName, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if plain(r) {
		c.Name, c.Secure = plainCookieName, false
	}
	return c
}

// seal makes the value of the cookie of a user who has signed in.
func (s *Service) seal(v *directory.View, u *directory.User, now time.Time, withCode bool) (string, error) {
	token, err := newToken(s.Random)
	if err != nil {
		return "", err
	}
	c := content{
		Account: u.Account, UserID: u.ID, Issued: now.Unix(), Expires: now.Add(s.Lifetime).Unix(), Revision: v.Revision(), FormToken: token,
	}
	if withCode {
		c.MFATime = now.Unix()
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encoding a cookie: %w", err)
	}
	return s.Sealer.SealMessage(v, session.SignIn, text)
}

func newToken(random io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("reading randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// Person returns who sent a request, and what the forms that this person is shown carry.
func (s *Service) Person(r *http.Request, v *directory.View, now time.Time) (caller identity.Caller, formToken string, ok bool) {
	given, err := r.Cookie(cookie(r, "").Name)
	if err != nil {
		return identity.Caller{}, "", false
	}
	text, err := s.Sealer.OpenMessage(v, session.SignIn, given.Value)
	if err != nil {
		return identity.Caller{}, "", false
	}
	var c content
	if err := json.Unmarshal(text, &c); err != nil { // this deployment wrote it
		return identity.Caller{}, "", false
	}
	caller, err = authn.Current(v, c.session(), now)
	if err != nil {
		return identity.Caller{}, "", false
	}
	if e, _ := v.ByID(c.UserID); !hasPassword(e) {
		return identity.Caller{}, "", false
	}
	return caller, c.FormToken, true
}

// session is what the person is: as if by GetSessionToken, without keys.
func (c *content) session() *identity.Session {
	s := &identity.Session{
		Kind: identity.UserSession, Account: c.Account, PrincipalID: c.UserID,
		Issued: time.Unix(c.Issued, 0).UTC(), Expires: time.Unix(c.Expires, 0).UTC(), Revision: c.Revision,
	}
	if c.MFATime != 0 {
		s.MFATime = time.Unix(c.MFATime, 0).UTC()
	}
	return s
}

// hasPassword reports whether an entity is a user who can sign in still.
func hasPassword(e directory.Entity) bool {
	u, ok := e.(*directory.User)
	return ok && u.Login != nil
}
