// Package systemd speaks to the service manager that started the process: it tells of the process's state (sd_notify), and takes the
// sockets that were opened for it (socket activation). Without a service manager all of it does nothing.
package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Manager is the service manager, as the process's environment describes it.
type Manager struct {
	socket   string
	watchdog time.Duration
}

// New reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID (sd_notify(3), sd_watchdog_enabled(3)).
func New(getenv func(string) string, pid int) *Manager {
	m := &Manager{socket: getenv("NOTIFY_SOCKET")}
	micros, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	if watched := getenv("WATCHDOG_PID"); err == nil && micros > 0 && (watched == "" || watched == strconv.Itoa(pid)) {
		m.watchdog = time.Duration(micros) * time.Microsecond
	}
	return m
}

// The states that are told.
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
	Alive    = "WATCHDOG=1"
)

// Reloading is the state of a reload that begins, at a time of the monotonic clock. Ready ends it.
func Reloading(monotonic time.Duration) string {
	return "RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(monotonic.Microseconds(), 10)
}

// Watchdog returns how often Alive is to be told; 0 for never. It is half of the time after which the process is held for dead.
func (m *Manager) Watchdog() time.Duration { return m.watchdog / 2 }

// Notify tells a state.
func (m *Manager) Notify(state string) error {
	if m.socket == "" {
		return nil
	}
	name := m.socket
	if strings.HasPrefix(name, "@") { // an abstract socket
		name = "\x00" + name[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("telling the service manager: %w", err)
	}
	_, err = c.Write([]byte(state))
	if err := errors.Join(err, c.Close()); err != nil {
		return fmt.Errorf("telling the service manager: %w", err)
	}
	return nil
}

// maxSockets is more than a unit of Stint has.
const maxSockets = 16

// firstSocket is SD_LISTEN_FDS_START.
const firstSocket = 3

// Listeners returns the sockets that the service manager opened, by their FileDescriptorName (sd_listen_fds_with_names(3)): nil if
// there are none. One without a name is "unknown".
func Listeners(getenv func(string) string, pid int) (map[string]net.Listener, error) {
	if getenv("LISTEN_PID") != strconv.Itoa(pid) {
		return nil, nil
	}
	return listeners(getenv, firstSocket)
}

func listeners(getenv func(string) string, first int) (map[string]net.Listener, error) {
	const doing = "taking the service manager's sockets"
	n, err := strconv.Atoi(getenv("LISTEN_FDS"))
	if err != nil || n < 1 || n > maxSockets {
		return nil, fmt.Errorf("%s: LISTEN_FDS is no number from 1 to %d", doing, maxSockets)
	}
	names := strings.Split(getenv("LISTEN_FDNAMES"), ":")
	found := make(map[string]net.Listener, n)
	for i := range n {
		name := "unknown"
		if i < len(names) && names[i] != "" {
			name = names[i]
		}
		l, err := listener(first+i, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", doing, name, err)
		}
		if _, twice := found[name]; twice {
			return nil, fmt.Errorf("%s: two have the name %q", doing, name)
		}
		found[name] = l
	}
	return found, nil
}

func listener(fd int, name string) (net.Listener, error) {
	closeOnExec(fd)
	f := os.NewFile(uintptr(fd), name)
	if f == nil {
		return nil, errors.New("it is not open")
	}
	l, err := net.FileListener(f)
	return l, errors.Join(err, f.Close())
}
