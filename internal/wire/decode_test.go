package wire

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/identity"
)

const role = "RoleArn=arn:aws:iam::111122223333:role/target&RoleSessionName=s1"

func TestDecodeAssumeRole(t *testing.T) {
	t.Parallel()
	in, err := AssumeRole.Decode(parse(t, "Tags.member.2.Value=&Action=AssumeRole&"+role+
		"&DurationSeconds=%2B900&Policy=%7B%7D&PolicyArns.member.1.arn=arn:aws:iam::aws:policy/x&Tags.member.10.Key=ten&Tags.member.10.Value=10"+
		"&Tags.member.1.Key=one&Tags.member.1.Value=1&Tags.member.2.Key=two&TransitiveTagKeys.member.1=one&TransitiveTagKeys.member.3=ten"+
		"&ExternalId=ab&SerialNumber=GAHT12345678&TokenCode=123456&SourceIdentity=carol"+
		"&ProvidedContexts.member.1.ProviderArn=arn:aws:iam::aws:contextProvider/x&ProvidedContexts.member.1.ContextAssertion=abcd&Unknown=1"))
	if err != nil {
		t.Fatal(err)
	}
	want := &api.AssumeRoleInput{
		RoleArn:           "arn:aws:iam::111122223333:role/target",
		RoleSessionName:   "s1",
		PolicyArns:        []api.PolicyDescriptorType{{Arn: new("arn:aws:iam::aws:policy/x")}},
		Policy:            new("{}"),
		DurationSeconds:   new(int32(900)),
		Tags:              []api.Tag{{Key: "one", Value: "1"}, {Key: "two", Value: ""}, {Key: "ten", Value: "10"}},
		TransitiveTagKeys: []string{"one", "ten"},
		ExternalId:        new("ab"),
		SerialNumber:      new("GAHT12345678"),
		TokenCode:         new("123456"),
		SourceIdentity:    new("carol"),
		ProvidedContexts: []api.ProvidedContext{{
			ProviderArn: new("arn:aws:iam::aws:contextProvider/x"), ContextAssertion: new("abcd"),
		}},
	}
	if !reflect.DeepEqual(in, want) {
		t.Errorf("decoded %+v\nwant    %+v", in, want)
	}
}

func TestDecodeAbsentAndEmpty(t *testing.T) {
	t.Parallel()
	in, err := AssumeRole.Decode(parse(t, role))
	if err != nil {
		t.Fatal(err)
	}
	if in.Tags != nil || in.PolicyArns != nil || in.Policy != nil || in.DurationSeconds != nil {
		t.Errorf("absent members are set: %+v", in)
	}
	in, err = AssumeRole.Decode(parse(t, role+"&Tags=&TransitiveTagKeys="))
	if err != nil {
		t.Fatal(err)
	}
	if in.Tags == nil || len(in.Tags) != 0 || in.TransitiveTagKeys == nil {
		t.Errorf("empty lists are %#v, %#v; want empty, not nil", in.Tags, in.TransitiveTagKeys)
	}
}

// Of several parameters with one name the first counts (ARGMIN), in lists too.
func TestDecodeFirstWins(t *testing.T) {
	t.Parallel()
	in, err := AssumeRole.Decode(parse(t, role+"&RoleArn=short&RoleSessionName=a&DurationSeconds=900&DurationSeconds=1"+
		"&Tags.member.1.Key=k&Tags.member.1.Key=&Tags.member.1.Value=v&TransitiveTagKeys.member.1=k&TransitiveTagKeys.member.1=l"))
	if err != nil {
		t.Fatal(err)
	}
	if in.RoleSessionName != "s1" || *in.DurationSeconds != 900 || in.Tags[0].Key != "k" || !slices.Equal(in.TransitiveTagKeys, []string{"k"}) {
		t.Errorf("decoded %+v", in)
	}
}

func TestDecodeNested(t *testing.T) {
	t.Parallel()
	in, err := SimulateCustomPolicy.Decode(parse(t, "PolicyInputList.member.1=%7B%7D&ActionNames.member.1=s3:GetObject"+
		"&ContextEntries.member.2.ContextKeyName=aws:kind2&ContextEntries.member.1.ContextKeyValues.member.2=b"+
		"&ContextEntries.member.1.ContextKeyValues.member.1=a&ContextEntries.member.1.ContextKeyName=aws:kind1&ContextEntries.member.1.ContextKeyType=stringList"))
	if err != nil {
		t.Fatal(err)
	}
	want := []api.ContextEntry{
		{ContextKeyName: new("aws:kind1"), ContextKeyType: new("stringList"), ContextKeyValues: []string{"a", "b"}},
		{ContextKeyName: new("aws:kind2")},
	}
	if !reflect.DeepEqual(in.ContextEntries, want) {
		t.Errorf("context entries %+v, want %+v", in.ContextEntries, want)
	}
	root, err := AssumeRoot.Decode(parse(t, "TargetPrincipal=111122223333&TaskPolicyArn.arn=arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"))
	if err != nil || root.TaskPolicyArn.Arn == nil {
		t.Errorf("structure %+v, %v", root, err)
	}
	flag, err := CreatePolicyVersion.Decode(parse(t, "PolicyArn=arn:aws:iam::111122223333:policy/p&PolicyDocument=x&SetAsDefault=true"))
	if err != nil || flag.SetAsDefault == nil || !*flag.SetAsDefault {
		t.Errorf("flag %+v, %v", flag, err)
	}
}

// What AWS cannot parse is MalformedInput, before any limit is looked at (ARGMIN).
func TestMalformedInput(t *testing.T) {
	t.Parallel()
	for query, message := range map[string]string{
		"DurationSeconds=":            "missing value for decimal type",
		"DurationSeconds=abc":         "",
		"DurationSeconds=900.0":       "",
		"DurationSeconds=2147483648":  "",
		"DurationSeconds=-2147483649": "",
		"DurationSeconds=0x384":       "",
		"DurationSeconds=9_00":        "",
		"DurationSeconds=%20900":      "",
		"DurationSeconds=%D9%A9":      "",
		// Lists: a member that cannot be placed is refused, not dropped, because PolicyArns limits the session.
		"PolicyArns.member.0.arn=x":                              "",
		"PolicyArns.member.01.arn=x":                             "",
		"PolicyArns.member.-1.arn=x":                             "",
		"PolicyArns.member.%2B1.arn=x":                           "",
		"PolicyArns.member.a.arn=x":                              "",
		"PolicyArns.member..arn=x":                               "",
		"PolicyArns.member=x":                                    "",
		"PolicyArns.1.arn=x":                                     "",
		"PolicyArns.entry.1.arn=x":                               "",
		"PolicyArns.=x":                                          "",
		"PolicyArns=x":                                           "",
		"PolicyArns.member.99999999999999999999999.arn=x":        "",
		"PolicyArns.member.4294967297.arn=x":                     "",
		"TransitiveTagKeys.member.1.Key=x":                       "",
		"TransitiveTagKeys=a&TransitiveTagKeys.member.1=a":       "",
		"Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member=": "",
	} {
		_, err := AssumeRole.Decode(parse(t, "RoleArn=short&"+query))
		refused(t, err, identity.MalformedInput, message)
	}
	for _, value := range []string{"", "TRUE", "1", "yes", "tru"} {
		_, err := CreatePolicyVersion.Decode(parse(t, "PolicyArn=arn:aws:iam::111122223333:policy/p&PolicyDocument=x&SetAsDefault="+value))
		refused(t, err, identity.MalformedInput, "")
	}
	// The controls.
	for _, query := range []string{"DurationSeconds=0900", "DurationSeconds=%2B900", "PolicyArns.member.999999999.arn=arn:aws:iam::aws:policy/x", "PolicyArns=", "Policies.member.0=x"} {
		if _, err := AssumeRole.Decode(parse(t, role+"&"+query)); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// clauses splits a refusal into its count and its clauses: AWS's order of them is not stable.
func clauses(message string) (head string, set []string) {
	head, rest, ok := strings.Cut(message, " detected: ")
	if !ok {
		return message, nil
	}
	set = strings.Split(rest, "; ")
	slices.Sort(set)
	return head, set
}

const (
	arnPattern = `[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+`
	tagPattern = `[\p{L}\p{Z}\p{N}_.:/=+\-@]+`
)

func TestValidation(t *testing.T) {
	t.Parallel()
	const failed = " failed to satisfy constraint: Member must "
	long := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		decode func(*Form) error
		query  string
		want   []string // each without "Value " and with ~ for the constant middle
	}{
		{assumeRole, "", []string{"null at 'roleArn'~not be null", "null at 'roleSessionName'~not be null"}},
		{assumeRole, "RoleArn=&RoleSessionName=s1", []string{"'' at 'roleArn'~have length greater than or equal to 20", "'' at 'roleArn'~satisfy regular expression pattern: " + arnPattern}},
		{assumeRole, "RoleArn=not-an-arn&RoleSessionName=a", []string{"'not-an-arn' at 'roleArn'~have length greater than or equal to 20", "'a' at 'roleSessionName'~have length greater than or equal to 2"}},
		{assumeRole, "RoleArn=arn:aws:iam::111122223333:role/😀&RoleSessionName=s1", []string{"'arn:aws:iam::111122223333:role/😀' at 'roleArn'~satisfy regular expression pattern: " + arnPattern}},
		{assumeRole, "RoleArn=" + strings.Repeat("é", 2049) + "&RoleSessionName=s1", []string{"'" + strings.Repeat("é", 2049) + "' at 'roleArn'~have length less than or equal to 2048"}},
		{assumeRole, "RoleArn=" + role[8:] + "&Policy=", []string{"'' at 'policy'~have length greater than or equal to 1", `'' at 'policy'~satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+`}},
		{assumeRole, role + "&DurationSeconds=899", []string{"'899' at 'durationSeconds'~have value greater than or equal to 900"}},
		{assumeRole, role + "&DurationSeconds=-2147483648", []string{"'-2147483648' at 'durationSeconds'~have value greater than or equal to 900"}},
		{assumeRole, role + "&DurationSeconds=43201", []string{"'43201' at 'durationSeconds'~have value less than or equal to 43200"}},
		{assumeRole, role + "&ExternalId=a+b", []string{`'a b' at 'externalId'~satisfy regular expression pattern: [\w+=,.@:\/-]*`}},
		{assumeRole, role + "&SourceIdentity=" + long(257), []string{"'" + long(257) + "' at 'sourceIdentity'~have length less than or equal to 256"}},
		{assumeRole, role + "&SourceIdentity=aws:x", []string{`'aws:x' at 'sourceIdentity'~satisfy regular expression pattern: [\w+=,.@-]*`}},
		{assumeRole, role + "&TokenCode=11111111111111", []string{"'11111111111111' at 'tokenCode'~have length less than or equal to 6"}},
		{assumeRole, role + "&Tags.member.1.Key=a&Tags.member.1.Value=b&Tags.member.7.Key=", []string{
			"null at 'tags.2.member.value'~not be null", "'' at 'tags.2.member.key'~have length greater than or equal to 1",
			"'' at 'tags.2.member.key'~satisfy regular expression pattern: " + tagPattern,
		}},
		{assumeRole, role + "&Tags.member.1=", []string{"null at 'tags.1.member.key'~not be null", "null at 'tags.1.member.value'~not be null"}},
		{assumeRole, role + "&TransitiveTagKeys.member.1=ok&TransitiveTagKeys.member.2=a*", []string{"'a*' at 'transitiveTagKeys.2.member'~satisfy regular expression pattern: " + tagPattern}},
		{assumeRole, role + "&PolicyArns.member.1.arn=x", []string{"'x' at 'policyArns.1.member.arn'~have length greater than or equal to 20"}},
		{assumeRole, role + "&ProvidedContexts=", []string{"'[]' at 'providedContexts'~have length greater than or equal to 1"}},
		{assumeRole, role + "&ProvidedContexts.member.1.ContextAssertion=abc", []string{" at 'providedContexts.1.member.contextAssertion'~have length greater than or equal to 4"}},
		{assumeRole, role + manyTags(51), []string{" at 'tags'~have length less than or equal to 50"}},
		{check(AssumeRoleWithSAML), "RoleArn=&PrincipalArn=&SAMLAssertion=abcd", []string{ // aws-runas 80
			"'' at 'roleArn'~have length greater than or equal to 20", "'' at 'roleArn'~satisfy regular expression pattern: " + arnPattern,
			"'' at 'principalArn'~have length greater than or equal to 20", "'' at 'principalArn'~satisfy regular expression pattern: " + arnPattern,
		}},
		// A secret is never quoted: the refusal goes into the audit log (advisory 128).
		{check(AssumeRoleWithWebIdentity), role + "&WebIdentityToken=abc", []string{" at 'webIdentityToken'~have length greater than or equal to 4"}},
		{check(AssumeRoot), "TargetPrincipal=111122223333", []string{"null at 'taskPolicyArn'~not be null"}},
		{check(AssumeRoot), "TargetPrincipal=111122223333&TaskPolicyArn.arn=x", []string{"'x' at 'taskPolicyArn.arn'~have length greater than or equal to 20"}},
		{check(GetWebIdentityToken), "SigningAlgorithm=RS256", []string{"null at 'audience'~not be null"}},
		{check(UpdateAccessKey), "AccessKeyId=" + long(16) + "&Status=Off", []string{" at 'status'~satisfy enum value set"}},
		{check(UpdateServiceSpecificCredential), "ServiceSpecificCredentialId=a&Status=Active", []string{" at 'serviceSpecificCredentialId'~have length greater than or equal to 20"}},
		{check(CreateRole), "RoleName=" + long(65) + "&AssumeRolePolicyDocument=x", []string{"'" + long(65) + "' at 'roleName'~have length less than or equal to 64"}},
		{check(CreateUser), "UserName=", []string{"'' at 'userName'~have length greater than or equal to 1", `'' at 'userName'~satisfy regular expression pattern: [\w+=,.@-]+`}},
		{check(ListUsers), "MaxItems=0", []string{"'0' at 'maxItems'~have value greater than or equal to 1"}},
	}
	for _, test := range tests {
		head := fmt.Sprintf("%d validation error", len(test.want))
		if len(test.want) > 1 {
			head += "s"
		}
		for i, w := range test.want {
			if !strings.HasPrefix(w, " ") {
				w = " " + w
			}
			test.want[i] = "Value" + strings.Replace(w, "~", failed, 1)
		}
		slices.Sort(test.want)
		fault, ok := errors.AsType[*identity.Fault](test.decode(parse(t, test.query)))
		if !ok || fault.Code != identity.ValidationError {
			t.Errorf("%s: %v, want ValidationError", test.query, fault)
			continue
		}
		if gotHead, got := clauses(fault.Message); gotHead != head || !slices.Equal(got, test.want) {
			t.Errorf("%.80s:\n got %s: %q\nwant %s: %q", test.query, gotHead, got, head, test.want)
		}
	}
}

func check[In, Out any](op Op[In, Out]) func(*Form) error {
	return func(f *Form) error {
		_, err := op.Decode(f)
		return err
	}
}

var assumeRole = check(AssumeRole)

func manyTags(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "&Tags.member.%d.Key=k%d&Tags.member.%d.Value=v", i+1, i, i+1)
	}
	return b.String()
}

func TestValidationAccepts(t *testing.T) {
	t.Parallel()
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, test := range []struct {
		decode func(*Form) error
		query  string
	}{
		{assumeRole, "RoleArn=" + strings.Repeat("é", 2048) + "&RoleSessionName=" + x(64)},
		{assumeRole, role + "&SourceIdentity=" + x(256)},
		{assumeRole, role + "&Policy=" + x(100_000)}, // limited by its packed size, not by the model
		{assumeRole, role + "&ExternalId=" + x(1224) + "&DurationSeconds=43200"},
		{assumeRole, role + "&Tags.member.1.Key=%C3%A9+%C2%A0%F0%9D%90%80&Tags.member.1.Value="},
		{assumeRole, role + manyTags(50)},
		{check(GetCallerIdentity), "anything=1"},
		{check(ListOpenIDConnectProviders), ""},
		{check(CreateAccountAlias), "AccountAlias=a-b-c"},
		{check(CreateRole), "RoleName=r&AssumeRolePolicyDocument=x&Path=/"},
		{check(CreateRole), "RoleName=r&AssumeRolePolicyDocument=x&Path=/a/b/"},
		{check(GetPolicyVersion), "PolicyArn=arn:aws:iam::111122223333:policy/p&VersionId=v12"},
	} {
		if err := test.decode(parse(t, test.query)); err != nil {
			t.Errorf("%.80s: %v", test.query, err)
		}
	}
}

// IAM words some refusals its own way, and then says nothing else.
func TestIAMSentences(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		decode         func(*Form) error
		query, message string
	}{
		{check(CreateUser), "UserName=bad/name", "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"},
		{check(UpdateUser), "UserName=a&NewUserName=%C3%A9", "The specified value for newUserName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"},
		{check(CreateRole), "RoleName=r&AssumeRolePolicyDocument=&Path=a", "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."},
		{check(ListRoles), "PathPrefix=a", "The specified value for pathPrefix is invalid. It must begin with the / character and contain only alphanumeric characters and/or / characters."},
	} {
		refused(t, test.decode(parse(t, test.query)), identity.ValidationError, test.message)
	}
	for _, query := range []string{"AccountAlias=a--b", "AccountAlias=-ab", "AccountAlias=ab-", "AccountAlias=a%0Ab"} {
		err := check(CreateAccountAlias)(parse(t, query))
		if err == nil || !strings.Contains(err.Error(), "satisfy regular expression pattern: ^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$") {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// The answer to a hostile request stays small, however much of it is wrong.
func TestRefusalsAreCapped(t *testing.T) {
	t.Parallel()
	var query strings.Builder
	for i := range 5_000 {
		fmt.Fprintf(&query, "TransitiveTagKeys.member.%d=%s&", i+1, strings.Repeat("*", 1000))
	}
	err := check(AssumeRole)(parse(t, query.String()))
	if n := len(err.Error()); n < maxRefusals || n > 2*maxRefusals {
		t.Errorf("refusal of %d bytes", n)
	}
	if !strings.HasPrefix(err.Error(), "ValidationError: 10003 validation errors detected: ") {
		t.Errorf("refusal begins %.80s", err)
	}
	err = check(AssumeRole)(parse(t, "RoleSessionName=s1&RoleArn="+strings.Repeat("é", 1_000_000)))
	if n := len(err.Error()); n > 2*maxQuoted || !strings.Contains(err.Error(), "é…' at 'roleArn'") {
		t.Errorf("refusal of %d bytes", n)
	}
}
