package policy

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// printedTheSame prints a parsed document and parses it again.
func printedTheSame(t interface{ Fatalf(string, ...any) }, d *Document) {
	text, err := d.MarshalJSON()
	if err != nil {
		t.Fatalf("printing: %v", err)
	}
	again, err := Parse(string(text), d.Type)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if !reflect.DeepEqual(withoutOffsets(again), withoutOffsets(d)) {
		t.Fatalf("%s\nparsed as %+v\nprinted from %+v", text, again, d)
	}
}

// withoutOffsets gives a document as it is apart from where it was written.
func withoutOffsets(d *Document) *Document {
	d = new(*d)
	d.Statements = append([]Statement(nil), d.Statements...)
	for i := range d.Statements {
		s := &d.Statements[i]
		s.Offset, s.End = 0, 0
		s.Conditions = append([]Condition(nil), s.Conditions...)
		for j := range s.Conditions {
			s.Conditions[j].Offset = 0
		}
	}
	return d
}

func TestPrint(t *testing.T) {
	t.Parallel()
	const text = `{"Version":"2012-10-17","Id":"i","Statement":[` +
		`{"Sid":"a","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::a","arn:aws:s3:::b"]},` +
		`{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333","AIDA"],"Service":"ec2.amazonaws.com"},"NotAction":["s3:\\\""],"NotResource":"*",` +
		`"Condition":{"StringEquals":{"a":"x","b":["y","z"]},"Bool":{"c":[]}}}]}`
	d, err := Parse(text, Generic)
	if err != nil {
		t.Fatal(err)
	}
	printedTheSame(t, d)
	const want = `{"Version":"2012-10-17","Id":"i","Statement":[` +
		`{"Sid":"a","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::a","arn:aws:s3:::b"]},` +
		`{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333","AIDA"],"Service":"ec2.amazonaws.com"},"NotAction":"s3:\\\"","NotResource":"*",` +
		`"Condition":{"StringEquals":{"a":"x","b":["y","z"]},"Bool":{"c":[]}}}]}`
	if got, err := d.MarshalJSON(); err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

// TestParsePrintParse: parse → print → parse is the identity, for every grammar that takes a document.
func TestParsePrintParse(t *testing.T) {
	t.Parallel()
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		typ := Type(rapid.IntRange(int(Identity), int(Generic)).Draw(t, "type"))
		draw := drawer{rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))}
		for _, drawn := range draw.policies(typ, 3) {
			text, err := drawn.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if d, err := Parse(string(text), typ); err == nil {
				accepted++
				printedTheSame(t, d)
			}
		}
	})
	if accepted < 20 {
		t.Errorf("only %d documents were accepted", accepted)
	}
}
