package console

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/password"
	"github.com/stint-sts/stint/internal/throttle"
)

const (
	maxUserName = 64 // IAM model
	maxAlias    = 63
	maxAttempts = 3 // at a change of the directory that others change as well
)

// incorrect is AWS's answer to all that is wrong: whether there is such a user, nobody learns.
const incorrect = "Your authentication information is incorrect. Please try again."

// welcome shows the form, and remembers where to go on.
func (h *Handler) welcome(x *call) {
	query, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		h.complain(x, http.StatusBadRequest, "The request cannot be read.")
		return
	}
	if sealed := query.Get("continue"); sealed != "" {
		if _, ok := h.readStep(x, "next", sealed); !ok {
			h.complain(x, http.StatusBadRequest, "This link is too old, or not of this server. Begin again.")
			return
		}
		http.SetCookie(x.w, cookie(x.r, nextCookie, sealed))
	}
	p := &page{Title: "Sign in"}
	if account := query.Get("account"); len(account) <= maxAlias {
		p.Account = account
	}
	h.show(x, http.StatusOK, "signin", p)
}

// attempt is one filled form.
type attempt struct {
	account                     arn.AccountID
	user, password, code        string
	newPassword, repeated, text string
}

func (h *Handler) readAttempt(x *call) (attempt, bool) {
	var a attempt
	for name, value := range map[string]*string{
		"account": &a.text, "user": &a.user, "password": &a.password, "code": &a.code, "new_password": &a.newPassword, "repeated": &a.repeated,
	} {
		var ok bool
		if *value, ok = x.only(name); !ok {
			return a, false
		}
	}
	if len(a.user) > maxUserName || len(a.text) > maxAlias {
		return a, false
	}
	a.account = accountOf(x.view, a.text)
	return a, true
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

// signIn judges a password and, of every user who has a device, a one-time code. It tells nobody which of them was wrong.
func (h *Handler) signIn(x *call) {
	a, ok := h.readAttempt(x)
	p := &page{Title: "Sign in", Account: a.text, User: a.user}
	if !ok {
		h.complain(x, http.StatusBadRequest, "The form cannot be read.")
		return
	}
	peer := throttle.Peer(x.r)
	if !h.peers.Allow(peer, x.request.Time) || !h.guesses.Allow(peer+" "+string(a.account)+"/"+directory.FoldName(a.user), x.request.Time) {
		p.Wrong = "There were too many attempts. Wait a minute."
		h.show(x, http.StatusTooManyRequests, "signin", p)
		return
	}
	u, state, err := h.Passwords.SignIn(x.r.Context(), x.view, a.account, a.user, a.password, x.request.Time)
	if err != nil {
		h.unavailable(x, err)
		return
	}
	w, reason := way{With: "password", MFAUsed: "No"}, "the password is wrong, or there is none"
	if state != password.Refused {
		var withCode bool
		if withCode, reason = h.secondFactor(x, u, a.code); withCode {
			w.MFAUsed = "Yes"
		}
	}
	switch {
	case reason != "":
		p.Wrong = incorrect
	case state == password.Locked:
		p.Wrong, reason = "Your password has expired. Ask your administrator for a new one.", "the password has expired"
	case state == password.MustChange && a.newPassword == "":
		p.Change, p.Wrong, reason = true, "You must choose a new password. A one-time code must be a new one, too.", "a new password must be chosen"
	case state == password.MustChange && a.newPassword != a.repeated:
		p.Change, p.Wrong, reason = true, "The new passwords differ.", "the new passwords differ"
	}
	if reason != "" {
		h.recordFailure(x, a.account, w, reason)
		h.show(x, http.StatusForbidden, "signin", p)
		return
	}
	if err := h.enter(x, u, w, state, &a); err != nil {
		if f, ok := errors.AsType[*identity.Fault](err); ok && f.Code == identity.PasswordPolicyViolation {
			p.Change, p.Wrong = true, f.Message
			h.recordFailure(x, a.account, w, "the new password is against the account's policy")
			h.show(x, http.StatusForbidden, "signin", p)
			return
		}
		h.unavailable(x, err)
		return
	}
	leave(x.w, http.StatusSeeOther, donePath)
}

// enter signs in a user whose password and code are right.
func (h *Handler) enter(x *call, u *directory.User, w way, state password.State, a *attempt) error {
	if err := h.Audit.Ready(); err != nil {
		return err
	}
	if err := h.used(x, u, state, a); err != nil {
		if state == password.MustChange {
			return err
		}
		// A sign-in needs no store: only the date of the last one is missing.
		h.Log.Warn("the use of a password was not written down", "request_id", x.request.ID, "error", err)
	}
	c, err := h.Sessions.SignIn(x.view, &x.request, u, w.MFAUsed == "Yes")
	if err != nil {
		return err
	}
	return h.begin(x, w, c)
}

// used writes down when a password was used, and the new one where one had to be chosen.
func (h *Handler) used(x *call, u *directory.User, state password.State, a *attempt) (err error) {
	for range maxAttempts {
		v := h.Directory.View()
		entity, _ := v.ByID(u.ID)
		now, ok := entity.(*directory.User)
		account, known := v.Account(u.Account)
		if !ok || !known || now.Login == nil || !now.Login.Changed.Equal(u.Login.Changed) {
			return errors.New("the user's password was changed meanwhile")
		}
		next := now.Clone()
		next.PasswordLastUsed = x.request.Time.UTC().Truncate(time.Second)
		if state == password.MustChange {
			if next.Login, err = h.Passwords.Set(x.r.Context(), account, now.Login, a.newPassword, x.request.Time); err != nil {
				return err
			}
			next.Login.ResetRequired = false
		}
		c := new(directory.Change)
		c.Put(next)
		if err = h.Directory.Commit(x.r.Context(), c); err == nil {
			return nil
		}
	}
	return err
}

// secondFactor demands a code of one of the user's devices, if there is any. reason is why it does not do.
func (h *Handler) secondFactor(x *call, u *directory.User, code string) (with bool, reason string) {
	some := false
	for d := range x.view.DevicesOf(u.ID) {
		some = true
		if code != "" && h.MFA.Verify(x.r.Context(), x.view, u.Account, u.ID, d.Serial, code, x.request.Time) == nil {
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
