package sts

import (
	"context"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation/saml"
	"github.com/stint-sts/stint/internal/identity"
)

// AssumeRoleWithSAML begins a role session for the subject of a SAML response. The request is not signed: the response is all
// that says who makes it, and begins one session only.
func (s *Service) AssumeRoleWithSAML(
	ctx context.Context, v *directory.View, req *identity.Request, in *api.AssumeRoleWithSAMLInput,
) (*api.AssumeRoleWithSAMLOutput, error) {
	role, err := arn.Parse(in.RoleArn)
	if err != nil {
		return nil, validation("Request ARN is invalid").Because(err)
	}
	if _, err := arn.Parse(in.PrincipalArn); err != nil {
		return nil, validation("Request ARN is invalid").Because(err)
	}
	assertion, err := s.SAML.Verify(v, saml.Presented{
		Response:    in.SAMLAssertion,
		ProviderARN: in.PrincipalArn,
		RoleARN:     in.RoleArn,
		RequestID:   req.ID,
		Time:        req.Time,
	})
	if err != nil {
		return nil, err
	}
	begun, err := s.assumeFederated(v, req, &assertion.Assertion, federated{
		action:      "sts:AssumeRoleWithSAML",
		roleARN:     in.RoleArn,
		account:     arn.AccountID(role.Account),
		sessionName: assertion.SessionName,
		policy:      in.Policy,
		policyARNs:  in.PolicyArns,
		seconds:     in.DurationSeconds,
		spend:       func() error { return assertion.Spend(ctx) },
	})
	if err != nil {
		return nil, err
	}
	return &api.AssumeRoleWithSAMLOutput{
		Audience:         &assertion.Audience,
		AssumedRoleUser:  begun.user,
		Credentials:      begun.credentials,
		Subject:          &assertion.Subject,
		NameQualifier:    &assertion.NameQualifier,
		SubjectType:      &assertion.SubjectType,
		Issuer:           &assertion.Issuer,
		PackedPolicySize: begun.packed,
		SourceIdentity:   begun.sourceIdentity,
	}, nil
}
