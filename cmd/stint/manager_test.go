//go:build unix

package main

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/config"
)

// told waits for a state that the service manager is told. Others before it are passed over.
func told(t *testing.T, socket *net.UnixConn, state string) {
	t.Helper()
	if err := socket.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for b := make([]byte, 200); ; {
		n, err := socket.Read(b)
		if err != nil {
			t.Fatalf("waiting for %s: %v", state, err)
		}
		if strings.HasPrefix(string(b[:n]), state) {
			return
		}
	}
}

// A server under a service manager takes the sockets that were opened for it, tells when it is ready, reloads and ends, feeds the
// watchdog, and while it drains answers requests but does not want any.
func TestServiceManager(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stint := filepath.Join(dir, "stint")
	if err := os.Symlink(program, stint); err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(dir, "stint.yaml")
	text := "data: data\nroot_key: {file: root.key}\ndrain_delay: 300\n"
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(stint, "init", "--config", settings).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	path := filepath.Join(dir, "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	var addresses []string
	var files []*os.File
	for range 2 {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		f, err := l.File()
		if err != nil {
			t.Fatal(err)
		}
		addresses, files = append(addresses, l.Addr().String()), append(files, f)
		_ = l.Close()
	}
	// The manager sets LISTEN_PID between fork and exec, which a shell does here.
	c := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" serve --config "$1"`, stint, settings)
	c.ExtraFiles = files
	c.Env = append(os.Environ(), "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=100000", "LISTEN_FDS=2", "LISTEN_FDNAMES=api:admin")
	var log bytes.Buffer
	c.Stderr = &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	}()
	for _, f := range files {
		_ = f.Close()
	}
	api, admin := addresses[0], addresses[1]
	told(t, socket, "READY=1")
	if status, body := fetch(t, admin, http.MethodGet, "/readyz", ""); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	told(t, socket, "WATCHDOG=1")
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	told(t, socket, "RELOADING=1\nMONOTONIC_USEC=")
	told(t, socket, "READY=1")
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	told(t, socket, "STOPPING=1")
	if status, body := fetch(t, admin, http.MethodGet, "/readyz", ""); status != http.StatusServiceUnavailable || !strings.Contains(body, errDraining.Error()) {
		t.Errorf("while it drains: %d %s", status, body)
	}
	if status, body := fetch(t, api, http.MethodGet, "/", ""); status != http.StatusFound {
		t.Errorf("while it drains the API answers %d %s", status, body)
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil { // a second one ends it at once
		t.Fatal(err)
	}
	if err := c.Wait(); err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("it ended with %v", err)
	}
	if strings.Contains(log.String(), "level=ERROR") || strings.Contains(log.String(), "level=WARN") {
		t.Error("something went wrong")
	}
}

// What the configuration could not open is not taken from the service manager either.
func TestPassedSockets(t *testing.T) {
	t.Parallel()
	open, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	loopback, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unix, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		sockets sockets
		reason  string // empty if it is taken
	}{
		"loopback":                 {sockets{loopback, loopback}, ""},
		"admin on a unix socket":   {sockets{loopback, unix}, ""},
		"API for everybody":        {sockets{open, nil}, "is not loopback: give tls"},
		"admin for everybody":      {sockets{loopback, open}, "is not loopback: give admin.tls"},
		"API without an address":   {sockets{unix, nil}, "by TCP alone"},
		"none: the configured one": {sockets{}, ""},
	} {
		err := test.sockets.allowed(new(config.Config))
		if (err == nil) != (test.reason == "") || err != nil && !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v, want %q", name, err, test.reason)
		}
	}
	for _, l := range []net.Listener{open, loopback, unix} {
		_ = l.Close()
	}
}
