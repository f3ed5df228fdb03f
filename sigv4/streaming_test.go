package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"testing"
)

// signPayload signs r with the literal as its payload hash, as S3's clients do.
func signPayload(t *testing.T, r *http.Request, literal string) {
	t.Helper()
	r.Header.Set("X-Amz-Content-Sha256", literal)
	g := testSigner()
	if err := g.Sign(r, nil, testTime); err != nil {
		t.Fatal(err)
	}
	req := FromHTTP(r)
	s, err := Parse(&req)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(testOptions()); err != nil {
		t.Fatal(err)
	}
	var w scratch
	text, _ := s.appendCanonical(&w, nil, []byte(literal))
	hash := sha256.Sum256(text)
	key := DeriveKey(testSecret, s.Date, s.Region, s.Service)
	signature, err := key.sign(HMAC, s.appendStringToSign(nil, hex.AppendEncode(nil, hash[:])))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", string(HMAC)+" Credential="+s.credential+", SignedHeaders="+s.SignedHeaders+", Signature="+signature)
}

// advisory 3: the STREAMING-… forms are taken only where they are allowed, to the letter, and as what was signed.
func TestStreamingPayload(t *testing.T) {
	t.Parallel()
	const reason = "X-Amz-Content-Sha256 is not the hash of the body"
	allow := testOptions()
	allow.AllowStreaming = true
	for _, literal := range []string{
		"STREAMING-UNSIGNED-PAYLOAD-TRAILER",
		"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
		"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
	} {
		r := formPOST(t)
		signPayload(t, r, literal)
		accepted(t, literal, verify(r, "whatever came", allow))
		refused(t, literal+" where it is not allowed", verify(r, testBody, testOptions()), CodeSignatureDoesNotMatch, mismatchMessage, reason)
		req := FromHTTP(r)
		if s, err := Parse(&req); err != nil || s.Payload() != literal {
			t.Errorf("%s: parsed as %v, %v", literal, s, err)
		}
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		unsigned := allow
		unsigned.AllowUnsignedPayload = true
		refused(t, literal+" replaced", verify(r, testBody, unsigned), CodeSignatureDoesNotMatch, mismatchMessage, "signature differs")
	}
	for _, literal := range []string{"STREAMING-", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-", "streaming-unsigned-payload-trailer", "UNSIGNED-PAYLOAD"} {
		r := formPOST(t)
		signPayload(t, r, literal)
		refused(t, literal, verify(r, testBody, allow), CodeSignatureDoesNotMatch, mismatchMessage, reason)
	}
}
