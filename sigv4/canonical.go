package sigv4

import (
	"strings"
	"sync"
)

// PathStyle is how a service reads the path of a request into the canonical request.
type PathStyle int

const (
	// PathStandard is every service but S3: dot segments and repeated slashes are resolved, and the path as sent, which
	// is encoded already, is encoded once more.
	PathStandard PathStyle = iota
	// PathS3 leaves the path alone but for one uniform encoding.
	PathS3
)

// scratch is the working memory of one verification. It may hold parts of requests, never keys.
type scratch struct {
	text       []byte
	encoded    []byte
	parameters []parameter
	mac        []byte
}

// maxPooled keeps one huge request from pinning its buffers.
const maxPooled = 64 << 10

var scratchPool = sync.Pool{New: func() any { return new(scratch) }}

func (w *scratch) release() {
	if cap(w.text)+cap(w.encoded) <= maxPooled {
		clear(w.mac[:cap(w.mac)])
		scratchPool.Put(w)
	}
}

// appendCanonical appends the canonical request and names the first signed header that was not sent, if any.
func (s *Signature) appendCanonical(w *scratch, dst []byte, payload []byte) (_ []byte, missing string) {
	dst = append(append(dst, s.req.Method...), '\n')
	dst = append(appendPath(dst, s.req.Path, s.options.Path), '\n')
	dst = append(w.appendQuery(dst, s.req.RawQuery, s.Presigned, s.options.TokenAfterSigning), '\n')
	for name := range strings.SplitSeq(s.SignedHeaders, ";") {
		dst = append(append(dst, name...), ':')
		if name == "host" {
			dst = append(appendValue(dst, s.req.Host), '\n')
			continue
		}
		values := s.req.values(name)
		if len(values) == 0 && missing == "" {
			missing = name
		}
		for i, v := range values {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, v)
		}
		dst = append(dst, '\n')
	}
	dst = append(dst, '\n')
	dst = append(append(dst, s.SignedHeaders...), '\n')
	return append(dst, payload...), missing
}

// appendStringToSign appends the string to sign for a canonical request with this hash, in hexadecimal.
func (s *Signature) appendStringToSign(dst []byte, hash []byte) []byte {
	dst = append(append(dst, s.Algorithm...), '\n')
	dst = append(append(dst, s.stamp...), '\n')
	dst = append(append(dst, s.Date...), '/')
	if s.Algorithm == HMAC {
		dst = append(append(dst, s.Region...), '/')
	}
	dst = append(append(dst, s.Service...), '/')
	dst = append(append(dst, s.Terminator...), '\n')
	return append(dst, hash...)
}

// appendValue appends a header value trimmed, with runs of white space inside made one space.
func appendValue(dst []byte, v string) []byte {
	v = strings.Trim(v, " \t\r\n")
	if strings.IndexByte(v, ' ') < 0 && !strings.ContainsAny(v, "\t\r\n") {
		return append(dst, v...)
	}
	space := false
	for i := range len(v) {
		c := v[i]
		if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			if !space {
				dst = append(dst, ' ')
			}
			space = true
			continue
		}
		dst, space = append(dst, c), false
	}
	return dst
}

func appendPath(dst []byte, path string, style PathStyle) []byte {
	if path == "" {
		return append(dst, '/')
	}
	if style == PathS3 {
		return appendRecoded(dst, path, s3Path)
	}
	start := len(dst)
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			for len(dst) > start {
				dst = dst[:len(dst)-1]
				if dst[len(dst):cap(dst)][0] == '/' {
					break
				}
			}
		default:
			dst = appendEncoded(append(dst, '/'), segment)
		}
	}
	// The closing slash is kept only if one was sent, as botocore and aws-c-auth have it.
	if len(dst) == start || path[len(path)-1] == '/' {
		dst = append(dst, '/')
	}
	return dst
}

// component says which part of a URL is being encoded.
type component int

const (
	queryComponent component = iota // a plus is a space
	s3Path                          // a slash stays a slash, and %2F stays %2F
)

// appendRecoded appends s with its escapes decoded and everything but the unreserved characters encoded. A percent sign
// that begins no escape stands for itself; in query strings Parse has refused it.
func appendRecoded(dst []byte, s string, part component) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case unreserved[c], c == '/' && part == s3Path:
			dst = append(dst, c)
			continue
		case c == '+' && part == queryComponent:
			c = ' '
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			c = fromHex(s[i+1])<<4 | fromHex(s[i+2])
			i += 2
			if unreserved[c] {
				dst = append(dst, c)
				continue
			}
		}
		dst = appendEscape(dst, c)
	}
	return dst
}

func appendEncoded(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; unreserved[c] {
			dst = append(dst, c)
		} else {
			dst = appendEscape(dst, c)
		}
	}
	return dst
}

func appendEscape(dst []byte, c byte) []byte {
	const digits = "0123456789ABCDEF"
	return append(dst, '%', digits[c>>4], digits[c&15])
}

// unreserved are the characters of RFC 3986 §2.3.
var unreserved = func() (t [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
		t[c] = true
	}
	return t
}()

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func fromHex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}
