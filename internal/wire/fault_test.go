package wire

import (
	"encoding/xml"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/identity"
)

func TestFaultBodies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault   *identity.Fault
		service string
		status  int
		body    string
	}{
		{identity.NewFault(identity.ValidationError, "a < b"), "sts", 400, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error>
    <Type>Sender</Type>
    <Code>ValidationError</Code>
    <Message>a &lt; b</Message>
  </Error>
  <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
</ErrorResponse>
`},
		{identity.NewFault(identity.NoSuchEntity, "x"), "iam", 404, `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <Error>
    <Type>Sender</Type>
    <Code>NoSuchEntity</Code>
    <Message>x</Message>
  </Error>
  <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
</ErrorResponse>
`},
		{identity.NewFault(identity.InvalidAction, "Could not find operation  for version "), "sts", 400, `<ErrorResponse xmlns="http://webservices.amazon.com/AWSFault/2005-15-09">
  <Error>
    <Type>Sender</Type>
    <Code>InvalidAction</Code>
    <Message>Could not find operation  for version </Message>
  </Error>
  <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
</ErrorResponse>
`},
		{identity.NewFault(identity.MalformedInput, ""), "sts", 400, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error>
    <Type>Sender</Type>
    <Code>MalformedInput</Code>
  </Error>
  <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
</ErrorResponse>
`},
	}
	for _, test := range tests {
		body, status := AppendFault(nil, test.fault, test.service, requestID, false)
		if status != test.status {
			t.Errorf("%v: status %d, want %d", test.fault, status, test.status)
		}
		equal(t, string(body), test.body)
	}
	body, status := AppendFault(nil, identity.NewFault(identity.AccessDenied, `"no"`), "sts", requestID, true)
	if status != 403 {
		t.Errorf("status %d, want 403", status)
	}
	equal(t, string(body), `{"Error":{"Code":"AccessDenied","Message":"\"no\"","Type":"Sender"},"RequestId":"01234567-89ab-cdef-0123-456789abcdef"}`)
	body, _ = AppendFault(nil, identity.NewFault(identity.MalformedInput, ""), "sts", requestID, true)
	equal(t, string(body), `{"Error":{"Code":"MalformedInput","Type":"Sender"},"RequestId":"01234567-89ab-cdef-0123-456789abcdef"}`)
}

// facts of status: recorded where the models are silent, the models' own elsewhere.
func TestFaultStatuses(t *testing.T) {
	t.Parallel()
	for code, want := range map[identity.Code]int{
		identity.ExpiredToken: 403, identity.ExpiredTokenException: 400, identity.InvalidClientTokenID: 403, identity.SignatureDoesNotMatch: 403,
		identity.IncompleteSignature: 400, identity.MissingAuthenticationToken: 403, identity.Throttling: 400, identity.EntityAlreadyExists: 409,
		identity.DeleteConflict: 409, identity.LimitExceeded: 409, identity.MalformedPolicyDocument: 400, identity.PackedPolicyTooLarge: 400,
		identity.RegionDisabled: 403, identity.InvalidAuthenticationCode: 403, identity.ServiceUnavailable: 503, identity.InternalFailure: 500,
		identity.UnmodifiableEntity: 400, identity.ConcurrentModification: 409, "IDPRejectedClaim": 403, "FeatureDisabled": 404, "ReportExpired": 410,
	} {
		_, status := AppendFault(nil, identity.NewFault(code, "x"), "sts", requestID, false)
		if status != want {
			t.Errorf("%s: %d, want %d", code, status, want)
		}
	}
	for code := range common {
		if status, ok := modelled[code]; ok {
			t.Errorf("%s is modelled with status %d: the table of common codes repeats it", code, status)
		}
	}
}

// Every code that the domain can refuse with has a status: none falls through to a 500.
func TestEveryCodeHasAStatus(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../identity/fault.go")
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "fault.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Type == nil || spec.Type.(*ast.Ident).Name != "Code" {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		codes++
		if code := ErrorCode(identity.NewFault(identity.Code(value), ""), "sts"); code != value {
			t.Errorf("%s is answered as %s", value, code)
		}
		return true
	})
	if codes < 30 {
		t.Errorf("%d codes, want at least 30", codes)
	}
}

func TestFailuresTellNothing(t *testing.T) {
	t.Parallel()
	cause := errors.New("dial tcp 10.0.0.7: secret detail")
	for _, err := range []error{cause, identity.NewFault("NoSuchCode", "detail"), identity.NewFault(identity.InternalFailure, "detail").Because(cause)} {
		f := FaultOf(err)
		body, status := AppendFault(nil, f, "sts", requestID, false)
		if status != 500 || strings.Contains(string(body), "detail") || !strings.Contains(string(body), "<Type>Receiver</Type>\n    <Code>InternalFailure</Code>\n    <Message>"+internalFailure) {
			t.Errorf("%v: %d %s", err, status, body)
		}
	}
	if f := FaultOf(cause); !errors.Is(f, cause) {
		t.Error("the cause is lost to the log")
	}
	if code := ErrorCode(FaultOf(cause), "iam"); code != "ServiceFailure" {
		t.Errorf("IAM calls it %s, want ServiceFailure", code)
	}
	denied := identity.NewFault(identity.AccessDenied, "no")
	if got := FaultOf(fmt.Errorf("assuming role: %w", denied)); got != denied {
		t.Errorf("a wrapped fault became %v", got)
	}
}

func TestFaultMessageIsCapped(t *testing.T) {
	t.Parallel()
	body, _ := AppendFault(nil, identity.NewFault(identity.InvalidAction, strings.Repeat("é", 5_000_000)), "sts", requestID, false)
	if len(body) > maxMessage+500 || !strings.Contains(string(body), "é…</Message>") {
		t.Errorf("body of %d bytes", len(body))
	}
}

func TestFaultMessageIsAlwaysWellFormed(t *testing.T) {
	t.Parallel()
	for _, message := range []string{"\x00\x01", "]]>", "</Message>", "\xff", "a\r\nb", "\ufffe"} {
		body, _ := AppendFault(nil, identity.NewFault(identity.ValidationError, message), "sts", requestID, false)
		var back struct{ Error struct{ Message string } }
		if err := xml.Unmarshal(body, &back); err != nil || back.Error.Message == "" {
			t.Errorf("%q: %v in %s", message, err, body)
		}
	}
}
