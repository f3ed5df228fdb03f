package wire

import "fmt"

// How much of the warnings of a stored policy the header has. The audit line has all of them.
const (
	maxWarnings      = 5
	maxWarningLength = 300 // bytes
)

// warningHeader gives the values of X-Stint-Policy-Warning: one for each warning, in printable ASCII alone, because they quote the
// document.
func warningHeader(warnings []string) []string {
	var values []string
	for i, w := range warnings {
		if i == maxWarnings {
			return append(values, fmt.Sprintf("and %d more", len(warnings)-maxWarnings))
		}
		values = append(values, headerText(w))
	}
	return values
}

func headerText(s string) string {
	text := make([]byte, 0, min(len(s), maxWarningLength))
	for _, r := range s {
		if len(text) == maxWarningLength {
			copy(text[maxWarningLength-len("..."):], "...")
			break
		}
		if r < ' ' || r > '~' {
			r = '?'
		}
		text = append(text, byte(r))
	}
	return string(text)
}
