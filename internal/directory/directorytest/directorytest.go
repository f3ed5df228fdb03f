// Package directorytest builds Views for tests: a few entities, said in one line each, without a store.
package directorytest

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

// The accounts of the tests.
const (
	A arn.AccountID = "111122223333"
	B arn.AccountID = "444455556666"
)

// Created is when every entity was made.
var Created = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// AllowAll is an identity policy.
const AllowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// Builder collects entities.
type Builder struct {
	t        testing.TB
	revision int64
	entities map[directory.Key]directory.Entity
	order    []directory.Key
}

// New returns a Builder with the accounts A and B and one sealing key of the caller's making.
func New(t testing.TB, sealing *directory.SealingKey) *Builder {
	b := &Builder{t: t, revision: 1, entities: make(map[directory.Key]directory.Entity)}
	for _, id := range []arn.AccountID{A, B} {
		b.Put(&directory.Account{ID: id, ARN: arn.Root(arn.AWS, id), Created: Created})
	}
	if sealing != nil {
		b.Put(sealing)
	}
	return b
}

// Put adds or replaces an entity.
func (b *Builder) Put(e directory.Entity) {
	if _, ok := b.entities[e.Key()]; !ok {
		b.order = append(b.order, e.Key())
	}
	b.entities[e.Key()] = e
}

// Remove deletes an entity.
func (b *Builder) Remove(k directory.Key) { delete(b.entities, k) }

// User adds a user with an access key; inline policies are given by their text.
func (b *Builder) User(account arn.AccountID, name string, inline ...string) *directory.User {
	u := &directory.User{
		Account: account, Name: name, Path: "/", ID: b.id(arn.UserID, account), ARN: arn.User(arn.AWS, account, "/", name), Created: Created,
		AccessKeys: []directory.AccessKey{b.key(account)},
		Inline:     policies(inline),
	}
	b.Put(u)
	return u
}

// Role adds a role. The trust policy's principals must be accounts, sessions, * or unique ids, as they are stored.
func (b *Builder) Role(account arn.AccountID, name, trust string, inline ...string) *directory.Role {
	r := &directory.Role{
		Account: account, Name: name, Path: "/", ID: b.id(arn.RoleID, account), ARN: arn.Role(arn.AWS, account, "/", name), Created: Created,
		Trust:             directory.NewDocument(trust),
		MaxSessionSeconds: 3600,
		Inline:            policies(inline),
	}
	b.Put(r)
	return r
}

// Policy adds a managed policy.
func (b *Builder) Policy(account arn.AccountID, name, document string) *directory.ManagedPolicy {
	p := &directory.ManagedPolicy{
		Account: account, Name: name, Path: "/", ID: b.id(arn.PolicyID, account), ARN: arn.Policy(arn.AWS, account, "/", name), Created: Created,
		Versions:       []directory.PolicyVersion{{ID: "v1", Document: directory.NewDocument(document), Created: Created}},
		DefaultVersion: "v1",
		NextVersion:    2,
	}
	b.Put(p)
	return p
}

// RootKey adds an access key to an account's root.
func (b *Builder) RootKey(account arn.AccountID) directory.AccessKey {
	k := b.key(account)
	b.Put(&directory.Account{ID: account, ARN: arn.Root(arn.AWS, account), Created: Created, RootKeys: []directory.AccessKey{k}})
	return k
}

// View returns the directory of all that was added, at a new revision.
func (b *Builder) View() *directory.View {
	b.revision++
	var events []directory.Event
	for _, k := range b.order {
		if e, ok := b.entities[k]; ok {
			events = append(events, directory.Event{Key: k, Entity: e})
		}
	}
	return directory.NewView(arn.AWS).Apply(b.revision, events)
}

func (b *Builder) id(p arn.Prefix, account arn.AccountID) string {
	id, err := arn.NewID(p, account, rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

func (b *Builder) key(account arn.AccountID) directory.AccessKey {
	id := b.id(arn.LongTermKeyID, account)
	return directory.AccessKey{
		ID:      id,
		Secret:  directory.Protected{Key: secret.FromString("secret-of-" + id + "-0123456789")},
		Status:  directory.Active,
		Created: Created,
	}
}

func policies(texts []string) []directory.InlinePolicy {
	var out []directory.InlinePolicy
	for i, text := range texts {
		out = append(out, directory.InlinePolicy{Name: fmt.Sprintf("p%d", i), Document: directory.NewDocument(text)})
	}
	return out
}
