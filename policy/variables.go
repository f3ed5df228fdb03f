package policy

import "strings"

// pattern is a pattern that may hold policy variables. Without variables it is a glob; with them it is the list of its parts,
// which each evaluation joins. Text that a variable brings in is literal (advisory 45): its asterisks are no wildcards.
type pattern struct {
	glob  glob
	parts []part // nil without variables
}

// part is encoded text or, if variable, a variable.
type part struct {
	text       string
	variable   bool
	key        string // in lower case; empty if the variable is malformed, which never has a value
	fallback   string
	hasDefault bool
}

// encoding says what in a document's text is special.
type encoding struct {
	wildcards bool // * and ?
	variables bool // ${…}; only in documents of Version2012
}

// compilePattern reads a pattern as a document has it.
func compilePattern(text string, e encoding) pattern {
	if !e.variables || !strings.Contains(text, "${") {
		return pattern{glob: newGlob(encode(text, e.wildcards))}
	}
	var parts []part
	var literal strings.Builder
	variables := false
	flush := func() {
		if literal.Len() > 0 {
			parts = append(parts, part{text: literal.String()})
			literal.Reset()
		}
	}
	for text != "" {
		start := strings.Index(text, "${")
		if start < 0 {
			literal.WriteString(encode(text, e.wildcards))
			break
		}
		literal.WriteString(encode(text[:start], e.wildcards))
		body, rest, closed := strings.Cut(text[start+2:], "}")
		text = rest
		if closed && len(body) == 1 && strings.Contains("*?$", body) {
			literal.WriteString(body)
			continue
		}
		flush()
		parts = append(parts, compileVariable(body, closed))
		variables = true
	}
	flush()
	if variables {
		return pattern{parts: parts}
	}
	return pattern{glob: newGlob(parts[0].text)}
}

// compileVariable reads what stands between ${ and }: a key, or a key and a default in quotes.
func compileVariable(body string, closed bool) part {
	v := part{variable: true}
	key, fallback, found := strings.Cut(body, ",")
	if found {
		fallback = strings.TrimSpace(fallback)
		if len(fallback) < 2 || fallback[0] != '\'' || fallback[len(fallback)-1] != '\'' {
			return v
		}
		v.fallback, v.hasDefault = encode(fallback[1:len(fallback)-1], false), true
	}
	key = strings.TrimSpace(key)
	if !closed || key == "" || strings.ContainsAny(key, "${'") {
		return part{variable: true}
	}
	v.key = strings.ToLower(key)
	return v
}

// encode gives the inner form of literal text; see anyRun.
func encode(text string, wildcards bool) string {
	if wildcards {
		return encodePlain(text)
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// value gives what a variable is worth. A missing, empty or multivalued key has no value, nor has one whose bytes would act
// as wildcards.
func (p *part) value(ctx Context) (string, bool) {
	if p.key == "" {
		return "", false
	}
	if v, found := ctx.Lookup(p.key); found {
		if s, single := v.Single(); single && s != "" {
			return s, !hasWildcard(s)
		}
	}
	return p.fallback, p.hasDefault
}

// prefix gives what every subject begins with, as far as that does not depend on the request.
func (p *pattern) prefix() string {
	switch {
	case p.parts == nil:
		return p.glob.prefix()
	case p.parts[0].variable:
		return ""
	}
	return literalPrefix(p.parts[0].text)
}

// roomForText is the length in bytes up to which a pattern with variables is joined without allocation.
const roomForText = 256

// resolve appends the pattern's inner form to a buffer; false means that a variable has no value.
func (p *pattern) resolve(buffer []byte, ctx Context) ([]byte, bool) {
	for i := range p.parts {
		text := p.parts[i].text
		if p.parts[i].variable {
			var found bool
			if text, found = p.parts[i].value(ctx); !found {
				return nil, false
			}
		}
		buffer = append(buffer, text...)
	}
	return buffer, true
}

// match says whether the subject matches, and whether all variables had values; without them nothing matches.
func (p *pattern) match(s string, ctx Context) (matched, resolved bool) {
	if p.parts == nil {
		return p.glob.match(s), true
	}
	var room [roomForText]byte
	text, resolved := p.resolve(room[:0], ctx)
	return resolved && matchPattern(text, s, exact), resolved
}
