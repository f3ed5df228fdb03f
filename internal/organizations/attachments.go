package organizations

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// AttachPolicy attaches a policy to the root, a unit or an account. It is in force with the answer.
func (s *Service) AttachPolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.AttachPolicyInput) (*api.Empty, error) {
	return done(s.changeAttached(ctx, req, "AttachPolicy", in.PolicyId, in.TargetId, func(p *directory.ControlPolicy, attached []string) ([]string, error) {
		switch {
		case slices.Contains(attached, p.ID):
			return nil, alreadyAttached
		case len(attached) >= limitsOf(p.Type).attachment:
			return nil, attachmentLimit
		}
		return append(attached, p.ID), nil
	}))
}

// DetachPolicy detaches a policy. The last SCP stays: nothing would be allowed without one. AWS's own RCP stays always.
func (s *Service) DetachPolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.DetachPolicyInput) (*api.Empty, error) {
	return done(s.changeAttached(ctx, req, "DetachPolicy", in.PolicyId, in.TargetId, func(p *directory.ControlPolicy, attached []string) ([]string, error) {
		i := slices.Index(attached, p.ID)
		switch {
		case i < 0:
			return nil, notAttached
		case p.ID == directory.ResourceFullAccessID:
			return nil, nonDetachable
		case len(attached) == 1:
			return nil, attachmentNeeded
		}
		return slices.Delete(attached, i, i+1), nil
	}))
}

func (s *Service) changeAttached(
	ctx context.Context, req *identity.Request, operation, policyID, targetID string,
	alter func(p *directory.ControlPolicy, attached []string) ([]string, error),
) error {
	a := ask{operation: operation, ids: []string{policyID, targetID}}
	if p, ok := s.Directory.View().ControlPolicy(policyID); ok {
		a.policyType = string(p.Type) // also for the permission on the target
	}
	return s.change(ctx, req, a, func(v *directory.View, o *directory.Organization, c *directory.Change) error {
		p, ok := v.ControlPolicy(policyID)
		if !ok {
			return policyNotFound
		}
		n, ok := nodeOf(v, o, targetID)
		if !ok {
			return targetNotFound
		}
		if !o.Control(p.Type).Enabled {
			return typeNotEnabled
		}
		attached, err := alter(p, slices.Clone(o.Attached(n.Node, p.Type)))
		if err != nil {
			return err
		}
		o.Attach(n.Node, p.Type, attached)
		if p.Owner != directory.AWSAccount {
			c.Require(p)
		}
		c.Require(o)
		c.Put(n.entity)
		return nil
	})
}

// ListPoliciesForTarget lists the policies of a type that are attached directly to the root, a unit or an account.
func (s *Service) ListPoliciesForTarget(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListPoliciesForTargetInput,
) (*api.ListPoliciesForTargetOutput, error) {
	p, err := s.page(v, req, in.NextToken, in.MaxResults, "ListPoliciesForTarget", in.TargetId, in.Filter)
	if err != nil {
		return nil, err
	}
	o, err := s.enter(v, req, ask{operation: "ListPoliciesForTarget", ids: []string{in.TargetId}, policyType: in.Filter})
	if err != nil {
		return nil, err
	}
	n, ok := nodeOf(v, o, in.TargetId)
	if !ok {
		return nil, targetNotFound
	}
	var attached []*directory.ControlPolicy
	if t, err := obeyed(in.Filter); err == nil { // of other types there is none
		for _, id := range o.Attached(n.Node, t) {
			if p, ok := v.ControlPolicy(id); ok {
				attached = append(attached, p)
			}
		}
	}
	slices.SortFunc(attached, func(a, b *directory.ControlPolicy) int { return cmp.Compare(policyKey(a), policyKey(b)) })
	policies, next, err := list(p, slices.Values(attached), policyKey, func(p *directory.ControlPolicy) api.PolicySummary { return summary(v, o, p) })
	if err != nil {
		return nil, err
	}
	return &api.ListPoliciesForTargetOutput{Policies: policies, NextToken: next}, nil
}

// ListTargetsForPolicy lists what a policy is attached to.
func (s *Service) ListTargetsForPolicy(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListTargetsForPolicyInput,
) (*api.ListTargetsForPolicyOutput, error) {
	p, err := s.page(v, req, in.NextToken, in.MaxResults, "ListTargetsForPolicy", in.PolicyId)
	if err != nil {
		return nil, err
	}
	o, err := s.enter(v, req, ask{operation: "ListTargetsForPolicy", ids: []string{in.PolicyId}})
	if err != nil {
		return nil, err
	}
	found, ok := v.ControlPolicy(in.PolicyId)
	if !ok {
		return nil, policyNotFound
	}
	out, next, err := list(p, targets(v, o, found), func(t api.PolicyTargetSummary) string { return *t.TargetId },
		func(t api.PolicyTargetSummary) api.PolicyTargetSummary { return t })
	if err != nil {
		return nil, err
	}
	return &api.ListTargetsForPolicyOutput{Targets: out, NextToken: next}, nil
}

// targets yields what a policy is attached to in order of ids: accounts, which are numbers, units (ou-…), the root (r-…).
func targets(v *directory.View, o *directory.Organization, p *directory.ControlPolicy) iter.Seq[api.PolicyTargetSummary] {
	return func(yield func(api.PolicyTargetSummary) bool) {
		has := func(n *directory.Node) bool { return slices.Contains(o.Attached(n, p.Type), p.ID) }
		show := func(id, kind, resource, name string) bool {
			return yield(api.PolicyTargetSummary{TargetId: &id, Arn: new(o.ARN(v.Partition(), resource, id)), Name: &name, Type: &kind})
		}
		for m := range v.OrganizationMembers() {
			if has(&m.Node) && !show(string(m.Account), kindAccount, "account", m.Name) {
				return
			}
		}
		for u := range v.Units() {
			if has(&u.Node) && !show(u.ID, kindUnit, "ou", u.Name) {
				return
			}
		}
		if has(&o.Root) {
			show(o.RootID, kindRoot, "root", rootName)
		}
	}
}
