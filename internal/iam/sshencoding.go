package iam

import (
	"bytes"
	"crypto/md5"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/stint-sts/stint/internal/identity"
)

// sshEncoding is how an SSH public key is written.
type sshEncoding string

const (
	encodingSSH sshEncoding = "SSH" // ssh-rsa and base64, as in authorized_keys
	encodingPEM sshEncoding = "PEM" // PKIX in PEM
)

const (
	sshRSA = "ssh-rsa"
	// maxSSHModulus is a cap on what is taken, in bits.
	maxSSHModulus = 16384
)

var errBlob = errors.New("the blob is not that of an ssh-rsa key")

// parseSSHKey reads an RSA key of at least 2048 bits in either encoding (API, UploadSSHPublicKey).
func parseSSHKey(text string) (*rsa.PublicKey, sshEncoding, error) {
	unrecognized := identity.NewFault(identity.UnrecognizedPublicKeyEncoding,
		"The public key encoding format is unsupported or unrecognized. The key must be in ssh-rsa or PEM format.")
	invalid := identity.NewFault(identity.InvalidPublicKey, "The public key is malformed or otherwise invalid.")
	var key *rsa.PublicKey
	var err error
	encoding := encodingSSH
	switch text = strings.TrimSpace(text); {
	case strings.HasPrefix(text, sshRSA+" "):
		fields := strings.Fields(text) // the name, the key, and perhaps a comment
		blob, decodeErr := base64.StdEncoding.Strict().DecodeString(fields[1])
		if decodeErr != nil {
			return nil, "", invalid.Because(decodeErr)
		}
		key, err = parseSSHBlob(blob)
	case strings.HasPrefix(text, "-----BEGIN "):
		encoding = encodingPEM
		key, err = parsePublicPEM(text)
	default:
		return nil, "", unrecognized
	}
	if err != nil {
		return nil, "", invalid.Because(err)
	}
	if bits := key.N.BitLen(); bits < minSSHModulus || bits > maxSSHModulus || key.E < 3 || key.E%2 == 0 || key.N.Bit(0) == 0 {
		return nil, "", invalid
	}
	return key, encoding, nil
}

func parsePublicPEM(text string) (*rsa.PublicKey, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("the text is not one PEM block")
	}
	switch block.Type {
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "PUBLIC KEY":
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		if key, ok := public.(*rsa.PublicKey); ok {
			return key, nil
		}
		return nil, errors.New("the key is not an RSA key")
	}
	return nil, fmt.Errorf("the PEM block is a %s", block.Type)
}

// parseSSHBlob reads the name of the algorithm, the exponent and the modulus (RFC 4253, section 6.6), in their only form.
func parseSSHBlob(blob []byte) (*rsa.PublicKey, error) {
	name, rest, ok := cutString(blob)
	e, rest, ok2 := cutString(rest)
	n, rest, ok3 := cutString(rest)
	if !ok || !ok2 || !ok3 || len(rest) > 0 || string(name) != sshRSA || len(e) > 5 || len(n) > maxSSHModulus/8+1 {
		return nil, errBlob
	}
	exponent := new(big.Int).SetBytes(e)
	if exponent.BitLen() > 31 {
		return nil, errBlob
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}
	if !bytes.Equal(sshBlob(key), blob) {
		return nil, errBlob
	}
	return key, nil
}

// cutString takes a length and as many bytes off the front.
func cutString(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if b = b[4:]; uint64(n) > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// sshBlob is the wire form of an RSA key.
func sshBlob(key *rsa.PublicKey) []byte {
	add := func(b, s []byte) []byte { return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...) }
	number := func(n *big.Int) []byte { // an mpint: a leading zero keeps it positive
		b := n.Bytes()
		if len(b) > 0 && b[0]&0x80 != 0 {
			return append([]byte{0}, b...)
		}
		return b
	}
	return add(add(add(nil, []byte(sshRSA)), number(big.NewInt(int64(key.E)))), number(key.N))
}

// of writes a key that was taken, without what was its comment.
func (e sshEncoding) of(blob []byte) (string, error) {
	if e == encodingSSH {
		return sshRSA + " " + base64.StdEncoding.EncodeToString(blob), nil
	}
	key, err := parseSSHBlob(blob)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("writing a public key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// fingerprint is the MD5 digest by which AWS and ssh-keygen -E md5 name a key; no security rests on it.
func fingerprint(blob []byte) string {
	sum := md5.Sum(blob)
	return strings.ReplaceAll(fmt.Sprintf("% x", sum), " ", ":")
}
