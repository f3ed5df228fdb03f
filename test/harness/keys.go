package harness

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
)

// Credentials are what a caller signs with. SessionToken is empty for a long-term key.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
}

const (
	accountShift = 7
	accountMask  = 0x7fffffffff80
	topBit       = 1 << 47
)

// NewKey makes a long-term key pair whose id carries the account.
func NewKey(account string) Credentials {
	secret := make([]byte, 30)
	_, _ = rand.Read(secret)
	return Credentials{AccessKeyID: NewKeyID("AKIA", account), SecretAccessKey: base64.StdEncoding.EncodeToString(secret)}
}

// NewKeyID makes a key id of the given prefix that carries the account: after the prefix come ten bytes in base32, whose
// first 47 low bits of the leading 48 hold the account, shifted left by seven, under a top bit that is always set.
func NewKeyID(prefix, account string) string {
	number, err := strconv.ParseUint(account, 10, 40)
	if err != nil {
		panic(fmt.Sprintf("account %q: %v", account, err))
	}
	var random [8]byte
	_, _ = rand.Read(random[:])
	var raw [12]byte
	head := topBit | number<<accountShift | uint64(random[0])&(1<<accountShift-1)
	binary.BigEndian.PutUint64(raw[:8], head<<16)
	copy(raw[6:10], random[1:5])
	return prefix + base32.StdEncoding.EncodeToString(raw[:10])
}

// AccountOf is the account that a key id or unique id carries.
func AccountOf(id string) (string, error) {
	if len(id) < 16 {
		return "", fmt.Errorf("id %q is too short", id)
	}
	raw, err := base32.StdEncoding.DecodeString(id[4:12] + id[12:14] + "AAAAAA")
	if err != nil {
		return "", fmt.Errorf("decoding id %q: %w", id, err)
	}
	head := binary.BigEndian.Uint64(append([]byte{0, 0}, raw[:6]...))
	return fmt.Sprintf("%012d", head&accountMask>>accountShift), nil
}
