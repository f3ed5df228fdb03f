package mfa

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"image/png"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
)

const (
	account = arn.AccountID("111122223333")
	alice   = "AIDARTZ4ZLEUI3DZDGQ6G"
	serial  = "arn:aws:iam::111122223333:mfa/alice"
)

var (
	now  = time.Date(2026, 7, 1, 12, 0, 10, 0, time.UTC)
	seed = secret.FromString("12345678901234567890") // of the RFCs
)

// memoryLedger keeps the guarantees of Ledger for as long as the process lives.
type memoryLedger struct {
	mu    sync.Mutex
	last  map[string]int64
	fails error
}

func (l *memoryLedger) Spend(_ context.Context, account arn.AccountID, deviceID string, step int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails != nil {
		return l.fails
	}
	key := string(account) + "/" + deviceID
	if last, ok := l.last[key]; ok && step <= last {
		return fmt.Errorf("step %d: %w", step, ErrSpent)
	}
	l.last[key] = step
	return nil
}

func newLedger() *memoryLedger { return &memoryLedger{last: make(map[string]int64)} }

func newDevice(name, ownerID string, seed secret.Key) *directory.Device {
	d := &directory.Device{
		Account: account, Name: name, Path: "/", Serial: "arn:aws:iam::111122223333:mfa/" + name, Created: now, UserID: ownerID,
	}
	d.Seed.Key = seed
	return d
}

func viewOf(devices ...*directory.Device) *directory.View {
	events := make([]directory.Event, len(devices))
	for i, d := range devices {
		events[i] = directory.Event{Key: d.Key(), Entity: d}
	}
	return directory.NewView(arn.AWS).Apply(1, events)
}

func codeAt(t testing.TB, seed secret.Key, when time.Time) string {
	t.Helper()
	code, err := codeOf(seed, stepAt(when))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func wantFault(t *testing.T, name string, err error, code identity.Code, message string) {
	t.Helper()
	var f *identity.Fault
	if !errors.As(err, &f) || f.Code != code || f.Message != message {
		t.Errorf("%s: %v, want %s with %q", name, err, code, message)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	v := viewOf(newDevice("alice", alice, seed), newDevice("spare", "", seed), newDevice("bob", "AIDABOB", seed),
		newDevice("blank", alice, secret.Key{}))
	right := codeAt(t, seed, now)
	tests := []struct {
		name, owner, serial, code string
		message                   string
	}{
		{"right", alice, serial, right, ""},
		{"one step early", alice, serial, codeAt(t, seed, now.Add(30*time.Second)), ""},
		{"one step late", alice, serial, codeAt(t, seed, now.Add(-30*time.Second)), ""},
		{"two steps early", alice, serial, codeAt(t, seed, now.Add(60*time.Second)), wrongCode},
		{"two steps late", alice, serial, codeAt(t, seed, now.Add(-60*time.Second)), wrongCode},
		{"a device without a seed", alice, "arn:aws:iam::111122223333:mfa/blank", "000000", wrongCode},
		{"unknown serial", alice, "arn:aws:iam::111122223333:mfa/other", right, wrongDevice},
		{"empty serial", alice, "", right, wrongDevice},
		{"serial in other letters", alice, "arn:aws:iam::111122223333:mfa/ALICE", right, wrongDevice},
		{"serial of another account", alice, "arn:aws:iam::444455556666:mfa/alice", right, wrongDevice},
		{"somebody else's", "AIDABOB", serial, right, wrongDevice},
		{"unassigned", alice, "arn:aws:iam::111122223333:mfa/spare", right, wrongDevice},
		{"unassigned, by nobody", "", "arn:aws:iam::111122223333:mfa/spare", right, wrongDevice},
	}
	for _, tt := range tests {
		err := New(newLedger()).Verify(t.Context(), v, account, tt.owner, tt.serial, tt.code, now)
		if tt.message == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		wantFault(t, tt.name, err, identity.AccessDenied, tt.message)
	}
	err := New(newLedger()).Verify(t.Context(), v, "444455556666", alice, serial, right, now)
	wantFault(t, "another account's view of the serial", err, identity.AccessDenied, wrongDevice)
}

// Advisory 110 (CVE-2025-6014): a code has one spelling.
func TestSpellings(t *testing.T) {
	t.Parallel()
	v := viewOf(newDevice("alice", alice, seed))
	right := codeAt(t, seed, now)
	wide := strings.Map(func(r rune) rune { return r - '0' + '０' }, right)
	arabic := strings.Map(func(r rune) rune { return r - '0' + '٠' }, right)
	spellings := []string{
		right + " ", " " + right, right[:3] + " " + right[3:], "0" + right, "+" + right, "+" + right[1:], "-" + right, right + "\n",
		right + "\x00", right[:5], "", wide, arabic, "0x" + right, right + ".0", right[:3] + "_" + right[3:],
	}
	for _, s := range spellings {
		err := New(newLedger()).Verify(t.Context(), v, account, alice, serial, s, now)
		wantFault(t, fmt.Sprintf("%q", s), err, identity.AccessDenied, wrongCode)
	}
	if err := New(newLedger()).Verify(t.Context(), v, account, alice, serial, right, now); err != nil {
		t.Errorf("positive control: %v", err)
	}
}

// Advisories 111 and 112 (CVE-2025-6015, CVE-2015-7225): a code works once, and none of an earlier step after it.
func TestCodesAreSpent(t *testing.T) {
	t.Parallel()
	v, ledger := viewOf(newDevice("alice", alice, seed)), newLedger()
	m, otherNode := New(ledger), New(ledger)
	steps := []struct {
		name   string
		m      *Verifier
		offset time.Duration // of the code
		at     time.Duration
		ok     bool
	}{
		{"first", m, 0, 0, true},
		{"again", m, 0, 0, false},
		{"on another node", otherNode, 0, 0, false},
		{"in the next step", m, 0, 30 * time.Second, false},
		{"an earlier one", m, -30 * time.Second, 0, false},
		{"the next one", otherNode, 30 * time.Second, 0, true},
		{"the next one again, after a restart", New(ledger), 30 * time.Second, 30 * time.Second, false},
		{"the one after", m, 60 * time.Second, 60 * time.Second, true},
	}
	for _, s := range steps {
		err := s.m.Verify(t.Context(), v, account, alice, serial, codeAt(t, seed, now.Add(s.offset)), now.Add(s.at))
		if s.ok && err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
		if !s.ok {
			wantFault(t, s.name, err, identity.AccessDenied, wrongCode)
		}
	}
}

func TestParallelUses(t *testing.T) {
	t.Parallel()
	v, ledger := viewOf(newDevice("alice", alice, seed)), newLedger()
	nodes := []*Verifier{New(ledger), New(ledger)}
	right := codeAt(t, seed, now)
	results := make(chan error, 200)
	var wg sync.WaitGroup
	for i := range cap(results) {
		wg.Go(func() { results <- nodes[i%2].Verify(t.Context(), v, account, alice, serial, right, now) })
	}
	wg.Wait()
	close(results)
	ok := 0
	for err := range results {
		if err == nil {
			ok++
		} else {
			wantFault(t, "a later use", err, identity.AccessDenied, wrongCode)
		}
	}
	if ok != 1 {
		t.Errorf("%d of 200 parallel uses succeeded", ok)
	}
	next := now.Add(30 * time.Second)
	if err := nodes[0].Verify(t.Context(), v, account, alice, serial, codeAt(t, seed, next), next); err != nil {
		t.Errorf("the next code after them: %v", err)
	}
}

// A device that was deleted and created anew has nothing spent; with its old seed it keeps what was.
func TestRecreatedDevice(t *testing.T) {
	t.Parallel()
	ledger := newLedger()
	m := New(ledger)
	use := func(seed secret.Key) error {
		return m.Verify(t.Context(), viewOf(newDevice("alice", alice, seed)), account, alice, serial, codeAt(t, seed, now), now)
	}
	if err := use(seed); err != nil {
		t.Fatal(err)
	}
	if err := use(secret.FromString("another seed of 20 b")); err != nil {
		t.Errorf("with a new seed: %v", err)
	}
	wantFault(t, "with its old seed", use(seed), identity.AccessDenied, wrongCode)
	for id := range ledger.last {
		if strings.Contains(id, seed.RevealString()) || strings.Contains(id, Base32(seed)) {
			t.Errorf("the ledger knows the seed: %s", id)
		}
	}
}

func TestLedgerUnwritable(t *testing.T) {
	t.Parallel()
	v, ledger := viewOf(newDevice("alice", alice, seed)), newLedger()
	m := New(ledger)
	ledger.fails = errors.New("no quorum")
	right := codeAt(t, seed, now)
	err := m.Verify(t.Context(), v, account, alice, serial, right, now)
	wantFault(t, "right code", err, identity.ServiceUnavailable, "")
	if !errors.Is(err, ledger.fails) {
		t.Errorf("the cause is lost: %v", err)
	}
	wantFault(t, "wrong code", m.Verify(t.Context(), v, account, alice, serial, "000000", now), identity.AccessDenied, wrongCode)
	err = m.Enroll(t.Context(), newDevice("alice", "", seed), codeAt(t, seed, now.Add(-30*time.Second)), right, now)
	wantFault(t, "enrolling", err, identity.ServiceUnavailable, "")
	ledger.fails = nil
	if err := m.Verify(t.Context(), v, account, alice, serial, right, now); err != nil {
		t.Errorf("once it can be written: %v", err)
	}
}

func TestEnroll(t *testing.T) {
	t.Parallel()
	at := func(steps int) string { return codeAt(t, seed, now.Add(time.Duration(steps)*30*time.Second)) }
	tests := []struct {
		name         string
		code1, code2 string
		spent        int // the step of code2
		ok           bool
	}{
		{"previous and present", at(-1), at(0), 0, true},
		{"present and next", at(0), at(1), 1, true},
		{"both late", at(-2), at(-1), -1, true},
		{"one code twice", at(0), at(0), 0, false},
		{"in the wrong order", at(1), at(0), 0, false},
		{"not consecutive", at(-1), at(1), 0, false},
		{"too late", at(-3), at(-2), 0, false},
		{"too early", at(1), at(2), 0, false},
		{"first wrong", "000000", at(0), 0, false},
		{"second wrong", at(-1), "000000", 0, false},
		{"spelling", at(-1) + " ", at(0), 0, false},
	}
	for _, tt := range tests {
		ledger := newLedger()
		m, d := New(ledger), newDevice("alice", "", seed)
		err := m.Enroll(t.Context(), d, tt.code1, tt.code2, now)
		if !tt.ok {
			wantFault(t, tt.name, err, identity.InvalidAuthenticationCode, wrongPair)
			if len(ledger.last) != 0 {
				t.Errorf("%s: a step was spent", tt.name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := ledger.last[string(account)+"/"+ledgerID(account, d.Serial, seed)]; got != stepAt(now)+int64(tt.spent) {
			t.Errorf("%s: spent step %d", tt.name, got-stepAt(now))
		}
		err = m.Enroll(t.Context(), d, tt.code1, tt.code2, now)
		wantFault(t, tt.name+", again", err, identity.InvalidAuthenticationCode, wrongPair)
		err = m.Verify(t.Context(), viewOf(newDevice("alice", alice, seed)), account, alice, serial, tt.code2, now)
		wantFault(t, tt.name+", its second code as a request's", err, identity.AccessDenied, wrongCode)
	}
}

// Advisory 114 (CVE-2024-32868, CVE-2025-64102).
func TestBackoff(t *testing.T) {
	t.Parallel()
	v, m := viewOf(newDevice("alice", alice, seed), newDevice("second", alice, seed)), New(newLedger())
	try := func(serial, code string, when time.Time) error {
		return m.Verify(t.Context(), v, account, alice, serial, code, when)
	}
	for i := range freeGuesses {
		wantFault(t, fmt.Sprintf("guess %d", i+1), try(serial, "000000", now), identity.AccessDenied, wrongCode)
	}
	right := codeAt(t, seed, now)
	wantFault(t, "right code while backing off", try(serial, right, now.Add(firstBackoff-1)), identity.AccessDenied, wrongCode)
	if err := try("arn:aws:iam::111122223333:mfa/second", right, now); err != nil {
		t.Errorf("the other device: %v", err)
	}
	wantFault(t, "sixth guess", try(serial, "000000", now.Add(firstBackoff)), identity.AccessDenied, wrongCode)
	wantFault(t, "back-off has doubled", try(serial, right, now.Add(3*firstBackoff-1)), identity.AccessDenied, wrongCode)
	if err := try(serial, right, now.Add(3*firstBackoff)); err != nil {
		t.Errorf("after the back-off: %v", err)
	}
	wantFault(t, "after a success", try(serial, "000000", now.Add(3*firstBackoff)), identity.AccessDenied, wrongCode)
	if err := try(serial, codeAt(t, seed, now.Add(30*time.Second)), now.Add(3*firstBackoff)); err != nil {
		t.Errorf("counting did not begin anew: %v", err)
	}
}

// Advisory 114: guessing for a day, as fast as it is let, succeeds with a probability below one percent.
func TestBruteForce(t *testing.T) {
	t.Parallel()
	g, judged := newGuesses(), 0
	for when := now; when.Before(now.Add(24 * time.Hour)); judged++ {
		if g.admit("d", false, when) {
			t.Fatal("a wrong code was admitted")
		}
		if until := g.devices["d"].until; until.After(when) {
			when = until
		}
	}
	codes := float64(2*window + 1)
	p := 1 - math.Pow(1-codes/1e6, float64(judged))
	if judged < freeGuesses || p >= 0.01 {
		t.Errorf("%d guesses a day find a code with probability %.4f", judged, p)
	}
	t.Logf("%d guesses a day, probability %.6f", judged, p)

	parallel, right := newGuesses(), 0
	for range 1000 {
		if parallel.admit("d", false, now) {
			right++
		}
	}
	if parallel.devices["d"].count != freeGuesses || right != 0 {
		t.Errorf("of 1000 guesses at once %d were judged", parallel.devices["d"].count)
	}
}

func TestGuessesAreBounded(t *testing.T) {
	t.Parallel()
	g := newGuesses()
	for i := range maxDevices + 100 {
		g.admit(fmt.Sprint(i), false, now.Add(time.Duration(i)))
	}
	if len(g.devices) != maxDevices || g.devices["99"] != nil || g.devices["100"] == nil {
		t.Errorf("%d devices, oldest gone: %v", len(g.devices), g.devices["99"] == nil)
	}
	g.admit("new", false, now.Add(2*forgetAfter))
	if len(g.devices) != 1 {
		t.Errorf("%d devices after a quiet day", len(g.devices))
	}
}

// Advisory 117: RFC 4226, appendix D, and RFC 6238, appendix B, whose codes have eight digits: ours are the last six.
func TestRFCVectors(t *testing.T) {
	t.Parallel()
	for step, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got, err := codeOf(seed, int64(step)); err != nil || got != want {
			t.Errorf("HOTP %d: %s, %v; want %s", step, got, err, want)
		}
	}
	algorithms := []struct {
		algorithm otp.Algorithm
		seed      string
	}{
		{otp.AlgorithmSHA1, "12345678901234567890"},
		{otp.AlgorithmSHA256, "12345678901234567890123456789012"},
		{otp.AlgorithmSHA512, "1234567890123456789012345678901234567890123456789012345678901234"},
	}
	vectors := []struct {
		unix int64
		want [3]string
	}{
		{59, [3]string{"94287082", "46119246", "90693936"}},
		{1111111109, [3]string{"07081804", "68084774", "25091201"}},
		{1111111111, [3]string{"14050471", "67062674", "99943326"}},
		{1234567890, [3]string{"89005924", "91819424", "93441116"}},
		{2000000000, [3]string{"69279037", "90698825", "38618901"}},
		{20000000000, [3]string{"65353130", "77737706", "47863826"}},
	}
	for _, v := range vectors {
		when := time.Unix(v.unix, 0)
		for i, a := range algorithms {
			options := hotp.ValidateOpts{Digits: otp.DigitsEight, Algorithm: a.algorithm}
			got, err := hotp.GenerateCodeCustom(Base32(secret.FromString(a.seed)), uint64(stepAt(when)), options)
			if err != nil || got != v.want[i] {
				t.Errorf("TOTP %d %s: %s, %v; want %s", v.unix, a.algorithm, got, err, v.want[i])
			}
		}
		device := newDevice("alice", alice, seed)
		if err := New(newLedger()).Verify(t.Context(), viewOf(device), account, alice, serial, v.want[0][2:], when); err != nil {
			t.Errorf("verifying at %d: %v", v.unix, err)
		}
	}
}

// Advisory 115 (CVE-2024-8796): seeds have 160 bits.
func TestSeeds(t *testing.T) {
	t.Parallel()
	fresh, err := NewSeed(rand.Reader)
	if err != nil || len(fresh.Reveal())*8 != 160 || len(Base32(fresh)) != 32 {
		t.Fatalf("a seed of %d bits, %v", len(fresh.Reveal())*8, err)
	}
	if _, err := NewSeed(bytes.NewReader(make([]byte, 19))); err == nil {
		t.Error("made a seed of too little randomness")
	}
}

func TestQRCode(t *testing.T) {
	t.Parallel()
	b, err := QRCode("alice+1 & co", "main", seed)
	if err != nil {
		t.Fatal(err)
	}
	image, err := png.Decode(bytes.NewReader(b))
	if err != nil || image.Bounds().Dx() != qrPixels {
		t.Errorf("the QR code is no PNG of %d pixels: %v", qrPixels, err)
	}
}
