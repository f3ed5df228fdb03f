package audit

import (
	"errors"
	"os"
	"syscall"
)

// keepSize is FALLOC_FL_KEEP_SIZE: the blocks are the file's, and its length stays.
const keepSize = 1

// reserve makes length bytes from offset on the file's own, so that writing them later needs no space. The length of the file
// stays. File systems without such a promise answer errNoReserve.
func reserve(f *os.File, offset, length int64) error {
	for {
		err := syscall.Fallocate(int(f.Fd()), keepSize, offset, length)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.ENODEV):
			return errNoReserve
		}
		return err
	}
}
