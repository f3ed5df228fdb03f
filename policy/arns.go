package policy

import "strings"

const arnParts = 6

// arnPattern is what the ARN operators compare with: six patterns, one for each component [OPS], so that no wildcard before
// the resource runs over a colon.
type arnPattern struct {
	every bool    // the bare *
	whole pattern // a pattern that is one variable, which holds a whole ARN
	parts []pattern
}

func compileARN(text string, variables bool) arnPattern {
	if text == "*" {
		return arnPattern{every: true}
	}
	e := encoding{wildcards: true, variables: variables}
	if whole := compilePattern(text, e); len(whole.parts) == 1 {
		return arnPattern{whole: whole}
	}
	var parts []pattern
	for _, component := range splitARN(text, variables) {
		parts = append(parts, compilePattern(component, e))
	}
	return arnPattern{parts: parts}
}

// splitARN splits at the first five colons that are not inside a variable.
func splitARN(text string, variables bool) []string {
	components := make([]string, 0, arnParts)
	start, inVariable := 0, false
	for i := 0; i < len(text) && len(components) < arnParts-1; i++ {
		switch {
		case variables && strings.HasPrefix(text[i:], "${"):
			inVariable = true
		case text[i] == '}':
			inVariable = false
		case text[i] == ':' && !inVariable:
			components = append(components, text[start:i])
			start = i + 1
		}
	}
	return append(components, text[start:])
}

func (p *arnPattern) match(s string, ctx Context) answer {
	if !isARN(s) {
		return unclear
	}
	if p.every {
		return yes
	}
	if p.whole.parts != nil {
		matched, _ := p.whole.match(s, ctx)
		return answerOf(matched)
	}
	if len(p.parts) != arnParts {
		return no
	}
	for i := range p.parts {
		component := s
		if i < arnParts-1 {
			component, s, _ = strings.Cut(s, ":")
		}
		if matched, _ := p.parts[i].match(component, ctx); !matched {
			return no
		}
	}
	return yes
}

func isARN(s string) bool { return strings.HasPrefix(s, "arn:") && strings.Count(s, ":") >= arnParts-1 }
