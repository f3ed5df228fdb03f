package gate_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/sigv4"
)

const prefixed = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:PrincipalTag/team}/*"},
	{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b","Condition":{"StringLike":{"s3:prefix":"red/*"}}},
	{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::tagged/*","Condition":{"StringEquals":{"aws:RequestTag/class":"open"},
		"ForAllValues:StringEquals":{"aws:TagKeys":["class"]}}},
	{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::tagged/*","Condition":{"StringEquals":{"aws:ResourceTag/class":"open"}}},
	{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::near/*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"Bool":{"aws:SecureTransport":"true"}}}]}`

// The decision is authz's, by what the relying service says of the resource and of the request.
func TestAuthorize(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.User(dt.A, "alice", prefixed)
	alice.Tags = []directory.Tag{{Key: "team", Value: "red"}}
	v := w.refresh()
	request := w.received(long(alice.AccessKeys[0]), sigv4.Signer{}, http.MethodGet, "/b/k", "", nil)
	deny := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}`
	allow := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"},"Action":"s3:*","Resource":"*"}]}`
	class := []gateapi.Tag{{Key: "class", Value: "open"}}
	for name, tt := range map[string]struct {
		in      gate.AuthorizeInput
		allowed bool
		message string
	}{
		"own prefix":   {gate.AuthorizeInput{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/red/k"}, true, ""},
		"other prefix": {gate.AuthorizeInput{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/blue/k"}, false, "because no identity-based policy allows the s3:GetObject action"},
		"resource policy denies": {gate.AuthorizeInput{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/red/k", ResourcePolicy: deny}, false,
			"with an explicit deny in a resource-based policy"},
		"resource policy allows":      {gate.AuthorizeInput{Action: "s3:GetObject", Resource: "arn:aws:s3:::c/k", ResourcePolicy: allow}, true, ""},
		"resource policy for nobody":  {gate.AuthorizeInput{Action: "s3:GetObject", Resource: "arn:aws:s3:::c/k", ResourcePolicy: dt.AllowAll}, false, "no identity"},
		"another account's":           {gate.AuthorizeInput{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/red/k", ResourceAccount: string(dt.B)}, false, "because no resource-based policy allows"},
		"another account's, both":     {gate.AuthorizeInput{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/red/k", ResourceAccount: string(dt.B), ResourcePolicy: allow}, true, ""},
		"listing its prefix":          {gate.AuthorizeInput{Action: "s3:ListBucket", Resource: "arn:aws:s3:::b", Context: []gateapi.Key{{Key: "s3:prefix", Values: []string{"red/x"}}}}, true, ""},
		"listing another":             {gate.AuthorizeInput{Action: "s3:ListBucket", Resource: "arn:aws:s3:::b", Context: []gateapi.Key{{Key: "s3:prefix", Values: []string{"blue/"}}}}, false, "no identity-based policy"},
		"listing all":                 {gate.AuthorizeInput{Action: "s3:ListBucket", Resource: "arn:aws:s3:::b"}, false, "no identity-based policy"},
		"tagged":                      {gate.AuthorizeInput{Action: "s3:PutObject", Resource: "arn:aws:s3:::tagged/k", RequestTags: class}, true, ""},
		"tagged otherwise":            {gate.AuthorizeInput{Action: "s3:PutObject", Resource: "arn:aws:s3:::tagged/k", RequestTags: append(class, gateapi.Tag{Key: "x"})}, false, "no identity"},
		"of a tag":                    {gate.AuthorizeInput{Action: "s3:GetObject", Resource: "arn:aws:s3:::tagged/k", ResourceTags: class}, true, ""},
		"of no tag":                   {gate.AuthorizeInput{Action: "s3:GetObject", Resource: "arn:aws:s3:::tagged/k"}, false, "no identity"},
		"from near":                   {gate.AuthorizeInput{Action: "s3:GetObject", Resource: "arn:aws:s3:::near/k", SourceIP: "::ffff:10.1.2.3", SecureTransport: true}, true, ""},
		"from near, in the clear":     {gate.AuthorizeInput{Action: "s3:GetObject", Resource: "arn:aws:s3:::near/k", SourceIP: "10.1.2.3"}, false, "no identity"},
		"from where the service is":   {gate.AuthorizeInput{Action: "s3:GetObject", Resource: "arn:aws:s3:::near/k", SecureTransport: true}, false, "no identity"},
		"action in capitals":          {gate.AuthorizeInput{Action: "S3:GETOBJECT", Resource: "arn:aws:s3:::b/red/k"}, true, ""},
		"resource with a brace":       {gate.AuthorizeInput{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/${aws:PrincipalTag/team}/k"}, false, "no identity"},
		"resource that is a wildcard": {gate.AuthorizeInput{Action: "s3:GetObject", Resource: "*"}, false, "no identity"},
	} {
		in := tt.in
		in.Request, in.Region, in.Service = request, "us-east-1", "s3"
		out, err := w.service.Authorize(t.Context(), v, as(w.relying), &in)
		if err != nil || out.Refusal != nil || out.Caller.Principal.ARN != alice.ARN {
			t.Errorf("%s: %+v, %v", name, out, err)
			continue
		}
		if out.Allowed != tt.allowed || !strings.Contains(out.Message, tt.message) || (out.EncodedMessage == "") != tt.allowed || (out.Message == "") != tt.allowed {
			t.Errorf("%s: %+v", name, out)
		}
	}
}

// A denial carries what DecodeAuthorizationMessage explains, to the caller's account.
func TestAuthorizeExplains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.User(dt.A, "alice", prefixed)
	v := w.refresh()
	out, err := w.service.Authorize(t.Context(), v, as(w.relying), &gate.AuthorizeInput{
		Request: w.received(long(alice.AccessKeys[0]), sigv4.Signer{}, http.MethodGet, "/b/k", "", nil), Region: "us-east-1", Service: "s3",
		Action: "s3:GetObject", Resource: "arn:aws:s3:::b/red/k",
	})
	if err != nil || out.Allowed {
		t.Fatalf("%+v, %v", out, err)
	}
	const sentence = "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/red/k " +
		"because no identity-based policy allows the s3:GetObject action"
	if out.Message != sentence {
		t.Errorf("message %q, want %q", out.Message, sentence)
	}
	decoded, err := w.tokens.DecodeAuthorizationMessage(t.Context(), v, as(w.relying), &api.DecodeAuthorizationMessageInput{EncodedMessage: out.EncodedMessage})
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Allowed bool
		Context struct {
			Action, Resource string
			Principal        struct{ ARN string }
		}
	}
	if err := json.Unmarshal([]byte(*decoded.DecodedMessage), &m); err != nil || m.Allowed || m.Context.Action != "s3:GetObject" || m.Context.Principal.ARN != alice.ARN {
		t.Errorf("%v: %s", err, *decoded.DecodedMessage)
	}
}

// Who the caller is, no relying service can say: its keys are refused, whichever spelling would reach them.
func TestAuthorizeContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, target := w.User(dt.A, "alice", dt.AllowAll), w.Role(dt.A, "target", anyone, dt.AllowAll)
	v := w.refresh()
	role := w.begin(v, identity.Session{Kind: identity.RoleSession, Account: dt.A, PrincipalID: target.ID, Name: "s1",
		Attributes: []identity.Attribute{{Key: "localhost:8080:sub", Values: []string{"x"}}}})
	ask := func(c credential, change func(*gate.AuthorizeInput)) error {
		in := &gate.AuthorizeInput{
			Request: w.received(c, sigv4.Signer{}, http.MethodGet, "/b/k", "", nil), Region: "us-east-1", Service: "s3",
			Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k",
		}
		change(in)
		out, err := w.service.Authorize(t.Context(), v, as(w.relying), in)
		if err == nil && !out.Allowed {
			t.Errorf("%+v", out)
		}
		return err
	}
	key := func(k string) func(*gate.AuthorizeInput) {
		return func(in *gate.AuthorizeInput) { in.Context = []gateapi.Key{{Key: k, Values: []string{"x"}}} }
	}
	for _, k := range []string{"s3:prefix", "aws:referer", "aws:sourcevpce", "aws:sourceaccount", "custom-service:thing", "s3:existingobjecttag/class"} {
		if err := ask(long(alice.AccessKeys[0]), key(k)); err != nil {
			t.Errorf("%s: %v", k, err)
		}
	}
	for _, k := range []string{
		"aws:principalarn", "aws:principalaccount", "aws:principaltag/team", "aws:principaltype", "aws:principalorgid", "aws:userid", "aws:username",
		"aws:tokenissuetime", "aws:sourceidentity", "aws:multifactorauthpresent", "aws:multifactorauthage", "aws:federatedprovider",
		"aws:viaawsservice", "aws:principalisawsservice", "aws:currenttime", "aws:epochtime", "aws:sourceip", "aws:securetransport", "aws:useragent",
		"aws:requestedregion", "aws:resourceaccount", "aws:resourceorgid", "aws:requesttag/x", "aws:resourcetag/x", "aws:tagkeys", "aws:not-yet-known",
		"sts:requestcontext/ticket", "sts:externalid", "saml:sub", "iam:resourcetag/x", "accounts.google.com:sub", "issuer.example/path:sub", ":x",
	} {
		wantFault(t, k, ask(long(alice.AccessKeys[0]), key(k)), identity.ValidationError, "context: "+k+" cannot be given")
	}
	wantFault(t, "of the session", ask(role, key("localhost:8080:sub")), identity.ValidationError, "the caller's session says it")
	many := make([]string, 257)
	for name, tt := range map[string]struct {
		change  func(*gate.AuthorizeInput)
		message string
	}{
		"capitals":    {key("AWS:PrincipalArn"), "lower case"},
		"no service":  {key("prefix"), "service:name"},
		"two values":  {func(in *gate.AuthorizeInput) { in.Context = []gateapi.Key{{Key: "s3:x", Values: many[:2]}} }, "one value"},
		"no value":    {func(in *gate.AuthorizeInput) { in.Context = []gateapi.Key{{Key: "s3:x"}} }, "one value"},
		"many values": {func(in *gate.AuthorizeInput) { in.Context = []gateapi.Key{{Key: "s3:x", Values: many, Multi: true}} }, "one value"},
		"twice": {func(in *gate.AuthorizeInput) {
			in.Context = []gateapi.Key{{Key: "s3:x", Multi: true}, {Key: "s3:x", Multi: true}}
		}, "twice"},
		"long value": {func(in *gate.AuthorizeInput) {
			in.Context = []gateapi.Key{{Key: "s3:x", Values: []string{strings.Repeat("x", 4097)}}}
		}, "too long"},
		"many keys":           {func(in *gate.AuthorizeInput) { in.Context = make([]gateapi.Key, 101) }, "too many keys"},
		"action of iam":       {func(in *gate.AuthorizeInput) { in.Action = "iam:CreateUser" }, "action must be one of the relying service"},
		"action of STS":       {func(in *gate.AuthorizeInput) { in.Action = "STS:AssumeRole" }, "action must be one of the relying service"},
		"action of stint":     {func(in *gate.AuthorizeInput) { in.Action = "stint:GetSigningKey" }, "action must be one of the relying service"},
		"no action":           {func(in *gate.AuthorizeInput) { in.Action = "GetObject" }, "service:Operation"},
		"wild action":         {func(in *gate.AuthorizeInput) { in.Action = "s3:*" }, "service:Operation"},
		"no resource":         {func(in *gate.AuthorizeInput) { in.Resource = "" }, "resource must be"},
		"resource no ARN":     {func(in *gate.AuthorizeInput) { in.Resource = "b/k" }, "resource must be"},
		"resource, a break":   {func(in *gate.AuthorizeInput) { in.Resource = "arn:aws:s3:::b/\nk" }, "resource must be"},
		"account":             {func(in *gate.AuthorizeInput) { in.ResourceAccount = "1" }, "resourceAccount"},
		"address":             {func(in *gate.AuthorizeInput) { in.SourceIP = "10.0.0.1:80" }, "sourceIp"},
		"address with a zone": {func(in *gate.AuthorizeInput) { in.SourceIP = "fe80::1%eth0" }, "sourceIp"},
		"policy":              {func(in *gate.AuthorizeInput) { in.ResourcePolicy = "{}" }, "resourcePolicy is no policy"},
		"tag twice":           {func(in *gate.AuthorizeInput) { in.RequestTags = []gateapi.Tag{{Key: "a"}, {Key: "A"}} }, "requestTags"},
		"tag without key":     {func(in *gate.AuthorizeInput) { in.ResourceTags = []gateapi.Tag{{}} }, "resourceTags"},
	} {
		wantFault(t, name, ask(long(alice.AccessKeys[0]), tt.change), identity.ValidationError, tt.message)
	}
}

// AWS's "revoke active sessions" is a policy of the role: it ends what was issued before its time, and nothing else.
func TestAWSRevokeOlderSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	older := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["*"],"Resource":["*"],` +
		`"Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-05-06T07:07:39.000Z"}}}]}`
	target := w.Role(dt.A, "target", anyone, dt.AllowAll)
	v := w.refresh()
	before := w.begin(v, identity.Session{Kind: identity.RoleSession, Account: dt.A, PrincipalID: target.ID, Name: "before", Issued: now.Add(-31e9)})
	after := w.begin(v, identity.Session{Kind: identity.RoleSession, Account: dt.A, PrincipalID: target.ID, Name: "after", Issued: now.Add(-30e9)})
	may := func(c credential) (bool, string) {
		out, err := w.service.Authorize(t.Context(), w.service.View(), as(w.relying), &gate.AuthorizeInput{
			Request: w.received(c, sigv4.Signer{}, http.MethodGet, "/b/k", "", nil), Region: "us-east-1", Service: "s3",
			Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k",
		})
		if err != nil || out.Refusal != nil {
			t.Fatalf("%+v, %v", out, err)
		}
		return out.Allowed, out.Message
	}
	for _, c := range []credential{before, after} {
		if allowed, message := may(c); !allowed {
			t.Errorf("before the policy: %s", message)
		}
	}
	target.Inline = append(target.Inline, directory.InlinePolicy{Name: "AWSRevokeOlderSessions", Document: directory.NewDocument(older)})
	w.refresh()
	if allowed, message := may(before); allowed || !strings.HasSuffix(message, "with an explicit deny in an identity-based policy") {
		t.Errorf("a session from before it: %v %s", allowed, message)
	}
	if allowed, message := may(after); !allowed {
		t.Errorf("a session from after it: %s", message)
	}
}
