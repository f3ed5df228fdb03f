package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "logs", "stint", "audit.log")
	for range 3 {
		l, err := Open(options(path))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(options(path)); err == nil || !strings.Contains(err.Error(), "another process") {
			t.Errorf("opened twice: %v", err)
		}
		if err := errors.Join(l.Write(t.Context(), assumeRole()), l.Write(t.Context(), getCallerIdentity())); err != nil {
			t.Error(err)
		}
		mustClose(t, l)
	}
	if got := verify(t, readLog(t, path)); got.Lines != 6 || got.Break != nil {
		t.Errorf("%+v, %+v", got, got.Break)
	}
	// Advisory 127 (CVE-2021-38553).
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700, filepath.Dir(filepath.Dir(path)): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestOpenTightensMode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := Open(options(path))
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// Whatever a crash leaves of the last line, the chain goes on, and tells of it.
func TestTornEnd(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, before := range []int{0, 1, 2} {
		whole := chainOf(before)
		next := chainOf(before + 1)[len(whole):]
		for cut := 1; cut < len(next); cut += 23 {
			path := filepath.Join(folder, "audit.log")
			if err := os.WriteFile(path, append(bytes.Clone(whole), next[:cut]...), 0o600); err != nil {
				t.Fatal(err)
			}
			l, err := Open(options(path))
			if err != nil {
				t.Fatalf("%d lines and %d bytes: %v", before, cut, err)
			}
			if err := l.Write(t.Context(), assumeRole()); err != nil {
				t.Fatal(err)
			}
			mustClose(t, l)
			log := readLog(t, path)
			if got := verify(t, log); got.Break != nil || got.TornBytes != 0 || got.Lines != before+2 || !bytes.HasPrefix(log, whole) {
				t.Fatalf("%d lines and %d bytes: %+v", before, cut, got)
			}
			recovery := decode(t, bytes.Split(log, []byte("\n"))[before])["stint"].(map[string]any)["recovery"].(map[string]any)
			if recovery["omittedBytes"] != float64(cut) {
				t.Fatalf("%d lines and %d bytes: %v", before, cut, recovery)
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	edited := bytes.Replace(chainOf(2), []byte("event-2"), []byte("event-9"), 1)
	tests := map[string]struct {
		content []byte
		want    string
	}{
		"another file":              {[]byte("#!/bin/sh\nexit 0\n"), "not a line"},
		"another file, no line end": {[]byte("MZ\x00\x01"), "not a line"},
		"last line edited":          {edited, "altered"},
		"endless line":              {append(chainOf(1), bytes.Repeat([]byte("x"), maxLine+1)...), "not a line"},
		"no line in sight":          {append(bytes.Repeat([]byte("x"), 3*maxLine), '\n'), "not a line"},
	}
	for name, tt := range tests {
		path := filepath.Join(t.TempDir(), "audit.log")
		if err := os.WriteFile(path, tt.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(options(path)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if !bytes.Equal(readLog(t, path), tt.content) {
			t.Errorf("%s: the file was altered", name)
		}
	}
	if _, err := Open(options("/dev/null")); err == nil || !strings.Contains(err.Error(), "regular file") {
		t.Errorf("a device: %v", err)
	}
}

// child starts this test binary as the program of TestMain.
func child(t *testing.T, program, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0], path)
	cmd.Env = append(os.Environ(), childEnv+"="+program)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, bufio.NewScanner(out)
}

// What was written when Write returned survives the process.
func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.log")
	for range 3 {
		before := 0
		if b, err := os.ReadFile(path); err == nil {
			before = verify(t, b).Lines
		}
		cmd, lines := child(t, "write", path)
		acknowledged := 0
		for acknowledged < 200 && lines.Scan() {
			if want := fmt.Sprintf("event-%d", acknowledged); lines.Text() != want {
				t.Fatalf("the writer said %q, want %q", lines.Text(), want)
			}
			acknowledged++
		}
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			acknowledged++
		}
		_ = cmd.Wait()
		got := verify(t, readLog(t, path))
		if got.Break != nil || acknowledged < 200 || got.Lines < before+acknowledged {
			t.Fatalf("%d lines before, %d acknowledged: %+v", before, acknowledged, got)
		}
	}
}

// The same as TestFullDisk with a file that the operating system stops growing in the middle of a line.
func TestFileSizeLimit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.log")
	cmd, lines := child(t, "limit", path)
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	if err := cmd.Wait(); err != nil || len(said) != 2 {
		t.Fatalf("%q, %v", said, err)
	}
	var full, failed, space, failedLater int
	if _, err := fmt.Sscanf(strings.Join(said, "\n"), "full %d %d\nspace %d %d", &full, &failed, &space, &failedLater); err != nil {
		t.Fatalf("%q: %v", said, err)
	}
	if full == 0 || failed == 0 || space != full+5 || failedLater != failed {
		t.Errorf("%q", said)
	}
	if got := verify(t, readLog(t, path)); got.Lines != space || got.Break != nil || got.TornBytes != 0 {
		t.Errorf("%q: %+v", said, got)
	}
}
