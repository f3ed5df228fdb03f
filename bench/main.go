// Command bench measures Stint against a bare net/http server on the same machine in the same run: server CPU per request,
// requests per second, memory after many sessions, start times. Before that it measures policy decisions beside cedar-go and
// beside a plain scan over the same compiled statements; -policies does only that. -directory measures a large directory instead. Machines are noisy, so rounds alternate between the servers
// and medians are printed; the ratio is the figure to quote.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 7, "rounds of each measurement; medians are printed")
	requests := flag.Int("requests", 20000, "requests a round")
	connections := flag.Int("connections", 8, "connections at once")
	sessions := flag.Int("sessions", 1_000_000, "sessions issued for the memory figure")
	users := flag.Int("users", 100_000, "users in the directory for the start figure")
	rate := flag.Int("rate", 4000, "requests a second of the rounds in which all servers get as many")
	only := flag.Bool("policies", false, "measure policy decisions only, which needs no server")
	large := flag.Bool("directory", false, "measure a large directory only")
	flag.Parse()
	b := &bench{rounds: *rounds, requests: *requests, connections: *connections, rate: *rate}
	if *large {
		if err := b.directory(*users); err != nil {
			log.Fatalf("bench: directory: %v", err)
		}
		return
	}
	if err := b.policies(); err != nil {
		log.Fatalf("bench: policies: %v", err)
	}
	if *only {
		return
	}
	if err := b.run(*sessions, *users); err != nil {
		log.Fatalf("bench: %v", err)
	}
}

type bench struct {
	rounds, requests, connections, rate int
	dir                                 string
}

func (b *bench) run(sessions, users int) error {
	dir, err := os.MkdirTemp("", "stint-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	s, err := startStint(filepath.Join(dir, "a"), account(0))
	if err != nil {
		return err
	}
	defer s.stop()
	fmt.Printf("start to first answer: %v\n", s.started.Round(time.Millisecond))
	for _, w := range workloads(s) {
		if err := b.compare(s, w); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	if err := b.memory(s, sessions); err != nil {
		return err
	}
	return b.bigStart(users)
}

// compare prints one workload beside the bare server with an answer of the same size.
func (b *bench) compare(s *server, w workload) error {
	length, err := answerLength(s.address, w.request)
	if err != nil {
		return err
	}
	bare, err := startBare(b.dir, length, w.proof)
	if err != nil {
		return err
	}
	defer bare.stop()
	target := fmt.Sprintf(", target ≤ %.1f", w.target)
	if w.proof != nil { // its target is counted in microseconds
		target = ""
	}
	fmt.Printf("%s, %d bytes%s\n", w.name, length, target)
	if err := b.alternate("at full speed", s, bare, w, load{requests: b.roundOf(w), connections: b.connections}); err != nil {
		return err
	}
	// At full speed the servers run under different conditions: the faster one keeps the load's own processor busy. At one rate
	// they do not.
	steady := load{requests: b.roundOf(w), connections: b.connections, rate: b.rate}
	return b.alternate(fmt.Sprintf("at %d requests/s", b.rate), s, bare, w, steady)
}

// roundOf is how many requests a round has.
func (b *bench) roundOf(w workload) int {
	if w.fresh != nil {
		return min(b.requests, w.once)
	}
	return b.requests
}

// alternate prints the medians of rounds that alternate between the servers.
func (b *bench) alternate(name string, s, bare *server, w workload, l load) error {
	for _, each := range []*server{s, bare} { // warm up
		if _, err := round(each, w.requests(l.requests), l); err != nil {
			return err
		}
	}
	var own, base []figures
	var ratios []float64
	for range b.rounds {
		f, err := round(bare, w.requests(l.requests), l)
		if err != nil {
			return err
		}
		base = append(base, f)
		if f, err = round(s, w.requests(l.requests), l); err != nil {
			return err
		}
		own = append(own, f)
		ratios = append(ratios, f.cpu/base[len(base)-1].cpu)
	}
	cpu, rate := func(f figures) float64 { return f.cpu }, func(f figures) float64 { return f.rate }
	fmt.Printf("  %-20s CPU %6.1f µs (bare %5.1f µs)  ratio %.2f [%.2f–%.2f]  %7.0f requests/s (bare %7.0f)\n", name,
		median(own, cpu), median(base, cpu), middle(ratios), slices.Min(ratios), slices.Max(ratios), median(own, rate), median(base, rate))
	if w.proof != nil {
		fmt.Printf("  %-20s %.1f µs more than parse and verification, target ≤ %.0f\n", "", median(own, cpu)-median(base, cpu), w.beyond)
	}
	return nil
}

type figures struct{ cpu, rate float64 } // µs of server CPU per request; requests per second

func round(s *server, requests [][]byte, l load) (figures, error) {
	before, err := cpuTime(s.pid())
	if err != nil {
		return figures{}, err
	}
	began := time.Now()
	if err := l.run(s.address, requests...); err != nil {
		return figures{}, err
	}
	took := time.Since(began)
	after, err := cpuTime(s.pid())
	if err != nil {
		return figures{}, err
	}
	return figures{
		cpu:  float64((after - before).Microseconds()) / float64(l.requests),
		rate: float64(l.requests) / took.Seconds(),
	}, nil
}

// memory issues sessions and prints how much the server grew.
func (b *bench) memory(s *server, sessions int) error {
	request := workloads(s)[1].request
	plateau := load{requests: 50_000, connections: b.connections}
	if err := plateau.run(s.address, request); err != nil { // of the garbage collector
		return err
	}
	before, err := residentBytes(s.pid())
	if err != nil {
		return err
	}
	if err := (load{requests: sessions, connections: b.connections}).run(s.address, request); err != nil {
		return err
	}
	after, err := residentBytes(s.pid())
	if err != nil {
		return err
	}
	fmt.Printf("memory before and after %d sessions: %.1f MB, %.1f MB, grown by %.1f MB (target ≤ 10)\n",
		sessions, mb(before), mb(after), mb(after)-mb(before))
	return nil
}

// bigStart prints how long a start takes with many users in the store.
func (b *bench) bigStart(users int) error {
	data := filepath.Join(b.dir, "big")
	began := time.Now()
	first, err := startStint(data, account(users))
	if err != nil {
		return err
	}
	loaded := time.Since(began)
	first.stop()
	var starts []float64
	for range 3 {
		s, err := startStint(data, "")
		if err != nil {
			return err
		}
		starts = append(starts, s.started.Seconds())
		s.stop()
	}
	fmt.Printf("start with %d users: %.2f s (target < 3); their first load from a file took %.1f s\n", users, middle(starts), loaded.Seconds())
	return nil
}

func mb(bytes int64) float64 { return float64(bytes) / (1 << 20) }

func median(all []figures, of func(figures) float64) float64 {
	values := make([]float64, len(all))
	for i, f := range all {
		values[i] = of(f)
	}
	return middle(values)
}

func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
