package organizations

import (
	"context"
	"slices"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

const rootName = "Root"

// ListRoots shows the root of the organization: there is one.
func (s *Service) ListRoots(_ context.Context, v *directory.View, req *identity.Request, in *api.ListRootsInput) (*api.ListRootsOutput, error) {
	p, err := s.page(v, req, in.NextToken, in.MaxResults, "ListRoots")
	if err != nil {
		return nil, err
	}
	o, err := s.enter(v, req, ask{operation: "ListRoots"})
	if err != nil {
		return nil, err
	}
	roots, next, err := list(p, slices.Values([]*directory.Organization{o}), rootID, func(o *directory.Organization) api.Root { return showRoot(v, o) })
	if err != nil {
		return nil, err
	}
	return &api.ListRootsOutput{Roots: roots, NextToken: next}, nil
}

// EnablePolicyType lets policies of a type be attached. From then on the root and everything below it has AWS's own.
func (s *Service) EnablePolicyType(ctx context.Context, _ *directory.View, req *identity.Request, in *api.EnablePolicyTypeInput) (*api.EnablePolicyTypeOutput, error) {
	root, err := s.changeType(ctx, req, "EnablePolicyType", in.RootId, in.PolicyType, func(state *directory.ControlState) error {
		if state.Enabled {
			return typeEnabled
		}
		state.Enabled = true
		state.Era++
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.EnablePolicyTypeOutput{Root: root}, nil
}

// DisablePolicyType ends the force of all policies of a type and detaches them.
func (s *Service) DisablePolicyType(ctx context.Context, _ *directory.View, req *identity.Request, in *api.DisablePolicyTypeInput) (*api.DisablePolicyTypeOutput, error) {
	root, err := s.changeType(ctx, req, "DisablePolicyType", in.RootId, in.PolicyType, func(state *directory.ControlState) error {
		if !state.Enabled {
			return typeNotEnabled
		}
		state.Enabled = false
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DisablePolicyTypeOutput{Root: root}, nil
}

func (s *Service) changeType(ctx context.Context, req *identity.Request, operation, root, kind string, alter func(*directory.ControlState) error) (*api.Root, error) {
	var answer api.Root
	err := s.change(ctx, req, ask{operation: operation, ids: []string{root}, policyType: kind}, func(v *directory.View, o *directory.Organization, c *directory.Change) error {
		if root != o.RootID {
			return rootNotFound
		}
		t, err := obeyed(kind)
		if err != nil {
			return err
		}
		if o.BillingOnly {
			return typeNotAvailable
		}
		next := o.Clone()
		if err := alter(next.Control(t)); err != nil {
			return err
		}
		c.Put(next)
		answer = showRoot(v, next)
		return nil
	})
	return &answer, err
}

// obeyed returns the type of policy if it is one that the engine obeys.
func obeyed(kind string) (directory.ControlType, error) {
	t := directory.ControlType(kind)
	if t != directory.ServiceControl && t != directory.ResourceControl {
		return "", identity.NewFault(typeNotAvailable.Code, "This server has no policies of type "+kind+".")
	}
	return t, nil
}

func rootID(o *directory.Organization) string { return o.RootID }

func showRoot(v *directory.View, o *directory.Organization) api.Root {
	out := api.Root{Id: &o.RootID, Arn: new(o.ARN(v.Partition(), "root", o.RootID)), Name: new(rootName), PolicyTypes: []api.PolicyTypeSummary{}}
	for _, t := range []directory.ControlType{directory.ServiceControl, directory.ResourceControl} {
		if o.Control(t).Enabled {
			out.PolicyTypes = append(out.PolicyTypes, policyTypeSummary(t))
		}
	}
	return out
}

func policyTypeSummary(t directory.ControlType) api.PolicyTypeSummary {
	return api.PolicyTypeSummary{Type: new(string(t)), Status: new("ENABLED")}
}
