package relying

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/stint-sts/stint/sigv4"
)

const (
	unsignedPayload = "UNSIGNED-PAYLOAD"
	streamingPrefix = "STREAMING-"
)

// Authenticate says who signed a request. It may replace r.Body: by one that checks the body while it is read, or decodes and checks
// aws-chunked. Errors are of type [*Error], and the same for unknown, disabled and wrongly signed credentials.
func (v *Verifier) Authenticate(r *http.Request) (Caller, error) {
	now := v.config.Now()
	req := sigv4.FromHTTP(r)
	sig, err := sigv4.Parse(&req)
	if err != nil {
		return Caller{}, ofSignature(err)
	}
	options := v.options
	options.Now = now
	if err := sig.Check(options); err != nil {
		return Caller{}, ofSignature(err)
	}
	if v.config.RequireSignedPayload && sig.Payload() == unsignedTrailer {
		return Caller{}, denied("the payload is not signed")
	}
	s := scope{
		algorithm: sigv4.HMAC, accessKeyID: sig.AccessKeyID, date: sig.Date, region: v.config.Region, token: digest(sig.SessionToken),
	}
	if sig.Algorithm == sigv4.ECDSA {
		s.algorithm = sigv4.ECDSA
	}
	e, err := v.find(r.Context(), &s, sig.SessionToken, v.config.Region, now)
	if err != nil {
		return Caller{}, err
	}
	key := e.key
	if e.refusal != nil {
		key = v.unknown.Unknown(sig) // the same work as for a known one
	}
	hash, err := v.bodyHash(r, sig)
	if err != nil {
		return Caller{}, err
	}
	err = sig.Verify(key, hash)
	switch {
	case e.refusal != nil:
		return Caller{}, e.refusal
	case err != nil:
		return Caller{}, ofSignature(err)
	}
	if err := unexpired(e, now); err != nil {
		return Caller{}, err
	}
	if err := v.guard(r, sig, key, hash); err != nil {
		return Caller{}, err
	}
	caller := e.caller
	caller.entry, caller.SignedBody = e, sig.Payload()
	return caller, nil
}

func unexpired(e *entry, now time.Time) error {
	if end := e.caller.Expires; !end.IsZero() && !now.Before(end) {
		return &Error{Code: "ExpiredToken", Message: "The provided token has expired.", Status: http.StatusBadRequest}
	}
	return nil
}

// bodyHash is the hash that the signature must cover: the one that is stated, or that of the body, which is then read.
func (v *Verifier) bodyHash(r *http.Request, sig *sigv4.Signature) (sum [sha256.Size]byte, err error) {
	stated := sig.Payload()
	if len(stated) == 2*len(sum) {
		if _, err := hex.Decode(sum[:], []byte(stated)); err == nil && strings.ToLower(stated) == stated {
			return sum, nil
		}
	}
	if stated != "" || v.config.WithoutBody || sig.Presigned && v.options.AllowUnsignedPayload || r.Body == nil || r.Body == http.NoBody {
		return sha256.Sum256(nil), nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, v.config.MaxBody+1))
	if err != nil {
		return sum, incompleteBody(err.Error())
	}
	if int64(len(body)) > v.config.MaxBody {
		return sum, &Error{
			Code: "RequestEntityTooLarge", Message: "The request body is too large to be verified without X-Amz-Content-Sha256.",
			Status: http.StatusRequestEntityTooLarge,
		}
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(body), r.Body}
	return sha256.Sum256(body), nil
}

// guard puts the reader in place that holds the body to what was signed.
func (v *Verifier) guard(r *http.Request, sig *sigv4.Signature, key sigv4.SigningKey, hash [sha256.Size]byte) error {
	stated := sig.Payload()
	switch {
	case v.config.WithoutBody || stated == "" || stated == unsignedPayload:
		return nil
	case strings.HasPrefix(stated, streamingPrefix):
		return unchunk(r, sig, key)
	case r.Body == nil || r.Body == http.NoBody:
		if hash != sha256.Sum256(nil) {
			return mismatchedBody()
		}
		return nil
	}
	r.Body = &hashed{body: r.Body, want: hash, sum: sha256.New(), left: r.ContentLength}
	return nil
}

// refresh gives an answer about a caller that holds now.
func (v *Verifier) refresh(ctx context.Context, e *entry, now time.Time) (*entry, error) {
	if v.current(e, now) {
		return e, nil
	}
	if known := v.answers.get(&e.scope); known != nil && v.current(known, now) {
		return known, nil
	}
	e, err := v.renew(ctx, &e.scope, e.ask, e, now)
	if err != nil {
		return nil, err
	}
	if e.refusal != nil {
		return nil, e.refusal
	}
	return e, nil
}
