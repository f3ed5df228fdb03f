//go:build unix

package systemd

import (
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestNotify(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	m := New(environment(map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}), 7)
	if m.Watchdog() != 15*time.Second {
		t.Errorf("the watchdog is %v", m.Watchdog())
	}
	for _, state := range []string{Ready, Reloading(1500 * time.Microsecond), Stopping, Alive} {
		if err := m.Notify(state); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 100)
		n, err := socket.Read(b)
		if err != nil || string(b[:n]) != state {
			t.Errorf("%q came as %q, %v", state, b[:n], err)
		}
	}
	if got := Reloading(1500 * time.Microsecond); got != "RELOADING=1\nMONOTONIC_USEC=1500" {
		t.Errorf("%q", got)
	}
	if New(environment(map[string]string{"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}), 7).Watchdog() != 0 {
		t.Error("another process's watchdog was taken")
	}
	if err := New(environment(nil), 7).Notify(Ready); err != nil {
		t.Errorf("without a service manager: %v", err)
	}
	if New(environment(map[string]string{"NOTIFY_SOCKET": path + "x"}), 7).Notify(Ready) == nil {
		t.Error("a socket that is not there was told")
	}
}

// passed opens sockets as a service manager does, and returns the number of the first.
func passed(t *testing.T, n int) (first int, address []string) {
	t.Helper()
	const at = 200 // above what this process has open
	for i := range n {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		f, err := l.File()
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Dup2(int(f.Fd()), at+i); err != nil {
			t.Fatal(err)
		}
		address = append(address, l.Addr().String())
		_ = f.Close()
		_ = l.Close()
	}
	return at, address
}

func TestListeners(t *testing.T) {
	t.Parallel()
	first, addresses := passed(t, 2)
	found, err := listeners(environment(map[string]string{"LISTEN_FDS": "2", "LISTEN_FDNAMES": "api:admin"}), first)
	if err != nil || len(found) != 2 {
		t.Fatalf("%v, %v", found, err)
	}
	for i, name := range []string{"api", "admin"} {
		l := found[name]
		if l == nil || l.Addr().String() != addresses[i] {
			t.Fatalf("%s is %v, want %s", name, l, addresses[i])
		}
		client, err := net.Dial("tcp", addresses[i])
		if err != nil {
			t.Fatal(err)
		}
		served, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = client.Close()
		_ = served.Close()
		_ = l.Close()
	}
	if found, err := Listeners(environment(map[string]string{"LISTEN_PID": "8", "LISTEN_FDS": "1"}), 7); found != nil || err != nil {
		t.Errorf("another process's sockets: %v, %v", found, err)
	}
	for _, n := range []string{"", "0", "-1", "x", "17"} {
		if _, err := listeners(environment(map[string]string{"LISTEN_FDS": n}), first); err == nil {
			t.Errorf("LISTEN_FDS=%q was taken", n)
		}
	}
}
