package metrics

import (
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation/oidc"
	"github.com/stint-sts/stint/internal/wire"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newMetrics() *Metrics {
	hour := func(id uint32, hours int) directory.Event {
		k := &directory.SealingKey{ID: id, Created: now.Add(-time.Duration(hours) * time.Hour)}
		return directory.Event{Key: k.Key(), Entity: k}
	}
	view := directory.NewView(arn.AWS).Apply(7, []directory.Event{hour(1, 3), hour(2, 2)})
	none := func() map[string]uint64 { return map[string]uint64{"address": 4} }
	return New(Sources{
		Now: func() time.Time { return now }, Version: "v1",
		View: func() *directory.View { return view }, ViewAge: func() time.Duration { return 1500 * time.Millisecond },
		Store:    func() error { return errors.New("down") },
		InFlight: func() int64 { return 2 }, Connections: func() int64 { return 3 }, Refused: none, Throttled: none,
		Audit:      func() audit.Stats { return audit.Stats{Sequence: 9, Failures: 1, Pending: 5} },
		AuditReady: func() error { return nil },
		OIDC: func() oidc.Stats {
			return oidc.Stats{Fetches: 6, Failures: 2, Providers: 4, Failing: 1, Oldest: time.Minute}
		},
		Caches: map[string]func() (uint64, uint64){"signing_keys": func() (uint64, uint64) { return 10, 20 }},
	})
}

func TestScrape(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	var together sync.WaitGroup
	for range 8 {
		together.Go(func() {
			for range 100 {
				m.Observe(wire.Outcome{Service: "sts", Operation: "AssumeRole", Issued: true, Took: 2 * time.Millisecond})
				m.Observe(wire.Outcome{Service: "sts", Operation: "AssumeRole", Code: "AccessDenied", Took: time.Millisecond})
			}
		})
	}
	together.Wait()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text := w.Body.String()
	for _, line := range []string{
		`stint_requests_total{code="Success",operation="AssumeRole",service="sts"} 800`,
		`stint_requests_total{code="AccessDenied",operation="AssumeRole",service="sts"} 800`,
		`stint_credentials_issued_total{operation="AssumeRole",service="sts"} 800`,
		`stint_request_duration_seconds_bucket{operation="AssumeRole",service="sts",le="0.001"} 800`,
		`stint_request_duration_seconds_count{operation="AssumeRole",service="sts"} 1600`,
		`stint_build_info{version="v1"} 1`, `stint_requests_in_flight 2`, `stint_connections 3`,
		`stint_connections_refused_total{limit="address"} 4`, `stint_requests_throttled_total{limit="address"} 4`,
		`stint_view_age_seconds 1.5`, `stint_view_revision 7`, `stint_view_entities{kind="sealing-key"} 2`, `stint_store_up 0`,
		`stint_sealing_keys 2`, `stint_sealing_key_age_seconds 7200`, `stint_outbound_keys 0`,
		`stint_oidc_fetches_total 6`, `stint_oidc_fetch_failures_total 2`, `stint_oidc_providers 4`, `stint_oidc_providers_failing 1`,
		`stint_oidc_keys_age_seconds 60`, `stint_audit_lines_total 9`, `stint_audit_write_failures_total 1`, `stint_audit_pending_lines 5`,
		`stint_audit_writable 1`, `stint_cache_hits_total{cache="signing_keys"} 10`, `stint_cache_misses_total{cache="signing_keys"} 20`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no %s", line)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	m := newMetrics()
	b.ReportAllocs()
	for b.Loop() {
		m.Observe(wire.Outcome{Service: "sts", Operation: "AssumeRole", Issued: true, Took: 2 * time.Millisecond})
	}
}
