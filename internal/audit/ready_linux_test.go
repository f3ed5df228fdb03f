package audit

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// The same as TestReadyKeepsSpace on a real file system that others fill up.
func TestReadyOnAFullDisk(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := syscall.Mount("stint-test", folder, "tmpfs", 0, "size=4m"); err != nil {
		t.Logf("this user may not mount a small disk (%v): TestReadyKeepsSpace stands for it", err)
		return
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(folder, "audit.log")
	l, err := Open(options(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Ready(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 0 || info.Sys().(*syscall.Stat_t).Blocks*512 < minReserved {
		t.Errorf("reserving: %v, %+v", err, info.Sys())
	}
	filler := filepath.Join(folder, "filler")
	if err := os.WriteFile(filler, make([]byte, 8<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	changes := 0
	for l.Ready() == nil && changes < 10_000 {
		if err := l.Write(t.Context(), assumeRole()); err != nil {
			t.Fatalf("change %d was let through: %v", changes, err)
		}
		changes++
	}
	if err := l.Ready(); !errors.Is(err, syscall.ENOSPC) || changes < 50 {
		t.Errorf("after %d changes: %v", changes, err)
	}
	for range 100 { // that are under way
		if err := l.Write(t.Context(), assumeRole()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := l.Ready(); err != nil {
		t.Errorf("with space again: %v", err)
	}
	mustClose(t, l)
	if got := verify(t, readLog(t, path)); got.Lines != changes+100 || got.Break != nil || got.TornBytes != 0 {
		t.Errorf("%d changes: %+v", changes, got)
	}
}
