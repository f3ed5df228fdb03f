package harness

import (
	"crypto/sha1" // thumbprints of IAM are SHA-1
	"encoding/hex"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Issuer is an OIDC issuer on loopback, as a Kubernetes API server is one.
type Issuer struct {
	URL        string
	Thumbprint string // of its certificate, which no authority vouches for
}

// StartIssuer serves the discovery document and the key set of [KeySet]. The test's end stops it.
func StartIssuer(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			_, _ = w.Write(marshal(map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/openid/v1/jwks", "response_types_supported": []string{"id_token"},
				"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256", "ES256"}}))
		case "/openid/v1/jwks":
			_, _ = w.Write(KeySet())
		default:
			http.NotFound(w, r)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	i.URL = server.URL
	sum := sha1.Sum(server.Certificate().Raw) // thumbprints of IAM are SHA-1
	i.Thumbprint = hex.EncodeToString(sum[:])
	return i
}
