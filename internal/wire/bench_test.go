package wire

import "testing"

const plainForm = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Ftarget&RoleSessionName=session-1&DurationSeconds=3600"

const fullForm = plainForm + "&Policy=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3AGetObject%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D" +
	"&Tags.member.1.Key=team&Tags.member.1.Value=blue&Tags.member.2.Key=project&Tags.member.2.Value=lake&Tags.member.3.Key=tier&Tags.member.3.Value=gold" +
	"&Tags.member.4.Key=cost&Tags.member.4.Value=42&Tags.member.5.Key=env&Tags.member.5.Value=prod"

func BenchmarkParseForm(b *testing.B) {
	for name, form := range map[string]string{"plain": plainForm, "policy and 5 tags": fullForm} {
		raw := []byte(form)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseForm(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeAssumeRole(b *testing.B) {
	for name, form := range map[string]string{"plain": plainForm, "policy and 5 tags": fullForm} {
		f := parse(b, form)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := AssumeRole.Decode(f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	dst := make([]byte, 0, 4096)
	b.Run("GetCallerIdentity", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			dst = appendResponseXML(dst[:0], GetCallerIdentity.Operation, GetCallerIdentity.encodeOutput, identityOutput, requestID)
		}
	})
	b.Run("AssumeRole", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			dst = appendResponseXML(dst[:0], AssumeRole.Operation, AssumeRole.encodeOutput, assumed, requestID)
		}
	})
	b.Run("AssumeRole audit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			dst = appendAudit(dst[:0], AssumeRole.encodeOutput, assumed)
		}
	})
}
