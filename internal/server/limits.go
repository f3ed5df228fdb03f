package server

import (
	"net/netip"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/limit"
)

// Rates are how often requests are answered: from one address, of one principal, and of all principals of one account.
type Rates struct{ Address, Principal, Account limit.Rate }

// Limits are token buckets for requests. The sessions of a role share its bucket.
type Limits struct {
	addresses  *limit.Buckets[netip.Addr]
	principals *limit.Buckets[principal]
	accounts   *limit.Buckets[arn.AccountID]
}

type principal struct {
	account arn.AccountID
	id      string
}

// NewLimits returns full buckets.
func NewLimits(r Rates) *Limits {
	return &Limits{limit.NewBuckets[netip.Addr](r.Address), limit.NewBuckets[principal](r.Principal), limit.NewBuckets[arn.AccountID](r.Account)}
}

// Set changes the rates and fills the buckets.
func (l *Limits) Set(r Rates) {
	l.addresses.Set(r.Address)
	l.principals.Set(r.Principal)
	l.accounts.Set(r.Account)
}

// Address implements wire.Limits.
func (l *Limits) Address(peer netip.Addr, now time.Time) bool {
	return l.addresses.Take(hostOf(peer), now)
}

// Caller implements wire.Limits. What a principal asks too much takes nothing from its account.
func (l *Limits) Caller(c *identity.Caller, now time.Time) bool {
	return l.principals.Take(principal{c.Account, c.PrincipalID}, now) && l.accounts.Take(c.Account, now)
}

// Refused returns how many requests each limit has refused.
func (l *Limits) Refused() map[string]uint64 {
	return map[string]uint64{"address": l.addresses.Refused(), "principal": l.principals.Refused(), "account": l.accounts.Refused()}
}
