package mfa

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
)

// ErrSpent is what a [Ledger] answers to a step that is not later than every step spent before.
var ErrSpent = errors.New("mfa: the step is spent")

// Ledger remembers the last step that was spent of each device.
//
// Spend returns nil only if step is greater than every step of the device for which it ever returned nil, on any node. Of
// any number of concurrent calls with one step exactly one returns nil. When it returns nil the step is durable: it stays
// spent after a crash of any node that the store survives. An error that Is [ErrSpent] means that the step, or a later one,
// was spent before; any other error means that the ledger cannot be written, and the step may or may not be spent. A ledger
// may forget a device a few minutes after its last step, when no code of that time is accepted any more.
type Ledger interface {
	Spend(ctx context.Context, account arn.AccountID, deviceID string, step int64) error
}

// AWS's sentences (docs/wire-compatibility.md §5, MFA; the last one as the console shows it). The trailing and the double space are AWS's.
const (
	wrongCode   = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
	wrongDevice = "MultiFactorAuthentication failed, unable to validate MFA code.  " +
		"Please verify your MFA serial number is valid and associated with this user."
	wrongPair = "Authentication code for device is not valid."
)

// Verifier verifies and spends codes. It is safe for concurrent use.
type Verifier struct {
	ledger  Ledger
	guesses *guesses
}

// New returns a Verifier that spends codes in the ledger.
func New(ledger Ledger) *Verifier {
	return &Verifier{ledger: ledger, guesses: newGuesses()}
}

// Verify checks the code of a request and spends it: nil means that the code was right and nobody used it before. Otherwise
// it returns an *identity.Fault. ownerID is whose device it must be: the unique id of the caller's user, or the account for
// root. A wrong code, a right one that is spent, and any code while the device is backing off get one answer.
func (m *Verifier) Verify(
	ctx context.Context, v *directory.View, account arn.AccountID, ownerID, serial, code string, now time.Time,
) error {
	d, ok := v.Device(account, serial)
	if !ok || ownerID == "" || d.UserID != ownerID {
		return identity.NewFault(identity.AccessDenied, wrongDevice)
	}
	id := ledgerID(account, d.Serial, d.Seed.Key)
	step, ok, err := match(d.Seed.Key, now, code)
	if err != nil {
		return identity.NewFault(identity.InternalFailure, "").Because(err)
	}
	if !m.guesses.admit(id, ok, now) {
		return identity.NewFault(identity.AccessDenied, wrongCode)
	}
	if err := m.spend(ctx, account, id, step, identity.NewFault(identity.AccessDenied, wrongCode)); err != nil {
		return err
	}
	m.guesses.forget(id)
	return nil
}

// Enroll checks two consecutive codes of a device, which need not be anybody's yet, and spends the second one. Its
// refusals are *identity.Fault: InvalidAuthenticationCode, or ServiceUnavailable if the ledger cannot be written.
func (m *Verifier) Enroll(ctx context.Context, d *directory.Device, code1, code2 string, now time.Time) error {
	refusal := identity.NewFault(identity.InvalidAuthenticationCode, wrongPair)
	id := ledgerID(d.Account, d.Serial, d.Seed.Key)
	step, ok, err := match(d.Seed.Key, now, code1, code2)
	if err != nil {
		return identity.NewFault(identity.InternalFailure, "").Because(err)
	}
	if !m.guesses.admit(id, ok, now) {
		return refusal
	}
	return m.spend(ctx, d.Account, id, step, refusal)
}

// spend answers with refusal if the step is spent: the caller learns no more than of a wrong code.
func (m *Verifier) spend(ctx context.Context, account arn.AccountID, id string, step int64, refusal *identity.Fault) error {
	err := m.ledger.Spend(ctx, account, id, step)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrSpent):
		return refusal.Because(err)
	default:
		return identity.NewFault(identity.ServiceUnavailable, "").Because(fmt.Errorf("spending a one-time code: %w", err))
	}
}

// ledgerID names a device for as long as its codes are the same: one that is created anew under the same serial number has
// another seed and begins with nothing spent, while one that is created anew with its old seed, from a file, does not get
// its spent codes back. The seed cannot be had from it.
func ledgerID(account arn.AccountID, serial string, seed secret.Key) string {
	mac := hmac.New(sha256.New, seed.Reveal())
	mac.Write([]byte("stint mfa ledger\x00" + string(account) + "\x00" + serial))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
