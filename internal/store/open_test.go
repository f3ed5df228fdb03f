package store

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

func TestReopenFindsEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begin := time.Now()
	s := mustOpen(t, embedded(t, dir))
	t.Logf("first start took %v", time.Since(begin))
	mustCommit(t, s, put(user("alice"), user("bob"), &directory.SealingKey{ID: 7, Secret: directory.Protected{Key: secret.FromString("ring")}}))
	before := s.View()
	mustClose(t, s)

	begin = time.Now()
	s = mustOpen(t, embedded(t, dir))
	t.Logf("second start took %v", time.Since(begin))
	defer mustClose(t, s)
	v := s.View()
	if v.Len() != before.Len() || v.Revision() < before.Revision() {
		t.Fatalf("%d entities at revision %d, want %d at %d or later", v.Len(), v.Revision(), before.Len(), before.Revision())
	}
	owner, ok := v.AccessKey("AKIAalice")
	if !ok || owner.User.Name != "alice" || !owner.Key.Secret.Key.Equal(secret.FromString(clearSecret("alice"))) {
		t.Error("alice's key does not lead to her with its secret")
	}
	if k, ok := v.SealingKey(7); !ok || !k.Secret.Key.Equal(secret.FromString("ring")) {
		t.Error("the sealing key is lost")
	}
	if u, _ := before.User(account, "bob"); u.Revision() == 0 {
		t.Error("an entity does not know its revision")
	}
}

// A user's access key id must be told from a secret sealed for another place: advisory 127 covers who may read the files,
// this one what they would find.
func TestNoSecretInTheFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, embedded(t, dir))
	mustCommit(t, s, put(user("alice"), &directory.Device{Account: account, Name: "phone", Serial: "arn:aws:iam::111122223333:mfa/phone",
		Seed: directory.Protected{Key: secret.FromString("canary+seed+canary")}}))
	mustClose(t, s)
	control := 0
	eachFile(t, dir, func(path string, _ fs.FileInfo) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("AKIAalice")) {
			control++
		}
		for _, canary := range []string{"canary+", rootKey.RevealString()} {
			if bytes.Contains(b, []byte(canary)) {
				t.Errorf("%s holds key material in the clear", path)
			}
		}
	})
	if control == 0 {
		t.Error("no file holds the access key id: the search finds nothing")
	}
}

// advisory 127 (CVE-2021-38553)
func TestFileModes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "data")
	s := mustOpen(t, embedded(t, dir))
	for i := range 450 { // past two snapshots
		if err := s.Spend(t.Context(), account, "device", int64(i)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "a snapshot", func() bool {
		found, _ := filepath.Glob(filepath.Join(dir, "etcd", "member", "snap", "*.snap"))
		return len(found) > 0
	})
	mustClose(t, s)
	files := 0
	eachFile(t, dir, func(path string, info fs.FileInfo) {
		files++
		if info.Mode().Perm() != fileMode {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
	})
	if files < 4 {
		t.Errorf("only %d files looked at", files)
	}
	for _, d := range []string{dir, filepath.Join(dir, "etcd"), filepath.Join(dir, "etcd", "member")} {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm() != directoryMode {
			t.Errorf("%s: mode %v, error %v", d, info.Mode(), err)
		}
	}
}

// The embedded member listens nowhere.
func TestNoListener(t *testing.T) {
	s := mustOpen(t, embedded(t, t.TempDir()))
	defer mustClose(t, s)
	if n := len(s.member.etcd.Clients) + len(s.member.etcd.Peers); n != 0 {
		t.Errorf("etcd has %d listeners", n)
	}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	if runtime.GOOS != "linux" {
		t.Log("sockets are looked at on Linux alone")
		return
	}
	if listening := listeningSockets(t); listening != 1 {
		t.Errorf("the process listens on %d TCP sockets, want the test's own alone", listening)
	}
}

// listeningSockets counts the process's TCP sockets in state LISTEN (proc(5), /proc/net/tcp).
func listeningSockets(t *testing.T) int {
	t.Helper()
	own := make(map[string]bool)
	descriptors, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range descriptors {
		if target, err := os.Readlink(d); err == nil {
			own[strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]")] = true
		}
	}
	count := 0
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		b, err := os.ReadFile(table)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 9 && f[3] == "0A" && own[f[9]] {
				count++
			}
		}
	}
	return count
}

func TestOneProcessOneDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, embedded(t, dir))
	if _, err := Open(t.Context(), embedded(t, dir)); !errors.Is(err, ErrLocked) {
		t.Errorf("second opening: %v, want ErrLocked", err)
	}
	mustClose(t, s)
	mustClose(t, mustOpen(t, embedded(t, dir)))
}

func TestRootKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, embedded(t, dir))
	mustCommit(t, s, put(user("alice")))
	before := dump(t, s)
	mustClose(t, s)

	for name, c := range map[string]struct {
		alter func(*Options)
		want  string
	}{
		"another key":       {func(o *Options) { o.RootKey = secret.FromString(strings.Repeat("x", 32)) }, ErrRootKey.Error()},
		"a short key":       {func(o *Options) { o.RootKey = secret.FromString("short") }, errRootLength.Error()},
		"no key":            {func(o *Options) { o.RootKey = secret.Key{} }, errRootLength.Error()},
		"another partition": {func(o *Options) { o.Partition = arn.China }, `begun with partition "aws", not "aws-cn"`},
		"no place":          {func(o *Options) { o.Dir = "" }, "either a data directory or endpoints"},
		"two places":        {func(o *Options) { o.Endpoints = []string{"localhost:1"} }, "either a data directory or endpoints"},
	} {
		o := embedded(t, dir)
		c.alter(&o)
		if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}

	s = mustOpen(t, embedded(t, dir))
	defer mustClose(t, s)
	if after := dump(t, s); after != before {
		t.Error("a refused start changed the store")
	}
}

// advisory 135 (CVE-2020-15106): a record that is not what was written stops the start and is named; it is not left out.
func TestDamagedRecords(t *testing.T) {
	t.Parallel()
	endpoint, _ := cluster(t)
	s := onCluster(t, endpoint)
	mustCommit(t, s, put(user("alice"), user("bob")))
	path := func(name string) string { return s.prefix + string(account) + "/user/" + name }
	read := func(name string) string {
		answer, err := s.client.Get(t.Context(), path(name))
		if err != nil || len(answer.Kvs) != 1 {
			t.Fatal(answer, err)
		}
		return string(answer.Kvs[0].Value)
	}
	alice := read("alice")
	flipped := func(at int) string {
		b := []byte(alice)
		b[at] ^= 1
		return string(b)
	}
	cases := map[string]string{
		"empty":            "",
		"cut":              alice[:len(alice)-1],
		"version":          flipped(0),
		"mac":              flipped(1),
		"record":           flipped(valueHeader + 3),
		"last byte":        flipped(len(alice) - 1),
		"another's":        read("bob"),
		"extended":         alice + " ",
		"bare record":      alice[valueHeader:],
		"a later version":  "\x03" + alice[1:],
		"another root key": alice[:1] + "someone'" + alice[9:],
	}
	for name, value := range cases {
		if _, err := s.client.Put(t.Context(), path("alice"), value); err != nil {
			t.Fatal(err)
		}
		o := Options{Endpoints: []string{endpoint}, RootKey: rootKey, Partition: arn.AWS}
		if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "111122223333/user/alice") {
			t.Errorf("%s: %v, want a refusal that names the record", name, err)
		}
	}
	// The node that runs keeps what it knew, and says that it is behind.
	eventually(t, "the running node says so", func() bool { return s.Err() != nil })
	if _, ok := s.View().User(account, "alice"); !ok {
		t.Error("the running node forgot alice")
	}
	if _, err := s.client.Put(t.Context(), path("alice"), alice); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the running node is up to date again", func() bool { return s.Err() == nil })
	onCluster(t, endpoint)
}

// Without the value to check the root key by, it is not taken on trust.
func TestRootCheckLost(t *testing.T) {
	t.Parallel()
	endpoint, _ := cluster(t)
	s := onCluster(t, endpoint)
	mustCommit(t, s, put(user("alice")))
	if _, err := s.client.Delete(t.Context(), s.prefix+"-/root-key/check"); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Options{Endpoints: []string{endpoint}, RootKey: rootKey, Partition: arn.AWS})
	if err == nil || !strings.Contains(err.Error(), "not the value to check it by") {
		t.Errorf("%v, want a refusal", err)
	}
}

// A sealed secret opens only where it was sealed.
func TestSealedSecretsStayInPlace(t *testing.T) {
	t.Parallel()
	c, err := newRootCipher(rootKey)
	if err != nil {
		t.Fatal(err)
	}
	alice := user("alice").Key()
	sealed, err := c.seal(secretPurpose(alice, 0), []byte("clear"), strings.NewReader(strings.Repeat("n", 1000)))
	if err != nil {
		t.Fatal(err)
	}
	if clear, err := c.open(secretPurpose(alice, 0), sealed); err != nil || string(clear) != "clear" {
		t.Fatalf("%q, %v", clear, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another index":  func() ([]byte, error) { return c.open(secretPurpose(alice, 1), sealed) },
		"another entity": func() ([]byte, error) { return c.open(secretPurpose(user("bob").Key(), 0), sealed) },
		"another use":    func() ([]byte, error) { return c.open(checkPurpose, sealed) },
		"cut":            func() ([]byte, error) { return c.open(secretPurpose(alice, 0), sealed[:5]) },
		"empty":          func() ([]byte, error) { return c.open(secretPurpose(alice, 0), nil) },
		"version":        func() ([]byte, error) { return c.open(secretPurpose(alice, 0), append([]byte{9}, sealed[1:]...)) },
	} {
		if _, err := open(); !errors.Is(err, errSealed) {
			t.Errorf("%s: %v, want %v", name, err, errSealed)
		}
	}
}

// advisory 135 (CVE-2020-15106, CVE-2020-15112): damaged files end a start with an error, not the process.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, embedded(t, dir))
	mustCommit(t, s, put(user("alice")))
	mustClose(t, s)
	for _, pattern := range []string{"member/snap/db", "member/wal/0000*.wal"} {
		for name, spoil := range map[string]func([]byte) []byte{
			"whole":     func(b []byte) []byte { return b },
			"zeroed":    func([]byte) []byte { return make([]byte, 100_000) },
			"cut short": func(b []byte) []byte { return b[:100] },
			"noise":     func([]byte) []byte { return bytes.Repeat([]byte("noise"), 20_000) },
		} {
			spoiled := t.TempDir()
			if err := os.CopyFS(spoiled, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			found, err := filepath.Glob(filepath.Join(spoiled, "etcd", pattern))
			if err != nil || len(found) != 1 {
				t.Fatal(pattern, found, err)
			}
			whole, err := os.ReadFile(found[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(found[0], spoil(whole), fileMode); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			s, err := Open(ctx, embedded(t, spoiled))
			cancel()
			if err != nil {
				t.Logf("%s %s: %v", pattern, name, err)
				if name == "whole" {
					t.Error("the undamaged copy does not open")
				}
				continue
			}
			if _, ok := s.View().User(account, "alice"); !ok {
				t.Errorf("%s %s: opened, and silently forgot alice", pattern, name)
			}
			mustClose(t, s)
		}
	}
}

func eachFile(t *testing.T, dir string, look func(string, fs.FileInfo)) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info fs.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			look(path, info)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// dump is everything that the store holds, with revisions.
func dump(t *testing.T, s *Store) string {
	t.Helper()
	answer, err := s.client.Get(t.Context(), s.prefix, clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, kv := range answer.Kvs {
		if !strings.HasPrefix(string(kv.Key), s.nodePath("")) { // who has the store open is no part of it
			b.WriteString(kv.String())
		}
	}
	return b.String()
}
