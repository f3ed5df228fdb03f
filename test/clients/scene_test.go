package clients

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

	trustAccount = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},` +
		`"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}]}`
	allowAll  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	allowKeys = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:GetAccessKeyInfo","Resource":"*"}]}`
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// environment is what a client process gets: nothing that steers AWS clients but what is given, and a home of its own.
func environment(t *testing.T, pairs ...string) []string {
	t.Helper()
	kept := append(harness.Environment(),
		"HOME="+t.TempDir(),
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_REGION="+harness.Region,
		"AWS_DEFAULT_REGION="+harness.Region,
		"AWS_PAGER=",
		"AWS_MAX_ATTEMPTS=1",
	)
	// A version manager finds its programs from its own variable when HOME is another.
	if home, err := os.UserHomeDir(); err == nil && os.Getenv("PYENV_ROOT") == "" {
		kept = append(kept, "PYENV_ROOT="+filepath.Join(home, ".pyenv"))
	}
	return append(kept, pairs...)
}

// signedInAs are the variables with which a client signs.
func signedInAs(credentials harness.Credentials) []string {
	pairs := []string{
		"AWS_ACCESS_KEY_ID=" + credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + credentials.SecretAccessKey,
	}
	if credentials.SessionToken != "" {
		pairs = append(pairs, "AWS_SESSION_TOKEN="+credentials.SessionToken)
	}
	return pairs
}

// run runs a program to its end and gives what it printed and whether it succeeded.
func run(t *testing.T, env []string, dir, program string, arguments ...string) (stdout, stderr string, ok bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandLimit)
	defer cancel()
	var out, errors bytes.Buffer
	command := exec.CommandContext(ctx, program, arguments...)
	command.Env, command.Dir, command.Stdout, command.Stderr = env, dir, &out, &errors
	err := command.Run()
	return out.String(), errors.String(), err == nil
}

// codes are two codes in a row that enable a device, and a later one for the first use of it. Near the end of a step it
// waits for the next, so that none of them is too old when it arrives.
func codes(seed string) (first, second, later string) {
	if left := 30 - time.Now().Unix()%30; left <= 3 {
		time.Sleep(time.Duration(left) * time.Second)
	}
	now := time.Now()
	return harness.Code(seed, now, -1), harness.Code(seed, now, 0), harness.Code(seed, now, 1)
}

// script runs a client program that checks everything itself and prints what it did.
func script(t *testing.T, program string, arguments ...string) {
	t.Helper()
	server := harness.Start(t, harness.Options{})
	env := environment(t, append(signedInAs(server.Admin), "STINT_ENDPOINT="+server.URL())...)
	stdout, stderr, ok := run(t, env, "", program, arguments...)
	t.Log(stdout)
	if !ok {
		t.Errorf("%s %v failed:\n%s", program, arguments, stderr)
	}
}
