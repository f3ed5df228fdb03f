package s3

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/stint-sts/stint/relying"
)

// maxTags is how many tags a request can set.
const maxTags = 50

// unambiguous refuses headers that make a request something else than it seems, for some service.
func unambiguous(h http.Header) error {
	for name := range h {
		folded := strings.ToLower(name)
		dashed := strings.ReplaceAll(folded, "_", "-")
		switch {
		// advisory 15: to who turns headers into variables, an underscore is a dash.
		case dashed != folded && strings.HasPrefix(dashed, "x-amz-") && !strings.HasPrefix(dashed, "x-amz-meta-"):
			return refuse("the header %q has an underscore", name)
		// One upload that makes many objects, one delete that takes a whole prefix, and other extensions with rules of their own.
		case folded == "x-amz-meta-snowball-auto-extract", strings.HasPrefix(folded, "x-minio-"), strings.HasPrefix(folded, "x-rgw-"):
			return refuse("the header %q is an extension with permissions of its own", name)
		case methodOverrides[dashed]:
			return refuse("the header %q names another method", name)
		}
	}
	return nil
}

var methodOverrides = map[string]bool{"x-http-method": true, "x-http-method-override": true, "x-method-override": true}

// value is a header's, or that of the query parameter that stands for it in presigned URLs; empty if there is none.
func (c *Call) value(name string) (string, error) {
	values := c.header.Values(name)
	if amz(name) {
		for _, p := range c.query {
			if strings.EqualFold(p.name, name) {
				values = append(values[:len(values):len(values)], p.value)
			}
		}
	}
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	default:
		return "", refuse("%s is given %d times", name, len(values))
	}
}

// tagsHeader reads x-amz-tagging.
func (c *Call) tagsHeader() ([]relying.Tag, error) {
	text, err := c.value("x-amz-tagging")
	if err != nil || text == "" {
		return nil, err
	}
	var tags []relying.Tag
	for pair := range strings.SplitSeq(text, "&") {
		rawKey, rawValue, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(rawKey)
		if err != nil {
			return nil, refuse("x-amz-tagging: %v", err)
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil {
			return nil, refuse("x-amz-tagging: %v", err)
		}
		tags = append(tags, relying.Tag{Key: key, Value: value})
	}
	return tags, checkTags(tags)
}

// checkTags refuses tags that two readers could count differently.
func checkTags(tags []relying.Tag) error {
	if len(tags) > maxTags {
		return refuse("more than %d tags", maxTags)
	}
	seen := make(map[string]bool)
	for _, t := range tags {
		if t.Key == "" {
			return refuse("a tag without a key")
		}
		folded := strings.ToLower(t.Key)
		if seen[folded] {
			return refuse("the tag %q twice", t.Key)
		}
		seen[folded] = true
	}
	return nil
}
