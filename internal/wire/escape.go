package wire

import "unicode/utf8"

// appendXML appends text content. Only what XML 1.0 cannot hold as it is gets replaced: markup, the carriage return
// that a parser would turn into a line feed, and by U+FFFD the code points that no XML document may contain.
func appendXML(dst []byte, text string) []byte {
	from := 0
	for i := 0; i < len(text); {
		if c := text[i]; ' ' <= c && c < utf8.RuneSelf && c != '&' && c != '<' && c != '>' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if replacement := escapeXML(r, size); replacement != "" {
			dst = append(append(dst, text[from:i]...), replacement...)
			from = i + size
		}
		i += size
	}
	return append(dst, text[from:]...)
}

func escapeXML(r rune, size int) string {
	switch {
	case r == '&':
		return "&amp;"
	case r == '<':
		return "&lt;"
	case r == '>':
		return "&gt;"
	case r == '\r':
		return "&#xD;"
	case r < ' ' && r != '\t' && r != '\n', r == 0xFFFE, r == 0xFFFF, r == utf8.RuneError && size == 1:
		return "\uFFFD"
	default:
		return ""
	}
}

// appendJSON appends the inside of a JSON string. Control characters above ASCII and the line separators are escaped too,
// because audit lines are read on terminals and split by tools that count them as line ends.
func appendJSON(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	from := 0
	for i := 0; i < len(text); {
		if c := text[i]; ' ' <= c && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '"' || r == '\\':
			dst = append(append(dst, text[from:i]...), '\\', byte(r))
			from = i + size
		case r == utf8.RuneError && size == 1:
			dst = append(append(dst, text[from:i]...), "\uFFFD"...)
			from = i + size
		case r < ' ', 0x7f <= r && r < 0xa0, r == 0x2028, r == 0x2029:
			dst = append(append(dst, text[from:i]...), '\\', 'u', hex[r>>12], hex[r>>8&15], hex[r>>4&15], hex[r&15])
			from = i + size
		}
		i += size
	}
	return append(dst, text[from:]...)
}

// truncate cuts valid UTF-8 to at most n bytes, between code points, and marks the cut.
func truncate(text string, n int) string {
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}
