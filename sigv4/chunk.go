package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
)

// Chunks verifies the chain of signatures of a body that is sent in signed chunks (STREAMING-AWS4-HMAC-SHA256-PAYLOAD and its
// form with trailers): each chunk's covers the one before it, and the first that of the request. It is for one goroutine, and of no
// use after an error.
type Chunks struct {
	key      SigningKey
	stamp    string
	scope    string
	previous string
	work     scratch
}

// Chunks begins the chain of a request that Verify has accepted with key. Only HMAC signatures have one.
func (s *Signature) Chunks(key SigningKey) (*Chunks, error) {
	if s.Algorithm != HMAC || key.hmac.IsZero() || key.void {
		return nil, errors.New("sigv4: chunks are signed with HMAC keys alone")
	}
	scope := s.Date + "/" + s.Region + "/" + s.Service + "/" + s.Terminator
	return &Chunks{key: key, stamp: s.stamp, scope: scope, previous: s.signature}, nil
}

// Chunk answers nil if signature is that of the next chunk, whose data has this SHA-256, and otherwise an error that is
// [ErrMismatch].
func (c *Chunks) Chunk(signature string, data [sha256.Size]byte) error {
	const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	return c.next("-PAYLOAD", emptyHash+"\n", signature, data)
}

// Trailer answers nil if signature is that of the trailers, after the last chunk. The SHA-256 is of all of them, each as name, colon,
// value and line feed.
func (c *Chunks) Trailer(signature string, trailers [sha256.Size]byte) error {
	return c.next("-TRAILER", "", signature, trailers)
}

func (c *Chunks) next(suffix, fixed, signature string, hash [sha256.Size]byte) error {
	text := append(append(c.work.text[:0], HMAC...), suffix...)
	for _, line := range [...]string{c.stamp, c.scope, c.previous} {
		text = append(append(text, '\n'), line...)
	}
	text = append(append(text, '\n'), fixed...)
	c.work.text = hex.AppendEncode(text, hash[:])
	mac := macInto(&c.work.mac, c.key.hmac.RevealString(), c.work.text)
	var want [2 * sha256.Size]byte
	hex.Encode(want[:], mac[:])
	if subtle.ConstantTimeCompare(want[:], []byte(signature)) != 1 {
		return mismatch("the signature of a chunk differs")
	}
	c.previous = signature
	return nil
}
