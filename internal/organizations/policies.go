package organizations

import (
	"context"
	"unicode/utf8"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
	"github.com/stint-sts/stint/policy/lint"
)

// limits are the quotas of a type of policy (UG, quotas). Sizes are in characters as sent, white space included.
type limits struct {
	language                 policy.Type
	size, number, attachment int
}

func limitsOf(t directory.ControlType) limits {
	if t == directory.ResourceControl {
		return limits{policy.RCP, 5120, 1000, 5}
	}
	return limits{policy.SCP, 10240, 10000, 10}
}

// CreatePolicy makes a policy, which nothing is attached to yet.
func (s *Service) CreatePolicy(
	ctx context.Context, _ *directory.View, req *identity.Request, in *api.OrganizationsCreatePolicyInput,
) (*api.OrganizationsCreatePolicyOutput, error) {
	tags, err := requestedTags(in.Tags)
	if err != nil {
		return nil, err
	}
	var answer *api.OrganizationsPolicy
	a := ask{operation: "CreatePolicy", policyType: in.Type, tags: tags}
	err = s.change(ctx, req, a, func(v *directory.View, o *directory.Organization, c *directory.Change) error {
		t, err := obeyed(in.Type)
		if err != nil {
			return err
		}
		if o.BillingOnly {
			return typeNotAvailable
		}
		id, err := directory.NewControlPolicyID(s.Random)
		if err != nil {
			return err
		}
		p := &directory.ControlPolicy{Owner: directory.Global, ID: id, Name: in.Name, Description: in.Description, Type: t, Tags: tags}
		if p.Document, err = document(req, t, in.Content); err != nil {
			return err
		}
		if err := unique(v, p); err != nil {
			return err
		}
		c.Freeze(v, directory.Global, directory.KindControlPolicy) // the names, and how many there are
		c.Require(o)
		c.Put(p)
		answer = showPolicy(v, o, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.OrganizationsCreatePolicyOutput{Policy: answer}, nil
}

// document accepts the text of a policy.
func document(req *identity.Request, t directory.ControlType, text string) (*directory.Document, error) {
	l := limitsOf(t)
	if utf8.RuneCountInString(text) > l.size {
		return nil, contentLimit
	}
	if _, err := policy.Parse(text, l.language); err != nil {
		return nil, malformed.Because(err)
	}
	req.PolicyWarnings = lint.Warnings(text, l.language, lint.Options{})
	return directory.NewDocument(text), nil
}

// unique holds that no other policy of the type has the name, and the quota for a new one.
func unique(v *directory.View, p *directory.ControlPolicy) error {
	n := 0
	for other := range v.ControlPolicies() {
		if other.Type != p.Type || other.ID == p.ID {
			continue
		}
		n++
		if other.Name == p.Name {
			return duplicatePolicy
		}
	}
	if p.Revision() == 0 && n >= limitsOf(p.Type).number {
		return policyLimit
	}
	return nil
}

// UpdatePolicy changes a policy's name, description or text. It is in force with the answer.
func (s *Service) UpdatePolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.UpdatePolicyInput) (*api.UpdatePolicyOutput, error) {
	var answer *api.OrganizationsPolicy
	err := s.changePolicy(ctx, req, "UpdatePolicy", in.PolicyId, func(v *directory.View, o *directory.Organization, p *directory.ControlPolicy, c *directory.Change) (err error) {
		next := p.Clone()
		if in.Name != nil {
			next.Name = *in.Name
		}
		if in.Description != nil {
			next.Description = *in.Description
		}
		if in.Content != nil {
			if next.Document, err = document(req, p.Type, *in.Content); err != nil {
				return err
			}
		}
		if next.Name != p.Name {
			if err := unique(v, next); err != nil {
				return err
			}
			c.Freeze(v, directory.Global, directory.KindControlPolicy)
		}
		c.Put(next)
		answer = showPolicy(v, o, next)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdatePolicyOutput{Policy: answer}, nil
}

// DeletePolicy deletes a policy that is attached to nothing.
func (s *Service) DeletePolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.OrganizationsDeletePolicyInput) (*api.Empty, error) {
	return done(s.changePolicy(ctx, req, "DeletePolicy", in.PolicyId, func(v *directory.View, o *directory.Organization, p *directory.ControlPolicy, c *directory.Change) error {
		for range targets(v, o, p) {
			return policyInUse
		}
		c.Freeze(v, directory.Global, directory.KindUnit, directory.KindMember)
		c.Require(o)
		c.Delete(p)
		return nil
	}))
}

// changePolicy refuses AWS's own policies.
func (s *Service) changePolicy(
	ctx context.Context, req *identity.Request, operation, id string,
	alter func(v *directory.View, o *directory.Organization, p *directory.ControlPolicy, c *directory.Change) error,
) error {
	return s.change(ctx, req, ask{operation: operation, ids: []string{id}}, func(v *directory.View, o *directory.Organization, c *directory.Change) error {
		p, ok := v.ControlPolicy(id)
		if !ok {
			return policyNotFound
		}
		if p.Owner == directory.AWSAccount {
			return immutablePolicy
		}
		return alter(v, o, p, c)
	})
}

// DescribePolicy shows a policy with its text.
func (s *Service) DescribePolicy(_ context.Context, v *directory.View, req *identity.Request, in *api.DescribePolicyInput) (*api.DescribePolicyOutput, error) {
	o, err := s.enter(v, req, ask{operation: "DescribePolicy", ids: []string{in.PolicyId}})
	if err != nil {
		return nil, err
	}
	p, ok := v.ControlPolicy(in.PolicyId)
	if !ok {
		return nil, policyNotFound
	}
	return &api.DescribePolicyOutput{Policy: showPolicy(v, o, p)}, nil
}

// ListPolicies lists the policies of a type, AWS's own among them.
func (s *Service) ListPolicies(
	_ context.Context, v *directory.View, req *identity.Request, in *api.OrganizationsListPoliciesInput,
) (*api.OrganizationsListPoliciesOutput, error) {
	p, err := s.page(v, req, in.NextToken, in.MaxResults, "ListPolicies", in.Filter)
	if err != nil {
		return nil, err
	}
	o, err := s.enter(v, req, ask{operation: "ListPolicies", policyType: in.Filter})
	if err != nil {
		return nil, err
	}
	ofType := only(v.ControlPolicies(), func(p *directory.ControlPolicy) bool { return string(p.Type) == in.Filter })
	policies, next, err := list(p, ofType, policyKey, func(p *directory.ControlPolicy) api.PolicySummary { return summary(v, o, p) })
	if err != nil {
		return nil, err
	}
	return &api.OrganizationsListPoliciesOutput{Policies: policies, NextToken: next}, nil
}

// policyKey puts AWS's own policies first, as the View yields them: - comes before letters.
func policyKey(p *directory.ControlPolicy) string {
	if p.Owner == directory.AWSAccount {
		return "-" + p.ID
	}
	return p.ID
}

func showPolicy(v *directory.View, o *directory.Organization, p *directory.ControlPolicy) *api.OrganizationsPolicy {
	return &api.OrganizationsPolicy{PolicySummary: new(summary(v, o, p)), Content: new(p.Document.Text())}
}

func summary(v *directory.View, o *directory.Organization, p *directory.ControlPolicy) api.PolicySummary {
	return api.PolicySummary{
		Id: &p.ID, Arn: new(v.ControlPolicyARN(o, p)), Name: &p.Name, Description: &p.Description, Type: new(string(p.Type)),
		AwsManaged: new(p.Owner == directory.AWSAccount),
	}
}
