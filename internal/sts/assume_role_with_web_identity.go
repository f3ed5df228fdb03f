package sts

import (
	"context"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation/oidc"
	"github.com/stint-sts/stint/internal/identity"
)

// AssumeRoleWithWebIdentity begins a role session for the subject of a web identity token. The request is not signed: the token
// is all that says who makes it.
func (s *Service) AssumeRoleWithWebIdentity(
	ctx context.Context, v *directory.View, req *identity.Request, in *api.AssumeRoleWithWebIdentityInput,
) (*api.AssumeRoleWithWebIdentityOutput, error) {
	role, err := arn.Parse(in.RoleArn)
	if err != nil {
		return nil, validation("Request ARN is invalid").Because(err)
	}
	assertion, err := s.WebIdentity.Verify(ctx, v, oidc.Presented{
		Token:      in.WebIdentityToken,
		ProviderID: in.ProviderId,
		Account:    arn.AccountID(role.Account),
		RoleARN:    in.RoleArn,
		Time:       req.Time,
	})
	if err != nil {
		return nil, err
	}
	begun, err := s.assumeFederated(v, req, assertion, federated{
		action:      "sts:AssumeRoleWithWebIdentity",
		roleARN:     in.RoleArn,
		account:     arn.AccountID(role.Account),
		sessionName: in.RoleSessionName,
		policy:      in.Policy,
		policyARNs:  in.PolicyArns,
		seconds:     in.DurationSeconds,
	})
	if err != nil {
		return nil, err
	}
	return &api.AssumeRoleWithWebIdentityOutput{
		Audience:                    &assertion.Audience,
		AssumedRoleUser:             begun.user,
		Provider:                    &assertion.Provider,
		Credentials:                 begun.credentials,
		SubjectFromWebIdentityToken: &assertion.Subject,
		PackedPolicySize:            begun.packed,
		SourceIdentity:              begun.sourceIdentity,
	}, nil
}
