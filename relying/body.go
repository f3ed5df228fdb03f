package relying

import (
	"crypto/sha256"
	"hash"
	"io"
)

func mismatchedBody() *Error {
	return badBody("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.", "")
}

// hashed passes a body on and checks it against the hash that was signed. The check is made before the last bytes are given: of a
// body whose length is known a reader may never ask for its end.
type hashed struct {
	body io.ReadCloser
	want [sha256.Size]byte
	sum  hash.Hash
	left int64 // bytes to come, -1 if unknown
	err  error
}

func (h *hashed) Read(p []byte) (int, error) {
	if h.err != nil {
		return 0, h.err
	}
	if h.left >= 0 && int64(len(p)) > h.left {
		p = p[:h.left]
	}
	n, err := 0, io.EOF
	if h.left != 0 {
		n, err = h.body.Read(p)
	}
	_, _ = h.sum.Write(p[:n])
	if h.left > 0 {
		h.left -= int64(n)
	}
	switch {
	case err == io.EOF && h.left > 0:
		h.err = incompleteBody("the body ends early")
	case err == io.EOF || h.left == 0:
		h.err = io.EOF
		if [sha256.Size]byte(h.sum.Sum(nil)) != h.want {
			h.err = mismatchedBody()
		}
	default:
		h.err = err
	}
	if h.err != nil && h.err != io.EOF {
		clear(p[:n])
		return 0, h.err
	}
	return n, h.err
}

func (h *hashed) Close() error { return h.body.Close() }
