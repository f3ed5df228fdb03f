package lint

import (
	"slices"
	"strings"

	"github.com/stint-sts/stint/policy"
)

func (l *linter) conditions(s *statement) {
	spelled := map[string]string{}
	for i := range s.conditions {
		c := &s.conditions[i]
		if !c.known {
			l.addCondition(s, c, Error, "INVALID_CONDITION_OPERATOR",
				"There is no condition operator "+quote(c.Condition.Operator)+"."+meant(near(c.Condition.Operator, operatorNames[:])))
			continue
		}
		if code, message := unknownKey(c.Key); code != "" {
			l.addCondition(s, c, Warning, code, message)
		}
		if other := spelled[c.key]; other != "" && other != c.Key {
			l.addCondition(s, c, Suggestion, "KEY_CASE", "The statement writes "+quote(other)+" and "+quote(c.Key)+
				", which are one key: names of condition keys, tag keys included, are compared without case.")
		}
		spelled[c.key] = c.Key
		l.operator(s, c)
		l.values(s, c)
		l.quantifier(s, c)
		l.multiFactor(s, c)
	}
	l.contradictions(s)
}

// operatorNames are for guessing what a misspelt one should be.
var operatorNames = [...]string{"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike",
	"StringNotLike", "NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan",
	"NumericGreaterThanEquals", "DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan",
	"DateGreaterThanEquals", "Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "Null"}

// operator finds operators that do not suit what the key holds.
func (l *linter) operator(s *statement, c *condition) {
	k, known := lookUp(c.key)
	if !known || k.is == anything || c.Compares == k.is || c.Compares == policy.Presence {
		return
	}
	severity, message := Warning, "its values are read as "+plural(c.Compares)+", which they are not: nothing is equal to them."
	switch {
	case c.Compares == policy.Strings && k.is == policy.ARNs: // usual, and right where the ARN is whole
		return
	case c.Compares == policy.Numbers && k.name == "aws:EpochTime":
		return
	case c.Compares == policy.Strings && k.is == policy.Booleans:
		severity, message = Suggestion, "Bool says the same and takes no other spelling than true and false."
	case c.Compares == policy.Strings && k.is == policy.Addresses:
		message = "it compares the text of the address, and knows no ranges: use IpAddress or NotIpAddress."
	case c.Compares == policy.Strings:
		message = "it compares texts, letter by letter: use an operator for a " + string(k.is) + "."
	case c.Compares == policy.Numbers && k.is == policy.Strings:
		message = "a text that is no number is equal to nothing, and leading zeros do not count: use StringEquals."
	}
	l.addCondition(s, c, severity, "TYPE_MISMATCH", "The key "+quote(c.Key)+" holds "+article(k.is)+", and "+c.Condition.Operator+" is for "+
		plural(c.Compares)+": "+message)
}

func plural(c policy.Comparison) string {
	switch c {
	case policy.Binaries:
		return "binary data"
	case policy.Addresses:
		return "IP addresses"
	}
	return string(c) + "s"
}

func article(c policy.Comparison) string {
	if c == policy.Addresses || c == policy.ARNs {
		return "an " + string(c)
	}
	return "a " + string(c)
}

// values finds values that match nothing, everything, or something else than they seem to.
func (l *linter) values(s *statement, c *condition) {
	if len(c.Values) == 0 {
		outcome := "never holds"
		if c.Negated {
			outcome = "always holds"
		}
		l.addCondition(s, c, Warning, "EMPTY_ARRAY_CONDITION", "The condition "+c.name()+" has no values, and so "+outcome+".")
		return
	}
	for _, v := range c.Unreadable() {
		if !strings.Contains(v, "${") { // said of the variable
			l.addCondition(s, c, Error, "INVALID_CONDITION_VALUE", "The value "+quote(v)+" of "+c.name()+" is not "+article(c.Compares)+unreadable(c.Compares)+
				": it matches nothing.")
		}
	}
	if c.Compares == policy.Booleans && len(c.Values) > 1 && !strings.EqualFold(c.Values[0], c.Values[1]) {
		l.addCondition(s, c, Warning, "INVALID_CONDITION_MULTIPLE_BOOLEAN", "The condition "+c.name()+" takes both true and false, so that it asks for nothing.")
	}
	if c.Compares == policy.Strings && !c.Wildcards {
		if i := slices.IndexFunc(c.Values, wildcard); i >= 0 {
			l.addCondition(s, c, Warning, "WILDCARD_WITHOUT_LIKE_OPERATOR", "In "+c.Condition.Operator+" the asterisk of "+quote(c.Values[i])+
				" stands for itself: use "+strings.NewReplacer("EqualsIgnoreCase", "Like", "Equals", "Like").Replace(c.Condition.Operator)+" for a pattern.")
		}
	}
	if i := slices.IndexFunc(c.Values, c.takesAll); i >= 0 && !c.Negated {
		if c.Compares == policy.Addresses {
			l.addCondition(s, c, Warning, "CONDITION_TAKES_EVERY_VALUE", "The range "+quote(c.Values[i])+" of "+c.name()+" holds every address of its family.")
		} else if !c.IfExists && !c.ForAll {
			l.addCondition(s, c, Suggestion, "EQUIVALENT_TO_NULL_FALSE", "The value "+quote(c.Values[i])+" of "+c.name()+` takes whatever the request has: "Null": {`+
				quote(c.Key)+`: "false"} says it plainly.`)
		}
	}
}

// wildcard finds asterisks that stand outside of variables, of which ${*} is one.
func wildcard(v string) bool { return strings.Contains(withoutVariables(v), "*") }

func unreadable(c policy.Comparison) string {
	switch c {
	case policy.ARNs:
		return " of six parts"
	case policy.Booleans, policy.Presence:
		return " of true or false"
	case policy.Addresses:
		return " or range in CIDR notation"
	}
	return ""
}

// openToNone are multivalued keys of which a request may well have none: the keys of the tags that it asks for.
func openToNone(key string) bool { return key == "aws:tagkeys" || key == "sts:transitivetagkeys" }

// quantifier finds set operators where there are none to be, where there should be one, and ForAllValues that lets pass
// whoever has no value at all.
func (l *linter) quantifier(s *statement, c *condition) {
	k, known := lookUp(c.key)
	switch {
	case known && !k.many && c.ForAll:
		severity := Warning
		if s.allow {
			severity = SecurityWarning
		}
		l.addCondition(s, c, severity, "FORALLVALUES_WITH_SINGLE_VALUED_KEY", "The key "+quote(c.Key)+
			" has one value, and ForAllValues also holds for requests without it: leave ForAllValues: out.")
	case known && !k.many && c.ForAny:
		l.addCondition(s, c, Suggestion, "FORANYVALUE_WITH_SINGLE_VALUED_KEY", "The key "+quote(c.Key)+" has one value: leave ForAnyValue: out.")
	case known && k.many && !c.ForAll && !c.ForAny && c.Compares != policy.Presence:
		l.addCondition(s, c, Warning, "MISSING_QUALIFIER", "The key "+quote(c.Key)+
			" can have several values: say ForAnyValue: or ForAllValues: (AWS does not define the operator alone).")
	case c.ForAll && s.allow && !s.guarded(c.key):
		severity := SecurityWarning
		if openToNone(c.key) {
			severity = Suggestion
		}
		l.addCondition(s, c, severity, "FORALLVALUES_WITHOUT_NULL_GUARD", "ForAllValues also holds for requests without "+quote(c.Key)+
			`: add "Null": {`+quote(c.Key)+`: "false"} unless they are to be allowed.`)
	}
}

// guarded says whether the statement asks for the key to be there.
func (s *statement) guarded(key string) bool {
	return slices.ContainsFunc(s.conditions, func(c condition) bool {
		if c.key != key || !c.known {
			return false
		}
		if c.Compares == policy.Presence {
			return len(c.Values) == 1 && strings.EqualFold(c.Values[0], "false")
		}
		return !c.Negated && !c.IfExists && !c.ForAll
	})
}

// multiFactor finds the two ways in which a condition on MFA misses requests with long-term keys, which do not have its keys.
func (l *linter) multiFactor(s *statement, c *condition) {
	if c.key != "aws:multifactorauthpresent" && c.key != "aws:multifactorauthage" {
		return
	}
	asksFor := c.key == "aws:multifactorauthage" || slices.ContainsFunc(c.Values, func(v string) bool { return strings.EqualFold(v, "true") })
	switch {
	case s.allow && c.IfExists && asksFor:
		l.addCondition(s, c, SecurityWarning, "MFA_NOT_REQUIRED", "Requests with long-term access keys do not have "+quote(c.Key)+
			", and IfExists lets them pass without MFA: leave IfExists out.")
	case !s.allow && !c.IfExists && c.Compares == policy.Booleans && !asksFor:
		l.addCondition(s, c, Warning, "MFA_NOT_REQUIRED", "Requests with long-term access keys do not have "+quote(c.Key)+
			", so that this Deny misses them: use BoolIfExists.")
	}
}

// contradictions finds statements that apply to no request.
func (l *linter) contradictions(s *statement) {
	for i := range s.conditions {
		c := &s.conditions[i]
		if c.Compares != policy.Presence || len(c.Values) != 1 || !strings.EqualFold(c.Values[0], "true") || !s.guarded(c.key) {
			continue
		}
		l.addCondition(s, c, Warning, "UNREACHABLE_STATEMENT", "The statement asks for "+quote(c.Key)+" to be absent and to have a value: it never applies.")
	}
}
