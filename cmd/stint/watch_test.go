package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/limit"
	"github.com/stint-sts/stint/internal/server"
)

// fetch asks a server and returns status and body.
func fetch(t *testing.T, address, method, target, host string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// onAdmin serves the second listener of a node until the test ends.
func (w *whole) onAdmin() string {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.node.adminListener = l
	end := w.node.watched(w.handler.(*server.Handler))
	w.t.Cleanup(func() {
		if err := end(context.Background()); err != nil {
			w.t.Error(err)
		}
	})
	return l.Addr().String()
}

var adminPaths = []string{
	"/healthz", "/readyz", "/metrics", "/debug/pprof/", "/debug/pprof/goroutine", "/debug/pprof/heap", "/debug/pprof/allocs",
	"/debug/pprof/symbol",
}

// T18, advisory 130: health, metrics and profiles are on the second listener alone, which has nothing else and changes nothing.
func TestRoutesOfTheListeners(t *testing.T) {
	t.Parallel()
	w := begun(t, t.TempDir())
	defer w.end()
	admin := w.onAdmin()
	api := httptest.NewServer(w.handler.(*server.Handler))
	defer api.Close()
	for _, path := range append(slices.Clone(adminPaths), "/debug/pprof/profile", "/debug/pprof/trace", "/debug/vars", "/debug/pprof/cmdline") {
		if status, body := fetch(t, api.Listener.Addr().String(), http.MethodGet, path, ""); status != http.StatusNotFound || !strings.Contains(body, "UnknownOperation") {
			t.Errorf("the API answers %s with %d %q", path, status, body)
		}
	}
	for _, path := range adminPaths {
		if status, body := fetch(t, admin, http.MethodGet, path, ""); status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, body)
		}
		if status, _ := fetch(t, admin, http.MethodPost, path, ""); status != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, status)
		}
		if status, _ := fetch(t, admin, http.MethodGet, path, "evil.example:8322"); status != http.StatusMisdirectedRequest {
			t.Errorf("%s for a name of somebody else's: %d", path, status)
		}
	}
	for _, path := range []string{"/", "/debug/vars", "/debug/", "/debug/pprof", "/debug/pprof/cmdline", "/debug/pprof/nothing", "/stint/v1/context-assertion", "//healthz", "/healthz/"} {
		if status, _ := fetch(t, admin, http.MethodGet, path, ""); status != http.StatusNotFound {
			t.Errorf("the admin listener answers %s with %d", path, status)
		}
	}
}

// readiness returns what /readyz answers: whether the node is ready, and the errors by check.
func readiness(t *testing.T, admin string) (ready bool, wrong map[string]string) {
	t.Helper()
	status, body := fetch(t, admin, http.MethodGet, "/readyz", "")
	var answer struct {
		Ready  bool
		Checks []struct{ Name, Error string }
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	if answer.Ready != (status == http.StatusOK) || len(answer.Checks) != 5 {
		t.Errorf("%d %s", status, body)
	}
	wrong = make(map[string]string)
	for _, c := range answer.Checks {
		if c.Error != "" {
			wrong[c.Name] = c.Error
		}
	}
	return answer.Ready, wrong
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	w := begun(t, t.TempDir())
	defer w.end()
	admin := w.onAdmin()
	if ready, wrong := readiness(t, admin); !ready || len(wrong) > 0 {
		t.Fatalf("positive control: %v, %v", ready, wrong)
	}
	if status, answer := w.call(w.admin, "sts", "GetCallerIdentity"); status != http.StatusOK {
		t.Fatalf("positive control: %d %s", status, answer)
	}
	w.node.maxViewAge = time.Nanosecond
	if ready, wrong := readiness(t, admin); ready || !strings.Contains(wrong["view"], "max_view_age is 1ns") {
		t.Errorf("with a View that is too old: %v, %v", ready, wrong)
	}
	if status, answer := w.call(w.admin, "sts", "GetCallerIdentity"); status != http.StatusServiceUnavailable || !strings.Contains(answer, "older than it may be") {
		t.Errorf("with a View that is too old: %d %s", status, answer)
	}
	w.node.maxViewAge = time.Hour
	w.node.draining.Store(true)
	if ready, wrong := readiness(t, admin); ready || wrong["serving"] != errDraining.Error() {
		t.Errorf("while it drains: %v, %v", ready, wrong)
	}
	if status, answer := w.call(w.admin, "sts", "GetCallerIdentity"); status != http.StatusOK {
		t.Errorf("while it drains: %d %s", status, answer)
	}
}

// Who asks too often is told so as AWS does, and others are not.
func TestThrottling(t *testing.T) {
	t.Parallel()
	w := begun(t, t.TempDir())
	defer w.end()
	admin := w.onAdmin()
	w.node.limits.Set(server.Rates{Principal: limit.Rate{PerSecond: 1e-9, Burst: 2}})
	for i := range 3 {
		status, answer := w.call(w.admin, "sts", "GetCallerIdentity")
		if i < 2 && status != http.StatusOK {
			t.Fatalf("request %d: %d %s", i, status, answer)
		}
		if i == 2 && (status != http.StatusBadRequest || !strings.Contains(answer, "<Code>Throttling</Code>") ||
			!strings.Contains(answer, "<Message>Rate exceeded</Message>")) {
			t.Errorf("one too many: %d %s", status, answer)
		}
	}
	_, text := fetch(t, admin, http.MethodGet, "/metrics", "")
	for _, line := range []string{
		`stint_requests_total{code="Success",operation="GetCallerIdentity",service="sts"} 2`,
		`stint_requests_total{code="Throttling",operation="GetCallerIdentity",service="sts"} 1`,
		`stint_requests_throttled_total{limit="principal"} 1`,
		`stint_request_duration_seconds_count{operation="GetCallerIdentity",service="sts"} 3`,
		`stint_view_entities{kind="user"} 1`, `stint_store_up 1`, `stint_audit_writable 1`, `stint_sealing_keys 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("the metrics lack %s:\n%s", line, grep(text, strings.SplitN(line, "{", 2)[0]))
		}
	}
}

func grep(text, word string) string {
	var found []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}

// Every metric that the dashboard and the alert rules name exists.
func TestDashboardAndAlerts(t *testing.T) {
	t.Parallel()
	w := begun(t, t.TempDir())
	defer w.end()
	admin := w.onAdmin()
	if status, answer := w.call(w.admin, "sts", "GetSessionToken"); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	_, text := fetch(t, admin, http.MethodGet, "/metrics", "")
	known := make(map[string]bool)
	for line := range strings.Lines(text) {
		if name := regexp.MustCompile(`^[a-z_]+`).FindString(line); name != "" {
			known[name] = true
		}
	}
	var expressions []string
	rules, err := os.ReadFile("../../docs/operations/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var alerts struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(rules, &alerts); err != nil {
		t.Fatal(err)
	}
	for _, g := range alerts.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" {
				t.Errorf("%+v is not whole", r)
			}
			expressions = append(expressions, r.Expr)
		}
	}
	board, err := os.ReadFile("../../docs/operations/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(board, &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			expressions = append(expressions, target.Expr)
		}
	}
	if len(expressions) < 25 {
		t.Fatalf("%d expressions: some have vanished", len(expressions))
	}
	names := regexp.MustCompile(`\b(?:stint|go|process)_[a-z_]+`)
	for _, e := range expressions {
		found := names.FindAllString(e, -1)
		if len(found) == 0 {
			t.Errorf("%q names no metric", e)
		}
		for _, name := range found {
			if !known[name] {
				t.Errorf("%q names %s, which is no metric", e, name)
			}
		}
	}
}

// A reload brings what can change, says what cannot, and a configuration that cannot be meant changes nothing.
func TestReload(t *testing.T) {
	t.Parallel()
	w := begun(t, t.TempDir())
	defer w.end()
	path := filepath.Join(t.TempDir(), "stint.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("log: {level: info}")
	settings, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	r := newReloader(path, settings)
	r.node = w.node
	allowed := func() (n int) {
		for range 5 {
			if status, _ := w.call(w.admin, "sts", "GetCallerIdentity"); status == http.StatusOK {
				n++
			}
		}
		return n
	}
	const three = "log: {level: debug}\nlimits: {account: {rate: 0.000001, burst: 3}}\n"
	write(three)
	if err := r.reload(); err != nil || r.level.Level().String() != "DEBUG" {
		t.Fatalf("%v, level %v", err, r.level)
	}
	if n := allowed(); n != 3 {
		t.Errorf("%d requests of an account were answered, want 3", n)
	}
	write("log: {level: loud}\nlimits: {account: {rate: 0}}\n")
	if err := r.reload(); err == nil || !strings.Contains(err.Error(), "log.level") {
		t.Errorf("a level that is none: %v", err)
	}
	if n := allowed(); n != 0 || r.level.Level().String() != "DEBUG" {
		t.Errorf("a configuration that cannot be meant changed something: %d, %v", n, r.level)
	}
	write("log: {level: warn}\nregions: [eu-west-1]\nlimits: {account: {rate: 0}}\n")
	if err := r.reload(); !errors.Is(err, errRestart) {
		t.Errorf("other regions: %v", err)
	}
	if n := allowed(); n != 5 || r.level.Level().String() != "WARN" {
		t.Errorf("what can change did not: %d, %v", n, r.level)
	}
}
