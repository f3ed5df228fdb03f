package commandline

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/stint-sts/stint/internal/loginapi"
)

// authorization is a request of `stint login` for a code by way of the browser (RFC 6749, 4.1.1).
type authorization struct {
	Redirect  string
	State     string
	Challenge string
	Asked     asked
}

// parseAuthorization reads the request. Of one that names no client and no address of the machine that asks, nothing may be told to
// any address: trusted is false then.
func parseAuthorization(form url.Values) (a *authorization, trusted bool, fault *oauthError) {
	a = new(authorization)
	var client, kind, method string
	if err := several(form, map[string]*string{loginapi.ParamClientID: &client, loginapi.ParamRedirectURI: &a.Redirect}); err != nil {
		return nil, false, err
	}
	switch {
	case client != loginapi.ClientID:
		return nil, false, &oauthError{code: loginapi.ErrInvalidClient, description: "the client is unknown"}
	case !checkRedirect(a.Redirect):
		return nil, false, badRequest("%s is not http://127.0.0.1:<port>%s", loginapi.ParamRedirectURI, loginapi.CallbackPath)
	}
	if a.State, fault = one(form, loginapi.ParamState); fault != nil || len(a.State) > maxState {
		a.State = ""
		return a, true, badRequest("%s is given more than once or too long", loginapi.ParamState)
	}
	fault = several(form, map[string]*string{
		loginapi.ParamResponseType: &kind, loginapi.ParamChallenge: &a.Challenge, loginapi.ParamChallengeMethod: &method,
	})
	if fault != nil {
		return a, true, fault
	}
	switch {
	case kind != loginapi.ResponseType:
		return a, true, &oauthError{code: loginapi.ErrUnknownType, description: loginapi.ParamResponseType + " is not " + loginapi.ResponseType}
	case method != loginapi.ChallengeMethod || !isHash(a.Challenge): // plain would be no proof (RFC 7636, 7.2)
		return a, true, badRequest("%s is missing or not of method %s", loginapi.ParamChallenge, loginapi.ChallengeMethod)
	}
	a.Asked, fault = parseAsked(form)
	return a, true, fault
}

// query returns the parameters that parseAuthorization reads.
func (a *authorization) query() url.Values {
	form := a.Asked.form()
	for name, value := range map[string]string{
		loginapi.ParamResponseType: loginapi.ResponseType, loginapi.ParamClientID: loginapi.ClientID, loginapi.ParamRedirectURI: a.Redirect,
		loginapi.ParamState: a.State, loginapi.ParamChallenge: a.Challenge, loginapi.ParamChallengeMethod: loginapi.ChallengeMethod,
	} {
		form.Set(name, value)
	}
	return form
}

// back is where the browser goes with the answer: a code or an error.
func (a *authorization) back(answer url.Values) string {
	if a.State != "" {
		answer.Set(loginapi.ParamState, a.State)
	}
	return a.Redirect + "?" + answer.Encode()
}

// refusal is the answer of an error.
func (a *authorization) refusal(e *oauthError) string {
	return a.back(url.Values{loginapi.ParamError: {e.code}, loginapi.ParamDescription: {e.description}})
}

// authorize asks the signed-in person whether a program on the machine of the browser may have credentials, and sends the answer to
// it. A GET asks; only a POST of that page's own form says yes.
func (s *Service) authorize(x *call) {
	a, trusted, fault := parseAuthorization(x.form)
	switch {
	case !trusted:
		s.complain(x, http.StatusBadRequest, fault.description)
		return
	case fault != nil:
		s.leave(x, a.refusal(fault))
		return
	}
	if !s.visitor(x) {
		s.People.SignIn(x.w, x.r, loginapi.AuthorizePath+"?"+a.query().Encode())
		return
	}
	if x.r.Method != http.MethodPost {
		s.show(x, http.StatusOK, "authorize", &page{Address: a.machine(), Asked: a.Asked, Hidden: a.query()}, a.origin())
		return
	}
	if !x.owned() {
		s.complain(x, http.StatusForbidden, "The form is not of this page, or too old. Run stint login again.")
		return
	}
	if x.form.Get(decisionField) != decisionAllow {
		s.leave(x, a.refusal(&oauthError{code: loginapi.ErrAccessDenied, description: "the person said no"}))
		return
	}
	i, err := s.credentials(x, a.Asked)
	if err != nil {
		s.notIssued(x, a.Asked.audited(loginapi.GrantCode), err)
		return
	}
	code, fault := s.keepCode(x, a, i)
	if fault != nil {
		s.leave(x, a.refusal(fault))
		return
	}
	s.leave(x, a.back(url.Values{loginapi.ParamCode: {code}}))
}

// keepCode writes down that credentials were made, and keeps them under a code.
func (s *Service) keepCode(x *call, a *authorization, i *issued) (string, *oauthError) {
	if err := s.recordIssued(x, authorizeAccess, a.Asked.audited(loginapi.GrantCode), i); err != nil {
		s.Log.Error("credentials were not given out", "error", err)
		return "", unavailable()
	}
	code, err := newHandle(s.Random)
	if err == nil {
		g := &codeGrant{Challenge: a.Challenge, Redirect: a.Redirect, Expires: x.request.Time.Add(codeLifetime), Issued: *i}
		err = keepGrant(x.r.Context(), s.Grants, codeID(code), g, codeLifetime)
	}
	if err != nil {
		return "", s.storeFault(err, unavailable())
	}
	return code, nil
}

// origin is where the page's form may lead to in the end: browsers hold a redirect after a form against form-action too.
func (a *authorization) origin() string { return strings.TrimSuffix(a.Redirect, loginapi.CallbackPath) }

// machine is the part of the address that the page shows.
func (a *authorization) machine() string { return strings.TrimPrefix(a.origin(), "http://") }
