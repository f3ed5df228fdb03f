package rootkey

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/secret"
)

const clearKey = "0123456789abcdef+canary+canary+k"

var key = secret.FromString(clearKey)

func source(t *testing.T, k config.KeySource) Source {
	t.Helper()
	s, err := New(k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// refused checks that a source gives no key, why, and that the key is not in the reason.
func refused(t *testing.T, name string, s Source, want string) {
	t.Helper()
	_, err := s.Read(t.Context())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %q", name, err, want)
	}
	for _, form := range []string{clearKey, base64.StdEncoding.EncodeToString([]byte(clearKey)), hex.EncodeToString([]byte(clearKey)), "canary"} {
		if err != nil && strings.Contains(err.Error(), form) {
			t.Errorf("%s: the error holds the key: %v", name, err)
		}
	}
}

func write(t *testing.T, path, content string, mode fs.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "new", "root.key")
	s := source(t, config.KeySource{File: path})
	if _, err := s.Read(t.Context()); !errors.Is(err, ErrAbsent) {
		t.Errorf("no file: %v", err)
	}
	made, undo, err := s.Create(t.Context(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if read, err := s.Read(t.Context()); err != nil || !read.Equal(made) {
		t.Errorf("what was made is not read: %v", err)
	}
	if _, _, err := s.Create(t.Context(), rand.Reader); !errors.Is(err, fs.ErrExist) {
		t.Errorf("made over another: %v", err)
	}
	if err := undo(); err != nil {
		t.Error(err)
	}
	if _, err := s.Read(t.Context()); !errors.Is(err, ErrAbsent) {
		t.Errorf("taken back: %v", err)
	}
	for name, c := range map[string]struct {
		content string
		mode    fs.FileMode
		want    string
	}{
		"good":           {clearKey, 0o600, ""},
		"good, stricter": {clearKey, 0o400, ""},
		"short":          {clearKey[1:], 0o600, "exactly 32 bytes"},
		"with a newline": {clearKey + "\n", 0o600, "exactly 32 bytes"},
		"empty":          {"", 0o600, "exactly 32 bytes"},
		"zeroes":         {strings.Repeat("\x00", 32), 0o600, "not random"},
		"ones":           {strings.Repeat("\xff", 32), 0o600, "not random"},
		"a pattern":      {strings.Repeat("abcd", 8), 0o600, "not random"},
		"group":          {clearKey, 0o640, "mode -rw-r-----: want a regular file of mode 0600 or stricter"},
		"world":          {clearKey, 0o604, "mode -rw----r--"},
	} {
		s := source(t, config.KeySource{File: write(t, filepath.Join(folder, strings.ReplaceAll(name, " ", "-")), c.content, c.mode)})
		if c.want != "" {
			refused(t, name, s, c.want)
		} else if read, err := s.Read(t.Context()); err != nil || !read.Equal(key) {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused(t, "a folder", source(t, config.KeySource{File: folder}), "want a regular file")
}

func TestEnvironment(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte(clearKey))
	for name, c := range map[string]struct{ text, want string }{
		"base64":      {encoded, ""},
		"hexadecimal": {hex.EncodeToString([]byte(clearKey)), ""},
		"with spaces": {" " + encoded + "\n", ""},
		"not set":     {"", "there is none: the environment variable STINT_TEST_KEY is not set"},
		"raw":         {clearKey, "exactly 32 bytes"},
		"cut":         {encoded[:40], "exactly 32 bytes"},
		"url-safe":    {strings.Replace(encoded, "+", "-", 1) + "-", "not 32 bytes in base64"},
		"zeroes":      {strings.Repeat("0", 64), "not random"},
	} {
		t.Setenv("STINT_TEST_KEY", c.text)
		s := source(t, config.KeySource{Env: "STINT_TEST_KEY"})
		if c.want != "" {
			refused(t, name, s, c.want)
		} else if read, err := s.Read(t.Context()); err != nil || !read.Equal(key) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := source(t, config.KeySource{Env: "STINT_TEST_KEY"}).Create(t.Context(), rand.Reader); !errors.Is(err, ErrNotMade) {
		t.Errorf("made: %v", err)
	}
}

// A hook is a program of the operator's: no shell reads its arguments, and what it says besides the key stays with it.
func TestCommand(t *testing.T) {
	t.Parallel()
	encoded := base64.StdEncoding.EncodeToString([]byte(clearKey))
	print := write(t, filepath.Join(t.TempDir(), "print"), "#!/bin/sh\nprintf '%s\\n' \"$1\"\n", 0o700)
	for name, c := range map[string]struct {
		command []string
		want    string
	}{
		"prints":           {[]string{print, encoded}, ""},
		"no shell":         {[]string{print, "$(printf " + encoded + ")"}, "not 32 bytes in base64"},
		"fails":            {[]string{"/bin/sh", "-c", "echo " + encoded + "; echo " + encoded + " >&2; exit 3"}, "exit status 3"},
		"prints nothing":   {[]string{"/bin/true"}, "exactly 32 bytes"},
		"prints too much":  {[]string{"/bin/sh", "-c", "yes " + encoded}, "it printed too much"},
		"says, not prints": {[]string{"/bin/sh", "-c", "echo " + encoded + " >&2"}, "exactly 32 bytes"},
		"is not there":     {[]string{"/nowhere/print"}, "no such file"},
	} {
		s := source(t, config.KeySource{Command: c.command})
		if c.want != "" {
			refused(t, name, s, c.want)
		} else if read, err := s.Read(t.Context()); err != nil || !read.Equal(key) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := source(t, config.KeySource{Command: []string{print}}).Create(t.Context(), rand.Reader); !errors.Is(err, ErrNotMade) {
		t.Errorf("made: %v", err)
	}
}

const token = "s.canary+token"

// engine speaks the part of Vault's transit API that is asked for: what it wraps is turned around. spoil alters an answer.
func engine(t *testing.T, spoil func(operation string, w http.ResponseWriter) bool) *httptest.Server {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operation, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/kms/transit/"), "/")
		if r.Method != http.MethodPost || name != "stint" || r.Header.Get("X-Vault-Token") != token {
			http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
			return
		}
		if spoil != nil && spoil(operation, w) {
			return
		}
		var in struct{ Plaintext, Ciphertext string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		data := map[string]any{"plaintext": turned(strings.TrimPrefix(in.Ciphertext, "vault:v1:"))}
		if operation == "encrypt" {
			data = map[string]any{"ciphertext": "vault:v1:" + turned(in.Plaintext), "key_version": 1}
		} else if !strings.HasPrefix(in.Ciphertext, "vault:v1:") {
			http.Error(w, `{"errors":["invalid ciphertext"]}`, http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"request_id": "r", "lease_duration": 0, "data": data, "auth": nil})
	}))
	t.Cleanup(server.Close)
	return server
}

func turned(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] ^= 1
	}
	return string(b)
}

func transitOf(t *testing.T, server *httptest.Server) config.Transit {
	folder := t.TempDir()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return config.Transit{
		Address: server.URL, Mount: "kms/transit", Key: "stint", WrappedFile: filepath.Join(folder, "root.wrapped"),
		TokenFile: write(t, filepath.Join(folder, "token"), token+"\n", 0o600), CA: write(t, filepath.Join(folder, "ca.pem"), string(authority), 0o600),
	}
}

func TestTransit(t *testing.T) {
	t.Parallel()
	settings := transitOf(t, engine(t, nil))
	s := source(t, config.KeySource{Transit: settings})
	if _, err := s.Read(t.Context()); !errors.Is(err, ErrAbsent) {
		t.Errorf("no wrapped key: %v", err)
	}
	made, undo, err := s.Create(t.Context(), strings.NewReader(clearKey))
	if err != nil {
		t.Fatal(err)
	}
	if read, err := s.Read(t.Context()); err != nil || !read.Equal(made) || !read.Equal(key) {
		t.Errorf("what was wrapped is not unwrapped: %v", err)
	}
	wrapped, err := os.ReadFile(settings.WrappedFile)
	if err != nil || bytes.Contains(wrapped, []byte(clearKey)) || bytes.Contains(wrapped, []byte(base64.StdEncoding.EncodeToString([]byte(clearKey)))) {
		t.Errorf("the file holds the key in the clear, or nothing: %v", err)
	}
	if _, _, err := s.Create(t.Context(), rand.Reader); !errors.Is(err, fs.ErrExist) {
		t.Errorf("made over another: %v", err)
	}
	if err := undo(); err != nil {
		t.Error(err)
	}
}

func TestTransitRefuses(t *testing.T) {
	t.Parallel()
	good := transitOf(t, engine(t, nil))
	if _, _, err := source(t, config.KeySource{Transit: good}).Create(t.Context(), strings.NewReader(clearKey)); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(good.WrappedFile)
	other := filepath.Join(folder, "other")
	for name, c := range map[string]struct {
		alter func(*config.Transit)
		want  string
	}{
		"another token":      {func(s *config.Transit) { s.TokenFile = write(t, other+"1", "x", 0o600) }, "it answers 403"},
		"no token":           {func(s *config.Transit) { s.TokenFile = "" }, "it answers 403"},
		"two lines":          {func(s *config.Transit) { s.TokenFile = write(t, other+"2", "canary\nx: y", 0o600) }, "not one line"},
		"a token for all":    {func(s *config.Transit) { s.TokenFile = write(t, other+"3", token, 0o604) }, "mode -rw----r--"},
		"another key":        {func(s *config.Transit) { s.Key = "other" }, "it answers 403"},
		"system authorities": {func(s *config.Transit) { s.CA = "" }, "certificate"},
		"not wrapped by it":  {func(s *config.Transit) { s.WrappedFile = write(t, other+"4", "kms:1", 0o600) }, "it answers 400"},
		"a wrapped weak key": {func(s *config.Transit) {
			s.WrappedFile = write(t, other+"5", "vault:v1:"+turned(base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o600)
		}, "not random"},
		"a wrapped short key": {func(s *config.Transit) { s.WrappedFile = write(t, other+"6", "vault:v1:"+turned("YWJj"), 0o600) }, "exactly 32 bytes"},
		"large": {func(s *config.Transit) {
			s.WrappedFile = write(t, other+"7", strings.Repeat("x", transitWrapped+1), 0o600)
		}, "more than"},
		"others may write it": {func(s *config.Transit) {
			s.WrappedFile = write(t, other+"8", "x", 0o600)
			_ = os.Chmod(s.WrappedFile, 0o620)
		}, "mode -rw--w----"},
	} {
		settings := good
		c.alter(&settings)
		refused(t, name, source(t, config.KeySource{Transit: settings}), c.want)
	}
	if _, err := New(config.KeySource{Transit: config.Transit{Address: "https://a", CA: good.TokenFile}}); err == nil || !strings.Contains(err.Error(), "has no certificate") {
		t.Errorf("authorities that are none: %v", err)
	}
}

// What the service answers can be the key: errors say nothing of it. Nor is the token sent on.
func TestTransitAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter)
		want   string
	}{
		"an error": {func(w http.ResponseWriter) { http.Error(w, clearKey, http.StatusInternalServerError) }, "it answers 500"},
		"elsewhere": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://127.0.0.1:1/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, "it answers 307"},
		"no JSON":     {func(w http.ResponseWriter) { fmt.Fprint(w, clearKey) }, "its answer has no plaintext"},
		"no data":     {func(w http.ResponseWriter) { fmt.Fprint(w, `{"plaintext":"`+clearKey+`"}`) }, "its answer has no plaintext"},
		"no text":     {func(w http.ResponseWriter) { fmt.Fprint(w, `{"data":{"plaintext":1}}`) }, "its answer has no plaintext"},
		"not base64":  {func(w http.ResponseWriter) { fmt.Fprint(w, `{"data":{"plaintext":"`+clearKey+`!"}}`) }, "not base64"},
		"without end": {func(w http.ResponseWriter) { _, _ = io.Copy(w, io.LimitReader(zeroes{}, transitAnswer*2)) }, "its answer has no plaintext"},
	} {
		settings := transitOf(t, engine(t, func(operation string, w http.ResponseWriter) bool {
			if operation == "decrypt" {
				c.answer(w)
			}
			return operation == "decrypt"
		}))
		write(t, settings.WrappedFile, "vault:v1:x", 0o600)
		refused(t, name, source(t, config.KeySource{Transit: settings}), c.want)
	}
	// A service that gives back something else than it was given would cost the store.
	settings := transitOf(t, engine(t, func(operation string, w http.ResponseWriter) bool {
		if operation == "decrypt" {
			fmt.Fprintf(w, `{"data":{"plaintext":%q}}`, base64.StdEncoding.EncodeToString([]byte(strings.ToUpper(clearKey))))
		}
		return operation == "decrypt"
	}))
	_, _, err := source(t, config.KeySource{Transit: settings}).Create(t.Context(), strings.NewReader(clearKey))
	if err == nil || !strings.Contains(err.Error(), "does not unwrap what it has wrapped") {
		t.Errorf("a forgetful service: %v", err)
	}
	if _, err := os.Stat(settings.WrappedFile); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a wrapped key was left behind: %v", err)
	}
}

type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) { clear(b); return len(b), nil }
