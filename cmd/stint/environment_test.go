package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/secret"
)

// A secret that is given in a directory file may hold whatever a shell would take as its own.
func TestEnvironmentIsSafeToPaste(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"plain+/=", "two words", "$HOME`id`", `it's "quoted"\`, "a;b&c|d>e#f", "ünïcode", ""} {
		e := environment{accessKeyID: "AKIAX", secret: secret.FromString(value), region: "us-east-1", endpoint: "http://[::1]:8321", account: "1"}
		var b strings.Builder
		if err := e.write(&b); err != nil {
			t.Fatal(err)
		}
		got, err := exec.Command("sh", "-c", b.String()+`printf %s "$AWS_SECRET_ACCESS_KEY $AWS_ENDPOINT_URL"`).Output()
		if err != nil || string(got) != value+" http://[::1]:8321" {
			t.Errorf("%q becomes %q, %v", value, got, err)
		}
	}
}

func TestEnvironmentFileRefusesLineBreaks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "stint.env")
	good := environment{secret: secret.FromString("a b")}
	if err := good.writeFile(path); err != nil {
		t.Fatal(err)
	}
	bad := environment{secret: secret.FromString("a\nAWS_ENDPOINT_URL=http://elsewhere")}
	if err := bad.writeFile(path); err == nil || !strings.Contains(err.Error(), "has a line break") || strings.Contains(err.Error(), "elsewhere") {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "AWS_SECRET_ACCESS_KEY=a b\n") {
		t.Errorf("the file that was there: %q, %v", text, err)
	}
	if left, _ := filepath.Glob(filepath.Dir(path) + "/.*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
