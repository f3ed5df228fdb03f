package session

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

const (
	keySize   = 32
	nonceSize = 24
	tagSize   = 16
	// settling is how old a key is before it seals: every node has seen it by then.
	settling = time.Minute
)

var errNoKey = errors.New("the directory has no sealing key")

// NewSealingKey makes a key of the ring. Its id must not be 0, nor ever have been another key's.
func NewSealingKey(id uint32, now time.Time, random io.Reader) (*directory.SealingKey, error) {
	if id == 0 {
		return nil, errors.New("making a sealing key: its id must not be 0")
	}
	key, err := secret.Random(keySize, random)
	if err != nil {
		return nil, fmt.Errorf("making a sealing key: %w", err)
	}
	return &directory.SealingKey{ID: id, Secret: directory.Protected{Key: key}, Created: now.UTC()}, nil
}

// ring is the keys of one View, ready for use. It is immutable and never outlives its View as the current one, so that a
// key that was replaced or removed is gone with it.
type ring struct {
	view  *directory.View
	byID  map[uint32]*sealingKey
	byAge []*sealingKey // oldest first
}

func newRing(v *directory.View) *ring {
	r := &ring{view: v, byID: make(map[uint32]*sealingKey)}
	for entity := range v.SealingKeys() {
		if k, ok := newSealingCipher(entity); ok {
			r.byID[k.id] = k
			r.byAge = append(r.byAge, k)
		}
	}
	slices.SortFunc(r.byAge, func(a, b *sealingKey) int {
		return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.id, b.id))
	})
	return r
}

// sealer returns the newest key that has settled; while all are new, the one that the other nodes have known longest.
func (r *ring) sealer(now time.Time) (*sealingKey, error) {
	if len(r.byAge) == 0 {
		return nil, errNoKey
	}
	for _, k := range slices.Backward(r.byAge) {
		if now.Sub(k.created) >= settling {
			return k, nil
		}
	}
	return r.byAge[0], nil
}

// sealingKey is the part of XAES-256-GCM that is the same for all tokens under a key.
type sealingKey struct {
	id      uint32
	created time.Time
	block   cipher.Block
	subkey  [aes.BlockSize]byte // K1 of CMAC (NIST SP 800-38B, 6.1)
}

// newSealingCipher refuses a key that this build cannot have made, so that a damaged record voids tokens and no more.
func newSealingCipher(entity *directory.SealingKey) (*sealingKey, bool) {
	key := entity.Secret.Key.Reveal()
	if entity.ID == 0 || len(key) != keySize {
		return nil, false
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, false
	}
	k := &sealingKey{id: entity.ID, created: entity.Created, block: block}
	block.Encrypt(k.subkey[:], k.subkey[:])
	k.subkey = double(k.subkey)
	return k, true
}

// double multiplies by x in GF(2^128) with the polynomial of CMAC, in constant time.
func double(b [aes.BlockSize]byte) [aes.BlockSize]byte {
	var out [aes.BlockSize]byte
	msb := b[0] >> 7
	for i := range len(b) - 1 {
		out[i] = b[i]<<1 | b[i+1]>>7
	}
	out[len(b)-1] = b[len(b)-1]<<1 ^ byte(subtle.ConstantTimeSelect(int(msb), 0x87, 0))
	return out
}

// aead returns the cipher of one token and the part of its nonce that is left for it.
func (k *sealingKey) aead(nonce []byte) (cipher.AEAD, []byte, error) {
	var derived [keySize]byte
	for i := range keySize / aes.BlockSize {
		half := derived[i*aes.BlockSize:][:aes.BlockSize]
		copy(half, []byte{0, byte(i + 1), 'X', 0})
		copy(half[4:], nonce[:12])
		subtle.XORBytes(half, half, k.subkey[:])
		k.block.Encrypt(half, half)
	}
	block, err := aes.NewCipher(derived[:])
	if err != nil {
		return nil, nil, fmt.Errorf("deriving the key of a token: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, nil, fmt.Errorf("deriving the key of a token: %w", err)
	}
	return gcm, nonce[12:], nil
}
