package conformance

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// coverage says how a group of the shared cases stands.
type coverage struct {
	group string
	cases int // how many there are at least: a group that shrinks is a failure
	must  int // how many of them must pass; all is for every one, none for a group that waits for a later feature, apart for one that is no exchange
}

const (
	all   = -1
	none  = 0
	apart = -2 // policy_test.go has them
)

// sharedCoverage is the whole of the shared file: a group that is not listed is a failure too.
var sharedCoverage = []coverage{
	{"wire", 24, all},
	{"val", 34, all},
	{"dur", 9, all},
	{"auth", 27, all},
	{"tag", 12, all},
	{"ext", 3, all},
	{"src", 9, all},
	{"az", 22, all},
	{"mfa", 4, all},
	{"ses", 9, all},
	{"id", 5, all},
	{"dec", 2, all},
	{"tp", 5, all},
	{"pol", 52, all},
	{"polok", 12, all},
	{"iam", 35, 35},
	{"oidc", 17, all},
	{"saml", 17, all},
	{"root", 4, all},
	{"jwt", 5, all},
	{"del", 1, all},
	{"bnd", 19, apart},
	{"fep", 4, all},
}

// waiting are the cases of covered groups that need a later operation.
var waiting = map[string]string{}

// tally counts the results of a run.
type tally struct {
	mu     sync.Mutex
	passed map[string][]string // guarded by mu
	failed map[string][]string // guarded by mu
}

func newTally() *tally { return &tally{passed: map[string][]string{}, failed: map[string][]string{}} }

func (t *tally) count(c wireCase, problems []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(problems) == 0 {
		t.passed[c.group()] = append(t.passed[c.group()], c.ID)
		return
	}
	t.failed[c.group()] = append(t.failed[c.group()], c.ID)
}

// covered tells whether the case runs, and whether it must pass by itself.
func covered(c wireCase) (runs, must bool) {
	if waiting[c.ID] != "" {
		return false, false
	}
	for _, entry := range sharedCoverage {
		if entry.group == c.group() {
			return entry.must != none && entry.must != apart, entry.must == all
		}
	}
	return false, false
}

// checkSizes fails when the file is not what the table says.
func checkSizes(t *testing.T, cases []wireCase) {
	t.Helper()
	sizes := map[string]int{}
	for _, c := range cases {
		sizes[c.group()]++
	}
	for _, entry := range sharedCoverage {
		if sizes[entry.group] < entry.cases {
			t.Errorf("group %s has %d cases, and had %d", entry.group, sizes[entry.group], entry.cases)
		}
		delete(sizes, entry.group)
	}
	for group := range sizes {
		t.Errorf("group %s is not in the table of what is covered", group)
	}
}

// report prints a line for each group and fails when too few of a partly covered group pass.
func (t *tally) report(tb testing.TB, cases []wireCase, filtered bool) {
	tb.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	var later []string
	for _, entry := range sharedCoverage {
		passed, failed := len(t.passed[entry.group]), t.failed[entry.group]
		slices.Sort(failed)
		if entry.must == apart {
			continue
		}
		if entry.must == none {
			later = append(later, fmt.Sprintf("%s %d", entry.group, entry.cases))
			continue
		}
		tb.Logf("%-6s %3d passed, %2d failed %v", entry.group, passed, len(failed), failed)
		if !filtered && passed < entry.must {
			tb.Errorf("group %s: %d cases pass, and %d did", entry.group, passed, entry.must)
		}
	}
	for _, c := range cases {
		if needs := waiting[c.ID]; needs != "" {
			later = append(later, c.ID+" ("+needs+")")
		}
	}
	tb.Logf("not yet covered: %s", strings.Join(later, ", "))
}
