package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/session"
)

// stepLife is how long a person may take over a step of signing in.
const stepLife = 15 * time.Minute

// destination says where a URL that came with a request may lead the browser: to this server itself, to one of the configured places,
// or, since those who ask for AWS's console mean the page of this server, to that. Everything else would lend this server's good name
// to whoever sends a link. Empty is the page.
func (h *Handler) destination(r *http.Request, text string) (string, bool) {
	if text == "" {
		return consolePath, true
	}
	// Browsers take a backslash for a slash, and leave out tabs and line ends.
	if strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f }) {
		return "", false
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.User != nil:
		return "", false
	case u.Scheme == "" && u.Host == "":
		if !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") {
			return "", false
		}
		return u.String(), true
	case u.Scheme != "https" && u.Scheme != "http":
		return "", false
	}
	origin := u.Scheme + "://" + strings.ToLower(u.Host)
	if origin == Origin(r) {
		return (&url.URL{Path: "/" + strings.TrimLeft(u.Path, "/"), RawQuery: u.RawQuery, Fragment: u.Fragment}).String(), true
	}
	if u.Scheme == "https" && awsConsole(u.Host) {
		return consolePath, true
	}
	return text, slices.Contains(h.Destinations, origin)
}

// awsConsole reports whether a host is that of AWS's console: of a partition, of one region, or of one service.
func awsConsole(host string) bool {
	host = strings.ToLower(host)
	for _, domain := range []string{"console.aws.amazon.com", "console.amazonaws.cn", "console.amazonaws-us-gov.com"} {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}

// SignIn answers by the way to the sign-in page, which leads to target in the end: a path of this server with its query. Only what is
// sealed here leads there.
func (h *Handler) SignIn(w http.ResponseWriter, r *http.Request, target string) {
	sealed, err := h.Sealer.SealMessage(h.Directory.View(), session.SignInStep, step("next", target, h.Now()))
	if err != nil {
		h.Log.Error("nobody could be sent to the sign-in page", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	leave(w, http.StatusSeeOther, signInPath+"?"+url.Values{"continue": {sealed}}.Encode())
}

// step is what is sealed of a step: what it is for, until when it is good, and what it says.
func step(kind, text string, now time.Time) []byte {
	return []byte(kind + " " + now.Add(stepLife).UTC().Format(time.RFC3339) + " " + text)
}

// readStep returns what was sealed for a kind of step and is good now.
func (h *Handler) readStep(x *call, kind, sealed string) (string, bool) {
	if sealed == "" {
		return "", false
	}
	plain, err := h.Sealer.OpenMessage(x.view, session.SignInStep, sealed)
	if err != nil {
		return "", false
	}
	parts := strings.SplitN(string(plain), " ", 3)
	if len(parts) != 3 || parts[0] != kind {
		return "", false
	}
	until, err := time.Parse(time.RFC3339, parts[1])
	return parts[2], err == nil && x.request.Time.Before(until)
}

// done is where every way to sign in leads that has no destination of its own. It is a request of its own because the browser sends
// the cookie that remembers where to go on with no form of another site, such as SAML's is.
func (h *Handler) done(x *call) {
	target, ok := h.readStep(x, "next", given(x.r, nextCookie))
	if !ok {
		target = consolePath
	}
	http.SetCookie(x.w, cookie(x.r, nextCookie, ""))
	leave(x.w, http.StatusSeeOther, target)
}
