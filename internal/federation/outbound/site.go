package outbound

import (
	"encoding/json"
	"net"
	"strings"

	"github.com/stint-sts/stint/internal/directory"
)

// Paths below an issuer's URL.
const (
	discoveryPath = "/.well-known/openid-configuration"
	keySetPath    = "/.well-known/jwks.json"
)

// place is where an issuer's URL has its id.
const place = "{id}"

// Site is where the accounts' issuers are: at a host each, or at a path each.
type Site struct {
	form, host, path string // form is scheme, host and path with place in one of the last two
}

// NewSite returns the site of issuers whose URLs are made by issuer of their ids.
func NewSite(issuer func(id string) string) *Site {
	s := &Site{form: issuer(place)}
	_, rest, _ := strings.Cut(s.form, "://")
	s.host, s.path, _ = strings.Cut(rest, "/")
	if s.path != "" {
		s.path = "/" + s.path
	}
	return s
}

// Own reports whether a URL is that of an issuer of an account of this server.
func (s *Site) Own(v *directory.View, issuer string) bool {
	id, ok := within(s.form, issuer)
	if ok {
		_, ok = v.AccountOfIssuer(id)
	}
	return ok
}

// within returns what a text has in the place of the form.
func within(form, text string) (string, bool) {
	before, after, ok := strings.Cut(form, place)
	if !ok || len(text) < len(before)+len(after) || !strings.HasPrefix(text, before) || !strings.HasSuffix(text, after) {
		return "", false
	}
	return text[len(before) : len(text)-len(after)], true
}

// Document returns the discovery document or key set of an issuer: that which the Host header or the path names. It is there, too,
// while the issuer is disabled, since the tokens that it gave are still good.
func (s *Site) Document(v *directory.View, host, path string) ([]byte, bool) {
	base, keySet := strings.CutSuffix(path, keySetPath)
	if !keySet {
		var discovery bool
		if base, discovery = strings.CutSuffix(path, discoveryPath); !discovery {
			return nil, false
		}
	}
	id, ok := within(s.path, base)
	if !ok && base == s.path {
		id, ok = s.idOfHost(host)
	}
	if !ok {
		return nil, false
	}
	account, ok := v.AccountOfIssuer(id)
	if !ok {
		return nil, false
	}
	if keySet {
		return publicKeys(account.Outbound), true
	}
	return discovery(strings.Replace(s.form, place, id, 1)), true
}

// idOfHost reads the id in a Host header. A port counts only if the issuers' URLs have one.
func (s *Site) idOfHost(host string) (string, bool) {
	if name, _, err := net.SplitHostPort(host); err == nil && !strings.Contains(s.host, ":") {
		host = name
	}
	return within(s.host, strings.ToLower(host))
}

// discovery is the document that was recorded of AWS: an issuer without the endpoints of a sign-in.
func discovery(issuer string) []byte {
	text, err := json.Marshal(struct {
		Claims     []string `json:"claims_supported"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
		Issuer     string   `json:"issuer"`
		KeySet     string   `json:"jwks_uri"`
		Subjects   []string `json:"subject_types_supported"`
	}{
		[]string{"sub", "iss", "aud", "exp", "iat", "jti", "https://sts.amazonaws.com/"}, []string{RS256, ES384}, issuer, issuer + keySetPath,
		[]string{"public"},
	})
	if err != nil {
		return nil // texts alone cannot fail
	}
	return text
}

func publicKeys(o *directory.OutboundIssuer) []byte {
	keys := make([]string, len(o.Keys))
	for i := range o.Keys {
		keys[i] = o.Keys[i].Public
	}
	return []byte(`{"keys":[` + strings.Join(keys, ",") + `]}`)
}
