package manifest

import (
	"fmt"
	"slices"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

// keys returns the access keys of a user, or of root if the user is empty. A key of the file is the one with its id, else the
// one with its secret, else any that the file does not claim otherwise: so one that was generated is found again.
func (p *planner) keys(id arn.AccountID, user string, at place, old []directory.AccessKey, given []accessKey) []directory.AccessKey {
	if given == nil {
		return old
	}
	next := slices.Clone(old)
	claimed := make(map[string]bool)
	find := func(is func(directory.AccessKey) bool) int {
		return slices.IndexFunc(next, func(k directory.AccessKey) bool { return !claimed[k.ID] && is(k) })
	}
	claim := func(g accessKey, i int) {
		if i < 0 {
			next = append(next, p.newKey(id, user, g))
			i = len(next) - 1
		}
		claimed[next[i].ID] = true
		if !g.secret.IsZero() && !g.secret.Equal(next[i].Secret.Key) {
			next[i].Secret.Key = g.secret
		}
		if g.status != "" {
			next[i].Status = g.status
		}
	}
	for _, g := range given {
		if g.id != "" {
			p.freeKeyID(id, user, g)
			claim(g, find(func(k directory.AccessKey) bool { return k.ID == g.id }))
		}
	}
	for _, g := range given {
		if g.id == "" && !g.secret.IsZero() {
			claim(g, find(func(k directory.AccessKey) bool { return k.Secret.Key.Equal(g.secret) }))
		}
	}
	for _, g := range given {
		if g.id == "" && g.secret.IsZero() {
			claim(g, find(func(directory.AccessKey) bool { return true }))
		}
	}
	if p.Prune {
		next = slices.DeleteFunc(next, func(k directory.AccessKey) bool { return !claimed[k.ID] })
	}
	if len(next) > maxAccessKeys {
		p.add(at, "would have %d access keys with those that it has already, at most %d are allowed", len(next), maxAccessKeys)
	}
	return next
}

// freeKeyID refuses an access key id that somebody else has and keeps.
func (p *planner) freeKeyID(id arn.AccountID, user string, g accessKey) {
	owner, ok := p.view.AccessKey(g.id)
	switch {
	case !ok:
	case owner.User == nil && (owner.Account.ID != id || user != ""):
		p.add(g.place, "access key id %s is that of the root of %s", g.id, owner.Account.ID)
	case owner.User != nil && (owner.User.Account != id || directory.FoldName(owner.User.Name) != directory.FoldName(user)):
		if _, gone := p.pruned[owner.User.Key()]; !gone {
			p.add(g.place, "access key id %s is that of user %s/%s", g.id, owner.User.Account, owner.User.Name)
		}
	}
}

// newKey makes a key, and what of it the file left out.
func (p *planner) newKey(id arn.AccountID, user string, g accessKey) directory.AccessKey {
	k := directory.AccessKey{ID: g.id, Secret: directory.Protected{Key: g.secret}, Status: directory.Active, Created: p.Now}
	if k.ID == "" {
		k.ID = p.newID(arn.LongTermKeyID, id)
	}
	if g.secret.IsZero() {
		var err error
		if k.Secret.Key, err = secret.AccessKey(p.Random); err != nil {
			p.failure = fmt.Errorf("generating a secret: %w", err)
		}
	}
	if g.id == "" || g.secret.IsZero() {
		p.plan.Generated = append(p.plan.Generated, GeneratedKey{Account: id, User: user, ID: k.ID, Secret: k.Secret.Key})
	}
	return k
}
