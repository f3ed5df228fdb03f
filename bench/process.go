package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a child process that listens on loopback.
type server struct {
	cmd         *exec.Cmd
	address     string
	started     time.Duration
	environment map[string]string
}

func (s *server) pid() int { return s.cmd.Process.Pid }

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
}

// startBare starts the bare server; with a proof it is the one that verifies it at each request.
func startBare(dir string, size int, proof *proof) (*server, error) {
	binary := filepath.Join(dir, "bare")
	if out, err := exec.Command("go", "build", "-o", binary, "./bare").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the bare server: %w: %s", err, out)
	}
	cmd := exec.Command(binary, strconv.Itoa(size))
	if proof != nil {
		cmd.Args = append(cmd.Args, proof.kind, proof.keys)
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	return &server{cmd: cmd, address: strings.TrimSpace(address)}, err
}

// startStint runs stint dev, with some variables more in its environment, and waits for its first answer.
func startStint(data, directoryFile string, environment ...string) (*server, error) {
	binary := os.Getenv("STINT_BINARY")
	if binary == "" {
		return nil, errors.New("STINT_BINARY is not set: make bench")
	}
	env := data + ".env"
	_ = os.Remove(env)
	arguments := []string{"dev", "--listen", "127.0.0.1:0", "--data", data, "--env-file", env}
	if directoryFile != "" {
		file := data + ".yaml"
		if err := os.WriteFile(file, []byte(directoryFile), 0o600); err != nil {
			return nil, err
		}
		arguments = append(arguments, "--directory", file)
	}
	s := &server{cmd: exec.Command(binary, arguments...)}
	s.cmd.Env = append(os.Environ(), environment...)
	logs, err := os.Create(data + ".log")
	if err != nil {
		return nil, err
	}
	defer logs.Close()
	s.cmd.Stderr = logs
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for time.Since(began) < 10*time.Minute {
		text, err := os.ReadFile(env)
		if err != nil {
			time.Sleep(2 * time.Millisecond)
			continue
		}
		s.environment = make(map[string]string)
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
				s.environment[name] = value
			}
		}
		s.address = strings.TrimPrefix(s.environment["AWS_ENDPOINT_URL"], "http://")
		if _, err := answerLength(s.address, workloads(s)[0].request); err != nil {
			return nil, err
		}
		s.started = time.Since(began)
		return s, nil
	}
	s.stop()
	return nil, fmt.Errorf("no answer; see %s.log", data)
}

// cpuTime is what the threads of a process have run so far. Go's runtime does not end threads that serve requests.
func cpuTime(pid int) (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	var total time.Duration
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			return 0, err
		}
		nanoseconds, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(nanoseconds)
	}
	return total, nil
}

func residentBytes(pid int) (int64, error) { return memory(pid, "VmRSS:") }

// anonymousBytes is the resident memory without mapped files: the store's file is mapped, and the kernel drops it when it likes.
func anonymousBytes(pid int) (int64, error) { return memory(pid, "RssAnon:") }

func memory(pid int, field string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, field); ok {
			kilobytes, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, errors.New("no " + field)
}
