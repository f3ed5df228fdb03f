package oidc

import (
	"errors"

	"github.com/go-jose/go-jose/v4"

	"github.com/stint-sts/stint/internal/strictjson"
)

// The limits of a key set.
const (
	maxKeys      = 100 // more are refused, as AWS does with RSA keys
	maxSetBytes  = 256 << 10
	maxSetTokens = 20_000
)

// key is a public key of a set.
type key struct {
	id         string // empty if it has none
	public     any
	algorithms []jose.SignatureAlgorithm
}

// keySet holds the keys of a JSON Web Key Set that verify signatures here. Keys of other kinds (for encryption, symmetric,
// private, of unknown types) are left out, since issuers publish such beside those that count.
type keySet struct{ keys []key }

// parseKeys reads a JSON Web Key Set.
func parseKeys(text []byte) (*keySet, error) {
	document, err := strictjson.Parse(text, strictjson.Limits{Bytes: maxSetBytes, Depth: maxDepth, Tokens: maxSetTokens})
	if err != nil {
		return nil, errors.New("the key set is not strict JSON")
	}
	list, ok := document.Get("keys")
	if !ok || list.Kind != strictjson.Array {
		return nil, errors.New("the key set has no list of keys")
	}
	if len(list.Elements) > maxKeys {
		return nil, errors.New("the key set has too many keys")
	}
	set := new(keySet)
	for i := range list.Elements {
		if k, ok := parseKey(text, &list.Elements[i]); ok {
			set.keys = append(set.keys, k)
		}
	}
	if len(set.keys) == 0 {
		return nil, errors.New("the key set has no key that verifies signatures")
	}
	return set, nil
}

func parseKey(text []byte, v *strictjson.Value) (key, bool) {
	if v.Kind != strictjson.Object || !forSignatures(v) {
		return key{}, false
	}
	var parsed jose.JSONWebKey
	// The library checks that points are on their curves and that certificates (x5c) are of the key.
	if err := parsed.UnmarshalJSON(text[v.Offset:v.End]); err != nil || !parsed.Valid() || !parsed.IsPublic() {
		return key{}, false
	}
	k := key{id: parsed.KeyID, public: parsed.Key, algorithms: algorithmsOf(parsed.Key)}
	if parsed.Algorithm != "" {
		only := jose.SignatureAlgorithm(parsed.Algorithm)
		if !k.takes(only) {
			return key{}, false
		}
		k.algorithms = []jose.SignatureAlgorithm{only}
	}
	return k, len(k.algorithms) > 0
}

// forSignatures reports whether what the key says it is for (use, key_ops) lets it verify.
func forSignatures(v *strictjson.Value) bool {
	if use, ok := v.Get("use"); ok && (use.Kind != strictjson.String || use.Text != "sig") {
		return false
	}
	operations, ok := v.Get("key_ops")
	if !ok {
		return true
	}
	for i := range operations.Elements {
		if operations.Elements[i].Kind == strictjson.String && operations.Elements[i].Text == "verify" {
			return true
		}
	}
	return false
}

// candidates are the keys that may have made the token's signature: those with its key id, or, for a token without one, all,
// each if its type fits the token's algorithm.
func (s *keySet) candidates(t *token) []*key {
	var fit []*key
	for i := range s.keys {
		k := &s.keys[i]
		if k.takes(t.algorithm) && (!t.hasKeyID || k.id == t.keyID) {
			fit = append(fit, k)
		}
	}
	return fit
}
