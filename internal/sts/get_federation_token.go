package sts

import (
	"context"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// GetFederationToken begins a session for somebody whom the calling user vouches for. Its permissions are what both the
// user's policies and the session policies allow; without session policies, nothing.
func (s *Service) GetFederationToken(_ context.Context, v *directory.View, req *identity.Request, in *api.GetFederationTokenInput) (*api.GetFederationTokenOutput, error) {
	c := &req.Caller
	if c.Temporary() {
		return nil, accessDenied("Cannot call GetFederationToken with session credentials")
	}
	tags, err := requestedTags(in.Tags, nil)
	if err != nil {
		return nil, err
	}
	sess := &identity.Session{
		Kind:        identity.FederationSession,
		Account:     c.Account,
		PrincipalID: c.PrincipalID,
		Name:        in.Name,
		Tags:        tags,
	}
	federated := arn.FederatedUser(v.Partition(), c.Account, in.Name)
	if err := s.mayFederate(v, req, federated, plainTags(tags)); err != nil {
		return nil, err
	}
	size, err := s.restrict(v, sess, in.Policy, in.PolicyArns) // not before: it tells which policies exist
	if err != nil {
		return nil, err
	}
	token, err := s.issue(v, req, sess, s.userSeconds(c, in.DurationSeconds))
	if err != nil {
		return nil, err
	}
	return &api.GetFederationTokenOutput{
		Credentials: credentials(sess, token),
		FederatedUser: &api.FederatedUser{
			Arn:             federated,
			FederatedUserId: string(c.Account) + ":" + in.Name,
		},
		PackedPolicySize: new(int32(size.Percent())), // always there, unlike AssumeRole's
	}, nil
}

func (s *Service) mayFederate(v *directory.View, req *identity.Request, federated string, tags []directory.Tag) error {
	actions := []string{"sts:GetFederationToken"}
	if len(tags) > 0 {
		actions = []string{"sts:TagSession", "sts:GetFederationToken"}
	}
	for _, action := range actions {
		decision := s.Authorizer.Authorize(v, req, authz.Query{Action: action, Resource: federated, RequestTags: tags})
		if !decision.Allowed() {
			return decision.Fault()
		}
	}
	return nil
}
