package forward

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/policy"
	"github.com/stint-sts/stint/relying"
	"github.com/stint-sts/stint/relying/s3"
)

// rule maps requests to what they need permission for: by templates, or by a mapper.
type rule struct {
	methods  []string
	hosts    []template // none: any
	path     template
	action   string
	resource *resource
	context  []contextKey

	mapper *s3.Mapper
	// domains are those of the mapper; none: any host.
	domains []string

	unsignedPayload bool
}

// contextKey is a condition key, and where its value is.
type contextKey struct {
	key  string
	from config.GateValue
}

// rules are the rules in their order.
type rules []*rule

var actionForm = regexp.MustCompile(`^[a-z0-9-]+:[A-Za-z0-9]+$`)

// compile reads the rules of a configuration.
func compile(all []config.GateRule, region string, now func() time.Time) (rules, error) {
	var rs rules
	for i := range all {
		r, err := compileRule(&all[i], region, now)
		if err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
		rs = append(rs, r)
	}
	return rs, nil
}

func compileRule(c *config.GateRule, region string, now func() time.Time) (*rule, error) {
	if c.Mapper != "" {
		return compileMapper(c, region, now)
	}
	if !reflect.DeepEqual(c.S3, config.GateS3{}) {
		return nil, errors.New("s3 without mapper: s3")
	}
	r := &rule{action: c.Action, unsignedPayload: c.UnsignedPayload}
	if len(c.Methods) == 0 {
		return nil, errors.New("methods: at least one is needed")
	}
	for _, m := range c.Methods {
		if m == "" || strings.Trim(m, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || slices.Contains(r.methods, m) {
			return nil, fmt.Errorf("methods: %q is not a method of its own in upper case", m)
		}
		r.methods = append(r.methods, m)
	}
	if !actionForm.MatchString(c.Action) {
		return nil, fmt.Errorf("action: %q is not service:Action", c.Action)
	}
	names := make(map[string]bool)
	for i, h := range c.Hosts {
		t, err := parseTemplate(strings.Split(h, "."), false)
		if err == nil && h != strings.ToLower(h) {
			err = fmt.Errorf("%q is not in lower case", h)
		}
		if err == nil && i > 0 && !sameNames(r.hosts[0], t) {
			err = errors.New("they have different names")
		}
		if err != nil {
			return nil, fmt.Errorf("hosts: %w", err)
		}
		r.hosts = append(r.hosts, t)
	}
	if len(r.hosts) > 0 {
		if err := r.hosts[0].names(names); err != nil {
			return nil, err
		}
	}
	path, ok := strings.CutPrefix(c.Path, "/")
	if !ok {
		return nil, fmt.Errorf("path: %q does not begin with a slash", c.Path)
	}
	var err error
	if r.path, err = parseTemplate(strings.Split(path, "/"), true); err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	for i, p := range r.path {
		if p.name != "" {
			continue
		}
		if s, err := segment(p.text); err != nil || s != p.text || s == "" && i < len(r.path)-1 {
			return nil, fmt.Errorf("path: no path has the segment %q", p.text)
		}
	}
	if err := r.path.names(names); err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	if r.resource, err = parseResource(c.Resource, names); err != nil {
		return nil, fmt.Errorf("resource: %w", err)
	}
	if r.context, err = compileContext(c.Context, names); err != nil {
		return nil, fmt.Errorf("context: %w", err)
	}
	return r, nil
}

// sameNames holds if two templates give values to the same names.
func sameNames(a, b template) bool {
	as, bs := make(map[string]bool), make(map[string]bool)
	return a.names(as) == nil && b.names(bs) == nil && fmt.Sprint(as) == fmt.Sprint(bs)
}

func compileContext(all map[string]config.GateValue, names map[string]bool) ([]contextKey, error) {
	var keys []contextKey
	for key, from := range all {
		key = strings.ToLower(key)
		service, name, ok := strings.Cut(key, ":")
		if !ok || service == "" || name == "" || service == "aws" {
			return nil, fmt.Errorf("%q is not a key of a service's own", key)
		}
		given := 0
		for _, s := range []string{from.Header, from.Query, from.Path} {
			if s != "" {
				given++
			}
		}
		if given != 1 {
			return nil, fmt.Errorf("%s is in one of header, query and path", key)
		}
		if _, known := names[from.Path]; from.Path != "" && !known {
			return nil, fmt.Errorf("%s: neither path nor host has {%s}", key, from.Path)
		}
		if slices.ContainsFunc(keys, func(k contextKey) bool { return k.key == key }) {
			return nil, fmt.Errorf("%s is there twice", key)
		}
		keys = append(keys, contextKey{key, from})
	}
	return keys, nil
}

func compileMapper(c *config.GateRule, region string, now func() time.Time) (*rule, error) {
	if c.Mapper != "s3" {
		return nil, fmt.Errorf("mapper: there is no %q", c.Mapper)
	}
	if len(c.Methods)+len(c.Hosts)+len(c.Context) > 0 || c.Path != "" || c.Action != "" || c.Resource != "" {
		return nil, errors.New("mapper: methods, hosts, path, action, resource and context follow from it")
	}
	m, err := s3.New(s3.Config{
		Domains: c.S3.Domains, Region: region, Account: c.S3.Account, ExactKeys: c.S3.ExactKeys, NoTags: c.S3.NoTags, NoBody: true, Now: now,
	})
	if err != nil {
		return nil, err
	}
	return &rule{mapper: m, domains: c.S3.Domains, unsignedPayload: c.UnsignedPayload}, nil
}

// find gives the first rule that fits a request, and the values of its names.
func (rs rules) find(r *http.Request, host, rawPath string) (*rule, map[string]string, error) {
	parts, unsafe := segments(rawPath)
	labels := strings.Split(host, ".")
	for _, candidate := range rs {
		if candidate.mapper != nil {
			if candidate.serves(host) {
				return candidate, nil, nil
			}
			continue
		}
		values := make(map[string]string)
		if !slices.Contains(candidate.methods, r.Method) || !candidate.fitsHost(labels, values) {
			continue
		}
		// Where a template could be meant, the path must be one that it can be held against.
		if unsafe != nil {
			return nil, nil, unsafe
		}
		if candidate.path.match(parts, values) {
			return candidate, values, nil
		}
	}
	return nil, nil, errors.New("no rule fits")
}

func (r *rule) fitsHost(labels []string, values map[string]string) bool {
	if len(r.hosts) == 0 {
		return true
	}
	for _, h := range r.hosts {
		if h.match(labels, values) {
			return true
		}
	}
	return false
}

// serves reports whether the host is one of the mapper's domains or below.
func (r *rule) serves(host string) bool {
	return len(r.domains) == 0 || slices.ContainsFunc(r.domains, func(d string) bool { return host == d || strings.HasSuffix(host, "."+d) })
}

// requests says what a request that the rule fits needs.
func (r *rule) requests(q *http.Request, values map[string]string) ([]relying.Request, error) {
	if r.mapper != nil {
		return r.mapper.Map(q)
	}
	arn, err := r.resource.fill(values)
	if err != nil {
		return nil, err
	}
	keys := make(policy.Keys)
	for _, k := range r.context {
		value, given, err := k.value(q, values)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.key, err)
		}
		if given {
			keys[k.key] = policy.One(value)
		}
	}
	return []relying.Request{{Action: r.action, Resource: arn, Context: keys}}, nil
}

// value takes the value of a condition key. What is there twice is refused, whichever case it is in (advisory 14).
func (k *contextKey) value(q *http.Request, values map[string]string) (string, bool, error) {
	var found []string
	switch {
	case k.from.Path != "":
		v, ok := values[k.from.Path]
		return v, ok, nil
	case k.from.Header != "":
		found = q.Header.Values(k.from.Header)
	default:
		all, err := url.ParseQuery(q.URL.RawQuery)
		if err != nil {
			return "", false, fmt.Errorf("the query cannot be read")
		}
		for name, vs := range all {
			if strings.EqualFold(name, k.from.Query) {
				found = append(found, vs...)
				if name != k.from.Query {
					return "", false, fmt.Errorf("the parameter %q in another case", k.from.Query)
				}
			}
		}
	}
	switch len(found) {
	case 0:
		return "", false, nil
	case 1:
		return found[0], true, nil
	default:
		return "", false, fmt.Errorf("given %d times", len(found))
	}
}

// hostname is a Host header's name in lower case, without port.
func hostname(host string) (string, error) {
	bare := host
	if h, port, err := net.SplitHostPort(host); err == nil {
		if strings.Trim(port, "0123456789") != "" {
			return "", errors.New("a host whose port is not a number")
		}
		bare = h
	}
	bare = strings.ToLower(bare)
	if bare == "" || len(bare) > 253 || strings.Trim(bare, "abcdefghijklmnopqrstuvwxyz0123456789-.:[]_") != "" {
		return "", errors.New("a host that is none")
	}
	return bare, nil
}
