package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/lastuse"
	"github.com/stint-sts/stint/internal/server"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/policy"
	"github.com/stint-sts/stint/sigv4"
)

// whole is a node as serve and dev make it, whose handler is called without a socket.
type whole struct {
	*node
	t       *testing.T
	handler http.Handler
	admin   sigv4.Credentials
	feed    *gate.Feed
}

// begun opens the node of a data directory; end closes it.
func begun(t *testing.T, data string) *whole {
	return begunWith(t, data, slog.New(slog.DiscardHandler))
}

func begunWith(t *testing.T, data string, log *slog.Logger) *whole {
	t.Helper()
	settings := config.Default()
	settings.Data = data
	settings.RootKey.File, settings.Audit.File = filepath.Join(data, "root.key"), filepath.Join(data, "audit.jsonl")
	root, _, err := ensureRootKey(settings.RootKey.File, data)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{log: log, now: time.Now, region: defaultRegion, regions: []string{defaultRegion}}
	if err := n.open(t.Context(), &settings, root); err != nil {
		t.Fatal(err)
	}
	if err := ensureSealingKey(t.Context(), n.store, n.now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	administrator, err := ensureAdministrator(t.Context(), n.store, nil, n.now())
	if err != nil {
		t.Fatal(err)
	}
	feed := n.feed()
	return &whole{n, t, server.NewHandler(n.frontend(lastuse.New(n.store, n.log), feed), nil, n.log),
		sigv4.NewCredentials(administrator.Key.ID, administrator.Key.Secret.Key.RevealString(), ""), feed}
}

func (w *whole) end() {
	w.t.Helper()
	if err := w.close(); err != nil {
		w.t.Fatal(err)
	}
}

// call performs an operation and returns its status and answer.
func (w *whole) call(c sigv4.Credentials, service, action string, members ...string) (int, string) {
	form := url.Values{"Action": {action}, "Version": {map[string]string{"sts": "2011-06-15", "iam": "2010-05-08"}[service]}}
	for i := 0; i < len(members); i += 2 {
		form.Set(members[i], members[i+1])
	}
	body := form.Encode()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := (sigv4.Signer{Credentials: c, Region: defaultRegion, Service: service}).Sign(r, []byte(body), time.Now()); err != nil {
		w.t.Error(err)
		return 0, ""
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	text, _ := io.ReadAll(answer.Body)
	return answer.Code, string(text)
}

func (w *whole) must(service, action string, members ...string) string {
	w.t.Helper()
	status, answer := w.call(w.admin, service, action, members...)
	if status != http.StatusOK {
		w.t.Fatalf("%s: %d %s", action, status, answer)
	}
	return answer
}

func element(t *testing.T, answer, name string) string {
	t.Helper()
	found := regexp.MustCompile("<" + name + ">([^<]+)</" + name + ">").FindStringSubmatch(answer)
	if found == nil {
		t.Fatalf("no %s in %s", name, answer)
	}
	return found[1]
}

const (
	everyAction = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	askers      = 6
)

// advisory 55: what was taken away is gone for every request that begins after the answer which took it away, whoever else
// asks meanwhile, and after a restart too.
func TestRevocationIsAtOnce(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	w := begun(t, data)
	document := element(t, w.must("iam", "CreatePolicy", "PolicyName", "all", "PolicyDocument", everyAction), "Arn")
	var tries, early atomic.Int64
	var gone []sigv4.Credentials
	for round := range 12 {
		name := fmt.Sprintf("u%d", round)
		w.must("iam", "CreateUser", "UserName", name)
		w.must("iam", "AttachUserPolicy", "UserName", name, "PolicyArn", document)
		made := w.must("iam", "CreateAccessKey", "UserName", name)
		key := sigv4.NewCredentials(element(t, made, "AccessKeyId"), element(t, made, "SecretAccessKey"), "")
		gone = append(gone, key)
		var detached, deleted, over atomic.Bool
		var others sync.WaitGroup
		for range askers {
			others.Go(func() {
				for !over.Load() {
					before := detached.Load()
					if status, _ := w.call(key, "iam", "ListUsers"); status == http.StatusOK && before {
						t.Error("a detached policy allows")
					} else if status == http.StatusOK {
						early.Add(1)
					}
					before = deleted.Load()
					if status, _ := w.call(key, "sts", "GetCallerIdentity"); status == http.StatusOK && before {
						t.Error("a deleted key is taken")
					}
					if before {
						tries.Add(1)
					}
				}
			})
		}
		w.must("iam", "DetachUserPolicy", "UserName", name, "PolicyArn", document)
		detached.Store(true)
		if status, answer := w.call(key, "iam", "ListUsers"); status != http.StatusForbidden || !strings.Contains(answer, "<Code>AccessDenied</Code>") {
			t.Errorf("after DetachUserPolicy: %d %s", status, answer)
		}
		w.must("iam", "DeleteAccessKey", "UserName", name, "AccessKeyId", key.AccessKeyID)
		deleted.Store(true)
		for begin := tries.Load(); tries.Load() < begin+300; {
			if status, answer := w.call(key, "sts", "GetCallerIdentity"); status != http.StatusForbidden || !strings.Contains(answer, "<Code>InvalidClientTokenId</Code>") {
				t.Fatalf("after DeleteAccessKey: %d %s", status, answer)
			}
		}
		over.Store(true)
		others.Wait()
	}
	t.Logf("%d requests after a deletion, %d that were allowed before", tries.Load(), early.Load())
	if tries.Load() < 3000 || early.Load() == 0 {
		t.Errorf("%d requests came after a deletion, %d were allowed before", tries.Load(), early.Load())
	}
	w.end()

	again := begun(t, data)
	defer again.end()
	for _, key := range gone {
		if status, answer := again.call(key, "sts", "GetCallerIdentity"); status != http.StatusForbidden || !strings.Contains(answer, "<Code>InvalidClientTokenId</Code>") {
			t.Errorf("after a restart: %d %s", status, answer)
		}
	}
	if status, answer := again.call(again.admin, "sts", "GetCallerIdentity"); status != http.StatusOK || again.admin.AccessKeyID != w.admin.AccessKeyID {
		t.Errorf("control: %d %s", status, answer)
	}
}

// advisory 38 (SeaweedFS #8532): a restart and a rotation of the sealing key change no decision, of thousands of samples over
// a directory with policies of every kind.
func TestDecisionsOutliveARestart(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	w := begun(t, data)
	var account arn.AccountID
	for a := range w.store.View().Accounts() {
		account = a.ID
	}
	random := mathrand.New(mathrand.NewPCG(3, 8))
	change := population(t, random, account)
	var written []directory.Event
	for _, write := range change.Writes {
		written = append(written, directory.Event{Key: write.Key, Entity: write.Entity})
	}
	const samples = 10_000
	// What is compared with has never been in the store.
	before := decisions(w.store.View().Apply(w.store.View().Revision(), written), account, samples)
	if err := w.store.CommitAll(t.Context(), change, nil); err != nil {
		t.Fatal(err)
	}
	counts := make(map[policy.Effect]int)
	deciders := make(map[policy.Type]int)
	for _, d := range before {
		counts[d.Effect]++
		deciders[d.By]++
	}
	if counts[policy.Allow] < 500 || counts[policy.ExplicitDeny] < 500 || counts[policy.ImplicitDeny] < 500 || len(deciders) < 4 {
		t.Fatalf("effects %v by %v: the samples do not tell decisions apart", counts, deciders)
	}
	compare := func(when string, v *directory.View) {
		t.Helper()
		for i, d := range decisions(v, account, samples) {
			if d != before[i] {
				t.Fatalf("%s, sample %d: %+v, and before %+v", when, i, d, before[i])
			}
		}
	}
	compare("as stored", w.store.View())
	next, err := session.NewSealingKey(2, time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rotation := new(directory.Change)
	rotation.Put(next)
	if err := w.store.Commit(t.Context(), rotation); err != nil {
		t.Fatal(err)
	}
	compare("after a rotation", w.store.View())
	w.end()
	for range 2 {
		w = begun(t, data)
		compare("after a restart", w.store.View())
		w.end()
	}
}

const people, teams, roles, documents = 60, 8, 30, 20

func drawn(random *mathrand.Rand) *directory.Document {
	action := []string{"*", "s3:*", "s3:GetObject", "iam:Get*", "ec2:RunInstances"}[random.IntN(5)]
	resource := []string{"*", "arn:aws:s3:::b/*", "arn:aws:s3:::${aws:username}/*", "arn:aws:s3:::b/k"}[random.IntN(4)]
	condition := []string{"", "", `,"Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue"}}`}[random.IntN(3)]
	effect := []string{"Allow", "Allow", "Allow", "Allow", "Allow", "Deny"}[random.IntN(6)]
	return directory.NewDocument(`{"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":"` + effect + `","Action":"` + action +
		`","Resource":"` + resource + `"` + condition + `}]}`)
}

// population is users, groups, roles and policies of an account, put together at random.
func population(t *testing.T, random *mathrand.Rand, account arn.AccountID) *directory.Change {
	t.Helper()
	c := new(directory.Change)
	id := func(p arn.Prefix) string {
		made, err := arn.NewID(p, account, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	policyARN := func(i int) string { return arn.Policy(arn.AWS, account, "/", fmt.Sprintf("doc%d", i)) }
	for i := range documents {
		c.Put(&directory.ManagedPolicy{Account: account, Name: fmt.Sprintf("doc%d", i), Path: "/", ID: id(arn.PolicyID), ARN: policyARN(i),
			Versions: []directory.PolicyVersion{{ID: "v1", Document: drawn(random)}, {ID: "v2", Document: drawn(random)}},
			// Both are there, and which one counts must not be forgotten.
			DefaultVersion: []string{"v1", "v2"}[random.IntN(2)], NextVersion: 3})
	}
	attached := func() []string {
		return []string{policyARN(random.IntN(documents)), policyARN(random.IntN(documents))}[:random.IntN(3)]
	}
	inline := func() []directory.InlinePolicy {
		return []directory.InlinePolicy{{Name: "in", Document: drawn(random)}}[:random.IntN(2)]
	}
	boundary := func() string { return []string{"", "", policyARN(random.IntN(documents))}[random.IntN(3)] }
	tags := func() []directory.Tag {
		return []directory.Tag{{Key: "team", Value: []string{"blue", "red"}[random.IntN(2)]}}[:random.IntN(2)]
	}
	var groups []string
	for i := range teams {
		g := &directory.Group{Account: account, Name: fmt.Sprintf("team%d", i), Path: "/", ID: id(arn.GroupID),
			ARN: arn.Group(arn.AWS, account, "/", fmt.Sprintf("team%d", i)), Inline: inline(), Attached: attached()}
		groups = append(groups, g.ID)
		c.Put(g)
	}
	for i := range people {
		name := fmt.Sprintf("user%d", i)
		c.Put(&directory.User{Account: account, Name: name, Path: "/", ID: id(arn.UserID), ARN: arn.User(arn.AWS, account, "/", name), Tags: tags(),
			Boundary: boundary(), Groups: groups[i%teams : i%teams+random.IntN(2)], Inline: inline(), Attached: attached()})
	}
	for i := range roles {
		name := fmt.Sprintf("role%d", i)
		c.Put(&directory.Role{Account: account, Name: name, Path: "/", ID: id(arn.RoleID), ARN: arn.Role(arn.AWS, account, "/", name), Tags: tags(),
			Trust: directory.NewDocument(`{"Version":"2012-10-17","Statement":[{"Effect":"` + []string{"Allow", "Allow", "Deny"}[random.IntN(3)] +
				`","Principal":{"AWS":"` + string(account) + `"},"Action":"sts:AssumeRole"}]}`),
			MaxSessionSeconds: 3600, Boundary: boundary(), Inline: inline(), Attached: attached()})
	}
	return c
}

// decisions are the answers to the same questions at each call: who may do what, and who may assume which role.
func decisions(v *directory.View, account arn.AccountID, count int) []policy.Decision {
	authorizer, random := authz.New(), mathrand.New(mathrand.NewPCG(38, 8532))
	out := make([]policy.Decision, count)
	for i := range out {
		caller := identity.Caller{Account: account}
		if random.IntN(2) == 0 {
			u, _ := v.User(account, fmt.Sprintf("user%d", random.IntN(people)))
			caller.Kind, caller.ARN, caller.UserID, caller.PrincipalID = identity.User, u.ARN, u.ID, u.ID
		} else {
			r, _ := v.Role(account, fmt.Sprintf("role%d", random.IntN(roles)))
			caller.Kind, caller.ARN, caller.UserID, caller.PrincipalID = identity.AssumedRole, arn.AssumedRole(arn.AWS, account, r.Name, "s"), r.ID+":s", r.ID
			caller.Session = &identity.Session{Kind: identity.RoleSession, Account: account, PrincipalID: r.ID, Name: "s",
				Policy: []string{"", everyAction, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:*","Resource":"*"}]}`}[random.IntN(3)]}
		}
		q := authz.Query{Action: []string{"s3:GetObject", "s3:PutObject", "iam:GetUser", "ec2:RunInstances"}[random.IntN(4)],
			Resource: []string{"arn:aws:s3:::b/k", "arn:aws:s3:::user1/k", "arn:aws:iam::" + string(account) + ":user/user1"}[random.IntN(3)]}
		if random.IntN(4) == 0 {
			r, _ := v.Role(account, fmt.Sprintf("role%d", random.IntN(roles)))
			q = authz.Query{Action: "sts:AssumeRole", Resource: r.ARN, ResourceAccount: account, Role: r, ResourceTags: r.Tags}
		}
		out[i] = authorizer.Authorize(v, &identity.Request{Caller: caller, Time: time.Unix(1_800_000_000, 0), Region: defaultRegion}, q).Decision
	}
	return out
}

// advisory 12 (CVE-2026-54917): a name that could be taken for a path, or for another name once something has decoded or
// normalised it, is refused, and nothing is made.
func TestNamesAreNotPaths(t *testing.T) {
	t.Parallel()
	w := begun(t, t.TempDir())
	defer w.end()
	entities := w.store.View().Len()
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	creations := []func(name string) (int, string){
		func(name string) (int, string) { return w.call(w.admin, "iam", "CreateUser", "UserName", name) },
		func(name string) (int, string) { return w.call(w.admin, "iam", "CreateGroup", "GroupName", name) },
		func(name string) (int, string) {
			return w.call(w.admin, "iam", "CreateRole", "RoleName", name, "AssumeRolePolicyDocument", trust)
		},
		func(name string) (int, string) {
			return w.call(w.admin, "iam", "CreatePolicy", "PolicyName", name, "PolicyDocument", everyAction)
		},
		func(name string) (int, string) {
			return w.call(w.admin, "iam", "CreateVirtualMFADevice", "VirtualMFADeviceName", name)
		},
		func(name string) (int, string) {
			return w.call(w.admin, "iam", "PutUserPolicy", "UserName", "admin", "PolicyName", name, "PolicyDocument", everyAction)
		},
		func(name string) (int, string) {
			return w.call(w.admin, "iam", "CreatePolicy", "PolicyName", "p", "PolicyDocument", everyAction, "Path", "/"+name+"*/")
		},
	}
	names := []string{"../admin", "a/b", "/a", "a/", "..%2fadmin", "%2e%2e", "a%00", "a//b", `..\admin`, "a\x00", "a\nb", "a b", " a", "ａdmin", "admin\u200b",
		"a\u0301", "K\u212a", "a:b", "*", "a?", "${aws:username}", "<a>", ""}
	for _, name := range names {
		for i, create := range creations {
			if status, answer := create(name); status != http.StatusBadRequest || !strings.Contains(answer, "<Code>ValidationError</Code>") {
				t.Errorf("creation %d of %q: %d %s", i, name, status, answer)
			}
		}
	}
	if now := w.store.View().Len(); now != entities {
		t.Errorf("%d entities, and before %d", now, entities)
	}
	if status, answer := creations[0]("plain_+=,.@-"); status != http.StatusOK || w.store.View().Len() != entities+1 {
		t.Errorf("control: %d %s", status, answer)
	}
}
