package audit

import (
	"errors"
	"fmt"
	"os"
)

const (
	// reserveStep is how much space is reserved at once.
	reserveStep = 1 << 20
	// minReserved is how much stays reserved ahead of the end: the buffered lines that one write may bring along, and as
	// much again for the lines of the changes that are under way.
	minReserved = 2 * bufferSize
)

// errNoReserve is what a sink answers that cannot reserve space.
var errNoReserve = errors.New("space cannot be reserved")

// Ready reports whether something may be changed: nil as long as the last write went well and, where the system can promise it,
// space for the lines of the requests under way is the file's own, so that a full disk refuses a change before it is made.
// A log that failed tries again to write what it keeps. Ready promises no more than that: a disk may also break between the
// change and its line, which [Log.Write] then says.
func (l *Log) Ready() error {
	if l.ready.Load() {
		return nil
	}
	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.flush()
	if err := l.prepare(); err != nil {
		return fmt.Errorf("asking whether the audit log can be written: %w", err)
	}
	return nil
}

// prepare reserves space ahead and decides what Ready answers. The caller holds flushing.
func (l *Log) prepare() error {
	err := l.failure
	if err == nil {
		err = l.ahead()
		l.noteSpace(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		err = errClosed
	}
	l.ready.Store(err == nil)
	return err
}

// ahead keeps minReserved bytes after the end reserved. On a disk that is nearly full it is content with just that.
func (l *Log) ahead() error {
	if l.unreserved || l.reserved-l.size >= minReserved {
		return nil
	}
	err := l.out.Reserve(l.size, reserveStep)
	if err == nil {
		l.reserved = l.size + reserveStep
		return nil
	}
	if errors.Is(err, errNoReserve) {
		l.unreserved = true
		return nil
	}
	if err := l.out.Reserve(l.size, minReserved); err != nil {
		return fmt.Errorf("reserving space for audit lines: %w", err)
	}
	l.reserved = l.size + minReserved
	return nil
}

// noteSpace logs the first time that no space can be reserved, and the recovery from it.
func (l *Log) noteSpace(err error) {
	switch {
	case err != nil && !l.short:
		l.logger.Error("there is no space for the lines of the audit log to come: nothing is changed", "error", err)
	case err == nil && l.short:
		l.logger.Info("there is space again for the audit log")
	}
	l.short = err != nil
}

// file is a sink on a disk.
type file struct{ *os.File }

// Reserve implements sink.
func (f file) Reserve(offset, length int64) error { return reserve(f.File, offset, length) }
