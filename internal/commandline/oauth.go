package commandline

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/loginapi"
)

// The limits of what a program sends.
const (
	maxForm    = 48 << 10
	maxState   = 512
	maxSeconds = 129600 // the longest session that there is (STS model)
	minSeconds = 900
)

// oauthError is what a program is refused with (RFC 6749, 5.2). reason is for the audit log, where it says more.
type oauthError struct {
	code        string // of package loginapi
	description string
	reason      string
}

func (e *oauthError) Error() string { return e.code + ": " + e.description }

func badRequest(format string, args ...any) *oauthError {
	return &oauthError{code: loginapi.ErrInvalidRequest, description: fmt.Sprintf(format, args...)}
}

// status is the HTTP status of RFC 6749, 5.2, and for what is not there.
func (e *oauthError) status() int {
	switch e.code {
	case loginapi.ErrInvalidClient:
		return http.StatusUnauthorized
	case loginapi.ErrUnavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusBadRequest
	}
}

// one returns the parameter, which may come at most once (RFC 6749, 3.1). A parameter without a value is as one that is left out.
func one(form url.Values, name string) (string, *oauthError) {
	switch values := form[name]; len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	default:
		return "", badRequest("%s is given more than once", name)
	}
}

// several reads parameters of which each may come once.
func several(form url.Values, into map[string]*string) *oauthError {
	for name, value := range into {
		var err *oauthError
		if *value, err = one(form, name); err != nil {
			return err
		}
	}
	return nil
}

// asked is what a command line wants credentials of.
type asked struct {
	Role    string `json:",omitempty"` // ARN; empty for what the person signed in as
	Seconds int32  `json:",omitempty"` // 0 leaves it to the server
}

func parseAsked(form url.Values) (asked, *oauthError) {
	var a asked
	var seconds string
	if err := several(form, map[string]*string{loginapi.ParamRole: &a.Role, loginapi.ParamDuration: &seconds}); err != nil {
		return asked{}, err
	}
	if a.Role != "" {
		parsed, err := arn.Parse(a.Role)
		if err != nil || parsed.Service != "iam" || len(parsed.Resource) <= len("role/") || parsed.Resource[:len("role/")] != "role/" {
			return asked{}, badRequest("%s is not the ARN of a role", loginapi.ParamRole)
		}
	}
	if seconds != "" {
		n, err := strconv.ParseInt(seconds, 10, 32)
		if err != nil || n < minSeconds || n > maxSeconds || strconv.FormatInt(n, 10) != seconds {
			return asked{}, badRequest("%s is not a number of seconds from %d to %d", loginapi.ParamDuration, minSeconds, maxSeconds)
		}
		a.Seconds = int32(n)
	}
	return a, nil
}

// form returns the parameters that parseAsked reads.
func (a *asked) form() url.Values {
	form := url.Values{}
	if a.Role != "" {
		form.Set(loginapi.ParamRole, a.Role)
	}
	if a.Seconds != 0 {
		form.Set(loginapi.ParamDuration, strconv.Itoa(int(a.Seconds)))
	}
	return form
}

// checkRedirect takes the one kind of address that a code may be sent to: a port of the machine that the browser runs on (RFC 8252,
// 7.3). A name would do as well only if it always meant that machine (8.3), so that localhost is none.
func checkRedirect(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return false
	}
	host, err := netip.ParseAddrPort(u.Host)
	if err != nil || !host.Addr().IsLoopback() || host.Addr().Is4In6() || host.Port() == 0 {
		return false
	}
	return text == "http://"+host.String()+loginapi.CallbackPath
}

// isHash reports whether text is the base64url of 32 bytes, as code challenges and, here, verifiers are.
func isHash(text string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(b) == 32
}

// writeJSON answers a program. What is in it must be in no cache (RFC 6749, 5.1).
func writeJSON(w http.ResponseWriter, status int, answer any) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encoding an answer: %w", err)
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return nil
}

func writeOAuthError(w http.ResponseWriter, e *oauthError) error {
	if e.code == loginapi.ErrUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	return writeJSON(w, e.status(), loginapi.Error{Error: e.code, Description: e.description})
}
