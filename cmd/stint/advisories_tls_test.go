package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/server"
)

// productionTLS is what stint serve makes of a certificate, with a client's part of it.
func productionTLS(t *testing.T) (forServer, forClient *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), DNSNames: []string{"sts.example"}}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	files := config.TLS{Cert: filepath.Join(folder, "cert.pem"), Key: filepath.Join(folder, "key.pem")}
	for path, block := range map[string]*pem.Block{files.Cert: {Type: "CERTIFICATE", Bytes: certificate}, files.Key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	forServer, _, err = serverTLS(files)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(certificate)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(parsed)
	return forServer, &tls.Config{RootCAs: roots, ServerName: "sts.example"}
}

// ok is a handler that tells the protocol of the request.
func ok(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }

// listening serves on loopback until the test ends.
func listening(t *testing.T, config *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(http.HandlerFunc(ok), config, slog.New(slog.DiscardHandler))
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.Shutdown(over); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// advisory 133 (CVE-2025-68121, CVE-2024-23656): what stint serve speaks is TLS 1.2 and 1.3, with forward secrecy, and no
// session is resumed, under this configuration or another.
func TestVersionsOfTLS(t *testing.T) {
	t.Parallel()
	forServer, forClient := productionTLS(t)
	address := listening(t, forServer)
	for version, allowed := range map[uint16]bool{
		tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true,
	} {
		c := forClient.Clone()
		c.MinVersion, c.MaxVersion = version, version
		conn, err := tls.Dial("tcp", address, c)
		if !allowed {
			if err == nil || !strings.Contains(err.Error(), "protocol version") {
				t.Errorf("%s: %v", tls.VersionName(version), err)
			}
			continue
		}
		if err != nil || conn.ConnectionState().Version != version {
			t.Errorf("%s: %v", tls.VersionName(version), err)
			continue
		}
		_ = conn.Close()
	}
	for _, suite := range tls.InsecureCipherSuites() {
		c := forClient.Clone()
		c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{suite.ID}
		if conn, err := tls.Dial("tcp", address, c); err == nil {
			t.Errorf("%s is spoken", suite.Name)
			_ = conn.Close()
		}
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		c := forClient.Clone()
		c.MaxVersion, c.ClientSessionCache = version, tls.NewLRUClientSessionCache(8)
		for range 3 {
			conn, err := tls.Dial("tcp", address, c)
			if err != nil {
				t.Fatal(err)
			}
			answer := get(t, conn) // reading takes in the tickets of TLS 1.3
			if conn.ConnectionState().DidResume || answer != "HTTP/1.1" {
				t.Errorf("%s: resumed %v, answer %q", tls.VersionName(version), conn.ConnectionState().DidResume, answer)
			}
			_ = conn.Close()
		}
	}
}

func get(t *testing.T, conn net.Conn) string {
	t.Helper()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: sts.example\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.ProtoMajor != 1 {
		t.Errorf("answer in %s, %v", response.Proto, err)
	}
	return string(text)
}

// advisory 23 (CVE-2023-39325, CVE-2023-45288, CVE-2026-33814, CVE-2026-27141): there is no HTTP/2 to be flooded, however it is
// asked for: by ALPN, by its preface with and without TLS, or by an upgrade.
func TestNoHTTP2(t *testing.T) {
	t.Parallel()
	forServer, forClient := productionTLS(t)
	secure, plain := listening(t, forServer), listening(t, nil)
	both := forClient.Clone()
	both.NextProtos = []string{"h2", "http/1.1"}
	conn, err := tls.Dial("tcp", secure, both)
	if err != nil {
		t.Fatal(err)
	}
	if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("with h2 offered first the protocol is %q", got)
	}
	if got := get(t, conn); got != "HTTP/1.1" {
		t.Errorf("the handler sees %q", got)
	}
	_ = conn.Close()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: forClient, ForceAttemptHTTP2: true, DisableKeepAlives: true}}
	response, err := client.Get("https://" + secure + "/")
	if err != nil || response.ProtoMajor != 1 {
		t.Errorf("a client that wants HTTP/2: %v, %v", response, err)
	}
	only := forClient.Clone()
	only.NextProtos = []string{"h2"}
	if conn, err := tls.Dial("tcp", secure, only); err == nil {
		t.Errorf("with h2 alone offered the protocol is %q", conn.ConnectionState().NegotiatedProtocol)
		_ = conn.Close()
	}
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	const upgrade = "GET / HTTP/1.1\r\nHost: sts.example\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
	for name, dial := range map[string]func() (net.Conn, error){
		"plain": func() (net.Conn, error) { return net.Dial("tcp", plain) },
		"TLS":   func() (net.Conn, error) { return tls.Dial("tcp", secure, forClient) },
	} {
		for begin, text := range map[string]string{"preface": preface, "upgrade": upgrade} {
			conn, err := dial()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, text); err != nil {
				t.Fatal(err)
			}
			answer, _ := io.ReadAll(conn)
			if !strings.HasPrefix(string(answer), "HTTP/1.1 ") || strings.HasPrefix(string(answer), "HTTP/1.1 101") || strings.Contains(string(answer), "\x00") {
				t.Errorf("%s, %s: %q", name, begin, answer)
			}
			_ = conn.Close()
		}
	}
}

// pipes is a listener whose connections are given by the test.
type pipes struct {
	next   chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.next:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// advisory 137 (GO-2026-6107): a handshake that is begun and not ended costs one goroutine for ten seconds at the most, however
// far it came, and others are served meanwhile. Time is the bubble's. It runs alone, since it counts goroutines.
func TestHalfOpenHandshakes(t *testing.T) {
	forServer, forClient := productionTLS(t)
	hello := clientHello(t, forClient)
	synctest.Test(t, func(t *testing.T) {
		l := &pipes{next: make(chan net.Conn), closed: make(chan struct{})}
		s := server.New(http.HandlerFunc(ok), forServer, slog.New(slog.DiscardHandler))
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(l) }()
		synctest.Wait()
		before := runtime.NumGoroutine()
		const halfOpen = 400
		const bound = 10 * time.Second
		begun := time.Now()
		var closed, late atomic.Int64
		for i := range halfOpen {
			client, end := net.Pipe()
			l.next <- end
			go func() {
				// Nothing; a part of the first record; all of it, and then no answer to the server's.
				if n := []int{0, 1, len(hello) / 2, len(hello)}[i%4]; n > 0 {
					_, _ = client.Write(hello[:n])
				}
				_, _ = io.Copy(io.Discard, client)
				_ = client.Close()
				if time.Since(begun) > bound {
					late.Add(1)
				}
				closed.Add(1)
			}()
		}
		synctest.Wait()
		// One of the server's and one of the test's for each.
		if now := runtime.NumGoroutine(); now > before+2*halfOpen+20 {
			t.Errorf("%d goroutines for %d half-open connections", now-before, halfOpen)
		}
		if closed.Load() != 0 {
			t.Errorf("%d connections were closed at once", closed.Load())
		}
		client, end := net.Pipe()
		l.next <- end
		if got := get(t, tls.Client(client, forClient)); got != "HTTP/1.1" {
			t.Errorf("meanwhile a request is answered with %q", got)
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("meanwhile a request takes %v", took)
		}
		time.Sleep(bound + time.Second)
		synctest.Wait()
		if closed.Load() != halfOpen || late.Load() != 0 {
			t.Errorf("after %v, %d of %d were closed, %d of them late", bound, closed.Load(), halfOpen, late.Load())
		}
		if now := runtime.NumGoroutine(); now > before+5 {
			t.Errorf("%d goroutines are left", now-before)
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// clientHello is the first record of a handshake.
func clientHello(t *testing.T, config *tls.Config) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer func() { _ = client.Close() }()
	go func() { _ = tls.Client(client, config).Handshake() }()
	record := make([]byte, 1<<14)
	n, err := server.Read(record)
	if err != nil || n < 100 {
		t.Fatalf("a record of %d bytes, %v", n, err)
	}
	_ = server.Close()
	return record[:n]
}
