package sigv4

import (
	"bytes"
	"slices"
	"strings"
)

type queryName int

const (
	queryAlgorithm queryName = iota
	queryCredential
	queryDate
	queryExpires
	querySignedHeaders
	querySignature
	queryToken
	queryRegionSet
	queryPayload
	queryCount
)

var queryNames = [queryCount]string{
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature",
	"X-Amz-Security-Token", "X-Amz-Region-Set", "X-Amz-Content-Sha256",
}

// query is what a query string holds of a signature. Of a parameter given twice the first counts (SCRATCH).
type query [queryCount]struct {
	value string
	found bool
}

// carriesCredential reports whether the query string could be taken for signed. X-Amz-Algorithm alone decides that for
// AWS; a stray credential or signature beside an Authorization header is refused too (advisory 2).
func (q *query) carriesCredential() bool {
	return q[queryAlgorithm].found || q[queryCredential].found || q[querySignature].found
}

// scanQuery checks every escape and collects the parameters of a signature. Names are compared as AWS writes them:
// x-amz-date is another parameter.
func scanQuery(raw string) (query, error) {
	var q query
	for raw != "" {
		var part string
		part, raw, _ = strings.Cut(raw, "&")
		key, value, _ := strings.Cut(part, "=")
		if err := checkEscapes(key); err != nil {
			return q, err
		}
		if err := checkEscapes(value); err != nil {
			return q, err
		}
		key = unescape(key)
		if !strings.HasPrefix(key, "X-Amz-") {
			continue
		}
		for i := range queryNames {
			if key == queryNames[i] && !q[i].found {
				q[i].value, q[i].found = unescape(value), true
			}
		}
	}
	return q, nil
}

func checkEscapes(s string) error {
	for i := strings.IndexByte(s, '%'); i >= 0 && i < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		if i+2 >= len(s) {
			return &Error{Code: CodeMalformedQueryString, Message: "Incomplete trailing escape % sequence"}
		}
		if !isHex(s[i+1]) || !isHex(s[i+2]) {
			return &Error{Code: CodeMalformedQueryString,
				Message: "Illegal hex character in escape % pattern: " + echo(s[i:i+3])}
		}
	}
	return nil
}

// unescape decodes a part of a query string whose escapes have been checked. A plus is a space, as it is for whoever
// reads the parameters: were it signed as a plus, the two readings could be exchanged under one signature.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' {
			c = ' '
		} else if c == '%' {
			c = fromHex(s[i+1])<<4 | fromHex(s[i+2])
			i += 2
		}
		b = append(b, c)
	}
	return string(b)
}

// parameter is the place of one encoded parameter in a buffer.
type parameter struct{ start, keyEnd, end int }

// appendQuery appends the canonical query string: every name and value decoded and encoded again, sorted by name and
// then by value. What the signature cannot cover is left out: the first X-Amz-Signature (the one that is read), and the
// session token if the service adds it after signing.
func (w *scratch) appendQuery(dst []byte, raw string, presigned, tokenAfterSigning bool) []byte {
	w.encoded, w.parameters = w.encoded[:0], w.parameters[:0]
	signatureSeen := !presigned
	for raw != "" {
		var part string
		part, raw, _ = strings.Cut(raw, "&")
		if part == "" {
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		p := parameter{start: len(w.encoded)}
		w.encoded = appendRecoded(w.encoded, key, queryComponent)
		p.keyEnd = len(w.encoded)
		switch name := w.encoded[p.start:]; {
		case !signatureSeen && string(name) == queryNames[querySignature]:
			signatureSeen = true
			continue
		case presigned && tokenAfterSigning && string(name) == queryNames[queryToken]:
			continue
		}
		w.encoded = append(w.encoded, '=')
		w.encoded = appendRecoded(w.encoded, value, queryComponent)
		p.end = len(w.encoded)
		w.parameters = append(w.parameters, p)
	}
	slices.SortFunc(w.parameters, func(a, b parameter) int {
		if c := bytes.Compare(w.encoded[a.start:a.keyEnd], w.encoded[b.start:b.keyEnd]); c != 0 {
			return c
		}
		return bytes.Compare(w.encoded[a.keyEnd:a.end], w.encoded[b.keyEnd:b.end])
	})
	for i, p := range w.parameters {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, w.encoded[p.start:p.end]...)
	}
	return dst
}
