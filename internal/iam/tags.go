package iam

import (
	"iter"
	"slices"
	"strings"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// maxTags is how many tags an entity has at most (UG quotas).
const maxTags = 50

// requestedTags checks the tags of a request. Keys are compared without case; AWS reserves the prefix aws:.
func requestedTags(tags []api.Tag) ([]directory.Tag, error) {
	var out []directory.Tag
	for _, t := range tags {
		if len(t.Key) >= 4 && strings.EqualFold(t.Key[:4], "aws:") {
			return nil, identity.NewFault(identity.InvalidInput,
				"System tags cannot be added/updated/deleted by the user: tag keys must not begin with aws:")
		}
		if tagIndex(out, t.Key) >= 0 {
			return nil, identity.NewFault(identity.InvalidInput, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		out = append(out, directory.Tag{Key: t.Key, Value: t.Value})
	}
	return out, nil
}

// someTags checks the tags of a request that must have some.
func someTags(tags []api.Tag) ([]directory.Tag, error) {
	if len(tags) == 0 {
		return nil, identity.NewFault(identity.InvalidInput, "The provided tag map must not be null/empty.")
	}
	return requestedTags(tags)
}

// addTags puts tags over those that an entity has. A key that is there in another case is replaced.
func addTags(has *[]directory.Tag, tags []directory.Tag) error {
	for _, t := range tags {
		if i := tagIndex(*has, t.Key); i >= 0 {
			(*has)[i] = t
		} else {
			*has = append(*has, t)
		}
	}
	if len(*has) > maxTags {
		return identity.NewFault(identity.LimitExceeded, "The number of tags has reached the maximum limit.")
	}
	return nil
}

// removeTags takes tags away. Keys that are not there are no mistake (docs/wire-compatibility.md §11).
func removeTags(has *[]directory.Tag, keys []string) {
	*has = slices.DeleteFunc(*has, func(t directory.Tag) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, t.Key) })
	})
}

func tagIndex(tags []directory.Tag, key string) int {
	return slices.IndexFunc(tags, func(t directory.Tag) bool { return strings.EqualFold(t.Key, key) })
}

// showTags is nil for an entity without tags, which leaves the member out.
func showTags(tags []directory.Tag) []api.Tag {
	var out []api.Tag
	for _, t := range tags {
		out = append(out, showTag(t))
	}
	return out
}

func showTag(t directory.Tag) api.Tag { return api.Tag{Key: t.Key, Value: t.Value} }

func tagKey(t directory.Tag) string { return bounded(t.Key) }

func inOrder(tags []directory.Tag) iter.Seq[directory.Tag] { return sorted(tags, tagKey) }
