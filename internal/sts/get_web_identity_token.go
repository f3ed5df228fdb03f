package sts

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation/outbound"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// defaultTokenSeconds is DurationSeconds unless the request has it (STS API reference).
const defaultTokenSeconds = 300

// GetWebIdentityToken gives the caller a token of the account's own issuer, with which it proves to others who it is.
func (s *Service) GetWebIdentityToken(_ context.Context, v *directory.View, req *identity.Request, in *api.GetWebIdentityTokenInput) (*api.GetWebIdentityTokenOutput, error) {
	if in.SigningAlgorithm != outbound.RS256 && in.SigningAlgorithm != outbound.ES384 {
		return nil, validation("1 validation error detected: Value '" + in.SigningAlgorithm + "' at 'signingAlgorithm' failed to satisfy " +
			"constraint: Member must satisfy enum value set: [RS256, ES384]")
	}
	requested, err := requestedTags(in.Tags, nil)
	if err != nil {
		return nil, err
	}
	seconds := int32(defaultTokenSeconds)
	if in.DurationSeconds != nil {
		seconds = *in.DurationSeconds
	}
	if err := s.mayProve(v, req, in, seconds, plainTags(requested)); err != nil {
		return nil, err
	}
	account, ok := v.Account(req.Caller.Account)
	if !ok || account.Outbound == nil || !account.Outbound.Enabled {
		return nil, identity.NewFault(identity.OutboundDisabled, "Outbound web identity federation is not enabled for this account. "+
			"To use this feature, an administrator must enable it with EnableOutboundWebIdentityFederation.")
	}
	issued := req.Time.UTC().Truncate(time.Second)
	expires := issued.Add(time.Duration(seconds) * time.Second)
	if c := req.Caller.Session; c != nil && expires.After(c.Expires) {
		return nil, identity.NewFault(identity.SessionDurationEscalation, "The requested token duration would extend the session beyond its "+
			"original expiration time.")
	}
	claims, err := s.claims(v, req, in.Audience, requested)
	if err != nil {
		return nil, err
	}
	claims.Issuer, claims.Issued, claims.Expires = s.OutboundIssuer(account.Outbound.ID), issued.Unix(), expires.Unix()
	token, err := outbound.Sign(account.Outbound, in.SigningAlgorithm, req.Time, claims)
	if errors.Is(err, outbound.ErrTooLarge) {
		return nil, identity.NewFault(identity.JWTPayloadSizeExceeded, "The requested token payload size exceeds the maximum allowed size. "+
			"Reduce the number of request tags to reduce the token payload size.")
	}
	if err != nil {
		return nil, err
	}
	return &api.GetWebIdentityTokenOutput{WebIdentityToken: &token, Expiration: &expires}, nil
}

// mayProve asks for the tags first, as everywhere. The resource is the caller's own account's.
func (s *Service) mayProve(v *directory.View, req *identity.Request, in *api.GetWebIdentityTokenInput, seconds int32, tags []directory.Tag) error {
	q := authz.Query{
		Resource:    "arn:" + string(v.Partition()) + ":sts::" + string(req.Caller.Account) + ":self",
		RequestTags: tags,
		Keys: []authz.Key{
			{Name: "sts:identitytokenaudience", Value: policy.Many(in.Audience)},
			{Name: "sts:durationseconds", Value: policy.One(strconv.Itoa(int(seconds)))},
			{Name: "sts:signingalgorithm", Value: policy.One(in.SigningAlgorithm)},
		},
	}
	actions := []string{"sts:GetWebIdentityToken"}
	if len(tags) > 0 {
		actions = []string{"sts:TagGetWebIdentityToken", "sts:GetWebIdentityToken"}
	}
	for _, action := range actions {
		q.Action = action
		if decision := s.Authorizer.Authorize(v, req, q); !decision.Allowed() {
			return decision.Fault()
		}
	}
	return nil
}

// claims are all but the issuer's and the times. The subject of a role's session is the role.
func (s *Service) claims(v *directory.View, req *identity.Request, audience []string, requested []identity.SessionTag) (*outbound.Claims, error) {
	id, err := directory.NewUUID(s.Random)
	if err != nil {
		return nil, err
	}
	c := &req.Caller
	out := &outbound.Claims{Audience: audience, Subject: c.ARN, ID: id}
	var own []directory.Tag
	switch e, _ := v.ByID(c.PrincipalID); e := e.(type) {
	case *directory.Role:
		out.Subject, own = e.ARN, e.Tags
	case *directory.User:
		own = e.Tags
	}
	out.AWS = outbound.AWS{
		Account:       string(c.Account),
		Region:        req.Region,
		PrincipalID:   out.Subject,
		PrincipalTags: principalTags(own, c.Session),
		RequestTags:   tagMap(plainTags(requested)),
	}
	if o, ok := v.Standing(c.Account); ok {
		out.AWS.OrganizationID, out.AWS.OrganizationPaths = o.Organization.ID, o.Paths
	}
	if c.Session != nil {
		out.AWS.SessionExpires = c.Session.Expires.UTC().Format(time.RFC3339)
		out.AWS.SourceIdentity = c.Session.SourceIdentity
		for _, a := range c.Session.Attributes {
			if a.Key == federatedProvider && len(a.Values) == 1 {
				out.AWS.FederatedProvider = a.Values[0]
			}
		}
	}
	return out, nil
}

// principalTags are those that aws:PrincipalTag would have: the session's before the principal's own of the same key.
func principalTags(own []directory.Tag, sess *identity.Session) map[string]string {
	var all []directory.Tag
	if sess != nil {
		all = plainTags(sess.Tags)
	}
	for _, t := range own {
		if _, ok := directory.TagValue(all, t.Key); !ok {
			all = append(all, t)
		}
	}
	return tagMap(all)
}

func tagMap(tags []directory.Tag) map[string]string {
	out := make(map[string]string, len(tags))
	for _, t := range tags {
		out[t.Key] = t.Value
	}
	return out
}
