package iam

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/identity"
)

// Trail is met by the audit log. Read calls visit for every authenticated request of the accounts, oldest first; its error is
// [audit.ErrNotReadable] if the log is kept where it cannot be read back.
type Trail interface {
	Read(ctx context.Context, accounts map[arn.AccountID]bool, visit func(audit.Entry) error) error
}

const (
	// maxJobs and maxAccountJobs are how many reports are kept, the oldest of which go first; maxReports how many bytes of them.
	maxJobs        = 512
	maxAccountJobs = 64
	maxReports     = 256 << 20
)

// Jobs makes reports in the background, one that reads the log and one other at a time, and keeps them for those who come back for them. It is safe for
// concurrent use. Reports are this node's alone and end with it.
type Jobs struct {
	trail  Trail
	now    func() time.Time
	ctx    context.Context // of all jobs, which outlive the requests that began them
	cancel context.CancelFunc
	wait   sync.WaitGroup
	logs   chan struct{} // has room for the one job that reads the log
	views  chan struct{} // has room for the one job that reads a View alone

	mu   sync.Mutex
	jobs []*job // in the order in which they began; guarded by mu, as are their outcomes
}

// job is a report. What follows created is its outcome, which is there once completed is set.
type job struct {
	id        string
	account   arn.AccountID // whose it is
	operation string        // that began it
	created   time.Time
	turn      chan struct{}
	before    <-chan struct{} // closed at the end of the account's job before this one for the same turn; nil if there is none
	ended     chan struct{}   // closed at the end of this one
	completed time.Time
	report    any
	size      int // of the report, in bytes
	failure   *api.ErrorDetails
}

// NewJobs returns Jobs that read trail. Close ends them.
func NewJobs(trail Trail, now func() time.Time) *Jobs {
	ctx, cancel := context.WithCancel(context.Background())
	return &Jobs{trail: trail, now: now, ctx: ctx, cancel: cancel, logs: make(chan struct{}, 1), views: make(chan struct{}, 1)}
}

// Close ends the jobs that run and waits for them.
func (j *Jobs) Close() {
	j.cancel()
	j.wait.Wait()
}

// errFailed is a job's failure with what the caller is told.
type errFailed struct{ api.ErrorDetails }

func (e errFailed) Error() string { return e.Code + ": " + e.Message }

// begin starts work under an id, in the place of an older job of that id. Without room it refuses. One job of an account at a
// time waits for the turn, so that other accounts come between.
func (j *Jobs) begin(
	id, operation string, turn chan struct{}, req *identity.Request, work func(ctx context.Context) (report any, size int, err error),
) error {
	begun := &job{id: id, account: req.Caller.Account, operation: operation, created: now(req), turn: turn, ended: make(chan struct{})}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.jobs = slices.DeleteFunc(j.jobs, func(old *job) bool { return old.id == id && old.account == begun.account })
	own := func(old *job) bool { return old.account == begun.account }
	if !j.makeRoom(own, maxAccountJobs) || !j.makeRoom(func(*job) bool { return true }, maxJobs) {
		return identity.NewFault(identity.LimitExceeded, "Too many reports are being generated. Wait until they are complete.")
	}
	for _, old := range j.jobs {
		if own(old) && old.turn == turn && old.completed.IsZero() {
			begun.before = old.ended
		}
	}
	j.jobs = append(j.jobs, begun)
	j.wait.Go(func() { j.run(begun, work) })
	return nil
}

// makeRoom removes the oldest job of a sort that is complete if there are as many as may be. The caller holds mu.
func (j *Jobs) makeRoom(of func(*job) bool, limit int) bool {
	n, oldest := 0, -1
	for i, old := range j.jobs {
		if !of(old) {
			continue
		}
		if n++; oldest < 0 && !old.completed.IsZero() {
			oldest = i
		}
	}
	if n < limit {
		return true
	}
	if oldest < 0 {
		return false
	}
	j.jobs = slices.Delete(j.jobs, oldest, oldest+1)
	return true
}

func (j *Jobs) run(begun *job, work func(ctx context.Context) (any, int, error)) {
	defer close(begun.ended)
	if begun.before != nil {
		<-begun.before
	}
	select {
	case begun.turn <- struct{}{}:
	case <-j.ctx.Done():
		return
	}
	report, size, err := work(j.ctx)
	<-begun.turn
	j.mu.Lock()
	defer j.mu.Unlock()
	begun.completed, begun.report, begun.size = j.now().UTC().Truncate(time.Second), report, size
	if err != nil {
		begun.report, begun.size, begun.failure = nil, 0, failureOf(err)
	}
	total := 0
	for i := len(j.jobs) - 1; i >= 0; i-- { // the newest stay
		if total += j.jobs[i].size; total > maxReports && j.jobs[i] != begun && !j.jobs[i].completed.IsZero() {
			total -= j.jobs[i].size
			j.jobs = slices.Delete(j.jobs, i, i+1)
		}
	}
}

func failureOf(err error) *api.ErrorDetails {
	failed, ok := errors.AsType[errFailed](err)
	switch {
	case ok:
	case errors.Is(err, audit.ErrNotReadable):
		failed.ErrorDetails = api.ErrorDetails{Code: "ServiceFailure", Message: "This node's audit log is not kept in a file, so that it cannot be read back."}
	default:
		failed.ErrorDetails = api.ErrorDetails{Code: "ServiceFailure", Message: "This node's audit log could not be read."}
	}
	return &failed.ErrorDetails
}

// find returns a copy of a job that an operation began in the account.
func (j *Jobs) find(id, operation string, account arn.AccountID) (job, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, found := range j.jobs {
		if found.id == id && found.operation == operation && found.account == account {
			return *found, true
		}
	}
	return job{}, false
}

// status is the model's name for how a job stands.
func (j *job) status() string {
	switch {
	case j.completed.IsZero():
		return "IN_PROGRESS"
	case j.failure != nil:
		return "FAILED"
	default:
		return "COMPLETED"
	}
}
