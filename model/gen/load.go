package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// service is one API's model.
type service struct {
	id         string // "sts", "iam", "organizations"
	version    string
	namespace  string
	target     string       // of JSON 1.1, before the operation in X-Amz-Target; empty for the query protocol
	operations []*operation // by name
	shapes     map[string]*shape
}

type operation struct {
	name   string
	goName string // the name, with the service's in front if an earlier service has an operation of it
	signed bool
	input  *shape // nil: no parameters
	output *shape // nil: no result element
}

type shape struct {
	name    string
	service *service
	Type    string  `json:"type"`
	Members members `json:"members"`
	// order is the order of members on the wire where that is not the model's.
	order     []string
	Required  []string   `json:"required"`
	Member    *reference `json:"member"`
	Key       *reference `json:"key"`
	Value     *reference `json:"value"`
	Min       *int       `json:"min"`
	Max       *int       `json:"max"`
	Pattern   string     `json:"pattern"`
	Enum      []string   `json:"enum"`
	Sensitive bool       `json:"sensitive"`
	Exception bool       `json:"exception"`
	Error     *struct {
		Code   string `json:"code"`
		Status int    `json:"httpStatusCode"`
	} `json:"error"`
}

func (s *shape) required(member string) bool { return slices.Contains(s.Required, member) }

// wireOrder returns the members as the service writes them.
func (s *shape) wireOrder() []member {
	if s.order == nil {
		return s.Members
	}
	ordered := make([]member, 0, len(s.order))
	for _, name := range s.order {
		i := slices.IndexFunc(s.Members, func(m member) bool { return m.name == name })
		ordered = append(ordered, s.Members[i])
	}
	return ordered
}

type reference struct {
	Shape string `json:"shape"`
}

type member struct {
	name  string
	shape string
}

// members keeps the order of the model's JSON object.
type members []member

func (m *members) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var r reference
		if err := d.Decode(&r); err != nil {
			return err
		}
		*m = append(*m, member{name: name.(string), shape: r.Shape})
	}
	return nil
}

// rules are the differences between the services and their models: overrides.json.
type rules struct {
	Order []struct {
		Service, Shape string
		Members        []string
	}
	Max []struct {
		Service, Shape string
		Max            int
	}
	Secrets, Echoed []struct{ Member string }
	Silent          []struct{ Service, Member string }
	Sentences       []struct{ Service, Pattern, Sentence string }
	Lookahead       []struct{ Pattern, Expression, Without string }
}

func load(dir string) ([]*service, *rules, error) {
	r := new(rules)
	if err := readJSON(filepath.Join(dir, "overrides.json"), r); err != nil {
		return nil, nil, err
	}
	var services []*service
	for _, id := range []string{"iam", "sts", "organizations"} {
		s, err := loadService(id, filepath.Join(dir, id+".json"))
		if err != nil {
			return nil, nil, err
		}
		services = append(services, s)
	}
	return services, r, r.apply(services)
}

// shapeTypes are the types of the models that the generator knows.
var shapeTypes = []string{"string", "integer", "boolean", "timestamp", "blob", "list", "map", "structure"}

// anyText is a pattern that every text has.
const anyText = `[\s\S]*`

func loadService(id, file string) (*service, error) {
	var raw struct {
		Metadata struct {
			APIVersion   string `json:"apiVersion"`
			XMLNamespace string `json:"xmlNamespace"`
			TargetPrefix string `json:"targetPrefix"`
		}
		Operations map[string]struct {
			Input, Output *reference
			AuthType      string `json:"authtype"`
		}
		Shapes map[string]*shape
	}
	if err := readJSON(file, &raw); err != nil {
		return nil, err
	}
	s := &service{
		id: id, version: raw.Metadata.APIVersion, namespace: raw.Metadata.XMLNamespace, target: raw.Metadata.TargetPrefix, shapes: raw.Shapes,
	}
	for name, sh := range s.shapes {
		sh.name, sh.service = name, s
		if !slices.Contains(shapeTypes, sh.Type) {
			return nil, fmt.Errorf("reading %s: shape %s has the unknown type %q", file, name, sh.Type)
		}
		if sh.Pattern == anyText {
			sh.Pattern = ""
		}
	}
	for name, o := range raw.Operations {
		op := &operation{name: name, goName: name, signed: o.AuthType != "none"}
		if o.Input != nil {
			op.input = s.shapes[o.Input.Shape]
		}
		if o.Output != nil {
			op.output = s.shapes[o.Output.Shape]
		}
		s.operations = append(s.operations, op)
	}
	slices.SortFunc(s.operations, func(a, b *operation) int { return strings.Compare(a.name, b.name) })
	return s, nil
}

func readJSON(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading model: %w", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	return nil
}

// apply writes the overrides of single shapes into the models. A rule for a shape or member that is gone is an error.
func (r *rules) apply(services []*service) error {
	find := func(id, name string) (*shape, error) {
		for _, s := range services {
			if sh := s.shapes[name]; s.id == id && sh != nil {
				return sh, nil
			}
		}
		return nil, fmt.Errorf("overrides: no shape %s in %s", name, id)
	}
	for _, o := range r.Order {
		sh, err := find(o.Service, o.Shape)
		if err != nil {
			return err
		}
		if len(o.Members) != len(sh.Members) {
			return fmt.Errorf("overrides: order of %s names %d of %d members", o.Shape, len(o.Members), len(sh.Members))
		}
		for _, m := range sh.Members {
			if !slices.Contains(o.Members, m.name) {
				return fmt.Errorf("overrides: order of %s lacks %s", o.Shape, m.name)
			}
		}
		sh.order = o.Members
	}
	for _, m := range r.Max {
		sh, err := find(m.Service, m.Shape)
		if err != nil {
			return err
		}
		sh.Max = &m.Max
	}
	return nil
}

func (r *rules) secret(name string, sh *shape) bool {
	return sh.Sensitive || slices.ContainsFunc(r.Secrets, func(s struct{ Member string }) bool { return s.Member == name })
}

// silent reports whether a refusal of the member leaves its value out: where AWS does, and for every secret, because the
// message goes into the audit log.
func (r *rules) silent(name string, sh *shape) bool {
	if slices.ContainsFunc(r.Echoed, func(e struct{ Member string }) bool { return e.Member == name }) {
		return false
	}
	return r.secret(name, sh) || slices.ContainsFunc(r.Silent, func(s struct{ Service, Member string }) bool {
		return s.Service == sh.service.id && s.Member == name
	})
}
