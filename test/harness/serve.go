package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// ServeOptions say how to set up a production server.
type ServeOptions struct {
	// Config is the configuration file without listen, data and root_key.
	Config string
	// Directory is the directory file, empty for none.
	Directory string
	// Account is that of the first administrator.
	Account string
	// Listen is the address of the API, a free port of loopback if empty.
	Listen string
}

var servingPattern = regexp.MustCompile(`msg=serving address=(\S+)`)

// Serve sets a deployment up as an operator does, with stint init and stint apply, starts stint serve on a free port of
// loopback and waits until it serves. The test's end stops it.
func Serve(t testing.TB, options ServeOptions) *Server {
	t.Helper()
	dir := t.TempDir()
	s := &Server{Account: options.Account, Data: filepath.Join(dir, "data"), ended: make(chan error, 1), output: &output{}}
	config := filepath.Join(dir, "stint.yaml")
	listen := options.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	writeFile(t, config, "listen: "+listen+"\ndata: data\nroot_key: {file: root.key}\n"+options.Config)
	printed, err := Run("init", "--config", config, "--account", options.Account)
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	for line := range strings.Lines(printed) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), "="); name {
		case "AWS_ACCESS_KEY_ID":
			s.Admin.AccessKeyID = value
		case "AWS_SECRET_ACCESS_KEY":
			s.Admin.SecretAccessKey = value
		}
	}
	if options.Directory != "" {
		file := filepath.Join(dir, "directory.yaml")
		writeFile(t, file, options.Directory)
		if printed, err := Run("apply", "--config", config, "-f", file); err != nil {
			t.Fatalf("%v\n%s", err, printed)
		}
	}
	s.command = exec.Command(builtBinary, "serve", "--config", config)
	s.command.Env = Environment()
	s.command.Stdout, s.command.Stderr = s.output, s.output
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.command.Wait() }()
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the server printed:\n%s", Tail(s.Output(), 4000))
		}
	})
	if s.Address, err = s.serving(); err != nil {
		t.Fatal(err)
	}
	return s
}

// serving waits until the log says where the server listens.
func (s *Server) serving() (string, error) {
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(pollEvery) {
		if found := servingPattern.FindStringSubmatch(s.Output()); found != nil {
			return found[1], nil
		}
		select {
		case err := <-s.ended:
			s.ended <- err
			return "", fmt.Errorf("the server ended before it served: %v\n%s", err, s.Output())
		default:
		}
	}
	return "", fmt.Errorf("the server does not serve after %v\n%s", startLimit, s.Output())
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
