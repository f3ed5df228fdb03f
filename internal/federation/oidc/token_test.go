package oidc

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/federation/oidc/oidctest"
)

// TestTokensOfManyParts: advisories 64 to 67: a megabyte of dots, JWE with costly parameters and compressed payloads are refused
// before anything is split, decoded or decrypted. It is not parallel because it counts what the process allocates.
func TestTokensOfManyParts(t *testing.T) {
	header := b64(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2000000000,"p2s":"AAAA","zip":"DEF"}`)
	for name, row := range map[string]struct{ token, reason string }{
		"dots":            {strings.Repeat(".", 20_000), "the token has not three parts"},
		"a million dots":  {strings.Repeat(".", 1<<20), "the token is too long"},
		"costly JWE":      {header + ".AAAA.AAAA.AAAA.AAAA", "the token has not three parts"},
		"JWE of nothing":  {header + "....", "the token has not three parts"},
		"JWE, three only": {header + ".AAAA.AAAA", "the header has zip"},
	} {
		before := allocated()
		for range 100 {
			if _, err := parse(row.token, awsAlgorithms()); err == nil || err.Error() != row.reason {
				t.Fatalf("%s: got %v, want %s", name, err, row.reason)
			}
		}
		if each := (allocated() - before) / 100; each > 64<<10 {
			t.Errorf("%s takes %d bytes", name, each)
		}
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// FuzzParse: whatever is taken for a token has one spelling, and nothing that is refused panics.
func FuzzParse(f *testing.F) {
	rs, es := oidctest.NewKey(f, "rsa", "RS256"), oidctest.NewKey(f, "ec", "ES256")
	f.Add(rs.Token(claimed(nil)))
	f.Add(es.Token(claimed(nil)) + "\n")
	f.Add("..")
	f.Add(b64(`{"alg":"RS256"}`) + "." + b64(`{}`) + ".AA")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := parse(text, awsAlgorithms())
		if err != nil {
			return
		}
		parts := strings.Split(token.compact, ".")
		if len(parts) != 3 {
			t.Fatalf("%d parts", len(parts))
		}
		for _, part := range parts {
			decoded, err := decode(part)
			if err != nil || b64(string(decoded)) != part {
				t.Errorf("%q has another spelling: %v", part, err)
			}
		}
	})
}
