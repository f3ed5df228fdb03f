package password

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/stint-sts/stint/internal/secret"
)

// The costs of a hash: the OWASP Password Storage Cheat Sheet's for argon2id. They stand in each hash, so that they can rise.
const (
	memoryKiB = 19 * 1024
	passes    = 2
	lanes     = 1
	saltSize  = 16
	hashSize  = 32
)

// atOnce is how many hashes are made at the same time: 40 MB, and two processors.
const atOnce = 2

var errHash = errors.New("the hash of a password is damaged")

// Hasher hashes and verifies. It is safe for concurrent use.
type Hasher struct {
	random io.Reader
	slots  chan struct{}
}

// New returns a Hasher. random is cryptographically secure and safe for concurrent use.
func New(random io.Reader) *Hasher {
	return &Hasher{random: random, slots: make(chan struct{}, atOnce)}
}

// cost is what a hash was made with.
type cost struct {
	memory, time uint32
	threads      uint8
}

func (c cost) prefix() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, c.memory, c.time, c.threads)
}

var present = cost{memoryKiB, passes, lanes}

// hash makes a hash in the form of the reference implementation's command: $argon2id$v=…$m=…,t=…,p=…$salt$hash.
func (h *Hasher) hash(ctx context.Context, password string) (secret.Key, error) {
	var salt [saltSize]byte
	if _, err := io.ReadFull(h.random, salt[:]); err != nil {
		return secret.Key{}, fmt.Errorf("hashing a password: reading randomness: %w", err)
	}
	sum, err := h.sum(ctx, password, salt[:], present)
	if err != nil {
		return secret.Key{}, err
	}
	encode := base64.RawStdEncoding.EncodeToString
	return secret.FromString(present.prefix() + encode(salt[:]) + "$" + encode(sum)), nil
}

// sum waits for its turn and hashes.
func (h *Hasher) sum(ctx context.Context, password string, salt []byte, c cost) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("hashing a password: waiting for a turn: %w", ctx.Err())
	}
	return argon2.IDKey([]byte(password), salt, c.time, c.memory, c.threads, hashSize), nil
}

// matches reports whether a password is the one that a hash was made of. A zero hash is nobody's, and takes as long.
func (h *Hasher) matches(ctx context.Context, hash secret.Key, password string) (bool, error) {
	c, salt, want := present, make([]byte, saltSize), make([]byte, hashSize)
	if !hash.IsZero() {
		var err error
		if c, salt, want, err = parse(hash.RevealString()); err != nil {
			return false, err
		}
	}
	sum, err := h.sum(ctx, password, salt, c)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, want) == 1 && !hash.IsZero(), nil
}

// parse takes a hash apart. Only costs that this build knows are followed, whatever a record says.
func parse(text string) (c cost, salt, sum []byte, err error) {
	rest, ok := strings.CutPrefix(text, present.prefix())
	encodedSalt, encodedSum, ok2 := strings.Cut(rest, "$")
	if !ok || !ok2 {
		return cost{}, nil, nil, errHash
	}
	decode := base64.RawStdEncoding.Strict().DecodeString
	salt, err = decode(encodedSalt)
	if err != nil || len(salt) != saltSize {
		return cost{}, nil, nil, errHash
	}
	sum, err = decode(encodedSum)
	if err != nil || len(sum) != hashSize {
		return cost{}, nil, nil, errHash
	}
	return present, salt, sum, nil
}
