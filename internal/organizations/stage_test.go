package organizations

import (
	"context"
	"crypto/rand"
	"errors"
	"log"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/store"
)

const (
	master  arn.AccountID = "111122223333"
	member  arn.AccountID = "444455556666"
	outside arn.AccountID = "777788889999"

	denyIAM   = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:*","Resource":"*"}]}`
	denySTS   = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:*","Resource":"*"}]}`
	allowAll  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	allowNone = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}`
)

// shared is the one store of all tests: a directory has one organization, so the stages follow one another.
var (
	shared *store.Store
	turns  sync.Mutex
)

// arrival is when the tests' requests arrive.
var arrival = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "stint-organizations")
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

// stage is an organization of its own, and the service: the management account, a member account under the unit dev, both
// types of policy enabled, the SCP fence on dev, the SCP loose on nothing, and an account outside.
type stage struct {
	*Service
	t                       *testing.T
	root, dev, fence, loose string
}

// newStage also gives each account the user caller with the policy.
func newStage(t *testing.T, callerPolicy string) *stage {
	t.Helper()
	turns.Lock()
	t.Cleanup(turns.Unlock)
	s := &stage{t: t, Service: &Service{
		Authorizer: authz.New(),
		Directory:  shared,
		Sealer:     session.NewSealer(rand.Reader, func() time.Time { return arrival }),
		Random:     rand.Reader,
	}}
	s.clear()
	o, err := directory.NewOrganization(master, now(s.by(master)), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o.Members = append(o.Members, member)
	o.ServiceControl = directory.ControlState{Enabled: true, Era: 1}
	o.ResourceControl = directory.ControlState{Enabled: true, Era: 1}
	o.TrustedServices = []directory.Grant{{Service: "iam.amazonaws.com", Since: arrival}}
	o.Root.Tags = []directory.Tag{{Key: "team", Value: "blue"}}
	s.root, s.dev, s.fence, s.loose = o.RootID, "ou-"+o.RootID[2:]+"-dev00000", "p-fence00000", "p-loose00000"
	dev := &directory.Unit{ID: s.dev, Name: "dev", Parent: o.RootID}
	o.Attach(&dev.Node, directory.ServiceControl, []string{directory.FullAccessID, s.fence})
	c := new(directory.Change)
	c.Put(o)
	c.Put(dev)
	c.Put(&directory.Member{Account: member, Name: "one", Email: "one@example.com", Created: true, Joined: arrival, Parent: s.dev})
	c.Put(&directory.ControlPolicy{Owner: directory.Global, ID: s.fence, Name: "fence", Type: directory.ServiceControl, Document: directory.NewDocument(denyIAM)})
	c.Put(&directory.ControlPolicy{Owner: directory.Global, ID: s.loose, Name: "loose", Type: directory.ServiceControl, Document: directory.NewDocument(denyIAM)})
	for _, id := range []arn.AccountID{master, member, outside} {
		c.Put(&directory.Account{ID: id, ARN: arn.Root(arn.AWS, id), Created: arrival})
		userID, err := arn.NewID(arn.UserID, id, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c.Put(&directory.User{Account: id, Name: "caller", Path: "/", ID: userID, ARN: arn.User(arn.AWS, id, "/", "caller"), Created: arrival,
			Inline: []directory.InlinePolicy{{Name: "p", Document: directory.NewDocument(callerPolicy)}}})
	}
	s.commit(c)
	return s
}

// clear takes away what the stage before left.
func (s *stage) clear() {
	c, v := new(directory.Change), shared.View()
	dissolve(v, c)
	for a := range v.Accounts() {
		for r := range v.Roles(a.ID) {
			c.Delete(r)
		}
		for u := range v.Users(a.ID) {
			c.Delete(u)
		}
		c.Delete(a)
	}
	s.commit(c)
}

// dissolve deletes the organization with all that belongs to it.
func dissolve(v *directory.View, c *directory.Change) {
	if o, ok := v.Organization(); ok {
		c.Delete(o)
	}
	for a := range v.Accounts() {
		if m, ok := v.Get((&directory.Member{Account: a.ID}).Key()); ok {
			c.Delete(m)
		}
	}
	for u := range v.Units() {
		c.Delete(u)
	}
	for p := range v.ControlPolicies() {
		if p.Owner != directory.AWSAccount {
			c.Delete(p)
		}
	}
}

func (s *stage) commit(c *directory.Change) {
	s.t.Helper()
	if err := shared.Commit(s.t.Context(), c); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) view() *directory.View { return shared.View() }

// by is a request of an account's root.
func (s *stage) by(id arn.AccountID) *identity.Request {
	root := arn.Root(arn.AWS, id)
	return &identity.Request{Time: arrival, Caller: identity.Caller{
		Kind: identity.Root, Account: id, ARN: root, UserID: string(id), PrincipalID: string(id),
	}}
}

// callerOf is a request of an account's user.
func (s *stage) callerOf(id arn.AccountID) *identity.Request {
	s.t.Helper()
	u, ok := s.view().User(id, "caller")
	if !ok {
		s.t.Fatalf("no caller in %s", id)
	}
	return &identity.Request{Time: arrival, Caller: identity.Caller{
		Kind: identity.User, Account: id, ARN: u.ARN, UserID: u.ID, PrincipalID: u.ID,
	}}
}

// refused asserts why. A fault with a reason is refused for it.
func refused(t *testing.T, err error, want *identity.Fault) {
	t.Helper()
	f, ok := errors.AsType[*identity.Fault](err)
	if !ok || f.Code != want.Code || f.Message != want.Message || f.Reason != want.Reason {
		t.Fatalf("got %v, want %v (%s)", err, want, want.Reason)
	}
}

func ok[T any](t *testing.T, out T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var tagging = []api.Tag{{Key: "k", Value: "v"}}
