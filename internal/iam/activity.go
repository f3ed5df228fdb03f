package iam

import (
	"context"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/audit"
)

// tracked is how long activity is reported (API, GenerateServiceLastAccessedDetails: at least 400 days).
const tracked = 400 * 24 * time.Hour

// audited are the services whose calls the audit log has, by namespace.
var audited = []struct{ namespace, name, source string }{
	{"iam", "AWS Identity and Access Management", "iam.amazonaws.com"},
	{"organizations", "AWS Organizations", "organizations.amazonaws.com"},
	{"stint", "Stint", "stint"},
	{"sts", "AWS Security Token Service", "sts.amazonaws.com"},
}

// namespaceOf finds the namespace of an event source.
func namespaceOf(source string) (string, bool) {
	for _, s := range audited {
		if s.source == source {
			return s.namespace, true
		}
	}
	return "", false
}

// access is the last time that a principal called a service or an action. The zero value is none.
type access struct {
	at        time.Time
	region    string
	principal string // its unique id, or the account of root
	account   arn.AccountID
}

// later gives the later of two.
func (a access) later(b access) access {
	if b.at.After(a.at) {
		return b
	}
	return a
}

// activity is what the audit log tells of some principals: by namespace or namespace:Action, then by principal. It holds no
// more than the principals asked for.
type activity map[string]map[string]access

// activityOf goes through the audit log. wanted says whose activity is kept; actions are kept only if they are asked for.
func (j *Jobs) activityOf(
	ctx context.Context, accounts map[arn.AccountID]bool, since time.Time, actions bool, wanted func(audit.Entry) (principal string, ok bool),
) (activity, error) {
	found := activity{}
	err := j.trail.Read(ctx, accounts, func(e audit.Entry) error {
		namespace, known := namespaceOf(e.Service)
		if !known || e.Operation == "" || e.Time.Before(since) {
			return nil
		}
		principal, ok := wanted(e)
		if !ok {
			return nil
		}
		a := access{at: e.Time, region: e.Region, principal: principal, account: e.Account}
		found.note(namespace, a)
		if actions {
			found.note(namespace+":"+e.Operation, a)
		}
		return nil
	})
	return found, err
}

func (f activity) note(key string, a access) {
	if f[key] == nil {
		f[key] = map[string]access{}
	}
	f[key][a.principal] = f[key][a.principal].later(a)
}

// last is the latest access of any principal.
func (f activity) last(key string) (last access) {
	for _, a := range f[key] {
		last = last.later(a)
	}
	return last
}

// actions lists the actions of a service that were called, in no order.
func (f activity) actions(namespace string) (names []string) {
	for key := range f {
		if name, ok := strings.CutPrefix(key, namespace+":"); ok {
			names = append(names, name)
		}
	}
	return names
}
