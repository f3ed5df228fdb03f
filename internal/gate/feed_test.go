package gate

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/store"
)

func put(e directory.Entity) directory.Event { return directory.Event{Key: e.Key(), Entity: e} }

func gone(e directory.Entity) directory.Event { return directory.Event{Key: e.Key()} }

// What each change of the directory makes void. Every kind of entity is here: a new one has to be thought about.
func TestVoids(t *testing.T) {
	t.Parallel()
	b := dt.New(t, nil)
	user, role := b.User(dt.A, "alice"), b.Role(dt.A, "target", "{}")
	before := b.View()
	renamed := user.Clone()
	renamed.Name = "bob"
	other := b.User(dt.B, "other")
	const all, nothing = `{"revision":9,"all":true}`, `{"revision":9}`
	of := func(principals ...string) string {
		var voids []string
		for _, p := range principals {
			voids = append(voids, fmt.Sprintf(`{"account":%q,"principal":%q}`, dt.A, p))
		}
		return `{"revision":9,"void":[` + strings.Join(voids, ",") + `]}`
	}
	account := fmt.Sprintf(`{"revision":9,"void":[{"account":%q}]}`, dt.A)
	seen := make(map[directory.Kind]bool)
	for name, tt := range map[string]struct {
		events []directory.Event
		want   string
	}{
		"loaded anew":           {nil, all},
		"nothing":               {[]directory.Event{}, nothing},
		"user":                  {[]directory.Event{put(user)}, of(user.ID)},
		"user is gone":          {[]directory.Event{gone(user)}, of(user.ID)},
		"user is renamed":       {[]directory.Event{gone(user), put(renamed)}, of(user.ID)},
		"role":                  {[]directory.Event{put(role)}, of(role.ID)},
		"role and user":         {[]directory.Event{put(role), put(user)}, of(user.ID, role.ID)},
		"one that never was":    {[]directory.Event{{Key: directory.Key{Account: dt.A, Kind: directory.KindUser, Name: "x"}}}, nothing},
		"revocation of all":     {[]directory.Event{put(&directory.Revocation{Account: dt.A, Target: role.ID})}, of(role.ID)},
		"revocation of some":    {[]directory.Event{put(&directory.Revocation{Account: dt.A, Target: role.ID + ":s:1"})}, of(role.ID)},
		"revocation of one":     {[]directory.Event{put(&directory.Revocation{Account: dt.A, Target: "ASIARTX3GSDSSQTAB4NE"})}, account},
		"group":                 {[]directory.Event{put(&directory.Group{Account: dt.A, Name: "g"})}, account},
		"policy":                {[]directory.Event{put(&directory.ManagedPolicy{Account: dt.A, Name: "p"})}, account},
		"policy and user":       {[]directory.Event{put(user), put(&directory.ManagedPolicy{Account: dt.A, Name: "p"}), put(role)}, account},
		"policy of AWS":         {[]directory.Event{put(&directory.ManagedPolicy{Account: directory.AWSAccount, Name: "p"})}, all},
		"account":               {[]directory.Event{put(&directory.Account{ID: dt.A})}, account},
		"organization":          {[]directory.Event{put(&directory.Organization{})}, all},
		"unit":                  {[]directory.Event{put(&directory.Unit{ID: "ou-1"})}, all},
		"member":                {[]directory.Event{put(&directory.Member{Account: dt.A})}, all},
		"control policy":        {[]directory.Event{put(&directory.ControlPolicy{Owner: directory.Global, ID: "p-1"})}, all},
		"sealing key":           {[]directory.Event{put(&directory.SealingKey{ID: 2})}, all},
		"of a kind of tomorrow": {[]directory.Event{{Key: directory.Key{Account: dt.A, Kind: "tomorrow", Name: "x"}}}, all},
		"last use":              {[]directory.Event{put(&directory.LastUse{Account: dt.A, ID: user.ID})}, nothing},
		"device":                {[]directory.Event{put(&directory.Device{Account: dt.A, Name: "d"})}, nothing},
		"OIDC provider":         {[]directory.Event{put(&directory.OIDCProvider{Account: dt.A, URL: "x"})}, nothing},
		"SAML provider":         {[]directory.Event{put(&directory.SAMLProvider{Account: dt.A, Name: "x"})}, nothing},
		"account request":       {[]directory.Event{put(&directory.AccountRequest{ID: "x"})}, nothing},
		"delegation request":    {[]directory.Event{put(&directory.DelegationRequest{Account: dt.A, ID: "x"})}, nothing},
		"instance profile":      {[]directory.Event{put(&directory.InstanceProfile{Account: dt.A, Name: "x"})}, nothing},
		"server certificate":    {[]directory.Event{put(&directory.ServerCertificate{Account: dt.A, Name: "x"})}, nothing},
		"of two accounts": {[]directory.Event{put(other), put(user)},
			fmt.Sprintf(`{"revision":9,"void":[{"account":%q,"principal":%q},{"account":%q,"principal":%q}]}`, dt.A, user.ID, dt.B, other.ID)},
	} {
		got, err := json.Marshal(changeOf(before, before.Apply(9, tt.events), tt.events))
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %s, want %s (%v)", name, got, tt.want, err)
		}
		for _, ev := range tt.events {
			seen[ev.Key.Kind] = true
		}
	}
	for _, kind := range []directory.Kind{
		directory.KindAccount, directory.KindUser, directory.KindGroup, directory.KindRole, directory.KindPolicy, directory.KindDevice,
		directory.KindOIDCProvider, directory.KindSAMLProvider, directory.KindRevocation, directory.KindSealingKey, directory.KindOrganization,
		directory.KindUnit, directory.KindMember, directory.KindControlPolicy, directory.KindAccountRequest, directory.KindDelegationRequest,
		directory.KindInstanceProfile, directory.KindServerCertificate, directory.KindLastUse,
	} {
		if !seen[kind] {
			t.Errorf("nobody says what a %s makes void", kind)
		}
	}
}

// A change of many names the accounts, and one of very many nobody.
func TestVoidsAreBounded(t *testing.T) {
	t.Parallel()
	var many, everywhere []directory.Event
	for i := range 65 {
		many = append(many, put(&directory.User{Account: dt.A, Name: fmt.Sprint("u", i), ID: fmt.Sprint("AIDA", i)}))
		account := arn.AccountID(fmt.Sprintf("%012d", i))
		everywhere = append(everywhere, put(&directory.User{Account: account, Name: "u", ID: fmt.Sprint("AIDA", i)}))
	}
	empty := directory.NewView(arn.AWS)
	change := func(events []directory.Event) gateapi.Change { return changeOf(empty, empty.Apply(9, events), events) }
	if c := change(many[:64]); c.All || len(c.Void) != 64 {
		t.Errorf("64 users: %+v", c)
	}
	if c := change(many); c.All || len(c.Void) != 1 || c.Void[0] != (gateapi.Void{Account: string(dt.A)}) {
		t.Errorf("65 users: %+v", c)
	}
	if c := change(everywhere[:64]); c.All || len(c.Void) != 64 {
		t.Errorf("64 accounts: %+v", c)
	}
	if c := change(everywhere); !c.All || len(c.Void) > 0 {
		t.Errorf("65 accounts: %+v", c)
	}
}

// theatre is a directory that moves, and a relying service that watches it.
type theatre struct {
	t       *testing.T
	service *Service
	view    *directory.View
	watcher *directory.User
	builder *dt.Builder
}

func (p *theatre) View() *directory.View { return p.view }

func newTheatre(t *testing.T) *theatre {
	b := dt.New(t, nil)
	p := &theatre{t: t, builder: b, watcher: b.User(dt.A, "objects", dt.AllowAll)}
	p.view = b.View()
	p.service = &Service{
		Authn: authn.New(nil, nil), Authorizer: authz.New(), Directory: committer{p}, Feed: NewFeed(p.view.Revision()), Now: time.Now,
	}
	return p
}

// committer is a directory to which nothing is written.
type committer struct{ *theatre }

func (committer) Commit(context.Context, *directory.Change) error { return store.ErrUnavailable }

func (p *theatre) request() *identity.Request {
	u := p.watcher
	return &identity.Request{Time: time.Now(), Caller: identity.Caller{
		Kind: identity.User, Account: u.Account, ARN: u.ARN, UserID: u.ID, PrincipalID: u.ID, AccessKeyID: u.AccessKeys[0].ID,
	}}
}

// move makes a step of the directory and tells the feed.
func (p *theatre) move(events ...directory.Event) {
	before := p.view
	p.view = before.Apply(before.Revision()+1, events)
	p.service.Feed.Observe(before, p.view, events)
}

func (p *theatre) watch(last string) *Stream {
	p.t.Helper()
	s, err := p.service.WatchChanges(p.t.Context(), p.view, p.request(), last)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(s.Close)
	return s
}

func (p *theatre) next(s *Stream) string {
	p.t.Helper()
	id, data, err := s.Next(p.t.Context())
	if err != nil {
		return err.Error()
	}
	if !strings.HasPrefix(string(data), `{"revision":`+id) {
		p.t.Errorf("event %s is %s", id, data)
	}
	return string(data)
}

func (p *theatre) want(s *Stream, format string, args ...any) {
	p.t.Helper()
	if got, want := p.next(s), fmt.Sprintf(format, args...); got != want {
		p.t.Errorf("the next event is %s, want %s", got, want)
	}
}

// A stream begins with all, tells each change that voids something, and beats in between; one that comes back is told what it missed.
func TestStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTheatre(t)
		alice := &directory.User{Account: dt.A, Name: "alice", ID: "AIDA1"}
		foreign := &directory.User{Account: dt.B, Name: "bob", ID: "AIDA2"}
		s := p.watch("")
		p.want(s, `{"revision":2,"all":true}`)
		p.move(put(alice))
		p.want(s, `{"revision":3,"void":[{"account":"111122223333","principal":"AIDA1"}]}`)
		p.move(put(&directory.LastUse{Account: dt.A, ID: "x"})) // nothing
		p.move(put(foreign))                                    // of an account that it cannot ask for
		begun := time.Now()
		p.want(s, `{"revision":5}`)
		if beat := time.Since(begun); beat > gateapi.Heartbeat || beat < gateapi.Heartbeat/2 {
			t.Errorf("the heartbeat came after %v", beat)
		}
		p.move(put(alice), put(foreign))
		p.want(s, `{"revision":6,"void":[{"account":"111122223333","principal":"AIDA1"}]}`)

		back := p.watch("2")
		p.want(back, `{"revision":3,"void":[{"account":"111122223333","principal":"AIDA1"}]}`)
		p.want(back, `{"revision":6,"void":[{"account":"111122223333","principal":"AIDA1"}]}`)
		p.want(p.watch("6"), `{"revision":6}`)
		p.want(p.watch("7"), `{"revision":6,"all":true}`) // of a node that is ahead, or of another history
		p.want(p.watch("1"), `{"revision":6,"all":true}`) // before this node began
		p.service.Trusted.All = true
		p.want(p.watch("4"), `{"revision":5,"void":[{"account":"444455556666","principal":"AIDA2"}]}`)

		for _, last := range []string{"-1", "+1", "01", "x", " 1", "1e3", "9223372036854775808"} {
			_, err := p.service.WatchChanges(t.Context(), p.view, p.request(), last)
			if f, ok := err.(*identity.Fault); !ok || f.Code != identity.ValidationError {
				t.Errorf("Last-Event-ID %q: %v", last, err)
			}
		}
	})
}

// A stream that is too far behind is cut, and told all when it comes back.
func TestSlowStreamIsCut(t *testing.T) {
	t.Parallel()
	p := newTheatre(t)
	slow, fast := p.watch(""), p.watch("")
	p.want(slow, `{"revision":2,"all":true}`)
	p.want(fast, `{"revision":2,"all":true}`)
	alice := &directory.User{Account: dt.A, Name: "alice", ID: "AIDA1"}
	for i := range keptChanges + 2 {
		p.move(put(alice))
		p.want(fast, `{"revision":%d,"void":[{"account":"111122223333","principal":"AIDA1"}]}`, i+3)
	}
	if got := len(p.service.Feed.changes); got != keptChanges {
		t.Errorf("%d changes are kept", got)
	}
	p.want(slow, "EOF")
	p.want(p.watch("2"), `{"revision":%d,"all":true}`, keptChanges+4)
	p.want(p.watch("5"), `{"revision":6,"void":[{"account":"111122223333","principal":"AIDA1"}]}`)
}

// A stream ends with the server, and with the credentials and the permission that it was begun with.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(p *theatre){
		"server stops": func(p *theatre) { p.service.Feed.Close() },
		"access key is inactive": func(p *theatre) {
			u := p.watcher.Clone()
			u.AccessKeys[0].Status = directory.Inactive
			p.move(put(u))
		},
		"user is gone": func(p *theatre) { p.move(gone(p.watcher)) },
		"permission is gone": func(p *theatre) {
			u := p.watcher.Clone()
			u.Inline = nil
			p.move(put(u))
		},
	} {
		p := newTheatre(t)
		s := p.watch("")
		p.want(s, `{"revision":2,"all":true}`)
		end(p)
		if _, _, err := s.Next(t.Context()); err != io.EOF {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := newTheatre(t)
	p.watcher.Inline = nil
	_, err := p.service.WatchChanges(t.Context(), p.view, p.request(), "")
	if f, ok := err.(*identity.Fault); !ok || f.Code != identity.AccessDenied || !strings.Contains(f.Message, "stint:WatchChanges") {
		t.Errorf("without the permission: %v", err)
	}
}

// The number of streams is bounded, of an account and of all.
func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	p := newTheatre(t)
	var open []*Stream
	for range maxAccountStreams {
		s, err := p.service.WatchChanges(t.Context(), p.view, p.request(), "")
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, s)
	}
	_, err := p.service.WatchChanges(t.Context(), p.view, p.request(), "")
	if f, ok := err.(*identity.Fault); !ok || f.Code != identity.Throttling {
		t.Errorf("one too many: %v", err)
	}
	open[0].Close()
	p.watch("")
	for _, s := range open[1:] {
		s.Close()
	}
	f := NewFeed(0)
	for i := range maxStreams {
		if !f.enter(arn.AccountID(fmt.Sprint(i))) {
			t.Fatalf("stream %d is refused", i)
		}
	}
	if f.enter("another") {
		t.Error("one too many of all is taken")
	}
	f.leave("1")
	if !f.enter("another") {
		t.Error("a place that is free again is not")
	}
	if len(f.streams) != maxStreams {
		t.Errorf("%d accounts are remembered", len(f.streams))
	}
}
