// Package metrics counts what a node does and shows it to Prometheus.
//
// [Metrics.Observe] is called for each answered request, on its way: two look-ups in a map that nobody waits for, and a few atomic
// additions. All else is asked of its owners when somebody scrapes ([Sources]). The values of labels are names of the models and of this
// program, so that no client can make series; no account, principal or provider is one.
//
// It is the one package that knows Prometheus.
package metrics
