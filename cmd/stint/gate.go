package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/gate/forward"
	"github.com/stint-sts/stint/relying"
	"github.com/stint-sts/stint/sigv4"
)

func newGate() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "gate",
		Short: "Answer proxies that ask whether a request may pass",
		Long: `Answers nginx (auth_request), Traefik and Caddy (forward_auth), and Envoy (ext_authz over HTTP and gRPC) whether a signed request may
pass. The rules of its configuration file say what a request needs permission for; Stint says who calls and what that
principal's policies are. The gate is an IAM principal itself, with stint:GetSigningKey, stint:GetCallerPolicies and
stint:WatchChanges.`,
		Example: `  stint gate --config /etc/stint/gate.yaml`,
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			settings, err := config.LoadGate(path)
			if err != nil {
				return err
			}
			return unlessStopped(c.Context(), runGate(c.Context(), settings, newLog(c.ErrOrStderr(), settings.Log)))
		},
	}
	c.Flags().StringVar(&path, "config", "/etc/stint/gate.yaml", "configuration file; docs/relying/gate.yaml is one to start from")
	return c
}

// runGate serves until ctx ends.
func runGate(ctx context.Context, settings *config.Gate, log *slog.Logger) (err error) {
	certificate, _, err := serverTLS(settings.TLS)
	if err != nil {
		return err
	}
	client, err := gateClient(settings.Stint.CA)
	if err != nil {
		return err
	}
	own := gateCredentials(settings.Stint.Credentials)
	if _, err := own(ctx); err != nil {
		return err
	}
	verifier, err := relying.New(relying.Config{
		Endpoint: settings.Stint.Endpoint, Region: settings.Stint.Region, Service: settings.Stint.Service,
		Credentials: own, HTTP: client, Now: time.Now, WithoutBody: true,
		MaxAge:          time.Duration(settings.Stint.MaxAge) * time.Second,
		StaticStability: time.Duration(settings.Stint.StaticStability) * time.Second,
	})
	if err != nil {
		return err
	}
	g, err := forward.New(settings, verifier, time.Now, log)
	if err != nil {
		return err
	}
	services := &gateServices{log: log, failed: make(chan error, 4)} // of three listeners and the stream of changes
	defer func() { err = errors.Join(err, services.stop(context.WithoutCancel(ctx))) }()
	if err := services.http(settings.Listen, certificate, g.Handler()); err != nil {
		return err
	}
	if settings.GRPC != "" {
		if err := services.grpc(settings.GRPC, certificate, g); err != nil {
			return err
		}
	}
	if settings.Health != "" {
		if err := services.http(settings.Health, nil, http.HandlerFunc(healthy)); err != nil {
			return err
		}
	}
	following, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := verifier.Run(following); err != nil && following.Err() == nil {
			services.failed <- fmt.Errorf("following the changes: %w", err)
		}
	}()
	defer func() {
		cancel()
		<-ended
	}()
	log.Info("serving", "address", services.addresses, "tls", certificate != nil, "rules", len(settings.Rules))
	select {
	case err := <-services.failed:
		return err
	case <-ctx.Done():
		log.Info("stopping")
		return nil
	}
}

// healthy answers whether the gate runs.
func healthy(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/healthz" {
		http.NotFound(w, r)
		return
	}
	_, _ = io.WriteString(w, "ok\n") // who asks may be gone
}

// gateServices are the listeners of a gate.
type gateServices struct {
	log       *slog.Logger
	addresses []string
	failed    chan error
	stops     []func(context.Context) error
}

// http serves a handler on an address.
func (s *gateServices) http(address string, certificate *tls.Config, h http.Handler) error {
	l, err := s.listen(address)
	if err != nil {
		return err
	}
	if certificate != nil {
		l = tls.NewListener(l, certificate)
	}
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		// A proxy asks with the path as it came: no mux, which would clean it.
		DisableGeneralOptionsHandler: true,
	}
	s.stops = append(s.stops, server.Shutdown)
	s.run(func() error { return server.Serve(l) }, http.ErrServerClosed)
	return nil
}

// grpc serves Envoy on an address.
func (s *gateServices) grpc(address string, certificate *tls.Config, g *forward.Gate) error {
	l, err := s.listen(address)
	if err != nil {
		return err
	}
	options := []grpc.ServerOption{grpc.MaxRecvMsgSize(1 << 20), grpc.MaxConcurrentStreams(1000), grpc.ConnectionTimeout(10 * time.Second)}
	if certificate != nil {
		certificate = certificate.Clone()
		certificate.NextProtos = []string{"h2"}
		options = append(options, grpc.Creds(credentials.NewTLS(certificate)))
	}
	server := grpc.NewServer(options...)
	g.Register(server)
	s.stops = append(s.stops, func(ctx context.Context) error {
		defer context.AfterFunc(ctx, server.Stop)()
		server.GracefulStop()
		return ctx.Err()
	})
	s.run(func() error { return server.Serve(l) }, grpc.ErrServerStopped)
	return nil
}

func (s *gateServices) listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("starting: %w", err)
	}
	s.addresses = append(s.addresses, l.Addr().String())
	return l, nil
}

// run serves until it is stopped; any other end is reported.
func (s *gateServices) run(serve func() error, stopped error) {
	go func() {
		if err := serve(); err != nil && !errors.Is(err, stopped) {
			s.failed <- fmt.Errorf("serving: %w", err)
		}
	}()
}

// stop lets what is under way end.
func (s *gateServices) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, shutdownPatience)
	defer cancel()
	var errs []error
	for _, stop := range s.stops {
		errs = append(errs, stop(ctx))
	}
	return errors.Join(errs...)
}

// gateClient is what the gate reaches Stint with.
func gateClient(ca string) (*http.Client, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("reading the authorities of Stint's certificate: %w", err)
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("reading the authorities of Stint's certificate: %s has none", ca)
		}
	}
	return &http.Client{
		// The stream of changes has no end; what else is asked is ended by its context.
		Transport: &http.Transport{TLSClientConfig: settings, TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("a redirect, which Stint does not send")
		},
	}, nil
}

// gateCredentials are the gate's own: of a file, which is read each time so that it can be replaced, or of the environment.
func gateCredentials(path string) func(context.Context) (sigv4.Credentials, error) {
	return func(context.Context) (sigv4.Credentials, error) {
		lookup := os.Getenv
		if path != "" {
			values, err := readVariables(path)
			if err != nil {
				return sigv4.Credentials{}, fmt.Errorf("reading the gate's credentials: %w", err)
			}
			lookup = func(name string) string { return values[name] }
		}
		id, secret, token := lookup("AWS_ACCESS_KEY_ID"), lookup("AWS_SECRET_ACCESS_KEY"), lookup("AWS_SESSION_TOKEN")
		if id == "" || secret == "" {
			err := errors.New("the gate has no credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are needed")
			return sigv4.Credentials{}, withHint(err, "give them in the environment, or in the file of stint.credentials")
		}
		return sigv4.NewCredentials(id, secret, token), nil
	}
}

// readVariables reads KEY=VALUE lines of a file that is closed to others.
func readVariables(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, withHint(fmt.Errorf("%s has mode %v: others can read it", path, info.Mode()), "chmod go= %s, and think about who may have read it", path)
	}
	values := make(map[string]string)
	lines := bufio.NewScanner(io.LimitReader(f, 64<<10))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("%s has a line that is not KEY=VALUE", path)
		}
		values[name] = value
	}
	return values, lines.Err()
}
