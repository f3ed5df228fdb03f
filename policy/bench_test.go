package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const benchDocument = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":["s3:Get*","s3:ListBucket"],"Resource":["arn:aws:s3:::photos","arn:aws:s3:::photos/*"]},
	{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::*:role/deploy-*",
	 "Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue"}}},
	{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::photos/private/*/raw?.jpg"}]}`

func benchRequest() *Request {
	return &Request{Principal: Principal{Kind: User, Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/alice"},
		Action: "s3:GetObject", Resource: "arn:aws:s3:::photos/2026/cat.jpg",
		Context: Keys{"aws:principaltag/team": One("blue")}}
}

func BenchmarkEvaluate(b *testing.B) {
	set := &Set{Identity: one(b, benchDocument, Identity)}
	request := benchRequest()
	b.ReportAllocs()
	for b.Loop() {
		if !Evaluate(set, request).Allowed() {
			b.Fatal("denied")
		}
	}
}

func BenchmarkEvaluateManyStatements(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var text strings.Builder
			text.WriteString(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`)
			for i := range n - 1 {
				fmt.Fprintf(&text, `,{"Effect":"Allow","Action":"service%d:Do*","Resource":"arn:aws:service%d:::x/*"}`, i, i)
			}
			set := &Set{Identity: one(b, text.String()+"]}", Identity)}
			request := benchRequest()
			b.ReportAllocs()
			for b.Loop() {
				Evaluate(set, request)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(benchDocument, Identity); err != nil {
			b.Fatal(err)
		}
	}
}

// TestEvaluateAllocatesNothing holds for allowed and denied, small policies and large, with variables and without.
func TestEvaluateAllocatesNothing(t *testing.T) {
	set := &Set{Identity: one(t, benchDocument, Identity), HasBoundary: true, Boundary: one(t, benchDocument, Boundary),
		Resource: one(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},
			"Action":"S3:G*t*bject","Resource":"arn:aws:s3:::photos/*",
			"Condition":{"DateLessThan":{"aws:currenttime":"2030-01-01T00:00:00Z"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},
			"NumericLessThan":{"aws:MultiFactorAuthAge":"300"},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"},
			"Bool":{"aws:SecureTransport":"true"},"StringEqualsIgnoreCase":{"aws:username":"ALICE"},
			"ForAllValues:StringLike":{"aws:TagKeys":["a*","b?"]}}}}`, Resource),
		HasSession: true, Session: one(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},
			{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::${aws:username}/${missing, 'a long default, longer than what is kept on the stack'}*x*",
			"Condition":{"StringEqualsIgnoreCase":{"aws:username":"${aws:username}"},"StringLike":{"aws:username":"*l${aws:username}c*"},
			"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/${aws:username}"}}}`+strings.Repeat(`,
			{"Effect":"Deny","Action":["s3:GetObject","sts:*"],"Resource":"arn:aws:s3:::others/*"}`, indexFrom)+`]}`, Session)}
	request := benchRequest()
	request.Principal.ARN = "arn:aws:iam::111122223333:user/bob"
	request.Context = Keys{"aws:currenttime": One("2026-01-01T10:00:00Z"), "aws:sourceip": One("10.1.2.3"),
		"aws:multifactorauthage": One("12"), "aws:principalarn": One("arn:aws:iam::111122223333:user/bob"),
		"aws:securetransport": One("true"), "aws:username": One("alice"), "aws:tagkeys": Many([]string{"abc", "bc"}),
		"aws:principaltag/team": One("red")}
	for _, action := range []string{"s3:GetObject", "S3:PUTOBJECT", "sts:AssumeRole"} {
		request.Action = action
		if n := testing.AllocsPerRun(100, func() { Evaluate(set, request) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", action, n)
		}
	}
	request.Action = "s3:GetObject"
	if d := Evaluate(set, request); !d.Allowed() {
		t.Errorf("positive control: %+v", d)
	}
}

// worstGlobs are the patterns on which a matcher that takes choices back runs for hours, and those that defeat one that does
// not: 10,240 bytes or characters each.
func worstGlobs() []string {
	const n = 10240
	return []string{
		strings.Repeat("a*", n/2) + "b",
		strings.Repeat("*", n-1) + "b",
		strings.Repeat("*a", n/2) + "b",
		strings.Repeat("?*", n/2) + "b",
		"*" + strings.Repeat("a?", n/4) + "b*",
		"*" + strings.Repeat("a", n/2) + "b*",
		"*" + strings.Repeat("?", n/2) + "b*",
		"*" + strings.Repeat("é?", n/6) + "b*",
		"*" + strings.Repeat("é?", n/4) + "b*",
		strings.Repeat("*"+strings.Repeat("a?", 31)+"a", n/64) + "b",
		strings.Repeat("*"+strings.Repeat("a?", 33)+"a", n/68) + "b",
	}
}

// worstSubjects have 10,240 characters.
func worstSubjects() []string {
	const n = 10240
	return []string{strings.Repeat("a", n), strings.Repeat("é", n), strings.Repeat("aé", n/2), strings.Repeat("a", n/2-1) + "c" + strings.Repeat("a", n/2)}
}

// TestGlobTime: advisory 42. The limit is far from what the matcher needs (BenchmarkWorstGlobs) and further from what one
// takes that tries every choice.
func TestGlobTime(t *testing.T) {
	t.Parallel()
	const limit = 10 * time.Second
	for _, pattern := range worstGlobs() {
		g := newGlob(encodePlain(pattern))
		for _, subject := range worstSubjects() {
			start := time.Now()
			if g.match(subject) || g.matchFold(subject) {
				t.Errorf("%.20s… matched", pattern)
			}
			if took := time.Since(start); took > limit {
				t.Errorf("%.12s… against %.4s…: %v", pattern, subject, took)
			}
		}
	}
}

// BenchmarkWorstGlobs matches 10,240 characters against each of the worst patterns; the aim is 20 ms for one.
func BenchmarkWorstGlobs(b *testing.B) {
	for i, pattern := range worstGlobs() {
		g := newGlob(encodePlain(pattern))
		for j, subject := range worstSubjects() {
			b.Run(fmt.Sprintf("%d-%.8s/%d", i, pattern, j), func(b *testing.B) {
				for b.Loop() {
					g.match(subject)
				}
			})
			b.Run(fmt.Sprintf("%d-%.8s/%d/folded", i, pattern, j), func(b *testing.B) {
				for b.Loop() {
					g.matchFold(subject)
				}
			})
		}
	}
}
