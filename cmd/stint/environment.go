package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stint-sts/stint/internal/secret"
)

// environment is what a client needs to reach a server as a user. Its secret leaves by write and writeFile alone.
type environment struct {
	accessKeyID string
	secret      secret.Key
	region      string
	endpoint    string
	account     string
}

func (e *environment) variables() [][2]string {
	return [][2]string{
		{"AWS_ACCESS_KEY_ID", e.accessKeyID},
		{"AWS_SECRET_ACCESS_KEY", e.secret.RevealString()},
		{"AWS_REGION", e.region},
		{"AWS_DEFAULT_REGION", e.region}, // AWS CLI 1 and boto3 read this one alone
		{"AWS_ENDPOINT_URL", e.endpoint},
		{"STINT_ACCOUNT_ID", e.account},
	}
}

// write prints lines to paste into a shell. What is for the reader alone is a comment there.
func (e *environment) write(w io.Writer) error {
	var b strings.Builder
	for _, v := range e.variables() {
		fmt.Fprintf(&b, "export %s=%s\n", v[0], shellQuote(v[1]))
	}
	fmt.Fprintf(&b, `
# Paste the lines above into a shell, and then:
#   aws sts get-caller-identity
# AWS CLI 2 before 2.13 and 1 before 1.29 ignore AWS_ENDPOINT_URL:
#   aws sts get-caller-identity --endpoint-url %s
`, e.endpoint)
	_, err := io.WriteString(w, b.String())
	return err
}

// shellQuote quotes what a shell would not take as it is: a secret given in a directory file can be any text.
func shellQuote(s string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=/:.,@%"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// writeFile writes KEY=VALUE lines. The file appears whole or not at all, closed to others.
func (e *environment) writeFile(path string) error {
	var b strings.Builder
	for _, v := range e.variables() {
		if strings.ContainsAny(v[1], "\r\n") {
			return fmt.Errorf("writing %s: the value of %s has a line break", path, v[0])
		}
		fmt.Fprintf(&b, "%s=%s\n", v[0], v[1])
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // of mode 0600
	if err != nil {
		return fmt.Errorf("writing the environment file: %w", err)
	}
	_, err = temporary.WriteString(b.String())
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing the environment file: %w", errors.Join(err, os.Remove(temporary.Name())))
	}
	return nil
}

// removeStale removes the file of an earlier start, so that who waits for the file does not take the old one for this server's.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		return fmt.Errorf("removing the old environment file: %w", err)
	}
	return nil
}
