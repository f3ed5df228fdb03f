package peers

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stint-sts/stint/test/harness"
)

const (
	// readyLimit covers a machine that builds other things at the same time.
	readyLimit = time.Minute
	stopLimit  = 10 * time.Second
	pollEvery  = 20 * time.Millisecond
)

// printed collects what a process prints on both streams.
type printed struct {
	mu     sync.Mutex
	buffer bytes.Buffer // guarded by mu
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buffer.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buffer.String()
}

// start starts a program that serves, waits until ready says that it does, and ends it with the test.
func start(t *testing.T, env []string, ready func() error, program string, arguments ...string) {
	t.Helper()
	output := new(printed)
	command := exec.Command(program, arguments...)
	command.Env, command.Dir, command.Stdout, command.Stderr = env, t.TempDir(), output, output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(stopLimit):
			_ = command.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("%s printed:\n%s", filepath.Base(program), harness.Tail(output.String(), 4000))
		}
	})
	var err error
	for deadline := time.Now().Add(readyLimit); time.Now().Before(deadline); time.Sleep(pollEvery) {
		if err = ready(); err == nil {
			return
		}
		select {
		case failure := <-ended:
			ended <- failure
			t.Fatalf("%s ended before it was ready: %v", filepath.Base(program), failure)
		default:
		}
	}
	t.Fatalf("%s is not ready after %v: %v", filepath.Base(program), readyLimit, err)
}

// answers is a ready for what answers a GET with 200.
func answers(client *http.Client, url string) func() error {
	return func() error {
		_, err := fetch(client, url)
		return err
	}
}

// fetch is the body of what is at a URL.
func fetch(client *http.Client, url string) (string, error) {
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, response.Status, harness.Cut(string(body), 500))
	}
	return string(body), err
}

// freeAddress is a loopback address that nobody listens on, for programs that cannot choose one themselves.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
