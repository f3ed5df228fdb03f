package lint

import (
	"strings"

	"github.com/stint-sts/stint/policy"
)

// variable is what stands between ${ and }.
type variable struct {
	body   string
	at     int // of the ${
	closed bool
}

func variablesOf(text string) []variable {
	var found []variable
	for at := 0; ; {
		start := strings.Index(text[at:], "${")
		if start < 0 {
			return found
		}
		start += at
		body, _, closed := strings.Cut(text[start+2:], "}")
		found = append(found, variable{body, start, closed})
		at = start + 2 + len(body)
	}
}

func withoutVariables(text string) string {
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			return text
		}
		_, after, _ := strings.Cut(rest, "}")
		text = before + after
	}
}

// escape says whether the variable only stands for a character that is otherwise special.
func (v *variable) escape() bool {
	return v.closed && len(v.body) == 1 && strings.Contains("*?$", v.body)
}

// fault says what is wrong with the variable, with the code for it; nothing if it can have a value.
func (v *variable) fault() (code, message string) {
	shown := quote("${" + v.body + "}")
	if !v.closed {
		return "MISSING_BRACE_IN_VARIABLE", "The variable that begins with " + quote("${"+v.body) + " has no closing brace."
	}
	name, fallback, hasFallback := strings.Cut(v.body, ",")
	name, fallback = strings.TrimSpace(name), strings.TrimSpace(fallback)
	if hasFallback && (len(fallback) < 2 || fallback[0] != '\'' || fallback[len(fallback)-1] != '\'') {
		return "MISSING_QUOTE_IN_VARIABLE", "The default of the variable " + shown + " is not in single quotes, as in ${aws:username, 'nobody'}."
	}
	if name == "" || strings.ContainsAny(name, "${'") {
		return "INVALID_VARIABLE", "The variable " + shown + " names no key."
	}
	if code, message := unknownKey(name); code != "" {
		return code, message
	}
	if k, known := lookUp(strings.ToLower(name)); known && k.many {
		return "MULTIVALUED_VARIABLE", "The key of the variable " + shown + " can have several values, which no variable can stand for."
	}
	return "", ""
}

// variables finds variables where there are none, and those that never have a value.
func (l *linter) variables(s *statement) {
	for _, list := range [...]struct {
		element string
		values  []string
	}{{"Action", s.Actions}, {"NotAction", s.NotActions}, {"Principal", principalTexts(s.Principals)}, {"NotPrincipal", principalTexts(s.NotPrincipals)}} {
		for _, v := range list.values {
			if len(variablesOf(v)) > 0 {
				l.add(s, Warning, "VARIABLE_UNSUPPORTED_IN_ELEMENT", list.element,
					list.element+" knows no policy variables: "+quote(v)+" is taken as it stands.")
			}
		}
	}
	for _, r := range s.Resources {
		l.resourceVariables(s, "Resource", r)
	}
	for _, r := range s.NotResources {
		l.resourceVariables(s, "NotResource", r)
	}
	for i := range s.conditions {
		for _, v := range s.conditions[i].Values {
			l.conditionVariables(s, &s.conditions[i], v)
		}
	}
}

func principalTexts(principals []policy.PrincipalValue) []string {
	texts := make([]string, len(principals))
	for i, p := range principals {
		texts[i] = p.Value
	}
	return texts
}

const oldVersion = " is not a variable but text in a document of Version 2008-10-17: write \"Version\": \"2012-10-17\"."

func (l *linter) resourceVariables(s *statement, element, text string) {
	for _, v := range variablesOf(text) {
		code, message := v.fault()
		switch {
		case l.document.Version != policy.Version2012:
			l.add(s, Warning, "VARIABLE_UNSUPPORTED_IN_VERSION", element, quote("${"+v.body+"}")+oldVersion)
			return
		case v.escape():
		case strings.Count(withoutVariables(text[:v.at]), ":") < 5:
			l.add(s, Warning, "VARIABLE_BEFORE_RESOURCE_NAME", element, "A variable may stand only after the fifth colon of an ARN: "+quote(text)+" matches nothing.")
		case code != "":
			l.add(s, Warning, code, element, message+" The pattern "+quote(text)+" matches nothing.")
		}
	}
}

func (l *linter) conditionVariables(s *statement, c *condition, text string) {
	for _, v := range variablesOf(text) {
		code, message := v.fault()
		switch {
		case !c.known:
		case c.Compares != policy.Strings && c.Compares != policy.ARNs:
			l.addCondition(s, c, Warning, "INVALID_VARIABLE_FOR_OPERATOR", "Variables go only with string and ARN operators: "+quote(text)+" is taken as it stands.")
		case l.document.Version != policy.Version2012:
			l.addCondition(s, c, Warning, "VARIABLE_UNSUPPORTED_IN_VERSION", quote("${"+v.body+"}")+oldVersion)
			return
		case v.escape():
		case code != "":
			l.addCondition(s, c, Warning, code, message+" The pattern "+quote(text)+" matches nothing.")
		}
	}
}
