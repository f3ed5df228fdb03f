package main

import (
	"fmt"
	"io"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/policy"
	"github.com/stint-sts/stint/policy/lint"
)

// warnOfPolicies prints what the linter warns of in the policies of the entities that a directory file makes or alters, as the
// IAM operations tell it of those that they store.
func warnOfPolicies(w io.Writer, c *directory.Change) error {
	for i := range c.Writes {
		for _, p := range policiesOf(c.Writes[i].Entity) {
			for _, warning := range lint.Warnings(p.document.Text(), p.kind, lint.Options{Account: string(p.account)}) {
				if _, err := fmt.Fprintf(w, "warning: %s: %s\n", p.where, oneLine(warning)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// storedPolicy is a policy with the words for where it is.
type storedPolicy struct {
	account  arn.AccountID
	where    string
	kind     policy.Type
	document *directory.Document
}

func ofAccount(account arn.AccountID, name string, kind policy.Type, document *directory.Document) storedPolicy {
	return storedPolicy{account, name + " of account " + string(account), kind, document}
}

func policiesOf(e directory.Entity) []storedPolicy {
	switch e := e.(type) {
	case *directory.User:
		return inlinePolicies(e.Account, "user "+e.Name, e.Inline)
	case *directory.Group:
		return inlinePolicies(e.Account, "group "+e.Name, e.Inline)
	case *directory.Role:
		trust := ofAccount(e.Account, "trust policy of role "+e.Name, policy.Trust, e.Trust)
		return append([]storedPolicy{trust}, inlinePolicies(e.Account, "role "+e.Name, e.Inline)...)
	case *directory.ManagedPolicy:
		for _, v := range e.Versions {
			if v.ID == e.DefaultVersion {
				return []storedPolicy{ofAccount(e.Account, "policy "+e.Name, policy.Managed, v.Document)}
			}
		}
	case *directory.ControlPolicy:
		kind := policy.SCP
		if e.Type == directory.ResourceControl {
			kind = policy.RCP
		}
		return []storedPolicy{{where: kind.String() + " " + e.Name, kind: kind, document: e.Document}}
	}
	return nil
}

func inlinePolicies(account arn.AccountID, holder string, inline []directory.InlinePolicy) []storedPolicy {
	policies := make([]storedPolicy, len(inline))
	for i, p := range inline {
		policies[i] = ofAccount(account, "inline policy "+p.Name+" of "+holder, policy.Identity, p.Document)
	}
	return policies
}
