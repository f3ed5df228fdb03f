package login

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Endpoint is the URL of a server: scheme and host, without a slash at the end.
type Endpoint string

// ParseEndpoint takes https, and plain http on loopback alone: what comes back is credentials.
func ParseEndpoint(text string) (Endpoint, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", fmt.Errorf("%q is not a URL of scheme, host and port", text)
	}
	switch {
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return Endpoint(u.Scheme + "://" + strings.ToLower(u.Host)), nil
	case u.Scheme == "http":
		return "", fmt.Errorf("%q is in the clear and not loopback: use https", text)
	default:
		return "", fmt.Errorf("%q is neither http nor https", text)
	}
}

func loopback(host string) bool {
	if host == "localhost" { // RFC 6761, 6.3
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
