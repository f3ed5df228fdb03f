package sts_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/identity"
)

func tags(keysAndValues ...string) []api.Tag {
	var out []api.Tag
	for i := 0; i < len(keysAndValues); i += 2 {
		out = append(out, api.Tag{Key: keysAndValues[i], Value: keysAndValues[i+1]})
	}
	return out
}

func TestTagRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice")
	r := w.Role(dt.A, "target", trust(u.ID, "sts:AssumeRole", "sts:TagSession"))
	plain := w.Role(dt.A, "plain", trust(u.ID))
	v := w.View()
	tests := []struct {
		name       string
		role       *directory.Role
		tags       []api.Tag
		transitive []string
		code       identity.Code
		message    string
	}{
		{name: "tags", role: r, tags: tags("a", "1", "b", "")},
		{name: "transitive key in another case", role: r, tags: tags("name", "1"), transitive: []string{"NAME"}},
		{name: "transitive key not among the tags", role: r, tags: tags("a", "1"), transitive: []string{"b"},
			code: identity.InvalidParameterValue, message: "The specified transitive tag key must be included in the requested tags."},
		{name: "keys that differ in case only", role: r, tags: tags("name", "1", "NaMe", "2"),
			code: identity.InvalidParameterValue, message: "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{name: "reserved prefix", role: r, tags: tags("AWS:x", "1"), code: identity.InvalidParameterValue,
			message: "System tags cannot be added/updated/deleted by the user: tag keys must not begin with aws:"},
		{name: "no sts:TagSession", role: plain, tags: tags("a", "1"), code: identity.AccessDenied, message: denied(user(u), "sts:TagSession", plain)},
		{name: "no tags, no sts:TagSession", role: plain},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := w.assume(v, user(u), api.AssumeRoleInput{RoleArn: tt.role.ARN, Tags: tt.tags, TransitiveTagKeys: tt.transitive})
			if tt.code != "" {
				wantFault(t, err, tt.code, tt.message)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if (out.PackedPolicySize != nil) != (len(tt.tags) > 0) {
				t.Errorf("PackedPolicySize %v for %d tags", out.PackedPolicySize, len(tt.tags))
			}
		})
	}
}

func TestTransitiveTagsPassAlong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice", dt.AllowAll)
	tagging := trust("111122223333", "sts:AssumeRole", "sts:TagSession")
	first, second := w.Role(dt.A, "first", tagging, dt.AllowAll), w.Role(dt.A, "second", tagging, dt.AllowAll)
	untagged := w.Role(dt.A, "untagged", trust("111122223333"))
	v := w.View()
	out, err := w.assume(v, user(u), api.AssumeRoleInput{RoleArn: first.ARN, Tags: tags("Proj", "p1", "Local", "x"), TransitiveTagKeys: []string{"proj"}})
	if err != nil {
		t.Fatal(err)
	}
	chained := w.as(v, out.Credentials)
	out, err = w.assume(v, chained, api.AssumeRoleInput{RoleArn: second.ARN, Tags: tags("Own", "y")})
	if err != nil {
		t.Fatal(err)
	}
	twice := w.as(v, out.Credentials)
	if got := fmt.Sprint(twice.Session.Tags); got != "[{Own y false} {Proj p1 true}]" {
		t.Errorf("tags %s", got)
	}
	if !twice.Session.Chained {
		t.Error("not marked as chained")
	}
	_, err = w.assume(v, twice, api.AssumeRoleInput{RoleArn: second.ARN, Tags: tags("PROJ", "p2")})
	wantFault(t, err, identity.InvalidParameterValue, "One of the specified transitive tag keys can't be set because it conflicts with a "+
		"transitive tag key from the calling session.")
	_, err = w.assume(v, twice, api.AssumeRoleInput{RoleArn: untagged.ARN})
	wantFault(t, err, identity.AccessDenied, denied(twice, "sts:TagSession", untagged))
}

// TestInheritedTagsCount: a chain cannot pile up more tags than a session may have.
func TestInheritedTagsCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice", dt.AllowAll)
	r := w.Role(dt.A, "r", trust("111122223333", "sts:AssumeRole", "sts:TagSession"), dt.AllowAll)
	v := w.View()
	var many []api.Tag
	var keys []string
	for i := range 50 {
		keys = append(keys, fmt.Sprintf("k%d", i))
		many = append(many, api.Tag{Key: keys[i], Value: "v"})
	}
	out, err := w.assume(v, user(u), api.AssumeRoleInput{RoleArn: r.ARN, Tags: many, TransitiveTagKeys: keys})
	if err != nil {
		t.Fatal(err)
	}
	chained := w.as(v, out.Credentials)
	if _, err := w.assume(v, chained, api.AssumeRoleInput{RoleArn: r.ARN}); err != nil {
		t.Errorf("control: %v", err)
	}
	_, err = w.assume(v, chained, api.AssumeRoleInput{RoleArn: r.ARN, Tags: tags("one", "more")})
	wantFault(t, err, identity.ValidationError, "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have "+
		"length less than or equal to 50: a session has at most 50 tags, inherited ones included")
}

func TestSourceIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice", dt.AllowAll)
	setting := trust("111122223333", "sts:AssumeRole", "sts:SetSourceIdentity")
	first, second := w.Role(dt.A, "first", setting, dt.AllowAll), w.Role(dt.A, "second", setting, dt.AllowAll)
	silent := w.Role(dt.A, "silent", trust("111122223333"))
	required := w.Role(dt.A, "required", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},`+
		`"Action":["sts:AssumeRole","sts:SetSourceIdentity"],"Condition":{"StringEquals":{"sts:SourceIdentity":"carol"}}}]}`)
	v := w.View()
	carol, dave := "carol", "dave"
	_, err := w.assume(v, user(u), api.AssumeRoleInput{RoleArn: silent.ARN, SourceIdentity: &carol})
	wantFault(t, err, identity.AccessDenied, denied(user(u), "sts:SetSourceIdentity", silent))
	_, err = w.assume(v, user(u), api.AssumeRoleInput{RoleArn: required.ARN, SourceIdentity: &dave})
	wantFault(t, err, identity.AccessDenied, denied(user(u), "sts:SetSourceIdentity", required))
	_, err = w.assume(v, user(u), api.AssumeRoleInput{RoleArn: required.ARN})
	wantFault(t, err, identity.AccessDenied, denied(user(u), "sts:AssumeRole", required))
	out, err := w.assume(v, user(u), api.AssumeRoleInput{RoleArn: first.ARN, SourceIdentity: &carol})
	if err != nil || *out.SourceIdentity != carol {
		t.Fatalf("%+v, %v", out, err)
	}
	chained := w.as(v, out.Credentials)
	for name, requested := range map[string]*string{"omitted": nil, "repeated": &carol} {
		if out, err := w.assume(v, chained, api.AssumeRoleInput{RoleArn: second.ARN, SourceIdentity: requested}); err != nil || *out.SourceIdentity != carol {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
	_, err = w.assume(v, chained, api.AssumeRoleInput{RoleArn: second.ARN, SourceIdentity: &dave})
	wantFault(t, err, identity.ValidationError, "The source identity is already set for this assume role session")
	_, err = w.assume(v, chained, api.AssumeRoleInput{RoleArn: silent.ARN})
	wantFault(t, err, identity.AccessDenied, denied(chained, "sts:SetSourceIdentity", silent))
}

func TestSessionPolicies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice")
	r := w.Role(dt.A, "target", trust(u.ID, "sts:AssumeRole", "sts:TagSession"), dt.AllowAll)
	own, foreign := w.Policy(dt.A, "own", dt.AllowAll), w.Policy(dt.B, "foreign", dt.AllowAll)
	v := w.View()
	arns := func(n int, policyARN string) []api.PolicyDescriptorType {
		out := make([]api.PolicyDescriptorType, n)
		for i := range out {
			out[i].Arn = &policyARN
		}
		return out
	}
	spaced := "{ \"Version\" : \"2012-10-17\",\n \"Statement\":[ {\"Effect\":\"Allow\",\"Action\":\"s3:Get Object\" , \"Resource\":\"*\"} ] }"
	large := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::` + strings.Repeat("x", 20000) + `"}]}`
	tests := []struct {
		name    string
		in      api.AssumeRoleInput
		code    identity.Code
		message string
	}{
		{name: "managed", in: api.AssumeRoleInput{PolicyArns: arns(1, own.ARN)}},
		{name: "AWS-managed", in: api.AssumeRoleInput{PolicyArns: arns(10, "arn:aws:iam::aws:policy/ReadOnlyAccess")}},
		{name: "eleven", in: api.AssumeRoleInput{PolicyArns: arns(11, own.ARN)}, code: identity.ValidationError,
			message: "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10"},
		{name: "missing", in: api.AssumeRoleInput{PolicyArns: arns(1, "arn:aws:iam::111122223333:policy/missing")}, code: identity.InvalidParameterValue,
			message: "Policy arn:aws:iam::111122223333:policy/missing does not exist or is not attachable."},
		{name: "another account's", in: api.AssumeRoleInput{PolicyArns: arns(1, foreign.ARN)}, code: identity.InvalidParameterValue,
			message: "Policy " + foreign.ARN + " does not exist or is not attachable."},
		{name: "white space does not count", in: api.AssumeRoleInput{Policy: &spaced}},
		{name: "too large", in: api.AssumeRoleInput{Policy: &large}, code: identity.PackedPolicyTooLarge,
			message: "Packed policy consumes 982% of allotted space, please use smaller policy."},
		{name: "too many tags", in: api.AssumeRoleInput{Tags: tags("a", strings.Repeat("v", 250), "b", strings.Repeat("v", 250), "c", strings.Repeat("v", 250),
			"d", strings.Repeat("v", 250), "e", strings.Repeat("v", 250), "f", strings.Repeat("v", 250), "g", strings.Repeat("v", 250),
			"h", strings.Repeat("v", 250), "i", strings.Repeat("v", 250))},
			code: identity.PackedPolicyTooLarge, message: "Packed size of session tags consumes 112% of allotted space."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.in.RoleArn = r.ARN
			out, err := w.assume(v, user(u), tt.in)
			if tt.code != "" {
				wantFault(t, err, tt.code, tt.message)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if out.PackedPolicySize == nil || *out.PackedPolicySize < 1 || *out.PackedPolicySize > 100 {
				t.Errorf("PackedPolicySize %v", out.PackedPolicySize)
			}
			if s := w.as(v, out.Credentials).Session; strings.ContainsAny(s.Policy, "\n") {
				t.Errorf("sealed with white space: %s", s.Policy)
			}
		})
	}
	malformed := "{"
	_, err := w.assume(v, user(u), api.AssumeRoleInput{RoleArn: r.ARN, Policy: &malformed})
	if f, ok := errors.AsType[*identity.Fault](err); !ok || f.Code != identity.MalformedPolicyDocument {
		t.Errorf("malformed: %v", err)
	}
}

func TestGetSessionToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`)
	v := w.View()
	get := func(c identity.Caller, in api.GetSessionTokenInput) (*api.GetSessionTokenOutput, error) {
		return w.service.GetSessionToken(t.Context(), v, w.request(c), &in)
	}
	out, err := get(user(u), api.GetSessionTokenInput{}) // a Deny does nothing
	if err != nil || out.Credentials.Expiration.Sub(now) != 12*time.Hour {
		t.Fatalf("%+v, %v", out, err)
	}
	if s := w.as(v, out.Credentials).Session; !s.MFATime.IsZero() {
		t.Error("MFA without a code")
	}
	_, err = get(w.as(v, out.Credentials), api.GetSessionTokenInput{})
	wantFault(t, err, identity.AccessDenied, "Cannot call GetSessionToken with session credentials")
	out, err = get(root(dt.A), api.GetSessionTokenInput{DurationSeconds: new(int32(43200))})
	if err != nil || out.Credentials.Expiration.Sub(now) != time.Hour {
		t.Errorf("root: %+v, %v", out, err)
	}
	serial, code := "device", "123456"
	out, err = get(user(u), api.GetSessionTokenInput{SerialNumber: &serial, TokenCode: &code})
	if err != nil {
		t.Fatal(err)
	}
	if s := w.as(v, out.Credentials).Session; !s.MFATime.Equal(now) {
		t.Errorf("MFA at %v, want %v", s.MFATime, now)
	}
}

func TestGetFederationToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:GetFederationToken"],"Resource":"*"}]}`)
	nobody := w.User(dt.A, "nobody")
	v := w.View()
	get := func(c identity.Caller, in api.GetFederationTokenInput) (*api.GetFederationTokenOutput, error) {
		in.Name = "bob"
		return w.service.GetFederationToken(t.Context(), v, w.request(c), &in)
	}
	out, err := get(user(u), api.GetFederationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	if out.PackedPolicySize == nil || *out.PackedPolicySize != 0 || out.FederatedUser.FederatedUserId != "111122223333:bob" {
		t.Errorf("%+v", out)
	}
	_, err = get(user(u), api.GetFederationTokenInput{Tags: tags("a", "1")})
	wantFault(t, err, identity.AccessDenied, "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: sts:TagSession on resource: "+
		"arn:aws:sts::111122223333:federated-user/bob because no identity-based policy allows the sts:TagSession action")
	missing := api.GetFederationTokenInput{PolicyArns: []api.PolicyDescriptorType{{Arn: new("arn:aws:iam::111122223333:policy/none")}}}
	_, err = get(user(u), missing)
	wantFault(t, err, identity.InvalidParameterValue, "Policy arn:aws:iam::111122223333:policy/none does not exist or is not attachable.")
	// Who may not call it is not told which policies exist.
	_, err = get(user(nobody), missing)
	wantFault(t, err, identity.AccessDenied, "User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: sts:GetFederationToken on "+
		"resource: arn:aws:sts::111122223333:federated-user/bob because no identity-based policy allows the sts:GetFederationToken action")
	session := w.as(v, out.Credentials)
	_, err = get(session, api.GetFederationTokenInput{})
	wantFault(t, err, identity.AccessDenied, "Cannot call GetFederationToken with session credentials")
	if out, err := get(root(dt.A), api.GetFederationTokenInput{}); err != nil || out.Credentials.Expiration.Sub(now) != time.Hour {
		t.Errorf("root: %+v, %v", out, err)
	}
}

func TestGetAccessKeyInfo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.User(dt.A, "alice", dt.AllowAll)
	v := w.View()
	for id, account := range map[string]string{"ASIAY34FZKBOKMUTVV7A": "609629065308", "AKIARZPUZDIKAAAAAAAA": "123456789012"} {
		out, err := w.service.GetAccessKeyInfo(t.Context(), v, w.request(user(u)), &api.GetAccessKeyInfoInput{AccessKeyId: id})
		if err != nil || *out.Account != account {
			t.Errorf("%s: %+v, %v", id, out, err)
		}
	}
	_, err := w.service.GetAccessKeyInfo(t.Context(), v, w.request(user(u)), &api.GetAccessKeyInfoInput{AccessKeyId: "AKIA0000000000000000"})
	wantFault(t, err, identity.ValidationError, "The access key id AKIA0000000000000000 is invalid")
}

func TestDecodeAuthorizationMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nobody, reader, other := w.User(dt.A, "nobody"), w.User(dt.A, "reader", dt.AllowAll), w.User(dt.B, "other", dt.AllowAll)
	v := w.View()
	_, err := w.service.GetAccessKeyInfo(t.Context(), v, w.request(user(nobody)), &api.GetAccessKeyInfoInput{AccessKeyId: "AKIARZPUZDIKAAAAAAAA"})
	fault, ok := errors.AsType[*identity.Fault](err)
	if !ok || fault.Denial == nil {
		t.Fatalf("got %v", err)
	}
	caller := user(nobody)
	encoded, err := w.service.EncodeAuthorizationMessage(v, &caller, fault.Denial)
	if err != nil {
		t.Fatal(err)
	}
	decode := func(u *directory.User, message string) (*api.DecodeAuthorizationMessageOutput, error) {
		return w.service.DecodeAuthorizationMessage(t.Context(), v, w.request(user(u)), &api.DecodeAuthorizationMessageInput{EncodedMessage: message})
	}
	out, err := decode(reader, encoded)
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Allowed bool
		Context struct {
			Principal struct{ ID, Name, ARN string }
			Action    string
		}
	}
	if err := json.Unmarshal([]byte(*out.DecodedMessage), &m); err != nil {
		t.Fatal(err)
	}
	if m.Allowed || m.Context.Action != "sts:GetAccessKeyInfo" || m.Context.Principal.ARN != nobody.ARN || m.Context.Principal.Name != "nobody" {
		t.Errorf("decoded %+v", m)
	}
	_, err = decode(other, encoded)
	wantFault(t, err, identity.InvalidAuthorizationMessage, "Message is not valid")
	_, err = decode(reader, encoded[:len(encoded)-4])
	wantFault(t, err, identity.InvalidAuthorizationMessage, "Message is not valid")
	_, err = decode(nobody, encoded)
	wantFault(t, err, identity.AccessDenied, "User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: sts:DecodeAuthorizationMessage "+
		"because no identity-based policy allows the sts:DecodeAuthorizationMessage action")
}
