package password

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
)

const account arn.AccountID = "111122223333"

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func refused(t *testing.T, err error) {
	t.Helper()
	f, ok := errors.AsType[*identity.Fault](err)
	if !ok || f.Code != identity.PasswordPolicyViolation || f.Message != "Password does not conform to the account password policy." {
		t.Fatalf("got %v", err)
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	none := &directory.Account{ID: account, Alias: "Main-Account1"}
	with := func(p directory.PasswordPolicy) *directory.Account {
		return &directory.Account{ID: account, Passwords: &p}
	}
	for _, tt := range []struct {
		name     string
		account  *directory.Account
		password string
		taken    bool
	}{
		{"without a policy: three kinds", none, "abcDEF12", true},
		{"without a policy: three kinds with a symbol", none, "abcdef1!", true},
		{"without a policy: all but a number", none, "abcDEF|'", true},
		{"without a policy: two kinds", none, "abcdefg1", false},
		{"without a policy: what is no symbol is no kind", none, "abcdef1~", false},
		{"without a policy: too short", none, "abcDE12", false},
		{"without a policy: as long as can be", none, strings.Repeat("aB1!", 32), true},
		{"without a policy: longer", none, strings.Repeat("aB1!", 32) + "x", false},
		{"without a policy: the account's alias", none, "Main-Account1", false},
		{"a policy of length alone", with(directory.PasswordPolicy{MinimumLength: 6}), "aaaaaa", true},
		{"a policy of length alone, too short", with(directory.PasswordPolicy{MinimumLength: 6}), "aaaaa", false},
		{"characters are counted, not bytes", with(directory.PasswordPolicy{MinimumLength: 6}), "äöüäö", false},
		{"symbols", with(directory.PasswordPolicy{MinimumLength: 6, Symbols: true}), "aaaaaa_", true},
		{"no symbol", with(directory.PasswordPolicy{MinimumLength: 6, Symbols: true}), "aaaaaa~", false},
		{"numbers", with(directory.PasswordPolicy{MinimumLength: 6, Numbers: true}), "aaaaaa1", true},
		{"no number", with(directory.PasswordPolicy{MinimumLength: 6, Numbers: true}), "aaaaaaA", false},
		{"uppercase", with(directory.PasswordPolicy{MinimumLength: 6, Uppercase: true}), "aaaaaaA", true},
		{"no uppercase", with(directory.PasswordPolicy{MinimumLength: 6, Uppercase: true}), "aaaaaa1", false},
		{"lowercase", with(directory.PasswordPolicy{MinimumLength: 6, Lowercase: true}), "AAAAAAa", true},
		{"no lowercase", with(directory.PasswordPolicy{MinimumLength: 6, Lowercase: true}), "AAAAAA1", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := Check(tt.account, tt.password)
			if !tt.taken {
				refused(t, err)
			} else if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func set(t *testing.T, h *Hasher, a *directory.Account, l *directory.Login, password string) *directory.Login {
	t.Helper()
	next, err := h.Set(t.Context(), a, l, password, start)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func TestReuse(t *testing.T) {
	t.Parallel()
	h := New(rand.Reader)
	a := &directory.Account{ID: account, Passwords: &directory.PasswordPolicy{MinimumLength: 6, ReusePrevention: 2}}
	l := set(t, h, a, nil, "first-1")
	l = set(t, h, a, l, "second-2")
	for _, again := range []string{"second-2", "first-1"} {
		_, err := h.Set(t.Context(), a, l, again, start)
		refused(t, err)
	}
	l = set(t, h, a, l, "third-3")
	if len(l.Previous) != 1 {
		t.Errorf("%d previous passwords are kept, want 1", len(l.Previous))
	}
	if set(t, h, a, l, "first-1") == nil {
		t.Error("no login profile")
	}
	free := &directory.Account{ID: account, Passwords: &directory.PasswordPolicy{MinimumLength: 6}}
	if again := set(t, h, free, l, "third-3"); len(again.Previous) != 0 {
		t.Errorf("%d previous passwords are kept without need", len(again.Previous))
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	h := New(rand.Reader)
	a := &directory.Account{ID: account}
	l := set(t, h, a, nil, "Correct-horse1")
	for password, want := range map[string]bool{"Correct-horse1": true, "correct-horse1": false, "Correct-horse1 ": false, "": false} {
		if got, err := h.Verify(t.Context(), l, password); err != nil || got != want {
			t.Errorf("%q: %v, %v", password, got, err)
		}
	}
	if got, err := h.Verify(t.Context(), nil, ""); err != nil || got {
		t.Errorf("without a login profile: %v, %v", got, err)
	}
	if again := set(t, h, a, nil, "Correct-horse1"); again.Hash.Key.Equal(l.Hash.Key) {
		t.Error("one password has one hash: no salt")
	}
	text := l.Hash.Key.RevealString()
	if strings.Contains(text, "Correct") || !strings.HasPrefix(text, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the hash is %s", text)
	}
	if shown := fmt.Sprintf("%+v %#v", l, *l); strings.Contains(shown, text[31:]) {
		t.Error("a login profile prints its hash")
	}
}

// A hash that was altered, or asks for costs of which this build knows nothing, opens nothing.
func TestDamagedHashes(t *testing.T) {
	t.Parallel()
	h := New(rand.Reader)
	whole := set(t, h, &directory.Account{ID: account}, nil, "Correct-horse1").Hash.Key.RevealString()
	for name, text := range map[string]string{
		"cut":           whole[:len(whole)-1],
		"longer":        whole + "A",
		"no hash":       whole[:strings.LastIndexByte(whole, '$')],
		"other memory":  strings.Replace(whole, "m=19456", "m=4194304", 1),
		"other passes":  strings.Replace(whole, "t=2", "t=1", 1),
		"another form":  strings.Replace(whole, "argon2id", "argon2i", 1),
		"not base64":    strings.Replace(whole, whole[40:42], "~~", 1),
		"not canonical": whole[:len(whole)-1] + string(whole[len(whole)-1]+1),
	} {
		l := &directory.Login{Hash: directory.Protected{Key: secret.FromString(text)}}
		if got, err := h.Verify(t.Context(), l, "Correct-horse1"); got || !errors.Is(err, errHash) && name != "not canonical" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// Whoever finds all turns taken waits, and gives up with its request.
func TestOnlyAFewAtOnce(t *testing.T) {
	t.Parallel()
	h := New(rand.Reader)
	for range atOnce {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Verify(ctx, nil, "x"); !errors.Is(err, context.Canceled) {
		t.Fatalf("with all turns taken: %v", err)
	}
	<-h.slots
	if _, err := h.Verify(t.Context(), nil, "x"); err != nil {
		t.Fatalf("with a turn free: %v", err)
	}
	if len(h.slots) != atOnce-1 {
		t.Errorf("%d turns are taken after, want %d", len(h.slots), atOnce-1)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	h := New(rand.Reader)
	const right = "Correct-horse1"
	l := set(t, h, &directory.Account{ID: account}, nil, right)
	reset := *l
	reset.ResetRequired = true
	viewOf := func(p *directory.PasswordPolicy, l *directory.Login) *directory.View {
		es := []directory.Entity{&directory.Account{ID: account, Passwords: p},
			&directory.User{Account: account, Name: "alice", ID: "AIDA1", Login: l}, &directory.User{Account: account, Name: "bob", ID: "AIDA2"}}
		var events []directory.Event
		for _, e := range es {
			events = append(events, directory.Event{Key: e.Key(), Entity: e})
		}
		return directory.NewView(arn.AWS).Apply(1, events)
	}
	aging := &directory.PasswordPolicy{MinimumLength: 6, MaxAgeDays: 1}
	hard := &directory.PasswordPolicy{MinimumLength: 6, MaxAgeDays: 1, HardExpiry: new(true)}
	for _, tt := range []struct {
		name     string
		view     *directory.View
		user     string
		password string
		after    time.Duration
		want     State
	}{
		{"right", viewOf(nil, l), "alice", right, 0, SignedIn},
		{"right, the name in another case", viewOf(nil, l), "Alice", right, 0, SignedIn},
		{"wrong", viewOf(nil, l), "alice", "wrong", 0, Refused},
		{"no login profile", viewOf(nil, nil), "bob", right, 0, Refused},
		{"no login profile, no password", viewOf(nil, nil), "bob", "", 0, Refused},
		{"no such user", viewOf(nil, l), "ghost", right, 0, Refused},
		{"to be reset", viewOf(nil, &reset), "alice", right, 0, MustChange},
		{"to be reset, wrong", viewOf(nil, &reset), "alice", "wrong", 0, Refused},
		{"almost expired", viewOf(aging, l), "alice", right, 24*time.Hour - 1, SignedIn},
		{"expired", viewOf(aging, l), "alice", right, 24 * time.Hour, MustChange},
		{"expired for good", viewOf(hard, l), "alice", right, 24 * time.Hour, Locked},
		{"expired, wrong", viewOf(hard, l), "alice", "wrong", 24 * time.Hour, Refused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u, got, err := h.SignIn(t.Context(), tt.view, account, tt.user, tt.password, start.Add(tt.after))
			if err != nil || got != tt.want {
				t.Fatalf("state %d, want %d; %v", got, tt.want, err)
			}
			if (u != nil) != slices.Contains([]State{SignedIn, MustChange, Locked}, got) {
				t.Fatalf("user %v in state %d", u, got)
			}
		})
	}
	if _, got, err := h.SignIn(t.Context(), viewOf(nil, l), "444455556666", "alice", right, start); err != nil || got != Refused {
		t.Fatalf("in an account that is not there: %d, %v", got, err)
	}
}
