package forward

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
)

// Envoy answers ext_authz over gRPC.
type Envoy struct {
	authv3.UnimplementedAuthorizationServer
	gate *Gate
}

// Register adds the service to a gRPC server.
func (g *Gate) Register(s *grpc.Server) {
	authv3.RegisterAuthorizationServer(s, &Envoy{gate: g})
}

// credentials are what a request is signed with, and what the service behind the proxy has no use for.
var (
	credentialHeaders    = []string{"authorization", "x-amz-security-token"}
	credentialParameters = []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token"}
)

// Check implements authv3.AuthorizationServer.
func (e *Envoy) Check(ctx context.Context, in *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	p, ok := peer.FromContext(ctx)
	if !ok || !e.gate.trusts(p.Addr.String()) {
		v := e.gate.refused(ctx, nil, errors.New("asked from what is no trusted proxy"))
		return v.envoy(nil), nil
	}
	a, err := fromEnvoy(in)
	v := e.gate.decide(ctx, a, err)
	return v.envoy(a), nil
}

// fromEnvoy takes the request that Envoy received.
func fromEnvoy(in *authv3.CheckRequest) (*asked, error) {
	attributes := in.GetAttributes()
	h := attributes.GetRequest().GetHttp()
	if h == nil {
		return nil, errors.New("asked about no HTTP request")
	}
	headers := make(http.Header)
	for name, value := range h.GetHeaders() {
		add(headers, name, value)
	}
	for _, pair := range h.GetHeaderMap().GetHeaders() { // encode_raw_headers
		value := pair.GetValue()
		if raw := pair.GetRawValue(); len(raw) > 0 {
			value = string(raw)
		}
		add(headers, pair.GetKey(), value)
	}
	length, err := once(headers, "Content-Length")
	if err != nil {
		return nil, err
	}
	headers.Del("Content-Length")
	headers.Del("Transfer-Encoding")
	a, err := newAsked(h.GetMethod(), h.GetPath(), h.GetHost(), headers, length)
	if err != nil {
		return nil, err
	}
	a.secure = h.GetScheme() == "https"
	if text := attributes.GetSource().GetAddress().GetSocketAddress().GetAddress(); text != "" {
		address, err := netip.ParseAddr(text)
		if err != nil {
			return nil, errors.New("a client whose address is none")
		}
		a.source = address.Unmap().WithZone("")
	}
	return a, nil
}

// add adds a header. Pseudo-headers are told apart from the rest.
func add(h http.Header, name, value string) {
	if !strings.HasPrefix(name, ":") {
		h.Add(name, value)
	}
}

// envoy is the verdict in Envoy's terms. a is nil if the request was not understood.
func (v *verdict) envoy(a *asked) *authv3.CheckResponse {
	if !v.allowed {
		body, kind := v.body()
		return &authv3.CheckResponse{
			Status: &status.Status{Code: int32(codes.PermissionDenied), Message: v.code},
			HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: &authv3.DeniedHttpResponse{
				Status:  &typev3.HttpStatus{Code: typev3.StatusCode(v.status)},
				Headers: []*corev3.HeaderValueOption{set("content-type", kind), set("cache-control", "no-store")},
				Body:    string(body),
			}},
		}
	}
	ok := &authv3.OkHttpResponse{HeadersToRemove: append([]string(nil), credentialHeaders...)}
	for _, pair := range identityHeaders(&v.caller) {
		name := strings.ToLower(pair[0])
		if pair[1] == "" { // Envoy leaves empty headers out
			ok.HeadersToRemove = append(ok.HeadersToRemove, name)
			continue
		}
		ok.Headers = append(ok.Headers, set(name, pair[1]))
	}
	if a.request.URL.Query().Has("X-Amz-Signature") {
		ok.QueryParametersToRemove = append([]string(nil), credentialParameters...)
	}
	return &authv3.CheckResponse{
		Status:       &status.Status{Code: int32(codes.OK)},
		HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: ok},
	}
}

func set(name, value string) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{
		Header:       &corev3.HeaderValue{Key: name, Value: value},
		AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
	}
}
