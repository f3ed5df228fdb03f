package gate

import (
	"slices"
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/gateapi"
)

// Of one change no more principals of an account, nor accounts, are named than this: beyond it, all of the account or all is void.
const (
	maxVoidPrincipals = 64
	maxVoidAccounts   = 64
)

// voids gathers what a step of the directory makes void of what relying services remember.
type voids struct {
	all      bool
	accounts map[arn.AccountID]*voided
}

// voided is what is void of one account.
type voided struct {
	whole      bool
	principals []string
}

// changeOf says what the changes between two Views make void.
func changeOf(before, after *directory.View, events []directory.Event) gateapi.Change {
	w := voids{all: events == nil, accounts: make(map[arn.AccountID]*voided)}
	for i := range events {
		old, _ := before.Get(events[i].Key)
		w.event(&events[i], old)
	}
	return w.change(after.Revision())
}

// event adds what one change makes void. A kind that is not listed voids everything: forgetting too much costs a question.
func (w *voids) event(ev *directory.Event, old directory.Entity) {
	switch ev.Key.Kind {
	case directory.KindUser, directory.KindRole:
		w.principal(ev.Key.Account, old)
		w.principal(ev.Key.Account, ev.Entity)
	case directory.KindRevocation:
		w.target(ev.Key.Account, old)
		w.target(ev.Key.Account, ev.Entity)
	case directory.KindAccount, directory.KindGroup, directory.KindPolicy:
		w.account(ev.Key.Account)
	case directory.KindLastUse, directory.KindAccountRequest, directory.KindDelegationRequest, directory.KindInstanceProfile,
		directory.KindServerCertificate, directory.KindDevice, directory.KindOIDCProvider, directory.KindSAMLProvider:
		// No key, identity or permission of a session that has begun follows from these.
	default: // the organization and the sealing keys
		w.all = true
	}
}

func (w *voids) principal(account arn.AccountID, e directory.Entity) {
	switch e := e.(type) {
	case *directory.User:
		w.add(account, e.ID)
	case *directory.Role:
		w.add(account, e.ID)
	}
}

// target adds whose sessions a revocation is of. An access key id does not tell.
func (w *voids) target(account arn.AccountID, e directory.Entity) {
	r, ok := e.(*directory.Revocation)
	if !ok {
		return
	}
	id, _, _ := strings.Cut(r.Target, ":")
	if arn.PrefixOf(id) == arn.TemporaryKeyID {
		w.account(account)
		return
	}
	w.add(account, id)
}

func (w *voids) account(id arn.AccountID) {
	if id == directory.AWSAccount {
		w.all = true // AWS's policies are attached in every account
		return
	}
	w.of(id).whole = true
}

func (w *voids) add(account arn.AccountID, principal string) {
	of := w.of(account)
	if of.whole || slices.Contains(of.principals, principal) {
		return
	}
	of.principals = append(of.principals, principal)
	of.whole = len(of.principals) > maxVoidPrincipals
}

func (w *voids) of(account arn.AccountID) *voided {
	of, ok := w.accounts[account]
	if !ok {
		of = new(voided)
		w.accounts[account] = of
	}
	return of
}

func (w *voids) change(revision int64) gateapi.Change {
	c := gateapi.Change{Revision: revision, All: w.all || len(w.accounts) > maxVoidAccounts}
	if c.All {
		return c
	}
	for account, of := range w.accounts {
		if of.whole {
			c.Void = append(c.Void, gateapi.Void{Account: string(account)})
			continue
		}
		for _, principal := range of.principals {
			c.Void = append(c.Void, gateapi.Void{Account: string(account), Principal: principal})
		}
	}
	slices.SortFunc(c.Void, func(a, b gateapi.Void) int {
		return strings.Compare(a.Account+a.Principal, b.Account+b.Principal)
	})
	return c
}
