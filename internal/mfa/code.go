package mfa

import (
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/pquerna/otp/hotp"

	"github.com/stint-sts/stint/internal/secret"
)

const (
	period     = 30 // seconds
	codeDigits = 6
	// window is how many steps a code may be early or late (RFC 6238, 5.2).
	window = 1
)

func stepAt(t time.Time) int64 { return t.Unix() / period }

// codeOf returns the code of one step.
func codeOf(seed secret.Key, step int64) (string, error) {
	code, err := hotp.GenerateCode(Base32(seed), uint64(step))
	if err != nil {
		return "", fmt.Errorf("generating a one-time code: %w", err)
	}
	return code, nil
}

// match returns the latest step within the window around now whose code is the last of codes, with the ones before it
// coming from the steps before. Every candidate is computed and compared, so that the time taken does not tell which one,
// if any, it was. The spellings of a code are one: six ASCII digits (advisory 110).
func match(seed secret.Key, now time.Time, codes ...string) (step int64, ok bool, err error) {
	if seed.IsZero() {
		return 0, false, nil
	}
	for _, code := range codes {
		if !wellFormed(code) {
			return 0, false, nil
		}
	}
	for s := max(stepAt(now)-window, int64(len(codes))-1); s <= stepAt(now)+window; s++ {
		equal := 1
		for i, code := range codes {
			want, err := codeOf(seed, s-int64(len(codes)-1-i))
			if err != nil {
				return 0, false, err
			}
			equal &= subtle.ConstantTimeCompare([]byte(want), []byte(code))
		}
		step = int64(subtle.ConstantTimeSelect(equal, int(s), int(step)))
		ok = ok || equal == 1
	}
	return step, ok, nil
}

func wellFormed(code string) bool {
	if len(code) != codeDigits {
		return false
	}
	for i := range len(code) {
		if code[i] < '0' || code[i] > '9' {
			return false
		}
	}
	return true
}
