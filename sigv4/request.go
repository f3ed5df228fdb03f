package sigv4

import (
	"net/http"
	"strconv"
	"strings"
)

// Request is what a signature covers of an HTTP request, as it was sent.
type Request struct {
	Method        string
	Path          string // as on the request line, not decoded; no query
	RawQuery      string // as on the request line, without the question mark
	Host          string // Host header or :authority
	Header        http.Header
	ContentLength int64 // bytes, -1 if unknown; stands in for a Content-Length header that Header does not have

	transferEncoding []string
}

// FromHTTP is the view of r, of a server (which has RequestURI) or of a client. It shares r's header map. Of the headers
// that net/http takes out of the map, Host, Content-Length and Transfer-Encoding are put back; Trailer cannot be, so a
// request that signs it fails.
func FromHTTP(r *http.Request) Request {
	target := r.RequestURI
	if target == "" {
		target = r.URL.RequestURI()
	}
	if !strings.HasPrefix(target, "/") {
		target = originForm(target)
	}
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	path, query, _ := strings.Cut(target, "?")
	return Request{
		Method: r.Method, Path: path, RawQuery: query, Host: host, Header: r.Header,
		ContentLength: r.ContentLength, transferEncoding: r.TransferEncoding,
	}
}

// originForm drops scheme and authority from an absolute request target.
func originForm(target string) string {
	_, rest, ok := strings.Cut(target, "://")
	if !ok {
		return target
	}
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		return rest[i:]
	}
	return "/"
}

// values returns the values of the header with this lower-case name; none means that it was not sent.
func (r *Request) values(name string) []string {
	key := append(make([]byte, 0, 64), name...)
	upper := true
	for i, c := range key {
		if upper && 'a' <= c && c <= 'z' {
			key[i] = c - ('a' - 'A')
		}
		upper = c == '-'
	}
	if v := r.Header[string(key)]; len(v) > 0 {
		return v
	}
	switch name {
	case "content-length":
		if r.ContentLength >= 0 {
			return []string{strconv.FormatInt(r.ContentLength, 10)}
		}
	case "transfer-encoding":
		return r.transferEncoding
	}
	return nil
}

// joined is the header's value as the canonical request has it: a repeated header counts as one with commas, so that no
// two readers can pick different ones.
func (r *Request) joined(name string) string {
	v := r.values(name)
	if len(v) == 1 {
		return strings.Trim(v[0], " \t")
	}
	return strings.Join(v, ",")
}

// amzHeader reports whether name begins with X-Amz- in any case. X_Amz_… does not (advisory 15: an
// underscore is another header).
func amzHeader(name string) bool {
	return len(name) > 6 && strings.EqualFold(name[:6], "x-amz-")
}
