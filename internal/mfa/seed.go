package mfa

import (
	"bytes"
	"encoding/base32"
	"errors"
	"fmt"
	"image/png"
	"io"
	"net/url"

	"github.com/pquerna/otp"

	"github.com/stint-sts/stint/internal/secret"
)

const (
	// seedSize is what RFC 4226 recommends (R6).
	seedSize = 20
	qrPixels = 256
)

// NewSeed makes the seed of a device: 160 bits.
func NewSeed(random io.Reader) (secret.Key, error) {
	seed, err := secret.Random(seedSize, random)
	if err != nil {
		return secret.Key{}, fmt.Errorf("making an MFA seed: %w", err)
	}
	return seed, nil
}

// Base32 shows a seed: the Base32StringSeed of CreateVirtualMFADevice. It is the secret itself.
func Base32(seed secret.Key) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed.Reveal())
}

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
