package saml

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	_ "crypto/sha1" // the default of RSA-OAEP in XML encryption, where it is no weakness
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"errors"

	"github.com/beevik/etree"

	"github.com/stint-sts/stint/internal/directory"
)

const (
	encryption   = "http://www.w3.org/2001/04/xmlenc#"
	encryption11 = "http://www.w3.org/2009/xmlenc11#"
)

var (
	errEncryptedForm  = errors.New("the encrypted assertion has another form than one EncryptedData with one EncryptedKey in its KeyInfo")
	errEncryption     = errors.New("the encrypted assertion has an algorithm that is not accepted")
	errUncoveredCBC   = errors.New("the encrypted assertion is of AES-CBC, and no signature covers it")
	errDecrypt        = errors.New("the assertion cannot be decrypted with the provider's private keys")
	errNoPrivateKey   = errors.New("the assertion is encrypted, and the provider has no private key")
	errNotEncrypted   = errors.New("the assertion is not encrypted, which the provider requires")
	errDecryptedShape = errors.New("what was decrypted is not one assertion")
)

// contentCipher is how a content is encrypted.
type contentCipher struct {
	keySize int // bytes
	chained bool
}

func contentCipherOf(algorithm string) (contentCipher, bool) {
	switch algorithm {
	case encryption11 + "aes128-gcm":
		return contentCipher{keySize: 16}, true
	case encryption11 + "aes192-gcm":
		return contentCipher{keySize: 24}, true
	case encryption11 + "aes256-gcm":
		return contentCipher{keySize: 32}, true
	case encryption + "aes128-cbc":
		return contentCipher{keySize: 16, chained: true}, true
	case encryption + "aes192-cbc":
		return contentCipher{keySize: 24, chained: true}, true
	case encryption + "aes256-cbc":
		return contentCipher{keySize: 32, chained: true}, true
	}
	return contentCipher{}, false
}

// decrypt returns the assertion in an EncryptedAssertion. AES-CBC has no integrity of its own: it is taken only if a verified
// signature covers the ciphertext, so that nobody but the provider can have this server decrypt anything by it.
func decrypt(encrypted *etree.Element, covered bool, private []directory.SAMLPrivateKey) (*etree.Element, error) {
	if len(private) == 0 {
		return nil, errNoPrivateKey
	}
	outer, ok := children(encrypted)
	if !ok || len(outer) != 1 || !is(outer[0], encryption, "EncryptedData") {
		return nil, errEncryptedForm
	}
	data, err := readEncrypted(outer[0])
	if err != nil {
		return nil, err
	}
	if kind, ok := attribute(outer[0], "Type"); ok && kind != encryption+"Element" {
		return nil, errEncryptedForm
	}
	how, ok := contentCipherOf(data.algorithm)
	if !ok || len(data.method.Child) > 0 {
		return nil, errEncryption
	}
	if how.chained && !covered {
		return nil, errUncoveredCBC
	}
	if data.keyInfo == nil {
		return nil, errEncryptedForm
	}
	wrapped, ok := children(data.keyInfo)
	if !ok || len(wrapped) != 1 || !is(wrapped[0], encryption, "EncryptedKey") {
		return nil, errEncryptedForm
	}
	key, err := readEncrypted(wrapped[0])
	if err != nil {
		return nil, err
	}
	options, err := transport(key)
	if err != nil {
		return nil, err
	}
	for i := range private {
		content, ok := unwrap(private[i].Key.Key.Reveal(), key.value, options, how.keySize)
		if !ok {
			continue
		}
		plain, ok := how.open(content, data.value)
		if !ok {
			continue
		}
		return parseDecrypted(plain)
	}
	return nil, errDecrypt
}

func parseDecrypted(plain []byte) (*etree.Element, error) {
	root, err := parse(plain)
	if err != nil {
		return nil, err
	}
	if !is(root, assertionSpace, "Assertion") || countNamed(root, "Assertion") != 1 || countNamed(root, "EncryptedAssertion") != 0 {
		return nil, errDecryptedShape
	}
	allowed := 0
	if signatureOf(root) != nil {
		allowed = 1
	}
	if countNamed(root, "Signature") != allowed {
		return nil, errSignatures
	}
	return root, nil
}

// encryptedPart is an EncryptedData or an EncryptedKey.
type encryptedPart struct {
	method    *etree.Element
	algorithm string
	keyInfo   *etree.Element
	value     []byte
}

// readEncrypted reads EncryptedData or EncryptedKey by position. Ciphertext elsewhere (CipherReference) is not fetched.
func readEncrypted(e *etree.Element) (*encryptedPart, error) {
	parts, ok := children(e)
	if !ok || len(parts) < 2 || !is(parts[0], encryption, "EncryptionMethod") {
		return nil, errEncryptedForm
	}
	p := &encryptedPart{method: parts[0]}
	p.algorithm, _ = attribute(parts[0], "Algorithm")
	parts = parts[1:]
	if is(parts[0], signatureSpace, "KeyInfo") {
		p.keyInfo = parts[0]
		parts = parts[1:]
	}
	if len(parts) == 0 || !is(parts[0], encryption, "CipherData") {
		return nil, errEncryptedForm
	}
	for _, rest := range parts[1:] { // hints of an EncryptedKey that nothing follows from
		if !is(rest, encryption, "ReferenceList") && !is(rest, encryption, "CarriedKeyName") || e.Tag != "EncryptedKey" {
			return nil, errEncryptedForm
		}
	}
	values, ok := children(parts[0])
	if !ok || len(values) != 1 || !is(values[0], encryption, "CipherValue") {
		return nil, errEncryptedForm
	}
	encoded, ok := text(values[0])
	if !ok {
		return nil, errEncryptedForm
	}
	var err error
	if p.value, err = base64.StdEncoding.Strict().DecodeString(unspaced(encoded)); err != nil {
		return nil, errEncryptedForm
	}
	return p, nil
}

// transport reads how the key is wrapped: RSA-OAEP alone. RSA 1.5 is refused (advisory 105).
func transport(key *encryptedPart) (*rsa.OAEPOptions, error) {
	o := &rsa.OAEPOptions{Hash: crypto.SHA1, MGFHash: crypto.SHA1}
	masks := key.algorithm == encryption11+"rsa-oaep"
	if !masks && key.algorithm != encryption+"rsa-oaep-mgf1p" {
		return nil, errEncryption
	}
	parameters, ok := children(key.method)
	if !ok {
		return nil, errEncryptedForm
	}
	for _, p := range parameters {
		algorithm, _ := attribute(p, "Algorithm")
		var known bool
		switch {
		case is(p, signatureSpace, "DigestMethod"):
			o.Hash, known = oaepHash(algorithm)
		case masks && is(p, encryption11, "MGF"):
			o.MGFHash, known = maskHash(algorithm)
		}
		if !known {
			return nil, errEncryption
		}
	}
	return o, nil
}

func oaepHash(algorithm string) (crypto.Hash, bool) {
	if algorithm == signatureSpace+"sha1" {
		return crypto.SHA1, true
	}
	return digestMethod(algorithm)
}

func maskHash(algorithm string) (crypto.Hash, bool) {
	switch algorithm {
	case encryption11 + "mgf1sha1":
		return crypto.SHA1, true
	case encryption11 + "mgf1sha256":
		return crypto.SHA256, true
	case encryption11 + "mgf1sha384":
		return crypto.SHA384, true
	case encryption11 + "mgf1sha512":
		return crypto.SHA512, true
	}
	return 0, false
}

// unwrap decrypts the content's key with a private key in PKCS #8.
func unwrap(der, value []byte, options *rsa.OAEPOptions, size int) ([]byte, bool) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	key, isRSA := parsed.(*rsa.PrivateKey)
	if err != nil || !isRSA || len(value) != key.Size() {
		return nil, false
	}
	content, err := key.Decrypt(nil, value, options)
	return content, err == nil && len(content) == size
}

// open decrypts the content. The vector comes first.
func (c contentCipher) open(key, value []byte) ([]byte, bool) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, false
	}
	if c.chained {
		return openChained(block, value)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil || len(value) < gcm.NonceSize() {
		return nil, false
	}
	plain, err := gcm.Open(nil, value[:gcm.NonceSize()], value[gcm.NonceSize():], nil)
	return plain, err == nil
}

// openChained takes off the padding of XML encryption: its last byte is its length.
func openChained(block cipher.Block, value []byte) ([]byte, bool) {
	if len(value) < 2*aes.BlockSize || len(value)%aes.BlockSize != 0 {
		return nil, false
	}
	plain := bytes.Clone(value[aes.BlockSize:])
	cipher.NewCBCDecrypter(block, value[:aes.BlockSize]).CryptBlocks(plain, plain)
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > aes.BlockSize {
		return nil, false
	}
	return plain[:len(plain)-padding], true
}
