package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestGateExample holds the file to start from against the structure: it has every key, and what it calls a default is one.
func TestGateExample(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/relying/gate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseGate(text)
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultGate()
	want.Stint.Endpoint, want.Stint.Service, want.Rules = "http://127.0.0.1:8321", "s3", got.Rules
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("the example is\n%+v\nthe defaults are\n%+v", *got, want)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	for _, missing := range missingKeys(reflect.TypeFor[Gate](), tree, "") {
		t.Errorf("the example does not show %s", missing)
	}
	all := make(map[string]any) // of all rules together
	for _, r := range tree["rules"].([]any) {
		for k, v := range r.(map[string]any) {
			all[k] = v
		}
	}
	for _, missing := range missingKeys(reflect.TypeFor[GateRule](), all, "rules.") {
		t.Errorf("the example does not show %s", missing)
	}
}

func TestParseGateRefuses(t *testing.T) {
	t.Parallel()
	const rest = "\nstint: {endpoint: 'https://stint.example', service: s3}\nrules: [{mapper: s3}]"
	if _, err := ParseGate([]byte(rest)); err != nil {
		t.Fatal(err)
	}
	for text, reason := range map[string]string{
		"":                        "the file is empty",
		"listn: a" + rest:         "field listn not found",
		"listen: 1" + rest:        "not host:port",
		"listen: ''" + rest:       "not host:port",
		"listen: :8330" + rest:    "is not loopback",
		"grpc: 10.0.0.1:1" + rest: "grpc: 10.0.0.1:1 is not loopback",
		"health: a" + rest:        "health:",
		"tls: {cert: a}" + rest:   "belong together",
		"{tls: {cert: a, key: b}, plaintext: true, stint: {endpoint: 'https://a', service: s3}, rules: [{mapper: s3}]}": "cannot be together",
		"trusted_proxies: []" + rest:                                                                           "at least one",
		"trusted_proxies: [a]" + rest:                                                                          "neither an address nor a range",
		"trusted_proxies: [10.0.0.1/8]" + rest:                                                                 "neither an address nor a range",
		"trusted_proxies: ['::ffff:10.0.0.0/104']" + rest:                                                      "neither an address nor a range",
		"original: {uri: ''}" + rest:                                                                           "original:",
		"original: {uri: X_Uri}" + rest:                                                                        "original:",
		"original: {uri: X-Forwarded-Host}" + rest:                                                             "of its own",
		"log: {level: loud}" + rest:                                                                            "log.level",
		"stint: {service: s3}\nrules: [{mapper: s3}]":                                                          "stint.endpoint",
		"stint: {endpoint: 'http://stint.example', service: s3}\nrules: [{mapper: s3}]":                        "in the clear",
		"stint: {endpoint: 'https://stint.example'}\nrules: [{mapper: s3}]":                                    "stint.service",
		"stint: {endpoint: 'https://stint.example', service: s3, region: '*'}\nrules: [{mapper: s3}]":          "stint.region",
		"stint: {endpoint: 'https://stint.example', service: s3, max_age: 0}\nrules: [{mapper: s3}]":           "stint.max_age",
		"stint: {endpoint: 'https://stint.example', service: s3, static_stability: -1}\nrules: [{mapper: s3}]": "stint.static_stability",
		"stint: {endpoint: 'https://stint.example', service: s3}":                                              "rules: at least one",
		"stint: {endpoint: 'https://stint.example', service: s3}\nrules: [{maper: s3}]":                        "field maper not found",
		rest + "\n---\n{}": "more than one YAML document",
	} {
		if _, err := ParseGate([]byte(text)); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v; want %q", text, err, reason)
		}
	}
}

func TestGateProxies(t *testing.T) {
	t.Parallel()
	g := DefaultGate()
	g.TrustedProxies = []string{"10.0.0.7", "fd00::/8"}
	got, err := g.Proxies()
	if err != nil || len(got) != 2 || got[0].String() != "10.0.0.7/32" || got[1].String() != "fd00::/8" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestLoadGateCompletesPaths(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "gate.yaml")
	text := "stint: {endpoint: 'https://stint.example', service: s3, ca: ca.pem, credentials: /etc/key}\nrules: [{mapper: s3}]\ntls: {cert: a, key: b}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g, err := LoadGate(path)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{g.TLS.Cert, g.TLS.Key, g.Stint.CA, g.Stint.Credentials}
	if want := []string{filepath.Join(folder, "a"), filepath.Join(folder, "b"), filepath.Join(folder, "ca.pem"), "/etc/key"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}
