package wire

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/strictjson"
)

// typedTarget walks the operations of JSON 1.1 without their types.
type typedTarget interface {
	readObject(jsonObject) ([]byte, error)
}

func (o Op[In, Out]) readObject(j jsonObject) ([]byte, error) {
	in, err := o.input(Parameters{object: j})
	a := &answer[In, Out]{op: o, in: in}
	return a.AppendRequestParameters(nil), err
}

func objectOf(t testing.TB, text string) jsonObject {
	t.Helper()
	v, err := strictjson.Parse([]byte(text), strictjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return jsonObject{&v}
}

func TestDecodeObject(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		op           typedTarget
		text         string
		code, reason string
	}{
		{"required and optional", ListChildren, `{"ParentId":"r-ab12","ChildType":"ACCOUNT","MaxResults":5,"NextToken":"n"}`, "", ""},
		{"null is not there", ListChildren, `{"ParentId":"r-ab12","ChildType":"ACCOUNT","MaxResults":null}`, "", ""},
		{"unknown members are ignored", ListRoots, `{"Other":[{}]}`, "", ""},
		{"list of structures", TagResource, `{"ResourceId":"r-ab12","Tags":[{"Key":"k","Value":""}]}`, "", ""},
		{"list of texts", UntagResource, `{"ResourceId":"p-FullAWSAccess","TagKeys":["k"]}`, "", ""},
		{"nested structure", ListHandshakesForAccount, `{"Filter":{"ActionType":"INVITE"}}`, "", ""},
		{"time", TerminateResponsibilityTransfer, `{"Id":"rt-ab12cd34","EndTimestamp":1.5e9}`, "", ""},

		{"missing", DescribeAccount, `{}`, "InvalidInputException", "INPUT_REQUIRED"},
		{"null where required", DescribeAccount, `{"AccountId":null}`, "InvalidInputException", "INPUT_REQUIRED"},
		{"names match with case", DescribeAccount, `{"accountid":"111122223333"}`, "InvalidInputException", "INPUT_REQUIRED"},
		{"missing in a list", TagResource, `{"ResourceId":"r-ab12","Tags":[{"Key":"k"}]}`, "InvalidInputException", "INPUT_REQUIRED"},
		{"pattern", DescribeAccount, `{"AccountId":"11112222333"}`, "InvalidInputException", "INVALID_PATTERN"},
		{"whole pattern of an alternation", ListChildren, `{"ParentId":"r-ab12/x","ChildType":"ACCOUNT"}`, "InvalidInputException", "INVALID_PATTERN"},
		{"pattern in a list", UntagResource, `{"ResourceId":"r-ab12","TagKeys":["a\u0000"]}`, "InvalidInputException", "INVALID_PATTERN"},
		{"enum", ListChildren, `{"ParentId":"r-ab12","ChildType":"account"}`, "InvalidInputException", "INVALID_ENUM"},
		{"too short", CreateAccount, `{"Email":"a@b.c","AccountName":"x"}`, "InvalidInputException", "MIN_LENGTH_EXCEEDED"},
		{"too long", CreateAccount, `{"Email":"aa@b.cc","AccountName":"123456789012345678901234567890123456789012345678901"}`, "InvalidInputException", "MAX_LENGTH_EXCEEDED"},
		{"below", ListRoots, `{"MaxResults":0}`, "InvalidInputException", "MIN_VALUE_EXCEEDED"},
		{"above", ListRoots, `{"MaxResults":21}`, "InvalidInputException", "MAX_VALUE_EXCEEDED"},

		{"number for a text", DescribeAccount, `{"AccountId":111122223333}`, "MalformedInput", ""},
		{"text for a number", ListRoots, `{"MaxResults":"5"}`, "MalformedInput", ""},
		{"fraction for a whole number", ListRoots, `{"MaxResults":5.5}`, "MalformedInput", ""},
		{"number out of range", ListRoots, `{"MaxResults":99999999999}`, "MalformedInput", ""},
		{"object for a list", TagResource, `{"ResourceId":"r-ab12","Tags":{"Key":"k"}}`, "MalformedInput", ""},
		{"text in a list of structures", TagResource, `{"ResourceId":"r-ab12","Tags":["k"]}`, "MalformedInput", ""},
		{"null in a list", UntagResource, `{"ResourceId":"r-ab12","TagKeys":[null]}`, "MalformedInput", ""},
		{"text for a structure", ListHandshakesForAccount, `{"Filter":"INVITE"}`, "MalformedInput", ""},
		{"text for a time", TerminateResponsibilityTransfer, `{"Id":"rt-ab12cd34","EndTimestamp":"2026-01-02"}`, "MalformedInput", ""},
		{"time before the epoch", TerminateResponsibilityTransfer, `{"Id":"rt-ab12cd34","EndTimestamp":-1}`, "MalformedInput", ""},
		{"a wrong type goes before a broken limit", CreateAccount, `{"Email":"x","AccountName":1}`, "MalformedInput", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := tt.op.readObject(objectOf(t, tt.text))
			f, _ := errors.AsType[*identity.Fault](err)
			switch {
			case tt.code == "" && err != nil:
				t.Fatal(err)
			case tt.code != "" && (f == nil || string(f.Code) != tt.code || f.Reason != tt.reason):
				t.Fatalf("got %+v, want %s with reason %q", f, tt.code, tt.reason)
			}
		})
	}
}

// CloudTrail hides the e-mail address and name of an account, which the model marks as sensitive.
func TestObjectAudit(t *testing.T) {
	t.Parallel()
	audit, err := CreateAccount.readObject(objectOf(t, `{"Email":"someone@example.com","AccountName":"someone","Tags":[{"Key":"k","Value":"v"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, string(audit), `{"accountName":"`+hidden+`","email":"`+hidden+`","tags":[{"key":"k","value":"v"}]}`)
}

// FuzzDecodeObject reads every document as every operation of JSON 1.1: any refusal is a fault below 500, and whatever was read
// can be written.
func FuzzDecodeObject(f *testing.F) {
	f.Add([]byte(`{"ParentId":"r-ab12","ChildType":"ACCOUNT","MaxResults":5}`))
	f.Add([]byte(`{"ResourceId":"r-ab12","Tags":[{"Key":"k","Value":""}]}`))
	f.Add([]byte(`{"Filter":{"ActionType":null},"EndTimestamp":1e300}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := strictjson.Parse(raw, strictjson.Limits{})
		if err != nil || v.Kind != strictjson.Object {
			return
		}
		for _, op := range typedTargets {
			audit, err := op.readObject(jsonObject{&v})
			if !json.Valid(audit) {
				t.Fatalf("audit: %.200q", audit)
			}
			if err == nil {
				continue
			}
			body, status := appendFaultTarget(nil, FaultOf(err), organizationsService)
			if status != 400 || !json.Valid(body) {
				t.Fatalf("%d %s", status, body)
			}
		}
	})
}
