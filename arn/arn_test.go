package arn_test

import (
	"strings"
	"testing"

	"github.com/stint-sts/stint/arn"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]arn.ARN{
		"arn:aws:iam::111122223333:role/a/b/target": {"aws", "iam", "", "111122223333", "role/a/b/target"},
		"arn:aws:iam::aws:policy/ReadOnlyAccess":    {"aws", "iam", "", "aws", "policy/ReadOnlyAccess"},
		"arn:aws-cn:sts:cn-north-1:111122223333:x":  {"aws-cn", "sts", "cn-north-1", "111122223333", "x"},
		"arn:aws:sns:us-east-1:111122223333:t:sub":  {"aws", "sns", "us-east-1", "111122223333", "t:sub"},
		"arn:a:b:::x/y": {"a", "b", "", "", "x/y"}, // docs/wire-compatibility.md §3: passes the shape check
		"arn:aws:s3:::bucket/ключ ключа":     {"aws", "s3", "", "", "bucket/ключ ключа"},
		"arn:local:iam::111122223333:role/r": {"local", "iam", "", "111122223333", "role/r"},
	} {
		got, err := arn.Parse(in)
		if err != nil || got != want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", in, got, err, want)
		}
		if got.String() != in {
			t.Errorf("Parse(%q).String() = %q", in, got.String())
		}
	}
}

// advisory 121: six fields, a character set, no wildcards.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	long := "arn:aws:iam::111122223333:role/"
	for _, c := range []struct{ in, reason string }{
		{"", "six parts"},
		{"x", "six parts"},
		{"ARN:aws:iam::111122223333:root", "six parts"},
		{" arn:aws:iam::111122223333:root", "six parts"},
		{"arn:aws:iam:111122223333:root", "six parts"},
		{"arn::iam::111122223333:root", "empty or malformed"},
		{"arn:aws:::111122223333:root", "empty or malformed"},
		{"arn:AWS:iam::111122223333:root", "empty or malformed"},
		{"arn:aws:*::111122223333:root", "empty or malformed"},
		{"arn:aws:iam::*:role/r", "empty or malformed"},
		{"arn:aws:iam::11112222333３:root", "empty or malformed"},
		{"arn:aws:iam:: 111122223333:root", "empty or malformed"},
		{"arn:aws:iam::111122223333:", "empty resource"},
		{"arn:aws:iam::111122223333:role/*", "wildcards"},
		{"arn:aws:iam::111122223333:role/r?", "wildcards"},
		{"arn:aws:iam::111122223333:role/r\n", "control characters"},
		{"arn:aws:iam::111122223333:role/r\x00", "control characters"},
		{"arn:aws:iam::111122223333:role/\xff", "invalid UTF-8"},
		{long + strings.Repeat("r", arn.MaxLength+1-len(long)), "longer than 2048"},
	} {
		if got, err := arn.Parse(c.in); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("Parse(%q) = %+v, %v; want an error about %q", c.in, got, err, c.reason)
		}
	}
	if _, err := arn.Parse(long + strings.Repeat("r", arn.MaxLength-len(long))); err != nil {
		t.Errorf("2048 bytes are allowed: %v", err)
	}
}

func TestConstructors(t *testing.T) {
	t.Parallel()
	const a = arn.AccountID("111122223333")
	for want, got := range map[string]string{
		"arn:aws:iam::111122223333:root":                          arn.Root(arn.AWS, a),
		"arn:aws:iam::111122223333:user/p/alice":                  arn.User(arn.AWS, a, "/p/", "alice"),
		"arn:aws-cn:iam::111122223333:role/target":                arn.Role(arn.China, a, "/", "target"),
		"arn:aws:iam::111122223333:group/devs":                    arn.Group(arn.AWS, a, "/", "devs"),
		"arn:aws:iam::aws:policy/job-function/Billing":            arn.Policy(arn.AWS, "aws", "/job-function/", "Billing"),
		"arn:aws:iam::111122223333:instance-profile/web":          arn.InstanceProfile(arn.AWS, a, "/", "web"),
		"arn:aws:iam::111122223333:mfa/alice":                     arn.MFADevice(arn.AWS, a, "/", "alice"),
		"arn:aws:sts::111122223333:assumed-role/target/s1":        arn.AssumedRole(arn.AWS, a, "target", "s1"),
		"arn:aws-us-gov:sts::111122223333:federated-user/bob":     arn.FederatedUser(arn.GovCloud, a, "bob"),
		"arn:aws:iam::111122223333:oidc-provider/idp.example/a/b": arn.OIDCProvider(arn.AWS, a, "idp.example/a/b"),
		"arn:aws:iam::111122223333:saml-provider/corp":            arn.SAMLProvider(arn.AWS, a, "corp"),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if p, err := arn.Parse(got); err != nil || p.String() != got {
			t.Errorf("Parse(%s) = %v, %v", got, p, err)
		}
	}
}

func TestEntity(t *testing.T) {
	t.Parallel()
	for resource, want := range map[string][3]string{
		"root":            {"root", "", ""},
		"role/r":          {"role", "/", "r"},
		"role/a/b/r":      {"role", "/a/b/", "r"},
		"assumed-role/r/": {"assumed-role", "/r/", ""},
	} {
		kind, path, name := arn.ARN{Resource: resource}.Entity()
		if got := [3]string{kind, path, name}; got != want {
			t.Errorf("Entity of %q = %q, want %q", resource, got, want)
		}
	}
}

func TestParsePartition(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"aws", "aws-cn", "aws-us-gov", "stint-1"} {
		if p, err := arn.ParsePartition(good); err != nil || string(p) != good {
			t.Errorf("ParsePartition(%q) = %q, %v", good, p, err)
		}
	}
	for _, bad := range []string{"", "AWS", "a:b", "a b", "*", strings.Repeat("a", 65)} {
		if p, err := arn.ParsePartition(bad); err == nil {
			t.Errorf("ParsePartition(%q) = %q, want an error", bad, p)
		}
	}
}

func FuzzARN(f *testing.F) {
	for _, s := range []string{"arn:aws:iam::111122223333:role/a", "arn:a:b:::x/y", "arn:aws:s3:::b:c", "arn:::::", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := arn.Parse(s)
		if err != nil {
			return
		}
		if a.String() != s {
			t.Fatalf("Parse(%q).String() = %q", s, a.String())
		}
		kind, path, name := a.Entity()
		if path != "" && kind+path+name != a.Resource {
			t.Fatalf("Entity of %q = %q %q %q", a.Resource, kind, path, name)
		}
	})
}
