package sts

import (
	"bytes"
	"context"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/session"
)

// messageSeparator ends the account id in front of a sealed message.
const messageSeparator = '\n'

// EncodeAuthorizationMessage seals the explanation of a denial for the caller's account: only principals of that account can
// have it decoded.
func (s *Service) EncodeAuthorizationMessage(v *directory.View, caller *identity.Caller, denial identity.Explainer) (string, error) {
	explanation, err := denial.Explain()
	if err != nil {
		return "", err
	}
	plain := append([]byte(caller.Account), messageSeparator)
	return s.Sealer.SealMessage(v, session.AuthorizationMessage, append(plain, explanation...))
}

// DecodeAuthorizationMessage opens what EncodeAuthorizationMessage sealed.
func (s *Service) DecodeAuthorizationMessage(_ context.Context, v *directory.View, req *identity.Request, in *api.DecodeAuthorizationMessageInput) (*api.DecodeAuthorizationMessageOutput, error) {
	decision := s.Authorizer.Authorize(v, req, authz.Query{Action: "sts:DecodeAuthorizationMessage", Resource: "*"})
	if !decision.Allowed() {
		return nil, decision.Fault()
	}
	invalid := identity.NewFault(identity.InvalidAuthorizationMessage, "Message is not valid")
	plain, err := s.Sealer.OpenMessage(v, session.AuthorizationMessage, in.EncodedMessage)
	if err != nil {
		return nil, invalid.Because(err)
	}
	account, explanation, ok := bytes.Cut(plain, []byte{messageSeparator})
	if !ok || string(account) != string(req.Caller.Account) {
		return nil, invalid
	}
	return &api.DecodeAuthorizationMessageOutput{DecodedMessage: new(string(explanation))}, nil
}
