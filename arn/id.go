package arn

import (
	"errors"
	"fmt"
	"io"
)

// AccountID is the number of an account: exactly twelve digits.
type AccountID string

// ParseAccountID accepts exactly twelve ASCII digits.
func ParseAccountID(s string) (AccountID, error) {
	if len(s) != 12 {
		return "", errAccount
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return "", errAccount
		}
	}
	return AccountID(s), nil
}

// Prefix is the four letters that say what an id names (IAM User Guide, reference_identifiers).
type Prefix string

// The prefixes of unique ids and of keys.
const (
	UserID              Prefix = "AIDA"
	RoleID              Prefix = "AROA"
	GroupID             Prefix = "AGPA"
	PolicyID            Prefix = "ANPA"
	PolicyVersionID     Prefix = "ANVA"
	InstanceProfileID   Prefix = "AIPA"
	CertificateID       Prefix = "ASCA"
	ServiceCredentialID Prefix = "ACCA"
	PublicKeyID         Prefix = "APKA"
	BearerTokenID       Prefix = "ABIA"
	LongTermKeyID       Prefix = "AKIA"
	TemporaryKeyID      Prefix = "ASIA"
	alphabet                   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" // RFC 4648 base32
	prefixLength               = 4
	accountLength              = 9 // characters after the prefix that hold the account
	keyLength                  = 20
	uniqueLength               = 21
	maxIDLength                = 128 // accessKeyIdType of the STS model
	accountLimit               = 1_000_000_000_000
)

var (
	errAccount = errors.New("account id must be exactly 12 digits")
	errID      = errors.New("id must be a four-letter prefix and at least 9 characters of A-Z and 2-7")
	errNoAcct  = errors.New("id carries no account")
)

// NewID makes a fresh id: 20 characters for keys, 21 for unique ids. The account is inside as AWS puts it there
// (docs/wire-compatibility.md §9): a set bit, the forty bits of the account, then random bits (39 in keys, 44 in unique ids), all in
// base32 behind the prefix. Ids are names, not secrets; the caller checks that the new one is not taken.
func NewID(p Prefix, account AccountID, random io.Reader) (string, error) {
	if len(p) != prefixLength {
		return "", fmt.Errorf("making an id: prefix %q has not four letters", string(p))
	}
	if _, err := ParseAccountID(string(account)); err != nil {
		return "", fmt.Errorf("making an id: %w", err)
	}
	var id, noise [uniqueLength]byte
	n := p.idLength()
	if _, err := io.ReadFull(random, noise[:n-prefixLength-accountLength+1]); err != nil {
		return "", fmt.Errorf("making an id: reading randomness: %w", err)
	}
	copy(id[:], p)
	// 45 bits: the set bit, 40 of the account, 4 random ones.
	bits := uint64(1)<<44 | number(account)<<4 | uint64(noise[0]&15)
	for i := range accountLength {
		id[prefixLength+i] = alphabet[bits>>(40-5*i)&31]
	}
	for i := prefixLength + accountLength; i < n; i++ {
		id[i] = alphabet[noise[i-prefixLength-accountLength+1]&31]
	}
	return string(id[:n]), nil
}

// AccountOfID reads the account out of an access key id or unique id. It is arithmetic alone and answers for ids that
// were never issued; there is no checksum. Ids of AWS's early years begin with A–P after the prefix (AKIAI…, AKIAJ…):
// their account is in AWS's tables and not in the id, so they are refused, as is whatever decodes to more than twelve
// digits.
func AccountOfID(id string) (AccountID, error) {
	if len(id) < prefixLength+accountLength || len(id) > maxIDLength {
		return "", errID
	}
	for i := range prefixLength {
		if id[i] < 'A' || id[i] > 'Z' {
			return "", errID
		}
	}
	var bits uint64
	for i := prefixLength; i < len(id); i++ {
		v, ok := base32Value(id[i])
		if !ok {
			return "", errID
		}
		if i < prefixLength+accountLength {
			bits = bits<<5 | v
		}
	}
	n := bits >> 4 & (1<<40 - 1)
	if bits>>44 == 0 || n >= accountLimit {
		return "", errNoAcct
	}
	return digits(n), nil
}

// PrefixOf is the first four characters of an id, or "" of a string too short to have them.
func PrefixOf(id string) Prefix {
	if len(id) < prefixLength {
		return ""
	}
	return Prefix(id[:prefixLength])
}

func (p Prefix) idLength() int {
	switch p {
	case LongTermKeyID, TemporaryKeyID, BearerTokenID, PublicKeyID:
		return keyLength
	}
	return uniqueLength
}

func base32Value(c byte) (uint64, bool) {
	switch {
	case 'A' <= c && c <= 'Z':
		return uint64(c - 'A'), true
	case '2' <= c && c <= '7':
		return uint64(c-'2') + 26, true
	}
	return 0, false
}

func number(a AccountID) uint64 {
	var n uint64
	for i := range len(a) {
		n = n*10 + uint64(a[i]-'0')
	}
	return n
}

func digits(n uint64) AccountID {
	var b [12]byte
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return AccountID(b[:])
}
