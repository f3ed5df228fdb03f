package conformance

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stint-sts/stint/test/harness"
)

// The comparison itself: each kind of expectation, met and not met, for one success and one fault. A kind that noticed
// nothing would make every case that uses it worthless.
func TestComparisonNotices(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	header := http.Header{"Content-Type": {"text/xml"}, "X-Amzn-Requestid": {"r-1"}}
	success := &exchange{at: at, answer: &harness.Response{Status: 200, Header: header, Body: []byte(
		`<XResponse xmlns="urn:x"><XResult><Id>ASIARTX3GSDSQAAAAAAA</Id><At>2026-01-02T04:04:05Z</At><List><member><K>a</K></member><member><K>b</K></member></List>` +
			`<Doc>%7B%22a%22%3A1%7D</Doc><Json>{"a":{"b":[1]},"c":true}</Json><Empty></Empty></XResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></XResponse>`)}}
	fault := &exchange{at: at, answer: &harness.Response{Status: 400, Header: header, Body: []byte(
		`<ErrorResponse xmlns="urn:x"><Error><Type>Sender</Type><Code>Bad</Code><Message>no. </Message></Error><RequestId>r-1</RequestId></ErrorResponse>`)}}
	silent := &exchange{at: at, answer: &harness.Response{Status: 400, Header: header, Body: []byte(
		`<ErrorResponse xmlns="urn:x"><Error><Type>Sender</Type><Code>Bad</Code></Error></ErrorResponse>`)}}
	bare := &exchange{at: at, answer: &harness.Response{Status: 413, Header: http.Header{}}}
	plain := &exchange{at: at, answer: &harness.Response{Status: 200, Header: header, Body: []byte(`{"a":"x"}`)}}

	tests := []struct {
		answer *exchange
		met    string
		unmet  []string
	}{
		{success, `{"status":200}`, []string{`{"status":400}`}},
		{success, `{"status":{"any_of":[200,400]}}`, []string{`{"status":{"any_of":[400,403]}}`}},
		{success, `{"xmlns":"urn:x"}`, []string{`{"xmlns":"urn:y"}`}},
		{success, `{"fields":{"List.1.K":"b"}}`, []string{`{"fields":{"List.1.K":"a"}}`, `{"fields":{"List.2.K":"b"}}`, `{"fields":{"Ghost":"b"}}`}},
		{success, `{"fields":{"Id":{"regex":"^ASIA"}}}`, []string{`{"fields":{"Id":{"regex":"^AKIA"}}}`, `{"fields":{"Id":{"odd":1}}}`}},
		{success, `{"fields":{"At":{"approx":"now+3600","tolerance_s":5}}}`, []string{`{"fields":{"At":{"approx":"now+900","tolerance_s":5}}}`}},
		{success, `{"fields":{"Doc":{"urldecodes_to_json":{"a":1}}}}`, []string{`{"fields":{"Doc":{"urldecodes_to_json":{"a":2}}}}`}},
		{success, `{"fields":{"Empty":{"empty":true}}}`, []string{`{"fields":{"Id":{"empty":true}}}`}},
		{success, `{"members_absent":["List.0.Z"]}`, []string{`{"members_absent":["List.0.K"]}`}},
		{success, `{"member_order":["Id","At","List","Doc","Json","Empty"]}`, []string{`{"member_order":["At","Id","List","Doc","Json","Empty"]}`}},
		{success, `{"headers":{"content-type":"text/xml"}}`, []string{`{"headers":{"content-type":"text/xml; charset=utf-8"}}`, `{"headers":{"ghost":{"regex":"."}}}`}},
		{success, `{"headers_absent":["ghost"]}`, []string{`{"headers_absent":["content-type"]}`}},
		{success, `{"header_equals_body":{"x-amzn-requestid":"RequestId"}}`, []string{`{"header_equals_body":{"content-type":"RequestId"}}`, `{"header_equals_body":{"ghost":"Ghost"}}`}},
		{success, `{"body_regex":"^<X"}`, []string{`{"body_regex":"^<Y"}`}},
		{success, `{"checks":["account_of(Id)==111122223333"]}`, []string{`{"checks":["account_of(Id)==444455556666"]}`, `{"checks":["odd"]}`}},
		{success, `{"json_in_member":"Json","json_paths":{"a.b.0":{"equals":1},"c":{"type":"bool"},"a":{"type":"object"}}}`,
			[]string{`{"json_in_member":"Json","json_paths":{"c":{"equals":false}}}`, `{"json_in_member":"Json","json_paths":{"c":{"type":"array"}}}`,
				`{"json_in_member":"Json","json_paths":{"d":{"present":true}}}`, `{"json_in_member":"Ghost","json_paths":{"c":{"equals":true}}}`}},
		{plain, `{"json":{"a":{"regex":"^x$"}}}`, []string{`{"json":{"a":{"regex":"^y$"}}}`, `{"json":{"b":{"regex":"."}}}`, `{"json":{}}`}},
		{fault, `{"error_code":"Bad","error_type":"Sender"}`, []string{`{"error_code":"Good"}`, `{"error_type":"Receiver"}`}},
		{fault, `{"error_code":{"regex":"^(Bad|Worse)$"}}`, []string{`{"error_code":{"regex":"^Worse$"}}`}},
		{fault, `{"message":"no. "}`, []string{`{"message":"no."}`, `{"message_absent":true}`}},
		{fault, `{"message_regex":"^no"}`, []string{`{"message_regex":"^yes"}`}},
		{fault, `{"message_any_of":["yes","no. "]}`, []string{`{"message_any_of":["yes"]}`}},
		{silent, `{"message_absent":true}`, []string{`{"message":""}`, `{"message_regex":"."}`}},
		{bare, `{"body":"","status":413}`, []string{`{"error_code":"Bad"}`}},
		{success, `{}`, []string{`{"body":""}`}},
	}
	for _, test := range tests {
		if problems := compared(t, test.answer, test.met); len(problems) > 0 {
			t.Errorf("%s: %v", test.met, problems)
		}
		for _, unmet := range test.unmet {
			if problems := compared(t, test.answer, unmet); len(problems) == 0 {
				t.Errorf("%s was not noticed", unmet)
			}
		}
	}
}

func compared(t *testing.T, x *exchange, text string) []string {
	t.Helper()
	var e expectation
	if err := strict([]byte(text), &e); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return x.compare(e)
}

// A case in a form that the runner does not know fails, and does not pass unread.
func TestUnknownFormsFail(t *testing.T) {
	t.Parallel()
	for _, c := range []wireCase{
		{Setup: nil, Request: []byte(`{}`), Expect: []byte(`{"conjured":{}}`)},
		{Setup: nil, Request: []byte(`{"evaluate":{}}`), Expect: []byte(`{}`)},
	} {
		if _, err := c.decode(); err == nil {
			t.Errorf("%s %s was read", c.Request, c.Expect)
		}
	}
	c := wireCase{Request: []byte(`{}`), Expect: []byte(`{}`)}
	c.Setup = append(c.Setup, []byte(`{"do":"conjure"}`))
	d, err := c.decode()
	if err != nil {
		t.Fatal(err)
	}
	if err := new(stage).play(d.steps); err == nil {
		t.Error("an unknown step was played")
	}
}

func TestBatchesShareOnlyWhatStaysAsItWas(t *testing.T) {
	t.Parallel()
	user := []byte(`{"do":"user","name":"dana"}`)
	made := func(id, operation, expect string, steps ...string) wireCase {
		c := wireCase{ID: id, Operation: operation, Request: []byte(`{}`), Expect: []byte(expect)}
		c.Setup = append(c.Setup, user)
		for _, step := range steps {
			c.Setup = append(c.Setup, []byte(step))
		}
		return c
	}
	var sizes []int
	for _, b := range batches([]wireCase{
		made("a-1", "GetCallerIdentity", `{"status":200}`),
		made("a-2", "IAM:GetUser", `{"status":200}`),
		made("a-3", "IAM:CreateUser", `{"status":400}`),
		made("a-4", "AssumeRole", `{"status":200}`, `{"do":"session","name":"s"}`),
		made("b-1", "IAM:CreateUser", `{"status":200}`),
		made("b-2", "GetCallerIdentity", `{"status":200}`, `{"do":"delete_access_key"}`),
		made("b-3", "GetCallerIdentity", `{"status":200}`, `{"do":"session"}`, `{"do":"role","name":"r"}`),
		made("b-4", "GetSessionToken", `{"status":200}`, `{"do":"virtual_mfa","user":"dana"}`),
	}) {
		sizes = append(sizes, len(b.cases))
	}
	if !slices.Equal(sizes, []int{4, 1, 1, 1, 1}) {
		t.Errorf("batches of %v", sizes)
	}
}
