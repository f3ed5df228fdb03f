package sts_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/sts"
)

// tradedOnce trades each request in once.
type tradedOnce struct{ traded sync.Map }

func (o *tradedOnce) Trade(_ context.Context, r *directory.DelegationRequest, _ time.Time) error {
	if _, again := o.traded.LoadOrStore(r.ID, true); again {
		return sts.ErrTraded
	}
	return nil
}

// released is a request of account A that a role of account B accepted, five minutes ago.
func released(w *world, approver *directory.Role) *directory.DelegationRequest {
	w.service.TradeIns = new(tradedOnce)
	r := &directory.DelegationRequest{
		Account: dt.A, ID: "dr-1", OwnerAccount: dt.B, State: directory.DelegationFinalized, SessionSeconds: 3600,
		Released: now.Add(-5 * time.Minute), Expires: now.Add(time.Hour),
		Policy:   directory.NewDocument(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*"}}`),
		Approver: &directory.Approver{ARN: "arn:aws:sts::444455556666:assumed-role/approver/s", PrincipalID: approver.ID, SessionName: "s", SourceIdentity: "ann"},
	}
	w.Put(r)
	return r
}

func TestDelegatedAccessToken(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		alter   func(w *world, r *directory.DelegationRequest, approver *directory.Role)
		spoil   func(token string) string
		policy  string
		code    identity.Code // empty: it works
		message string
	}{
		{name: "control"},
		{name: "no permission", policy: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}`, code: identity.AccessDenied,
			message: "User: arn:aws:iam::111122223333:user/u is not authorized to perform: sts:GetDelegatedAccessToken because no identity-based policy allows " +
				"the sts:GetDelegatedAccessToken action"},
		{name: "another token", spoil: func(string) string { return "x" }, code: identity.ValidationError, message: "The trade-in token is not valid."},
		{name: "another account's", alter: func(w *world, r *directory.DelegationRequest, _ *directory.Role) {
			w.Remove(r.Key())
			r.Account = dt.B
			w.Put(r)
		}, code: identity.ValidationError, message: "The trade-in token is not valid."},
		{name: "not finalized", alter: func(_ *world, r *directory.DelegationRequest, _ *directory.Role) {
			r.State = directory.DelegationAccepted
		},
			code: identity.ValidationError, message: "The trade-in token is not valid."},
		{name: "of an earlier release", alter: func(_ *world, r *directory.DelegationRequest, _ *directory.Role) {
			r.Released = r.Released.Add(time.Second)
		},
			code: identity.ValidationError, message: "The trade-in token is not valid."},
		{name: "the approver is gone", alter: func(w *world, _ *directory.DelegationRequest, approver *directory.Role) { w.Remove(approver.Key()) },
			code: identity.ValidationError, message: "The trade-in token is not valid."},
		{name: "over", alter: func(_ *world, r *directory.DelegationRequest, _ *directory.Role) { r.SessionSeconds = 300 },
			code: identity.ExpiredTradeInToken, message: "The trade-in token has expired."},
		{name: "expired", alter: func(_ *world, r *directory.DelegationRequest, _ *directory.Role) { r.Expires = now },
			code: identity.ExpiredTradeInToken, message: "The trade-in token has expired."},
		{name: "traded", alter: func(_ *world, r *directory.DelegationRequest, _ *directory.Role) { r.Traded = now },
			code: identity.ExpiredTradeInToken, message: "The trade-in token was traded in already."},
		{name: "traded at once", alter: func(w *world, r *directory.DelegationRequest, _ *directory.Role) {
			_ = w.service.TradeIns.Trade(w.t.Context(), r, now)
		}, code: identity.ExpiredTradeInToken, message: "The trade-in token was traded in already."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			approver := w.Role(dt.B, "approver", trust("*"), dt.AllowAll)
			r := released(w, approver)
			if tt.policy == "" {
				tt.policy = dt.AllowAll
			}
			c := user(w.User(dt.A, "u", tt.policy))
			token, err := w.service.Sealer.SealTradeIn(w.View(), session.TradeIn{RequestID: r.ID, Released: r.Released})
			if err != nil {
				t.Fatal(err)
			}
			if tt.alter != nil {
				tt.alter(w, r, approver)
			}
			if tt.spoil != nil {
				token = tt.spoil(token)
			}
			v := w.View()
			out, err := w.service.GetDelegatedAccessToken(t.Context(), v, w.request(c), &api.GetDelegatedAccessTokenInput{TradeInToken: token})
			if tt.code != "" {
				wantFault(t, err, tt.code, tt.message)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !out.Credentials.Expiration.Equal(r.Ends()) || *out.AssumedPrincipal != r.Approver.ARN || *out.PackedPolicySize < 1 {
				t.Errorf("%+v", out)
			}
			as := w.as(v, out.Credentials)
			if as.Account != dt.B || as.ARN != r.Approver.ARN || as.Session.SourceIdentity != "ann" {
				t.Errorf("caller %+v", as)
			}
			for action, allowed := range map[string]bool{"iam:ListUsers": true, "iam:CreateUser": false} {
				if d := w.service.Authorizer.Authorize(v, w.request(as), authz.Query{Action: action, Resource: "*"}); d.Allowed() != allowed {
					t.Errorf("%s: allowed is %v", action, d.Allowed())
				}
			}
		})
	}
}
