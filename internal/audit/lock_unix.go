//go:build unix

package audit

import (
	"os"
	"syscall"
)

// lock keeps other processes from the file until it is closed: two writers would fork the chain.
func lock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
