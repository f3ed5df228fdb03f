package clients

import (
	"os"
	"path/filepath"
	"testing"
)

// TestBoto3 uses boto3 as Debian has it.
func TestBoto3(t *testing.T) {
	t.Parallel()
	script(t, "/usr/bin/python3", "-B", filepath.Join("python", "scene.py"))
}

// TestJavaScriptSDK uses the SDK for JavaScript, version 3.
func TestJavaScriptSDK(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(filepath.Join("js", "node_modules")); err != nil {
		t.Fatalf("run test/install.sh: %v", err)
	}
	script(t, "node", filepath.Join("js", "scene.mjs"))
}
