// Package admin is the second listener: whether a node lives and may be sent requests, its metrics, and its profiles.
//
// It has a table of paths and nothing else, answers GET and HEAD alone, changes nothing and knows no secret. Who may reach it is
// decided by where it listens; on loopback it answers to no name but an address or localhost, so that no page of a browser can read it
// through a name of its own.
package admin

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"
)

// Check is one condition of readiness.
type Check struct {
	Name string
	// Run says what is wrong, or nil. It waits for no network.
	Run func() error
	// Advisory checks are shown and make no node unready: without its store, for one, a node goes on answering.
	Advisory bool
}

// Handler answers on the second listener.
type Handler struct {
	routes   map[string]http.Handler
	loopback bool
}

// NewHandler returns a Handler. loopback is set if only this machine reaches it.
func NewHandler(checks []Check, metrics http.Handler, loopback bool) *Handler {
	routes := map[string]http.Handler{
		"/healthz": http.HandlerFunc(healthy),
		"/readyz":  ready(checks),
		"/metrics": metrics,

		"/debug/pprof/":        http.HandlerFunc(pprof.Index),
		"/debug/pprof/profile": http.HandlerFunc(pprof.Profile),
		"/debug/pprof/symbol":  http.HandlerFunc(pprof.Symbol),
		"/debug/pprof/trace":   http.HandlerFunc(pprof.Trace),
	}
	for _, name := range []string{"allocs", "block", "goroutine", "heap", "mutex", "threadcreate"} {
		routes["/debug/pprof/"+name] = pprof.Handler(name)
	}
	return &Handler{routes: routes, loopback: loopback}
}

// ServeHTTP answers by the table.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	route, ok := h.routes[r.URL.Path]
	switch {
	case h.loopback && !local(r.Host):
		http.Error(w, "unknown host", http.StatusMisdirectedRequest)
	case !ok:
		http.Error(w, "not found", http.StatusNotFound)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	default:
		w.Header().Set("Cache-Control", "no-store")
		route.ServeHTTP(w, r)
	}
}

// local reports whether a Host header is an address or localhost, which no name service can give to somebody else.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(host)
	return err == nil || host == "localhost" || host == ""
}

func healthy(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]bool{"alive": true})
}

// result is one check in the answer.
type result struct {
	Name     string `json:"name"`
	OK       bool   `json:"ok"`
	Advisory bool   `json:"advisory,omitempty"`
	Error    string `json:"error,omitempty"`
}

func ready(checks []Check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		body := struct {
			Ready  bool     `json:"ready"`
			Checks []result `json:"checks"`
		}{Ready: true}
		for _, c := range checks {
			r := result{Name: c.Name, OK: true, Advisory: c.Advisory}
			if err := c.Run(); err != nil {
				r.OK, r.Error = false, err.Error()
				body.Ready = body.Ready && c.Advisory
			}
			body.Checks = append(body.Checks, r)
		}
		status := http.StatusOK
		if !body.Ready {
			status = http.StatusServiceUnavailable
		}
		answer(w, status, body)
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

const (
	headerTimeout = 10 * time.Second
	// writeTimeout leaves room for a profile of some minutes.
	writeTimeout   = 10 * time.Minute
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 16 << 10
)

// Server is the second listener.
type Server struct{ http *http.Server }

// NewServer returns a server for the handler. tlsConfig is nil for plain HTTP.
func NewServer(h http.Handler, tlsConfig *tls.Config, log *slog.Logger) *Server {
	return &Server{&http.Server{
		Handler: h, TLSConfig: tlsConfig, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: headerTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
	}}
}

// Serve answers connections of l until Shutdown.
func (s *Server) Serve(l net.Listener) error {
	if s.http.TLSConfig != nil {
		l = tls.NewListener(l, s.http.TLSConfig)
	}
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the admin listener: %w", err)
	}
	return nil
}

// Shutdown takes no new connections and waits for the requests under way, until ctx ends; then they are cut.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return s.http.Close()
	}
	return nil
}
