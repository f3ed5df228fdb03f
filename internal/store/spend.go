package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
)

var errKeep = errors.New("spending an assertion: an id cannot be empty, nor be kept for less than a second")

var errStep = errors.New("spending a code: a step cannot be negative, nor an id empty")

// Spend records that step, the number of a time step, was used for the device id. It succeeds only if step is greater than
// every step spent for that device before, on any node and across restarts; else it is ErrSpent. After any other error the
// code counts as used: whether it was recorded may be unknown. What is spent is never forgotten, so that a clock that jumps
// back brings no code back.
func (s *Store) Spend(ctx context.Context, account arn.AccountID, id string, step int64) error {
	if step < 0 || id == "" {
		return errStep
	}
	if err := s.broken(); err != nil {
		return fmt.Errorf("spending a code: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := s.path(directory.Key{Account: account, Kind: kindSpent, Name: id})
	value := fmt.Sprintf("%020d", step) // etcd compares values as strings
	put := clientv3.OpPut(key, value)
	later := clientv3.OpTxn([]clientv3.Cmp{clientv3.Compare(clientv3.Value(key), "<", value)}, []clientv3.Op{put}, nil)
	answer, err := s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(put).
		Else(later).
		Commit()
	if err != nil {
		return refusal("spending a code", err)
	}
	if answer.Succeeded || answer.Responses[0].GetResponseTxn().Succeeded {
		return nil
	}
	return ErrSpent
}

// SpendAssertion records that an assertion was used. Of any number of calls with one id only the first succeeds, on any node
// and across restarts, until keep is over; the others are ErrSpent. After any other error the assertion counts as used:
// whether it was recorded may be unknown.
func (s *Store) SpendAssertion(ctx context.Context, account arn.AccountID, id string, keep time.Duration) error {
	const doing = "spending an assertion"
	if id == "" || keep < time.Second {
		return errKeep
	}
	if err := s.broken(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	lease, err := s.client.Grant(ctx, int64(keep/time.Second))
	if err != nil {
		return refusal(doing, err)
	}
	key := s.path(directory.Key{Account: account, Kind: kindSpent, Name: "saml-" + id})
	answer, err := s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, "", clientv3.WithLease(lease.ID))).
		Commit()
	if err != nil {
		return refusal(doing, err)
	}
	if answer.Succeeded {
		return nil
	}
	// A lease that nothing has ends by itself, later.
	_, _ = s.client.Revoke(ctx, lease.ID)
	return ErrSpent
}
