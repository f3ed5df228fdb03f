package oidc

import (
	"slices"
	"strings"

	"github.com/stint-sts/stint/internal/federation"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/strictjson"
)

// The claims that say what the session shall be like (IAM UG, passing session tags; monitor and control actions taken with
// assumed roles). The tags have a nested form and one for providers that cannot nest.
const (
	tagsClaim           = "https://aws.amazon.com/tags"
	flatTag             = tagsClaim + "/principal_tags/"
	flatTransitive      = tagsClaim + "/transitive_tag_keys"
	sourceIdentityClaim = "https://aws.amazon.com/source_identity"
	rolesClaim          = "https://aws.amazon.com/roles"
)

// sessionTags reads the session tags of both forms.
func sessionTags(t *token) ([]identity.SessionTag, error) {
	var tags []identity.SessionTag
	var transitive []string
	if nested, ok := t.claims.Get(tagsClaim); ok {
		if tags, transitive, ok = nestedTags(nested); !ok {
			return nil, invalid(badTags, "the tags claim is not of the documented form")
		}
	}
	for i := range t.claims.Members {
		m := &t.claims.Members[i]
		name, ok := strings.CutPrefix(m.Name, flatTag)
		if !ok {
			continue
		}
		if m.Value.Kind != strictjson.String {
			return nil, invalid(badTags, "a flattened tag is not a text")
		}
		tags = append(tags, identity.SessionTag{Key: name, Value: m.Value.Text})
	}
	if flat, ok := t.claims.Get(flatTransitive); ok {
		keys, ok := list(flat)
		if !ok {
			return nil, invalid(badTags, "the flattened transitive keys are not a list of texts")
		}
		transitive = append(transitive, keys...)
	}
	tags, err := federation.SessionTags(tags, transitive)
	if err != nil {
		return nil, federation.Refused(identity.InvalidIdentityToken, badTags, err)
	}
	return tags, nil
}

// nestedTags reads {"principal_tags": {key: [value]}, "transitive_tag_keys": [key]}. A value is a list of exactly one text.
func nestedTags(v *strictjson.Value) (tags []identity.SessionTag, transitive []string, ok bool) {
	if v.Kind != strictjson.Object {
		return nil, nil, false
	}
	if principal, there := v.Get("principal_tags"); there {
		if principal.Kind != strictjson.Object {
			return nil, nil, false
		}
		for i := range principal.Members {
			m := &principal.Members[i]
			values, fine := list(&m.Value)
			if !fine || len(values) != 1 {
				return nil, nil, false
			}
			tags = append(tags, identity.SessionTag{Key: m.Name, Value: values[0]})
		}
	}
	if keys, there := v.Get("transitive_tag_keys"); there {
		if transitive, ok = list(keys); !ok {
			return nil, nil, false
		}
	}
	return tags, transitive, true
}

func sourceIdentity(t *token) (string, error) {
	v, ok := t.claims.Get(sourceIdentityClaim)
	if !ok {
		return "", nil
	}
	if v.Kind != strictjson.String || !federation.SourceIdentity(v.Text) {
		return "", invalid(`Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"`,
			"the source identity claim is not of the documented form")
	}
	return v.Text, nil
}

// authorized reports whether the token names the role in its roles claim: a list, or a text with semicolons in between, of exact
// role ARNs. A token with the claim is good for those roles and no other; one without it leaves the choice to trust policies.
func authorized(t *token, roleARN string) (bool, error) {
	v, ok := t.claims.Get(rolesClaim)
	if !ok || v.Kind == strictjson.Null {
		return false, nil
	}
	var named []string
	switch v.Kind {
	case strictjson.String:
		named = strings.Split(v.Text, ";")
	case strictjson.Array:
		for i := range v.Elements { // entries of other kinds name nothing
			if v.Elements[i].Kind == strictjson.String {
				named = append(named, v.Elements[i].Text)
			}
		}
	default:
		return false, invalid("The roles claim is not in a supported format", "the roles claim is neither a text nor a list")
	}
	if !slices.ContainsFunc(named, func(name string) bool { return strings.TrimSpace(name) == roleARN }) {
		return false, invalid("The target role ARN is not present in the roles claim of the identity token",
			"the roles claim does not name the role")
	}
	return true, nil
}
