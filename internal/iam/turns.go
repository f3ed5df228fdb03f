package iam

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/stint-sts/stint/arn"
)

const (
	// queues bounds what the turns of all accounts take. Accounts that share one wait for each other.
	queues = 64
	// queuePatience is less than the time that clients give an answer.
	queuePatience = 20 * time.Second
)

// turns lets one change of an account at a time be derived and committed on this node, so that those who change one entity at
// once queue instead of conflicting. It protects nothing: that no change is lost is the store's compare-and-swap alone.
type turns struct {
	once sync.Once
	seed maphash.Seed
	// A queue is free while its channel, which holds one token, is empty.
	queues [queues]chan struct{}
}

// take waits for the account's turn, which ends with a call of end.
func (t *turns) take(ctx context.Context, account arn.AccountID) (end func(), err error) {
	t.once.Do(func() {
		t.seed = maphash.MakeSeed()
		for i := range t.queues {
			t.queues[i] = make(chan struct{}, 1)
		}
	})
	queue := t.queues[maphash.String(t.seed, string(account))%queues]
	patience := time.NewTimer(queuePatience)
	defer patience.Stop()
	select {
	case queue <- struct{}{}:
		return func() { <-queue }, nil
	case <-patience.C:
		return nil, concurrentModification()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to change the directory: %w", ctx.Err())
	}
}
