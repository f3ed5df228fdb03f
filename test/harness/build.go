package harness

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

const buildLimit = 10 * time.Minute

// builtBinary is the path of the stint binary under test, set by Main before any test runs and never changed.
var builtBinary string

// Main builds the binary under test, or takes the one that STINT_BINARY names, runs the tests, and gives the exit status.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "stint-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "making a directory for the binary:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	if builtBinary, err = Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Build gives the path of the binary under test: what STINT_BINARY names, else one built into dir.
func Build(dir string) (string, error) {
	if given := os.Getenv("STINT_BINARY"); given != "" {
		path, err := filepath.Abs(given)
		if err != nil {
			return "", fmt.Errorf("resolving STINT_BINARY: %w", err)
		}
		return path, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), buildLimit)
	defer cancel()
	path := filepath.Join(dir, "stint")
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", path, "./cmd/stint")
	build.Dir = ProjectRoot()
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the binary: %w\n%s", err, output)
	}
	return path, nil
}

// Binary is the path of the binary under test, for programs that run it by themselves.
func Binary() string { return builtBinary }

const toolLimit = time.Minute

// Run runs a subcommand of the binary to its end and gives all that it printed.
func Run(arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), toolLimit)
	defer cancel()
	command := exec.CommandContext(ctx, builtBinary, arguments...)
	command.Env = Environment()
	output, err := command.CombinedOutput()
	if err != nil {
		return string(output), fmt.Errorf("stint %v: %w", arguments, err)
	}
	return string(output), nil
}

// Pipe runs a subcommand of the binary on an input and gives what it printed on standard output.
func Pipe(input string, arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), toolLimit)
	defer cancel()
	command := exec.CommandContext(ctx, builtBinary, arguments...)
	command.Env = Environment()
	command.Stdin = strings.NewReader(input)
	var problems bytes.Buffer
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		return string(output), fmt.Errorf("stint %s: %w\n%s", strings.Join(arguments, " "), err, problems.String())
	}
	return string(output), nil
}

// ProjectRoot is the folder of the product's module.
func ProjectRoot() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// Shared is the path of a file in the folder of shared facts beside the project, and whether it is there.
func Shared(elements ...string) (string, bool) {
	path := filepath.Join(append([]string{ProjectRoot(), "..", "shared"}, elements...)...)
	_, err := os.Stat(path)
	return path, err == nil
}
