package session

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/secret"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func newKey(t testing.TB, id uint32, created time.Time) *directory.SealingKey {
	t.Helper()
	k, err := NewSealingKey(id, created, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func viewOf(keys ...*directory.SealingKey) *directory.View {
	events := make([]directory.Event, len(keys))
	for i, k := range keys {
		events[i] = directory.Event{Key: k.Key(), Entity: k}
	}
	return directory.NewView(arn.AWS).Apply(1, events)
}

func testSession() *identity.Session {
	return &identity.Session{
		Kind:           identity.RoleSession,
		AccessKeyID:    "ASIARTZ4ZLEUNXS2KT7A",
		Secret:         secret.FromString("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
		Account:        "111122223333",
		PrincipalID:    "AROARTZ4ZLEUI3DZDGQ6G",
		Name:           "session-1",
		Issued:         noon,
		Expires:        noon.Add(time.Hour),
		Revision:       4711,
		SourceIdentity: "alice",
		Chained:        true,
		MFATime:        noon.Add(-time.Minute),
		Policy:         `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}`,
		PolicyARNs:     []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"},
		Tags: []identity.SessionTag{
			{Key: "team", Value: "blue", Transitive: true}, {Key: "Cost", Value: ""}, {Key: "ü", Value: "straße"},
		},
		Attributes: []identity.Attribute{{Key: "sts:requestcontext/a", Values: []string{"1", "2"}}, {Key: "empty"}},
	}
}

// sameSession compares sessions, whose secrets reflect.DeepEqual cannot compare.
func sameSession(a, b *identity.Session) bool {
	x, y := *a, *b
	x.Secret, y.Secret = secret.Key{}, secret.Key{}
	return a.Secret.Equal(b.Secret) && reflect.DeepEqual(x, y)
}

func drawSession(t *rapid.T) *identity.Session {
	text := func(label string, limit int) string { return rapid.StringN(0, -1, limit).Draw(t, label) }
	var s identity.Session
	s.Kind = identity.SessionKind(rapid.IntRange(1, 5).Draw(t, "kind"))
	s.AccessKeyID = rapid.StringN(1, -1, 20).Draw(t, "key id")
	s.Secret = secret.FromString(rapid.StringMatching(`[A-Za-z0-9+/]{40}`).Draw(t, "secret"))
	s.Account = arn.AccountID(rapid.StringMatching(`[0-9]{12}`).Draw(t, "account"))
	s.PrincipalID, s.Name, s.SourceIdentity = text("principal", maxID), text("name", 64), text("source", 256)
	s.Issued = time.Unix(rapid.Int64Range(0, maxTime/2).Draw(t, "issued"), 0).UTC()
	s.Expires = s.Issued.Add(time.Duration(rapid.IntRange(1, 129600).Draw(t, "lifetime")) * time.Second)
	s.Revision = rapid.Int64Min(0).Draw(t, "revision")
	s.Chained = rapid.Bool().Draw(t, "chained")
	if rapid.Bool().Draw(t, "mfa") {
		s.MFATime = time.Unix(rapid.Int64Range(0, maxTime).Draw(t, "mfa time"), 0).UTC()
	}
	s.Policy = text("policy", 600)
	for range rapid.IntRange(0, maxARNs).Draw(t, "arns") {
		s.PolicyARNs = append(s.PolicyARNs, text("arn", 40))
	}
	for range rapid.IntRange(0, 20).Draw(t, "tags") {
		s.Tags = append(s.Tags, identity.SessionTag{
			Key: text("tag", 16), Value: text("value", 16), Transitive: rapid.Bool().Draw(t, "transitive"),
		})
	}
	for range rapid.IntRange(0, 3).Draw(t, "attributes") {
		a := identity.Attribute{Key: text("attribute", 30)}
		for range rapid.IntRange(0, 3).Draw(t, "values") {
			a.Values = append(a.Values, text("value", 30))
		}
		s.Attributes = append(s.Attributes, a)
	}
	return &s
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	v, s := viewOf(newKey(t, 1, noon)), NewSealer(rand.Reader, at(noon))
	rapid.Check(t, func(t *rapid.T) {
		want := drawSession(t)
		token, err := s.Seal(v, want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Open(v, want.AccessKeyID, token)
		if err != nil || !sameSession(got, want) {
			t.Fatalf("Open = %+v, %v; sealed %+v", got, err, want)
		}
		again, err := s.Seal(v, want)
		if err != nil || again == token {
			t.Fatalf("sealing twice gave one token (%v)", err)
		}
	})
}

// Advisories 34, 35 (RustFS) and 36 (CVE-2026-27840): whatever is done to a token, it does not open.
func TestSpoiledTokens(t *testing.T) {
	t.Parallel()
	ours := newKey(t, 1, noon)
	v, s := viewOf(ours), NewSealer(rand.Reader, at(noon))
	sess := testSession()
	token, err := s.Seal(v, sess)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	refused := func(why, accessKeyID, mutant string) {
		t.Helper()
		count++
		if got, err := s.Open(v, accessKeyID, mutant); !errors.Is(err, ErrInvalid) || got != nil {
			t.Fatalf("%s: Open = %v, %v; want ErrInvalid", why, got, err)
		}
	}
	spoil := func(why string, alter func(b []byte) []byte) {
		t.Helper()
		refused(why, sess.AccessKeyID, base64.StdEncoding.EncodeToString(alter(bytes.Clone(raw))))
	}
	for i := range raw {
		for _, bit := range []byte{1, 0x10, 0x80, 0xff} {
			spoil(fmt.Sprintf("byte %d ^ %#x", i, bit), func(b []byte) []byte { b[i] ^= bit; return b })
		}
		spoil(fmt.Sprintf("prefix of %d bytes", i), func(b []byte) []byte { return b[:i] })
		spoil(fmt.Sprintf("without byte %d", i), func(b []byte) []byte { return slices.Delete(b, i, i+1) })
	}
	for i := range token {
		refused("prefix", sess.AccessKeyID, token[:i])
		if i > 0 {
			refused("suffix", sess.AccessKeyID, token[i:])
		}
		for _, c := range []string{" ", "\n", "\r\n", "\t", "%2B", "=", "\x00", "ï"} {
			refused("inserted "+c, sess.AccessKeyID, token[:i]+c+token[i:])
		}
	}
	for c := range 256 {
		refused("one character more", sess.AccessKeyID, token+string(rune(c)))
		refused("one byte more", sess.AccessKeyID, token+string([]byte{byte(c)}))
	}
	for _, m := range nonCanonical(token) {
		refused("not canonical base64", sess.AccessKeyID, m)
	}
	for _, id := range []string{"", "ASIARTZ4ZLEUNXS2KT7B", "asiartz4zleunxs2kt7a", sess.AccessKeyID + "A", sess.AccessKeyID[:19], " " + sess.AccessKeyID} {
		refused("access key id "+id, id, token)
	}
	for _, id := range []uint32{0, 2, 256, 1 << 24, 1<<32 - 1} {
		spoil(fmt.Sprintf("key id %d", id), func(b []byte) []byte { binary.BigEndian.PutUint32(b[2:], id); return b })
	}
	for p := range 256 {
		if Purpose(p) != sessionToken {
			spoil("other purpose", func(b []byte) []byte { b[1] = byte(p); return b })
		}
	}
	refused("empty", sess.AccessKeyID, "")
	refused("too long", sess.AccessKeyID, strings.Repeat("A", 1<<20))
	if count < 5000 {
		t.Errorf("only %d mutants", count)
	}
	if got, err := s.Open(v, sess.AccessKeyID, token); err != nil || !sameSession(got, sess) {
		t.Errorf("the token itself: Open = %v, %v", got, err)
	}
}

func nonCanonical(token string) []string {
	unpadded := strings.TrimRight(token, "=")
	forms := []string{
		strings.NewReplacer("+", "-", "/", "_").Replace(token) + "=", token + "====", token + "\n", "\n" + token, token + token,
	}
	if unpadded != token {
		forms = append(forms, unpadded)
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		last := strings.IndexByte(alphabet, unpadded[len(unpadded)-1])
		forms = append(forms, unpadded[:len(unpadded)-1]+string(alphabet[last^1])+token[len(unpadded):])
	}
	return forms
}

// Advisories 34 and 35: keys of another deployment, damaged and removed keys, messages as tokens.
func TestOtherKeysDoNotOpen(t *testing.T) {
	t.Parallel()
	one, two := newKey(t, 1, noon), newKey(t, 2, noon.Add(time.Hour))
	v, sess := viewOf(one, two), testSession()
	s := NewSealer(rand.Reader, at(noon))
	token, err := s.Seal(v, sess)
	if err != nil {
		t.Fatal(err)
	}
	short := newKey(t, 1, noon)
	short.Secret.Key = secret.New(one.Secret.Key.Reveal()[:31])
	unsealed := newKey(t, 1, noon)
	unsealed.Secret.Key = secret.Key{}
	views := map[string]*directory.View{
		"another deployment's key of the same id": viewOf(newKey(t, 1, noon)),
		"the key was removed":                     viewOf(two),
		"no key at all":                           viewOf(),
		"a damaged key":                           viewOf(short),
		"a key without its secret":                viewOf(unsealed),
	}
	for why, other := range views {
		if _, err := s.Open(other, sess.AccessKeyID, token); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", why, err)
		}
		if _, err := s.Open(v, sess.AccessKeyID, token); err != nil {
			t.Errorf("after %s, the true View: %v", why, err)
		}
	}
	zero := newKey(t, 1, noon)
	zero.ID = 0
	if _, err := s.Seal(viewOf(zero), sess); !errors.Is(err, errNoKey) {
		t.Errorf("sealing with key 0: %v", err)
	}
	if _, err := s.Seal(viewOf(), sess); !errors.Is(err, errNoKey) {
		t.Errorf("sealing without a key: %v", err)
	}
	if _, err := s.Seal(viewOf(short), sess); !errors.Is(err, errNoKey) {
		t.Errorf("sealing with a damaged key: %v", err)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	one, two := newKey(t, 9, noon), newKey(t, 2, noon.Add(time.Hour))
	twin := newKey(t, 3, noon.Add(time.Hour))
	sealedBy := func(now time.Time, v *directory.View) uint32 {
		t.Helper()
		s := NewSealer(rand.Reader, at(now))
		token, err := s.Seal(v, testSession())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Open(v, testSession().AccessKeyID, token); err != nil {
			t.Fatal(err)
		}
		raw, _ := base64.StdEncoding.DecodeString(token)
		return binary.BigEndian.Uint32(raw[2:])
	}
	tests := []struct {
		name string
		now  time.Time
		view *directory.View
		want uint32
	}{
		{"the only key, just made", noon, viewOf(one), 9},
		{"the only key, clock behind", noon.Add(-time.Hour), viewOf(one), 9},
		{"a new key settles", noon.Add(time.Hour + settling - 1), viewOf(one, two), 9},
		{"a new key seals", noon.Add(time.Hour + settling), viewOf(one, two), 2},
		{"the old one was removed at once", noon.Add(time.Hour), viewOf(two), 2},
		{"made at the same time", noon.Add(2 * time.Hour), viewOf(one, two, twin), 3},
	}
	for _, tt := range tests {
		if got := sealedBy(tt.now, tt.view); got != tt.want {
			t.Errorf("%s: sealed by key %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	t.Parallel()
	v, s := viewOf(newKey(t, 1, noon)), NewSealer(rand.Reader, at(noon))
	tests := []struct {
		name  string
		alter func(*identity.Session)
		want  string
	}{
		{"kind 0", func(s *identity.Session) { s.Kind = 0 }, "unknown kind"},
		{"kind 6", func(s *identity.Session) { s.Kind = 6 }, "unknown kind"},
		{"no access key id", func(s *identity.Session) { s.AccessKeyID = "" }, "no access key id"},
		{"no secret", func(s *identity.Session) { s.Secret = secret.Key{} }, "no secret"},
		{"no expiry", func(s *identity.Session) { s.Expires = time.Time{} }, "whole seconds"}, // advisory 35
		{"expires at once", func(s *identity.Session) { s.Expires = s.Issued }, "lasts from"},
		{"expires after the maximum", func(s *identity.Session) { s.Expires = s.Issued.Add(MaxLifetime + time.Second) }, "lasts from"},
		{"fraction of a second", func(s *identity.Session) { s.Issued = s.Issued.Add(1) }, "whole seconds"},
		{"fraction in the time of MFA", func(s *identity.Session) { s.MFATime = s.MFATime.Add(1) }, "whole seconds"},
		{"account", func(s *identity.Session) { s.Account = "12345" }, "12 digits"},
		{"revision", func(s *identity.Session) { s.Revision = -1 }, "revision"},
		{"too many ARNs", func(s *identity.Session) { s.PolicyARNs = make([]string, maxARNs+1) }, "too large"},
		{"over the allotment", func(s *identity.Session) { s.Policy = strings.Repeat("x", Allotment) }, "too large"},
		{"too many values", func(s *identity.Session) { s.Attributes[0].Values = make([]string, maxValues+1) }, "too large"},
		{"over the token", func(s *identity.Session) { s.Attributes[0].Values[0] = strings.Repeat("x", 6000) }, "too large"},
	}
	for _, tt := range tests {
		sess := testSession()
		tt.alter(sess)
		if _, err := s.Seal(v, sess); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
	if _, err := s.Seal(v, testSession()); err != nil {
		t.Errorf("positive control: %v", err)
	}
	if _, err := NewSealer(bytes.NewReader(nil), at(noon)).Seal(v, testSession()); err == nil {
		t.Error("sealed without randomness")
	}
	if _, err := NewSealingKey(0, noon, rand.Reader); err == nil {
		t.Error("made a key with id 0")
	}
}

// A token of a version that this build does not know is refused, though its key sealed it.
func TestOtherVersion(t *testing.T) {
	t.Parallel()
	entity, sess := newKey(t, 1, noon), testSession()
	key, ok := newSealingCipher(entity)
	if !ok {
		t.Fatal("no cipher")
	}
	for _, version := range []byte{tokenVersion, 0, tokenVersion + 1} {
		b, err := appendSession(make([]byte, frontSize), sess)
		if err != nil {
			t.Fatal(err)
		}
		b[0], b[1], b[5] = version, byte(sessionToken), 1
		aead, nonce, err := key.aead(b[headerSize:frontSize])
		if err != nil {
			t.Fatal(err)
		}
		token := base64.StdEncoding.EncodeToString(aead.Seal(b[:frontSize], nonce, b[frontSize:], associated(b, sess.AccessKeyID)))
		_, err = NewSealer(rand.Reader, at(noon)).Open(viewOf(entity), sess.AccessKeyID, token)
		if version == tokenVersion && err != nil || version != tokenVersion && !errors.Is(err, ErrInvalid) {
			t.Errorf("version %d: %v", version, err)
		}
	}
}

func TestNoSecretInErrors(t *testing.T) {
	t.Parallel()
	v, s, sess := viewOf(newKey(t, 1, noon)), NewSealer(rand.Reader, at(noon)), testSession()
	sess.Expires = sess.Issued
	if _, err := s.Seal(v, sess); err == nil || strings.Contains(fmt.Sprintf("%+v", err), sess.Secret.RevealString()) {
		t.Errorf("error %v", err)
	}
}

// The vectors of the XAES-256-GCM specification (C2SP).
func TestXAESVectors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		key  byte
		aad  string
		want string
	}{
		{0x01, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{0x03, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	}
	for _, tt := range tests {
		entity := &directory.SealingKey{ID: 1}
		entity.Secret.Key = secret.New(bytes.Repeat([]byte{tt.key}, keySize))
		k, ok := newSealingCipher(entity)
		if !ok {
			t.Fatal("no cipher")
		}
		aead, nonce, err := k.aead([]byte("ABCDEFGHIJKLMNOPQRSTUVWX"))
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(aead.Seal(nil, nonce, []byte("XAES-256-GCM"), []byte(tt.aad))); got != tt.want {
			t.Errorf("key %#x: %s, want %s", tt.key, got, tt.want)
		}
	}
}
