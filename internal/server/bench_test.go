package server

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// sink is a ResponseWriter that is used again and again, as net/http's is by a connection.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

// benchmark runs signed POSTs through the whole pipeline, without a socket.
func benchmark(b *testing.B, form func(*service) string) {
	s := newService(b)
	body := []byte(form(s))
	r, err := http.NewRequest(http.MethodPost, "http://sts.example.com/", bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", formType)
	s.sign(b, r, body, "sts")
	r.RequestURI, r.RemoteAddr = "/", "192.0.2.1:1234"
	reader := bytes.NewReader(body)
	r.Body = io.NopCloser(reader)
	w := &sink{header: make(http.Header)}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		clear(w.header)
		if s.handler.ServeHTTP(w, r); w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
}

func BenchmarkGetCallerIdentity(b *testing.B) {
	benchmark(b, func(*service) string { return identityForm })
}

func BenchmarkAssumeRole(b *testing.B) { benchmark(b, (*service).assumeForm) }

func BenchmarkAssumeRoleWithPolicyAndTags(b *testing.B) {
	benchmark(b, func(s *service) string {
		form := s.assumeForm() + "&Policy=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3AGetObject%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D"
		for _, n := range []string{"1", "2", "3", "4", "5"} {
			form += "&Tags.member." + n + ".Key=key" + n + "&Tags.member." + n + ".Value=value" + n
		}
		return form
	})
}

// BenchmarkSocket sets one connection's requests through Stint beside those through net/http alone, which answers as much.
func BenchmarkSocket(b *testing.B) {
	static := []byte(strings.Repeat("x", 400))
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header()["Content-Type"] = []string{"text/xml"}
		_, _ = w.Write(static)
	})
	for _, name := range []string{"net/http alone", "GetCallerIdentity"} {
		b.Run(name, func(b *testing.B) {
			s := newService(b)
			var address string
			if name == "GetCallerIdentity" {
				address = s.start(b, nil)
			} else {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					b.Fatal(err)
				}
				plain := &http.Server{Handler: bare}
				go func() { _ = plain.Serve(l) }()
				b.Cleanup(func() { _ = plain.Close() })
				address = l.Addr().String()
			}
			request := []byte(s.raw(b, "/", identityForm, nil))
			c, err := net.Dial("tcp", address)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			buffer := make([]byte, 8192)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(request); err != nil {
					b.Fatal(err)
				}
				if n, err := c.Read(buffer); err != nil || !bytes.HasPrefix(buffer[:n], []byte("HTTP/1.1 200")) {
					b.Fatalf("%s %v", buffer[:n], err)
				}
			}
		})
	}
}
