package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/rootkey"
	"github.com/stint-sts/stint/internal/secret"
	"github.com/stint-sts/stint/internal/store"
	"github.com/stint-sts/stint/sigv4"
)

// initialized is what stint init makes in a folder: the root key and the administrator's key.
func initialized(t *testing.T, folder string) (root []byte, accessKeyID, secretKey string) {
	t.Helper()
	path := filepath.Join(folder, "stint.yaml")
	text := fmt.Sprintf("listen: 127.0.0.1:0\ndata: %s\nroot_key: {file: %s}\n", filepath.Join(folder, "data"), filepath.Join(folder, "root.key"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), []string{"init", "--config", path}, &stdout, &stderr); status != 0 {
		t.Fatalf("exit status %d: %s", status, &stderr)
	}
	root, err := os.ReadFile(filepath.Join(folder, "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(stdout.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "AWS_ACCESS_KEY_ID":
			accessKeyID = value
		case "AWS_SECRET_ACCESS_KEY":
			secretKey = value
		}
	}
	return root, accessKeyID, secretKey
}

// advisory 125 (GHSA-j59h, GHSA-r5qv, GHSA-h956): nothing is the same in two deployments. Each begins with a root key and an
// administrator of its own making, shown once; neither opens what the other has sealed, nor signs in there.
func TestFreshStartsShareNothing(t *testing.T) {
	t.Parallel()
	const starts = 3
	seen := make(map[string]string)
	folders := make([]string, starts)
	for i := range starts {
		folders[i] = t.TempDir()
		root, id, secretKey := initialized(t, folders[i])
		if len(root) != rootkey.Size || len(id) != 20 || len(secretKey) != 40 {
			t.Fatalf("a root key of %d bytes, an id of %d and a secret of %d characters", len(root), len(id), len(secretKey))
		}
		for what, value := range map[string]string{"root key": string(root), "first half": string(root[:16]), "second half": string(root[16:]),
			"access key id": id, "secret": secretKey} {
			if before, again := seen[value]; again {
				t.Errorf("the %s of start %d is the %s of another", what, i, before)
			}
			seen[value] = what
		}
		if different := len(bytesOf(root)); different < 16 {
			t.Errorf("the root key has %d different bytes", different)
		}
	}
	// Each is of use in its own deployment alone.
	other, err := keyFile(t, filepath.Join(folders[1], "root.key")).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(folders[0], "root.key")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folders[0], "root.key"), other.Reveal(), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	patient, cancel := context.WithTimeout(t.Context(), 10*time.Second) // a server that starts would not end
	defer cancel()
	status := run(patient, []string{"serve", "--config", filepath.Join(folders[0], "stint.yaml")}, &stdout, &stderr)
	if status == 0 || !strings.Contains(stderr.String(), store.ErrRootKey.Error()) {
		t.Errorf("with the root key of another deployment: exit status %d, %s", status, &stderr)
	}
	// There is no start without one: a configuration cannot name a key, and a missing file is not made up for.
	stderr.Reset()
	if err := os.Remove(filepath.Join(folders[0], "root.key")); err != nil {
		t.Fatal(err)
	}
	if status := run(patient, []string{"serve", "--config", filepath.Join(folders[0], "stint.yaml")}, &stdout, &stderr); status == 0 {
		t.Error("started without a root key")
	}
	if _, err := os.Stat(filepath.Join(folders[0], "root.key")); err == nil {
		t.Error("a new root key hides that the old one is lost")
	}
	if stdout.Len() > 0 {
		t.Errorf("printed %q", &stdout)
	}
}

func bytesOf(b []byte) map[byte]bool {
	seen := make(map[byte]bool)
	for _, c := range b {
		seen[c] = true
	}
	return seen
}

// advisory 134 (versitygw e98f7763): files that hold keys are never rewritten in place. A root key that is there stays to the
// byte; the environment file appears whole under its name, and who had the old one open or linked still has all of the old.
func TestKeyFilesAreWrittenWhole(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "keys", "root.key")
	source := keyFile(t, path)
	key, _, err := source.Create(t.Context(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, _, err := source.Create(t.Context(), rand.Reader); !errors.Is(err, fs.ErrExist) {
			t.Errorf("created over another: %v", err)
		}
		if read, err := source.Read(t.Context()); err != nil || !read.Equal(key) {
			t.Fatalf("the root key has changed: %v", err)
		}
	}
	onlyFile(t, path, 0o600)
	for _, damaged := range [][]byte{nil, key.Reveal()[:31], append(bytes.Clone(key.Reveal()), '\n')} { // cut short by a crash, or by hand
		short := filepath.Join(folder, "short.key")
		if err := os.WriteFile(short, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := ensureRootKey(t.Context(), keyFile(t, short), folder); err == nil || !strings.Contains(err.Error(), "does not have exactly 32 bytes") {
			t.Errorf("a root key of %d bytes: %v", len(damaged), err)
		}
		if after, err := os.ReadFile(short); err != nil || !bytes.Equal(after, damaged) {
			t.Errorf("a root key of %d bytes was written over: %v", len(damaged), err)
		}
	}

	env := filepath.Join(folder, "env", "stint.env")
	if err := os.Mkdir(filepath.Dir(env), 0o700); err != nil {
		t.Fatal(err)
	}
	old, recent := environment{secret: secret.FromString("old")}, environment{secret: secret.FromString("new")}
	if err := old.writeFile(env); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(env)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(folder, "link.env")
	if err := os.Link(env, link); err != nil {
		t.Fatal(err)
	}
	if err := recent.writeFile(env); err != nil {
		t.Fatal(err)
	}
	if linked, err := os.ReadFile(link); err != nil || !bytes.Equal(linked, before) {
		t.Errorf("the old file was written over: %q, %v", linked, err)
	}
	if after, err := os.ReadFile(env); err != nil || !strings.Contains(string(after), "AWS_SECRET_ACCESS_KEY=new\n") {
		t.Errorf("the new file: %q, %v", after, err)
	}
	onlyFile(t, env, 0o600)
	// Where the file cannot be put, nothing is left.
	blocked := filepath.Join(folder, "blocked", "stint.env")
	if err := os.MkdirAll(filepath.Join(blocked, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := recent.writeFile(blocked); err == nil {
		t.Error("a folder was replaced")
	}
	if entries, err := os.ReadDir(filepath.Dir(blocked)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// onlyFile asserts that a file has its folder to itself: nothing temporary is left.
func onlyFile(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside %s: %v, %v", path, entries, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != mode {
		t.Errorf("%s: %v, %v", path, info.Mode(), err)
	}
}

// advisory 134 (etcd #14370): what was acknowledged is there after the process was killed in the middle of further changes.
func TestAcknowledgedChangesOutliveAKill(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(folder, "stint") // the test binary is the program when it is called so
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	data, env := filepath.Join(folder, "data"), filepath.Join(folder, "stint.env")
	var mu sync.Mutex
	acknowledged := make(map[string]bool)
	for round := range 2 {
		server := exec.CommandContext(t.Context(), program, "dev", "--listen", "127.0.0.1:0", "--data", data, "--env-file", env)
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		variables := awaitEnvironment(t, env)
		endpoint := variables["AWS_ENDPOINT_URL"]
		admin := sigv4.NewCredentials(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], "")
		mu.Lock()
		goal := len(acknowledged) + 150
		mu.Unlock()
		var writers sync.WaitGroup
		reached := make(chan struct{})
		for writer := range 4 {
			writers.Go(func() {
				for i := 0; ; i++ {
					name := fmt.Sprintf("u-%d-%d-%d", round, writer, i)
					status, err := postForm(endpoint, admin, "iam", "Action=CreateUser&Version=2010-05-08&UserName="+name)
					if err != nil {
						return // killed
					}
					if status != 200 {
						t.Errorf("%s: %d", name, status)
						return
					}
					mu.Lock()
					acknowledged[name] = true
					if len(acknowledged) == goal {
						close(reached)
					}
					mu.Unlock()
				}
			})
		}
		select {
		case <-reached:
		case <-time.After(30 * time.Second):
			t.Error("the changes took too long")
		}
		if err := server.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = server.Wait()
		writers.Wait()
		if err := os.Remove(env); err != nil {
			t.Fatal(err)
		}
	}
	w := begun(t, data)
	defer w.end()
	lost := 0
	for name := range acknowledged {
		if status, _ := w.call(w.admin, "iam", "GetUser", "UserName", name); status != 200 {
			lost++
		}
	}
	if lost > 0 || len(acknowledged) < 300 {
		t.Errorf("%d of %d acknowledged changes are lost", lost, len(acknowledged))
	}
}

// awaitEnvironment reads the environment file of a server once it is there.
func awaitEnvironment(t *testing.T, path string) map[string]string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if err == nil {
			variables := make(map[string]string)
			for line := range strings.Lines(string(text)) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				variables[name] = value
			}
			return variables
		}
		if time.Now().After(deadline) {
			t.Fatal("the server does not become ready")
		}
	}
}

// postForm performs an operation over a socket.
func postForm(endpoint string, c sigv4.Credentials, service, body string) (int, error) {
	r, err := http.NewRequest(http.MethodPost, endpoint+"/", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := (sigv4.Signer{Credentials: c, Region: defaultRegion, Service: service}).Sign(r, []byte(body), time.Now()); err != nil {
		return 0, err
	}
	response, err := (&http.Client{}).Do(r)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}
