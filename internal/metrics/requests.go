package metrics

import (
	"maps"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/stint-sts/stint/internal/wire"
)

// success is the code of a request that was not refused.
const success = "Success"

// buckets of the durations in seconds.
var buckets = []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// Metrics are a node's. They are safe for concurrent use.
type Metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	issued    *prometheus.CounterVec

	// known finds the series of an outcome without building labels: replaced by a larger copy under mu when there is a new one.
	known atomic.Pointer[map[outcome]series]
	mu    sync.Mutex
}

type outcome struct {
	service, operation, code string
	issued                   bool
}

type series struct {
	requests prometheus.Counter
	duration prometheus.Observer
	issued   prometheus.Counter // nil if nothing was issued
}

// New returns the metrics of a node. The sources are asked at each scrape.
func New(s Sources) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stint_requests_total", Help: "Answered requests by operation and error code.",
		}, []string{"service", "operation", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "stint_request_duration_seconds", Help: "Time from the last byte of a request to the last of its answer.", Buckets: buckets,
		}, []string{"service", "operation"}),
		issued: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stint_credentials_issued_total", Help: "Answers that gave out credentials or a token.",
		}, []string{"service", "operation"}),
	}
	m.known.Store(new(map[outcome]series))
	m.registry.MustRegister(m.requests, m.durations, m.issued, newState(s),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Observe counts an answered request.
func (m *Metrics) Observe(o wire.Outcome) {
	key := outcome{o.Service, o.Operation, o.Code, o.Issued}
	s, ok := (*m.known.Load())[key]
	if !ok {
		s = m.learn(key)
	}
	s.requests.Inc()
	s.duration.Observe(o.Took.Seconds())
	if s.issued != nil {
		s.issued.Inc()
	}
}

// learn adds the series of an outcome, of which there are no more than the models have operations and codes.
func (m *Metrics) learn(o outcome) series {
	m.mu.Lock()
	defer m.mu.Unlock()
	code := o.code
	if code == "" {
		code = success
	}
	s := series{requests: m.requests.WithLabelValues(o.service, o.operation, code), duration: m.durations.WithLabelValues(o.service, o.operation)}
	if o.issued {
		s.issued = m.issued.WithLabelValues(o.service, o.operation)
	}
	larger := maps.Clone(*m.known.Load())
	if larger == nil {
		larger = make(map[outcome]series)
	}
	larger[o] = s
	m.known.Store(&larger)
	return s
}

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
