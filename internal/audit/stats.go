package audit

// Stats are the state of a log.
type Stats struct {
	// Sequence is the number of the last line that was written. Failures counts the writes that failed.
	Sequence, Failures uint64
	// Pending is how many lines wait in memory.
	Pending int
}

// Stats returns the state of the log. It waits for no write.
func (l *Log) Stats() Stats {
	s := Stats{Sequence: l.written.Load(), Failures: l.failures.Load()}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Pending = len(l.pending)
	return s
}
