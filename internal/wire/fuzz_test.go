package wire

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/stint-sts/stint/internal/identity"
)

var seeds = []string{
	"", "Action=AssumeRole&Version=2011-06-15&" + role, "a=%", "a=%zz", "&&=&", "a=%C3%A9+%00", "Tags.member.1.Key=k&Tags.member.1.Value=v",
	"Tags.member.999999999.Key=k&Tags=&Tags.member..=", "PolicyArns.member.1", "TransitiveTagKeys.member.1=a&TransitiveTagKeys.member.1.b=c", "Tags.", "Tags/", "Tags.member.1",
	"ContextEntries.member.1.ContextKeyValues.member.1=a&DurationSeconds=+0&SetAsDefault=true", "RoleArn=%EF%BF%BE%0D&TaskPolicyArn.arn=x&TaskPolicyArn=y",
}

func FuzzParseForm(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		form, err := ParseForm(raw)
		if err != nil {
			if fault, ok := errors.AsType[*identity.Fault](err); !ok || fault.Code != identity.MalformedQueryString {
				t.Fatalf("error %v", err)
			}
			return
		}
		if len(form.text) > len(raw) || len(form.index) > len(raw)/2+1 || !utf8.ValidString(form.text) {
			t.Fatalf("%d bytes give %d bytes of text, %d parameters", len(raw), len(form.text), len(form.index))
		}
		for _, p := range form.index {
			if _, ok := form.Get(form.name(p)); !ok {
				t.Fatalf("%q is not found", form.name(p))
			}
		}
	})
}

// FuzzDecode reads every request as every operation. Any refusal is a fault with a status below 500, and whatever was read
// can be written.
func FuzzDecode(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		form, err := ParseForm(raw)
		if err != nil {
			return
		}
		for i, op := range typedOperations {
			audit, err := op.read(form)
			if !json.Valid(audit) || len(audit) > auditTotal+16*auditText {
				t.Fatalf("%s: audit of %d bytes: %.200q", operations[i].Name, len(audit), audit)
			}
			if err == nil {
				continue
			}
			body, status := AppendFault(nil, FaultOf(err), operations[i].Service, requestID, false)
			if status != 400 || xml.Unmarshal(body, new(struct{ Error struct{} })) != nil {
				t.Fatalf("%s: %d %s", operations[i].Name, status, body)
			}
		}
	})
}

func (o Op[In, Out]) read(f *Form) ([]byte, error) {
	in, err := o.Decode(f)
	a := &answer[In, Out]{op: o, in: *in}
	return a.AppendRequestParameters(nil), err
}
