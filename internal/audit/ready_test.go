package audit

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// A change is refused while there is still space for the lines of those that were let through.
func TestReadyKeepsSpace(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := &disk{room: 3 << 20, reserves: true}
	l := newLog(d, origin(), 0, false, slog.New(slog.NewTextHandler(&out, nil)))
	changes := 0
	for l.Ready() == nil && changes < 10_000 {
		if err := l.Write(t.Context(), assumeRole()); err != nil {
			t.Fatalf("change %d was let through: %v", changes, err)
		}
		changes++
	}
	left := d.room - len(d.bytes())
	if err := l.Ready(); !errors.Is(err, errDisk) || changes < 500 || left < minReserved-maxKeptLine || left > 2*minReserved {
		t.Errorf("after %d changes, %d bytes before the end: %v", changes, left, err)
	}
	for range 100 { // that are under way
		if err := l.Write(t.Context(), assumeRole()); err != nil {
			t.Fatal(err)
		}
	}
	d.mu.Lock()
	d.room = 64 << 20
	d.mu.Unlock()
	if err := l.Ready(); err != nil {
		t.Errorf("with room again: %v", err)
	}
	mustClose(t, l)
	if got := verify(t, d.bytes()); got.Lines != changes+100 || got.Break != nil {
		t.Errorf("%d changes: %+v", changes, got)
	}
	if got := out.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "no space") || !strings.Contains(got, "space again") {
		t.Errorf("logged\n%s", got)
	}
}

// Where space cannot be reserved, a change is refused from the first failure on until a line can be written again.
func TestReadyWhileFailing(t *testing.T) {
	t.Parallel()
	d := &disk{room: 1 << 20}
	l := onDisk(d, false)
	if err := l.Ready(); err != nil {
		t.Fatal(err)
	}
	d.room = 0
	if err := l.Write(t.Context(), assumeRole()); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	refused := assumeRole()
	refused.ErrorCode = "ServiceUnavailable"
	for range 3 {
		if err := l.Ready(); !errors.Is(err, errDisk) {
			t.Errorf("while the disk is full: %v", err)
		}
		if err := l.Write(t.Context(), refused); err != nil { // kept
			t.Fatal(err)
		}
	}
	d.mu.Lock()
	d.room = 1 << 20
	d.mu.Unlock()
	if err := l.Ready(); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if got := verify(t, d.bytes()); got.Lines != 3 || got.Break != nil {
		t.Errorf("what was kept: %+v", got)
	}
	mustClose(t, l)
	if err := l.Ready(); !errors.Is(err, errClosed) {
		t.Errorf("closed: %v", err)
	}
}

// What a failed write leaves is cut off, and the reserved space with it.
func TestReadyReservesAnewAfterACut(t *testing.T) {
	t.Parallel()
	d := &disk{room: 8 << 20, reserves: true, failSync: true}
	l := onDisk(d, true)
	if err := l.Ready(); err != nil {
		t.Fatal(err)
	}
	if err := l.Write(t.Context(), assumeRole()); !errors.Is(err, errDisk) || l.reserved != 0 {
		t.Errorf("%v, %d bytes are believed to be reserved", err, l.reserved)
	}
	d.failSync = false
	if err := l.Write(t.Context(), assumeRole()); err != nil || l.reserved-l.size < minReserved {
		t.Errorf("%v, %d bytes are reserved", err, l.reserved-l.size)
	}
	if err := l.Ready(); err != nil {
		t.Error(err)
	}
	mustClose(t, l)
}

func BenchmarkReady(b *testing.B) {
	l := onDisk(&disk{room: 1 << 20}, false)
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Ready(); err != nil {
			b.Fatal(err)
		}
	}
}
