package gate_test

import (
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/gateapi"
)

// The description in docs/api names the paths and the members of the shapes, each as Go has them.
func TestDescription(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/api/relying.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var description struct {
		Paths      map[string]map[string]any
		Components struct {
			Schemas map[string]struct {
				Required   []string
				Properties map[string]struct {
					Ref   string `yaml:"$ref"`
					Items struct {
						Ref string `yaml:"$ref"`
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &description); err != nil {
		t.Fatal(err)
	}
	want := []string{gateapi.AuthenticatePath, gateapi.AuthorizePath, gateapi.ChangesPath, gate.RevokeSessionsPath, gateapi.SigningKeyPath}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(description.Paths)); !slices.Equal(got, want) {
		t.Errorf("the paths are %q, want %q", got, want)
	}
	described := map[string]bool{"Error": true}
	var describe func(shape reflect.Type)
	describe = func(shape reflect.Type) {
		if described[shape.Name()] {
			return
		}
		described[shape.Name()] = true
		schema, ok := description.Components.Schemas[shape.Name()]
		if !ok {
			t.Errorf("%s is not described", shape.Name())
			return
		}
		var members, required []string
		for i := range shape.NumField() {
			name, options, _ := strings.Cut(shape.Field(i).Tag.Get("json"), ",")
			members = append(members, name)
			if options == "" {
				required = append(required, name)
			}
			inner := shape.Field(i).Type
			for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
				inner = inner.Elem()
			}
			if inner.Kind() != reflect.Struct || inner.PkgPath() != reflect.TypeFor[gateapi.Caller]().PkgPath() {
				continue
			}
			describe(inner)
			p := schema.Properties[name]
			if ref := p.Ref + p.Items.Ref; ref != "" && ref != "#/components/schemas/"+inner.Name() {
				t.Errorf("%s.%s is a %s, not a %s", shape.Name(), name, inner.Name(), ref)
			}
		}
		slices.Sort(members)
		slices.Sort(required)
		slices.Sort(schema.Required)
		if got := slices.Sorted(maps.Keys(schema.Properties)); !slices.Equal(got, members) {
			t.Errorf("%s has %q, want %q", shape.Name(), got, members)
		}
		if !slices.Equal(schema.Required, required) {
			t.Errorf("%s requires %q, want %q", shape.Name(), schema.Required, required)
		}
	}
	for _, shape := range []reflect.Type{
		reflect.TypeFor[gateapi.SigningKeyInput](), reflect.TypeFor[gateapi.SigningKeyOutput](), reflect.TypeFor[gateapi.AuthenticateInput](),
		reflect.TypeFor[gateapi.AuthenticateOutput](), reflect.TypeFor[gateapi.AuthorizeInput](), reflect.TypeFor[gateapi.AuthorizeOutput](),
		reflect.TypeFor[gateapi.Change](), reflect.TypeFor[gate.RevokeSessionsInput](), reflect.TypeFor[gate.RevokeSessionsOutput](),
	} {
		describe(shape)
	}
	for name := range description.Components.Schemas {
		if !described[name] {
			t.Errorf("%s is described and no shape", name)
		}
	}
}
