package sts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// ErrTraded is what [TradeIns] answer when somebody else was faster.
var ErrTraded = errors.New("sts: the exchange token was traded in")

// TradeIns remembers which exchange tokens were traded in. Trade returns nil for one of any number of calls for a request, on
// any node, and only once that is durable. An error that Is [ErrTraded] means that another call had nil.
type TradeIns interface {
	Trade(ctx context.Context, r *directory.DelegationRequest, now time.Time) error
}

// GetDelegatedAccessToken trades the exchange token of a delegation request in for a session of the approver, which can do what
// the request asked for. The token is good once.
func (s *Service) GetDelegatedAccessToken(ctx context.Context, v *directory.View, req *identity.Request, in *api.GetDelegatedAccessTokenInput) (*api.GetDelegatedAccessTokenOutput, error) {
	decision := s.Authorizer.Authorize(v, req, authz.Query{Action: "sts:GetDelegatedAccessToken", Resource: "*"})
	if !decision.Allowed() {
		return nil, decision.Fault()
	}
	r, err := s.tradeable(v, req, in.TradeInToken)
	if err != nil {
		return nil, err
	}
	sess, ok := delegated(v, r)
	if !ok {
		return nil, badTradeIn.Because(errors.New("the approver is not there any more"))
	}
	text := r.Policy.Text()
	size, err := s.restrict(v, sess, &text, nil)
	if err != nil {
		return nil, err
	}
	// Before anything is given out: whoever loses the race gets nothing.
	if err := s.TradeIns.Trade(ctx, r, req.Time); errors.Is(err, ErrTraded) {
		return nil, spentTradeIn.Because(err)
	} else if err != nil {
		return nil, identity.NewFault(identity.ServiceUnavailable, "").Because(fmt.Errorf("trading in an exchange token: %w", err))
	}
	left := int32(r.Ends().Sub(req.Time.Truncate(time.Second)) / time.Second)
	token, err := s.issue(v, req, sess, s.capped(left))
	if err != nil {
		return nil, err
	}
	return &api.GetDelegatedAccessTokenOutput{
		Credentials:      credentials(sess, token),
		PackedPolicySize: new(int32(size.Percent())),
		AssumedPrincipal: &r.Approver.ARN,
	}, nil
}

var (
	badTradeIn     = identity.NewFault(identity.ValidationError, "The trade-in token is not valid.")
	spentTradeIn   = identity.NewFault(identity.ExpiredTradeInToken, "The trade-in token was traded in already.")
	expiredTradeIn = identity.NewFault(identity.ExpiredTradeInToken, "The trade-in token has expired.")
)

// tradeable finds the request whose token it is, if the caller may trade it in. Of other accounts' requests nothing is told.
func (s *Service) tradeable(v *directory.View, req *identity.Request, token string) (*directory.DelegationRequest, error) {
	t, err := s.Sealer.OpenTradeIn(v, token)
	if err != nil {
		return nil, badTradeIn.Because(err)
	}
	r, ok := v.DelegationRequest(t.RequestID)
	switch {
	case !ok || r.Account != req.Caller.Account:
		return nil, badTradeIn.Because(errors.New("the caller's account made no such delegation request"))
	case r.State != directory.DelegationFinalized || !r.Released.Equal(t.Released) || r.Approver == nil || r.Policy == nil:
		return nil, badTradeIn.Because(errors.New("the token is not the delegation request's"))
	case !req.Time.Before(r.Ends()) || r.StateAt(req.Time) == directory.DelegationExpired:
		return nil, expiredTradeIn
	case !r.Traded.IsZero():
		return nil, spentTradeIn
	}
	return r, nil
}

// delegated is the session of a request's approver, if that is still there.
func delegated(v *directory.View, r *directory.DelegationRequest) (*identity.Session, bool) {
	a := r.Approver
	sess := &identity.Session{
		Account: r.OwnerAccount, PrincipalID: a.PrincipalID, Name: a.SessionName, SourceIdentity: a.SourceIdentity, MFATime: a.MFATime,
	}
	switch e, _ := v.ByID(a.PrincipalID); e := e.(type) {
	case *directory.Role:
		sess.Kind = identity.RoleSession
		if e.Account != r.OwnerAccount {
			return nil, false
		}
	case *directory.User:
		sess.Kind = identity.UserSession
		if e.Account != r.OwnerAccount {
			return nil, false
		}
	default:
		sess.Kind = identity.RootSession
		if _, ok := v.Account(arn.AccountID(a.PrincipalID)); !ok || a.PrincipalID != string(r.OwnerAccount) {
			return nil, false
		}
	}
	for _, t := range a.SessionTags {
		sess.Tags = append(sess.Tags, identity.SessionTag{Key: t.Key, Value: t.Value, Transitive: t.Transitive})
	}
	for _, attribute := range a.Attributes {
		sess.Attributes = append(sess.Attributes, identity.Attribute{Key: attribute.Key, Values: attribute.Values})
	}
	return sess, true
}
