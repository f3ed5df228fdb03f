// Package internal_test holds the architecture: which package may import which. The table is docs/architecture.md's.
package internal_test

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/stint-sts/stint/"

// layers lists every package by its layer. Imports go strictly downward; a package may import the one that its folder lies in.
var layers = map[string]int{
	"arn":                      0,
	"internal/secret":          0,
	"internal/strictjson":      0,
	"internal/config":          0,
	"sigv4":                    1,
	"policy":                   1,
	"internal/identity":        2,
	"internal/directory":       2,
	"internal/api":             2,
	"policy/lint":              2,
	"internal/authz":           3,
	"internal/session":         3,
	"internal/mfa":             3,
	"internal/audit":           3,
	"internal/store":           3,
	"internal/manifest":        3,
	"internal/password":        3,
	"internal/lastuse":         3,
	"internal/federation":      3,
	"internal/federation/oidc": 3,
	"internal/federation/saml": 3,
	"internal/policycase":      3,
	"internal/sts":             4,
	"internal/iam":             4,
	"internal/organizations":   4,
	"internal/authn":           4,
	"internal/wire":            5,
	"internal/server":          6,
	"cmd/stint":                7,

	"internal/federation/outbound": 3,

	"internal/limit":          0,
	"internal/systemd":        0,
	"internal/rootkey":        1,
	"internal/gateapi":        1,
	"relying":                 2,
	"relying/s3":              3,
	"internal/gate":           5,
	"internal/gate/forward":   5,
	"internal/admin":          6,
	"internal/metrics":        6,
	"internal/throttle":       0,
	"internal/loginapi":       1,
	"internal/login":          2,
	"internal/commandline":    5,
	"internal/console":        5,
	"internal/gate/versitygw": 5,
}

// apart are packages that no other imports and that are not part of the server.
var apart = []string{"internal", "internal/directory/directorytest", "internal/federation/oidc/oidctest", "internal/federation/saml/samltest", "model", "model/gen"}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestLayers(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		layer, known := layers[name]
		if !known {
			if !slices.Contains(apart, name) {
				t.Errorf("%s has no layer: give it one here and in docs/architecture.md", name)
			}
			continue
		}
		seen++
		for _, imported := range p.Imports {
			below, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			if l, ok := layers[below]; !ok || l >= layer && !strings.HasPrefix(name, below+"/") {
				t.Errorf("%s (layer %d) imports %s: imports go strictly downward", name, layer, below)
			}
		}
	}
	if seen != len(layers) {
		t.Errorf("found %d of the %d packages of the table", seen, len(layers))
	}
}

// TestBottomStandsAlone holds that layer 0 imports the standard library and the one library it wraps.
func TestBottomStandsAlone(t *testing.T) {
	t.Parallel()
	wrapped := map[string]string{"internal/config": "go.yaml.in/yaml/v3", "internal/limit": "golang.org/x/time/rate"}
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if layer, ok := layers[name]; !ok || layer != 0 {
			continue
		}
		for _, imported := range p.Imports {
			if strings.Contains(strings.Split(imported, "/")[0], ".") && imported != wrapped[name] {
				t.Errorf("%s imports %s", name, imported)
			}
		}
	}
}

// TestRoomsKeepToThemselves holds what design forbids beyond the layers.
func TestRoomsKeepToThemselves(t *testing.T) {
	t.Parallel()
	forbidden := map[string][]string{
		"policy":                 {"net/http", "os"},
		"policy/lint":            {"net/http", "os"},
		"internal/sts":           {"net/http", "encoding/xml", "go.etcd.io/etcd/client/v3"},
		"internal/iam":           {"net/http", "encoding/xml", "go.etcd.io/etcd/client/v3"},
		"internal/organizations": {"net/http", "encoding/json", "go.etcd.io/etcd/client/v3"},
		"internal/directory":     {"net/http", "os", "go.etcd.io/etcd/client/v3"},
		"internal/identity":      {"net/http", "os"},
	}
	for _, p := range list(t) {
		for _, bad := range forbidden[strings.TrimPrefix(p.ImportPath, module)] {
			if slices.Contains(p.Imports, bad) {
				t.Errorf("%s imports %s", p.ImportPath, bad)
			}
		}
	}
}

func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
