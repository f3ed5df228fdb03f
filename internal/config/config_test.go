package config

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestExampleIsTheDefaults(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/stint.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	// An empty list in the file is the absent one of the defaults.
	if len(got.Hosts) == 0 && len(got.Directory.Etcd.Endpoints) == 0 {
		got.Hosts, got.Directory.Etcd.Endpoints = nil, nil
	}
	if f := &got.Federation; len(f.AllowedNetworks) == 0 && len(f.OIDC.Authorities) == 0 && len(f.SAML.Endpoints) == 0 {
		f.AllowedNetworks, f.OIDC.Authorities, f.SAML.Endpoints = nil, nil, nil
	}
	if len(got.Federation.Destinations) == 0 {
		got.Federation.Destinations = nil
	}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("the example is\n%+v\nthe defaults are\n%+v", *got, want)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	for _, missing := range missingKeys(reflect.TypeFor[Config](), tree, "") {
		t.Errorf("the example does not show %s", missing)
	}
	for line := range bytes.Lines(text) {
		if len(line) > 130 {
			t.Errorf("line too long: %s", line)
		}
	}
}

func missingKeys(of reflect.Type, tree map[string]any, at string) (missing []string) {
	for i := range of.NumField() {
		field := of.Field(i)
		key := field.Tag.Get("yaml")
		value, ok := tree[key]
		if !ok {
			missing = append(missing, at+key)
		} else if field.Type.Kind() == reflect.Struct {
			below, _ := value.(map[string]any)
			missing = append(missing, missingKeys(field.Type, below, at+key+".")...)
		}
	}
	return missing
}

func TestParse(t *testing.T) {
	t.Parallel()
	c, err := Parse([]byte(`
listen: 0.0.0.0:443
tls: {cert: api.pem, key: api.key}
data: data
root_key: {file: keys/root.key}
partition: aws-cn
regions: [cn-north-1, cn-northwest-1]
directory: {etcd: {endpoints: ["https://a.example:2379", "http://127.0.0.1:2379"], ca: ca.pem, cert: node.pem, key: node.key, prefix: iam/}}
managed_policies: policies
audit: {file: /var/log/stint.jsonl, fsync: true}
max_session_duration: 3600
hosts: [sts.example.com, "::1", 10.0.0.1]
federation: {allowed_networks: [10.1.0.0/16, "fd00::/8"], oidc: {leeway: 0, extra_algorithms: true,
  authorities: [{issuer: "https://idp.example/a", ca: idp.pem}], amazon_token_info: "https://amazon.example/info",
  facebook_debug_token: "https://facebook.example/debug", facebook_app_token_file: facebook.token}}
log: {format: json, level: debug}
outbound_issuer: https://sts.example.com/issuers/{id}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Listen: "0.0.0.0:443", TLS: TLS{"api.pem", "api.key"}, Data: "data", RootKey: RootKey{"keys/root.key"}, Partition: "aws-cn",
		Regions: []string{"cn-north-1", "cn-northwest-1"},
		Directory: Directory{Etcd{[]string{"https://a.example:2379", "http://127.0.0.1:2379"},
			"ca.pem", "node.pem", "node.key", "iam/"}},
		ManagedPolicies: "policies",
		Audit:           Audit{"/var/log/stint.jsonl", true}, MaxSessionDuration: 3600,
		Hosts: []string{"sts.example.com", "::1", "10.0.0.1"}, Log: Log{"json", "debug"},
		OutboundIssuer: "https://sts.example.com/issuers/{id}",
		Federation: Federation{[]string{"10.1.0.0/16", "fd00::/8"}, nil, OIDC{0, true, []Authority{{"https://idp.example/a", "idp.pem"}},
			"https://amazon.example/info", "https://facebook.example/debug", "facebook.token"}, SAML{}},
	}
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("got\n%+v\nwant\n%+v", *c, want)
	}
}

func TestOutboundIssuerURL(t *testing.T) {
	t.Parallel()
	for form, want := range map[string]string{
		"":                                   "https://1-2.tokens.sts.global.api.aws",
		"http://localhost:8321/issuers/{id}": "http://localhost:8321/issuers/1-2",
	} {
		text := "{}"
		if form != "" {
			text = "outbound_issuer: " + form
		}
		c, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.OutboundIssuerURL("1-2"); got != want {
			t.Errorf("%q gives %s, want %s", form, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	// The positive control: each text below is this one with something wrong in it.
	if _, err := Parse([]byte("{}")); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ text, reason string }{
		"empty":                   {"# nothing\n", "the file is empty"},
		"two documents":           {"{}\n---\n{}\n", "more than one YAML document"},
		"unknown key":             {"listne: 127.0.0.1:1", "field listne not found"},
		"unknown key below":       {"audit: {files: x}", "field files not found"},
		"key twice":               {"data: a\ndata: b", "already defined"},
		"wrong type":              {"regions: {a: b}", "cannot unmarshal"},
		"duration as text":        {"max_session_duration: 1h", "cannot unmarshal"},
		"no port":                 {"listen: 127.0.0.1", `"127.0.0.1" is not host:port`},
		"named port":              {"listen: 127.0.0.1:https", "is not host:port"},
		"port too great":          {"listen: 127.0.0.1:65536", "is not host:port"},
		"plain on all addresses":  {"listen: :8321", "is not loopback"},
		"plain on one address":    {"listen: 192.0.2.1:8321", "is not loopback"},
		"plain on a name":         {"listen: example.com:8321", "is not loopback"},
		"certificate without key": {"tls: {cert: a.pem}", "cert and key belong together"},
		"key without certificate": {"tls: {key: a.pem}", "cert and key belong together"},
		"tls and plaintext":       {"plaintext: true\ntls: {cert: a, key: b}", "cannot be together with tls"},
		"no data":                 {`data: ""`, "data: must not be empty"},
		"no root key":             {`root_key: {file: ""}`, "root_key.file: must not be empty"},
		"partition":               {"partition: AWS", "is not 1 to 64 characters"},
		"organization account":    {"organization_account: acme", "organization_account: "},
		"no regions":              {"regions: []", "at least one is needed"},
		"any region":              {`regions: ["*"]`, "regions: \"*\" is not"},
		"region twice":            {"regions: [a, a]", `regions: "a" is there twice`},
		"etcd half a certificate": {"directory: {etcd: {endpoints: [https://a:1], cert: a}}", "cert and key belong together"},
		"etcd ca alone":           {"directory: {etcd: {ca: a}}", "there are none"},
		"etcd in the clear":       {"directory: {etcd: {endpoints: [http://a.example:2379]}}", "in the clear"},
		"etcd scheme":             {"directory: {etcd: {endpoints: [tcp://a.example:2379]}}", "neither http nor https"},
		"etcd no scheme":          {"directory: {etcd: {endpoints: [a.example]}}", "is not a URL"},
		"etcd password":           {"directory: {etcd: {endpoints: [https://u:p@a.example]}}", "is not a URL"},
		"etcd prefix":             {"directory: {etcd: {prefix: stint}}", "must end with a slash"},
		"session too short":       {"max_session_duration: 899", "want 900 to 129600"},
		"session too long":        {"max_session_duration: 129601", "want 900 to 129600"},
		"session negative":        {"max_session_duration: -1", "want 900 to 129600"},
		"host with scheme":        {"hosts: [https://a.example]", "is not a host name"},
		"host with port":          {"hosts: [a.example:443]", "is not a host name"},
		"host empty":              {`hosts: [""]`, "is not a host name"},
		"issuer without id":       {"outbound_issuer: https://a.example", "is not a URL with {id} once"},
		"issuer with two ids":     {"outbound_issuer: https://{id}.example/{id}", "is not a URL with {id} once"},
		"issuer with a slash":     {"outbound_issuer: https://a.example/{id}/", "is not a URL with {id} once"},
		"issuer with a query":     {"outbound_issuer: https://a.example/?{id}", "is not a URL with {id} once"},
		"issuer in capitals":      {"outbound_issuer: https://A.example/{id}", "is not a URL with {id} once"},
		"issuer in the clear":     {"outbound_issuer: http://a.example/{id}", "is not https"},
		"network":                 {"federation: {allowed_networks: [10.0.0.1]}", "is not an address range"},
		"network with host bits":  {"federation: {allowed_networks: [10.0.0.1/8]}", "is not an address range"},
		"network mapped":          {`federation: {allowed_networks: ["::ffff:10.0.0.0/104"]}`, "is not an address range"},
		"leeway too long":         {"federation: {oidc: {leeway: 301}}", "want 0 to 300 seconds"},
		"leeway negative":         {"federation: {oidc: {leeway: -1}}", "want 0 to 300 seconds"},
		"authority without CA":    {`federation: {oidc: {authorities: [{issuer: "https://a.example"}]}}`, "belong together"},
		"authority of http":       {`federation: {oidc: {authorities: [{issuer: "http://a.example", ca: a}]}}`, "is not a URL of https"},
		"authority twice":         {`federation: {oidc: {authorities: [{issuer: "https://a", ca: a}, {issuer: "https://a", ca: b}]}}`, "is there twice"},
		"token info in the clear": {`federation: {oidc: {amazon_token_info: "http://a.example"}}`, "is not a URL of https"},
		"facebook without token":  {`federation: {oidc: {facebook_debug_token: "https://a.example"}}`, "belong together"},
		"log format":              {"log: {format: xml}", "neither text nor json"},
		"log level":               {"log: {level: loud}", "none of debug"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("got %v, want an error with %q", err, test.reason)
			}
		})
	}
}

func TestParseSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte("listen: x\npartition: Y\nlog: {format: z}"))
	for _, want := range []string{"listen:", "partition:", "log.format:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to name %s", err, want)
		}
	}
}

func TestPlaintextAskedForByName(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"{listen: ':8321', plaintext: true}",
		"{listen: '192.0.2.1:443', tls: {cert: a, key: b}}",
		"{listen: 'localhost:0'}", "{listen: '[::1]:8321'}", "{listen: '127.9.9.9:1'}", "{listen: '[::ffff:127.0.0.1]:1'}",
	} {
		if _, err := Parse([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestLoadCompletesPaths(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "stint.yaml")
	if err := os.WriteFile(path, []byte("data: data\nmanaged_policies: more\nroot_key: {file: /keys/root.key}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Data != filepath.Join(folder, "data") || c.RootKey.File != "/keys/root.key" ||
		c.Audit.File != filepath.Join(folder, "data", "audit.jsonl") || c.TLS.Cert != "" || c.ManagedPolicies != filepath.Join(folder, "more") {
		t.Errorf("paths: %+v", c)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	large := filepath.Join(folder, "large.yaml")
	if err := os.WriteFile(large, bytes.Repeat([]byte("#"), maxBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, reason := range map[string]string{
		filepath.Join(folder, "none.yaml"): "no such file",
		large:                              "larger than",
	} {
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: got %v, want %q", path, err, reason)
		}
	}
}
