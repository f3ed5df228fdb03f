package session

import (
	"crypto/rand"
	"testing"

	"github.com/stint-sts/stint/internal/identity"
)

func benchSession() *identity.Session {
	s := testSession()
	s.Tags = tagsOf(5, 12)
	return s
}

func BenchmarkSeal(b *testing.B) {
	v, s, sess := viewOf(newKey(b, 1, noon)), NewSealer(rand.Reader, at(noon)), benchSession()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Seal(v, sess); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	v, s, sess := viewOf(newKey(b, 1, noon)), NewSealer(rand.Reader, at(noon)), benchSession()
	token, err := s.Seal(v, sess)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(len(token)), "chars/token")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Open(v, sess.AccessKeyID, token); err != nil {
			b.Fatal(err)
		}
	}
}
