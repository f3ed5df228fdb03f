package peers

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stint-sts/stint/test/harness"
)

const (
	commandLimit = 2 * time.Minute
	account      = "111122223333"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// program is the path of a program that test/peers/install.sh built.
func program(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(os.Getenv("STINT_PEERS"), name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("run make test-peers, which builds %s: %v", name, err)
	}
	return path
}

// environment is what a program gets: nothing that steers AWS clients or proxies but what is given, and a home of its own.
func environment(t *testing.T, pairs ...string) []string {
	t.Helper()
	return append(append(harness.Environment(),
		"HOME="+t.TempDir(),
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_REGION="+harness.Region,
		"AWS_DEFAULT_REGION="+harness.Region,
		"AWS_PAGER=",
		"AWS_MAX_ATTEMPTS=1",
	), pairs...)
}

// signedInAs are the variables with which an AWS client signs.
func signedInAs(credentials harness.Credentials) []string {
	pairs := []string{"AWS_ACCESS_KEY_ID=" + credentials.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + credentials.SecretAccessKey}
	if credentials.SessionToken != "" {
		pairs = append(pairs, "AWS_SESSION_TOKEN="+credentials.SessionToken)
	}
	return pairs
}

// run runs a program to its end and gives what it printed and whether it succeeded.
func run(t *testing.T, env []string, program string, arguments ...string) (stdout, stderr string, ok bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
	defer cancel()
	var out, problems bytes.Buffer
	command := exec.CommandContext(ctx, program, arguments...)
	command.Env, command.Dir, command.Stdout, command.Stderr = env, t.TempDir(), &out, &problems
	err := command.Run()
	return out.String(), problems.String(), err == nil
}

// must is run for what has to succeed, and gives standard output.
func must(t *testing.T, env []string, program string, arguments ...string) string {
	t.Helper()
	stdout, stderr, ok := run(t, env, program, arguments...)
	if !ok {
		t.Fatalf("%s %v failed:\n%s%s", filepath.Base(program), arguments, harness.Cut(stdout, 2000), harness.Cut(stderr, 2000))
	}
	return stdout
}
