package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation/oidc"
)

// Sources are the owners of what a scrape shows. Each is asked at every scrape, waits for no network, and is not nil.
type Sources struct {
	Now func() time.Time
	// Version is that of the program.
	Version string
	View    func() *directory.View
	// ViewAge is how long ago the View was certain to be the store's newest state. Store says why the View does not follow.
	ViewAge func() time.Duration
	Store   func() error
	// InFlight and Connections are how many requests are being answered, and how many connections are open.
	InFlight, Connections func() int64
	// Refused are connections over a limit by the limit, Throttled requests likewise.
	Refused, Throttled func() map[string]uint64
	Audit              func() audit.Stats
	AuditReady         func() error
	OIDC               func() oidc.Stats
	// Caches are hits and misses by the name of the cache.
	Caches map[string]func() (hits, misses uint64)
}

// state is a collector of everything that is not counted on the way of a request.
type state struct {
	Sources

	mu      sync.Mutex
	counted *directory.View        // guarded by mu
	counts  map[directory.Kind]int // of counted
}

func newState(s Sources) *state { return &state{Sources: s} }

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	buildInfo     = gauge("stint_build_info", "The program's version; the value is 1.", "version")
	inFlight      = gauge("stint_requests_in_flight", "Requests that are being answered.")
	connections   = gauge("stint_connections", "Open connections to the API.")
	refused       = gauge("stint_connections_refused_total", "Connections that were closed at once, by the limit.", "limit")
	throttled     = gauge("stint_requests_throttled_total", "Requests that were refused for their rate, by the limit.", "limit")
	viewAge       = gauge("stint_view_age_seconds", "Time since the directory in memory was certain to be the store's newest state.")
	viewRevision  = gauge("stint_view_revision", "Revision of the directory in memory.")
	viewEntities  = gauge("stint_view_entities", "Entities of the directory in memory.", "kind")
	storeUp       = gauge("stint_store_up", "1 while the directory in memory follows the store.")
	sealingKeys   = gauge("stint_sealing_keys", "Keys of the ring that session tokens are sealed under.")
	sealingAge    = gauge("stint_sealing_key_age_seconds", "Age of the newest key of the ring.")
	outboundKeys  = gauge("stint_outbound_keys", "Keys of the accounts' own token issuers.")
	outboundAge   = gauge("stint_outbound_key_age_seconds", "Age of the newest key of the enabled issuer whose newest key is the oldest.")
	fetches       = gauge("stint_oidc_fetches_total", "Fetches of keys of OIDC providers.")
	fetchFailures = gauge("stint_oidc_fetch_failures_total", "Fetches of keys of OIDC providers that failed.")
	providers     = gauge("stint_oidc_providers", "OIDC providers whose keys are fetched.")
	failing       = gauge("stint_oidc_providers_failing", "OIDC providers whose last fetch failed.")
	keysAge       = gauge("stint_oidc_keys_age_seconds", "Age of the oldest fetched keys that are used.")
	auditLines    = gauge("stint_audit_lines_total", "Number of the last line of the audit log.")
	auditFailures = gauge("stint_audit_write_failures_total", "Writes of the audit log that failed.")
	auditPending  = gauge("stint_audit_pending_lines", "Audit lines that wait in memory.")
	auditWritable = gauge("stint_audit_writable", "1 while the audit log can be written.")
	cacheHits     = gauge("stint_cache_hits_total", "What was found in a cache.", "cache")
	cacheMisses   = gauge("stint_cache_misses_total", "What was not found in a cache.", "cache")
)

// Describe implements prometheus.Collector.
func (s *state) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		buildInfo, inFlight, connections, refused, throttled, viewAge, viewRevision, viewEntities, storeUp, sealingKeys, sealingAge, outboundKeys,
		outboundAge, fetches, fetchFailures, providers, failing, keysAge, auditLines, auditFailures, auditPending, auditWritable, cacheHits,
		cacheMisses,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (s *state) Collect(out chan<- prometheus.Metric) {
	show := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	count := func(d *prometheus.Desc, value uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	show(buildInfo, 1, s.Version)
	show(inFlight, float64(s.InFlight()))
	show(connections, float64(s.Connections()))
	for limit, n := range s.Refused() {
		count(refused, n, limit)
	}
	for limit, n := range s.Throttled() {
		count(throttled, n, limit)
	}
	s.collectView(show)
	fetched := s.OIDC()
	count(fetches, fetched.Fetches)
	count(fetchFailures, fetched.Failures)
	show(providers, float64(fetched.Providers))
	show(failing, float64(fetched.Failing))
	show(keysAge, fetched.Oldest.Seconds())
	log := s.Audit()
	count(auditLines, log.Sequence)
	count(auditFailures, log.Failures)
	show(auditPending, float64(log.Pending))
	show(auditWritable, truth(s.AuditReady() == nil))
	for cache, stats := range s.Caches {
		hits, misses := stats()
		count(cacheHits, hits, cache)
		count(cacheMisses, misses, cache)
	}
}

func (s *state) collectView(show func(*prometheus.Desc, float64, ...string)) {
	view, now := s.View(), s.Now()
	show(viewAge, s.ViewAge().Seconds())
	show(viewRevision, float64(view.Revision()))
	show(storeUp, truth(s.Store() == nil))
	for kind, n := range s.entities(view) {
		show(viewEntities, float64(n), string(kind))
	}
	keys, newest := 0, time.Time{}
	for key := range view.SealingKeys() {
		keys++
		newest = later(newest, key.Created)
	}
	show(sealingKeys, float64(keys))
	if keys > 0 {
		show(sealingAge, now.Sub(newest).Seconds())
	}
	issuerKeys, oldest := 0, time.Duration(0)
	for account := range view.Accounts() {
		if account.Outbound == nil || !account.Outbound.Enabled {
			continue
		}
		var newest time.Time
		for i := range account.Outbound.Keys {
			issuerKeys++
			newest = later(newest, account.Outbound.Keys[i].Created)
		}
		if !newest.IsZero() {
			oldest = max(oldest, now.Sub(newest))
		}
	}
	show(outboundKeys, float64(issuerKeys))
	show(outboundAge, oldest.Seconds())
}

// entities counts a View once, however often it is scraped.
func (s *state) entities(v *directory.View) map[directory.Kind]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counted != v {
		s.counted, s.counts = v, v.Counts()
	}
	return s.counts
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
