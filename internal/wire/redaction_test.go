package wire

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// typedOperation walks the operations without their types.
type typedOperation interface {
	refusal(*Form) error
	read(*Form) ([]byte, error)
	encodings(fill func(reflect.Value)) (audit [2]string, xml string)
}

func (o Op[In, Out]) refusal(f *Form) error {
	_, err := o.Decode(f)
	return err
}

func (o Op[In, Out]) encodings(fill func(reflect.Value)) (audit [2]string, xml string) {
	in, out := new(In), new(Out)
	fill(reflect.ValueOf(in).Elem())
	fill(reflect.ValueOf(out).Elem())
	audit[0], audit[1] = auditOf(o, in, out)
	return audit, xmlOf(o, out)
}

// sensitiveMembers are those of the models' sensitive shapes and the names that smell of a secret.
func sensitiveMembers(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{
		"SessionToken": true, "TokenCode": true, "AuthenticationCode1": true, "AuthenticationCode2": true,
		"ContextAssertion": true, "EncodedMessage": true, "DecodedMessage": true,
	}
	for _, id := range []string{"sts", "iam"} {
		text, err := os.ReadFile("../../model/" + id + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var model struct {
			Shapes map[string]struct {
				Sensitive bool
				Members   map[string]struct{ Shape string }
			}
		}
		if err := json.Unmarshal(text, &model); err != nil {
			t.Fatal(err)
		}
		for _, sh := range model.Shapes {
			for name, m := range sh.Members {
				if model.Shapes[m.Shape].Sensitive {
					names[name] = true
				}
			}
		}
	}
	return names
}

const canary = "CANARY-4f1d"

// advisory 128 (CVE-2024-8365, CVE-2025-62513, CVE-2026-46358): no secret of any operation reaches the audit log. Every other
// text does, so that the test would see a canary that came through.
func TestAuditHoldsNoSecret(t *testing.T) {
	t.Parallel()
	names := sensitiveMembers(t)
	if len(names) < 19 {
		t.Fatalf("%d sensitive members, want at least 19: %v", len(names), slices.Sorted(maps.Keys(names)))
	}
	filled := map[string]int{}
	var fill func(v reflect.Value, member string)
	fill = func(v reflect.Value, member string) {
		switch v.Kind() {
		case reflect.String:
			v.SetString("plain")
			if names[member] {
				filled[member]++
				v.SetString(canary)
			}
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), member)
		case reflect.Slice:
			if v.Type().Elem().Kind() == reflect.Uint8 {
				v.SetBytes([]byte("plain"))
				if names[member] {
					filled[member]++
					v.SetBytes([]byte(canary))
				}
				return
			}
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			for i := range 2 {
				fill(v.Index(i), member)
			}
		case reflect.Map:
			v.Set(reflect.MakeMap(v.Type()))
			value := reflect.New(v.Type().Elem()).Elem()
			fill(value, member)
			v.SetMapIndex(reflect.ValueOf("key"), value)
		case reflect.Struct:
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.IsExported() && f.Type.String() != "time.Time" {
					fill(v.Field(i), f.Name)
				}
			}
		}
	}
	leaks := regexp.MustCompile(canary + "|Q0FOQVJZLTRmMWQ") // also in base64
	plain, shown := 0, 0
	for i, op := range typedOperations {
		audit, xml := op.encodings(func(v reflect.Value) { fill(v, "") })
		for _, text := range audit {
			if leaks.MatchString(text) {
				t.Errorf("%s: %s", operations[i].Name, text)
			}
			if !json.Valid([]byte(text)) {
				t.Errorf("%s: audit is not JSON: %s", operations[i].Name, text)
			}
			plain += strings.Count(text, `"plain"`)
		}
		if leaks.MatchString(xml) {
			shown++
		}
	}
	if plain < 500 || shown < 8 {
		t.Errorf("%d plain texts in the audit log, want at least 500; %d answers show a canary, want at least 8", plain, shown)
	}
	for name := range names {
		if filled[name] == 0 {
			t.Errorf("no operation has a member %s", name)
		}
	}
}
