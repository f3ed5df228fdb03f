package console

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/strictjson"
)

// The console federation endpoint (IAM UG, custom identity broker access to the console).
const (
	signinTokenLife   = 15 * time.Minute
	minConsoleSeconds = 900
	maxConsoleSeconds = 43200
	maxIssuer         = 2048
)

var (
	errSession  = errors.New("the session is not one that the sign-in token can be had for")
	errDuration = errors.New("SessionDuration is not a number of 900 to 43,200 seconds")
)

func (h *Handler) federation(x *call) {
	action, ok := x.only("Action")
	switch {
	case ok && action == "getSigninToken":
		h.getSigninToken(x)
	case ok && action == "login" && x.r.Method == http.MethodGet:
		h.login(x)
	case ok && action == "logout" && x.r.Method == http.MethodGet:
		h.logout(x)
	default:
		h.complain(x, http.StatusBadRequest, "The Action is none of getSigninToken, login and logout.")
	}
}

// getSigninToken trades a session's credentials for a token that signs a browser in.
func (h *Handler) getSigninToken(x *call) {
	token, seconds, err := h.signinToken(x)
	if err != nil {
		h.refuseToken(x, err)
		return
	}
	e := &audit.Event{ID: x.eventID, Service: signInSource, Operation: "GetSigninToken", ReadOnly: true, Issues: true}
	if err := h.record(x, e, map[string]int32{"sessionDuration": seconds}); err != nil {
		h.Log.Error("nothing is issued without an audit line", "request_id", x.request.ID, "error", err)
		writeJSON(x.w, http.StatusServiceUnavailable, map[string]string{"message": "The audit log cannot be written; nothing was issued."})
		return
	}
	writeJSON(x.w, http.StatusOK, map[string]string{"SigninToken": token})
}

func (h *Handler) signinToken(x *call) (string, int32, error) {
	text, ok := x.only("Session")
	if !ok {
		return "", 0, errSession
	}
	claimed, err := readSession(text)
	if err != nil {
		return "", 0, err
	}
	sess, err := h.Sealer.Open(x.view, claimed.id, claimed.token)
	if err != nil {
		return "", 0, err
	}
	if !sess.Secret.Equal(claimed.key) {
		return "", 0, errors.New("the secret is not the session's")
	}
	caller, err := authn.Current(x.view, sess, x.request.Time)
	if err != nil {
		return "", 0, err
	}
	x.request.Caller = caller
	if sess.Kind != identity.RoleSession && sess.Kind != identity.FederationSession {
		return "", 0, errSession // a session of GetSessionToken is not allowed into the console (IAM UG, comparing STS operations)
	}
	seconds, err := consoleSeconds(x)
	if err != nil {
		return "", 0, err
	}
	if seconds > 0 && (sess.Kind != identity.RoleSession || sess.Chained) {
		return "", 0, errors.New("SessionDuration is not for credentials of GetFederationToken or of role chaining")
	}
	raw, err := base64.StdEncoding.DecodeString(claimed.token)
	if err != nil {
		return "", 0, err
	}
	plain := binary.BigEndian.AppendUint64(nil, uint64(x.request.Time.Unix()))
	plain = binary.BigEndian.AppendUint32(plain, uint32(seconds))
	plain = append(append(plain, claimed.id+"\x00"...), raw...)
	token, err := h.Sealer.SealMessage(x.view, session.SigninToken, plain)
	return token, seconds, err
}

// consoleSeconds is the SessionDuration; 0 if there is none.
func consoleSeconds(x *call) (int32, error) {
	text, ok := x.only("SessionDuration")
	if !ok {
		return 0, errDuration
	}
	if _, given := x.form["SessionDuration"]; !given {
		return 0, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 32)
	if err != nil || seconds < minConsoleSeconds || seconds > maxConsoleSeconds {
		return 0, errDuration
	}
	return int32(seconds), nil
}

// credential is what the Session parameter holds.
type credential struct {
	id, token string
	key       secret.Key
}

func readSession(text string) (credential, error) {
	document, err := strictjson.Parse([]byte(text), strictjson.Limits{})
	if err != nil {
		return credential{}, errors.New("the Session is not JSON") // the parser's words might repeat a secret
	}
	const members = 3
	var values [members]string
	for i, name := range [members]string{"sessionId", "sessionKey", "sessionToken"} {
		v, ok := document.Get(name)
		if !ok || v.Kind != strictjson.String || v.Text == "" {
			return credential{}, errors.New("the Session lacks a member, or has one that is not a text: long-term keys have no sessionToken")
		}
		values[i] = v.Text
	}
	if len(document.Members) != members {
		return credential{}, errors.New("the Session has a member that it should not have")
	}
	return credential{id: values[0], key: secret.FromString(values[1]), token: values[2]}, nil
}

// refuseToken answers that there is no sign-in token. What is wrong, the audit log alone is told.
func (h *Handler) refuseToken(x *call, err error) {
	e := &audit.Event{
		ID: x.eventID, Service: signInSource, Operation: "GetSigninToken", ReadOnly: true,
		ErrorCode: "InvalidRequest", ErrorMessage: "Invalid request", Reason: explain(err),
	}
	if err := h.record(x, e, nil); err != nil {
		h.Log.Error("audit line lost", "request_id", x.request.ID, "error", err)
	}
	writeJSON(x.w, http.StatusBadRequest, map[string]string{"message": "The Session or the SessionDuration is not valid."})
}

// explain is the reason behind a fault, or the error's own text.
func explain(err error) string {
	if f, ok := errors.AsType[*identity.Fault](err); ok {
		if f.Cause != nil {
			return f.Cause.Error()
		}
		return f.Message
	}
	return err.Error()
}

// login signs the browser in with a sign-in token.
func (h *Handler) login(x *call) {
	text, ok := x.only("Destination")
	target, allowed := h.destination(x.r, text)
	issuer, single := x.only("Issuer")
	if !ok || !allowed || !single || len(issuer) > maxIssuer {
		h.complain(x, http.StatusBadRequest, "The Destination is not a page that this server may lead to.")
		return
	}
	w := way{With: "federation", Issuer: issuer}
	c, err := h.redeem(x)
	if err != nil {
		h.recordFailure(x, "", w, explain(err))
		h.complain(x, http.StatusBadRequest, "The sign-in token is not valid, or older than 15 minutes.")
		return
	}
	if err := h.begin(x, w, c); err != nil {
		h.unavailable(x, err)
		return
	}
	leave(x.w, http.StatusFound, target)
}

// redeem makes a sign-in token the credentials that the console session is of.
func (h *Handler) redeem(x *call) (*api.Credentials, error) {
	text, ok := x.only("SigninToken")
	if !ok {
		return nil, session.ErrInvalid
	}
	plain, err := h.Sealer.OpenMessage(x.view, session.SigninToken, text)
	const front = 8 + 4
	if err != nil || len(plain) < front {
		return nil, session.ErrInvalid
	}
	made := time.Unix(int64(binary.BigEndian.Uint64(plain)), 0)
	if age := x.request.Time.Sub(made); age >= signinTokenLife {
		return nil, errors.New("the sign-in token is older than 15 minutes")
	}
	seconds := int32(binary.BigEndian.Uint32(plain[8:]))
	id, raw, _ := strings.Cut(string(plain[front:]), "\x00")
	token := base64.StdEncoding.EncodeToString([]byte(raw))
	caller, err := h.current(x.view, id, token, x.request.Time)
	if err != nil {
		return nil, err
	}
	x.request.Caller = caller
	if seconds > 0 {
		return h.Sessions.Console(x.view, &x.request, seconds)
	}
	return &api.Credentials{AccessKeyId: id, SessionToken: token}, nil
}

// logout ends the console session of the browser.
func (h *Handler) logout(x *call) {
	text, ok := x.only("redirect_uri")
	target, allowed := h.destination(x.r, text)
	if text == "" {
		target = signInPath
	}
	if !ok || !allowed {
		h.complain(x, http.StatusBadRequest, "The redirect_uri is not a page that this server may lead to.")
		return
	}
	forget(x)
	leave(x.w, http.StatusFound, target)
}

func writeJSON(w http.ResponseWriter, status int, v map[string]string) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, nil
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
