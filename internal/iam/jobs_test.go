package iam

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/identity"
)

// TestAccountsTakeTurns: the jobs of an account that begins many hold up another's by one, and no credential report.
func TestAccountsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := NewJobs(nil, time.Now)
		defer j.Close()
		const many, one arn.AccountID = "111122223333", "444455556666"
		began, release := "", make(chan struct{})
		begin := func(id string, turn chan struct{}, account arn.AccountID, work func()) {
			req := &identity.Request{Time: time.Now(), Caller: identity.Caller{Account: account}}
			if err := j.begin(id, "operation", turn, req, func(context.Context) (any, int, error) { work(); return nil, 0, nil }); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		reads := func(id string) func() { return func() { began += id; <-release } }
		for i := range 3 {
			begin(fmt.Sprint(i), j.logs, many, reads("m"))
		}
		begin("o", j.logs, one, reads("o"))
		begin("report", j.views, many, func() { began += "r" })
		equal(t, "while the first reads", began, "mr")
		close(release)
		j.wait.Wait()
		equal(t, "order", began, "mromm")
	})
}
