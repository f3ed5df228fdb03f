// Package forward answers proxies that ask whether a request may pass: `stint gate`.
//
// The flow is one direction:
//
//	what a proxy asked → asked (the request that it received) → Gate.decide → verdict → what that proxy understands
//
// nginx (auth_request), Traefik and Caddy (forward_auth) ask over HTTP and tell of the original request in headers (forwarded.go); Envoy's
// ext_authz asks over HTTP with the original method and path (forwarded.go) or over gRPC (envoy.go). A rule (rules.go) says which permissions a
// request needs; package relying authenticates and authorizes. A request that no rule fits, that could be read in two ways, or
// that brings an identity header of its own is refused.
//
// The body does not come along. The signature covers the hash that x-amz-content-sha256 has, and nobody but the service behind the proxy can
// hold the body against it.
package forward
