package main

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	largeRoles    = 10_000
	largePolicies = 1_000
	writes        = 500
	// settling is how many writes make etcd drop from memory the log of the load, which it reads at a start, and the collector what
	// the start left.
	settling = 500
	// leanCollector makes the heap stay close to what lives: the figure is of the directory, not of the collector's headroom.
	leanCollector = "GOGC=2"
	// userData is the length of an empty user's name, path, id, ARN and account, and of the time it was created.
	userData = len("user-000000") + len("/") + 21 + len("arn:aws:iam::111122223333:user/user-000000") + 12 + 24
)

// directory prints what reading, writing and keeping a large directory takes: empty users, 10,000 roles, 1,000 managed policies.
func (b *bench) directory(users int) error {
	dir, err := os.MkdirTemp("", "stint-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	small, _, err := b.largeMemory("small", 0)
	if err != nil {
		return err
	}
	large, data, err := b.largeMemory("large", users)
	if err != nil {
		return err
	}
	per := float64(large-small) / float64(users)
	fmt.Printf("memory with and without %d empty users, %s: %.0f MB, %.0f MB; %.0f bytes a user, %.0f more than its data (%d), target < 1024\n",
		users, leanCollector, mb(large), mb(small), per, per-float64(userData), userData)

	s, err := startStint(data, "")
	if err != nil {
		return err
	}
	defer s.stop()
	for _, w := range []struct {
		name string
		form url.Values
	}{
		{"GetRole", url.Values{"Action": {"GetRole"}, "RoleName": {fmt.Sprintf("role-%05d", largeRoles/2)}}},
		{"ListUsers, the first 100", url.Values{"Action": {"ListUsers"}}},
		{"ListUsers, the first 1000", url.Values{"Action": {"ListUsers"}, "MaxItems": {"1000"}}},
	} {
		if err := b.read(s, w.name, w.form); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return b.write(s)
}

// largeMemory starts Stint with a directory, and again from what it stored, and returns the memory then.
func (b *bench) largeMemory(name string, users int) (resident int64, data string, err error) {
	data = filepath.Join(b.dir, name)
	first, err := startStint(data, largeAccount(users))
	if err != nil {
		return 0, "", err
	}
	first.stop()
	s, err := startStint(data, "", leanCollector)
	if err != nil {
		return 0, "", err
	}
	defer s.stop()
	for i := range settling {
		if _, err := answerLength(s.address, s.createUser(fmt.Sprintf("settled-%06d", i))); err != nil {
			return 0, "", err
		}
	}
	resident, err = settled(s.pid())
	return resident, data, err
}

// settled is the memory of a process that has given back to the kernel what it freed, which Go does in the background.
func settled(pid int) (int64, error) {
	last, err := anonymousBytes(pid)
	for range 12 {
		if err != nil {
			return 0, err
		}
		time.Sleep(5 * time.Second)
		var now int64
		if now, err = anonymousBytes(pid); err == nil && now > last-last/100 {
			return now, nil
		}
		last = now
	}
	return last, err
}

func (s *server) createUser(name string) []byte {
	return s.sign("iam", url.Values{"Action": {"CreateUser"}, "Version": {"2010-05-08"}, "UserName": {name}})
}

func (b *bench) read(s *server, name string, form url.Values) error {
	form.Set("Version", "2010-05-08")
	request, l := s.sign("iam", form), load{requests: 500, connections: b.connections}
	length, err := answerLength(s.address, request)
	if err != nil {
		return err
	}
	if _, err := round(s, [][]byte{request}, l); err != nil { // warm up
		return err
	}
	var all []figures
	for range b.rounds {
		f, err := round(s, [][]byte{request}, l)
		if err != nil {
			return err
		}
		all = append(all, f)
	}
	fmt.Printf("%s, %d bytes: %.2f ms of server CPU, target < 2\n", name, length, median(all, func(f figures) float64 { return f.cpu })/1000)
	return nil
}

// write prints the medians of the latencies of a write and of a bare etcd's put, one after another, in rounds that alternate.
func (b *bench) write(s *server) error {
	binary := filepath.Join(b.dir, "put")
	if out, err := exec.Command("go", "build", "-o", binary, "./put").CombinedOutput(); err != nil {
		return fmt.Errorf("building the bare etcd: %w: %s", err, out)
	}
	bare := exec.Command(binary, filepath.Join(b.dir, "etcd"))
	bare.Stderr = os.Stderr
	in, err := bare.StdinPipe()
	if err != nil {
		return err
	}
	out, err := bare.StdoutPipe()
	if err != nil {
		return err
	}
	if err := bare.Start(); err != nil {
		return err
	}
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		return err
	}
	defer c.Close()
	answers, lines := bufio.NewReaderSize(c, 16<<10), bufio.NewReader(out)
	var own, puts []float64
	for i := range writes {
		request := s.createUser(fmt.Sprintf("written-%06d", i))
		began := time.Now()
		if _, err := c.Write(request); err != nil {
			return err
		}
		if _, err := answer(answers); err != nil {
			return err
		}
		own = append(own, float64(time.Since(began).Microseconds())/1000)
		if _, err := fmt.Fprintln(in, i); err != nil {
			return err
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		took, err := time.ParseDuration(strings.TrimSpace(line))
		if err != nil {
			return err
		}
		puts = append(puts, float64(took.Microseconds())/1000)
	}
	if err := in.Close(); err != nil {
		return err
	}
	fmt.Printf("CreateUser: %.2f ms until the answer (median of %d), target < 20; a bare etcd's put %.2f ms\n", middle(own), writes, middle(puts))
	return bare.Wait()
}

func largeAccount(users int) string {
	var b strings.Builder
	b.WriteString("accounts:\n  \"111122223333\":\n    policies:\n")
	for i := range largePolicies {
		fmt.Fprintf(&b, "      policy-%04d: {document: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Action: \"s3:*\", Resource: \"arn:aws:s3:::b-%d/*\"}]}}\n", i, i)
	}
	b.WriteString("    roles:\n")
	for i := range largeRoles {
		fmt.Fprintf(&b, "      role-%05d: {trust_policy: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Principal: {AWS: \"111122223333\"}, "+
			"Action: \"sts:AssumeRole\"}]}, attached_policies: [\"arn:aws:iam::111122223333:policy/policy-%04d\"]}\n", i, i%largePolicies)
	}
	if users > 0 {
		b.WriteString("    users:\n")
	}
	for i := range users {
		fmt.Fprintf(&b, "      user-%06d: {}\n", i)
	}
	return b.String()
}
