package sigv4

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/stint-sts/stint/internal/secret"
)

// SigningKey verifies and makes signatures: for HMAC it is good for one day, region and service; for ECDSA it belongs to
// one access key. The zero SigningKey matches nothing. It prints as a redaction.
type SigningKey struct {
	hmac    secret.Key
	private func() *ecdsa.PrivateKey // behind a function, as secret.Key is: printers see an address
	public  *ecdsa.PublicKey
	void    bool // of an unknown access key: does the work and never matches
}

// Format writes a redaction for every verb.
func (SigningKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, secret.Redaction) }

// MarshalText refuses.
func (SigningKey) MarshalText() ([]byte, error) { return nil, secret.ErrSealed }

// GobEncode refuses.
func (SigningKey) GobEncode() ([]byte, error) { return nil, secret.ErrSealed }

// DeriveKey derives the HMAC signing key for a day (YYYYMMDD), region and service from a secret access key.
func DeriveKey(secretAccessKey, date, region, service string) SigningKey {
	buffer := make([]byte, 0, 192)
	day := macInto(&buffer, "AWS4"+secretAccessKey, []byte(date))
	inRegion := macInto(&buffer, string(day[:]), []byte(region))
	ofService := macInto(&buffer, string(inRegion[:]), []byte(service))
	key := macInto(&buffer, string(ofService[:]), []byte(terminator))
	return SigningKey{hmac: secret.New(key[:])}
}

// HMACKey is a signing key that was derived elsewhere: 32 bytes, as [SigningKey.Reveal] gave them.
func HMACKey(derived []byte) (SigningKey, error) {
	if len(derived) != sha256.Size {
		return SigningKey{}, errors.New("sigv4: a derived signing key has 32 bytes")
	}
	return SigningKey{hmac: secret.New(derived)}, nil
}

// Reveal returns the bytes of a derived HMAC key, to be handed to a service that verifies with it; nil of an ECDSA key.
func (k SigningKey) Reveal() []byte {
	if k.hmac.IsZero() {
		return nil
	}
	return k.hmac.Reveal()
}

// PublicKey is a key that verifies ECDSA signatures and cannot make any.
func PublicKey(public *ecdsa.PublicKey) SigningKey { return SigningKey{public: public} }

// Public returns the public key of an ECDSA key; nil of any other.
func (k SigningKey) Public() *ecdsa.PublicKey { return k.public }

// DeriveECDSAKey derives the key pair of an access key for Signature Version 4A: a counter-mode KDF of NIST SP 800-108
// with HMAC-SHA256, tried with a growing counter until it gives a number below the order of P-256 (as aws-c-auth does).
func DeriveECDSAKey(accessKeyID, secretAccessKey string) (SigningKey, error) {
	order := elliptic.P256().Params().N
	limit := new(big.Int).Sub(order, big.NewInt(2))
	kdf := hmac.New(sha256.New, []byte("AWS4A"+secretAccessKey))
	for counter := byte(1); counter < 255; counter++ {
		kdf.Reset()
		kdf.Write([]byte{0, 0, 0, 1})
		kdf.Write([]byte(ECDSA))
		kdf.Write([]byte{0})
		kdf.Write([]byte(accessKeyID))
		kdf.Write([]byte{counter, 0, 0, 1, 0})
		candidate := new(big.Int).SetBytes(kdf.Sum(nil))
		if candidate.Cmp(limit) > 0 {
			continue
		}
		candidate.Add(candidate, big.NewInt(1))
		private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), candidate.FillBytes(make([]byte, 32)))
		if err != nil {
			return SigningKey{}, fmt.Errorf("deriving an ECDSA key: %w", err)
		}
		return SigningKey{private: func() *ecdsa.PrivateKey { return private }, public: &private.PublicKey}, nil
	}
	return SigningKey{}, errors.New("deriving an ECDSA key: no candidate is in range")
}

// DeriveKey derives the key that this signature claims to be made with, from the secret access key of s.AccessKeyID.
func (s *Signature) DeriveKey(secretAccessKey string) (SigningKey, error) {
	if s.Algorithm == ECDSA {
		return DeriveECDSAKey(s.AccessKeyID, secretAccessKey)
	}
	return DeriveKey(secretAccessKey, s.Date, s.Region, s.Service), nil
}
