package lint

import (
	"strings"
	"unicode/utf8"
)

// comparisons is how many pairs of patterns one document is worth. Documents that IAM takes need a few thousand.
const comparisons = 100_000

// covers says whether everything that one pattern matches is matched by another. False can also mean that it cannot be told.
// fold is for actions, which are compared without case.
func (l *linter) covers(wide, narrow string, fold bool) bool {
	if l.budget--; l.budget < 0 {
		return false
	}
	if fold {
		wide, narrow = strings.ToLower(wide), strings.ToLower(narrow)
	}
	switch {
	case wide == narrow || wide == "*":
		return true
	case strings.Contains(wide, "${"): // what a variable takes is not known
		return false
	case strings.Contains(wide, "?") && !ascii(narrow): // ? takes a character, and bytes are compared
		return false
	}
	return globCovers(wide, spread(narrow))
}

// spread puts an asterisk in the place of every variable, which may be worth anything.
func spread(pattern string) string {
	for {
		before, rest, found := strings.Cut(pattern, "${")
		if !found {
			return pattern
		}
		_, after, _ := strings.Cut(rest, "}")
		pattern = before + "*" + after
	}
}

// globCovers matches a pattern against another as if it were a text: its asterisks only by asterisks.
func globCovers(wide, narrow string) bool {
	w, n := 0, 0
	star, resume := -1, 0
	for n < len(narrow) {
		switch {
		case w < len(wide) && wide[w] == '*':
			star, resume = w, n
			w++
		case w < len(wide) && (wide[w] == '?' && narrow[n] != '*' || wide[w] == narrow[n]):
			w++
			n++
		case star >= 0:
			resume++
			w, n = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(wide[w:], "*") == ""
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// anyCovers says whether one of the patterns covers another.
func (l *linter) anyCovers(wide []string, narrow string, fold bool) bool {
	for _, w := range wide {
		if l.covers(w, narrow, fold) {
			return true
		}
	}
	return false
}

func (l *linter) allCovered(wide, narrow []string, fold bool) bool {
	for _, n := range narrow {
		if !l.anyCovers(wide, n, fold) {
			return false
		}
	}
	return len(narrow) > 0
}

// near gives the candidate that differs least from a name, compared without case, if it is at most two letters away.
func near(name string, candidates []string) string {
	const most = 2
	if len(name) > 64 {
		return ""
	}
	best, least := "", most+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(c), least); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance counts the letters to change, add or leave out (Levenshtein); limit or more is all the same.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := diagonal
			if a[i-1] != b[j-1] {
				change++
			}
			diagonal = row[j]
			row[j] = min(change, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// meant ends a message with the name that was probably meant.
func meant(name string) string {
	if name == "" {
		return ""
	}
	return " Did you mean " + name + "?"
}
