package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is a Go file of the module that is not a test.
type source struct {
	path string // from the root, with slashes
	file *ast.File
}

// sources parses the product: all Go files but tests, generators and the modules that only test.
func sources(t *testing.T) []source {
	t.Helper()
	root := os.DirFS("..")
	set := token.NewFileSet()
	var found []source
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (slices.Contains([]string{"test", "bench", "model", "tools"}, name) || d.Name() == "testdata" || d.Name() != "." && d.Name()[0] == '.'):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
		found = append(found, source{name, file})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 150 {
		t.Fatalf("%d source files: some have vanished", len(found))
	}
	return found
}

// uses lists where a name is selected from something, as file:function.
func uses(all []source, name string) (found []string) {
	for _, s := range all {
		for _, d := range s.file.Decls {
			where := s.path + ":"
			if f, ok := d.(*ast.FuncDecl); ok {
				where += f.Name.Name
			}
			ast.Inspect(d, func(n ast.Node) bool {
				if selector, ok := n.(*ast.SelectorExpr); ok && selector.Sel.Name == name {
					found = append(found, where)
				}
				return true
			})
		}
	}
	slices.Sort(found)
	return found
}

// advisory 40 (SeaweedFS #10302): one function mints sessions, every operation that begins one goes through it, and the one
// that begins a session of a role asks the trust policy first. A new operation adds itself here, beside the check that it makes.
// The federated operations have one such function together.
func TestOneFunctionMintsSessions(t *testing.T) {
	t.Parallel()
	all := sources(t)
	for _, c := range []struct {
		name string
		want []string
	}{
		// The others are the AEAD of the standard library.
		{"Seal", []string{"internal/federation/saml/samltest/samltest.go:seal", "internal/session/sealer.go:seal", "internal/store/seal.go:seal", "internal/sts/service.go:seal"}},
		{"issue", []string{"internal/sts/assume_role.go:AssumeRole", "internal/sts/assume_root.go:AssumeRoot", "internal/sts/console.go:SignIn",
			"internal/sts/federated.go:assumeFederated", "internal/sts/get_delegated_access_token.go:GetDelegatedAccessToken",
			"internal/sts/get_federation_token.go:GetFederationToken", "internal/sts/get_session_token.go:GetSessionToken"}},
		// The same session with other keys, for whoever has it already.
		{"newKeys", []string{"internal/sts/console.go:Console", "internal/sts/continue.go:Continue", "internal/sts/service.go:issue"}},
		{"assumeFederated", []string{"internal/sts/assume_role_with_saml.go:AssumeRoleWithSAML",
			"internal/sts/assume_role_with_web_identity.go:AssumeRoleWithWebIdentity"}},
	} {
		if got := uses(all, c.name); !slices.Equal(got, c.want) {
			t.Errorf("%s is used by\n%q, want\n%q", c.name, got, c.want)
		}
	}
	// What a delegation request trades in is its approver's own session, which delegated makes of the request.
	asks := map[string]string{"AssumeRole": "mayAssume", "assumeFederated": "mayFederateInto", "GetDelegatedAccessToken": "Trade"}
	makers := 0
	for _, s := range all {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Name.Name != "GetDelegatedAccessToken" && (!makesRoleSession(f) || f.Name.Name == "delegated") {
				continue
			}
			makers++
			asked, issued := firstUse(f, asks[f.Name.Name]), firstUse(f, "issue")
			if asked == token.NoPos || issued == token.NoPos || asked > issued {
				t.Errorf("%s:%s makes a session of a role without asking first whether it may", s.path, f.Name.Name)
			}
		}
	}
	if makers != len(asks) {
		t.Errorf("%d functions make sessions of roles", makers)
	}
}

// makesRoleSession reports whether a function has identity.RoleSession as the value of a field.
func makesRoleSession(f *ast.FuncDecl) (makes bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		var value ast.Expr
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			value = n.Value
		case *ast.AssignStmt:
			value = n.Rhs[0]
		}
		if selector, ok := value.(*ast.SelectorExpr); ok && selector.Sel.Name == "RoleSession" {
			makes = true
		}
		return true
	})
	return makes
}

func firstUse(f *ast.FuncDecl, method string) (at token.Pos) {
	ast.Inspect(f, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok && selector.Sel.Name == method && at == token.NoPos {
			at = selector.Pos()
		}
		return true
	})
	return at
}

// advisory 29 (GHSA-xgr5-qc6w-vcg9): whoever asks for a decision asks whether it is Allow, and no more. What kind of denial it
// was is for its message alone, and for the simulator, which only tells it.
func TestDecisionsAreTestedForAllow(t *testing.T) {
	t.Parallel()
	all := sources(t)
	telling := []string{
		"internal/authz/denial.go:Fault", "internal/authz/denial.go:message",
		"internal/iam/simulation.go:decisionOf", "internal/iam/simulation.go:matched",
	}
	for _, kind := range []string{"ExplicitDeny", "ImplicitDeny"} {
		for _, where := range uses(all, kind) {
			if !slices.Contains(telling, where) {
				t.Errorf("%s tells denials apart", where)
			}
		}
	}
	asking := slices.Compact(uses(all, "Authorize"))
	if len(asking) < 4 {
		t.Fatalf("decisions are asked for by %q alone", asking)
	}
	allowed := uses(all, "Allowed")
	for _, where := range asking {
		if !slices.Contains(allowed, where) {
			t.Errorf("%s asks for a decision and does not test it with Allowed", where)
		}
	}
	if got := slices.Compact(uses(all, "Evaluate")); !slices.Equal(got, []string{"internal/authz/authorize.go:Authorize"}) {
		t.Errorf("policies are evaluated by %q", got)
	}
}

// advisory 125 (GHSA-j59h, GHSA-r5qv, GHSA-h956): nothing that could be a secret is written into the source: no key, no token,
// no password that a deployment would share with all others.
func TestNoSecretInTheSource(t *testing.T) {
	t.Parallel()
	if got := suspicious("wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzzKEY"); got == "" {
		t.Error("control: a secret access key is not found")
	}
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			if why := suspicious(text); why != "" {
				t.Errorf("%s: %q is %s", s.path, text, why)
			}
			return true
		})
	}
}

const long = "as long as a secret"

var shapes = map[string]*regexp.Regexp{
	"an access key id": regexp.MustCompile(`\b(AKIA|ASIA)[A-Z2-7]{16}\b`),
	"a private key":    regexp.MustCompile(`PRIVATE KEY-----`),
	long:               regexp.MustCompile(`^[A-Za-z0-9+/=_-]{28,}$`),
	"a known default":  regexp.MustCompile(`(?i)minioadmin|rustfsadmin|change-?me|password123|hunter2|default[-_ ]?(secret|key|token|password)`),
}

var hasDigit, hasUpper, hasLower = regexp.MustCompile(`[0-9]`), regexp.MustCompile(`[A-Z]`), regexp.MustCompile(`[a-z]`)

// suspicious says what a text looks like, if it looks like a secret. A long one without digits or in one case is a name.
func suspicious(text string) string {
	for what, shape := range shapes {
		mixed := hasDigit.MatchString(text) && hasUpper.MatchString(text) && hasLower.MatchString(text)
		if shape.MatchString(text) && (mixed || what != long) && !alphabet(text) {
			return what
		}
	}
	return ""
}

// alphabet reports whether no character comes twice: such a text lists what is permitted.
func alphabet(text string) bool {
	for i, r := range text {
		if strings.ContainsRune(text[:i], r) {
			return false
		}
	}
	return true
}

// advisory 134 (versitygw e98f7763, etcd #14370): no file is truncated and written anew under its name, what must outlive a
// power cut is brought to the disk, and the embedded store's waiting for the disk is not turned off.
func TestFilesAreNotRewrittenInPlace(t *testing.T) {
	t.Parallel()
	all := sources(t)
	for _, name := range []string{"WriteFile", "O_TRUNC", "UnsafeNoFsync"} {
		if got := uses(all, name); len(got) > 0 {
			t.Errorf("%s is used by %q", name, got)
		}
	}
	syncing := uses(all, "Sync")
	for _, want := range []string{"cmd/stint/rootkey.go:writeNewFile", "cmd/stint/rootkey.go:syncFolder", "internal/audit/open.go:prepare"} {
		if !slices.Contains(syncing, want) {
			t.Errorf("%s does not wait for the disk; %q do", want, syncing)
		}
	}
}

// patchedGo is the first release of Go that has the repairs of all that the advisories name: of crypto/tls (26:
// CVE-2026-32283, -56862), crypto/x509 (136: CVE-2025-22874, -58187, -61727, CVE-2026-33810) and net/http (21, 24). What came
// to be known later is for make vuln.
const patchedGo = "1.26.6"

// advisory 26 and advisory 136: no older Go builds Stint, and none built this test.
func TestGoHasItsRepairs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../go.mod") // the modules that need this one must demand as much
	if err != nil {
		t.Fatal(err)
	}
	demanded := regexp.MustCompile(`(?m)^go (1\.\d+(?:\.\d+)?)$`).FindSubmatch(text)
	if demanded == nil || older(string(demanded[1]), patchedGo) {
		t.Errorf("go.mod demands Go %s, want %s or newer", demanded, patchedGo)
	}
	if built := strings.TrimPrefix(runtime.Version(), "go"); older(built, patchedGo) {
		t.Errorf("built by Go %s", built)
	}
	if !older("1.26.5", patchedGo) || older("1.26.10", patchedGo) || older("1.27", patchedGo) || !older("1.25.99", patchedGo) {
		t.Error("versions are compared wrongly")
	}
}

func older(a, b string) bool {
	return slices.Compare(numbers(a), numbers(b)) < 0
}

func numbers(version string) (out []int) {
	version, _, _ = strings.Cut(version, " ")
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			n = -1 // a release candidate
		}
		out = append(out, n)
	}
	return out
}

// advisory 11 (GHSA-v2ch-c8v8-fgr7): every package that takes bytes from outside apart has a fuzz target, which runs with its
// seeds in every test and for longer in make fuzz.
func TestEveryDecoderIsFuzzed(t *testing.T) {
	t.Parallel()
	for folder, targets := range map[string][]string{
		"arn":                 {"FuzzARN", "FuzzAccountOfID"},
		"sigv4":               {"FuzzParse", "FuzzParseQuery", "FuzzCanonical"},
		"policy":              {"FuzzParsePolicy", "FuzzGlob"},
		"internal/strictjson": {"FuzzParse"},
		"internal/session":    {"FuzzOpen", "FuzzDecodeSession"},
		"internal/wire":       {"FuzzParseForm", "FuzzDecode"},
		"internal/audit":      {"FuzzVerify"},
		"internal/directory":  {"FuzzParseSAMLMetadata"},

		"internal/federation/saml": {"FuzzVerify"},
	} {
		tests, err := filepath.Glob(path.Join("..", folder, "*_test.go"))
		if err != nil || len(tests) == 0 {
			t.Fatalf("%s: %d tests, %v", folder, len(tests), err)
		}
		var texts strings.Builder
		for _, file := range tests {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts.Write(text)
		}
		for _, target := range targets {
			if !strings.Contains(texts.String(), "\nfunc "+target+"(f *testing.F) {") {
				t.Errorf("%s has no fuzz target %s", folder, target)
			}
		}
	}
}
