package sts

import (
	"strings"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// requestedTags checks the tags of a request. Keys are compared without case; AWS reserves the prefix aws:.
func requestedTags(tags []api.Tag, transitive []string) ([]identity.SessionTag, error) {
	out := make([]identity.SessionTag, 0, len(tags))
	for _, t := range tags {
		if len(t.Key) >= 4 && strings.EqualFold(t.Key[:4], "aws:") {
			return nil, invalidParameter("System tags cannot be added/updated/deleted by the user: tag keys must not begin with aws:")
		}
		if tagged(out, t.Key) != nil {
			return nil, invalidParameter("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		out = append(out, identity.SessionTag{Key: t.Key, Value: t.Value})
	}
	for _, key := range transitive {
		t := tagged(out, key)
		if t == nil {
			return nil, invalidParameter("The specified transitive tag key must be included in the requested tags.")
		}
		t.Transitive = true
	}
	return out, nil
}

// inheritTags adds the caller's transitive tags, which nothing may override (IAM UG, chaining roles with session tags).
func inheritTags(requested []identity.SessionTag, caller *identity.Session) (all []identity.SessionTag, inherited bool, err error) {
	if caller == nil {
		return requested, false, nil
	}
	all = requested
	for _, t := range caller.Tags {
		if !t.Transitive {
			continue
		}
		if tagged(requested, t.Key) != nil {
			return nil, false, invalidParameter("One of the specified transitive tag keys can't be set because it conflicts with a " +
				"transitive tag key from the calling session.")
		}
		all = append(all, t)
		inherited = true
	}
	if len(all) > maxTags {
		return nil, false, validation("1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less " +
			"than or equal to 50: a session has at most 50 tags, inherited ones included")
	}
	return all, inherited, nil
}

func tagged(tags []identity.SessionTag, key string) *identity.SessionTag {
	for i := range tags {
		if strings.EqualFold(tags[i].Key, key) {
			return &tags[i]
		}
	}
	return nil
}

func plainTags(tags []identity.SessionTag) []directory.Tag {
	if len(tags) == 0 {
		return nil
	}
	out := make([]directory.Tag, len(tags))
	for i, t := range tags {
		out[i] = directory.Tag{Key: t.Key, Value: t.Value}
	}
	return out
}
