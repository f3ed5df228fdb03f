package directory

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/secret"
)

const (
	accountA arn.AccountID = "111122223333"
	accountB arn.AccountID = "444455556666"
)

var created = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newUser(name, id string, keys ...string) *User {
	u := &User{Account: accountA, Name: name, Path: "/", ID: id, ARN: arn.User(arn.AWS, accountA, "/", name), Created: created}
	for _, k := range keys {
		u.AccessKeys = append(u.AccessKeys, AccessKey{ID: k, Status: Active, Secret: Protected{Key: secret.FromString("clear-" + k)}})
	}
	return u
}

func newRole(name, id string) *Role {
	return &Role{Account: accountA, Name: name, Path: "/", ID: id, ARN: arn.Role(arn.AWS, accountA, "/", name), Trust: NewDocument("{}")}
}

func newGroup(name, id string) *Group {
	return &Group{Account: accountA, Name: name, Path: "/", ID: id, ARN: arn.Group(arn.AWS, accountA, "/", name)}
}

func stored(es ...Entity) []Event {
	events := make([]Event, len(es))
	for i, e := range es {
		events[i] = Event{Key: e.Key(), Entity: e}
	}
	return events
}

func gone(es ...Entity) []Event {
	events := make([]Event, len(es))
	for i, e := range es {
		events[i] = Event{Key: e.Key()}
	}
	return events
}

func viewOf(es ...Entity) *View { return NewView(arn.AWS).Apply(1, stored(es...)) }

// contents writes everything that a View answers from.
func contents(v *View) string {
	var b strings.Builder
	v.entities.tree.Ascend(func(it item[Entity]) bool { fmt.Fprintf(&b, "%s=%p\n", it.key, it.value); return true })
	v.accounts.tree.Ascend(func(it item[*Account]) bool { fmt.Fprintf(&b, "account %s=%p\n", it.key, it.value); return true })
	v.accessKeys.tree.Ascend(func(it item[KeyOwner]) bool {
		fmt.Fprintf(&b, "key %s=%p %p %p\n", it.key, it.value.Key, it.value.User, it.value.Account)
		return true
	})
	v.ids.tree.Ascend(func(it item[Entity]) bool { fmt.Fprintf(&b, "id %s=%p\n", it.key, it.value); return true })
	v.roles.tree.Ascend(func(it item[*Role]) bool { fmt.Fprintf(&b, "role %s=%p\n", it.key, it.value); return true })
	v.members.tree.Ascend(func(it item[*User]) bool { fmt.Fprintf(&b, "member %s=%p\n", it.key, it.value); return true })
	v.devices.tree.Ascend(func(it item[*Device]) bool { fmt.Fprintf(&b, "device %s=%p\n", it.key, it.value); return true })
	requests := func(name string, t table[*DelegationRequest]) {
		t.tree.Ascend(func(it item[*DelegationRequest]) bool {
			fmt.Fprintf(&b, "%s %s=%p\n", name, it.key, it.value)
			return true
		})
	}
	requests("request", v.delegations)
	requests("owned request", v.ownedDelegations)
	counts := func(name string, t table[int]) {
		t.tree.Ascend(func(it item[int]) bool {
			if it.value != 0 {
				fmt.Fprintf(&b, "%s %s=%d\n", name, it.key, it.value)
			}
			return true
		})
	}
	counts("attached", v.attached)
	counts("boundary", v.boundaries)
	return b.String()
}

// model is a directory without indexes, changed as the store is: in transactions whose events come in any order.
type model map[Key]Entity

// step alters the model by one transaction and returns its events. Names, unique ids and access key ids stay unique, as the
// operations see to; they may go from one entity to another.
func (m model) step(t *rapid.T) []Event {
	next := maps.Clone(m)
	for range rapid.IntRange(1, 4).Draw(t, "entities") {
		e := m.draw(t)
		next[e.Key()] = e
		if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
			delete(next, e.Key())
		}
	}
	if rapid.Bool().Draw(t, "rename") {
		next.rename(t)
	}
	next.settle()
	var events []Event
	for k, e := range next {
		if m[k] != e {
			events = append(events, Event{k, e})
		}
	}
	for k := range m {
		if _, ok := next[k]; !ok {
			events = append(events, Event{Key: k})
		}
	}
	slices.SortFunc(events, func(a, b Event) int { return strings.Compare(a.Key.String(), b.Key.String()) })
	order := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0))
	order.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	clear(m)
	maps.Copy(m, next)
	return events
}

// draw makes an entity, maybe in the place of another.
func (m model) draw(t *rapid.T) Entity {
	pick := func(what string, of ...string) string { return rapid.SampledFrom(of).Draw(t, what) }
	some := func(what string, of ...string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 0, len(of), rapid.ID[string]).Draw(t, what)
	}
	name := pick("name", "a", "b", "c")
	policies := some("attached", "arn:p1", "arn:p2")
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
		u := newUser(name, pick("id", "AIDA1", "AIDA2", "AIDA3", "AIDA4"), some("keys", "AKIA1", "AKIA2", "AKIA3")...)
		u.Groups, u.Attached, u.Boundary = some("groups", "AGPA1", "AGPA2"), policies, pick("boundary", "", "arn:p1")
		return u
	case 1:
		g := newGroup(name, pick("id", "AGPA1", "AGPA2", "AGPA3"))
		g.Attached = policies
		return g
	case 2:
		r := newRole(name, pick("id", "AROA1", "AROA2", "AROA3"))
		r.Path = pick("path", "/", "/x/")
		r.ARN = arn.Role(arn.AWS, accountA, r.Path, name)
		r.Attached, r.Boundary = policies, pick("boundary", "", "arn:p2")
		return r
	case 3:
		return &Device{Account: accountA, Name: name, Serial: "serial-" + name, UserID: pick("owner", "", "AIDA1", "AIDA2")}
	case 5:
		return &DelegationRequest{Account: accountA, ID: "dr-" + name, OwnerAccount: accountB, OwnerARN: pick("owner", "", "arn:o")}
	case 4:
		return &ManagedPolicy{Account: accountA, Name: name, ID: pick("id", "ANPA1", "ANPA2"), ARN: "arn:" + name}
	default:
		id := arn.AccountID(pick("account", string(accountA), string(accountB)))
		a := &Account{ID: id}
		for _, k := range some("root keys", "AKIA4", "AKIA5") {
			a.RootKeys = append(a.RootKeys, AccessKey{ID: k})
		}
		return a
	}
}

// rename gives a user another name: the key changes, id and access keys go along.
func (m model) rename(t *rapid.T) {
	for _, k := range slices.SortedFunc(maps.Keys(m), func(a, b Key) int { return strings.Compare(a.String(), b.String()) }) {
		if u, ok := m[k].(*User); ok {
			renamed := u.Clone()
			renamed.Name = rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "new name")
			delete(m, k)
			m[renamed.Key()] = renamed
			return
		}
	}
}

// settle drops entities that have an id of another.
func (m model) settle() {
	seen := make(map[string]bool)
	for _, k := range slices.SortedFunc(maps.Keys(m), func(a, b Key) int { return strings.Compare(a.String(), b.String()) }) {
		var ids []string
		switch e := m[k].(type) {
		case *User:
			ids = []string{e.ID}
			for _, key := range e.AccessKeys {
				ids = append(ids, key.ID)
			}
		case *Account:
			for _, key := range e.RootKeys {
				ids = append(ids, key.ID)
			}
		case *Group:
			ids = []string{e.ID}
		case *Role:
			ids = []string{e.ID}
		case *ManagedPolicy:
			ids = []string{e.ID}
		}
		if slices.ContainsFunc(ids, func(id string) bool { return seen[id] }) {
			delete(m, k)
			continue
		}
		for _, id := range ids {
			seen[id] = true
		}
	}
}

// A View that came about by changes is the View of what is there, whatever the order of a transaction's events; and the
// Views before it stay as they were.
func TestApplyEqualsBuildingFromScratch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := make(model)
		v := NewView(arn.AWS)
		type past struct {
			view     *View
			contents string
		}
		managed := v.Apply(0, nil)
		history := []past{{v, contents(v)}}
		for i := range rapid.IntRange(1, 8).Draw(t, "transactions") {
			v = v.Apply(int64(i+1), m.step(t))
			whole := managed.Apply(int64(i+1), stored(slices.Collect(maps.Values(m))...))
			if got, want := contents(v), contents(whole); got != want {
				t.Fatalf("after transaction %d the View has\n%s\nwant\n%s", i+1, got, want)
			}
			if v.Revision() != int64(i+1) {
				t.Fatalf("revision %d, want %d", v.Revision(), i+1)
			}
			history = append(history, past{v, contents(v)})
		}
		for i, p := range history {
			if contents(p.view) != p.contents {
				t.Fatalf("the View after transaction %d has changed since", i)
			}
		}
	})
}

// In one transaction a user is renamed: what it is found by finds it, in whichever order the two events come.
func TestRename(t *testing.T) {
	t.Parallel()
	old := newUser("old", "AIDA1", "AKIA1")
	renamed := newUser("new", "AIDA1", "AKIA1")
	for name, events := range map[string][]Event{
		"deleted first": append(gone(old), stored(renamed)...),
		"stored first":  append(stored(renamed), gone(old)...),
	} {
		v := viewOf(old).Apply(2, events)
		if _, ok := v.User(accountA, "old"); ok {
			t.Errorf("%s: the old name is found", name)
		}
		if u, ok := v.User(accountA, "NEW"); !ok || u != renamed {
			t.Errorf("%s: the new name is not found", name)
		}
		if e, ok := v.ByID("AIDA1"); !ok || e != Entity(renamed) {
			t.Errorf("%s: the id leads to %v", name, e)
		}
		if k, ok := v.AccessKey("AKIA1"); !ok || k.User != renamed {
			t.Errorf("%s: the access key leads to %v", name, k.User)
		}
	}
}

// A role that is deleted and made again is another: its id is, and the old id leads nowhere.
func TestRecreation(t *testing.T) {
	t.Parallel()
	first, second := newRole("R", "AROA1"), newRole("R", "AROA2")
	v1 := viewOf(first)
	v2 := v1.Apply(2, gone(first))
	v3 := v2.Apply(3, stored(second))
	if _, ok := v2.RoleByARN(first.ARN); ok {
		t.Error("a deleted role is found by its ARN")
	}
	if r, ok := v3.RoleByARN(first.ARN); !ok || r.ID != "AROA2" {
		t.Error("the new role is not found by its ARN")
	}
	if _, ok := v3.ByID("AROA1"); ok {
		t.Error("the old id lives")
	}
	if r, ok := v1.Role(accountA, "r"); !ok || r != first {
		t.Error("the View of before has changed")
	}
}

func TestKeysOfAUser(t *testing.T) {
	t.Parallel()
	v := viewOf(newUser("alice", "AIDA1", "AKIA1", "AKIA2"))
	v = v.Apply(2, stored(newUser("alice", "AIDA1", "AKIA2", "AKIA3")))
	for id, want := range map[string]bool{"AKIA1": false, "AKIA2": true, "AKIA3": true, "": false} {
		if k, ok := v.AccessKey(id); ok != want || (ok && (k.Key.ID != id || k.User.Name != "alice")) {
			t.Errorf("key %q: found %v, want %v", id, ok, want)
		}
	}
	// A key that goes from one user to another, with the events in the order that finds the new owner first.
	v = v.Apply(3, stored(newUser("bob", "AIDA2", "AKIA2"), newUser("alice", "AIDA1", "AKIA3")))
	if k, ok := v.AccessKey("AKIA2"); !ok || k.User.Name != "bob" {
		t.Error("the key did not come to bob")
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	devs, ops := newGroup("Devs", "AGPA1"), newGroup("Ops", "AGPA2")
	alice, bob := newUser("alice", "AIDA1"), newUser("Bob", "AIDA2")
	alice.Groups, bob.Groups = []string{"AGPA1", "AGPA2"}, []string{"AGPA1"}
	v := viewOf(devs, ops, alice, bob)
	members := func(v *View, g *Group) string {
		var names []string
		for u := range v.Members(g) {
			names = append(names, u.Name)
		}
		return strings.Join(names, " ")
	}
	if got := members(v, devs); got != "alice Bob" {
		t.Errorf("members %q", got)
	}
	renamed := newGroup("Builders", "AGPA1")
	v = v.Apply(2, append(gone(devs), stored(renamed)...))
	if got := members(v, renamed); got != "alice Bob" {
		t.Errorf("members after renaming %q", got)
	}
	left := bob.Clone()
	left.Groups = nil
	v = v.Apply(3, stored(left))
	if got := members(v, renamed); got != "alice" {
		t.Errorf("members after leaving %q", got)
	}
	var of []string
	for g := range v.GroupsOf(alice) {
		of = append(of, g.Name)
	}
	if !slices.Equal(of, []string{"Builders", "Ops"}) {
		t.Errorf("alice is in %v", of)
	}
	v = v.Apply(4, gone(ops))
	of = nil
	for g := range v.GroupsOf(alice) {
		of = append(of, g.Name)
	}
	if !slices.Equal(of, []string{"Builders"}) {
		t.Errorf("alice is in %v after a group is gone", of)
	}
}

func TestAttachmentsAreCounted(t *testing.T) {
	t.Parallel()
	const policyARN = "arn:aws:iam::111122223333:policy/p"
	u, r, g := newUser("u", "AIDA1"), newRole("r", "AROA1"), newGroup("g", "AGPA1")
	u.Attached, r.Attached, g.Attached = []string{policyARN}, []string{policyARN}, []string{policyARN}
	u.Boundary, r.Boundary = policyARN, policyARN
	v := viewOf(u, r, g)
	if a, b := v.Attachments(policyARN), v.BoundaryUses(policyARN); a != 3 || b != 2 {
		t.Errorf("%d attachments and %d boundaries, want 3 and 2", a, b)
	}
	v = v.Apply(2, append(stored(newUser("u", "AIDA1")), gone(r)...))
	if a, b := v.Attachments(policyARN), v.BoundaryUses(policyARN); a != 1 || b != 0 {
		t.Errorf("%d attachments and %d boundaries, want 1 and 0", a, b)
	}
}

// Names are found without case; ARNs, serial numbers and issuers to the letter.
func TestLookUp(t *testing.T) {
	t.Parallel()
	role := newRole("Target", "AROA1")
	role.Path, role.ARN = "/a/b/", arn.Role(arn.AWS, accountA, "/a/b/", "Target")
	serial := arn.MFADevice(arn.AWS, accountA, "/", "Phone")
	v := viewOf(role,
		&ManagedPolicy{Account: accountA, Name: "Edge", Path: "/x/", ID: "ANPA1", ARN: arn.Policy(arn.AWS, accountA, "/x/", "Edge")},
		&Device{Account: accountA, Name: "Phone", Serial: serial, UserID: "AIDA1"},
		&Device{Account: accountA, Name: "GAHT12345678", Serial: "GAHT12345678"},
		&OIDCProvider{Account: accountA, URL: "issuer.example/Path"},
		&OIDCProvider{Account: accountB, URL: "issuer.example/Path"},
		&SAMLProvider{Account: accountA, Name: "Corp"})
	found := func(what string, ok, want bool) {
		t.Helper()
		if ok != want {
			t.Errorf("%s: found %v, want %v", what, ok, want)
		}
	}
	_, ok := v.Role(accountA, "tARGET")
	found("role by another case", ok, true)
	_, ok = v.Role(accountB, "Target")
	found("role of another account", ok, false)
	_, ok = v.RoleByARN("arn:aws:iam::111122223333:role/a/b/Target")
	found("role by ARN", ok, true)
	_, ok = v.RoleByARN("arn:aws:iam::111122223333:role/a/b/target")
	found("role by ARN in another case", ok, false)
	_, ok = v.RoleByARN("arn:aws:iam::111122223333:role/Target")
	found("role by ARN without its path", ok, false)
	_, ok = v.PolicyByARN("arn:aws:iam::111122223333:policy/x/Edge")
	found("policy by ARN", ok, true)
	_, ok = v.PolicyByARN("arn:aws:iam::111122223333:policy/x/edge")
	found("policy by ARN in another case", ok, false)
	_, ok = v.PolicyByARN("arn:aws:iam::aws:policy/AdministratorAccess")
	found("AWS-managed policy", ok, true)
	_, ok = v.PolicyByARN("arn:aws-cn:iam::aws:policy/AdministratorAccess")
	found("AWS-managed policy of another partition", ok, false)
	_, ok = v.PolicyByARN("AdministratorAccess")
	found("policy by what is no ARN", ok, false)
	_, ok = v.Device(accountA, serial)
	found("virtual device", ok, true)
	_, ok = v.Device(accountA, strings.ToLower(serial))
	found("virtual device in another case", ok, false)
	_, ok = v.Device(accountA, "GAHT12345678")
	found("hardware device", ok, true)
	_, ok = v.Device(accountA, "Phone")
	found("virtual device by its name", ok, false)
	_, ok = v.OIDCProvider(accountA, "issuer.example/path")
	found("issuer in another case", ok, false)
	_, ok = v.OIDCProvider(accountA, "issuer.example/Path")
	found("issuer", ok, true)
	_, ok = v.SAMLProvider(accountA, "corp")
	found("SAML provider in another case", ok, true)
	if n := len(slices.Collect(v.OIDCProviders(accountA))) + len(slices.Collect(v.SAMLProviders(accountA))); n != 2 {
		t.Errorf("%d providers, want 2", n)
	}
	if n := len(slices.Collect(v.DevicesOf("AIDA1"))); n != 1 {
		t.Errorf("%d devices of AIDA1, want 1", n)
	}
}

// A revocation is of the sessions issued before it was written, and of no others.
func TestRevoked(t *testing.T) {
	t.Parallel()
	r := &Revocation{Account: accountA, Target: "AROA1:Name"}
	r.revision = 10
	v := NewView(arn.AWS).Apply(12, stored(r))
	for _, c := range []struct {
		account arn.AccountID
		target  string
		issued  int64
		want    bool
	}{
		{accountA, "AROA1:Name", 9, true},
		{accountA, "AROA1:Name", 10, false},
		{accountA, "AROA1:Name", 11, false},
		{accountA, "AROA1:name", 9, false},
		{accountA, "AROA1", 9, false},
		{accountB, "AROA1:Name", 9, false},
	} {
		if got := v.Revoked(c.account, c.target, c.issued, time.Unix(0, 0)); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// A revocation of what was issued before a time spares what came later by the clock, and what came after it by revision; one that
// comes on top of another takes nothing back.
func TestRevokedBefore(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)
	at := func(revision int64, r *Revocation) *Revocation {
		r.revision = revision
		return r
	}
	whole := at(10, &Revocation{Account: accountA, Target: "AROA1"})
	older := at(20, (&Revocation{Account: accountA, Target: "AROA1"}).Again(noon))
	both := at(20, whole.Again(noon))
	for name, c := range map[string]struct {
		of       *Revocation
		revision int64
		issued   time.Duration // after noon
		want     bool
	}{
		"before the time":                        {older, 19, -time.Second, true},
		"at the time":                            {older, 19, 0, false},
		"after the time":                         {older, 19, time.Second, false},
		"issued since, by a clock that is slow":  {older, 20, -time.Hour, false},
		"after the time, the earlier one stands": {both, 9, time.Hour, true},
		"between the two, before the time":       {both, 10, -time.Second, true},
		"between the two, after the time":        {both, 10, time.Second, false},
		"a still earlier time changes nothing":   {at(30, older.Again(noon.Add(-time.Hour))), 19, -time.Second, true},
		"a later time takes more":                {at(30, older.Again(noon.Add(time.Hour))), 19, time.Minute, true},
		"a third keeps the first":                {at(30, both.Again(noon)), 9, time.Hour, true},
		"all of it":                              {at(30, both.Again(time.Time{})), 29, time.Hour, true},
		"all of it, issued since":                {at(30, both.Again(time.Time{})), 30, -time.Hour, false},
	} {
		if got := c.of.Voids(c.revision, noon.Add(c.issued)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The AWS-managed policies are the same on every node, and each has an id of its own.
func TestManagedPolicies(t *testing.T) {
	t.Parallel()
	ids := make(map[string]bool)
	for p := range NewView(arn.China).Policies(AWSAccount) {
		if !strings.HasPrefix(p.ARN, "arn:aws-cn:iam::aws:policy/") || p.Default() == nil {
			t.Errorf("policy %+v", p)
		}
		if len(p.ID) != 21 || ids[p.ID] {
			t.Errorf("policy %s has id %s", p.Name, p.ID)
		}
		ids[p.ID] = true
	}
	if len(ids) < 5 {
		t.Errorf("%d AWS-managed policies", len(ids))
	}
}

func TestChange(t *testing.T) {
	t.Parallel()
	known := newUser("known", "AIDA1")
	known.revision = 7
	fresh, read := newUser("fresh", "AIDA2"), newRole("read", "AROA1")
	read.revision = 5
	v := NewView(arn.AWS).Apply(9, nil)
	var c Change
	c.Put(known.Clone())
	c.Put(fresh)
	c.Require(read)
	c.Overwrite(newGroup("any", "AGPA1"))
	c.Freeze(v, accountA, KindUser, KindRole)
	want := map[Key]int64{known.Key(): 7, fresh.Key(): 0, read.Key(): 5}
	if !maps.Equal(c.Guards, want) {
		t.Errorf("guards %v, want %v", c.Guards, want)
	}
	if len(c.Writes) != 3 || len(c.Frozen) != 2 || c.Frozen[1] != (Range{accountA, KindRole, 9}) {
		t.Errorf("%d writes, frozen %v", len(c.Writes), c.Frozen)
	}
	var d Change
	d.Delete(known)
	d.PutFor(fresh, time.Minute)
	if d.Writes[0].Entity != nil || d.Guards[known.Key()] != 7 || d.Writes[1].TTL != time.Minute {
		t.Errorf("change %+v", d)
	}
}

func TestOnward(t *testing.T) {
	t.Parallel()
	v := viewOf(newUser("b", "AIDA1"), newUser("D", "AIDA2"), newUser("zz", "AIDA3"), newRole("a", "AROA1"), newRole("zz", "AROA2"))
	for first, want := range map[string]string{"": "b D zz", "b": "b D zz", "c": "D zz", "e": "zz", "zzz": ""} {
		var names []string
		for u := range v.UsersFrom(accountA, first) {
			names = append(names, u.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("users from %q: %s, want %s", first, got, want)
		}
	}
	for r := range v.RolesFrom(accountA, "b") {
		if r.Name != "zz" {
			t.Errorf("roles from b: %s", r.Name)
		}
	}
}
