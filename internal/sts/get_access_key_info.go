package sts

import (
	"context"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// GetAccessKeyInfo reads the account out of an access key id. It is arithmetic and answers for keys that were never issued.
func (s *Service) GetAccessKeyInfo(_ context.Context, v *directory.View, req *identity.Request, in *api.GetAccessKeyInfoInput) (*api.GetAccessKeyInfoOutput, error) {
	decision := s.Authorizer.Authorize(v, req, authz.Query{Action: "sts:GetAccessKeyInfo", Resource: "*"})
	if !decision.Allowed() {
		return nil, decision.Fault()
	}
	account, err := arn.AccountOfID(in.AccessKeyId)
	if err != nil {
		return nil, validation("The access key id " + in.AccessKeyId + " is invalid").Because(err)
	}
	return &api.GetAccessKeyInfoOutput{Account: new(string(account))}, nil
}
