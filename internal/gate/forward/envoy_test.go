package forward

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"                  // named in envoy.yaml
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"                     // named in envoy.yaml
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3" // named in envoy.yaml
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"                          // named in envoy.yaml
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/stint-sts/stint/sigv4"
)

// envoy is a connection to the gate as Envoy has it.
func envoy(t *testing.T, s *scene) authv3.AuthorizationClient {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	s.gate.Register(server)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	c, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return authv3.NewAuthorizationClient(c)
}

// check is Envoy's question about a request; raw headers are those of encode_raw_headers.
func check(r *http.Request, raw bool) *authv3.CheckRequest {
	h := &authv3.AttributeContext_HttpRequest{Method: r.Method, Path: r.URL.RequestURI(), Host: r.URL.Host, Scheme: "https", Headers: map[string]string{}}
	for name, values := range r.Header {
		if raw {
			for _, v := range values {
				if h.HeaderMap == nil {
					h.HeaderMap = &corev3.HeaderMap{}
				}
				h.HeaderMap.Headers = append(h.HeaderMap.Headers, &corev3.HeaderValue{Key: strings.ToLower(name), RawValue: []byte(v)})
			}
			continue
		}
		h.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	if !raw {
		h.Headers[":method"], h.Headers[":path"] = h.Method, h.Path
	}
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source: &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{
			SocketAddress: &corev3.SocketAddress{Address: "192.0.2.7", PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: 1}},
		}}},
		Request: &authv3.AttributeContext_Request{Http: h},
	}}
}

// TestEnvoy holds what Envoy is answered over gRPC.
func TestEnvoy(t *testing.T) {
	t.Parallel()
	s := open(t, "s3", s3Rules)
	client := envoy(t, s)
	for _, raw := range []bool{false, true} {
		out, err := client.Check(t.Context(), check(signed(t, aliceKey, aliceSecret, "GET", "http://s3.example.com/bucket/a/b", "", "s3"), raw))
		if err != nil {
			t.Fatal(err)
		}
		ok := out.GetOkResponse()
		if codes.Code(out.GetStatus().GetCode()) != codes.OK || ok == nil {
			t.Fatalf("raw headers %v: %v\n%s", raw, out, s.log)
		}
		set := make(map[string]string)
		for _, h := range ok.GetHeaders() {
			if h.GetAppendAction() != corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD {
				t.Errorf("%s is appended", h.GetHeader().GetKey())
			}
			set[h.GetHeader().GetKey()] = h.GetHeader().GetValue()
		}
		if set["x-stint-arn"] != "arn:aws:iam::111122223333:user/alice" || set["x-stint-access-key-id"] != aliceKey || len(set) != 4 {
			t.Errorf("the service is told %v", set)
		}
		for _, name := range []string{"authorization", "x-amz-security-token", "x-stint-session-name", "x-stint-source-identity"} {
			if !slices.Contains(ok.GetHeadersToRemove(), name) {
				t.Errorf("%s stays", name)
			}
		}
		if len(ok.GetQueryParametersToRemove()) > 0 {
			t.Error("parameters of a request that is not presigned are taken away")
		}
	}
}

// TestEnvoyPresigned holds that what signed a URL does not reach the service.
func TestEnvoyPresigned(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequest("GET", "http://s3.example.com/bucket/a/b?response-content-type=text%2Fplain", nil)
	if err != nil {
		t.Fatal(err)
	}
	signer := sigv4.Signer{Credentials: sigv4.NewCredentials(aliceKey, aliceSecret, ""), Region: "us-east-1", Service: "s3", Path: sigv4.PathS3, UnsignedPayload: true}
	if err := signer.Presign(r, nil, now(), time.Minute); err != nil {
		t.Fatal(err)
	}
	s := open(t, "s3", s3Rules)
	out, err := envoy(t, s).Check(t.Context(), check(r, true))
	if err != nil || out.GetOkResponse() == nil {
		t.Fatalf("%v, %v\n%s", out, err, s.log)
	}
	for name := range r.URL.Query() {
		if removed := slices.Contains(out.GetOkResponse().GetQueryParametersToRemove(), name); removed != strings.HasPrefix(name, "X-Amz-") {
			t.Errorf("%s: removed %v", name, removed)
		}
	}
}

// TestEnvoyIsRefused holds what Envoy is told of requests that may not pass.
func TestEnvoyIsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		ask    func(t *testing.T) *authv3.CheckRequest
		reason string
	}{
		{"another caller", func(t *testing.T) *authv3.CheckRequest {
			return check(signed(t, bobKey, bobSecret, "GET", "http://s3.example.com/bucket/a/b", "", "s3"), true)
		}, "action=s3:GetObject"},
		{"identity of its own", func(t *testing.T) *authv3.CheckRequest {
			r := signed(t, aliceKey, aliceSecret, "GET", "http://s3.example.com/bucket/a/b", "", "s3")
			r.Header["x_stint_arn"] = []string{"x"}
			return check(r, true)
		}, "the client sent the header"},
		{"two lengths", func(t *testing.T) *authv3.CheckRequest {
			r := signed(t, aliceKey, aliceSecret, "GET", "http://s3.example.com/bucket/a/b", "", "s3")
			r.Header["Content-Length"] = []string{"1", "2"}
			return check(r, true)
		}, "comes 2 times"},
		{"nothing", func(*testing.T) *authv3.CheckRequest { return &authv3.CheckRequest{} }, "no HTTP request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, "s3", s3Rules)
			out, err := envoy(t, s).Check(t.Context(), tt.ask(t))
			if err != nil {
				t.Fatal(err)
			}
			denied := out.GetDeniedResponse()
			if codes.Code(out.GetStatus().GetCode()) != codes.PermissionDenied || denied.GetStatus().GetCode() != 403 || !strings.Contains(denied.GetBody(), "<Code>AccessDenied</Code>") {
				t.Errorf("%v", out)
			}
			if !strings.Contains(s.log.String(), tt.reason) {
				t.Errorf("the log lacks %q:\n%s", tt.reason, s.log)
			}
		})
	}
}

// TestEnvoyFromElsewhere holds that only trusted proxies are answered.
func TestEnvoyFromElsewhere(t *testing.T) {
	t.Parallel()
	s := open(t, "s3", s3Rules)
	s.gate.proxies = nil
	out, err := envoy(t, s).Check(t.Context(), check(signed(t, aliceKey, aliceSecret, "GET", "http://s3.example.com/bucket/a/b", "", "s3"), true))
	if err != nil || out.GetDeniedResponse().GetStatus().GetCode() != 403 {
		t.Errorf("%v, %v", out, err)
	}
	if out, err := (&Envoy{gate: s.gate}).Check(context.Background(), check(signed(t, aliceKey, aliceSecret, "GET", "http://s3.example.com/bucket/a/b", "", "s3"), true)); err != nil || out.GetDeniedResponse() == nil {
		t.Errorf("without a peer: %v, %v", out, err)
	}
}

// TestEnvoyFile holds docs/relying/envoy.yaml against Envoy's own definitions.
func TestEnvoyFile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/relying/envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(tree); err != nil {
		t.Fatal(err)
	}
	var b bootstrapv3.Bootstrap
	if err := protojson.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	if err := b.ValidateAll(); err != nil {
		t.Error(err)
	}
}
