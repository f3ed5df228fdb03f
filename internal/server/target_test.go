package server

import (
	"net/http"
	"strings"
	"testing"
)

const (
	targetPrefix = "AWSOrganizationsV20161128."
	targetType   = "application/x-amz-json-1.1"
)

// The JSON 1.1 protocol of Organizations as it goes over the socket.
func TestTarget(t *testing.T) {
	t.Parallel()
	s := newService(t)
	address := s.start(t, nil)
	header := func(target string) http.Header {
		return http.Header{"Content-Type": {targetType}, "X-Amz-Target": {targetPrefix + target}}
	}
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	tests := []struct {
		name   string
		body   string
		header http.Header
		status int
		want   string // the whole body
	}{
		{"an operation", `{"AccountId":"111122223333"}`, header("DescribeAccount"), 200,
			`{"Account":{"Arn":"arn:aws:organizations::111122223333:account/o-abcdefghij/111122223333","Id":"111122223333",` +
				`"JoinedMethod":"INVITED","JoinedTimestamp":1767323045,"Name":"111122223333","Paths":["o-abcdefghij/r-abcd/111122223333/"],` +
				`"State":"ACTIVE","Status":"ACTIVE"}}`},
		{"with a charset", `{}`, http.Header{"Content-Type": {targetType + "; charset=utf-8"}, "X-Amz-Target": {targetPrefix + "ListRoots"}}, 200,
			`{"Roots":[{"Arn":"arn:aws:organizations::111122223333:root/o-abcdefghij/r-abcd","Id":"r-abcd","Name":"Root","PolicyTypes":[]}]}`},
		{"space around the document", " {\n} ", header("ListRoots"), 200, ""},

		{"unknown operation", `{}`, header("Nope"), 400, `{"__type":"UnknownOperationException"}`},
		{"operation in another case", `{}`, header("listroots"), 400, `{"__type":"UnknownOperationException"}`},
		{"operation of IAM", `{}`, header("ListUsers"), 400, `{"__type":"UnknownOperationException"}`},
		{"unknown target", `{}`, http.Header{"Content-Type": {targetType}, "X-Amz-Target": {"AWSOrganizationsV20161129.ListRoots"}}, 400,
			`{"__type":"UnknownOperationException"}`},
		{"target without a dot", `{}`, http.Header{"Content-Type": {targetType}, "X-Amz-Target": {"ListRoots"}}, 400,
			`{"__type":"UnknownOperationException"}`},
		{"operation that is not performed", `{}`, header("AcceptHandshake"), 400,
			`{"__type":"NotImplementedException","message":"The operation AcceptHandshake is not implemented by this server."}`},

		{"no document", "", header("ListRoots"), 400, `{"__type":"SerializationException"}`},
		{"broken document", `{"MaxResults":`, header("ListRoots"), 400, `{"__type":"SerializationException"}`},
		{"a list", `[]`, header("ListRoots"), 400, `{"__type":"SerializationException"}`},
		{"null", `null`, header("ListRoots"), 400, `{"__type":"SerializationException"}`},
		{"duplicate names", `{"MaxResults":1,"MaxResults":2}`, header("ListRoots"), 400, `{"__type":"SerializationException"}`},
		{"names that differ in case", `{"MaxResults":1,"maxResults":2}`, header("ListRoots"), 400, `{"__type":"SerializationException"}`},
		{"text behind the document", `{}{}`, header("ListRoots"), 400, `{"__type":"SerializationException"}`},
		{"no UTF-8", "{\"NextToken\":\"\xff\"}", header("ListRoots"), 400, `{"__type":"SerializationException"}`},
		{"too deep", deep, header("ListRoots"), 400, `{"__type":"SerializationException"}`},
		{"too many values", `{"a":[` + strings.Repeat("1,", 20_000) + `1]}`, header("ListRoots"), 400, `{"__type":"SerializationException"}`},
		{"too long", `{"a":"` + strings.Repeat("a", 1<<20) + `"}`, header("ListRoots"), 400, `{"__type":"SerializationException"}`},
		{"wrong type", `{"MaxResults":"1"}`, header("ListRoots"), 400, `{"__type":"SerializationException"}`},
		{"broken limit", `{"MaxResults":21}`, header("ListRoots"), 400,
			`{"__type":"InvalidInputException","Message":"You provided a numeric parameter that has a larger value than allowed.","Reason":"MAX_VALUE_EXCEEDED"}`},
		{"refusal of the operation", `{"AccountId":"444455556666"}`, header("DescribeAccount"), 400,
			`{"__type":"AccountNotFoundException","Message":"You specified an account that doesn't exist."}`},

		{"content type of version 1.0", `{}`, http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amz-Target": {targetPrefix + "ListRoots"}}, 302, ""},
		{"content type of JSON", `{}`, http.Header{"Content-Type": {"application/json"}, "X-Amz-Target": {targetPrefix + "ListRoots"}}, 302, ""},
		{"no target", `{}`, http.Header{"Content-Type": {targetType}}, 302, ""},
		{"two targets", `{}`, http.Header{"Content-Type": {targetType}, "X-Amz-Target": {targetPrefix + "ListRoots", targetPrefix + "ListRoots"}}, 302, ""},
		{"two content types", `{}`, http.Header{"Content-Type": {targetType, targetType}, "X-Amz-Target": {targetPrefix + "ListRoots"}}, 302, ""},
	}
	for _, tt := range tests {
		a := send(t, address, s.rawFor(t, "organizations", "/", tt.body, tt.header))
		if a.StatusCode != tt.status || tt.want != "" && a.body != tt.want {
			t.Errorf("%s: %d %s\nwant %d %s", tt.name, a.StatusCode, a.body, tt.status, tt.want)
		}
		if tt.status != 302 && (a.Header.Get("Content-Type") != targetType || a.Header.Get("X-Amzn-Requestid") == "") {
			t.Errorf("%s: headers %v", tt.name, a.Header)
		}
	}

	// The query protocol is not told by a target, nor JSON by a form.
	form := http.Header{"Content-Type": {formType}, "X-Amz-Target": {targetPrefix + "ListRoots"}}
	if a := send(t, address, s.rawFor(t, "sts", "/", identityForm, form)); a.StatusCode != 200 || !strings.Contains(a.body, "<GetCallerIdentityResult>") {
		t.Errorf("a form with a target: %d %s", a.StatusCode, a.body)
	}
}

// Who is not known, or signs for another service, is told in the words of JSON 1.1.
func TestTargetSignatures(t *testing.T) {
	t.Parallel()
	s := newService(t)
	address := s.start(t, nil)
	header := http.Header{"Content-Type": {targetType}, "X-Amz-Target": {targetPrefix + "ListRoots"}}
	if a := send(t, address, s.rawFor(t, "iam", "/", "{}", header)); a.StatusCode != 400 ||
		!strings.HasPrefix(a.body, `{"__type":"InvalidSignatureException","message":"Credential should be scoped to correct service: 'organizations'`) {
		t.Errorf("signed for another service: %d %s", a.StatusCode, a.body)
	}
	tampered := strings.TrimSuffix(s.rawFor(t, "organizations", "/", "{}", header), "{}") + "[]"
	if a := send(t, address, tampered); a.StatusCode != 400 || !strings.HasPrefix(a.body, `{"__type":"InvalidSignatureException","message":"The request signature we calculated`) {
		t.Errorf("another body: %d %s", a.StatusCode, a.body)
	}
	stranger := newService(t)
	if a := send(t, address, stranger.rawFor(t, "organizations", "/", "{}", header)); a.StatusCode != 400 ||
		a.body != `{"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}` {
		t.Errorf("unknown key: %d %s", a.StatusCode, a.body)
	}
}
