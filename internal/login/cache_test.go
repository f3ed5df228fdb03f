package login

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/secret"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func testLogin(profile string) *Login {
	return &Login{
		Profile: profile, Endpoint: "https://sts.example.com", CAFile: "/etc/ca.pem", AskedRole: "arn:aws:iam::111122223333:role/reader",
		AccessKeyID: "ASIAEXAMPLE", Secret: secret.FromString("secret-" + profile), SessionToken: secret.FromString("token-" + profile),
		Expires: noon.Add(time.Hour), ARN: "arn:aws:sts::111122223333:assumed-role/reader/alice",
		RoleARN: "arn:aws:iam::111122223333:role/reader", Region: "us-east-1",
	}
}

func testCache(t *testing.T, profiles ...string) Cache {
	t.Helper()
	c := Cache{Folder: filepath.Join(t.TempDir(), "stint")}
	for _, p := range profiles {
		if err := c.Put(testLogin(p), noon); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func profilesOf(t *testing.T, c Cache) string {
	t.Helper()
	logins, err := c.Logins()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range logins {
		names = append(names, l.Profile)
	}
	return strings.Join(names, " ")
}

func TestCacheKeepsLogins(t *testing.T) {
	t.Parallel()
	c := testCache(t)
	if logins, err := c.Logins(); err != nil || len(logins) != 0 {
		t.Fatalf("an empty cache: %v, %v", logins, err)
	}
	want := testLogin("b")
	for _, l := range []*Login{want, testLogin("a"), want} {
		if err := c.Put(l, noon); err != nil {
			t.Fatal(err)
		}
	}
	logins, err := c.Logins()
	if err != nil || profilesOf(t, c) != "a b" {
		t.Fatalf("%v, %v", logins, err)
	}
	got := logins[1]
	if !got.Secret.Equal(want.Secret) || !got.SessionToken.Equal(want.SessionToken) || !got.Expires.Equal(want.Expires) {
		t.Errorf("credentials came back as others")
	}
	got.Secret, got.SessionToken, got.Expires = want.Secret, want.SessionToken, want.Expires
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", *want) {
		t.Errorf("got %+v, want %+v", got, *want)
	}
	for path, mode := range map[string]os.FileMode{"": 0o700, cacheFile: 0o600, lockFile: 0o600} {
		info, err := os.Stat(filepath.Join(c.Folder, path))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, mode)
		}
	}
	if n, err := c.Remove(func(l *Login) bool { return l.Profile == "a" }); n != 1 || err != nil {
		t.Errorf("removing one: %d, %v", n, err)
	}
	if n, err := c.Remove(func(l *Login) bool { return l.Profile == "a" }); n != 0 || err != nil {
		t.Errorf("removing it again: %d, %v", n, err)
	}
	if got := profilesOf(t, c); got != "b" {
		t.Errorf("left is %q", got)
	}
	entries, err := os.ReadDir(c.Folder)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v, %v: want the file and its lock", entries, err)
	}
}

func TestCacheForgetsAndRefuses(t *testing.T) {
	t.Parallel()
	c := testCache(t, "old")
	if err := c.Put(testLogin("new"), noon.Add(keepExpired+2*time.Hour)); err != nil || profilesOf(t, c) != "new" {
		t.Errorf("what expired long ago stays: %v", err)
	}
	for i := 1; i < maxLogins; i++ {
		if err := c.Put(testLogin(fmt.Sprintf("p%d", i)), noon); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Put(testLogin("p1"), noon); err != nil {
		t.Errorf("replacing one in a full cache: %v", err)
	}
	if err := c.Put(testLogin("more"), noon); !errors.Is(err, ErrFull) {
		t.Errorf("one too many: %v", err)
	}
	bad := testLogin("p1")
	bad.CAFile = "/tmp/a\x1b[2J"
	if err := c.Put(bad, noon); err == nil || !strings.Contains(err.Error(), "ca_file has characters that cannot be printed") {
		t.Errorf("what could not be read again: %v", err)
	}
	if logins, err := c.Logins(); err != nil || len(logins) != maxLogins {
		t.Errorf("after refusals: %d, %v", len(logins), err)
	}
}

// What others could have read or written is not used, nor changed.
func TestCacheOpenToOthers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		expose func(folder, file string) error
		reason string
	}{
		{"control", func(string, string) error { return nil }, ""},
		{"file that the group can read", func(_, file string) error { return os.Chmod(file, 0o640) }, "has mode -rw-r-----"},
		{"file that all can read", func(_, file string) error { return os.Chmod(file, 0o604) }, "has mode -rw----r--"},
		{"folder that all can look into", func(folder, _ string) error { return os.Chmod(folder, 0o755) }, "has mode -rwxr-xr-x"},
		{"folder that the group can write", func(folder, _ string) error { return os.Chmod(folder, 0o720) }, "has mode -rwx-w----"},
		{"link to a file", func(_, file string) error {
			return errors.Join(os.Rename(file, file+".real"), os.Symlink(file+".real", file))
		}, "neither a file nor a folder of its own"},
		{"link to a folder", func(folder, _ string) error {
			return errors.Join(os.Rename(folder, folder+".real"), os.Symlink(folder+".real", folder))
		}, "neither a file nor a folder of its own"},
		{"folder in the place of the file", func(_, file string) error {
			return errors.Join(os.Remove(file), os.Mkdir(file, 0o700))
		}, "neither a file nor a folder of its own"},
	}
	if os.Geteuid() == 0 {
		tests = append(tests, struct {
			name   string
			expose func(folder, file string) error
			reason string
		}{"file of another user", func(_, file string) error { return os.Chown(file, 12345, -1) }, "belongs to another user"})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := testCache(t, "a")
			if err := tt.expose(c.Folder, filepath.Join(c.Folder, cacheFile)); err != nil {
				t.Fatal(err)
			}
			_, read := c.Logins()
			for _, err := range []error{read, c.Put(testLogin("b"), noon)} {
				if tt.reason == "" && err != nil {
					t.Error(err)
				}
				if tt.reason != "" && (!errors.Is(err, ErrExposed) || !strings.Contains(err.Error(), tt.reason)) {
					t.Errorf("%v, want %q", err, tt.reason)
				}
			}
		})
	}
}

func TestCacheDamaged(t *testing.T) {
	t.Parallel()
	good, err := formatCache([]Login{*testLogin("a"), *testLogin("b")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseCache(good); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, old, new, reason string }{
		{"cut off", "]\n}\n", "", "reading JSON"},
		{"key twice", `"version": 1,`, `"version": 1, "version": 1,`, "duplicate key"},
		{"another version", `"version": 1,`, `"version": 2,`, "version is another"},
		{"unknown key", `"version": 1,`, `"version": 1, "more": 1,`, `"more" is unknown`},
		{"no list", `"logins": [`, `"logins": 1, "x": [`, "is unknown"},
		{"unknown key of a login", `"profile": "a",`, `"profile": "a", "p": 1,`, `"p" is unknown`},
		{"missing key", `"region": "us-east-1"`, `"role_arn": "r"`, "duplicate key"},
		{"empty text", `"arn": "arn:aws:sts::111122223333:assumed-role/reader/alice"`, `"arn": ""`, "arn is missing or no text"},
		{"no text", `"secret-a"`, `1`, "secret_access_key is missing or no text"},
		{"line break", `"secret-a"`, `"a\nb"`, "secret_access_key has characters"},
		{"no time", `"2026-11-24T13:00:00Z"`, `"tomorrow"`, "expiration is no time"},
		{"profile", `"profile": "a"`, `"profile": "a b"`, "letters, digits"},
		{"out of order", `"profile": "b"`, `"profile": "a"`, "not in order"},
		{"endpoint in the clear", `"https://sts.example.com"`, `"http://sts.example.com"`, "endpoint"},
		{"another spelling of the endpoint", `"https://sts.example.com"`, `"https://STS.example.com/"`, "endpoint"},
		{"login that is no object", `{
   "profile": "a",`, `1, {"profile": "a",`, "it is no JSON object"},
		{"too long", `"us-east-1"`, `"` + strings.Repeat("a", maxField+1) + `"`, "region is too long"},
	} {
		text := strings.Replace(string(good), tt.old, tt.new, 1)
		if text == string(good) {
			t.Fatalf("%s changes nothing", tt.name)
		}
		if _, err := parseCache([]byte(text)); err == nil || !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.reason)
		}
	}
	c := testCache(t, "a")
	file := filepath.Join(c.Folder, cacheFile)
	if err := os.WriteFile(file, []byte(strings.Repeat(" ", maxCache+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Logins(); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a huge file: %v", err)
	}
}

// Of logins that end at one moment none is lost.
func TestCacheManyAtOnce(t *testing.T) {
	t.Parallel()
	c := testCache(t)
	const many = 12
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			if err := c.Put(testLogin(fmt.Sprintf("p%d", i)), noon); err != nil {
				t.Error(err)
			}
			if _, err := c.Logins(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if logins, err := c.Logins(); err != nil || len(logins) != many {
		t.Errorf("%d of %d logins are there, %v", len(logins), many, err)
	}
}

func FuzzCache(f *testing.F) {
	good, err := formatCache([]Login{*testLogin("a"), *testLogin("b")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":1,"logins":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		logins, err := parseCache(text)
		if err != nil {
			return
		}
		again, err := formatCache(logins)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := parseCache(again); err != nil || len(back) != len(logins) {
			t.Errorf("what was read is not read again: %v", err)
		}
	})
}
