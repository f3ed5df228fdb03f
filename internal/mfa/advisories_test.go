package mfa

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/identity"
)

// advisory 113 (CVE-2025-6004, CVE-2025-24806): guesses are counted for the device and not for what the caller calls it. No
// other spelling of a serial number reaches the device, so none gives guesses of its own, and all ways to the device that
// there are count together.
func TestSpellingsOfASerialShareTheCounter(t *testing.T) {
	t.Parallel()
	right := codeAt(t, seed, now)
	spellings := []string{
		strings.ToUpper(serial), strings.Replace(serial, "alice", "Alice", 1), strings.Replace(serial, "alice", "ALICE", 1),
		strings.Replace(serial, "alice", "aliſe", 1), strings.Replace(serial, "mfa/", "mfa//", 1), strings.Replace(serial, "mfa/", "MFA/", 1),
		strings.Replace(serial, "mfa/", "mfa/./", 1), strings.Replace(serial, "mfa/", "mfa/x/../", 1), strings.Replace(serial, "mfa/", "mfa%2F", 1),
		strings.Replace(serial, "arn:aws:", "arn:aws-cn:", 1), strings.Replace(serial, ":iam:", ":IAM:", 1),
		serial + " ", " " + serial, serial + "/", serial + "\x00", "alice", "/alice", "mfa/alice", "arn:aws:iam::111122223333:alice",
	}
	m, v := New(newLedger()), viewOf(newDevice("alice", alice, seed))
	for _, s := range spellings {
		for range freeGuesses + 1 {
			err := m.Verify(t.Context(), v, account, alice, s, "000000", now)
			wantFault(t, fmt.Sprintf("wrong code for %q", s), err, identity.AccessDenied, wrongDevice)
		}
		wantFault(t, fmt.Sprintf("right code for %q", s), m.Verify(t.Context(), v, account, alice, s, right, now), identity.AccessDenied, wrongDevice)
	}
	if len(m.guesses.devices) != 0 {
		t.Errorf("%d counters for spellings that are no device", len(m.guesses.devices))
	}
	// A hardware token has a serial number of its own, and it is one.
	hardware := newDevice("GAHT12345678", alice, seed)
	hardware.Serial = "GAHT12345678"
	tokens := viewOf(hardware)
	for _, s := range []string{"gaht12345678", "GAHT12345678 ", "/GAHT12345678", "mfa/GAHT12345678"} {
		wantFault(t, s, m.Verify(t.Context(), tokens, account, alice, s, right, now), identity.AccessDenied, wrongDevice)
	}
	if err := m.Verify(t.Context(), tokens, account, alice, hardware.Serial, right, now); err != nil {
		t.Errorf("positive control, hardware: %v", err)
	}
	if err := m.Verify(t.Context(), v, account, alice, serial, right, now); err != nil {
		t.Errorf("positive control: %v", err)
	}
}

// advisory 113: the ways to a device count together: enabling it, re-synchronising it and using it.
func TestEnrollingAndUsingShareTheCounter(t *testing.T) {
	t.Parallel()
	device := newDevice("alice", alice, seed)
	v, right := viewOf(device), codeAt(t, seed, now)
	use := func(m *Verifier, code string) error {
		return m.Verify(t.Context(), v, account, alice, serial, code, now)
	}
	enroll := func(m *Verifier, code string) error { return m.Enroll(t.Context(), device, code, "000000", now) }
	m := New(newLedger())
	for i := range freeGuesses {
		if way := []func(*Verifier, string) error{use, enroll}[i%2]; way(m, "000000") == nil {
			t.Fatal("a wrong code was taken")
		}
	}
	wantFault(t, "using it with the right code", use(m, right), identity.AccessDenied, wrongCode)
	err := m.Enroll(t.Context(), device, codeAt(t, seed, now.Add(-period*time.Second)), right, now)
	wantFault(t, "enabling it with the right codes", err, identity.InvalidAuthenticationCode, wrongPair)
	if len(m.guesses.devices) != 1 {
		t.Errorf("%d counters of one device", len(m.guesses.devices))
	}
	if err := use(New(newLedger()), right); err != nil {
		t.Errorf("positive control: %v", err)
	}
}

// advisory 113: twins have a counter each, so that one owner's guesses lock out nobody else.
func TestTwinsDoNotShareTheCounter(t *testing.T) {
	t.Parallel()
	const other = arn.AccountID("444455556666")
	twin := newDevice("alice", "AIDATWIN", seed)
	twin.Account, twin.Serial = other, strings.Replace(serial, string(account), string(other), 1)
	m, v := New(newLedger()), viewOf(newDevice("alice", alice, seed), twin)
	for range freeGuesses {
		_ = m.Verify(t.Context(), v, account, alice, serial, "000000", now)
	}
	right := codeAt(t, seed, now)
	wantFault(t, "the guessed one", m.Verify(t.Context(), v, account, alice, serial, right, now), identity.AccessDenied, wrongCode)
	if err := m.Verify(t.Context(), v, other, "AIDATWIN", twin.Serial, right, now); err != nil {
		t.Errorf("its twin: %v", err)
	}
	if m.Verify(t.Context(), v, account, "AIDATWIN", twin.Serial, right, now) == nil {
		t.Error("the twin was reached from the other account")
	}
}
