package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// BufferTime is how long the line of an event that neither issued nor changed anything may stay in memory.
	BufferTime = 100 * time.Millisecond
	// bufferSize is how many bytes of such lines may wait; the next event writes them itself.
	bufferSize = 256 << 10
	// maxKept is the largest buffer that is kept for re-use.
	maxKept = 1 << 20
	// maxKeptLine is the same of a single line.
	maxKeptLine = 16 << 10
)

var errClosed = errors.New("the audit log is closed")

// sink is where the lines go: a file, or a stream that cannot be cut back.
type sink interface {
	io.Writer
	Truncate(size int64) error
	Sync() error
	// Reserve keeps space for length bytes from offset on, or answers errNoReserve if it cannot promise that.
	Reserve(offset, length int64) error
	Close() error
}

// Log is an open audit log. It is safe for concurrent use.
//
// The two locks are taken in the order flushing, mu. Building a line takes neither; queueing it takes mu for an append.
type Log struct {
	fsync  bool
	path   string // of the file; empty for a stream
	logger *slog.Logger
	pool   sync.Pool // of *record
	// ready is what Ready answers; whoever holds flushing writes it.
	ready atomic.Bool
	// written is the number of the last line that was written, failures how often lines could not be; whoever holds flushing writes them.
	written, failures atomic.Uint64

	mu           sync.Mutex
	pending      []*record // in the order of the chain; guarded by mu
	pendingBytes int       // guarded by mu
	armed        bool      // the timer runs; guarded by mu
	closed       bool      // guarded by mu
	timer        *time.Timer

	flushing sync.Mutex
	out      sink      // guarded by flushing, as is all that follows
	last     link      // of the last line that is written
	size     int64     // of the file up to there
	torn     bool      // there is something after it that must be cut off first
	batch    []byte    // for re-use
	spare    []*record // for re-use
	failure  error     // of the last flush
	reserved int64     // up to here the file has space
	// unreserved is set once the sink says that it cannot reserve; short while it has no space to reserve.
	unreserved, short bool
}

func newLog(out sink, last link, size int64, fsync bool, logger *slog.Logger) *Log {
	l := &Log{fsync: fsync, logger: logger, out: out, last: last, size: size}
	l.written.Store(last.sequence)
	l.pool.New = newRecord
	l.timer = time.AfterFunc(time.Hour, l.flushBuffered)
	l.timer.Stop()
	return l
}

// Write adds an event. If it returns nil for an event that issued credentials or changed something, the line has been handed
// to the operating system, and is on disk with Options.Fsync; else the line is not in the log, and the caller must issue
// nothing. The lines of other events, refusals among them, are written within BufferTime if possible and kept until it is.
// A context that is done does not stop a line: what happened is written down.
func (l *Log) Write(_ context.Context, e *Event) error {
	r := l.pool.Get().(*record)
	r.reset()
	if e.deferrable() {
		r.keep(e)
	} else {
		r.build(e)
	}
	if len(r.line) > maxLine-len(chainOpen)-len(previousOpen)-len(hashOpen)-2*hashLength-64 {
		return errors.New("writing an audit line: it is too long")
	}
	waiting, err := l.enqueue(r, e.urgent())
	if err != nil {
		return fmt.Errorf("writing an audit line: %w", err)
	}
	if !waiting {
		return nil
	}
	l.flushing.Lock()
	if !r.done {
		l.flush()
	}
	err = r.err
	l.flushing.Unlock()
	l.release(r)
	if err != nil {
		return fmt.Errorf("writing an audit line: %w", err)
	}
	return nil
}

// enqueue adds the record to the queue and says whether its writer must wait for it.
func (l *Log) enqueue(r *record, urgent bool) (waiting bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false, errClosed
	}
	waiting = urgent || l.pendingBytes > bufferSize
	r.waiting = waiting
	l.pending = append(l.pending, r)
	l.pendingBytes += r.size()
	if !waiting {
		l.arm()
	}
	return waiting, nil
}

// arm starts the timer for what is buffered. The caller holds mu.
func (l *Log) arm() {
	if !l.armed && !l.closed {
		l.armed = true
		l.timer.Reset(BufferTime)
	}
}

func (l *Log) flushBuffered() {
	l.mu.Lock()
	l.armed = false
	l.mu.Unlock()
	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.flush()
}

// flush writes everything that is queued in one write: whoever comes first works for all who wait. The caller holds
// flushing.
func (l *Log) flush() {
	l.mu.Lock()
	records := l.pending
	l.pending, l.pendingBytes = l.spare[:0], 0
	l.mu.Unlock()
	l.spare = nil
	if len(records) == 0 {
		l.spare = records
		return
	}
	next, batch := l.last, l.batch[:0]
	for _, r := range records {
		r.finish()
		batch = next.append(batch, r)
	}
	err := l.put(batch)
	if err == nil {
		l.last = next
		l.size += int64(len(batch))
	}
	if cap(batch) <= maxKept {
		l.batch = batch
	}
	l.note(err)
	l.settle(records, err)
	if !l.short { // then Ready tries anew, when it is asked
		_ = l.prepare()
	}
}

// put writes the batch whole or not at all.
func (l *Log) put(batch []byte) error {
	if err := l.mend(); err != nil {
		return err
	}
	n, err := l.out.Write(batch)
	if err == nil && n < len(batch) {
		err = io.ErrShortWrite
	}
	if err == nil && l.fsync {
		err = l.out.Sync()
	}
	if err != nil && n > 0 {
		l.torn = true
		if mendErr := l.mend(); mendErr != nil {
			err = errors.Join(err, mendErr)
		}
	}
	return err
}

// mend cuts off what a failed write left after the last line.
func (l *Log) mend() error {
	if !l.torn {
		return nil
	}
	if err := l.out.Truncate(l.size); err != nil {
		return fmt.Errorf("cutting off a half-written line: %w", err)
	}
	l.torn, l.reserved = false, l.size // what was reserved is cut off too
	return nil
}

// settle tells those who wait, and puts back what nobody waits for if it was not written.
func (l *Log) settle(records []*record, err error) {
	var kept []*record
	for _, r := range records {
		switch {
		case r.waiting:
			r.done, r.err = true, err
		case err == nil:
			l.release(r)
		default:
			r.rehash()
			kept = append(kept, r)
		}
	}
	clear(records)
	l.spare = records[:0]
	if len(kept) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(kept, l.pending...)
	for _, r := range kept {
		l.pendingBytes += len(r.line)
	}
	l.arm()
}

// note logs the first failure and the recovery from it: those who wait are told each time.
func (l *Log) note(err error) {
	switch {
	case err != nil && l.failure == nil:
		l.logger.Error("the audit log cannot be written: nothing is issued or changed until it can", "error", err)
	case err == nil && l.failure != nil:
		l.logger.Info("the audit log can be written again")
	}
	l.failure = err
	if err != nil {
		l.failures.Add(1)
	}
	l.written.Store(l.last.sequence)
}

func (l *Log) release(r *record) {
	if cap(r.line) <= maxKeptLine {
		l.pool.Put(r)
	}
}

// Close writes what is buffered and closes the log. Lines that cannot be written are lost, which its error says.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return errClosed
	}
	l.closed = true
	l.ready.Store(false)
	l.timer.Stop()
	l.mu.Unlock()

	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.flush()
	var err error
	l.mu.Lock()
	if n := len(l.pending); n > 0 {
		err = fmt.Errorf("%d lines could not be written", n)
	}
	l.pending = nil
	l.mu.Unlock()
	if err := errors.Join(err, l.out.Sync(), l.out.Close()); err != nil {
		return fmt.Errorf("closing the audit log: %w", err)
	}
	return nil
}
