//go:build unix

package login

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// private refuses what is not the user's own, or open to anybody else.
func private(path string, info fs.FileInfo) error {
	if s, ok := info.Sys().(*syscall.Stat_t); !ok || int(s.Uid) != os.Geteuid() {
		return fmt.Errorf("%w: %s belongs to another user", ErrExposed, path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%w: %s has mode %v", ErrExposed, path, mode)
	}
	return nil
}

// lock waits until no other process has the file locked. It is unlocked when it is closed.
func lock(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != syscall.EINTR { //nolint:errorlint // never wrapped
			return err
		}
	}
}
