package commandline

import (
	"fmt"
	"io"
	"strings"
)

// The code that a person carries from one machine to the other: letters that make no words and are not mistaken for others, typed
// without a shift key (RFC 8628, 6.1). Eight are 34 bits, for codes that last ten minutes and of which one can try a few.
const (
	userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeLength  = 8
)

// newUserCode returns a code without its hyphen.
func newUserCode(random io.Reader) (string, error) {
	const fair = 256 - 256%len(userCodeLetters)
	code := make([]byte, 0, userCodeLength)
	for len(code) < userCodeLength {
		var b [1]byte
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return "", fmt.Errorf("making a user code: %w", err)
		}
		if int(b[0]) < fair {
			code = append(code, userCodeLetters[int(b[0])%len(userCodeLetters)])
		}
	}
	return string(code), nil
}

// parseUserCode takes a code as people type it.
func parseUserCode(typed string) (code string, ok bool) {
	if len(typed) > 4*userCodeLength {
		return "", false
	}
	code = strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(typed))
	return code, len(code) == userCodeLength && strings.Trim(code, userCodeLetters) == ""
}

// showUserCode writes a code as people read it.
func showUserCode(code string) string { return code[:userCodeLength/2] + "-" + code[userCodeLength/2:] }
