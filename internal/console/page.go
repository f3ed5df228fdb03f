package console

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"github.com/stint-sts/stint/internal/identity"
)

//go:embed pages.html style.css
var files embed.FS

// templates are the pages: HTML without scripts, as every browser shows it.
var templates = template.Must(template.ParseFS(files, "pages.html"))

// page is what a page shows. What does not apply is empty.
type page struct {
	Title, Text, Wrong string

	// The sign-in form.
	Account, User string
	Change        bool // a new password must be chosen

	// The roles to pick from.
	Accounts             []offeredAccount
	Response, RelayState string
	Action               string

	// Who has signed in, and with what.
	Who, AccountID, Ends, FormToken    string
	AccessKeyID, Secret, Token, Region string
	Endpoint, Expiration               string
}

// console shows who has signed in, and the credentials.
func (h *Handler) console(x *call) {
	s, ok := h.Session(x.r, x.view, x.request.Time)
	if !ok {
		leave(x.w, http.StatusSeeOther, signInPath)
		return
	}
	sess := s.Caller.Session
	h.show(x, http.StatusOK, "console", &page{
		Title: "Your session", Who: s.Caller.ARN, AccountID: string(s.Caller.Account), Ends: sess.Expires.UTC().Format("2006-01-02 15:04 UTC"),
		FormToken: s.FormToken, AccessKeyID: sess.AccessKeyID, Secret: sess.Secret.RevealString(), Token: s.token, Region: h.Region,
		Endpoint: Origin(x.r), Expiration: sess.Expires.UTC().Format(time.RFC3339),
	})
}

// signOut takes the session from the browser. Credentials that were copied from the page live on until they expire.
func (h *Handler) signOut(x *call) {
	if s, ok := h.Session(x.r, x.view, x.request.Time); ok && !s.owns(x) {
		h.complain(x, http.StatusForbidden, "The form is not of this session.")
		return
	}
	forget(x)
	leave(x.w, http.StatusSeeOther, signInPath)
}

// complain shows a person what is wrong.
func (h *Handler) complain(x *call, status int, text string) {
	h.show(x, status, "message", &page{Title: "This does not work", Text: text})
}

// refused shows a person why a provider's word was not enough: in AWS's words.
func (h *Handler) refused(x *call, err error) {
	fault := faultOf(err)
	if fault.Code == identity.InternalFailure || fault.Code == identity.ServiceUnavailable {
		h.unavailable(x, err)
		return
	}
	h.complain(x, http.StatusForbidden, fault.Message)
}

// unavailable is the answer when the store or the audit log cannot be written: nobody is signed in.
func (h *Handler) unavailable(x *call, err error) {
	h.Log.Error("nobody could sign in", "request_id", x.request.ID, "error", err)
	x.w.Header().Del("Set-Cookie")
	h.complain(x, http.StatusServiceUnavailable, "Signing in is not possible now. Try again later.")
}

// show answers by a page that no other site can frame, and whose forms lead to this server.
func (h *Handler) show(x *call, status int, name string, p *page) {
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, p); err != nil {
		h.Log.Error("a page was not made", "page", name, "error", err)
		status = http.StatusInternalServerError
		body.Reset()
	}
	header := x.w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(body.Len()))
	secure(header)
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body.Bytes())
}

// secure is what every page's answer says.
func secure(header http.Header) {
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Referrer-Policy", "same-origin") // with none at all, browsers send no Origin with a form
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
}

// style answers with the style sheet, which holds nothing of anybody.
func (h *Handler) style(x *call) {
	x.w.Header().Set("X-Content-Type-Options", "nosniff")
	x.w.Header().Set("Cache-Control", "public, max-age=3600")
	http.ServeFileFS(x.w, x.r, files, "style.css")
}

// leave sends the browser elsewhere, and no trace of where it was before.
func leave(w http.ResponseWriter, status int, target string) {
	header := w.Header()
	header.Set("Location", target)
	header.Set("Content-Length", "0")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
}
