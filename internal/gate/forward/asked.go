package forward

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/stint-sts/stint/internal/config"
)

// asked is the request that a proxy received and asks about.
type asked struct {
	request *http.Request // without its body
	host    string        // in lower case, without port
	path    string        // as it stood in the request line
	source  netip.Addr    // invalid if it is not known
	secure  bool
}

// identityPrefix begins the headers that tell the service who calls. What comes with one, in whatever spelling, was not written by a
// client of good faith, and proxies differ in what they strip: Caddy before 2.11.2 kept what the answer does not have
// (GHSA-7r4p-vjf4-gxv4), and an underscore passes most strip lists (advisory 15).
const identityPrefix = "x-stint-"

// overrides are headers that make some services take a request for one of another method or path.
var overrides = []string{"x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url"}

// newAsked makes the request of its parts, which came from a trusted proxy. headers are the client's; they are kept.
func newAsked(method, target, host string, headers http.Header, contentLength string) (*asked, error) {
	if method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
		return nil, fmt.Errorf("the method %.32q", method)
	}
	// advisory 21: with an absolute target there are two hosts.
	if !strings.HasPrefix(target, "/") || strings.ContainsAny(target, "#\\\x7f") || strings.ContainsFunc(target, func(c rune) bool { return c <= ' ' }) {
		return nil, fmt.Errorf("the target %.64q", target)
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, fmt.Errorf("the target %.64q", target)
	}
	a := &asked{}
	if a.host, err = hostname(host); err != nil {
		return nil, err
	}
	for name, values := range headers {
		dashed := strings.ReplaceAll(strings.ToLower(name), "_", "-")
		switch {
		case strings.HasPrefix(dashed, identityPrefix):
			return nil, fmt.Errorf("the client sent the header %q itself", name)
		case slices.Contains(overrides, dashed):
			return nil, fmt.Errorf("the header %q", name)
		case len(values) > 1 && strings.EqualFold(name, "Authorization"):
			return nil, errors.New("two Authorization headers")
		}
	}
	length := int64(-1)
	if contentLength != "" {
		n, err := strconv.ParseUint(contentLength, 10, 63)
		if err != nil {
			return nil, errors.New("a content length that is not a number")
		}
		length = int64(n)
	}
	a.path, _, _ = strings.Cut(target, "?")
	a.request = &http.Request{
		Method: method, URL: u, RequestURI: target, Host: host, Header: headers, ContentLength: length, Body: http.NoBody,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	return a, nil
}

// once takes a header that must come once at most.
func once(h http.Header, name string) (string, error) {
	switch v := h.Values(name); len(v) {
	case 0:
		return "", nil
	case 1:
		return v[0], nil
	default:
		return "", fmt.Errorf("the header %s comes %d times", name, len(v))
	}
}

// sourceOf takes host and address of a client from where proxies write them. The last address of a list is the one that the proxy saw itself.
func (a *asked) sourceOf(h http.Header, names *config.Original) error {
	proto, err := once(h, names.Proto)
	if err != nil {
		return err
	}
	a.secure = proto == "https"
	lines := h.Values(names.Address)
	if len(lines) == 0 {
		return nil
	}
	list := lines[len(lines)-1]
	last := strings.TrimSpace(list[strings.LastIndexByte(list, ',')+1:])
	address, err := netip.ParseAddr(last)
	if err != nil || address.Zone() != "" {
		return fmt.Errorf("the client's address %.64q", last)
	}
	a.source = address.Unmap() // advisory 51
	return nil
}
