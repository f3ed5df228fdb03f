package mfa

import (
	"bytes"
	"encoding/base32"
	"errors"
	"fmt"
	"image/png"
	"io"
	"net/url"
	"strings"

	"github.com/pquerna/otp"

	"github.com/stint-sts/stint/internal/secret"
)

const (
	// seedSize is what RFC 4226 recommends (R6).
	seedSize = 20
	// A given seed may be as short as the 80 bits of the devices of RFC 4226's time, whose owners bring them along.
	minSeedSize = 10
	maxSeedSize = 64
	qrPixels    = 256
)

var errSeed = errors.New("an MFA seed must be 16 to 104 characters of base32: A-Z and 2-7")

// NewSeed makes the seed of a device: 160 bits.
func NewSeed(random io.Reader) (secret.Key, error) {
	seed, err := secret.Random(seedSize, random)
	if err != nil {
		return secret.Key{}, fmt.Errorf("making an MFA seed: %w", err)
	}
	return seed, nil
}

// ParseSeed reads a seed as [Base32] writes it, with or without padding.
func ParseSeed(text string) (secret.Key, error) {
	unpadded := strings.TrimRight(text, "=")
	if len(unpadded) > base32.StdEncoding.EncodedLen(maxSeedSize) {
		return secret.Key{}, errSeed
	}
	b, err := unpaddedBase32().DecodeString(unpadded)
	if err != nil || len(b) < minSeedSize || len(b) > maxSeedSize {
		return secret.Key{}, errSeed // the decoder's error would print a character of the seed
	}
	canonical := unpaddedBase32().EncodeToString(b) == unpadded && (text == unpadded || text == base32.StdEncoding.EncodeToString(b))
	if !canonical {
		return secret.Key{}, errSeed
	}
	return secret.New(b), nil
}

// Base32 shows a seed: the Base32StringSeed of CreateVirtualMFADevice. It is the secret itself.
func Base32(seed secret.Key) string { return unpaddedBase32().EncodeToString(seed.Reveal()) }

func unpaddedBase32() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

// QRCode shows a seed to an authenticator: the QRCodePNG of CreateVirtualMFADevice, a PNG of
// otpauth://totp/device@account?secret=… ([IAM API, VirtualMFADevice]). It is the secret itself.
func QRCode(device, account string, seed secret.Key) ([]byte, error) {
	uri := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + device + "@" + account, RawQuery: "secret=" + Base32(seed)}
	key, err := otp.NewKeyFromURL(uri.String())
	if err != nil {
		return nil, errors.New("making a QR code: the device's name makes no URI") // the library's error would print the seed
	}
	image, err := key.Image(qrPixels, qrPixels)
	if err != nil {
		return nil, fmt.Errorf("making a QR code: %w", err)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, image); err != nil {
		return nil, fmt.Errorf("making a QR code: %w", err)
	}
	return out.Bytes(), nil
}
