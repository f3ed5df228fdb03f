package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// Options say where the log goes. Exactly one of Path and Stream is set.
type Options struct {
	// Path is the file. It is made with mode 0600, its folder with mode 0700; a file that is there is continued.
	Path string
	// Stream is written to instead, such as standard output; its chain begins with every start, and after a write that
	// stopped in the middle of a line it cannot be written any more.
	Stream io.Writer
	// Fsync waits for the disk before the success of what issues or changes anything is answered.
	Fsync bool
	// Now is the clock for the line that tells of a recovery.
	Now func() time.Time
	// Logger is told when the log cannot be written.
	Logger *slog.Logger
}

// Open opens the log and continues its chain. What a crash left of a last line is cut off, and a line tells of it. A file
// that is no audit log, whose last line was altered, or that another process writes, is refused.
func Open(o Options) (*Log, error) {
	switch {
	case (o.Path == "") == (o.Stream == nil):
		return nil, errors.New("opening the audit log: it needs either a path or a stream")
	case o.Stream != nil:
		return newLog(stream{o.Stream}, origin(), 0, false, o.Logger), nil
	}
	f, err := openFile(o.Path)
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	l, err := resume(f, o)
	if err != nil {
		return nil, fmt.Errorf("opening the audit log %s: %w", o.Path, errors.Join(err, f.Close()))
	}
	return l, nil
}

func openFile(path string) (*os.File, error) {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := prepare(f, folder); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// prepare makes the file this process's alone (advisory 127), and its name durable.
func prepare(f *os.File, folder string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a regular file")
	}
	if err := lock(f); err != nil {
		return fmt.Errorf("another process writes it: %w", err)
	}
	if err := f.Chmod(0o600); err != nil {
		return err
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// resume finds the end of the chain, and mends it.
func resume(f *os.File, o Options) (*Log, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	last, torn, err := readEnd(f, info.Size())
	if err != nil {
		return nil, err
	}
	l := newLog(file{f}, last, info.Size()-int64(len(torn)), o.Fsync, o.Logger)
	l.path = o.Path
	if len(torn) == 0 {
		return l, nil
	}
	r := newRecord().(*record)
	r.buildRecovery(o.Now(), torn)
	l.torn = true
	l.pending = append(l.pending, r)
	l.flushing.Lock()
	defer l.flushing.Unlock()
	r.waiting = true
	l.flush()
	if r.err != nil {
		return nil, fmt.Errorf("recovering from a half-written line: %w", r.err)
	}
	o.Logger.Warn("cut off what a crash left of the last line of the audit log", "bytes", len(torn))
	return l, nil
}

// readEnd returns the place of the last whole line in the chain, and what follows that line.
func readEnd(f io.ReaderAt, size int64) (last link, torn []byte, err error) {
	window := make([]byte, min(size, 2*maxLine+2))
	if _, err := f.ReadAt(window, size-int64(len(window))); err != nil && !errors.Is(err, io.EOF) {
		return link{}, nil, err
	}
	complete := int64(len(window)) == size
	end := bytes.LastIndexByte(window, '\n')
	torn = window[end+1:]
	if len(torn) > maxLine {
		return link{}, nil, errNotLine
	}
	if end < 0 {
		if !bytes.HasPrefix(torn, []byte(lineOpen)) && !bytes.HasPrefix([]byte(lineOpen), torn) {
			return link{}, nil, errNotLine // somebody else's file must not be cut
		}
		return origin(), torn, nil
	}
	start := bytes.LastIndexByte(window[:end], '\n')
	if start < 0 && !complete {
		return link{}, nil, errNotLine
	}
	last, _, err = parseLine(window[start+1 : end])
	if err != nil {
		return link{}, nil, fmt.Errorf("its last line: %w", err)
	}
	return last, torn, nil
}

// stream is a sink that cannot be cut back.
type stream struct{ io.Writer }

func (stream) Truncate(int64) error { return errors.New("a stream cannot be cut back") }
func (stream) Sync() error          { return nil }
func (stream) Close() error         { return nil }

func (stream) Reserve(int64, int64) error { return errNoReserve }
