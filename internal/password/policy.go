package password

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

const (
	// symbols are what counts as one (API, UpdateAccountPasswordPolicy, RequireSymbols).
	symbols = "!@#$%^&*()_+-=[]{}|'"
	// The policy of an account without one of its own (UG, account password policy): a length, and three of the four kinds of
	// characters.
	defaultLength = 8
	defaultKinds  = 3
	// maxLength is the greatest that the model takes.
	maxLength = 128
	day       = 24 * time.Hour
)

// violation is AWS's whole explanation.
func violation() *identity.Fault {
	return identity.NewFault(identity.PasswordPolicyViolation, "Password does not conform to the account password policy.")
}

// Check refuses a password that the account's policy does not take.
func Check(a *directory.Account, password string) error {
	length := utf8.RuneCountInString(password)
	upper := strings.ContainsFunc(password, func(r rune) bool { return r >= 'A' && r <= 'Z' })
	lower := strings.ContainsFunc(password, func(r rune) bool { return r >= 'a' && r <= 'z' })
	number := strings.ContainsFunc(password, func(r rune) bool { return r >= '0' && r <= '9' })
	symbol := strings.ContainsAny(password, symbols)
	if length > maxLength {
		return violation()
	}
	if p := a.Passwords; p != nil {
		if length < int(p.MinimumLength) || p.Uppercase && !upper || p.Lowercase && !lower || p.Numbers && !number || p.Symbols && !symbol {
			return violation()
		}
		return nil
	}
	kinds := 0
	for _, has := range []bool{upper, lower, number, symbol} {
		if has {
			kinds++
		}
	}
	if length < defaultLength || kinds < defaultKinds || password == a.Alias || password == string(a.ID) {
		return violation()
	}
	return nil
}

// Expires returns when the account's policy lets a password expire, if it ever does.
func Expires(a *directory.Account, l *directory.Login) (time.Time, bool) {
	p := a.Passwords
	if p == nil || p.MaxAgeDays == 0 {
		return time.Time{}, false
	}
	return l.Changed.Add(time.Duration(p.MaxAgeDays) * day), true
}

// expired reports whether a password is older than the account's policy lets it be.
func expired(a *directory.Account, l *directory.Login, now time.Time) bool {
	end, ends := Expires(a, l)
	return ends && !now.Before(end)
}

// remembered is how many passwords before a new one it must differ from, the present one among them.
func remembered(a *directory.Account) int {
	if a.Passwords == nil {
		return 0
	}
	return int(a.Passwords.ReusePrevention)
}
