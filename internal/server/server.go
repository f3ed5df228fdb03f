package server

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stint-sts/stint/internal/wire"
)

// Limits, with AWS's where one was recorded (ARGMIN).
const (
	maxBodyBytes   = 10_000_000
	maxQueryBytes  = 15_844
	maxHeaderBytes = 32 << 10 // room for a session token of four kilobytes in a header of a GET at its limit
	maxHeaders     = 100

	readTimeout  = 10 * time.Second // of headers and body together: slow clients are cut (advisory 24)
	writeTimeout = 60 * time.Second
	idleTimeout  = 120 * time.Second
)

// Handler answers API requests.
type Handler struct {
	Frontend *wire.Frontend
	Log      *slog.Logger
	// Hosts are the Host headers that are answered, without port; none means any. A signature covers the Host as it was
	// sent, so that aliases such as sts.us-east-1.amazonaws.com verify.
	Hosts []string
	// Documents, if not nil, finds what is published for everybody at a host and path: JSON that never holds a secret.
	Documents func(host, path string) ([]byte, bool)
	// Pages, if not nil, answers what is at its paths: the pages for people, which read their own forms.
	Pages    Pages
	bodies   share
	inFlight atomic.Int64
}

// Pages are the pages for people.
type Pages interface {
	http.Handler
	// Answers reports whether a path is one of theirs.
	Answers(path string) bool
}

// NewHandler returns a Handler.
func NewHandler(f *wire.Frontend, hosts []string, log *slog.Logger) *Handler {
	return &Handler{Frontend: f, Hosts: hosts, Log: log}
}

// ServeHTTP routes by path and method, before anything is read or authenticated.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer h.tellOfPanic()
	malformed := h.malformed(r)
	if !malformed && h.publishes(w, r) {
		return
	}
	if malformed || !h.knows(r.Host) {
		refuse(w, http.StatusBadRequest)
		return
	}
	if !r.ProtoAtLeast(1, 1) {
		// net/http drops a Transfer-Encoding of HTTP/1.0 before it can be seen here (advisory 21; RFC 9112, 6.1).
		w.Header()["Connection"] = closing
	}
	if h.Pages != nil && r.URL.RawPath == "" && h.Pages.Answers(r.URL.Path) {
		h.Pages.ServeHTTP(w, r)
		return
	}
	root := strings.Trim(r.URL.Path, "/") == "" && r.URL.RawPath == ""
	if !root && !strings.HasPrefix(r.URL.Path, "/stint/") {
		unknownPath(w)
		return
	}
	if r.Method == http.MethodOptions {
		preflight(w, r)
		return
	}
	body, err := h.read(r)
	if err != nil {
		h.refuseBody(w, err)
		return
	}
	defer body.release()
	h.inFlight.Add(1)
	defer h.inFlight.Add(-1)
	ids := wire.IDs{Request: NewID(), Event: NewID()}
	if root {
		h.Frontend.ServeQuery(w, r, body.bytes, ids)
	} else if !h.Frontend.ServeJSON(w, r, body.bytes, ids) {
		unknownPath(w)
	}
}

// InFlight returns how many requests are being answered.
func (h *Handler) InFlight() int64 { return h.inFlight.Load() }

// publishes answers with a document, if there is one for the host and path. Hosts does not count here: whose a document is may be
// said by the host alone.
func (h *Handler) publishes(w http.ResponseWriter, r *http.Request) bool {
	if h.Documents == nil || r.Method != http.MethodGet && r.Method != http.MethodHead || !strings.Contains(r.URL.Path, "/.well-known/") ||
		r.ContentLength > 0 {
		return false
	}
	body, ok := h.Documents(r.Host, r.URL.Path)
	if !ok {
		return false
	}
	header := w.Header()
	header["Content-Type"] = []string{"application/json"}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	header["Cache-Control"] = []string{"public, max-age=300"}
	if !r.ProtoAtLeast(1, 1) {
		header["Connection"] = closing
	}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
	return true
}

// tellOfPanic tells the operator of a panic, which is a mistake of ours (advisory 11): net/http's own log is kept quiet. The
// connection is cut.
func (h *Handler) tellOfPanic() {
	if p := recover(); p != nil {
		h.Log.Error("a request made the server panic", "panic", p, "stack", string(debug.Stack()))
		panic(http.ErrAbortHandler)
	}
}

// malformed reports what AWS answers with a bare 400.
func (h *Handler) malformed(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodPost, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch:
	default:
		return true
	}
	headers := 0
	for _, values := range r.Header {
		headers += len(values)
	}
	// A chunked body may come with a Content-Length that a proxy believed instead (advisory 21); SDKs never send one.
	return len(r.URL.RawQuery) > maxQueryBytes || headers > maxHeaders || len(r.TransferEncoding) > 0 ||
		r.ContentLength < 0 || !strings.HasPrefix(r.RequestURI, "/")
}

func (h *Handler) knows(host string) bool {
	if len(h.Hosts) == 0 {
		return true
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	for _, known := range h.Hosts {
		if strings.EqualFold(host, known) {
			return true
		}
	}
	return false
}

// closing is the Connection header of an answer after which the connection ends.
var closing = []string{"close"}

// refuse answers what is malformed, without a body. The connection ends: nobody can tell where a next request would begin, and
// a proxy may have been of another mind (advisory 21).
func refuse(w http.ResponseWriter, status int) {
	w.Header()["Connection"] = closing
	bare(w, status)
}

func bare(w http.ResponseWriter, status int) {
	w.Header()["Content-Length"] = []string{"0"}
	w.WriteHeader(status)
}

func unknownPath(w http.ResponseWriter) {
	const body = "<UnknownOperationException/>\n"
	w.Header()["Content-Length"] = []string{"29"}
	w.Header()["Content-Type"] = []string{"text/xml"}
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte(body))
}

// preflight answers CORS as AWS does: anyone may ask, since every request is signed.
func preflight(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Origin") != "" {
		header := w.Header()
		header.Set("Access-Control-Allow-Origin", "*")
		header.Set("Access-Control-Allow-Methods", "GET, POST")
		header.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
		header.Set("Access-Control-Max-Age", "172800")
	}
	bare(w, http.StatusOK)
}

// NewID makes a version 4 UUID. It is a name, not a secret.
func NewID() string {
	const digits = "0123456789abcdef"
	var raw [16]byte
	binary.NativeEndian.PutUint64(raw[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(raw[8:], rand.Uint64())
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	id := [36]byte{8: '-', 13: '-', 18: '-', 23: '-'}
	at := 0
	for _, b := range raw {
		if id[at] == '-' {
			at++
		}
		id[at], id[at+1] = digits[b>>4], digits[b&15]
		at += 2
	}
	return string(id[:])
}

// Server is the API listener.
type Server struct {
	http *http.Server
	log  *slog.Logger
}

// New returns a server for the handler. tlsConfig is nil for plain HTTP.
func New(h http.Handler, tlsConfig *tls.Config, log *slog.Logger) *Server {
	s := &http.Server{
		Handler:        h,
		ReadTimeout:    readTimeout,
		WriteTimeout:   writeTimeout,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		TLSConfig:      tlsConfig,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		Protocols:      new(http.Protocols),
		// OPTIONS * is malformed here, as every target that is no path.
		DisableGeneralOptionsHandler: true,
	}
	s.Protocols.SetHTTP1(true) // HTTP/2 is off: advisory 23
	return &Server{http: s, log: log}
}

// Serve answers connections of l until Shutdown.
func (s *Server) Serve(l net.Listener) error {
	if s.http.TLSConfig != nil {
		c := s.http.TLSConfig.Clone()
		c.NextProtos = []string{"http/1.1"}
		l = tls.NewListener(l, c)
	}
	err := s.http.Serve(quiet{l})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving the API: %w", err)
}

// Shutdown takes no new connections and waits for the requests under way, until ctx ends; then they are cut.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return s.http.Close()
	}
	return nil
}
