package sigv4

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func checkedSignature(t testing.TB) *Signature {
	t.Helper()
	req := FromHTTP(signedPOST(t))
	s, err := Parse(&req)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(testOptions()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKeyCache(t *testing.T) {
	t.Parallel()
	c, s, body := NewKeyCache(1024), checkedSignature(t), sha256.Sum256([]byte(testBody))
	for range 3 {
		accepted(t, "cached", s.Verify(c.Key(s, testSecret), body))
	}
	// A re-created access key, with the same id and another secret, does not meet the old entry, nor the other way round.
	refused(t, "new secret", s.Verify(c.Key(s, "another secret"), body), CodeSignatureDoesNotMatch, mismatchMessage, "signature differs")
	accepted(t, "old secret", s.Verify(c.Key(s, testSecret), body))
	// One secret, another scope.
	for _, spoil := range []func(*Signature){
		func(s *Signature) { s.Date = "20150831" }, func(s *Signature) { s.Region = "us-east-2" }, func(s *Signature) { s.Service = "iam" },
	} {
		other := *s
		spoil(&other)
		if k := c.Key(&other, testSecret); k.hmac.Equal(c.Key(s, testSecret).hmac) || !k.hmac.Equal(DeriveKey(testSecret, other.Date, other.Region, other.Service).hmac) {
			t.Errorf("the key for %s/%s/%s is that of another scope", other.Date, other.Region, other.Service)
		}
	}
}

func TestKeyCacheIsBounded(t *testing.T) {
	t.Parallel()
	const capacity = 512
	c, s := NewKeyCache(capacity), checkedSignature(t)
	var done sync.WaitGroup
	for worker := range 4 {
		done.Go(func() {
			for i := range 2000 {
				other := *s
				other.AccessKeyID = fmt.Sprintf("AKIA%d-%d", worker, i)
				if !c.Key(&other, testSecret).hmac.Equal(c.Key(s, testSecret).hmac) {
					t.Error("same secret and scope, another key")
				}
			}
		})
	}
	done.Wait()
	size := 0
	for i := range c.shards {
		size += len(c.shards[i].young) + len(c.shards[i].old)
	}
	if size > capacity || size < capacity/2 {
		t.Errorf("%d keys kept, want at most %d and at least half", size, capacity)
	}
}

// advisory 19: an unknown access key always fails, and does the work of a known one with a wrong signature. How long both
// take is what BenchmarkWrongSignature and BenchmarkUnknownKey compare.
func TestUnknownKey(t *testing.T) { // not parallel: it counts allocations
	c, s, body := NewKeyCache(64), checkedSignature(t), sha256.Sum256([]byte(testBody))
	refused(t, "unknown key", s.Verify(c.Unknown(s), body), CodeSignatureDoesNotMatch, mismatchMessage, "access key is unknown")
	refused(t, "even with the right key", s.Verify(SigningKey{hmac: DeriveKey(testSecret, s.Date, s.Region, s.Service).hmac, void: true}, body),
		CodeSignatureDoesNotMatch, mismatchMessage, "access key is unknown")
	wrong := *s
	wrong.signature = strings.Repeat("0", 64)
	known := func() { _ = wrong.Verify(c.Key(&wrong, testSecret), body) }
	unknown := func() { _ = wrong.Verify(c.Unknown(&wrong), body) }
	if a, b := testing.AllocsPerRun(1000, known), testing.AllocsPerRun(1000, unknown); a > b+1 || b > a+1 {
		t.Errorf("%v allocations for a known key, %v for an unknown one", a, b)
	}
}

func BenchmarkWrongSignature(b *testing.B) {
	c, s, body := NewKeyCache(64), checkedSignature(b), sha256.Sum256([]byte(testBody))
	s.signature = strings.Repeat("0", 64)
	for b.Loop() {
		_ = s.Verify(c.Key(s, testSecret), body)
	}
}

func BenchmarkUnknownKey(b *testing.B) {
	c, s, body := NewKeyCache(64), checkedSignature(b), sha256.Sum256([]byte(testBody))
	for b.Loop() {
		_ = s.Verify(c.Unknown(s), body)
	}
}
