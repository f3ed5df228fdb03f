package server

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestPaths(t *testing.T) {
	t.Parallel()
	s := newService(t)
	address := s.start(t, nil)
	for _, target := range []string{"/", "//", "///"} {
		a := send(t, address, s.raw(t, target, identityForm, nil))
		if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "text/xml" || a.Header.Get("Date") == "" ||
			a.ContentLength != int64(len(a.body)) || !strings.Contains(a.body, "<RequestId>"+a.Header.Get("X-Amzn-Requestid")+"</RequestId>") {
			t.Errorf("POST %s: %d %v %s", target, a.StatusCode, a.Header, a.body)
		}
	}
	// Decided before signature and scope.
	for _, target := range []string{"/x", "/index.html", "/.", "/..", "/%2F", "/%2f%2f", "/stint", "/stint/", "/stint/v1/none", "/STINT/v1/context-assertion", "/stint/..//", "/stint/v1/%63ontext-assertion", "//stint/v1/context-assertion"} {
		for _, method := range []string{"GET", "POST", "HEAD"} {
			a := send(t, address, method+" "+target+" HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
			want := "<UnknownOperationException/>\n"
			if method == "HEAD" {
				want = ""
			}
			if a.StatusCode != http.StatusNotFound || a.body != want || a.Header.Get("Content-Length") != "29" {
				t.Errorf("%s %s: %d %v %q", method, target, a.StatusCode, a.Header, a.body)
			}
		}
	}
	a := send(t, address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if a.StatusCode != http.StatusFound || a.Header.Get("Location") != "https://aws.amazon.com/iam" || a.body != "" || a.ContentLength != 0 {
		t.Errorf("GET /: %d %v %q", a.StatusCode, a.Header, a.body)
	}
	a = send(t, address, "GET "+contextPath+" HTTP/1.1\r\nHost: a\r\n\r\n")
	if a.StatusCode != http.StatusBadRequest || a.Header.Get("Content-Type") != "application/json" || !strings.Contains(a.body, "takes a POST") {
		t.Errorf("GET %s: %d %v %q", contextPath, a.StatusCode, a.Header, a.body)
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	s := newService(t)
	address := s.start(t, nil)
	a := send(t, address, "OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://b\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,x-amz-date\r\n\r\n")
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "*", "Access-Control-Max-Age": "172800", "Access-Control-Allow-Headers": "authorization,x-amz-date",
		"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Credentials": "",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	a.isBare(t, "with Origin", http.StatusOK)
	a = send(t, address, "OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n")
	a.isBare(t, "without Origin", http.StatusOK)
	if a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("headers without Origin: %v", a.Header)
	}
	if a := send(t, address, "OPTIONS /x HTTP/1.1\r\nHost: a\r\nOrigin: b\r\n\r\n"); a.StatusCode != http.StatusNotFound {
		t.Errorf("OPTIONS /x: %d", a.StatusCode)
	}
	if n := s.auditLines(t); n != 0 {
		t.Errorf("%d operations were entered", n)
	}
}

// advisory 8 (SeaweedFS #10284): only the Host header says which host is meant, and only the configured ones are answered.
func TestHosts(t *testing.T) {
	t.Parallel()
	s := newService(t, "sts.example.com", "sts.us-east-1.amazonaws.com")
	address := s.start(t, nil)
	for host, want := range map[string]int{
		"sts.example.com": 302, "sts.example.com:8321": 302, "STS.Example.com": 302, "sts.us-east-1.amazonaws.com": 302,
		"evil.example": 400, "sts.example.com.evil.example": 400, "": 400, "127.0.0.1": 400,
	} {
		for _, forged := range []string{"", "X-Forwarded-Host: sts.example.com\r\n", "Forwarded: host=sts.example.com\r\n"} {
			if a := send(t, address, "GET / HTTP/1.1\r\nHost: "+host+"\r\n"+forged+"\r\n"); a.StatusCode != want {
				t.Errorf("host %q %q: %d, want %d", host, forged, a.StatusCode, want)
			}
		}
	}
	if a := send(t, address, s.raw(t, "/", identityForm, nil)); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	s := newService(t)
	address := s.start(t, nil)
	exact := identityForm + "&x=" + strings.Repeat("a", maxBodyBytes-len(identityForm)-3)
	if a := send(t, address, s.raw(t, "/", exact, nil)); a.StatusCode != http.StatusOK {
		t.Errorf("10,000,000 bytes: %d %s", a.StatusCode, a.body)
	}
	for name, request := range map[string]string{
		"sent":             s.raw(t, "/", exact+"a", nil),
		"declared":         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000001\r\n\r\n",
		"expecting":        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10000001\r\n\r\n",
		"a great number":   "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n",
		"with a GET":       "GET /?" + identityForm + " HTTP/1.1\r\nHost: a\r\nContent-Length: 10000001\r\n\r\n",
		"to Stint's paths": "POST " + contextPath + " HTTP/1.1\r\nHost: a\r\nContent-Length: 10000001\r\n\r\n",
	} {
		a := send(t, address, request)
		a.isBare(t, name, http.StatusRequestEntityTooLarge)
		if !a.Close {
			t.Errorf("%s: the connection stays open", name)
		}
	}
}

// A Content-Length that promises more than comes is refused, and what was read meanwhile is not parsed.
func TestBodyThatEndsEarly(t *testing.T) {
	t.Parallel()
	s := newService(t)
	address := s.start(t, nil, func(h *http.Server) { h.ReadTimeout = 300 * time.Millisecond })
	for _, declared := range []int{len(identityForm) + 1, tinyBody, tinyBody + 1, smallBody, smallBody + 1, maxBodyBytes} {
		request := strings.Replace(s.raw(t, "/", identityForm, nil), "Content-Length: "+strconv.Itoa(len(identityForm)), "Content-Length: "+strconv.Itoa(declared), 1)
		send(t, address, request).isBare(t, "open", http.StatusBadRequest)
		c := dial(t, address).(*net.TCPConn)
		go func() {
			_, _ = c.Write([]byte(request))
			_ = c.CloseWrite()
		}()
		exchangeOn(t, c, "").isBare(t, "half closed", http.StatusBadRequest)
	}
	if a := send(t, address, s.raw(t, "/", identityForm, nil)); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if n := s.auditLines(t); n != 1 {
		t.Errorf("%d operations were entered, want 1", n)
	}
	if n := s.handler.bodies.count(); n != 0 {
		t.Errorf("%d large bodies are still counted", n)
	}
}

// count is how many large bodies are in memory; it checks that the peers' shares add up.
func (s *share) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := 0
	for _, n := range s.byPeer {
		sum += n
	}
	if sum != s.all {
		return -1
	}
	return s.all
}

// dialFrom connects from one of the addresses of the loopback network.
func dialFrom(t testing.TB, source, address string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	c, err := d.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// Memory for large bodies is bounded, for all and for each peer, and given back.
func TestLargeBodiesAtOnce(t *testing.T) {
	t.Parallel()
	s := newService(t)
	address := s.start(t, nil)
	large := s.raw(t, "/", identityForm+"&x="+strings.Repeat("a", smallBody), nil)
	var held []net.Conn
	for peer := range largeBodies / peerBodies {
		source := "127.0.0." + strconv.Itoa(2+peer)
		for range peerBodies {
			if a := exchangeOn(t, dialFrom(t, source, address), large); a.StatusCode != http.StatusOK {
				t.Fatalf("%d are held, none by %s: %d", len(held), source, a.StatusCode)
			}
			c := dialFrom(t, source, address)
			if _, err := c.Write([]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx")); err != nil {
				t.Fatal(err)
			}
			held = append(held, c)
			eventually(t, func() bool { return s.handler.bodies.count() == len(held) })
		}
		exchangeOn(t, dialFrom(t, source, address), large).isBare(t, "one too many of a peer", http.StatusServiceUnavailable)
		if a := exchangeOn(t, dialFrom(t, source, address), s.raw(t, "/", identityForm, nil)); a.StatusCode != http.StatusOK {
			t.Errorf("a small body: %d", a.StatusCode)
		}
	}
	a := send(t, address, large)
	a.isBare(t, "one too many", http.StatusServiceUnavailable)
	if !a.Close {
		t.Error("the connection stays open")
	}
	for _, c := range held {
		_ = c.Close()
	}
	eventually(t, func() bool { return s.handler.bodies.count() == 0 })
	if a := send(t, address, large); a.StatusCode != http.StatusOK {
		t.Errorf("after that: %d %s", a.StatusCode, a.body)
	}
}

func TestPeers(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "[::ffff:192.0.2.1]:80": "192.0.2.1", "[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::",
		"[2001:db8:1:2::9%eth0]:80": "2001:db8:1:2::", "@": "invalid IP",
	} {
		if got := peerOf(&http.Request{RemoteAddr: remote}).String(); got != want {
			t.Errorf("%s: %s, want %s", remote, got, want)
		}
	}
}

// A body takes little memory before it comes, whatever was promised, and arrives whole in each class of size.
func TestBodiesBySize(t *testing.T) {
	t.Parallel()
	h := new(Handler)
	for _, size := range []int{1, tinyBody - 1, tinyBody, tinyBody + 1, smallBody - 1, smallBody, smallBody + 1, 10 * smallBody} {
		sent := make([]byte, size)
		for i := range sent {
			sent[i] = byte(i * 7 / 3)
		}
		b, err := h.read(httptest.NewRequest("POST", "/", bytes.NewReader(sent)))
		if err != nil || !bytes.Equal(b.bytes, sent) {
			t.Fatalf("%d bytes: %d came, %v", size, len(b.bytes), err)
		}
		if (b.tiny != nil) != (size <= tinyBody) || (b.small != nil) != (size > tinyBody && size <= smallBody) || (b.large != nil) != (size > smallBody) {
			t.Errorf("%d bytes are in the wrong memory", size)
		}
		b.release()
	}
	asked := 0
	none := readerFunc(func(p []byte) (int, error) { asked = max(asked, len(p)); return 0, io.EOF })
	b, err := readSmall(none, smallBody)
	if !errors.Is(err, io.EOF) || asked > tinyBody || b.small != nil {
		t.Errorf("before anything came there was room for %d bytes: %v", asked, err)
	}
	b.release()
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never came to be")
		}
	}
}

// advisory 24 (CVE-2026-56853): who does not send is cut, at every stage of a connection.
func TestSlowConnections(t *testing.T) {
	t.Parallel()
	s := newService(t)
	address := s.start(t, nil, func(h *http.Server) { h.ReadTimeout, h.IdleTimeout = 100*time.Millisecond, 100*time.Millisecond })
	for name, start := range map[string]string{
		"nothing": "", "a letter": "G", "half a head": "GET / HTTP/1.1\r\nHost: a\r\nX: ", "a preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM",
		"no body": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", "idle": "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		c := dial(t, address)
		began := time.Now()
		_, _ = c.Write([]byte(start))
		buffer := make([]byte, 4096)
		var err error
		for err == nil {
			_, err = c.Read(buffer)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s: open for %v", name, took)
		}
	}
	server := New(s.handler, nil, s.handler.Log).http
	if server.ReadTimeout > 10*time.Second && (server.ReadHeaderTimeout == 0 || server.ReadHeaderTimeout > 10*time.Second) {
		t.Errorf("headers may take %v", server.ReadTimeout)
	}
	if server.WriteTimeout == 0 || server.IdleTimeout == 0 {
		t.Error("a connection may stay open forever")
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := make(map[string]bool)
	var varied [36]map[byte]bool
	for range 10_000 {
		id := NewID()
		if !shape.MatchString(id) || seen[id] {
			t.Fatalf("%s is no UUID of version 4, or came twice", id)
		}
		seen[id] = true
		for i := range len(id) {
			if varied[i] == nil {
				varied[i] = make(map[byte]bool)
			}
			varied[i][id[i]] = true
		}
	}
	for i, values := range varied {
		if want := map[int]int{8: 1, 13: 1, 14: 1, 18: 1, 23: 1, 19: 4}[i]; len(values) != max(want, 1) && len(values) != 16 {
			t.Errorf("character %d takes %d values", i, len(values))
		}
	}
}

// advisory 11: a panic costs one connection and is told to the operator, not to the client.
func TestPanicIsToldOf(t *testing.T) {
	t.Parallel()
	s := newService(t)
	broken := NewHandler(nil, nil, s.handler.Log)
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if p := recover(); p != any(http.ErrAbortHandler) {
				t.Errorf("%v, want ErrAbortHandler", p)
			}
		}()
		broken.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	}()
	if log := s.log.String(); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "ServeHTTP") {
		t.Errorf("the operator sees %s", log)
	}
	if w.Body.Len() != 0 {
		t.Errorf("the client sees %s", w.Body)
	}
	w = httptest.NewRecorder()
	s.handler.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusFound {
		t.Errorf("%d", w.Code)
	}
}

// Over TLS the answers are the same, and policies are told of it.
func TestTLS(t *testing.T) {
	t.Parallel()
	s := newService(t)
	source := httptest.NewUnstartedServer(nil)
	source.StartTLS()
	certificate := source.TLS.Certificates
	pool := source.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	source.Close()
	address := s.start(t, &tls.Config{Certificates: certificate, MinVersion: tls.VersionTLS12}, func(h *http.Server) {
		inner := h.Handler
		h.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.TLS == nil || !r.TLS.HandshakeComplete {
				t.Error("the request does not know of TLS")
			}
			inner.ServeHTTP(w, r)
		})
	})
	connect := func() net.Conn {
		c, err := tls.Dial("tcp", address, &tls.Config{RootCAs: pool, ServerName: "example.com", NextProtos: []string{"h2", "http/1.1"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if p := c.ConnectionState().NegotiatedProtocol; p != "http/1.1" {
			t.Errorf("protocol %q (advisory 23: no HTTP/2)", p)
		}
		return c
	}
	if a := exchangeOn(t, connect(), s.raw(t, "/", identityForm, nil)); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	exchangeOn(t, connect(), "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n").isBare(t, "unknown encoding", http.StatusBadRequest)
	exchangeOn(t, connect(), "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n").isBare(t, "bad escape", http.StatusBadRequest)
	plain := dial(t, address)
	_, _ = plain.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
	buffer := make([]byte, 256)
	if n, _ := plain.Read(buffer); strings.HasPrefix(string(buffer[:n]), "HTTP/1.1 2") {
		t.Errorf("plain HTTP is answered: %q", buffer[:n])
	}
}
