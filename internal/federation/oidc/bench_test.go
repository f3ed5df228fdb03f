package oidc

import (
	"testing"

	"github.com/go-jose/go-jose/v4"

	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/federation/oidc/oidctest"
)

// BenchmarkVerify stands beside the library's own parse and verification of the same token.
func BenchmarkVerify(b *testing.B) {
	s := newStage(b)
	view := s.builder.View()
	for _, k := range []*oidctest.Key{s.rsa, s.ec} {
		token := k.Token(claimed(map[string]any{"kubernetes.io": map[string]any{"namespace": "shop", "pod": map[string]any{"name": "p", "uid": "u"}}}))
		b.Run(k.Algorithm, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.verifier.Verify(b.Context(), view, Presented{Token: token, Account: dt.A, RoleARN: roleARN, Time: now}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(k.Algorithm+"/library", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				parsed, err := jose.ParseSignedCompact(token, awsAlgorithms())
				if err != nil {
					b.Fatal(err)
				}
				if _, err := parsed.Verify(k.Public()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
