package lint

import (
	"slices"
	"strconv"

	"github.com/stint-sts/stint/policy"
)

// overlaps finds statements that another makes useless: an Allow all of which a Deny takes away, and any statement that says
// no more than another of the same effect.
func (l *linter) overlaps(s *statement) {
	for _, other := range l.statements {
		if other == s {
			continue
		}
		if l.budget < 0 {
			return
		}
		switch {
		case s.allow && !other.allow && len(other.conditions) == 0 && l.includes(other, s):
			l.add(s, Warning, "UNREACHABLE_STATEMENT", "", "Never allows anything: "+other.words()+" denies all of it.")
			return
		case s.allow == other.allow && l.says(other, s) && (other.index < s.index || !l.says(s, other)):
			verb := "allows"
			if !s.allow {
				verb = "denies"
			}
			l.add(s, Suggestion, "REDUNDANT_STATEMENT", "", "Without effect: "+other.words()+" "+verb+" all of it already.")
			return
		}
	}
}

func (s *statement) words() string {
	if s.Sid != "" {
		return "the statement " + quote(s.Sid)
	}
	return "statement " + strconv.Itoa(s.index)
}

// says says whether a statement applies whenever another does: it includes it, and has no conditions or the same.
func (l *linter) says(wide, narrow *statement) bool {
	return (len(wide.conditions) == 0 || sameConditions(wide, narrow)) && l.includes(wide, narrow)
}

func sameConditions(a, b *statement) bool {
	return slices.EqualFunc(a.conditions, b.conditions, func(c, d condition) bool {
		return c.key == d.key && c.known && c.Operator == d.Operator && c.Condition.Operator == d.Condition.Operator && slices.Equal(c.Values, d.Values)
	})
}

// includes says whether a statement speaks of all principals, actions and resources of which another does. False can also mean
// that it cannot be told.
func (l *linter) includes(wide, narrow *statement) bool {
	return includesPrincipals(wide, narrow) &&
		l.includesList(wide.Actions, wide.NotActions, narrow.Actions, narrow.NotActions, true) &&
		(!hasResources(wide) && !hasResources(narrow) || l.includesList(wide.Resources, wide.NotResources, narrow.Resources, narrow.NotResources, false))
}

func hasResources(s *statement) bool { return len(s.Resources)+len(s.NotResources) > 0 }

func (l *linter) includesList(wide, notWide, narrow, notNarrow []string, fold bool) bool {
	switch {
	case slices.Contains(wide, "*"):
		return true
	case len(notWide)+len(notNarrow) > 0: // all but what is listed twice is the same; more cannot be told
		return len(wide)+len(narrow) == 0 && l.allCovered(notNarrow, notWide, fold)
	}
	return l.allCovered(wide, narrow, fold)
}

func includesPrincipals(wide, narrow *statement) bool {
	if len(wide.NotPrincipals)+len(narrow.NotPrincipals) > 0 {
		return false
	}
	if len(wide.Principals) == 0 {
		return len(narrow.Principals) == 0
	}
	everyone := slices.Contains(wide.Principals, policy.PrincipalValue{Kind: "AWS", Value: "*"})
	for _, p := range narrow.Principals {
		// An Allow for * does not let in a federated subject; a Deny for * hits it.
		if covered := everyone && (p.Kind != "Federated" || !wide.allow); !covered && !slices.Contains(wide.Principals, p) {
			return false
		}
	}
	return len(narrow.Principals) > 0
}
