package manifest

import (
	"crypto/rand"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

const (
	main  arn.AccountID = "111122223333"
	other arn.AccountID = "444455556666"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 89, time.UTC)

func options() Options { return Options{Now: now, Random: rand.Reader} }

func pruning() Options { return Options{Now: now, Random: rand.Reader, Prune: true} }

// apply makes a change as the store does: through records, at the next revision.
func apply(t *testing.T, v *directory.View, c *directory.Change) *directory.View {
	t.Helper()
	revision := v.Revision() + 1
	var events []directory.Event
	for k, at := range c.Guards {
		if e, ok := v.Get(k); (ok && e.Revision() != at) || (!ok && at != 0) {
			t.Fatalf("the change does not hold: %s", k)
		}
	}
	for _, w := range c.Writes {
		ev := directory.Event{Key: w.Key}
		if w.Entity != nil {
			var open []secret.Key
			for _, s := range w.Entity.Secrets() {
				open = append(open, s.Key)
				s.Sealed = []byte("sealed")
			}
			record, err := directory.Encode(w.Entity)
			if err != nil {
				t.Fatal(err)
			}
			if ev.Entity, err = directory.Decode(w.Key, record, revision); err != nil {
				t.Fatal(err)
			}
			for i, s := range ev.Entity.Secrets() {
				s.Key, s.Sealed = open[i], nil
			}
		}
		events = append(events, ev)
	}
	return v.Apply(revision, events)
}

func empty() *directory.View { return directory.NewView(arn.AWS) }

func mustParse(t *testing.T, text string) *File {
	t.Helper()
	f, err := Parse("dir.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func mustPlan(t *testing.T, f *File, v *directory.View, o Options) *Plan {
	t.Helper()
	p, err := f.Plan(v, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// made is the view after a file was applied to v.
func made(t *testing.T, v *directory.View, text string, o Options) *directory.View {
	t.Helper()
	return apply(t, v, mustPlan(t, mustParse(t, text), v, o).Change)
}

func full(t *testing.T) *File {
	t.Helper()
	data, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse("testdata/full.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFullFile(t *testing.T) {
	t.Parallel()
	f := full(t)
	if got := f.Accounts(); !slices.Equal(got, []arn.AccountID{main, other, "000000000001"}) {
		t.Fatalf("accounts %v", got)
	}
	plan := mustPlan(t, f, empty(), options())
	v := apply(t, empty(), plan.Change)

	account, _ := v.Account(main)
	if account.Alias != "main" || account.ARN != "arn:aws:iam::111122223333:root" || account.DisabledRegions[0] != "ap-east-1" {
		t.Errorf("account %+v", account)
	}
	if k, ok := v.AccessKey("AKIARTX3GSDSQROOTKEY"); !ok || k.Account != account || !k.Key.Secret.Key.Equal(secret.FromString("root-secret")) {
		t.Error("root's key is not as given")
	}
	alice, ok := v.User(main, "alice")
	if !ok {
		t.Fatal("no alice")
	}
	if !alice.Created.Equal(now.Truncate(time.Second)) || alice.ARN != "arn:aws:iam::111122223333:user/alice" {
		t.Errorf("alice was created %v as %s", alice.Created, alice.ARN)
	}
	if cost, _ := directory.TagValue(alice.Tags, "COST"); cost != "5" || len(alice.Tags) != 2 {
		t.Errorf("tags %v", alice.Tags)
	}
	if got := alice.Inline[0].Document.Text(); got != `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}` {
		t.Errorf("a YAML policy became %s", got)
	}
	if got := alice.Inline[1].Document.Text(); got != `{"Version": "2012-10-17", "Statement": [{"Effect":"Deny","Action":"a:B","Resource":"*"}]}` {
		t.Errorf("a JSON policy became %s", got)
	}
	if id, err := arn.AccountOfID(alice.ID); err != nil || id != main || arn.PrefixOf(alice.ID) != arn.UserID {
		t.Errorf("alice has id %s", alice.ID)
	}
	for g := range v.GroupsOf(alice) {
		if g.Name != "devs" || g.Attached[0] != "arn:aws:iam::111122223333:policy/team/shared" {
			t.Errorf("group %+v", g)
		}
	}
	phone, ok := v.Device(main, "arn:aws:iam::111122223333:mfa/alice")
	if !ok || phone.UserID != alice.ID || !phone.Virtual() || phone.Enabled.IsZero() || len(phone.Seed.Key.Reveal()) != 20 {
		t.Errorf("device %+v", phone)
	}
	if token, ok := v.Device(main, "GAHT12345678"); !ok || token.UserID != alice.ID || token.Virtual() {
		t.Errorf("hardware token %+v", token)
	}
	if len(plan.Generated) != 1 || plan.Generated[0].User != "alice" || len(plan.Generated[0].Secret.RevealString()) != 40 {
		t.Fatalf("%d generated keys", len(plan.Generated))
	}
	if k, ok := v.AccessKey(plan.Generated[0].ID); !ok || k.User != alice || !k.Key.Secret.Key.Equal(plan.Generated[0].Secret) {
		t.Error("the generated key is not alice's")
	}
	target, _ := v.RoleByARN("arn:aws:iam::111122223333:role/service/target")
	later, _ := v.Role(other, "later")
	if target.MaxSessionSeconds != 7200 || target.Boundary != "arn:aws:iam::aws:policy/ReadOnlyAccess" || later.MaxSessionSeconds != 3600 {
		t.Errorf("target %+v", target)
	}
	for _, want := range []string{alice.ID, later.ID, "assumed-role/target/session", "999999999999", "oidc-provider/nowhere.example"} {
		if !strings.Contains(target.Trust.Text(), want) {
			t.Errorf("the trust policy has no %s: %s", want, target.Trust.Text())
		}
	}
	if twin, _ := v.Role(main, "twin"); twin.Trust.Text() != target.Trust.Text() {
		t.Error("an alias is not what it stands for")
	}
	if shown := v.ShowTrust(target.Trust.Text()); !strings.Contains(shown, "user/alice") {
		t.Errorf("the trust policy is shown as %s", shown)
	}
	provider, ok := v.OIDCProvider(main, "issuer.example/Path")
	if !ok || provider.JWKS != `{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b"}]}` || provider.ClientIDs[0] != "sts.amazonaws.com" {
		t.Errorf("provider %+v", provider)
	}
	for _, name := range []string{"corp", "file"} {
		if s, ok := v.SAMLProvider(main, name); !ok || !strings.Contains(s.Metadata, "entityID") {
			t.Errorf("SAML provider %s: %+v", name, s)
		}
	}
	o, ok := v.Organization()
	if !ok || o.ManagementAccount != other || !o.RootSessions || len(o.Members) != 3 || !strings.HasPrefix(o.ID, "o-") {
		t.Errorf("organization %+v", o)
	}
	if s := plan.Summary; s.Created != v.Len()-empty().Len() || s.Updated+s.Unchanged+s.Pruned != 0 || len(s.Lines) != s.Created {
		t.Errorf("summary %+v", s)
	}
}

// Applied again, a file changes nothing, also when pruning: ids, dates and generated keys stay.
// What CreatePolicy would refuse, PutUserPolicy takes; and a seed may be written with its padding.
func TestAccepted(t *testing.T) {
	t.Parallel()
	for _, user := range []string{
		`inline_policies: {p: {Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}}`,
		`inline_policies: {p: {Version: 2008-10-17, Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}}`,
		`mfa_devices: [{name: a, seed: JBSWY3DPEHPK3PXP}]`,
		`mfa_devices: [{name: a, seed: JBSWY3DPEHPK3PXPAA======}]`,
		`mfa_devices: [{name: a, seed: GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ}]`,
	} {
		v := made(t, empty(), `{accounts: {"111122223333": {users: {a: {`+user+`}}}}}`, options())
		if _, there := v.User(main, "a"); !there {
			t.Errorf("no user with %s", user)
		}
	}
}

func TestApplyAgain(t *testing.T) {
	t.Parallel()
	f := full(t)
	v := apply(t, empty(), mustPlan(t, f, empty(), options()).Change)
	for _, o := range []Options{options(), pruning()} {
		o.Now = now.Add(time.Hour)
		p := mustPlan(t, f, v, o)
		if !p.Empty() || len(p.Generated) != 0 || p.Summary.Unchanged == 0 || len(p.Summary.Lines) != 0 {
			t.Errorf("prune %v: %d writes, %d keys, %+v", o.Prune, len(p.Change.Writes), len(p.Generated), p.Summary)
		}
	}
}

// A change of the file changes what it concerns, and keeps what makes an entity the same.
func TestApplyChanged(t *testing.T) {
	t.Parallel()
	before := made(t, empty(), `
accounts:
  "111122223333":
    users:
      Alice: {path: /a/, tags: {x: y}, access_keys: [{}], inline_policies: {p: {Version: "2012-10-17", Statement: [{Effect: Deny, Action: "a:B", Resource: "*"}]}}}
    policies: {edge: {document: {Version: "2012-10-17", Statement: [{Effect: Deny, Action: "a:B", Resource: "*"}]}}}`, options())
	f := mustParse(t, `
accounts:
  "111122223333":
    users:
      alice: {path: /b/, access_keys: [{status: Inactive}], attached_policies: ["arn:aws:iam::111122223333:policy/edge"]}
    policies: {EDGE: {document: {Version: "2012-10-17", Statement: [{Effect: Deny, Action: "*", Resource: "*"}]}}}`)
	plan := mustPlan(t, f, before, options())
	after := apply(t, before, plan.Change)
	old, _ := before.User(main, "alice")
	u, _ := after.User(main, "alice")
	if u.ID != old.ID || u.Name != "Alice" || u.ARN != "arn:aws:iam::111122223333:user/b/Alice" || !u.Created.Equal(old.Created) {
		t.Errorf("alice became %+v", u)
	}
	if len(u.AccessKeys) != 1 || u.AccessKeys[0].ID != old.AccessKeys[0].ID || u.AccessKeys[0].Status != directory.Inactive {
		t.Errorf("her key became %+v", u.AccessKeys)
	}
	if len(u.Tags) != 1 || len(u.Inline) != 1 || len(u.Attached) != 1 {
		t.Error("what the file leaves out did not stay")
	}
	edge, _ := after.Policy(main, "edge")
	if edge.DefaultVersion != "v2" || len(edge.Versions) != 2 || edge.NextVersion != 3 {
		t.Errorf("edge has %d versions, default %s", len(edge.Versions), edge.DefaultVersion)
	}
	if s := plan.Summary; s.Updated != 2 || s.Created != 0 || s.Unchanged != 1 {
		t.Errorf("summary %+v", s)
	}
	if len(old.AccessKeys) != 1 || old.AccessKeys[0].Status != directory.Active || old.Path != "/a/" {
		t.Error("planning altered the old view")
	}
}

func TestPolicyVersionsAreBounded(t *testing.T) {
	t.Parallel()
	v := empty()
	for _, action := range []string{"a:A", "a:B", "a:C", "a:D", "a:E", "a:F", "a:G"} {
		v = made(t, v, `{accounts: {"111122223333": {policies: {p: {document: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "`+action+`", Resource: "*"}]}}}}}}`, options())
	}
	p, _ := v.Policy(main, "p")
	if len(p.Versions) != 5 || p.DefaultVersion != "v7" || p.Versions[0].ID != "v3" {
		t.Errorf("%d versions from %s, default %s", len(p.Versions), p.Versions[0].ID, p.DefaultVersion)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	const less = `
accounts:
  "111122223333":
    users: {alice: {}}
    policies: {edge: {document: {Version: "2012-10-17", Statement: [{Effect: Deny, Action: "a:B", Resource: "*"}]}}}
    groups: {devs: {attached_policies: []}}`
	v := apply(t, empty(), mustPlan(t, full(t), empty(), options()).Change)
	kept := made(t, v, less, options())
	if kept.Len() != v.Len() {
		t.Errorf("without pruning %d of %d entities are left", kept.Len(), v.Len())
	}
	plan := mustPlan(t, mustParse(t, less), v, pruning())
	after := apply(t, v, plan.Change)
	for name, gone := range map[string]bool{
		"user":      has(after.User(main, "bob")),
		"role":      has(after.Role(main, "target")),
		"policy":    has(after.Policy(main, "shared")),
		"device":    has(after.Device(main, "GAHT12345678")),
		"provider":  has(after.OIDCProvider(main, "issuer.example/Path")),
		"SAML":      has(after.SAMLProvider(main, "corp")),
		"elsewhere": !has(after.Role(other, "later")),
		"alice":     !has(after.User(main, "alice")),
		"her key":   !has(after.AccessKey("AKIARTX3GSDSQALICE27")),
		"account":   !has(after.Account(other)),
	} {
		if gone {
			t.Errorf("%s: pruned wrongly, or not", name)
		}
	}
	if len(plan.Change.Frozen) == 0 {
		t.Error("a policy is pruned without care for who comes to use it")
	}
	if again := mustPlan(t, mustParse(t, less), after, pruning()); !again.Empty() {
		t.Errorf("pruned again: %v", again.Summary.Lines)
	}
	// What remains must not refer to what goes.
	_, err := mustParse(t, `{accounts: {"111122223333": {users: {alice: {}}}}}`).Plan(v, pruning())
	if err == nil || !strings.Contains(err.Error(), "pruning would delete") {
		t.Errorf("pruning a boundary in use: %v", err)
	}
}

func has[T any](_ T, ok bool) bool { return ok }

// A key that a pruned user had can be given to another in the same plan.
func TestKeyChangesHands(t *testing.T) {
	t.Parallel()
	const file = `{accounts: {"111122223333": {users: {NAME: {access_keys: [{id: AKIARTX3GSDSQALICE27, secret: s}]}}}}}`
	v := made(t, empty(), strings.Replace(file, "NAME", "zoe", 1), options())
	_, err := mustParse(t, strings.Replace(file, "NAME", "alice", 1)).Plan(v, options())
	if err == nil || !strings.Contains(err.Error(), "is that of user 111122223333/zoe") {
		t.Errorf("without pruning: %v", err)
	}
	v = made(t, v, strings.Replace(file, "NAME", "alice", 1), pruning())
	if k, ok := v.AccessKey("AKIARTX3GSDSQALICE27"); !ok || k.User.Name != "alice" {
		t.Error("the key leads nowhere")
	}
}

func TestAdministrator(t *testing.T) {
	t.Parallel()
	two := `{accounts: {"444455556666": {}, "111122223333": {}}}`
	organized := `{accounts: {"444455556666": {}, "111122223333": {}}, organization: {management_account: "111122223333"}}`
	own := `{accounts: {"444455556666": {users: {Admin: {access_keys: [{id: AKIAIMINEMINEMINE, secret: mine, status: Inactive}, {id: AKIAIYOURYOURYOUR, secret: yours}]}}}}}`
	for name, c := range map[string]struct {
		file string
		want arn.AccountID
		key  string
	}{
		"no file":             {"", "111122223333", ""},
		"first of the file":   {two, "444455556666", ""},
		"management account":  {organized, "111122223333", ""},
		"described by a file": {own, "444455556666", "AKIAIYOURYOURYOUR"},
	} {
		v := empty()
		var f *File
		if c.file != "" {
			f = mustParse(t, c.file)
			v = made(t, v, c.file, options())
		}
		a, err := Administrator(v, f, options())
		if err != nil {
			t.Fatal(err)
		}
		v = apply(t, v, a.Change)
		u, ok := v.User(c.want, "admin")
		if !ok || a.Account != c.want || u.Attached[0] != "arn:aws:iam::aws:policy/AdministratorAccess" {
			t.Errorf("%s: account %s, user %+v", name, a.Account, u)
		}
		k, ok := v.AccessKey(a.Key.ID)
		if !ok || k.User != u || !k.Key.Secret.Key.Equal(a.Key.Secret.Key) || (c.key != "" && c.key != a.Key.ID) || a.Created != (c.key == "") {
			t.Errorf("%s: key %s, created %v", name, a.Key.ID, a.Created)
		}
		for again, f := range map[string]*File{"with": f, "without": nil} {
			b, err := Administrator(v, f, options())
			if err != nil || len(b.Change.Writes) != 0 || b.Key.ID != a.Key.ID || b.Created {
				t.Errorf("%s, again %s the file: %v, %d writes, key %s", name, again, err, len(b.Change.Writes), b.Key.ID)
			}
		}
	}
}
