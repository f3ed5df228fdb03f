package sts

import (
	"context"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// GetCallerIdentity says who the caller is. No permission is needed and no policy can deny it (STS API reference).
func (s *Service) GetCallerIdentity(_ context.Context, _ *directory.View, req *identity.Request, _ *api.GetCallerIdentityInput) (*api.GetCallerIdentityOutput, error) {
	c := &req.Caller
	account := string(c.Account)
	return &api.GetCallerIdentityOutput{Arn: &c.ARN, UserId: &c.UserID, Account: &account}, nil
}
