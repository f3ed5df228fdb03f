package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

var backedUp = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

func backupOf(t testing.TB, s *Store) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, _, err := s.Backup(t.Context(), &b, backedUp, "test"); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func mustRead(t testing.TB, b []byte, o Options) *Backup {
	t.Helper()
	read, err := ReadBackup(bytes.NewReader(b), o)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// restoredTo restores into a data directory and opens it.
func restoredTo(t testing.TB, dir string, b []byte, how Restoration) *Store {
	t.Helper()
	if err := Restore(t.Context(), embedded(t, dir), mustRead(t, b, embedded(t, dir)), how); err != nil {
		t.Fatal(err)
	}
	return openedWith(t, embedded(t, dir))
}

// stocked is a store with something of every sort.
func stocked(t testing.TB, s *Store) {
	t.Helper()
	mustCommit(t, s, put(user("alice"), &directory.Account{ID: account, ARN: "arn:aws:iam::111122223333:root"},
		&directory.SealingKey{ID: 1, Secret: directory.Protected{Key: secret.FromString("canary+ring+canary")}},
		&directory.Device{Account: account, Name: "phone", Serial: "arn:aws:iam::111122223333:mfa/phone",
			Seed: directory.Protected{Key: secret.FromString("canary+seed+canary")}},
		&directory.SAMLProvider{Account: account, Name: "corp", PrivateKeys: []directory.SAMLPrivateKey{
			{Key: directory.Protected{Key: secret.FromString("canary+saml+canary")}}}}))
	if err := s.Spend(t.Context(), account, "device", 7); err != nil {
		t.Fatal(err)
	}
	if err := s.SpendAssertion(t.Context(), account, "once", time.Hour); err != nil {
		t.Fatal(err)
	}
}

// TestBackupAndRestore: what is restored is what was there at one revision, also of a store that is written meanwhile.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	s := opened(t)
	stocked(t, s)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := s.Commit(t.Context(), put(user(fmt.Sprintf("left-%d", i)), user(fmt.Sprintf("right-%d", i)))); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	eventually(t, "pairs are written", func() bool { return s.View().Len() > 100 })
	var b bytes.Buffer
	m, n, err := s.Backup(t.Context(), &b, backedUp, "test")
	close(stop)
	<-ended
	if err != nil || m.Created != backedUp || m.Partition != arn.AWS || m.Revision == 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	read := mustRead(t, b.Bytes(), embedded(t, "none"))
	if read.Len() != n || read.Manifest != m {
		t.Errorf("%d records of %d, %+v", read.Len(), n, read.Manifest)
	}
	restored := restoredTo(t, t.TempDir(), b.Bytes(), Restoration{})
	v := restored.View()
	t.Logf("%d records, %d bytes; %d entities restored", n, b.Len(), v.Len())
	for i := range 50 {
		_, left := v.User(account, fmt.Sprintf("left-%d", i))
		_, right := v.User(account, fmt.Sprintf("right-%d", i))
		if left != right {
			t.Errorf("pair %d is torn", i)
		}
	}
	if u, ok := v.User(account, "alice"); !ok || !u.AccessKeys[0].Secret.Key.Equal(secret.FromString(clearSecret("alice"))) {
		t.Error("alice's secret is another")
	}
	if k, ok := v.SealingKey(1); !ok || !k.Secret.Key.Equal(secret.FromString("canary+ring+canary")) {
		t.Error("the sealing key is another")
	}
	if err := restored.Spend(t.Context(), account, "device", 7); !errors.Is(err, ErrSpent) {
		t.Errorf("a spent code: %v", err)
	}
	if err := restored.SpendAssertion(t.Context(), account, "once", time.Hour); !errors.Is(err, ErrSpent) {
		t.Errorf("a spent assertion: %v", err)
	}
	lasting := 0
	found, err := restored.client.Get(t.Context(), restored.prefix, clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	for _, kv := range found.Kvs {
		if strings.Contains(string(kv.Key), "saml-once") {
			answer, err := restored.client.TimeToLive(t.Context(), clientv3.LeaseID(kv.Lease))
			if err != nil || answer.TTL < 3000 || answer.TTL > 3600 {
				t.Errorf("%s lasts %+v, %v", kv.Key, answer, err)
			}
			lasting++
		}
	}
	if lasting != 1 {
		t.Errorf("%d assertions", lasting)
	}
}

// Nothing of a backup can be read without the root key: neither secrets nor names.
func TestNoSecretInTheBackup(t *testing.T) {
	t.Parallel()
	s := opened(t)
	stocked(t, s)
	b := backupOf(t, s)
	for _, text := range []string{"canary", rootKey.RevealString(), "alice", "AKIAalice", string(account), "phone", "corp", "arn:aws"} {
		if bytes.Contains(b, []byte(text)) {
			t.Errorf("the backup holds %q in the clear", text)
		}
	}
	if !bytes.HasPrefix(b, []byte(backupMagic)) {
		t.Error("the search finds nothing")
	}
	if again := backupOf(t, s); bytes.Equal(again[backupHead:backupHead+64], b[backupHead:backupHead+64]) {
		t.Error("two backups are sealed alike")
	}
}

// advisory 32 (CVE-2024-55949): a backup of which anything is missing, too much or altered is refused before anything is written;
// what it holds is believed because it was sealed, not because it was imported.
func TestDamagedBackups(t *testing.T) {
	t.Parallel()
	s := opened(t)
	stocked(t, s)
	for i := range 6 { // several chunks
		big := user(fmt.Sprintf("big-%d", i))
		big.Inline = []directory.InlinePolicy{{Name: "p", Document: directory.NewDocument(strings.Repeat("x", 30_000))}}
		mustCommit(t, s, put(big))
	}
	b := backupOf(t, s)
	chunk := backupChunk + 16
	if len(b) < backupHead+2*chunk {
		t.Fatalf("the backup has only %d bytes", len(b))
	}
	dir := filepath.Join(t.TempDir(), "data")
	o := embedded(t, dir)
	mustRead(t, b, o)
	refused := func(name string, spoiled []byte, want error) {
		t.Helper()
		if _, err := ReadBackup(bytes.NewReader(spoiled), o); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	for at := 0; at < len(b); at += max(1, len(b)/500) {
		flipped := bytes.Clone(b)
		flipped[at] ^= 1 << (at % 8)
		want := ErrBackup
		switch {
		case at == len(backupMagic):
			want = ErrBackupVersion
		case at > len(backupMagic) && at <= len(backupMagic)+rootIDLength:
			want = ErrRootKey
		}
		refused(fmt.Sprintf("bit flipped in byte %d", at), flipped, want)
		refused(fmt.Sprintf("cut to %d bytes", at), b[:at], ErrBackup)
	}
	first, second := b[backupHead:backupHead+chunk], b[backupHead+chunk:backupHead+2*chunk]
	refused("one byte less", b[:len(b)-1], ErrBackup)
	refused("one byte more", append(bytes.Clone(b), 0), ErrBackup)
	refused("cut after a chunk", b[:backupHead+chunk], ErrBackup)
	refused("chunks swapped", bytes.Join([][]byte{b[:backupHead], second, first, b[backupHead+2*chunk:]}, nil), ErrBackup)
	refused("a chunk twice", bytes.Join([][]byte{b[:backupHead], first, first, b[backupHead+chunk:]}, nil), ErrBackup)
	refused("the head of another", append(bytes.Clone(backupOf(t, s)[:backupHead]), b[backupHead:]...), ErrBackup)
	refused("empty", nil, ErrBackup)
	refused("something else", bytes.Repeat([]byte("noise"), 1000), ErrBackup)

	o.RootKey = nextKey
	refused("under another root key", b, ErrRootKey)
	o.RootKey, o.Partition = rootKey, arn.China
	if _, err := ReadBackup(bytes.NewReader(b), o); err == nil || !strings.Contains(err.Error(), `of partition "aws", not "aws-cn"`) {
		t.Errorf("of another partition: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading a backup touched the data directory: %v", err)
	}
}

// TestRestoreIntoAStore: what is there is given up only if that is asked for, and never under nodes.
func TestRestoreIntoAStore(t *testing.T) {
	t.Parallel()
	source := opened(t)
	stocked(t, source)
	b := backupOf(t, source)

	endpoint, _ := cluster(t)
	o := Options{Endpoints: []string{endpoint}, RootKey: rootKey, Partition: arn.AWS, Log: testLog(t)}
	running := mustOpen(t, o)
	mustCommit(t, running, put(user("bob")))
	before := dump(t, running)
	read := mustRead(t, b, o)
	if err := Restore(t.Context(), o, read, Restoration{}); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("into a store that is not empty: %v", err)
	}
	if err := Restore(t.Context(), o, read, Restoration{Replace: true}); !errors.Is(err, ErrInUse) {
		t.Errorf("under a node: %v", err)
	}
	if err := Restore(t.Context(), Options{Endpoints: o.Endpoints, RootKey: nextKey, Partition: arn.AWS}, read, Restoration{Replace: true}); !errors.Is(err, ErrRootKey) {
		t.Errorf("over the store of another root key: %v", err)
	}
	if dump(t, running) != before {
		t.Error("a refused restoration changed the store")
	}
	revision := running.View().Revision()
	mustClose(t, running)

	// One that is interrupted leaves a store that no node serves, until it is done again.
	s, err := newStore(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.connect(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.beginRestoration(t.Context(), read, true); err != nil {
		t.Fatal(err)
	}
	if err := s.wipe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.disconnect(); err != nil {
		t.Fatal(err)
	}
	refusedKey(t, endpoint, o, ErrRestoring)
	if err := Restore(t.Context(), o, read, Restoration{}); err != nil {
		t.Fatal(err)
	}
	restored := openedWith(t, o)
	v := restored.View()
	if _, bob := v.User(account, "bob"); bob {
		t.Error("bob is still there")
	}
	if _, alice := v.User(account, "alice"); !alice || v.Revision() <= max(revision, read.Revision) {
		t.Errorf("alice is there: %v; revision %d after %d and %d", alice, v.Revision(), revision, read.Revision)
	}

	// Into an empty store under another root key.
	dir := t.TempDir()
	moved := embedded(t, dir)
	moved.RootKey, moved.NextRootKey = nextKey, rootKey
	if err := Restore(t.Context(), moved, mustRead(t, b, moved), Restoration{}); err != nil {
		t.Fatal(err)
	}
	moved.NextRootKey = secret.Key{}
	if _, ok := openedWith(t, moved).View().User(account, "alice"); !ok {
		t.Error("under another root key alice is not there")
	}
}

// Revisions order revocations and sessions. A restored store goes on above all that the lost one can have reached.
func TestRevocationsOutliveARestoration(t *testing.T) {
	t.Parallel()
	s := opened(t)
	mustCommit(t, s, put(user("alice")))
	earlier := s.View().Revision()
	mustCommit(t, s, put(&directory.Revocation{Account: account, Target: "AROA"}))
	later := s.View().Revision()
	b := backupOf(t, s)
	for i := range 20 { // the lost store goes on
		mustCommit(t, s, put(user(fmt.Sprintf("u%d", i))))
	}
	lost := s.View().Revision()

	dir := t.TempDir()
	restored := restoredTo(t, dir, b, Restoration{})
	check := func(s *Store, target string, revision int64, want bool) {
		t.Helper()
		if got := s.View().Revoked(account, target, revision, time.Time{}); got != want {
			t.Errorf("%s, issued at %d: revoked %v", target, revision, got)
		}
	}
	for range 2 {
		check(restored, "AROA", earlier, true)
		check(restored, "AROA", later, false) // the sessions after the revocation are good, as they were
		check(restored, "AROA", lost, false)
		check(restored, "AROA", restored.View().Revision(), false)
		b = backupOf(t, restored)
		restored = restoredTo(t, t.TempDir(), b, Restoration{}) // and once more
	}
	// What is revoked from now on is void whenever it was issued.
	now := restored.View().Revision()
	mustCommit(t, restored, put(&directory.Revocation{Account: account, Target: "AIDA"}))
	for _, revision := range []int64{earlier, later, lost, now} {
		check(restored, "AIDA", revision, true)
	}
	check(restored, "AIDA", restored.View().Revision(), false)

	// Changes are guarded as ever.
	u, _ := restored.View().User(account, "alice")
	one, two := u.Clone(), u.Clone()
	mustCommit(t, restored, put(one))
	if err := restored.Commit(t.Context(), put(two)); !errors.Is(err, ErrConflict) {
		t.Errorf("two changes of one revision: %v", err)
	}
	frozen := put(user("new"))
	frozen.Freeze(restored.View(), account, directory.KindUser)
	mustCommit(t, restored, frozen)
	late := put(user("newer"))
	late.Frozen = frozen.Frozen
	if err := restored.Commit(t.Context(), late); !errors.Is(err, ErrConflict) {
		t.Errorf("a change of what was frozen: %v", err)
	}
}

// A backup of a store of the format before is restored into one of today's.
func TestBackupOfTheFormerFormat(t *testing.T) {
	t.Parallel()
	endpoint, _ := cluster(t)
	bareStore(t, endpoint)
	s := onCluster(t, endpoint)
	stocked(t, s)
	b := backupOf(t, s)
	if m := mustRead(t, b, embedded(t, "none")).Manifest; m.Format != bareFormat {
		t.Errorf("format %d", m.Format)
	}
	restored := restoredTo(t, t.TempDir(), b, Restoration{})
	if _, ok := restored.View().User(account, "alice"); !ok {
		t.Error("alice is not there")
	}
	all := values(t, restored)
	for _, kv := range all {
		if kv.Value[0] != namedValue {
			t.Errorf("%s has version %d", kv.Key, kv.Value[0])
		}
	}
	if len(all) == 0 {
		t.Error("nothing was restored")
	}
}

// A store that is being moved is backed up under the one key that it is moved to.
func TestBackupDuringAMove(t *testing.T) {
	t.Parallel()
	endpoint, _ := cluster(t)
	old := mustOpen(t, Options{Endpoints: []string{endpoint}, RootKey: rootKey, Partition: arn.AWS})
	stocked(t, old)
	mustClose(t, old)
	s := openedWith(t, moving(t, endpoint))
	at := s.at.Load()
	for _, ciphers := range [][]*rootCipher{{s.vault.known[0], s.vault.known[1]}, {s.vault.known[1], s.vault.known[0]}} {
		if err := s.setStanding(t.Context(), at, ciphers...); err != nil {
			t.Fatal(err)
		}
		at = s.at.Load()
	}
	if all := values(t, s); len(all) == 0 || at.underFirst(all[0].Value) {
		t.Fatal("nothing is under the old root key")
	}
	o := embedded(t, t.TempDir())
	o.RootKey = nextKey
	if read := mustRead(t, backupOf(t, s), o); read.Len() < 5 {
		t.Errorf("%d records", read.Len())
	}
}
