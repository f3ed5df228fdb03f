package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"

	"github.com/stint-sts/stint/test/harness"
)

// jwtValue is a token that is signed for a case.
type jwtValue struct {
	Algorithm string         `json:"alg"`
	Key       *string        `json:"key"` // follows from the algorithm
	Claims    map[string]any `json:"claims"`
}

// token signs the claims, with the server's time in place of now+300 and the like.
func (s *stage) token(v *jwtValue) (string, error) {
	claims := make(map[string]any, len(v.Claims))
	for name, value := range v.Claims {
		text, ok := value.(string)
		offset, relative := strings.CutPrefix(text, "now")
		if !ok || !relative {
			claims[name] = value
			continue
		}
		seconds := 0
		if offset != "" {
			var err error
			if seconds, err = strconv.Atoi(offset); err != nil {
				return "", fmt.Errorf("claim %s: %w", name, err)
			}
		}
		claims[name] = s.server.Now().Unix() + int64(seconds)
	}
	return harness.Token(v.Algorithm, claims)
}

// providerEntry is an OIDC provider in the directory file. Its keys are pinned unless the case is about fetching them.
type providerEntry struct {
	URL         string          `json:"url"`
	ClientIDs   []string        `json:"client_ids,omitempty"`
	Thumbprints []string        `json:"thumbprints,omitempty"`
	JWKS        json.RawMessage `json:"jwks,omitempty"`
}

func (a *accountEntry) addProvider(s step) {
	p := providerEntry{URL: s.URL, ClientIDs: s.ClientIDs, Thumbprints: s.Thumbprints}
	if s.JWKS != "unreachable" && s.TLS == "" {
		p.JWKS = harness.KeySet()
	}
	a.OIDCProviders = append(a.OIDCProviders, p)
}

// untrusted is an issuer whose certificate no authority vouches for.
var untrusted = sync.OnceValue(func() string {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS() // until the process ends
	return server.Listener.Addr().String()
})

// placed puts the issuer of a case about certificates where there is one.
func placed(c wireCase) wireCase {
	const name, untrustedCA = "idp.example.test", `"untrusted-ca"`
	setup := false
	for _, raw := range c.Setup {
		setup = setup || bytes.Contains(raw, []byte(untrustedCA))
	}
	if !setup {
		return c
	}
	move := func(raw json.RawMessage) json.RawMessage {
		return bytes.ReplaceAll(raw, []byte(name), []byte(untrusted()))
	}
	for i := range c.Setup {
		c.Setup[i] = move(c.Setup[i])
	}
	c.Request, c.Expect = move(c.Request), move(c.Expect)
	return c
}
