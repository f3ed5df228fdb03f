package federation

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stint-sts/stint/internal/identity"
)

// The limits of session tags (STS model).
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// SessionTags marks the tags that are passed along a chain, and refuses what a request with the same tags would be refused for.
// The error says which rule failed and quotes nothing.
func SessionTags(tags []identity.SessionTag, transitive []string) ([]identity.SessionTag, error) {
	if len(tags) > maxTags || len(transitive) > maxTags {
		return nil, fmt.Errorf("more than %d session tags", maxTags)
	}
	for i, t := range tags {
		switch {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > maxTagKey || !tagText(t.Key):
			return nil, fmt.Errorf("the key of a session tag is not 1 to %d of the allowed characters", maxTagKey)
		case utf8.RuneCountInString(t.Value) > maxTagValue || !tagText(t.Value):
			return nil, fmt.Errorf("the value of a session tag is not up to %d of the allowed characters", maxTagValue)
		case reserved(t.Key):
			return nil, reasonError("the key of a session tag begins with aws:")
		case find(tags[:i], t.Key) != nil:
			return nil, reasonError("two session tags have the same key, compared without case")
		}
	}
	for _, key := range transitive {
		t := find(tags, key)
		if t == nil {
			return nil, reasonError("a transitive tag key is not among the session tags")
		}
		t.Transitive = true
	}
	return tags, nil
}

func find(tags []identity.SessionTag, key string) *identity.SessionTag {
	for i := range tags {
		if strings.EqualFold(tags[i].Key, key) {
			return &tags[i]
		}
	}
	return nil
}

// tagText is the model's pattern of keys and values: [\p{L}\p{Z}\p{N}_.:/=+\-@]*.
func tagText(s string) bool {
	for _, r := range s {
		if !unicode.In(r, unicode.L, unicode.Z, unicode.N) && !strings.ContainsRune("_.:/=+-@", r) {
			return false
		}
	}
	return true
}

// SourceIdentity reports whether a provider may set the source identity: 2 to 64 characters of [\w+=,.@-], not beginning with
// aws: (IAM UG, monitor and control actions taken with assumed roles). A request's may be longer; that of a provider is as
// documented.
func SourceIdentity(s string) bool {
	const minimum, maximum = 2, 64
	if len(s) < minimum || len(s) > maximum || reserved(s) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && strings.IndexByte("_+=,.@-", c) < 0 {
			return false
		}
	}
	return true
}

func reserved(s string) bool { return len(s) >= 4 && strings.EqualFold(s[:4], "aws:") }
