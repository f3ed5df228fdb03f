package wire_test

import (
	"net/url"
	"testing"

	"github.com/stint-sts/stint/internal/wire"
)

// BenchmarkPipeline is a request from its bytes to its answer, without a socket: what Stint adds to net/http.
func BenchmarkPipeline(b *testing.B) {
	p := newPipeline(b)
	sessionPolicy := url.QueryEscape(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],` +
		`"Resource":"arn:aws:s3:::lake/team-a/*"},{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::lake",` +
		`"Condition":{"StringLike":{"s3:prefix":"team-a/*"}}}]}`)
	tags := []string{"Policy=" + sessionPolicy}
	for i, key := range []string{"team", "project", "environment", "cost-center", "ticket"} {
		tags = append(tags, "Tags.member."+itoa(i+1)+".Key="+key, "Tags.member."+itoa(i+1)+".Value=value-of-tag")
	}
	for name, form := range map[string]string{
		"GetCallerIdentity":             identityForm,
		"AssumeRole":                    p.assume(),
		"AssumeRole, policy and 5 tags": p.assume(tags...),
	} {
		b.Run(name, func(b *testing.B) {
			r := post(keyOf(p.alice), form).build(b, p.now())
			r.Header.Set("User-Agent", "aws-sdk-go-v2/1.47.7 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#amd64 api/sts#1.51.8")
			body, w := []byte(form), newDiscard()
			ids := wire.IDs{Request: "00000000-0000-4000-8000-000000000000", Event: "00000000-0000-4000-9000-000000000000"}
			b.ReportAllocs()
			for b.Loop() {
				p.ServeQuery(w, r, body, ids)
			}
			if w.status != 200 {
				b.Fatalf("status %d", w.status)
			}
		})
	}
}
