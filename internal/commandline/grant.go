package commandline

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrGone is a grant that is not there: never made, over, answered meanwhile or taken.
var ErrGone = errors.New("the grant is gone")

// Grants keeps what waits for `stint login` to fetch it, sealed, where every node finds it.
type Grants interface {
	// KeepGrant keeps a value until it is taken or keep is over.
	KeepGrant(ctx context.Context, id string, value []byte, keep time.Duration) error
	// ReadGrant returns a value and its revision, or ErrGone.
	ReadGrant(ctx context.Context, id string) (value []byte, revision int64, err error)
	// ReplaceGrant exchanges the value with that revision, or returns ErrGone.
	ReplaceGrant(ctx context.Context, id string, revision int64, value []byte) error
	// TakeGrant returns a value to one caller only; the others get ErrGone.
	TakeGrant(ctx context.Context, id string) ([]byte, error)
}

// How long grants last. The store forgets them a little later by a clock of its own.
const (
	codeLifetime   = time.Minute
	deviceLifetime = 10 * time.Minute
	grantMargin    = 30 * time.Second
)

// codeGrant waits for the code that the browser brings to the command line.
type codeGrant struct {
	Challenge string // of RFC 7636, S256
	Redirect  string
	Expires   time.Time
	Issued    issued
}

// The states of a deviceGrant.
const (
	devicePending  = "pending"
	deviceApproved = "approved"
	deviceDenied   = "denied"
)

// deviceGrant waits for a person to say yes, and then for the device.
type deviceGrant struct {
	// Secret is the hash of the half of the device code that only the device has.
	Secret []byte
	State  string
	// Asked is what the device asks for, and From where, for the person to see.
	Asked   asked
	Address string
	Agent   string
	Began   time.Time
	Expires time.Time
	Issued  *issued `json:",omitempty"` // of an approved one
}

// newHandle returns 256 random bits as text.
func newHandle(random io.Reader) (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("making a code: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// grantID is where a grant is kept: whoever sees the ids of the store learns no code from them.
func grantID(purpose, code string) string {
	sum := sha256.Sum256([]byte(purpose + "\x00" + code))
	return purpose + "-" + hex.EncodeToString(sum[:])
}

func codeID(code string) string   { return grantID("code", code) }
func deviceID(user string) string { return grantID("device", user) }

// hashOf is what is kept of a secret that is only compared.
func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

func sameHash(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// keep puts a grant into the store.
func keepGrant[G codeGrant | deviceGrant](ctx context.Context, grants Grants, id string, g *G, lifetime time.Duration) error {
	value, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("encoding a grant: %w", err)
	}
	return grants.KeepGrant(ctx, id, value, lifetime+grantMargin)
}

func decodeGrant[G codeGrant | deviceGrant](value []byte) (*G, error) {
	g := new(G)
	if err := json.Unmarshal(value, g); err != nil { // the store has authenticated it
		return nil, fmt.Errorf("decoding a grant: %w", err)
	}
	return g, nil
}
