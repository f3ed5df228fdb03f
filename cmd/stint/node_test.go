package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
)

// A server that is told to end while it begins finishes opening its store, so that nothing goes on writing behind its back;
// then it ends with success, having answered nobody.
func TestEndBeforeReady(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	folder := t.TempDir()
	data, env := filepath.Join(folder, "data"), filepath.Join(folder, "stint.env")
	var stdout, stderr bytes.Buffer
	status := run(ctx, []string{"dev", "--listen", "127.0.0.1:0", "--data", data, "--env-file", env}, &stdout, &stderr)
	if status != 0 || stdout.Len() > 0 {
		t.Errorf("exit status %d, output %q, errors %q", status, &stdout, &stderr)
	}
	if _, err := os.Stat(env); err == nil {
		t.Error("the environment file is there")
	}
	// The store is closed: its lock is free, and what is there can go.
	if err := os.RemoveAll(data); err != nil {
		t.Error(err)
	}
}
