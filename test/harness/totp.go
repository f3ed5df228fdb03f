package harness

import (
	"crypto/hmac"
	"crypto/sha1" // RFC 6238 as authenticator apps have it
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"time"
)

const codeStep = 30 * time.Second

// Code is the six-digit time-based code (RFC 6238) of a base32 seed, steps away from the given time.
func Code(seed string, at time.Time, steps int) string {
	key, err := base32.StdEncoding.DecodeString(seed)
	if err != nil {
		panic(fmt.Sprintf("seed: %v", err))
	}
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(at.Unix()/int64(codeStep/time.Second)+int64(steps)))
	mac := hmac.New(sha1.New, key)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	value := binary.BigEndian.Uint32(sum[offset:offset+4]) & 0x7fffffff
	return fmt.Sprintf("%06d", value%1_000_000)
}

// WrongCode is a code that no step within an hour of the given time has.
func WrongCode(seed string, at time.Time) string {
	taken := map[string]bool{}
	for step := -120; step <= 120; step++ {
		taken[Code(seed, at, step)] = true
	}
	for candidate := 0; ; candidate++ {
		if code := fmt.Sprintf("%06d", candidate); !taken[code] {
			return code
		}
	}
}
