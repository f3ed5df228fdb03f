package iam

import (
	"context"
	"iter"
	"slices"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// CreatePolicy makes a managed policy with its version v1.
func (s *Service) CreatePolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.CreatePolicyInput) (*api.CreatePolicyOutput, error) {
	tags, err := requestedTags(in.Tags)
	if err != nil {
		return nil, err
	}
	var created *directory.ManagedPolicy
	err = s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		p := &directory.ManagedPolicy{
			Account:     req.Caller.Account,
			Name:        in.PolicyName,
			Path:        pathOr(in.Path),
			Description: valueOf(in.Description),
			Created:     now(req),
			Updated:     now(req),
			Tags:        tags,
		}
		p.ARN = arn.Policy(v.Partition(), p.Account, p.Path, p.Name)
		err := s.authorize(v, req, ask{operation: "CreatePolicy", name: p.Name, path: p.Path, tags: tags})
		if err != nil {
			return nil, err
		}
		document, err := managedDocument(req, in.PolicyDocument)
		if err != nil {
			return nil, err
		}
		if _, taken := v.Policy(p.Account, p.Name); taken {
			return nil, identity.NewFault(identity.EntityAlreadyExists, "A policy called "+p.Name+" already exists. Duplicate names are not allowed.")
		}
		addVersion(p, document, now(req))
		p.DefaultVersion = p.Versions[0].ID
		if p.ID, err = s.newID(v, arn.PolicyID, p.Account); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		c.Put(p)
		created = p
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	out := showPolicy(created, usage{})
	out.Tags = showTags(created.Tags)
	return &api.CreatePolicyOutput{Policy: &out}, nil
}

func managedDocument(req *identity.Request, text string) (*directory.Document, error) {
	document, err := identityDocument(text, policy.Managed)
	if err != nil {
		return nil, err
	}
	if policy.Size(text) > maxManagedSize {
		return nil, quotaExceeded("PolicySize", maxManagedSize)
	}
	warn(req, text, policy.Managed)
	return document, nil
}

// GetPolicy shows a managed policy without its document.
func (s *Service) GetPolicy(_ context.Context, v *directory.View, req *identity.Request, in *api.GetPolicyInput) (*api.GetPolicyOutput, error) {
	p, err := s.managed(v, req, ask{operation: "GetPolicy", name: in.PolicyArn})
	if err != nil {
		return nil, err
	}
	out := showPolicy(p, usageIn(v, req.Caller.Account, p))
	if p.Description != "" {
		out.Description = &p.Description
	}
	out.Tags = append([]api.Tag{}, showTags(p.Tags)...) // there even when empty (MOTO)
	return &api.GetPolicyOutput{Policy: &out}, nil
}

// DeletePolicy removes a managed policy that nothing uses and that has only its default version.
func (s *Service) DeletePolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.DeletePolicyInput) (*api.Empty, error) {
	return done(s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		p, err := s.managedToChange(v, req, ask{operation: "DeletePolicy", name: in.PolicyArn})
		if err != nil {
			return nil, err
		}
		switch used := usageIn(v, p.Account, p); {
		case used.attached+used.boundary > 0:
			return nil, identity.NewFault(identity.DeleteConflict, "Cannot delete a policy attached to entities.")
		case len(p.Versions) > 1:
			return nil, identity.NewFault(identity.DeleteConflict, "This policy has more than one version. Before you delete a policy, "+
				"you must delete the policy's versions. The default version is deleted with the policy.")
		}
		c := new(directory.Change)
		c.Delete(p)
		c.Freeze(v, p.Account, directory.KindUser, directory.KindGroup, directory.KindRole) // nothing begins to use it meanwhile
		return c, nil
	}))
}

// ListPolicies lists the account's own managed policies, AWS's, or both, by name.
func (s *Service) ListPolicies(_ context.Context, v *directory.View, req *identity.Request, in *api.ListPoliciesInput) (*api.ListPoliciesOutput, error) {
	prefix := pathOr(in.PathPrefix)
	attached := in.OnlyAttached != nil && *in.OnlyAttached
	about := []string{"ListPolicies", prefix, valueOf(in.Scope), valueOf(in.PolicyUsageFilter)}
	if attached {
		about = append(about, "attached")
	}
	p, err := s.page(v, req, in.Marker, in.MaxItems, about...)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(v, req, ask{operation: "ListPolicies", path: prefix}); err != nil {
		return nil, err
	}
	account := req.Caller.Account
	policies := only(policiesInScope(v, account, valueOf(in.Scope)), func(p *directory.ManagedPolicy) bool {
		return within(p.Path, prefix) && wanted(usageIn(v, account, p), attached, valueOf(in.PolicyUsageFilter))
	})
	l, err := list(p, policies, policyName, func(p *directory.ManagedPolicy) api.Policy { return showPolicy(p, usageIn(v, account, p)) })
	if err != nil {
		return nil, err
	}
	return &api.ListPoliciesOutput{Policies: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// wanted applies OnlyAttached and PolicyUsageFilter: each asks for a use, the filter for one kind of it.
func wanted(u usage, attached bool, filter string) bool {
	switch filter {
	case "PermissionsPolicy":
		return u.attached > 0
	case "PermissionsBoundary":
		return u.boundary > 0
	default:
		return !attached || u.attached+u.boundary > 0
	}
}

// policiesInScope yields policies in order of policyName.
func policiesInScope(v *directory.View, account arn.AccountID, scope string) iter.Seq[*directory.ManagedPolicy] {
	switch scope {
	case "AWS":
		return v.Policies(directory.AWSAccount)
	case "Local":
		return v.Policies(account)
	default:
		return sorted(slices.AppendSeq(slices.Collect(v.Policies(account)), v.Policies(directory.AWSAccount)), policyName)
	}
}

// TagPolicy adds tags to a managed policy.
func (s *Service) TagPolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.TagPolicyInput) (*api.Empty, error) {
	tags, err := someTags(in.Tags)
	if err != nil {
		return nil, err
	}
	return done(s.changePolicy(ctx, req, ask{operation: "TagPolicy", name: in.PolicyArn, tags: tags}, func(p *directory.ManagedPolicy) error {
		return addTags(&p.Tags, tags)
	}))
}

// UntagPolicy removes tags from a managed policy.
func (s *Service) UntagPolicy(ctx context.Context, _ *directory.View, req *identity.Request, in *api.UntagPolicyInput) (*api.Empty, error) {
	a := ask{operation: "UntagPolicy", name: in.PolicyArn, tagKeys: in.TagKeys}
	return done(s.changePolicy(ctx, req, a, func(p *directory.ManagedPolicy) error {
		removeTags(&p.Tags, in.TagKeys)
		return nil
	}))
}

// ListPolicyTags lists a managed policy's tags.
func (s *Service) ListPolicyTags(_ context.Context, v *directory.View, req *identity.Request, in *api.ListPolicyTagsInput) (*api.ListPolicyTagsOutput, error) {
	page, err := s.page(v, req, in.Marker, in.MaxItems, "ListPolicyTags", in.PolicyArn)
	if err != nil {
		return nil, err
	}
	p, err := s.managed(v, req, ask{operation: "ListPolicyTags", name: in.PolicyArn})
	if err != nil {
		return nil, err
	}
	l, err := list(page, inOrder(p.Tags), tagKey, showTag)
	if err != nil {
		return nil, err
	}
	return &api.ListPolicyTagsOutput{Tags: l.items, IsTruncated: l.truncated, Marker: l.marker}, nil
}

// changePolicy alters a copy of the managed policy that a names and commits it.
func (s *Service) changePolicy(ctx context.Context, req *identity.Request, a ask, alter func(p *directory.ManagedPolicy) error) error {
	return s.change(ctx, req, func(v *directory.View) (*directory.Change, error) {
		found, err := s.managedToChange(v, req, a)
		if err != nil {
			return nil, err
		}
		p := found.Clone()
		if err := alter(p); err != nil {
			return nil, err
		}
		c := new(directory.Change)
		c.Put(p)
		return c, nil
	})
}

// usage is how often an account uses a policy.
type usage struct{ attached, boundary int }

// usageIn counts what the View counts, except for AWS's policies, of which an account must not learn who else uses them.
func usageIn(v *directory.View, account arn.AccountID, p *directory.ManagedPolicy) (n usage) {
	if p.Account == account {
		return usage{v.Attachments(p.ARN), v.BoundaryUses(p.ARN)}
	}
	for h := range holdersOf(v, account, p.ARN) {
		if h.attached {
			n.attached++
		}
		if h.bounded {
			n.boundary++
		}
	}
	return n
}

// policyName orders by name. Where AWS has a policy of the same name as the account, the account's comes first.
func policyName(p *directory.ManagedPolicy) string {
	return directory.FoldName(p.Name) + "\x00" + string(p.Account)
}

// showPolicy is a policy in a list: AWS leaves out description and tags there (MOTO).
func showPolicy(p *directory.ManagedPolicy, used usage) api.Policy {
	return api.Policy{
		PolicyName:                    &p.Name,
		PolicyId:                      &p.ID,
		Arn:                           &p.ARN,
		Path:                          &p.Path,
		DefaultVersionId:              &p.DefaultVersion,
		AttachmentCount:               new(int32(used.attached)),
		PermissionsBoundaryUsageCount: new(int32(used.boundary)),
		IsAttachable:                  new(true),
		CreateDate:                    &p.Created,
		UpdateDate:                    &p.Updated,
	}
}
