package iam

import (
	"context"
	"fmt"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// GetContextKeysForCustomPolicy lists the condition keys that the given policies ask for.
func (s *Service) GetContextKeysForCustomPolicy(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetContextKeysForCustomPolicyInput,
) (*api.GetContextKeysForCustomPolicyOutput, error) {
	if err := s.authorize(v, req, ask{operation: "GetContextKeysForCustomPolicy"}); err != nil {
		return nil, err
	}
	keys, err := givenContextKeys(in.PolicyInputList)
	if err != nil {
		return nil, err
	}
	return &api.GetContextKeysForCustomPolicyOutput{ContextKeyNames: keys}, nil
}

// GetContextKeysForPrincipalPolicy lists those that the policies of a user, group or role ask for, its boundary's too, besides
// the given ones'. The answer is of one type for both operations (API).
func (s *Service) GetContextKeysForPrincipalPolicy(
	_ context.Context, v *directory.View, req *identity.Request, in *api.GetContextKeysForPrincipalPolicyInput,
) (*api.GetContextKeysForCustomPolicyOutput, error) {
	p, err := s.principal(v, req, "GetContextKeysForPrincipalPolicy", in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	keys, err := givenContextKeys(in.PolicyInputList)
	if err != nil {
		return nil, err
	}
	for _, source := range p.sources {
		keys = append(keys, source.document.Policy(policy.Identity).Document().ContextKeys()...)
	}
	if m, ok := v.PolicyByARN(p.boundary); ok && m.Default() != nil {
		keys = append(keys, m.Default().Policy(policy.Boundary).Document().ContextKeys()...)
	}
	return &api.GetContextKeysForCustomPolicyOutput{ContextKeyNames: keys}, nil
}

// givenContextKeys lists the keys of the policies in a request. A key is listed once for each policy (index id 70799139290).
func givenContextKeys(texts []string) ([]string, error) {
	keys := []string{}
	for i, text := range texts {
		d, err := policy.Parse(text, policy.Generic)
		if err != nil {
			return nil, invalidContent("Policy input list", i, err)
		}
		keys = append(keys, d.ContextKeys()...)
	}
	return keys, nil
}

// invalidContent refuses a policy among those that a request gives (index id 66299914338).
func invalidContent(list string, index int, cause error) error {
	return identity.NewFault(identity.InvalidInput, fmt.Sprintf("%s item %d has invalid content", list, index+1)).Because(cause)
}

func invalidInput(message string) *identity.Fault {
	return identity.NewFault(identity.InvalidInput, message)
}
