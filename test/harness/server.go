package harness

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startLimit = 20 * time.Second
	// StopLimit is how long a server may take to end after SIGTERM.
	StopLimit = 10 * time.Second
	pollEvery = 3 * time.Millisecond
	// Region is where requests are signed for unless a test says otherwise.
	Region = "us-east-1"
)

// Options say how to start a server.
type Options struct {
	Directory   []byte        // the directory file, empty for none
	Data        string        // the data directory, empty for one that ends with the test
	ClockOffset time.Duration // how far the server's clock is shifted
	Arguments   []string      // further arguments of stint dev
}

// Server is a running stint dev.
type Server struct {
	Address string // host:port of the API listener
	Admin   Credentials
	Account string
	Data    string
	Offset  time.Duration
	Started time.Duration // from the start of the process to its env file

	command *exec.Cmd
	ended   chan error
	output  *output
}

// output collects what the process prints on both streams, which it writes at the same time.
type output struct {
	mu     sync.Mutex
	buffer bytes.Buffer // guarded by mu
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

// Start starts a server and waits until it answers. The test's end stops it.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	server, err := Launch(options, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the server printed:\n%s", Tail(server.Output(), 4000))
		}
	})
	return server
}

// Launch starts a server with its files under dir and waits until it answers. The caller stops it.
func Launch(options Options, dir string) (*Server, error) {
	s := &Server{Data: options.Data, Offset: options.ClockOffset, ended: make(chan error, 1), output: &output{}}
	if s.Data == "" {
		s.Data = filepath.Join(dir, "data")
	}
	environment := filepath.Join(dir, "env")
	if err := os.Remove(environment); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("removing an older env file: %w", err)
	}
	arguments := []string{"dev", "--listen", "127.0.0.1:0", "--data", s.Data, "--env-file", environment}
	if len(options.Directory) > 0 {
		file := filepath.Join(dir, "directory.yaml")
		if err := os.WriteFile(file, options.Directory, 0o600); err != nil {
			return nil, fmt.Errorf("writing the directory file: %w", err)
		}
		arguments = append(arguments, "--directory", file)
	}
	if options.ClockOffset != 0 {
		arguments = append(arguments, "--clock-offset", options.ClockOffset.String())
	}
	s.command = exec.Command(builtBinary, append(arguments, options.Arguments...)...)
	s.command.Env = Environment()
	s.command.Stdout, s.command.Stderr = s.output, s.output
	begun := time.Now()
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	go func() { s.ended <- s.command.Wait() }()
	if err := s.await(environment, begun); err != nil {
		_ = s.Stop()
		return nil, err
	}
	return s, nil
}

// Environment is this process's environment without what would steer an AWS client or a proxy.
func Environment() []string {
	var kept []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		upper := strings.ToUpper(name)
		if strings.HasPrefix(upper, "AWS_") || strings.HasSuffix(upper, "_PROXY") || strings.HasPrefix(upper, "STINT_") {
			continue
		}
		kept = append(kept, entry)
	}
	return kept
}

func (s *Server) await(environment string, begun time.Time) error {
	for deadline := begun.Add(startLimit); time.Now().Before(deadline); {
		content, err := os.ReadFile(environment)
		if err == nil {
			s.Started = time.Since(begun)
			return s.read(string(content))
		}
		select {
		case err := <-s.ended:
			s.ended <- err
			return fmt.Errorf("the server ended before it answered: %v\n%s", err, s.Output())
		case <-time.After(pollEvery):
		}
	}
	return fmt.Errorf("no env file after %v\n%s", startLimit, s.Output())
}

// read takes the env file, which must be whole when it appears.
func (s *Server) read(content string) error {
	values := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(content))
	for lines.Scan() {
		name, value, found := strings.Cut(lines.Text(), "=")
		if found {
			values[name] = value
		}
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL", "STINT_ACCOUNT_ID"} {
		if values[name] == "" {
			return fmt.Errorf("the env file lacks %s:\n%s", name, content)
		}
	}
	s.Admin = Credentials{AccessKeyID: values["AWS_ACCESS_KEY_ID"], SecretAccessKey: values["AWS_SECRET_ACCESS_KEY"]}
	s.Account = values["STINT_ACCOUNT_ID"]
	s.Address = strings.TrimSuffix(strings.TrimPrefix(values["AWS_ENDPOINT_URL"], "http://"), "/")
	return nil
}

// URL is the endpoint that a client is given.
func (s *Server) URL() string { return "http://" + s.Address }

// Output is what the process printed so far.
func (s *Server) Output() string { return s.output.String() }

// PID is the process id.
func (s *Server) PID() int { return s.command.Process.Pid }

// Now is the server's time.
func (s *Server) Now() time.Time { return time.Now().Add(s.Offset) }

// Stop sends SIGTERM and waits; a server that has not ended in time is killed, and that is an error. Stopping twice is
// the same as once.
func (s *Server) Stop() error {
	select {
	case err := <-s.ended:
		s.ended <- err
		return nil
	default:
	}
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("sending SIGTERM: %w", err)
	}
	select {
	case err := <-s.ended:
		s.ended <- err
		if err != nil {
			return fmt.Errorf("the server ended after SIGTERM with %w\n%s", err, Cut(s.Output(), 4000))
		}
		return nil
	case <-time.After(StopLimit):
		_ = s.command.Process.Kill()
		s.ended <- <-s.ended
		return fmt.Errorf("the server still ran %v after SIGTERM\n%s", StopLimit, Cut(s.Output(), 4000))
	}
}

// Kill ends the process without giving it a chance to finish anything.
func (s *Server) Kill() error {
	if err := s.command.Process.Kill(); err != nil {
		return fmt.Errorf("killing the server: %w", err)
	}
	s.ended <- <-s.ended
	return nil
}

// Send writes the request and reads the answer.
func (s *Server) Send(r *Request) (*Response, error) {
	return Exchange(s.Address, r.Method, r.Bytes(s.Address))
}

// Signing is the honest way to sign for this server.
func (s *Server) Signing(credentials Credentials, service string) Signing {
	return Signing{Credentials: credentials, Host: s.Address, At: s.Now(), Region: Region, Service: service}
}

const (
	stsVersion = "2011-06-15"
	iamVersion = "2010-05-08"
)

// Version is the API version of a service, sts or iam.
func Version(service string) string {
	if service == "iam" {
		return iamVersion
	}
	return stsVersion
}

// Call signs and sends one operation as a form POST.
func (s *Server) Call(credentials Credentials, service, action string, fields ...Field) (*Response, error) {
	request := NewPost(append([]Field{{"Action", action}, {"Version", Version(service)}}, fields...)...)
	Sign(request, s.Signing(credentials, service))
	return s.Send(request)
}
