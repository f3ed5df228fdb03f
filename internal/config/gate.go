package config

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
)

// Gate is the configuration file of `stint gate`, which answers proxies that ask whether a request may pass. A key that is left out
// has the value of [DefaultGate]. Relative paths begin at the folder of the file. docs/relying/gate.yaml is one to start from.
type Gate struct {
	// Listen is the address of the HTTP endpoints, host:port: /auth for nginx, Traefik and Caddy, /envoy for Envoy's ext_authz over
	// HTTP. The default is 127.0.0.1:8330. Anything but loopback needs TLS, or Plaintext.
	Listen string `yaml:"listen"`
	// GRPC is the address of Envoy's ext_authz over gRPC, under the same terms. The default, empty, is none.
	GRPC string `yaml:"grpc"`
	// Health is the address of /healthz, always plain HTTP. It answers 200 while the gate runs. The default, empty, is none.
	Health string `yaml:"health"`
	// TLS is the certificate of Listen and GRPC. Without it they are in the clear.
	TLS TLS `yaml:"tls"`
	// Plaintext allows addresses that are not loopback without TLS: whoever is on the way then reads session tokens. Off by default.
	Plaintext bool `yaml:"plaintext"`
	// TrustedProxies are the addresses or ranges from which proxies ask. Anybody else is refused, since a proxy's word on what was
	// asked is taken. The default is loopback.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// Original says in which headers a proxy tells of the request that it received. Envoy does not need them.
	Original Original `yaml:"original"`
	// Stint is the server that issued the callers' credentials.
	Stint GateStint `yaml:"stint"`
	// Rules say what a request needs permission for. The first that fits decides; a request that none fits is refused. There must
	// be one at least.
	Rules []GateRule `yaml:"rules"`
	// Log is the log on standard error.
	Log Log `yaml:"log"`
}

// Original names the headers that tell of the request that a proxy received. Each must come once.
type Original struct {
	// Method and URI are needed. URI is the path with its query, as it stood in the request line. The defaults are
	// X-Forwarded-Method and X-Forwarded-Uri, which Traefik and Caddy send.
	Method string `yaml:"method"`
	URI    string `yaml:"uri"`
	// Host is the Host header. The default is X-Forwarded-Host.
	Host string `yaml:"host"`
	// Proto is http or https, for aws:SecureTransport. The default is X-Forwarded-Proto.
	Proto string `yaml:"proto"`
	// Address has the client's address, for aws:SourceIp: the last one of a list, which is the one that the proxy saw itself. The
	// default is X-Forwarded-For.
	Address string `yaml:"address"`
	// ContentLength is the Content-Length, which proxies drop with the body although some clients sign it. The default is
	// X-Original-Content-Length.
	ContentLength string `yaml:"content_length"`
}

// GateStint is the server that issued the callers' credentials, and what the gate asks it for.
type GateStint struct {
	// Endpoint is its URL. It must be https unless it is on loopback.
	Endpoint string `yaml:"endpoint"`
	// CA is a PEM file of the authorities that its certificate is from. The default is the system's.
	CA string `yaml:"ca"`
	// Region and Service are the scope of the signatures that callers make. The region is the gate's own as well. The default region is
	// us-east-1; there is no default service.
	Region  string `yaml:"region"`
	Service string `yaml:"service"`
	// Credentials is a file of KEY=VALUE lines with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, closed to other
	// users, and read anew when it changes. The default, empty, is the environment.
	Credentials string `yaml:"credentials"`
	// MaxAge is how many seconds, 1 to 3600, keys and policies are kept while the stream of changes is down. The default is 60.
	MaxAge int `yaml:"max_age"`
	// StaticStability is how many seconds, 0 to 86400, they are kept while the server cannot be reached. The default is 0.
	StaticStability int `yaml:"static_stability"`
}

// GateRule maps requests to what they need permission for. Either it has Path, Action and Resource, or Mapper.
type GateRule struct {
	// Methods are those that it fits, such as GET. There must be one at least; Mapper takes them all.
	Methods []string `yaml:"methods"`
	// Hosts are the names, without port, that it fits: labels as they are, or {name} for one label. The default, none, is any. With
	// Mapper they follow from S3.Domains.
	Hosts []string `yaml:"hosts"`
	// Path is a template: segments as they are, {name} for one segment, and {name...} at the end for all that is left, one segment
	// at least.
	Path string `yaml:"path"`
	// Action is what is done, such as reports:GetReport.
	Action string `yaml:"action"`
	// Resource is the ARN of what it is done to, with {name} of Path or Hosts.
	Resource string `yaml:"resource"`
	// Context are condition keys of the request by name, such as reports:format. Keys of aws: cannot be given.
	Context map[string]GateValue `yaml:"context"`
	// Mapper is s3: every operation of S3's API with its own permissions.
	Mapper string `yaml:"mapper"`
	// S3 is about mapper s3.
	S3 GateS3 `yaml:"s3"`
	// UnsignedPayload lets requests pass other than GET and HEAD although their signature does not cover the body: UNSIGNED-PAYLOAD and
	// the STREAMING-… forms, which the gate cannot check without the body. Off by default.
	UnsignedPayload bool `yaml:"unsigned_payload"`
}

// GateValue is where the value of a condition key is: in one of these.
type GateValue struct {
	Header string `yaml:"header"`
	Query  string `yaml:"query"`
	// Path is a name of the templates.
	Path string `yaml:"path"`
}

// GateS3 is about the S3 service behind the proxy.
type GateS3 struct {
	// Domains are its host names, for virtual-host style. Without any, every host is path style.
	Domains []string `yaml:"domains"`
	// Account is the twelve digits of the account that owns the buckets (s3:ResourceAccount, CreateSession).
	Account string `yaml:"account"`
	// ExactKeys says that the service takes keys for bytes, never for paths: dot segments and encoded slashes pass. The proxy must
	// not clean paths either. Off by default.
	ExactKeys bool `yaml:"exact_keys"`
	// NoTags says that objects have no tags, so that copies need no permission for them. Off by default.
	NoTags bool `yaml:"no_tags"`
}

// DefaultGate returns the configuration of an empty file, which lacks endpoint, service and rules.
func DefaultGate() Gate {
	return Gate{
		Listen:         "127.0.0.1:8330",
		TrustedProxies: []string{"127.0.0.0/8", "::1"},
		Original: Original{
			Method: "X-Forwarded-Method", URI: "X-Forwarded-Uri", Host: "X-Forwarded-Host", Proto: "X-Forwarded-Proto",
			Address: "X-Forwarded-For", ContentLength: "X-Original-Content-Length",
		},
		Stint: GateStint{Region: "us-east-1", MaxAge: 60},
		Log:   Log{Format: "text", Level: "info"},
	}
}

// LoadGate reads, checks and completes the configuration file of `stint gate`. What the rules say is checked when they are compiled.
func LoadGate(path string) (*Gate, error) {
	text, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	g, err := ParseGate(text)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration %s: %w", path, err)
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	for _, p := range []*string{&g.TLS.Cert, &g.TLS.Key, &g.Stint.CA, &g.Stint.Credentials} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(folder, *p)
		}
	}
	return g, nil
}

// ParseGate reads and checks the text of a configuration file of `stint gate`.
func ParseGate(text []byte) (*Gate, error) {
	g := DefaultGate()
	if err := decode(text, &g, "the file is empty"); err != nil {
		return nil, err
	}
	if err := g.check(); err != nil {
		return nil, err
	}
	return &g, nil
}

// check returns all that is wrong.
func (g *Gate) check() error {
	_, err := g.Proxies()
	return errors.Join(
		g.checkListeners(),
		err,
		g.Original.check(),
		g.Stint.check(),
		g.checkRules(),
		g.Log.Check(),
	)
}

func (g *Gate) checkListeners() error {
	if (g.TLS.Cert == "") != (g.TLS.Key == "") {
		return errors.New("tls: cert and key belong together")
	}
	if g.TLS.Cert != "" && g.Plaintext {
		return errors.New("plaintext: cannot be together with tls")
	}
	for key, address := range map[string]string{"listen": g.Listen, "grpc": g.GRPC, "health": g.Health} {
		if address == "" && key != "listen" {
			continue
		}
		if err := CheckAddress(address); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if key != "health" && g.TLS.Cert == "" && !g.Plaintext && !Loopback(address) {
			return fmt.Errorf("%s: %s is not loopback: give tls.cert and tls.key, or say plaintext: true", key, address)
		}
	}
	return nil
}

// Proxies returns the ranges of TrustedProxies.
func (g *Gate) Proxies() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range g.TrustedProxies {
		if a, err := netip.ParseAddr(text); err == nil {
			text = netip.PrefixFrom(a, a.BitLen()).String()
		}
		p, err := netip.ParsePrefix(text)
		if err != nil || p != p.Masked() || p.Addr().Is4In6() {
			return nil, fmt.Errorf("trusted_proxies: %q is neither an address nor a range", text)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, errors.New("trusted_proxies: at least one is needed")
	}
	return all, nil
}

func (o *Original) check() error {
	names := []string{o.Method, o.URI, o.Host, o.Proto, o.Address, o.ContentLength}
	for i, n := range names {
		if !headerName(n) || slices.Contains(names[:i], n) {
			return fmt.Errorf("original: %q is not the name of a header of its own", n)
		}
	}
	return nil
}

// headerName holds for names of headers without underscores, which proxies drop or confuse.
func headerName(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func (s *GateStint) check() error {
	if err := checkEndpoint(s.Endpoint); err != nil {
		return fmt.Errorf("stint.endpoint: %w", err)
	}
	if err := CheckRegion(s.Region); err != nil {
		return fmt.Errorf("stint.region: %w", err)
	}
	if !lowerName(s.Service) {
		return fmt.Errorf("stint.service: %q is not the name of a service", s.Service)
	}
	if s.MaxAge < 1 || s.MaxAge > 3600 {
		return errors.New("stint.max_age: want 1 to 3600 seconds")
	}
	if s.StaticStability < 0 || s.StaticStability > 86400 {
		return errors.New("stint.static_stability: want 0 to 86400 seconds")
	}
	return nil
}

func (g *Gate) checkRules() error {
	if len(g.Rules) == 0 {
		return errors.New("rules: at least one is needed")
	}
	return nil
}
