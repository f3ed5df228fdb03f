package forward

import (
	"fmt"
	"strings"
)

// template is a path or host: parts that stand for themselves, and names.
type template []part

// part is a segment or label: its text, or the name of what stands there.
type part struct {
	text string
	name string
	rest bool // all that is left, one part at least
}

// parseTemplate reads the parts of a path or host. Rests may be at the end of a path alone.
func parseTemplate(parts []string, rests bool) (template, error) {
	var t template
	seen := make(map[string]bool)
	for i, s := range parts {
		if !strings.ContainsAny(s, "{}") {
			t = append(t, part{text: s})
			continue
		}
		name, ok := strings.CutPrefix(s, "{")
		name, closed := strings.CutSuffix(name, "}")
		name, rest := strings.CutSuffix(name, "...")
		if !ok || !closed || !isName(name) || seen[name] {
			return nil, fmt.Errorf("%q is neither plain nor a {name} of its own", s)
		}
		if rest && (!rests || i != len(parts)-1) {
			return nil, fmt.Errorf("{%s...} is not at the end of a path", name)
		}
		seen[name] = true
		t = append(t, part{name: name, rest: rest})
	}
	return t, nil
}

func isName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// match adds the values of the template's names to values.
func (t template) match(parts []string, values map[string]string) bool {
	for i, p := range t {
		switch {
		case i >= len(parts):
			return false
		case p.rest:
			values[p.name] = strings.Join(parts[i:], "/")
			return values[p.name] != ""
		case p.name == "" && p.text != parts[i], p.name != "" && parts[i] == "":
			return false
		case p.name != "":
			values[p.name] = parts[i]
		}
	}
	return len(parts) == len(t)
}

// names says what names a template has, and whether each is a rest.
func (t template) names(into map[string]bool) error {
	for _, p := range t {
		if p.name == "" {
			continue
		}
		if _, twice := into[p.name]; twice {
			return fmt.Errorf("{%s} is in host and path", p.name)
		}
		into[p.name] = p.rest
	}
	return nil
}

// resource is the template of an ARN: texts and names in turn, beginning and ending with a text.
type resource struct {
	texts []string
	names []string
}

// parseResource reads it. What follows a name is a slash, a colon or nothing, and a rest ends it, so that no two requests with
// different values give one ARN.
func parseResource(s string, known map[string]bool) (*resource, error) {
	if s == "*" {
		return &resource{texts: []string{s}}, nil
	}
	if strings.Count(s, ":") < 5 || !strings.HasPrefix(s, "arn:") {
		return nil, fmt.Errorf("%q is not an ARN", s)
	}
	r := &resource{}
	for rest := s; ; {
		text, after, found := strings.Cut(rest, "{")
		if strings.ContainsAny(text, "}*?") {
			return nil, fmt.Errorf("%q has wildcards or a brace too many", s)
		}
		r.texts = append(r.texts, text)
		if !found {
			return r, nil
		}
		name, left, closed := strings.Cut(after, "}")
		isRest, ok := known[name]
		switch {
		case !closed || !ok:
			return nil, fmt.Errorf("%q has {%s}, which neither path nor host has", s, name)
		case left != "" && (isRest || left[0] != '/' && left[0] != ':'):
			return nil, fmt.Errorf("%q: after {%s} must come a slash or a colon, and nothing if it is a rest", s, name)
		}
		r.names = append(r.names, name)
		rest = left
	}
}

// fill makes the ARN. Values of one segment with a colon are refused: in an ARN it would begin another part.
func (r *resource) fill(values map[string]string) (string, error) {
	var b strings.Builder
	for i, text := range r.texts {
		b.WriteString(text)
		if i == len(r.names) {
			break
		}
		v := values[r.names[i]]
		if strings.ContainsRune(v, ':') && i < len(r.names)-1 {
			return "", fmt.Errorf("{%s} has a colon", r.names[i])
		}
		b.WriteString(v)
	}
	return b.String(), nil
}
