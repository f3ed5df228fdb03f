package manifest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
)

const (
	// DefaultAccount is the account of a directory that nobody described.
	DefaultAccount arn.AccountID = "111122223333"
	// AdministratorName is the user that the first administrator is.
	AdministratorName = "admin"

	administratorPolicy = "AdministratorAccess"
)

// AdministratorPlan makes the first administrator. Its Change is empty if the administrator is there.
type AdministratorPlan struct {
	Change  *directory.Change
	Account arn.AccountID
	Key     directory.AccessKey
	// Created says that Key is new.
	Created bool
}

// Administrator plans the user admin with AdministratorAccess and an active access key, in the organization's management
// account, else in the first account of the file, else in DefaultAccount. The view is the one after the file's plan was
// committed; f is nil without a file. What is there already is kept, so that the same key comes back at each start.
func Administrator(v *directory.View, f *File, o Options) (*AdministratorPlan, error) {
	p := newPlanner("administrator", v, o)
	a := &AdministratorPlan{Change: p.plan.Change, Account: administratorAccount(v, f)}
	if _, ok := v.Account(a.Account); !ok {
		a.Change.Put(&directory.Account{ID: a.Account, ARN: arn.Root(v.Partition(), a.Account), Created: p.Now})
	}
	next := p.administrator(a.Account)
	i := slices.IndexFunc(next.AccessKeys, func(k directory.AccessKey) bool { return k.Status == directory.Active })
	if i < 0 {
		if len(next.AccessKeys) >= maxAccessKeys {
			return nil, fmt.Errorf("making the administrator: user %s has %d access keys, none of which is active", next.Name, maxAccessKeys)
		}
		a.Created = true
		next.AccessKeys = append(next.AccessKeys, p.newKey(a.Account, next.Name, accessKey{}))
		i = len(next.AccessKeys) - 1
	}
	if err := errors.Join(p.problems.err(), p.failure); err != nil {
		return nil, fmt.Errorf("making the administrator: %w", err)
	}
	a.Key = next.AccessKeys[i]
	if old, ok := v.User(a.Account, AdministratorName); !ok || !same(old, next) {
		a.Change.Put(next)
	}
	return a, nil
}

func administratorAccount(v *directory.View, f *File) arn.AccountID {
	if organization, ok := v.Organization(); ok {
		return organization.ManagementAccount
	}
	if f != nil {
		return f.accounts[0].id
	}
	// Data that a file described before keeps its administrator when it is opened without the file.
	for account := range v.Accounts() {
		if u, ok := v.User(account.ID, AdministratorName); ok && slices.Contains(u.Attached, administratorPolicyARN(v)) {
			return account.ID
		}
	}
	return DefaultAccount
}

// administrator returns the user as it is to be, but for a key.
func (p *planner) administrator(id arn.AccountID) *directory.User {
	next := &directory.User{
		Account: id, Name: AdministratorName, Path: defaultPath, Created: p.Now,
		ARN: arn.User(p.view.Partition(), id, defaultPath, AdministratorName),
	}
	if old, ok := p.view.User(id, AdministratorName); ok {
		next = old.Clone()
	} else {
		next.ID = p.newID(arn.UserID, id)
	}
	if policyARN := administratorPolicyARN(p.view); !slices.Contains(next.Attached, policyARN) {
		next.Attached = append(next.Attached, policyARN)
	}
	return next
}

func administratorPolicyARN(v *directory.View) string {
	return arn.Policy(v.Partition(), directory.AWSAccount, defaultPath, administratorPolicy)
}
