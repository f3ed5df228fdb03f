package conformance

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stint-sts/stint/test/harness"
)

// minimumOwn is how many cases the project's own file has at least.
const minimumOwn = 165

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// TestShared runs the cases of the shared facts.
func TestShared(t *testing.T) {
	t.Parallel()
	path, there := harness.Shared("wire", "cases.json")
	if !there {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not there", path)
		}
		t.Logf("%s is not there: the project's own cases alone are run", path)
		return
	}
	cases, err := loadCases(path)
	if err != nil {
		t.Fatal(err)
	}
	checkSizes(t, cases)
	counts := newTally()
	t.Cleanup(func() { counts.report(t, cases, narrowed()) })
	var runs []wireCase
	for _, c := range cases {
		if run, _ := covered(c); run {
			runs = append(runs, c)
		}
	}
	runBatches(t, runs, counts)
}

// narrowed tells whether the command line runs some of the cases only, so that floors mean nothing.
func narrowed() bool {
	pattern := flag.Lookup("test.run").Value.String()
	return strings.Contains(pattern, "/")
}

// TestOwn runs the project's own cases. They all must pass.
func TestOwn(t *testing.T) {
	t.Parallel()
	cases, err := loadCases("testdata/own.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < minimumOwn {
		t.Fatalf("%d cases, want at least %d", len(cases), minimumOwn)
	}
	runBatches(t, cases, nil)
}

// batch is cases that can be run one after another on one server.
type batch struct {
	key   string
	cases []wireCase
}

// runBatches runs each batch as a parallel subtest, its cases as subtests of it. Without a tally every case must pass.
func runBatches(t *testing.T, cases []wireCase, counts *tally) {
	t.Helper()
	for _, b := range batches(cases) {
		name := b.cases[0].ID
		if len(b.cases) > 1 {
			name += fmt.Sprintf("+%d", len(b.cases)-1)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b.run(t, counts)
		})
	}
}

func batches(cases []wireCase) []*batch {
	var ordered []*batch
	byKey := map[string]*batch{}
	for _, c := range cases {
		key := c.ID
		if d, err := c.decode(); err == nil && repeatable(c, d) {
			key = stageKey(d.steps)
		}
		if byKey[key] == nil {
			byKey[key] = &batch{key: key}
			ordered = append(ordered, byKey[key])
		}
		byKey[key].cases = append(byKey[key].cases, c)
	}
	return ordered
}

// repeatable tells whether a case leaves its stage as it was: no step but the making of sessions comes after the directory
// file, no code is spent or failed, and the request changes nothing because it only reads, only issues, or is refused.
func repeatable(c wireCase, d decoded) bool {
	sessions := false
	for _, s := range d.steps {
		sessions = sessions || s.Do == "session"
		if s.Do == "virtual_mfa" || declarative(s) == sessions || !declarative(s) && s.Do != "session" {
			return false
		}
	}
	if !strings.HasPrefix(c.Operation, "IAM:") {
		return true
	}
	verb := strings.TrimPrefix(c.Operation, "IAM:")
	reads := strings.HasPrefix(verb, "Get") || strings.HasPrefix(verb, "List")
	return reads || string(d.expect.Status) == "400"
}

// stageKey names the directory that the declarative steps make.
func stageKey(steps []step) string {
	var key strings.Builder
	for _, s := range steps {
		if declarative(s) {
			text, _ := json.Marshal(s) //nolint:errchkjson // a step came from JSON
			key.Write(text)
		}
	}
	return "stage:" + key.String()
}

func (b *batch) run(t *testing.T, counts *tally) {
	first, err := b.cases[0].decode()
	if err != nil {
		b.fail(t, counts, err.Error())
		return
	}
	file, people, _, err := directoryOf(first.steps)
	if err != nil {
		b.fail(t, counts, err.Error())
		return
	}
	shared, err := open(t.TempDir(), file, people)
	if err != nil {
		b.fail(t, counts, err.Error())
		return
	}
	defer func() {
		if err := shared.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, c := range b.cases {
		t.Run(c.ID, func(t *testing.T) {
			own := &stage{server: shared.server, cast: people.clone(), dir: shared.dir}
			report(t, c, counts, runOne(c, own))
			shared.server = own.server
		})
	}
}

func (b *batch) fail(t *testing.T, counts *tally, problem string) {
	for _, c := range b.cases {
		report(t, c, counts, []string{problem})
	}
}

// runOne plays what is left of the setup, performs the request and compares the answer.
func runOne(c wireCase, s *stage) []string {
	d, err := c.decode()
	if err != nil {
		return []string{err.Error()}
	}
	if err := replaceAction(d.steps, &d.expect); err != nil {
		return []string{err.Error()}
	}
	rest := slices.IndexFunc(d.steps, func(s step) bool { return !declarative(s) })
	if rest >= 0 {
		if err := s.play(d.steps[rest:]); err != nil {
			return []string{err.Error()}
		}
	}
	for path, wanted := range d.expect.JSONPaths {
		d.expect.JSONPaths[path] = json.RawMessage(s.fill(string(wanted)))
	}
	done, err := s.perform(d.request)
	if err != nil {
		return []string{err.Error()}
	}
	problems := done.compare(d.expect)
	if len(problems) > 0 {
		problems = append(problems, "request:\n"+harness.Cut(string(done.raw), 3000), "answer:\n"+done.answer.String())
	}
	return problems
}

func report(t *testing.T, c wireCase, counts *tally, problems []string) {
	t.Helper()
	must := true
	if counts != nil {
		counts.count(c, problems)
		_, must = covered(c)
	}
	if len(problems) == 0 {
		return
	}
	text := fmt.Sprintf("%s %s: %s\n  %s", c.ID, c.Operation, c.Title, strings.Join(problems, "\n  "))
	if must {
		t.Error(text)
		return
	}
	t.Log(text)
}
