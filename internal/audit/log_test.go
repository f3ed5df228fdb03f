package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

var errDisk = errors.New("no space left on device")

// disk is a file in memory with so much room, whose operations can be made to fail.
type disk struct {
	mu         sync.Mutex
	b          []byte
	room       int
	failSync   bool
	failCut    bool
	reserves   bool
	writes     int
	syncs      atomic.Int64
	beforeSync func()
}

func (d *disk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	n := min(len(p), d.room-len(d.b))
	d.b = append(d.b, p[:n]...)
	if n < len(p) {
		return n, errDisk
	}
	return n, nil
}

func (d *disk) Truncate(size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failCut {
		return errDisk
	}
	d.b = d.b[:size]
	return nil
}

func (d *disk) Sync() error {
	d.syncs.Add(1)
	if d.beforeSync != nil {
		d.beforeSync()
	}
	if d.failSync {
		return errDisk
	}
	return nil
}

func (d *disk) Close() error { return nil }

// Reserve is refused like a file system that cannot promise space, or for lack of room.
func (d *disk) Reserve(offset, length int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case !d.reserves:
		return errNoReserve
	case offset+length > int64(d.room):
		return errDisk
	}
	return nil
}

func (d *disk) bytes() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Clone(d.b)
}

func onDisk(d *disk, fsync bool) *Log {
	return newLog(d, origin(), 0, fsync, slog.New(slog.DiscardHandler))
}

func mustClose(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func readLog(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWritten(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		readOnly  bool
		issues    bool
		refused   bool
		uncertain bool
		at        bool // at once
	}{
		{"issues", true, true, false, false, true},
		{"changes", false, false, false, false, true},
		{"both", false, true, false, false, true},
		{"neither", true, false, false, false, false},
		{"a refused change", false, false, true, false, false},
		{"a change that failed on the way", false, false, true, true, true},
	}
	for _, tt := range tests {
		d := &disk{room: 1 << 20}
		l, e := onDisk(d, false), assumeRole()
		e.ReadOnly, e.Issues, e.Uncertain = tt.readOnly, tt.issues, tt.uncertain
		if tt.refused {
			e.ErrorCode = "AccessDenied"
		}
		if err := l.Write(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if written := len(d.bytes()) > 0; written != tt.at {
			t.Errorf("%s: written when Write returned: %v", tt.name, written)
		}
		mustClose(t, l)
		if got := verify(t, d.bytes()); got.Lines != 1 || got.Break != nil {
			t.Errorf("%s: after Close %+v", tt.name, got)
		}
		if err := l.Write(t.Context(), e); !errors.Is(err, errClosed) {
			t.Errorf("%s: a closed log took a line: %v", tt.name, err)
		}
		if err := l.Close(); !errors.Is(err, errClosed) {
			t.Errorf("%s: closed twice: %v", tt.name, err)
		}
	}
}

func TestBufferTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: 1 << 20}
		l := onDisk(d, false)
		for range 3 {
			if err := l.Write(t.Context(), getCallerIdentity()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(BufferTime - 1)
		synctest.Wait()
		if len(d.bytes()) != 0 {
			t.Error("written early, one by one")
		}
		time.Sleep(1 * time.Nanosecond)
		synctest.Wait()
		if got := verify(t, d.bytes()); got.Lines != 3 || d.writes != 1 {
			t.Errorf("%d lines in %d writes", got.Lines, d.writes)
		}
		if err := l.Write(t.Context(), getCallerIdentity()); err != nil {
			t.Fatal(err)
		}
		if err := l.Write(t.Context(), assumeRole()); err != nil {
			t.Fatal(err)
		}
		if got := verify(t, d.bytes()); got.Lines != 5 || got.Break != nil {
			t.Errorf("an urgent line did not bring the buffered one along: %+v", got)
		}
		mustClose(t, l)
	})
}

func TestBufferIsBounded(t *testing.T) {
	t.Parallel()
	d := &disk{}
	l := onDisk(d, false)
	var err error
	n := 0
	for ; err == nil && n < 10_000; n++ {
		err = l.Write(t.Context(), getCallerIdentity())
	}
	if !errors.Is(err, errDisk) || n < 100 {
		t.Errorf("after %d buffered events: %v", n, err)
	}
	d.mu.Lock()
	d.room = 64 << 20
	d.mu.Unlock()
	mustClose(t, l)
	if got := verify(t, d.bytes()); got.Lines != n-1 || got.Break != nil {
		t.Errorf("%d events were taken, %+v", n-1, got)
	}
}

// A log that cannot be written says so, leaves nothing half written, keeps what it took, and goes on when it can.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := &disk{room: rapid.IntRange(0, 5000).Draw(t, "room")}
		l := onDisk(d, rapid.Bool().Draw(t, "fsync"))
		acknowledged := 0
		for range rapid.IntRange(1, 12).Draw(t, "events") {
			e := assumeRole()
			if rapid.Bool().Draw(t, "buffered") {
				e = getCallerIdentity()
			}
			err := l.Write(t.Context(), e)
			switch {
			case err == nil:
				acknowledged++
			case !errors.Is(err, errDisk):
				t.Fatal(err)
			}
			if got := verifyRapid(t, d.bytes()); got.Break != nil || got.TornBytes != 0 {
				t.Fatalf("half written: %+v", got)
			}
		}
		d.room = 1 << 20
		if err := l.Write(t.Context(), assumeRole()); err != nil {
			t.Fatalf("with room again: %v", err)
		}
		if got := verifyRapid(t, d.bytes()); got.Break != nil || got.Lines != acknowledged+1 {
			t.Fatalf("%d acknowledged, then one more: %+v", acknowledged, got)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func verifyRapid(t *rapid.T, log []byte) Report {
	report, err := Verify(bytes.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestFailedSyncAndCut(t *testing.T) {
	t.Parallel()
	d := &disk{room: 1 << 20, failSync: true}
	l := onDisk(d, true)
	if err := l.Write(t.Context(), assumeRole()); !errors.Is(err, errDisk) {
		t.Errorf("fsync failed: %v", err)
	}
	if len(d.bytes()) != 0 {
		t.Error("the line that is not on disk stayed in the file")
	}
	d.failCut = true
	for range 2 {
		if err := l.Write(t.Context(), assumeRole()); !errors.Is(err, errDisk) || d.writes != 2 {
			t.Errorf("what was left could not be cut off: %v, %d writes", err, d.writes)
		}
	}
	d.failCut, d.failSync = false, false
	if err := l.Write(t.Context(), assumeRole()); err != nil {
		t.Errorf("once it works again: %v", err)
	}
	mustClose(t, l)
	if got := verify(t, d.bytes()); got.Lines != 1 || got.Break != nil || got.TornBytes != 0 {
		t.Errorf("%+v", got)
	}
}

func TestLoggedOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := &disk{}
	l := newLog(d, origin(), 0, false, slog.New(slog.NewTextHandler(&out, nil)))
	for range 5 {
		_ = l.Write(t.Context(), assumeRole())
	}
	d.room = 1 << 20
	for range 5 {
		_ = l.Write(t.Context(), assumeRole())
	}
	mustClose(t, l)
	if got := out.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "cannot be written") || !strings.Contains(got, "again") {
		t.Errorf("logged\n%s", got)
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l, err := Open(Options{Stream: &out, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Write(t.Context(), assumeRole()); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	if got := verify(t, out.Bytes()); got.Lines != 1 || got.Break != nil {
		t.Errorf("%+v", got)
	}

	broken := &halfWriter{}
	l, err = Open(Options{Stream: broken, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := l.Write(t.Context(), assumeRole()); err == nil {
			t.Error("a stream that broke within a line was written again")
		}
	}
	if broken.writes != 1 {
		t.Errorf("%d writes", broken.writes)
	}
	mustClose(t, l)
	for _, o := range []Options{{}, {Path: "x", Stream: io.Discard}} {
		if _, err := Open(o); err == nil {
			t.Errorf("opened %+v", o)
		}
	}
}

type halfWriter struct{ writes int }

func (w *halfWriter) Write(p []byte) (int, error) { w.writes++; return len(p) / 2, io.ErrClosedPipe }

// One fsync serves all who wait for one.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	const writers, each = 64, 20
	d := &disk{room: 64 << 20}
	l := onDisk(d, true)
	d.beforeSync = func() { time.Sleep(time.Millisecond) } // as long as a good disk takes
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				if err := l.Write(t.Context(), assumeRole()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	syncs := d.syncs.Load()
	mustClose(t, l)
	if got := verify(t, d.bytes()); got.Lines != writers*each || got.Break != nil {
		t.Errorf("%+v", got)
	}
	if syncs > writers*each/4 {
		t.Errorf("%d fsyncs for %d lines", syncs, writers*each)
	}
	t.Logf("%d fsyncs for %d lines", syncs, writers*each)
}

func TestParallel(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.log")
	l, err := Open(options(path))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				e := assumeRole()
				if j%2 == 0 {
					e = getCallerIdentity()
				}
				e.ID = fmt.Sprintf("event-%d-%d", i, j)
				if err := l.Write(t.Context(), e); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	mustClose(t, l)
	log := readLog(t, path)
	if got := verify(t, log); got.Lines != 1600 || got.Break != nil {
		t.Errorf("%+v", got)
	}
	seen := make(map[any]int)
	for line := range bytes.Lines(log) {
		seen[decode(t, line)["eventID"]]++
	}
	if len(seen) != 1600 {
		t.Errorf("%d different events", len(seen))
	}
}

func benchmarkWrite(b *testing.B, e *Event, fsync bool, parallelism int) {
	o := options(filepath.Join(b.TempDir(), "audit.log"))
	o.Fsync = fsync
	l, err := Open(o)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetParallelism(parallelism)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := l.Write(b.Context(), e); err != nil {
				b.Error(err)
				return
			}
		}
	})
	mustClose(b, l)
}

func BenchmarkBuild(b *testing.B) {
	r, e := newRecord().(*record), assumeRole()
	b.ReportAllocs()
	for b.Loop() {
		r.build(e)
	}
}

func BenchmarkBuffered(b *testing.B) { benchmarkWrite(b, getCallerIdentity(), false, 1) }
func BenchmarkWritten(b *testing.B)  { benchmarkWrite(b, assumeRole(), false, 1) }
func BenchmarkSynced1(b *testing.B)  { benchmarkWrite(b, assumeRole(), true, 1) }
func BenchmarkSynced64(b *testing.B) { benchmarkWrite(b, assumeRole(), true, 64) }
