package forward

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"github.com/stint-sts/stint/internal/config"
)

// The endpoints.
const (
	AuthPath  = "/auth"
	EnvoyPath = "/envoy"
)

// handler answers over HTTP.
type handler struct {
	gate     *Gate
	original config.Original
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.gate.trusts(r.RemoteAddr) {
		h.gate.refused(r.Context(), nil, errors.New("asked from "+r.RemoteAddr+", which is no trusted proxy"))
		http.Error(w, "not a trusted proxy", http.StatusForbidden)
		return
	}
	var a *asked
	var err error
	switch path, _, _ := strings.Cut(r.RequestURI, "?"); {
	case path == AuthPath:
		a, err = h.forwarded(r)
	case path == EnvoyPath || strings.HasPrefix(path, EnvoyPath+"/"):
		a, err = h.prefixed(r)
	default:
		http.NotFound(w, r)
		return
	}
	v := h.gate.decide(r.Context(), a, err)
	v.write(w, r.Method == http.MethodHead)
}

// forwarded takes the request from headers, as nginx, Traefik and Caddy tell of it.
func (h *handler) forwarded(r *http.Request) (*asked, error) {
	names := &h.original
	values := make(map[string]string)
	for _, n := range []string{names.Method, names.URI, names.Host, names.ContentLength} {
		v, err := once(r.Header, n)
		if err != nil {
			return nil, err
		}
		values[n] = v
	}
	a, err := newAsked(values[names.Method], values[names.URI], values[names.Host], h.clients(r.Header), values[names.ContentLength])
	if err != nil {
		return nil, err
	}
	return a, a.sourceOf(r.Header, names)
}

// prefixed takes the request as it is, with a prefix before its path: ext_authz over HTTP keeps method, host and path.
func (h *handler) prefixed(r *http.Request) (*asked, error) {
	headers := h.clients(r.Header)
	length, err := once(r.Header, h.original.ContentLength)
	if err != nil {
		return nil, err
	}
	a, err := newAsked(r.Method, strings.TrimPrefix(r.RequestURI, EnvoyPath), r.Host, headers, length)
	if err != nil {
		return nil, err
	}
	return a, a.sourceOf(r.Header, &h.original)
}

// clients are the headers that the client sent: all but those of the connection from the proxy, which speak of the question.
// Headers of the original request that proxies write stay: a client that signed one fails, as it should.
func (h *handler) clients(from http.Header) http.Header {
	headers := from.Clone()
	for _, name := range []string{h.original.Method, h.original.URI, h.original.ContentLength, "Content-Length", "Transfer-Encoding", "Connection"} {
		headers.Del(name)
	}
	return headers
}

// trusts reports whether the peer of a socket is a trusted proxy.
func (g *Gate) trusts(remote string) bool {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	address := peer.Addr().Unmap().WithZone("")
	for _, p := range g.proxies {
		if p.Contains(address) {
			return true
		}
	}
	return false
}
