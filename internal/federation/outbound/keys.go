package outbound

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

// The algorithms of GetWebIdentityToken.
const (
	RS256 = string(jose.RS256)
	ES384 = string(jose.ES384)
)

const (
	life    = 90 * 24 * time.Hour // after which a key's successor is made
	lead    = 24 * time.Hour      // for which a key is published before it signs
	rest    = 24 * time.Hour      // for which it is published after it signed: tokens last an hour at most
	rsaBits = 2048
)

// Due reports whether Renew would change something.
func Due(o *directory.OutboundIssuer, now time.Time) bool {
	missing, stale := due(o, now)
	return len(missing)+len(stale) > 0
}

// Renew makes the keys that are missing or due, and forgets those that no token can need.
func Renew(o *directory.OutboundIssuer, now time.Time) error {
	missing, stale := due(o, now)
	o.Keys = slices.DeleteFunc(slices.Clone(o.Keys), func(k directory.OutboundKey) bool { return slices.Contains(stale, k.ID) })
	for _, algorithm := range missing {
		k, err := newKey(algorithm, now)
		if err != nil {
			return fmt.Errorf("making a key for web identity tokens: %w", err)
		}
		o.Keys = append(o.Keys, k)
	}
	return nil
}

// due are the algorithms that lack a key or the next one, and the ids of the keys that are not needed any more.
func due(o *directory.OutboundIssuer, now time.Time) (missing, stale []string) {
	for _, algorithm := range []string{ES384, RS256} {
		keys := keysFor(o, algorithm)
		if len(keys) == 0 || !now.Before(keys[len(keys)-1].Created.Add(life)) {
			missing = append(missing, algorithm)
		}
		for i := range len(keys) - 1 {
			if !now.Before(keys[i+1].Created.Add(lead + rest)) {
				stale = append(stale, keys[i].ID)
			}
		}
	}
	return missing, stale
}

// keysFor returns the keys of an algorithm, the oldest first.
func keysFor(o *directory.OutboundIssuer, algorithm string) []*directory.OutboundKey {
	var keys []*directory.OutboundKey
	for i := range o.Keys {
		if o.Keys[i].Algorithm == algorithm {
			keys = append(keys, &o.Keys[i])
		}
	}
	slices.SortStableFunc(keys, func(a, b *directory.OutboundKey) int { return a.Created.Compare(b.Created) })
	return keys
}

// signing is the key that signs: the newest that was published for long enough, or else the oldest.
func signing(o *directory.OutboundIssuer, algorithm string, now time.Time) (*directory.OutboundKey, bool) {
	keys := keysFor(o, algorithm)
	if len(keys) == 0 {
		return nil, false
	}
	for _, k := range slices.Backward(keys) {
		if !now.Before(k.Created.Add(lead)) {
			return k, true
		}
	}
	return keys[0], true
}

// newKey makes a key pair. Its id follows from the public key.
func newKey(algorithm string, now time.Time) (directory.OutboundKey, error) {
	var private crypto.Signer
	var err error
	if algorithm == ES384 {
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	} else {
		private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	}
	if err != nil {
		return directory.OutboundKey{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return directory.OutboundKey{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return directory.OutboundKey{}, err
	}
	digest := sha256.Sum256(public)
	id := hex.EncodeToString(digest[:16])
	shown, err := json.Marshal(jose.JSONWebKey{Key: private.Public(), KeyID: id, Algorithm: algorithm, Use: "sig"})
	if err != nil {
		return directory.OutboundKey{}, err
	}
	return directory.OutboundKey{
		ID: id, Algorithm: algorithm, Private: directory.Protected{Key: secret.New(der)}, Public: string(shown), Created: now.UTC().Truncate(time.Second),
	}, nil
}
