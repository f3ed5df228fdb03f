package commandline

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/loginapi"
	"github.com/stint-sts/stint/internal/throttle"
)

// device gives out a device code and the user code that goes with it (RFC 8628, 3.2).
func (s *Service) device(x *call) {
	var parameters audited
	client, fault := one(x.form, loginapi.ParamClientID)
	if fault == nil && client != loginapi.ClientID {
		fault = &oauthError{code: loginapi.ErrInvalidClient, description: "the client is unknown"}
	}
	var a asked
	if fault == nil {
		a, fault = parseAsked(x.form)
	}
	if fault == nil && !(s.devices.Allow(throttle.Peer(x.r), x.request.Time) && s.all.Allow("", x.request.Time)) {
		fault = &oauthError{loginapi.ErrUnavailable, "try again later", "too many device codes are asked for"}
	}
	var answer *loginapi.Device
	if fault == nil {
		parameters.RoleARN, parameters.Seconds = a.Role, a.Seconds
		answer, fault = s.newDevice(x, a)
	}
	if fault != nil {
		s.refuse(x, startDevice, parameters, fault)
		return
	}
	// Nothing is given out before a person says yes.
	err := s.record(x, startDevice, parameters, func(e *audit.Event) { e.ReadOnly = true })
	if err == nil {
		err = writeJSON(x.w, http.StatusOK, answer)
	}
	if err != nil {
		s.Log.Error("a device code was not given out", "error", err)
		s.answer(x, unavailable())
	}
}

func (s *Service) newDevice(x *call, a asked) (*loginapi.Device, *oauthError) {
	user, err := newUserCode(s.Random)
	if err != nil {
		return nil, s.storeFault(err, nil)
	}
	secret, err := newHandle(s.Random)
	if err != nil {
		return nil, s.storeFault(err, nil)
	}
	g := &deviceGrant{
		Secret: hashOf(secret), State: devicePending, Asked: a,
		Address: x.request.SourceIP.String(), Agent: truncated(x.request.UserAgent), Began: x.request.Time,
		Expires: x.request.Time.Add(deviceLifetime),
	}
	if err := keepGrant(x.r.Context(), s.Grants, deviceID(user), g, deviceLifetime); err != nil {
		return nil, s.storeFault(err, nil)
	}
	page := s.Origin(x.r) + loginapi.VerifyPath
	return &loginapi.Device{
		DeviceCode:              user + "." + secret,
		UserCode:                showUserCode(user),
		VerificationURI:         page,
		VerificationURIComplete: page + "?" + url.Values{loginapi.ParamUserCode: {showUserCode(user)}}.Encode(),
		ExpiresIn:               int64(deviceLifetime / time.Second),
		Interval:                int64(pollInterval / time.Second),
	}, nil
}

// truncated is as much of a User-Agent as the page shows.
func truncated(agent string) string {
	const most = 120
	return strings.ToValidUTF8(agent[:min(len(agent), most)], "")
}
