package oidc

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// Wycheproof's vectors, which are too large for a requirement in go.mod: the Go command fetches this version and no other, and checks
// it against its checksum database.
const (
	wycheproof    = "github.com/C2SP/wycheproof@v0.0.0-20250901140545-b51abcfb8daf"
	wycheproofSum = "h1:5BKKVVVj676FUWirLcouEEL6GCYR9X0opkMlEUck8FY="
)

// rocaKey is the group of a key that was made by a faulty generator (CVE-2017-15361). Whether an issuer's keys are good is the
// issuer's matter: none but the form and size of them is looked at here.
const rocaKey = "jws_rsa_roca_key"

// wycheproofDir is where the Go command keeps the vectors. Without a network, and but for CI=true, the test is skipped.
func wycheproofDir(t *testing.T) string {
	t.Helper()
	var out, problems bytes.Buffer
	command := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", wycheproof)
	command.Stdout, command.Stderr = &out, &problems
	err := command.Run()
	var module struct{ Dir, Sum, Error string }
	if json.Unmarshal(out.Bytes(), &module) != nil || err != nil || module.Error != "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("fetching %s: %v %s%s", wycheproof, err, module.Error, problems.String())
		}
		t.Skipf("fetching %s: %v %s%s", wycheproof, err, module.Error, problems.String())
	}
	if module.Sum != wycheproofSum {
		t.Fatalf("%s has the sum %s", wycheproof, module.Sum)
	}
	return filepath.Join(module.Dir, "testvectors_v1")
}

// TestWycheproof: no signature that Wycheproof calls invalid is believed, and every valid one is, but for what is refused here by
// rule.
func TestWycheproof(t *testing.T) {
	t.Parallel()
	dir := wycheproofDir(t)
	believed, refused, byRule := 0, 0, 0
	for _, name := range []string{"json_web_signature_test.json", "json_web_key_test.json", "json_web_crypto_test.json"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			TestGroups []struct {
				Comment         string
				Public, Private json.RawMessage
				Tests           []struct {
					ID      int `json:"tcId"`
					Comment string
					JWS     json.RawMessage
					Result  string
				}
			}
		}
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		for _, g := range file.TestGroups {
			key := g.Public
			if key == nil {
				key = g.Private
			}
			for _, v := range g.Tests {
				var jws string
				if v.JWS == nil {
					continue // encrypted, which no token is
				}
				if json.Unmarshal(v.JWS, &jws) != nil {
					jws = string(v.JWS) // the JSON serialization, which is an object
				}
				if g.Comment == rocaKey {
					continue
				}
				rule := ruledOut(key, jws)
				switch ok, reason := believe(key, jws); {
				case ok && v.Result != "valid":
					t.Errorf("%s %d (%s, %s) is believed", name, v.ID, g.Comment, v.Comment)
				case ok && rule != "":
					t.Errorf("%s %d (%s, %s) is believed against the rule: %s", name, v.ID, g.Comment, v.Comment, rule)
				case ok:
					believed++
				case v.Result == "valid" && rule == "":
					t.Errorf("%s %d (%s, %s) is refused: %s", name, v.ID, g.Comment, v.Comment, reason)
				case v.Result == "valid":
					byRule++
				default:
					refused++
				}
			}
		}
	}
	t.Logf("%d believed, %d refused, %d valid ones refused by rule", believed, refused, byRule)
	if believed < 25 || refused < 300 {
		t.Errorf("%d believed, %d refused: vectors are missing", believed, refused)
	}
}

// ruledOut is why a token that Wycheproof calls valid is refused here nevertheless, or empty.
func ruledOut(key json.RawMessage, jws string) string {
	header, payload, _ := strings.Cut(jws, ".")
	decoded, err := decode(header)
	var h, k struct{ Alg string }
	switch payload, _, _ = strings.Cut(payload, "."); {
	case err != nil || json.Unmarshal(decoded, &h) != nil || json.Unmarshal(key, &k) != nil:
		return "no header"
	case strings.HasPrefix(h.Alg, "HS"):
		return "symmetric"
	case k.Alg != "" && h.Alg != k.Alg:
		return "the key is for another algorithm"
	case payload == "":
		return "no payload"
	}
	return ""
}

// believe is what Verify does with a token and a key set, whatever the payload: Wycheproof's are no claims.
func believe(key json.RawMessage, jws string) (ok bool, reason string) {
	algorithms := slices.Concat(awsAlgorithms(), extraAlgorithms())
	if !strings.Contains(string(key), `"keys"`) {
		key = slices.Concat([]byte(`{"keys":[`), key, []byte(`]}`))
	}
	set, err := parseKeys(key)
	if err != nil {
		return false, err.Error()
	}
	tok, err := parse(jws, algorithms)
	if err != nil {
		if !strings.HasPrefix(err.Error(), "the payload is not strict JSON") && !strings.HasPrefix(err.Error(), "the payload is not an object") {
			return false, err.Error()
		}
		tok = &token{compact: jws}
		header, _, _ := strings.Cut(jws, ".")
		if err := tok.readHeader(header, algorithms); err != nil {
			return false, err.Error()
		}
	}
	signed, err := jose.ParseSignedCompact(tok.compact, algorithms)
	if err != nil {
		return false, err.Error()
	}
	if err := checkWith(set, tok, signed); err != nil {
		return false, err.Error()
	}
	return true, ""
}
