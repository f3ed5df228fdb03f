package oidc

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/federation/oidc/oidctest"
	"github.com/stint-sts/stint/internal/identity"
)

// fetching is a stage whose provider's keys are fetched from an issuer on loopback.
type fetching struct {
	*stage
	issuer *oidctest.Issuer
	key    *oidctest.Key
	clock  time.Time
}

func newFetching(t *testing.T, path string, change func(*Options)) *fetching {
	t.Helper()
	f := &fetching{stage: newStage(t), key: oidctest.NewKey(t, "k1", "ES256"), clock: now}
	f.issuer = oidctest.NewIssuer(t, path, f.key)
	o := options()
	o.Now = func() time.Time { return f.clock }
	o.Authorities = map[string]*x509.CertPool{f.issuer.URL: f.issuer.Authorities()}
	if change != nil {
		change(&o)
	}
	f.verifier = New(o)
	f.provide(dt.A, f.issuer.URL, nil)
	return f
}

func (f *fetching) token(k *oidctest.Key) string {
	return k.Token(claimed(map[string]any{"iss": f.issuer.URL}))
}

// fetch fetches once, without a cache.
func (f *fetching) fetch(patience time.Duration) error {
	fetcher := newFetcher(addresses{any: true}, f.verifier.options.Authorities)
	if patience > 0 {
		fetcher.patience = patience
	}
	_, err := fetcher.keySet(f.t.Context(), source{id: "p", issuer: f.issuer.URL})
	return err
}

func TestIssuersWithPaths(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/", "/a", "/a/", "/a/b-c/d"} {
		f := newFetching(t, path, nil)
		a, err := f.verify(f.token(f.key))
		if err != nil {
			t.Errorf("%q: %v", path, err)
			continue
		}
		if a.Issuer != f.issuer.URL || a.Provider != "arn:aws:iam::111122223333:oidc-provider/"+strings.TrimPrefix(f.issuer.URL, "https://") {
			t.Errorf("%q: issuer %s, provider %s", path, a.Issuer, a.Provider)
		}
	}
}

// TestHostileIssuers: whatever an issuer answers, it costs bounded bytes and time, and the caller learns the one sentence of AWS
// (advisories 75 to 77, 80).
func TestHostileIssuers(t *testing.T) {
	t.Parallel()
	endless := func(w http.ResponseWriter, _ *http.Request) {
		block := bytes.Repeat([]byte(" "), 64<<10)
		for { // ends when the client has hung up
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
	answer := func(status int, header, value, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if header != "" {
				w.Header().Set(header, value)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	compressed := new(bytes.Buffer)
	z := gzip.NewWriter(compressed)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 100<<20>>4))
	_ = z.Close()
	for name, handler := range map[string]http.HandlerFunc{
		"endless":             endless,
		"too large by one":    answer(200, "", "", strings.Repeat(" ", maxBody+1)),
		"redirect to another": answer(302, "Location", "https://203.0.113.1/", ""),
		"redirect to itself": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/other", http.StatusMovedPermanently)
		},
		"redirect to a metadata URL": answer(307, "Location", "http://169.254.169.254/latest/meta-data/", ""),
		"error":                      answer(500, "", "", "{}"),
		"not found":                  answer(404, "", "", "{}"),
		"no content":                 answer(204, "", "", ""),
		"partial content":            answer(206, "", "", "{}"),
		"huge header":                answer(200, "X-Huge", strings.Repeat("a", 64<<10), "{}"),
		"many headers": func(w http.ResponseWriter, _ *http.Request) {
			for i := range 5000 {
				w.Header().Set(fmt.Sprintf("X-%d", i), "a")
			}
		},
		"hangs up": func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = c.Close()
			}
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "{")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFetching(t, "", nil)
			f.issuer.Handle(handler)
			_, err := f.verify(f.token(f.key))
			wantRefused(t, err, identity.InvalidIdentityToken, noKey, "the discovery document cannot be fetched")
		})
	}
	for _, handler := range map[string]http.HandlerFunc{
		"HTML":                       answer(200, "Content-Type", "text/html", "<html>"),
		"gzip that nobody asked for": answer(200, "Content-Encoding", "gzip", compressed.String()), // never inflated
	} {
		f := newFetching(t, "", nil)
		f.issuer.Handle(handler)
		_, err := f.verify(f.token(f.key))
		wantRefused(t, err, identity.InvalidIdentityToken, noKey, "the discovery document is not the issuer's")
	}
}

// TestSlowIssuers: the time of a fetch is bounded as a whole, however slowly bytes arrive.
func TestSlowIssuers(t *testing.T) {
	t.Parallel()
	f := newFetching(t, "", nil)
	if err := f.fetch(0); err != nil {
		t.Fatalf("control: %v", err)
	}
	for name, handler := range map[string]http.HandlerFunc{
		"silent": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"a byte at a time": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(10 * time.Millisecond):
				case <-r.Context().Done():
				}
			}
		},
	} {
		f.issuer.Handle(handler)
		if err := f.fetch(200 * time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// One that accepts connections and never speaks TLS.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	fetcher := newFetcher(addresses{any: true}, nil)
	fetcher.patience = 200 * time.Millisecond
	_, err = fetcher.keySet(t.Context(), source{id: "p", issuer: "https://" + l.Addr().String()})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no TLS: %v", err)
	}
}

// TestDiscovery: the document must be the issuer's own (advisory 80), and its key set behind TLS.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	f := newFetching(t, "/a", nil)
	host := "https://" + f.issuer.Address()
	document := func(issuer, keys any) string {
		return oidctest.JSON(map[string]any{"issuer": issuer, "jwks_uri": keys})
	}
	good := document(f.issuer.URL, host+"/keys")
	const discovery = "/a/.well-known/openid-configuration"
	f.issuer.Serve(discovery, good)
	if err := f.fetch(0); err != nil {
		t.Fatalf("control: %v", err)
	}
	const foreign, unreachable = "the discovery document is not the issuer's", "the key set cannot be fetched"
	for name, row := range map[string]struct{ document, reason string }{
		"another issuer":       {document(host+"/b", host+"/keys"), foreign},
		"slash at the end":     {document(f.issuer.URL+"/", host+"/keys"), foreign},
		"without scheme":       {document(strings.TrimPrefix(f.issuer.URL, "https://"), host+"/keys"), foreign},
		"issuer in upper case": {document(strings.ToUpper(f.issuer.URL), host+"/keys"), foreign},
		"no issuer":            {oidctest.JSON(map[string]any{"jwks_uri": host + "/keys"}), foreign},
		"issuer a list":        {document([]string{f.issuer.URL}, host+"/keys"), foreign},
		"no jwks_uri":          {oidctest.JSON(map[string]any{"issuer": f.issuer.URL}), foreign},
		"jwks_uri a number":    {document(f.issuer.URL, 1), foreign},
		"issuer twice":         {strings.Replace(good, "{", `{"issuer":"x",`, 1), foreign},
		"text after":           {good + "x", foreign},
		"http":                 {document(f.issuer.URL, "http://"+f.issuer.Address()+"/keys"), unreachable},
		"file":                 {document(f.issuer.URL, "file:///etc/passwd"), unreachable},
		"relative":             {document(f.issuer.URL, "/keys"), unreachable},
		"userinfo":             {document(f.issuer.URL, "https://user:password@"+f.issuer.Address()+"/keys"), unreachable},
		"fragment":             {document(f.issuer.URL, host+"/keys#a"), unreachable},
		"no host":              {document(f.issuer.URL, "https:///keys"), unreachable},
		"no URL":               {document(f.issuer.URL, "https://[::1"), unreachable},
		"not there":            {document(f.issuer.URL, host+"/other"), unreachable},
		"no keys":              {document(f.issuer.URL, host+discovery), "the key set holds no usable keys"},
	} {
		f.issuer.Serve(discovery, row.document)
		if err := f.fetch(0); err == nil || err.Error() != row.reason {
			t.Errorf("%s: got %v, want %s", name, err, row.reason)
		}
	}
}

// TestAddresses: advisories 50, 51, 75: by class and by every way to write an address of the class.
func TestAddresses(t *testing.T) {
	t.Parallel()
	public := &addresses{}
	for _, ip := range []string{"8.8.8.8", "192.0.3.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8"} {
		if !public.allows(netip.MustParseAddr(ip)) {
			t.Errorf("%s is public", ip)
		}
	}
	listed := &addresses{allowed: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}}
	for _, ip := range []string{
		"127.0.0.1", "127.255.255.254", "::1", "0.0.0.0", "::", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
		"fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "100.64.0.1", "100.127.255.255", "192.0.0.8", "198.18.0.1", "198.19.255.255", "224.0.0.1", "239.1.1.1",
		"ff02::1", "240.0.0.1", "255.255.255.255", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
		"64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001::1", "2001:db8::1", "100::1", "fec0::1", "192.88.99.1",
	} {
		addr := netip.MustParseAddr(ip)
		if public.allows(addr) && ip != "2001:db8::1" { // documentation addresses lead nowhere
			t.Errorf("%s may be reached", ip)
		}
		if err := public.control("tcp", netip.AddrPortFrom(addr, 443).String(), nil); public.allows(addr) != (err == nil) {
			t.Errorf("%s: %v", ip, err)
		}
		if (&addresses{any: true}).control("tcp", netip.AddrPortFrom(addr, 443).String(), nil) != nil {
			t.Errorf("%s may not be reached though all may", ip)
		}
	}
	for ip, want := range map[string]bool{"10.1.2.3": true, "::ffff:10.1.2.3": true, "10.2.0.1": false, "fd00:1::5": true, "fd00:2::5": false, "127.0.0.1": false} {
		if listed.allows(netip.MustParseAddr(ip)) != want {
			t.Errorf("%s, listed: %t", ip, want)
		}
	}
	if public.control("tcp", "localhost:443", nil) == nil || public.control("tcp", "", nil) == nil {
		t.Error("what is no address may be reached")
	}
}

// TestPrivateAddressIsNotReached: the check is of the connection that is made, so that it holds for an issuer whose name resolves
// to loopback, for a key set on another host, and for a name that resolves to another address each time (advisory 75).
func TestPrivateAddressIsNotReached(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Options){
		"nothing listed": func(o *Options) { o.AnyAddress = false },
		"another range": func(o *Options) {
			o.AnyAddress, o.AllowedNetworks = false, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		},
		"range around it": func(o *Options) {
			o.AnyAddress, o.AllowedNetworks = false, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		},
		"stint dev: anything": nil,
	} {
		f := newFetching(t, "", change)
		_, err := f.verify(f.token(f.key))
		if reachable := change == nil || name == "range around it"; reachable {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		wantRefused(t, err, identity.InvalidIdentityToken, noKey, "the discovery document cannot be fetched")
		if !errors.Is(err, errAddress) || f.issuer.Fetches.Load() > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A name, with the resolver's own answer of loopback.
	fetcher := newFetcher(addresses{}, nil)
	if _, err := fetcher.keySet(t.Context(), source{id: "p", issuer: "https://localhost:1"}); !errors.Is(err, errAddress) {
		t.Errorf("localhost: %v", err)
	}
	// A name that is public when it is looked at and private when it is connected to: only the latter is ever looked at.
	rebinding := newFetcher(addresses{}, nil)
	control := (&addresses{}).control
	rebinding.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{Control: control}).DialContext(ctx, network, "127.0.0.1:1")
	}
	if _, err := rebinding.keySet(t.Context(), source{id: "p", issuer: "https://public.example.com"}); !errors.Is(err, errAddress) {
		t.Errorf("rebinding: %v", err)
	}
}

// TestRequestsToIssuers: nothing of this server's environment reaches an issuer (advisories 25, 77).
func TestRequestsToIssuers(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1") // nobody listens there
	f := newFetching(t, "", nil)
	var seen http.Header
	f.issuer.Handle(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Clone()
		f.issuer.Handle(nil)
		f.issuer.ServeHTTP(w, r)
	})
	if _, err := f.verify(f.token(f.key)); err != nil {
		t.Fatal(err)
	}
	for name := range seen {
		if name != "Accept" && name != "User-Agent" && name != "Connection" {
			t.Errorf("the issuer was sent %s", name)
		}
	}
}

func TestConcurrentFetchesAreBounded(t *testing.T) {
	t.Parallel()
	fetcher := newFetcher(addresses{any: true}, nil)
	fetcher.patience = 50 * time.Millisecond
	for range maxFetches {
		fetcher.slots <- struct{}{}
	}
	builtin := source{id: "p", issuer: "https://127.0.0.1:1"}
	owned := source{id: "p", account: dt.A, issuer: "https://127.0.0.1:1"}
	if _, err := fetcher.keySet(t.Context(), owned); err == nil || err.Error() != "too many fetches are under way" {
		t.Errorf("got %v", err)
	}
	if _, err := fetcher.keySet(t.Context(), builtin); err == nil || err.Error() != "the discovery document cannot be fetched" {
		t.Errorf("a built-in provider: %v", err)
	}
	<-fetcher.slots
	if _, err := fetcher.keySet(t.Context(), owned); err == nil || err.Error() != "the discovery document cannot be fetched" {
		t.Errorf("with a slot: %v", err)
	}
	if len(fetcher.slots) != maxFetches-1 || len(fetcher.shares) != 0 {
		t.Errorf("%d slots are taken, %d shares are kept", len(fetcher.slots), len(fetcher.shares))
	}
}

// TestSlowIssuersOfAnAccount: they hold up its own fetches and nobody else's.
func TestSlowIssuersOfAnAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fetcher := newFetcher(addresses{any: true}, nil)
		var slow atomic.Int64
		end := make(chan struct{})
		defer close(end)
		fetcher.dial = func(_ context.Context, _, address string) (net.Conn, error) {
			if address == "slow.example.com:443" {
				slow.Add(1)
				<-end
			}
			return nil, errors.New("nobody is there")
		}
		var wg sync.WaitGroup
		for i := range 2 * maxFetches {
			wg.Go(func() {
				_, err := fetcher.keySet(t.Context(), source{id: fmt.Sprint(i), account: dt.A, issuer: "https://slow.example.com"})
				if err == nil {
					t.Error("a slow issuer answered")
				}
			})
		}
		synctest.Wait()
		if n := slow.Load(); n != accountFetches {
			t.Errorf("%d fetches for one account", n)
		}
		for _, account := range []arn.AccountID{dt.B, ""} {
			_, err := fetcher.keySet(t.Context(), source{id: "q", account: account, issuer: "https://quick.example.com"})
			if err == nil || err.Error() != "the discovery document cannot be fetched" {
				t.Errorf("%q: %v", account, err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), fetchTime/2)
		defer cancel()
		_, err := fetcher.keySet(ctx, source{id: "q", account: dt.A, issuer: "https://quick.example.com"})
		if err == nil || err.Error() != "too many fetches are under way" {
			t.Errorf("another of the account: %v", err)
		}
		wg.Wait()
		if len(fetcher.slots) != 0 || len(fetcher.shares) != 0 {
			t.Errorf("%d slots are taken, %d shares are kept", len(fetcher.slots), len(fetcher.shares))
		}
	})
}

// chain is a certificate with the authorities above it, leaf first.
type chain struct {
	certificates []*x509.Certificate
	key          crypto.Signer
}

func newChain(t *testing.T, names ...string) *chain {
	t.Helper()
	var c chain
	for i := range 3 { // root, intermediate, leaf
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: fmt.Sprint(i)}, NotBefore: time.Now().Add(-time.Hour),
			NotAfter: time.Now().Add(time.Hour), IsCA: i < 2, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		}
		if i == 2 {
			template.IPAddresses, template.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1)}, names
		}
		parent, signer := template, crypto.Signer(key)
		if i > 0 {
			parent, signer = c.certificates[0], c.key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
		if err != nil {
			t.Fatal(err)
		}
		made, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		c.certificates, c.key = append([]*x509.Certificate{made}, c.certificates...), key
	}
	return &c
}

// TestThumbprints: as AWS has it, thumbprints count for certificates of unknown authorities alone, and name the authority.
func TestThumbprints(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{PrivateKey: c.key}}}
	for _, made := range c.certificates {
		server.TLS.Certificates[0].Certificate = append(server.TLS.Certificates[0].Certificate, made.Raw)
	}
	server.StartTLS()
	defer server.Close()
	known := x509.NewCertPool()
	known.AddCert(c.certificates[2])
	zeros := strings.Repeat("0", 40)
	for name, row := range map[string]struct {
		thumbprints []string
		roots       *x509.CertPool
		trusted     bool
	}{
		"none, unknown authority":           {nil, nil, false},
		"none, known authority":             {nil, known, true},
		"wrong, known authority":            {[]string{zeros}, known, true},
		"wrong, unknown authority":          {[]string{zeros}, nil, false},
		"root":                              {[]string{zeros, thumbprint(c.certificates[2])}, nil, true},
		"intermediate":                      {[]string{thumbprint(c.certificates[1])}, nil, true},
		"leaf":                              {[]string{thumbprint(c.certificates[0])}, nil, true},
		"upper case":                        {[]string{strings.ToUpper(thumbprint(c.certificates[2]))}, nil, true},
		"of a certificate that is not sent": {[]string{thumbprint(newChain(t).certificates[2])}, nil, false},
		"cut off":                           {[]string{thumbprint(c.certificates[2])[:39]}, nil, false},
	} {
		fetcher := newFetcher(addresses{any: true}, map[string]*x509.CertPool{server.URL: row.roots})
		_, err := fetcher.keySet(t.Context(), source{id: "p", issuer: server.URL, thumbprints: row.thumbprints})
		var status statusError
		if reached := errors.As(err, &status); reached != row.trusted {
			t.Errorf("%s: %v", name, errors.Unwrap(err))
		}
		if !row.trusted && errors.Is(err, errThumbprint) != (row.thumbprints != nil) {
			t.Errorf("%s: %v", name, errors.Unwrap(err))
		}
	}
}

// TestThumbprintNamesNoHost: a certificate that a thumbprint names is trusted as an authority: names and dates are still checked,
// and another's certificate put beside it proves nothing.
func TestThumbprintNamesNoHost(t *testing.T) {
	t.Parallel()
	c, other := newChain(t, "idp.example.com"), newChain(t, "idp.example.com")
	root := thumbprint(c.certificates[2])
	verify := func(chain []*x509.Certificate, o x509.VerifyOptions) error {
		o.Roots = x509.NewCertPool()
		return verifyChain(chain, o, []string{root})
	}
	if err := verify(c.certificates, x509.VerifyOptions{DNSName: "idp.example.com"}); err != nil {
		t.Fatalf("control: %v", err)
	}
	if err := verify(c.certificates, x509.VerifyOptions{DNSName: "other.example.com"}); err == nil {
		t.Error("a certificate of another host")
	}
	if err := verify(c.certificates, x509.VerifyOptions{DNSName: "idp.example.com", CurrentTime: time.Now().Add(2 * time.Hour)}); err == nil {
		t.Error("a certificate that is over")
	}
	if err := verify([]*x509.Certificate{other.certificates[0], c.certificates[2]}, x509.VerifyOptions{DNSName: "idp.example.com"}); err == nil {
		t.Error("a certificate of another authority, beside the one that is named")
	}
	if err := verify(nil, x509.VerifyOptions{}); !errors.Is(err, errThumbprint) {
		t.Errorf("no certificate: %v", err)
	}
}

// TestWrongThumbprintIsTold: with AWS's sentence.
func TestWrongThumbprintIsTold(t *testing.T) {
	t.Parallel()
	f := newFetching(t, "", func(o *Options) { o.Authorities = nil })
	_, err := f.verify(f.token(f.key))
	wantRefused(t, err, identity.InvalidIdentityToken, noKey, "the discovery document cannot be fetched")
	for print, want := range map[string]string{strings.Repeat("0", 40): wrongThumbprint, f.issuer.Thumbprint(): ""} {
		f.provide(dt.A, f.issuer.URL, func(p *directory.OIDCProvider) { p.Thumbprints = []string{print} })
		_, err := f.verify(f.token(f.key))
		if want == "" {
			if err != nil {
				t.Errorf("control: %v", err)
			}
			continue
		}
		wantRefused(t, err, identity.InvalidIdentityToken, want, "the discovery document cannot be fetched")
	}
}
