package organizations

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// maxTags is how many tags an entity has at most (UG quotas).
const maxTags = 50

// TagResource adds tags to the root, a unit, an account or a policy.
func (s *Service) TagResource(ctx context.Context, _ *directory.View, req *identity.Request, in *api.TagResourceInput) (*api.Empty, error) {
	tags, err := requestedTags(in.Tags)
	if err != nil {
		return nil, err
	}
	a := ask{operation: "TagResource", ids: []string{in.ResourceId}, tags: tags}
	return done(s.changeTags(ctx, req, a, func(has []directory.Tag) ([]directory.Tag, error) {
		for _, t := range tags {
			if i := tagIndex(has, t.Key); i >= 0 {
				has[i] = t
			} else {
				has = append(has, t)
			}
		}
		if len(has) > maxTags {
			return nil, tagLimit
		}
		return has, nil
	}))
}

// UntagResource removes tags. Keys that are not there are no mistake.
func (s *Service) UntagResource(ctx context.Context, _ *directory.View, req *identity.Request, in *api.UntagResourceInput) (*api.Empty, error) {
	a := ask{operation: "UntagResource", ids: []string{in.ResourceId}, tagKeys: in.TagKeys}
	return done(s.changeTags(ctx, req, a, func(has []directory.Tag) ([]directory.Tag, error) {
		return slices.DeleteFunc(has, func(t directory.Tag) bool { return slices.Contains(in.TagKeys, t.Key) }), nil
	}))
}

func (s *Service) changeTags(ctx context.Context, req *identity.Request, a ask, alter func([]directory.Tag) ([]directory.Tag, error)) error {
	return s.change(ctx, req, a, func(v *directory.View, o *directory.Organization, c *directory.Change) error {
		tags, e, err := tagged(v, o, a.ids[0])
		if err != nil {
			return err
		}
		if e.Key().Account == directory.AWSAccount {
			return immutablePolicy
		}
		if *tags, err = alter(*tags); err != nil {
			return err
		}
		c.Put(e)
		return nil
	})
}

// tagged finds a copy of what an id names, and its tags in it.
func tagged(v *directory.View, o *directory.Organization, id string) (*[]directory.Tag, directory.Entity, error) {
	if n, ok := nodeOf(v, o, id); ok {
		return &n.Tags, n.entity, nil
	}
	if p, ok := v.ControlPolicy(id); ok {
		next := p.Clone()
		return &next.Tags, next, nil
	}
	return nil, nil, targetNotFound
}

// ListTagsForResource lists the tags of the root, a unit, an account or a policy.
func (s *Service) ListTagsForResource(
	_ context.Context, v *directory.View, req *identity.Request, in *api.ListTagsForResourceInput,
) (*api.ListTagsForResourceOutput, error) {
	p, err := s.page(v, req, in.NextToken, nil, "ListTagsForResource", in.ResourceId)
	if err != nil {
		return nil, err
	}
	o, err := s.enter(v, req, ask{operation: "ListTagsForResource", ids: []string{in.ResourceId}})
	if err != nil {
		return nil, err
	}
	tags, _, err := tagged(v, o, in.ResourceId)
	if err != nil {
		return nil, err
	}
	p.size = maxTags // the operation has no MaxResults
	inOrder := slices.SortedFunc(slices.Values(*tags), func(a, b directory.Tag) int { return cmp.Compare(a.Key, b.Key) })
	out, next, err := list(p, slices.Values(inOrder), tagKey, func(t directory.Tag) api.Tag { return api.Tag{Key: t.Key, Value: t.Value} })
	if err != nil {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{Tags: out, NextToken: next}, nil
}

// requestedTags checks the tags of a request. Keys are told apart by case (API, Tag); AWS reserves the prefix aws:.
func requestedTags(tags []api.Tag) ([]directory.Tag, error) {
	var out []directory.Tag
	for _, t := range tags {
		switch {
		case len(t.Key) >= 4 && strings.EqualFold(t.Key[:4], "aws:"):
			return nil, systemTag
		case tagIndex(out, t.Key) >= 0:
			return nil, duplicateTag
		}
		out = append(out, directory.Tag{Key: t.Key, Value: t.Value})
	}
	if len(out) > maxTags {
		return nil, tagLimit
	}
	return out, nil
}

// tagIndex compares without case, as the condition keys do that tags are read by.
func tagIndex(tags []directory.Tag, key string) int {
	return slices.IndexFunc(tags, func(t directory.Tag) bool { return strings.EqualFold(t.Key, key) })
}

func tagKey(t directory.Tag) string { return t.Key }
