package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/session"
)

// The names of the cookies. The prefix has browsers refuse one that a neighbouring host set, or that came in the clear; plain HTTP on
// loopback cannot have it.
const (
	hostPrefix    = "__Host-"
	sessionCookie = "stint"
	nextCookie    = "stint-next"
)

// A browser keeps cookies of 4,096 bytes (RFC 6265, 6.1): a long session is cut into pieces.
const (
	pieceSize = 3800
	maxPieces = 3
)

// SignedIn is somebody who has signed in.
type SignedIn struct {
	// Caller is whom they signed in as. Its session is never nil.
	Caller identity.Caller
	// FormToken is what the forms of the pages that they are shown carry. No other site knows it.
	FormToken string
	token     string // of the session
}

// plain reports whether the browser speaks plain HTTP: with loopback, that is. What comes in the clear to another name was TLS up to
// a proxy, since it is not allowed otherwise.
func plain(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return r.TLS == nil && (host == "localhost" || err == nil && address.IsLoopback())
}

// Origin is the address of this server, scheme and host, as the browser that sent a request knows it.
func Origin(r *http.Request) string {
	if plain(r) {
		return "http://" + r.Host
	}
	return "https://" + r.Host
}

// cookie makes a cookie for a request's browser, which forgets it when it is closed.
func cookie(r *http.Request, name, value string) *http.Cookie {
	c := &http.Cookie{Name: hostPrefix + name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if plain(r) {
		c.Name, c.Secure = name, false
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// given is the value of a cookie; empty if there is none, or more than one of the name.
func given(r *http.Request, name string) string {
	found := r.CookiesNamed(cookie(r, name, "").Name)
	if len(found) != 1 {
		return ""
	}
	return found[0].Value
}

// piece names the pieces of the session's cookie.
func piece(i int) string { return fmt.Sprintf("%s-%d", sessionCookie, i) }

// remember gives the browser a session.
func (h *Handler) remember(x *call, accessKeyID, token string) error {
	raw, err := base64.StdEncoding.DecodeString(token) // text of text would be longer by a third
	if err != nil {
		return fmt.Errorf("reading a session token: %w", err)
	}
	value, err := h.Sealer.SealMessage(x.view, session.ConsoleSession, append([]byte(accessKeyID+"\x00"), raw...))
	if err != nil {
		return err
	}
	if len(value) > maxPieces*pieceSize {
		return errors.New("the session does not fit into cookies")
	}
	for i := range maxPieces {
		part := value[:min(len(value), pieceSize)]
		value = value[len(part):]
		http.SetCookie(x.w, cookie(x.r, piece(i), part))
	}
	return nil
}

// forget takes the session from the browser.
func forget(x *call) {
	for i := range maxPieces {
		http.SetCookie(x.w, cookie(x.r, piece(i), ""))
	}
	http.SetCookie(x.w, cookie(x.r, nextCookie, ""))
}

// Session returns who sent a request, by its cookie. Whose session is over, revoked or of nobody any more is nobody.
func (h *Handler) Session(r *http.Request, v *directory.View, now time.Time) (*SignedIn, bool) {
	var value strings.Builder
	for i := range maxPieces {
		value.WriteString(given(r, piece(i)))
	}
	plaintext, err := h.Sealer.OpenMessage(v, session.ConsoleSession, value.String())
	if err != nil {
		return nil, false
	}
	id, raw, _ := strings.Cut(string(plaintext), "\x00")
	token := base64.StdEncoding.EncodeToString([]byte(raw))
	caller, err := h.current(v, id, token, now)
	if err != nil {
		return nil, false
	}
	return &SignedIn{Caller: caller, FormToken: formToken(caller.Session), token: token}, true
}

// current is the caller of a session token that is good now.
func (h *Handler) current(v *directory.View, accessKeyID, token string, now time.Time) (identity.Caller, error) {
	sess, err := h.Sealer.Open(v, accessKeyID, token)
	if err != nil {
		return identity.Caller{}, err
	}
	return authn.Current(v, sess, now)
}

// formToken is bound to the session's secret, which no other site has.
func formToken(sess *identity.Session) string {
	mac := hmac.New(sha256.New, sess.Secret.Reveal())
	mac.Write([]byte("stint console form"))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// owns reports whether a form is one that this person was shown.
func (s *SignedIn) owns(x *call) bool {
	got, ok := x.only("form_token")
	return ok && subtle.ConstantTimeCompare([]byte(got), []byte(s.FormToken)) == 1
}

// begin signs the browser in with credentials that were just made: first the audit line, then the cookie.
func (h *Handler) begin(x *call, way way, c *api.Credentials) error {
	caller, err := h.current(x.view, c.AccessKeyId, c.SessionToken, x.request.Time)
	if err != nil {
		return err
	}
	x.request.Caller = caller
	if err := h.recordSignIn(x, way); err != nil {
		return err
	}
	return h.remember(x, c.AccessKeyId, c.SessionToken)
}
