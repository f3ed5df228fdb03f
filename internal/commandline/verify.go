package commandline

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/stint-sts/stint/internal/loginapi"
)

// The fields of the pages' forms beside the protocol's.
const (
	decisionField = "decision"
	tokenField    = "form_token"
	decisionAllow = "allow"
	decisionDeny  = "deny"
)

// verify asks the signed-in person for a user code, then whether the device that it was given to may have credentials.
//
// A link may have the code in it already. It is shown to be compared all the same, and who sent the link is not believed: the page
// says from where the code was asked for (RFC 8628, 5.4).
func (s *Service) verify(x *call) {
	typed, fault := one(x.form, loginapi.ParamUserCode)
	if fault != nil {
		s.complain(x, http.StatusBadRequest, fault.description)
		return
	}
	user, wellFormed := parseUserCode(typed)
	code := ""
	if wellFormed {
		code = showUserCode(user)
	}
	if !s.visitor(x) {
		target := loginapi.VerifyPath
		if wellFormed {
			target += "?" + url.Values{loginapi.ParamUserCode: {code}}.Encode()
		}
		s.People.SignIn(x.w, x.r, target)
		return
	}
	if x.r.Method != http.MethodPost {
		s.show(x, http.StatusOK, "verify", &page{Code: code})
		return
	}
	if !x.owned() {
		s.complain(x, http.StatusForbidden, "The form is not of this page, or too old. Begin anew.")
		return
	}
	if !s.guesses.Allow(x.person.Caller.UserID, x.request.Time) {
		s.complain(x, http.StatusTooManyRequests, "You have tried too many codes. Wait a minute.")
		return
	}
	g, revision, err := s.pending(x, user, wellFormed)
	switch {
	case errors.Is(err, ErrGone):
		s.show(x, http.StatusNotFound, "verify", &page{Wrong: true})
	case err != nil:
		_ = s.storeFault(err, nil) // it tells the operator
		s.complain(x, http.StatusServiceUnavailable, "This cannot be done now. Try again later.")
	case x.form.Get(decisionField) == decisionAllow:
		s.approve(x, user, g, revision)
	case x.form.Get(decisionField) == decisionDeny:
		g.State = deviceDenied
		s.decide(x, user, g, revision)
	default:
		s.show(x, http.StatusOK, "device", &page{
			Code: code, Address: g.Address, Agent: g.Agent, Began: g.Began.UTC().Format("15:04:05 UTC"), Asked: g.Asked,
		})
	}
}

// pending returns the grant of a user code that waits for an answer, or ErrGone.
func (s *Service) pending(x *call, user string, wellFormed bool) (*deviceGrant, int64, error) {
	if !wellFormed {
		return nil, 0, ErrGone
	}
	value, revision, err := s.Grants.ReadGrant(x.r.Context(), deviceID(user))
	if err != nil {
		return nil, 0, err
	}
	g, err := decodeGrant[deviceGrant](value)
	if err != nil {
		return nil, 0, err
	}
	if g.State != devicePending || !x.request.Time.Before(g.Expires) {
		return nil, 0, ErrGone
	}
	return g, revision, nil
}

// approve makes the credentials, writes that down, and keeps them for the device.
func (s *Service) approve(x *call, user string, g *deviceGrant, revision int64) {
	parameters := g.Asked.audited(loginapi.GrantDevice)
	parameters.Device = g.Address
	i, err := s.credentials(x, g.Asked)
	if err != nil {
		s.notIssued(x, parameters, err)
		return
	}
	if err := s.recordIssued(x, authorizeAccess, parameters, i); err != nil {
		s.Log.Error("credentials were not given out", "error", err)
		s.complain(x, http.StatusServiceUnavailable, "This cannot be done now. Try again later.")
		return
	}
	g.State, g.Issued = deviceApproved, i
	s.decide(x, user, g, revision)
}

// decide keeps the person's answer. Only one is kept of a code.
func (s *Service) decide(x *call, user string, g *deviceGrant, revision int64) {
	value, err := json.Marshal(g)
	if err == nil {
		err = s.Grants.ReplaceGrant(x.r.Context(), deviceID(user), revision, value)
	}
	switch {
	case errors.Is(err, ErrGone):
		s.complain(x, http.StatusConflict, "The code has been answered already, or is over.")
	case err != nil:
		_ = s.storeFault(fmt.Errorf("answering a device: %w", err), nil)
		s.complain(x, http.StatusServiceUnavailable, "This cannot be done now. Try again later.")
	case g.State == deviceApproved:
		s.tell(x, http.StatusOK, "Allowed", "The device has its credentials in a few seconds. You can close this page.")
	default:
		s.tell(x, http.StatusOK, "Denied", "The device gets nothing. You can close this page.")
	}
}
