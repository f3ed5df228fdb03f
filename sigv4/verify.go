package sigv4

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
)

const unsignedPayload = "UNSIGNED-PAYLOAD"

// streaming reports whether a payload is one of the forms that S3's clients send a body in, in chunks (Amazon S3 API reference,
// "Authenticating requests: using the authorization header").
func streaming(payload string) bool {
	switch payload {
	case "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
		"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
		"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER":
		return true
	}
	return false
}

var errUnchecked = errors.New("sigv4: Verify called before Check has passed")

// Verify answers nil if the signature was made with key over the request and a body with this SHA-256, and otherwise an
// error that is [ErrMismatch]. The body must be the bytes that the service will parse. The time it takes does not depend
// on where a wrong signature differs, nor on whether key came from [KeyCache.Unknown].
func (s *Signature) Verify(key SigningKey, body [sha256.Size]byte) error {
	if !s.checked {
		return errUnchecked
	}
	w := scratchPool.Get().(*scratch)
	defer w.release()
	var hexBody [2 * sha256.Size]byte
	hex.Encode(hexBody[:], body[:])
	payload, refusal := s.payloadLine(hexBody[:])
	text, missing := s.appendCanonical(w, w.text[:0], payload)
	hash := sha256.Sum256(text)
	var hexHash [2 * sha256.Size]byte
	hex.Encode(hexHash[:], hash[:])
	w.text = s.appendStringToSign(text[:0], hexHash[:])
	good := key.verify(w, s)
	switch {
	case key.void:
		return mismatch("access key is unknown")
	case s.refusal != "":
		return mismatch(s.refusal)
	case refusal != "":
		return mismatch(refusal)
	case missing != "":
		return mismatch("signed header " + echo(missing) + " is absent")
	case !good:
		return ErrMismatch
	}
	return nil
}

// Payload is what X-Amz-Content-Sha256 says: the hash of the body in hex, UNSIGNED-PAYLOAD, one of the STREAMING-… forms, or
// nothing, which stands for UNSIGNED-PAYLOAD in presigned requests to S3.
func (s *Signature) Payload() string { return s.payload }

// payloadLine is the last line of the canonical request: the hash of the body that came. What X-Amz-Content-Sha256 says
// must be the same, or UNSIGNED-PAYLOAD or one of the STREAMING-… forms where those are allowed (advisory 3).
func (s *Signature) payloadLine(body []byte) (line []byte, refusal string) {
	switch {
	case s.payload == unsignedPayload && s.options.AllowUnsignedPayload,
		s.payload == "" && s.Presigned && s.options.AllowUnsignedPayload:
		return []byte(unsignedPayload), ""
	case s.options.AllowStreaming && streaming(s.payload):
		return []byte(s.payload), ""
	case s.payload == "" || s.payload == string(body):
		return body, ""
	}
	return body, "X-Amz-Content-Sha256 is not the hash of the body"
}

// verify judges s.signature over the string to sign in w.text.
func (k SigningKey) verify(w *scratch, s *Signature) bool {
	switch {
	case s.Algorithm == HMAC && !k.hmac.IsZero():
		mac := macInto(&w.mac, k.hmac.RevealString(), w.text)
		w.text = hex.AppendEncode(w.text[:0], mac[:])
		end := len(w.text)
		w.text = append(w.text, s.signature...)
		return subtle.ConstantTimeCompare(w.text[:end], w.text[end:]) == 1
	case s.Algorithm == ECDSA && k.public != nil:
		signature, err := hex.DecodeString(s.signature)
		if err != nil || hex.EncodeToString(signature) != s.signature { // one spelling: lower case
			return false
		}
		hash := sha256.Sum256(w.text)
		return ecdsa.VerifyASN1(k.public, hash[:], signature)
	}
	return false
}

// macInto is HMAC-SHA256 (RFC 2104) in one buffer: crypto/hmac allocates five times for each key, which is more than the
// rest of a verification. A test holds it to crypto/hmac.
func macInto(buffer *[]byte, key string, message []byte) [sha256.Size]byte {
	const block = 64
	var hashed [sha256.Size]byte
	b := append((*buffer)[:0], key...)
	if len(key) > block {
		hashed = sha256.Sum256(b)
		b = append(b[:0], hashed[:]...)
	}
	for len(b) < block {
		b = append(b, 0)
	}
	for i := range b {
		b[i] ^= 0x36
	}
	b = append(b, message...)
	inner := sha256.Sum256(b)
	b = b[:block]
	for i := range b {
		b[i] ^= 0x36 ^ 0x5c
	}
	b = append(b, inner[:]...)
	*buffer = b
	return sha256.Sum256(b)
}
