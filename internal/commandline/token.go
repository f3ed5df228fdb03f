package commandline

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/loginapi"
	"github.com/stint-sts/stint/internal/throttle"
)

// token trades a code for the credentials that were kept under it.
func (s *Service) token(x *call) {
	if !s.programs.Allow(throttle.Peer(x.r), x.request.Time) {
		s.answer(x, &oauthError{code: loginapi.ErrSlowDown, description: "too many requests"})
		return
	}
	var grantType, client string
	fault := several(x.form, map[string]*string{loginapi.ParamGrantType: &grantType, loginapi.ParamClientID: &client})
	if fault == nil && client != loginapi.ClientID {
		fault = &oauthError{code: loginapi.ErrInvalidClient, description: "the client is unknown"}
	}
	var i *issued
	if fault == nil {
		switch grantType {
		case loginapi.GrantCode:
			i, fault = s.takeCode(x)
		case loginapi.GrantDevice:
			i, fault = s.takeDevice(x)
		default:
			fault = &oauthError{code: loginapi.ErrUnknownGrant, description: "the grant type is unknown"}
			grantType = ""
		}
	}
	switch {
	case fault == nil:
		s.give(x, grantType, i)
	case fault.code == loginapi.ErrPending || fault.code == loginapi.ErrSlowDown:
		s.answer(x, fault) // nothing has happened, and it comes every few seconds
	default:
		s.refuse(x, createToken, audited{GrantType: grantType}, fault)
	}
}

// give answers with credentials. They are whose they are from here on, in the audit log too.
func (s *Service) give(x *call, grantType string, i *issued) {
	x.request.Caller = identity.Caller{
		Kind: i.Kind, Account: arn.AccountID(i.Account), ARN: i.Token.ARN, UserID: i.UserID, PrincipalID: i.PrincipalID,
		AccessKeyID: i.Token.AccessKeyID,
	}
	ends, err := time.Parse(time.RFC3339, i.Token.Expiration)
	if err == nil {
		i.Token.ExpiresIn = int64(ends.Sub(x.request.Time) / time.Second)
		err = s.recordIssued(x, createToken, audited{GrantType: grantType}, i)
	}
	if err != nil {
		s.Log.Error("credentials were not given out", "error", err)
		s.answer(x, unavailable())
		return
	}
	if err := writeJSON(x.w, http.StatusOK, i.Token); err != nil {
		s.Log.Error("credentials were not given out", "error", err)
	}
}

// badGrant is one answer for whatever is wrong with a code: who guesses learns nothing.
func badGrant(reason string) *oauthError {
	return &oauthError{loginapi.ErrInvalidGrant, "the code is unknown, over, used before, or of another request", reason}
}

// takeCode trades a code of the browser's way. It is spent by the first attempt, whether that has the right verifier or not: who has
// the code and not the verifier has stolen it.
func (s *Service) takeCode(x *call) (*issued, *oauthError) {
	var code, redirect, verifier string
	fault := several(x.form, map[string]*string{
		loginapi.ParamCode: &code, loginapi.ParamRedirectURI: &redirect, loginapi.ParamVerifier: &verifier,
	})
	switch {
	case fault != nil:
		return nil, fault
	case code == "" || redirect == "" || verifier == "":
		return nil, badRequest("%s, %s or %s is missing", loginapi.ParamCode, loginapi.ParamRedirectURI, loginapi.ParamVerifier)
	case !isHash(code):
		return nil, badGrant("the code is malformed")
	}
	value, err := s.Grants.TakeGrant(x.r.Context(), codeID(code))
	if err != nil {
		return nil, s.storeFault(err, badGrant("the code is unknown, over or used before"))
	}
	g, err := decodeGrant[codeGrant](value)
	switch {
	case err != nil:
		return nil, s.storeFault(err, nil)
	case !x.request.Time.Before(g.Expires):
		return nil, badGrant("the code is over")
	case g.Redirect != redirect:
		return nil, badGrant("the code was sent to another address")
	case !sameHash([]byte(g.Challenge), []byte(base64.RawURLEncoding.EncodeToString(hashOf(verifier)))):
		return nil, badGrant("the code verifier does not match")
	}
	return &g.Issued, nil
}

// takeDevice trades a device code, once the person has said yes.
func (s *Service) takeDevice(x *call) (*issued, *oauthError) {
	code, fault := one(x.form, loginapi.ParamDeviceCode)
	if fault != nil {
		return nil, fault
	}
	user, secret, ok := strings.Cut(code, ".")
	if user, ok2 := parseUserCode(user); !ok || !ok2 || !isHash(secret) || code != user+"."+secret {
		return nil, badGrant("the device code is malformed")
	}
	over := &oauthError{loginapi.ErrExpired, "the code is over, or was never given out", "the device code is unknown, over or used before"}
	value, _, err := s.Grants.ReadGrant(x.r.Context(), deviceID(user))
	if err != nil {
		return nil, s.storeFault(err, over)
	}
	g, err := decodeGrant[deviceGrant](value)
	switch {
	case err != nil:
		return nil, s.storeFault(err, nil)
	case !sameHash(g.Secret, hashOf(secret)):
		return nil, badGrant("the secret of the device code does not match")
	case !x.request.Time.Before(g.Expires):
		return nil, over
	case !s.polls.Allow(deviceID(user), x.request.Time):
		return nil, &oauthError{code: loginapi.ErrSlowDown, description: "ask less often"}
	case g.State == devicePending:
		return nil, &oauthError{code: loginapi.ErrPending, description: "nobody has answered yet"}
	}
	if value, err = s.Grants.TakeGrant(x.r.Context(), deviceID(user)); err != nil { // of several requests one gets it
		return nil, s.storeFault(err, over)
	}
	if g, err = decodeGrant[deviceGrant](value); err != nil {
		return nil, s.storeFault(err, nil)
	}
	if g.State != deviceApproved || g.Issued == nil {
		return nil, &oauthError{code: loginapi.ErrAccessDenied, description: "the person said no"}
	}
	return g.Issued, nil
}
