package iam

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/hotp"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/mfa"
	"github.com/stint-sts/stint/internal/secret"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/store"
)

var (
	// shared is the one store of all tests, which have an account each.
	shared   *store.Store
	accounts atomic.Int64
)

// arrival is when the tests' requests arrive.
var arrival = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "stint-iam")
	if err != nil {
		log.Print(err)
		return 1
	}
	defer os.RemoveAll(dir)
	shared, err = store.Open(context.Background(), store.Options{
		Dir: dir, RootKey: secret.FromString("0123456789abcdef0123456789abcdef"), Partition: arn.AWS,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Print(err)
		return 1
	}
	defer shared.Close()
	key, err := session.NewSealingKey(1, arrival.Add(-time.Hour), rand.Reader)
	if err != nil {
		log.Print(err)
		return 1
	}
	c := new(directory.Change)
	c.Put(key)
	if err := shared.Commit(context.Background(), c); err != nil {
		log.Print(err)
		return 1
	}
	return m.Run()
}

// ledger gives the store's refusal the name that package mfa knows.
type ledger struct{ *store.Store }

func (l ledger) Spend(ctx context.Context, account arn.AccountID, id string, step int64) error {
	err := l.Store.Spend(ctx, account, id, step)
	if errors.Is(err, store.ErrSpent) {
		return mfa.ErrSpent
	}
	return err
}

// stage is an account of its own with a few entities, and the service.
type stage struct {
	*Service
	t       *testing.T
	account arn.AccountID
}

const (
	anyone   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	allowSTS = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}`
)

// seed is the seed of every device on the stage.
const seed = "12345678901234567890"

// newStage sets up, besides the entities given: the users caller (whose inline policy is given), bob (/px/, with a key, a
// group, a device, policies, a tag and a boundary) and plain; the groups devs (/gx/, with bob and policies) and empty; the
// roles r1 (/rx/, like bob) and bare; the policies p1 (/pp/, v1 and v2, used), edge (the boundary) and free; the devices
// bobs (bob's) and loose (nobody's); the providers issuer.example/p and corp (each with a tag); the delegation request bobs
// (bob's, assigned).
func newStage(t *testing.T, callerPolicy string) *stage {
	t.Helper()
	s := &stage{
		Service: &Service{
			Authorizer: authz.New(),
			Directory:  shared,
			Sealer:     session.NewSealer(rand.Reader, func() time.Time { return arrival }),
			MFA:        mfa.New(ledger{shared}),
			Random:     rand.Reader,

			OutboundIssuer: func(id string) string { return "https://" + id + ".issuers.example" },
		},
		t:       t,
		account: arn.AccountID(fmt.Sprintf("%012d", 100000000000+accounts.Add(1))),
	}
	p1 := s.newPolicy("/pp/", "p1", 2)
	edge := s.newPolicy("/", "edge", 1)
	devs := &directory.Group{Account: s.account, Name: "devs", Path: "/gx/", ID: s.id(arn.GroupID), Created: now(s.root()),
		ARN: s.arn("group/gx/devs"), Inline: inline("in", allowSTS), Attached: []string{p1.ARN}}
	caller := s.newUser("/", "caller")
	caller.Inline = inline("p", callerPolicy)
	bob := s.newUser("/px/", "bob")
	bob.Inline, bob.Attached, bob.Boundary, bob.Groups = inline("in", allowSTS), []string{p1.ARN}, edge.ARN, []string{devs.ID}
	bob.Tags = []directory.Tag{{Key: "team", Value: "blue"}}
	bob.AccessKeys = []directory.AccessKey{{ID: s.id(arn.LongTermKeyID), Secret: directory.Protected{Key: secret.FromString("bobs")},
		Status: directory.Active, Created: now(s.root())}}
	r1 := s.newRole("/rx/", "r1")
	r1.Inline, r1.Attached, r1.Boundary, r1.Tags = bob.Inline, bob.Attached, bob.Boundary, bob.Tags
	bobs := s.newDevice("bobs")
	bobs.UserID, bobs.Enabled = bob.ID, now(s.root())
	s.put(
		&directory.Account{ID: s.account, ARN: s.arn("root"), Created: now(s.root())},
		caller, bob, s.newUser("/", "plain"),
		devs, &directory.Group{Account: s.account, Name: "empty", Path: "/", ID: s.id(arn.GroupID), ARN: s.arn("group/empty")},
		r1, s.newRole("/", "bare"),
		p1, edge, s.newPolicy("/", "free", 1),
		bobs, s.newDevice("loose"),
		s.newIssuer(), s.newCorp(), s.newRequest("bobs", bob),
	)
	return s
}

// over is the service over another directory.
func (s *stage) over(d Committer) *Service {
	return &Service{Authorizer: s.Authorizer, Directory: d, Sealer: s.Sealer, MFA: s.MFA, Random: s.Random, OutboundIssuer: s.OutboundIssuer}
}

func (s *stage) put(entities ...directory.Entity) {
	s.t.Helper()
	c := new(directory.Change)
	for _, e := range entities {
		c.Put(e)
	}
	if err := shared.Commit(s.t.Context(), c); err != nil {
		s.t.Fatal(err)
	}
}

func inline(name, text string) []directory.InlinePolicy {
	return []directory.InlinePolicy{{Name: name, Document: directory.NewDocument(text)}}
}

func (s *stage) id(prefix arn.Prefix) string {
	s.t.Helper()
	id, err := arn.NewID(prefix, s.account, rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *stage) arn(resource string) string {
	return "arn:aws:iam::" + string(s.account) + ":" + resource
}

func (s *stage) newUser(path, name string) *directory.User {
	return &directory.User{Account: s.account, Name: name, Path: path, ID: s.id(arn.UserID), ARN: s.arn("user" + path + name), Created: now(s.root())}
}

func (s *stage) newRole(path, name string) *directory.Role {
	return &directory.Role{Account: s.account, Name: name, Path: path, ID: s.id(arn.RoleID), ARN: s.arn("role" + path + name),
		Created: now(s.root()), Trust: directory.NewDocument(anyone), MaxSessionSeconds: 3600}
}

func (s *stage) newPolicy(path, name string, versions int) *directory.ManagedPolicy {
	p := &directory.ManagedPolicy{Account: s.account, Name: name, Path: path, ID: s.id(arn.PolicyID), ARN: s.arn("policy" + path + name),
		Created: now(s.root()), Updated: now(s.root()), DefaultVersion: "v1"}
	for range versions {
		addVersion(p, directory.NewDocument(allowSTS), now(s.root()))
	}
	return p
}

func (s *stage) newDevice(name string) *directory.Device {
	return &directory.Device{Account: s.account, Name: name, Path: "/", Serial: s.arn("mfa/" + name), Created: now(s.root()),
		Seed: directory.Protected{Key: secret.FromString(seed)}}
}

// root is a request of the account's root, who may do all.
func (s *stage) root() *identity.Request {
	root := s.arn("root")
	return &identity.Request{Time: arrival, Caller: identity.Caller{
		Kind: identity.Root, Account: s.account, ARN: root, UserID: string(s.account), PrincipalID: string(s.account),
	}}
}

// as is a request of a user.
func (s *stage) as(name string) *identity.Request {
	s.t.Helper()
	u := s.mustUser(name)
	return &identity.Request{Time: arrival, Caller: identity.Caller{
		Kind: identity.User, Account: s.account, ARN: u.ARN, UserID: u.ID, PrincipalID: u.ID,
	}}
}

// inRole is a request of a session of a role.
func (s *stage) inRole(name string) *identity.Request {
	s.t.Helper()
	r, ok := shared.View().Role(s.account, name)
	if !ok {
		s.t.Fatalf("no role %s", name)
	}
	return &identity.Request{Time: arrival, Caller: identity.Caller{
		Kind: identity.AssumedRole, Account: s.account, ARN: arn.AssumedRole(arn.AWS, s.account, name, "s"), UserID: r.ID + ":s",
		PrincipalID: r.ID, Session: &identity.Session{Kind: identity.RoleSession, Account: s.account, PrincipalID: r.ID, Name: "s"},
	}}
}

func (s *stage) mustUser(name string) *directory.User {
	s.t.Helper()
	u, ok := shared.View().User(s.account, name)
	if !ok {
		s.t.Fatalf("no user %s", name)
	}
	return u
}

func (s *stage) view() *directory.View { return shared.View() }

// codes are two consecutive codes of a device on the stage, the second for the step that lies so many after arrival's.
func (s *stage) codes(steps int64) (code1, code2 string) {
	s.t.Helper()
	step := arrival.Unix()/30 + steps
	return s.code(step - 1), s.code(step)
}

func (s *stage) code(step int64) string {
	s.t.Helper()
	code, err := hotp.GenerateCode(mfa.Base32(secret.FromString(seed)), uint64(step))
	if err != nil {
		s.t.Fatal(err)
	}
	return code
}

// refused asserts why.
func refused(t *testing.T, err error, code identity.Code, message string) {
	t.Helper()
	f, ok := errors.AsType[*identity.Fault](err)
	if !ok {
		t.Fatalf("got error %v, want the fault %s: %s", err, code, message)
	}
	if f.Code != code || f.Message != message {
		t.Fatalf("got  %s: %s\nwant %s: %s", f.Code, f.Message, code, message)
	}
}

func ok[T any](t *testing.T, out T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s is %v, want %v", what, got, want)
	}
}
