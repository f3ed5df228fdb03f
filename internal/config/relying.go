package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Relying is about relying services: services of others that accept the credentials which this server issues.
type Relying struct {
	// Accounts are the accounts, twelve digits each, whose services may verify callers of every account, and not of their own
	// alone: those of whoever runs services for all. "*" alone means all accounts: whoever administers any of them may then see
	// the identity and the policies of every caller. The default is none.
	Accounts []string `yaml:"accounts"`
}

// AllAccounts is what Relying.Accounts has for all.
const AllAccounts = "*"

func (r *Relying) check() error {
	if slices.Contains(r.Accounts, AllAccounts) && len(r.Accounts) > 1 {
		return errors.New("relying.accounts: * stands alone")
	}
	return checkList("relying.accounts", r.Accounts, func(id string) error {
		if id != AllAccounts && (len(id) != 12 || strings.Trim(id, "0123456789") != "") {
			return fmt.Errorf("%q is not an account id of 12 digits", id)
		}
		return nil
	})
}
