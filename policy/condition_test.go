package policy

import (
	"encoding/json"
	"strings"
	"testing"
)

// conditioned evaluates a resource policy with one condition for both effects, and says whether the condition held.
func conditioned(t *testing.T, operator, key string, values []string, keys Keys) (inAllow, inDeny bool) {
	t.Helper()
	quoted, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	body := `"Action":"*","Resource":"*","Condition":{"` + operator + `":{"` + key + `":` + string(quoted) + `}}}}`
	request := get(alice, account)
	request.Context = keys
	allow := one(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow",`+body, Generic)
	deny := one(t, `{"Version":"2012-10-17","Statement":{"Effect":"Deny",`+body, Generic)
	return Evaluate(&Set{Identity: allow}, request).Allowed(), Evaluate(&Set{Identity: deny}, request).Effect == ExplicitDeny
}

func TestConditions(t *testing.T) {
	t.Parallel()
	single := func(s string) Keys { return Keys{"k": One(s)} }
	many := func(ss ...string) Keys { return Keys{"k": Many(ss)} }
	absent := Keys{}
	const arn = "arn:aws:sns:us-east-1:111122223333:topic"
	for _, c := range []struct {
		operator string
		values   []string
		keys     Keys
		want     bool
	}{
		{"StringEquals", []string{"a", "b"}, single("b"), true},
		{"StringEquals", []string{"a*"}, single("ab"), false},
		{"stringequals", []string{"a"}, single("a"), true},
		{"StringEquals", []string{"a"}, single("A"), false},
		{"StringNotEquals", []string{"a", "b"}, single("b"), false},
		{"StringNotEquals", []string{"a", "b"}, single("c"), true},
		{"StringNotEquals", []string{"a"}, absent, true},
		{"StringEquals", []string{"a"}, absent, false},
		{"StringEqualsIgnoreCase", []string{"Éa"}, single("éA"), true},
		{"StringNotEqualsIgnoreCase", []string{"a"}, single("A"), false},
		{"StringLike", []string{"a*c?"}, single("a/b:cd"), true},
		{"StringLike", []string{""}, single(""), true},
		{"StringNotLike", []string{"a*"}, single("abc"), false},
		{"StringEqualsIfExists", []string{"a"}, absent, true},
		{"StringNotEqualsIfExists", []string{"a"}, absent, true},
		{"ForAnyValue:StringEqualsIfExists", []string{"a"}, absent, true},

		// Set operators apply to each value of the request, negation inside (advisory 44).
		{"ForAllValues:StringEquals", []string{"a", "b"}, many("a", "b", "a"), true},
		{"ForAllValues:StringEquals", []string{"a", "b"}, many("a", "c"), false},
		{"ForAllValues:StringEquals", []string{"a"}, absent, true},
		{"ForAllValues:StringEquals", []string{"a"}, many(), true},
		{"ForAllValues:StringEquals", []string{"a"}, single(""), true},
		{"ForAllValues:StringNotEquals", []string{"a"}, many("b", "c"), true},
		{"ForAllValues:StringNotEquals", []string{"a"}, many("a", "c"), false},
		{"ForAnyValue:StringEquals", []string{"a", "b"}, many("c", "b"), true},
		{"ForAnyValue:StringEquals", []string{"a"}, many("c", "b"), false},
		{"ForAnyValue:StringEquals", []string{"a"}, absent, false},
		{"ForAnyValue:StringNotEquals", []string{"a"}, many("a", "b"), true},
		{"ForAnyValue:StringNotEquals", []string{"a"}, many("a"), false},
		{"ForAnyValue:StringNotEquals", []string{"a"}, absent, false},

		{"NumericEquals", []string{"1.0"}, single("1"), true},
		{"NumericEquals", []string{"-0"}, single("0.00"), true},
		{"NumericEquals", []string{"9007199254740993"}, single("9007199254740992"), false},
		{"NumericNotEquals", []string{"5"}, single("05"), false},
		{"NumericLessThan", []string{"10"}, single("9.99"), true},
		{"NumericLessThan", []string{"-10"}, single("-9"), false},
		{"NumericLessThan", []string{"1"}, single("-1"), true},
		{"NumericLessThanEquals", []string{"10"}, single("10"), true},
		{"NumericGreaterThan", []string{"-1"}, single("1"), true},
		{"NumericGreaterThanEquals", []string{"1.5"}, single("1.25"), false},
		{"NumericEquals", []string{"1e3"}, single("1000"), false},

		{"DateEquals", []string{"2024-01-15T10:30:00Z"}, single("2024-01-15T15:30:00+05:00"), true},
		{"DateEquals", []string{"2024-01-15T10:30:00Z"}, single("1705314600"), true},
		{"DateEquals", []string{"2024-01-15T10:30:00Z"}, single("1705314600000"), true},
		{"DateEquals", []string{"2024-01-15T10:30:00Z"}, single("2024-01-15T10:30:00.5Z"), false},
		{"DateEquals", []string{"2024"}, single("2024-01-01T00:00:00Z"), true},
		{"DateEquals", []string{"2024-02"}, single("2024-02-01"), true},
		{"DateEquals", []string{"2024-02-01T00:00"}, single("2024-02-01T00:00:00-00:00"), true},
		{"DateGreaterThan", []string{"2024-01-01T00:00:00Z"}, single("2024-01-01T00:00:00.001Z"), true},
		{"DateLessThanEquals", []string{"2024-01-01"}, single("2024-01-01T00:00:00-0100"), false},
		{"DateLessThan", []string{"2024-01-01"}, single("-62135596801"), true},
		{"DateNotEquals", []string{"2024-01-01"}, single("2024-01-01T00:00:00Z"), false},

		{"Bool", []string{"true"}, single("True"), true},
		{"Bool", []string{"false"}, single("true"), false},

		{"IpAddress", []string{"203.0.113.77/24"}, single("203.0.113.1"), true},
		{"IpAddress", []string{"203.0.113.1"}, single("203.0.113.2"), false},
		{"IpAddress", []string{"203.0.113.0/24"}, single("::ffff:203.0.113.9"), true},
		{"IpAddress", []string{"::/0"}, single("203.0.113.9"), false},
		{"IpAddress", []string{"0.0.0.0/0"}, single("2001:db8::1"), false},
		{"IpAddress", []string{"2001:DB8:1234:5678::/64"}, single("2001:db8:1234:5678:abcd::1"), true},
		{"NotIpAddress", []string{"203.0.113.0/24", "10.0.0.0/8"}, single("10.1.1.1"), false},
		{"NotIpAddress", []string{"203.0.113.0/24"}, single("2001:db8::1"), true},

		{"ArnEquals", []string{"arn:aws:sns:*:1111*:t?pic"}, single(arn), true},
		{"ArnLike", []string{"arn:aws:sns:*:topic"}, single(arn), false},
		{"ArnLike", []string{"arn:aws:sns:us-east-1:111122223333:*"}, single(arn + ":a:b"), true},
		{"ArnLike", []string{"*"}, single(arn), true},
		{"ArnLike", []string{"arn:aws:SNS:*:*:*"}, single(arn), false},
		{"ArnNotLike", []string{"arn:aws:sns:*:*:other"}, single(arn), true},
		{"ArnNotEquals", []string{arn}, single(arn), false},

		{"BinaryEquals", []string{"QmluYXJ5"}, single("QmluYXJ5"), true},
		{"BinaryEquals", []string{"QmluYXJ5"}, single("QmluYXJ6"), false},

		{"Null", []string{"true"}, absent, true},
		{"Null", []string{"true"}, single("x"), false},
		{"Null", []string{"true"}, single(""), false},
		{"Null", []string{"true"}, many(), true},
		{"Null", []string{"false"}, single("x"), true},
		{"Null", []string{"false"}, absent, false},
		{"Null", []string{"true", "false"}, absent, true},
	} {
		inAllow, inDeny := conditioned(t, c.operator, "K", c.values, c.keys)
		if inAllow != c.want || inDeny != c.want {
			t.Errorf("%s %q with %+v: got %v in Allow and %v in Deny, want %v", c.operator, c.values, c.keys, inAllow, inDeny, c.want)
		}
	}
}

// TestUnclearConditions: what AWS leaves open is decided against the caller (docs/policy-semantics.md).
func TestUnclearConditions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		operator string
		value    string
		keys     Keys
	}{
		{"NumericNotEquals", "1", Keys{"k": One("x")}},
		{"NumericNotEquals", "x", Keys{"k": One("1")}},
		{"DateNotEquals", "2024-01-01", Keys{"k": One("2024-13-01")}},
		{"NotIpAddress", "10.0.0.0/8", Keys{"k": One("host")}},
		{"NotIpAddress", "10.0.0.0/8", Keys{"k": One("fe80::1%eth0")}},
		{"NotIpAddress", "nonsense", Keys{"k": One("10.0.0.1")}},
		{"ArnNotLike", "arn:aws:sns:*:*:*", Keys{"k": One("topic")}},
		{"StringEquals", "a", Keys{"k": Many([]string{"a", "b"})}},
		{"StringNotEquals", "a", Keys{"k": Many([]string{"a", "b"})}},
	} {
		inAllow, inDeny := conditioned(t, c.operator, "k", []string{c.value}, c.keys)
		if inAllow || !inDeny {
			t.Errorf("%s %q with %+v: got %v in Allow and %v in Deny, want false and true", c.operator, c.value, c.keys, inAllow, inDeny)
		}
	}
	for _, c := range []struct{ operator, value, request string }{
		{"NumericEquals", "1", "x"}, {"DateEquals", "bar", "bar"}, {"IpAddress", "test", "test"}, {"ArnEquals", "topic", "topic"},
		{"Bool", "true", "1"}, {"BinaryEquals", "?", "?"},
	} {
		if inAllow, inDeny := conditioned(t, c.operator, "k", []string{c.value}, Keys{"k": One(c.request)}); inAllow || inDeny {
			t.Errorf("%s %q with %q: a positive operator held on what it cannot read", c.operator, c.value, c.request)
		}
	}
}

func TestInstants(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "x", "2024-", "2024-1", "2024-13", "2024-00", "2024-02-30", "2024-02-29T", "2024-02T10:00Z",
		"2023-02-29", "2024-01-01T24:00:00Z", "2024-01-01T10", "2024-01-01T10:60Z", "2024-01-01T10:00:60Z", "2024-01-01T10:00:00.Z",
		"2024-01-01T10:00:00,5Z", "2024-01-01T10:00:00+5", "2024-01-01T10:00:00+05:0", "2024-01-01T10:00:00+25:00",
		"2024-01-01T10:00:00+05:60", "2024-01-01T10:00:00Zx", "2024-01-01T10:00:00Z05:00", "9223372036854775808", "+5", "2024-01-01T2:00:00Z", "2024-01-011"} {
		if got, ok := parseInstant(bad); ok {
			t.Errorf("%q read as %v", bad, got)
		}
	}
	for _, c := range []struct {
		text    string
		seconds int64
		nanos   int32
	}{
		{"1970", 0, 0}, {"1970-01-02", 86400, 0}, {"1970-01-01t00:01z", 60, 0}, {"1970-01-01T00:00:00.1234567891Z", 0, 123456789},
		{"1970-01-01T00:00:00+00:01", -60, 0}, {"0", 0, 0}, {"-5", -5, 0}, {"100000000000", 100000000, 0}, {"-100000000001", -100000001, 999000000},
	} {
		if got, ok := parseInstant(c.text); !ok || got != (instant{c.seconds, c.nanos}) {
			t.Errorf("%q: got %v, %v", c.text, got, ok)
		}
	}
}

// TestVariables holds the rules of docs/policy-semantics.md on policy variables. Text that a variable brings in is literal
// (advisory 45).
func TestVariables(t *testing.T) {
	t.Parallel()
	keys := func(name, value string) Keys { return Keys{strings.ToLower(name): One(value)} }
	const b = "arn:aws:s3:::b/"
	for _, c := range []struct {
		pattern, resource string
		keys              Keys
		want              bool
	}{
		{b + "${aws:username}/*", b + "alice/k", keys("aws:username", "alice"), true},
		{b + "${aws:UserName}/*", b + "alice/k", keys("aws:username", "alice"), true},
		{b + "${aws:username}/*", b + "alice/k", keys("aws:username", "*"), false},
		{b + "${aws:username}/*", b + "*/k", keys("aws:username", "*"), true},
		{b + "${aws:username}", b + "a", keys("aws:username", "?"), false},
		{b + "${aws:username}", b + "x", keys("aws:username", "\xff"), false},
		{b + "${aws:username}", b + "\xff", keys("aws:username", "\xff"), false},
		{b + "${aws:username}/*", b + "${aws:username}/k", keys("aws:username", "${aws:username}"), true},
		{b + "${aws:username}/*", b + "/k", keys("aws:username", ""), false},
		{b + "${aws:username}/*", b + "/k", Keys{}, false},
		{b + "${aws:username}", b + "a", Keys{"aws:username": Many([]string{"a"})}, false},
		{b + "${aws:username, 'all'}/*", b + "all/k", Keys{}, true},
		{b + "${aws:username, 'a*'}", b + "a*", Keys{}, true},
		{b + "${aws:username, 'a*'}", b + "ab", Keys{}, false},
		{b + "${aws:username, 'all'}/*", b + "all/k", keys("aws:username", "alice"), false},
		{b + "${aws:username, all}", b + "all", Keys{}, false},
		{b + "${*}${?}${$}", b + "*?$", Keys{}, true},
		{b + "${*}", b + "abc", Keys{}, false},
		{b + "${*}*", b + "*abc", Keys{}, true},
		{b + "${}", b + "${}", Keys{}, false},
		{b + "${aws:username", b + "${aws:username", keys("aws:username", "alice"), false},
		{"arn:aws:s3:::${aws:PrincipalTag/b}", "arn:aws:s3:::b", keys("aws:PrincipalTag/b", "b"), true},
		{"arn:aws:s3:${r}::b", "arn:aws:s3:eu::b", keys("r", "eu"), false},
		{"arn:aws:s3:${r, 'eu'}::b", "arn:aws:s3:eu::b", Keys{}, false},
	} {
		text, err := json.Marshal(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		request := get(alice, account)
		request.Resource, request.Context = c.resource, c.keys
		for version, want := range map[string]bool{Version2012: c.want, Version2008: c.pattern == c.resource} {
			p := one(t, `{"Version":"`+version+`","Statement":{"Effect":"Allow","Action":"*","Resource":`+string(text)+`}}`, Generic)
			got := Evaluate(&Set{Identity: p}, request).Allowed()
			if version == Version2008 && strings.ContainsAny(c.pattern, "*?") {
				continue // wildcards keep their meaning, so that equality is not the rule
			}
			if got != want {
				t.Errorf("%s: %s against %s with %v: got %v, want %v", version, c.pattern, c.resource, c.keys, got, want)
			}
		}
	}
}

func TestVariablesInConditions(t *testing.T) {
	t.Parallel()
	keys := Keys{"k": One("blue"), "tag": One("blue"), "star": One("b*"), "arn": One("arn:aws:iam::1:user/a"),
		"colon": One("us-east-1:999"), "source": One("arn:aws:sns:us-east-1:999:111:topic")}
	for _, c := range []struct {
		operator, key, value string
		want                 bool
	}{
		{"StringEquals", "k", "${tag}", true},
		{"StringLike", "k", "b${star}", false},
		{"StringLike", "k", "${star}", false},
		{"StringLike", "k", "${absent, 'b'}*", true},
		{"StringEquals", "k", "${absent}", false},
		{"StringNotEquals", "k", "${absent}", true},
		{"StringEqualsIgnoreCase", "k", "${TAG}", true},
		{"StringEqualsIgnoreCase", "k", "${absent}", false},
		{"ArnEquals", "arn", "${arn}", true},
		{"ArnEquals", "arn", "arn:aws:iam::1:user/${absent, 'a'}", true},
		{"ArnLike", "source", "arn:aws:sns:${colon}:111:topic", false},
		{"NumericNotEquals", "k", "${tag}", false},
	} {
		if got, _ := conditioned(t, c.operator, c.key, []string{c.value}, keys); got != c.want {
			t.Errorf("%s %s %s: got %v, want %v", c.operator, c.key, c.value, got, c.want)
		}
	}
}

func TestResourcesAndActions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		element, action, resource string
		want                      bool
	}{
		{`"Action":"S3:getobject","Resource":"*"`, "s3:GetObject", "arn:aws:s3:::b", true},
		{`"Action":"s3:G*t?bject","Resource":"*"`, "S3:GETOBJECT", "arn:aws:s3:::b", true},
		{`"Action":"s3:Get?","Resource":"*"`, "s3:Get", "arn:aws:s3:::b", false},
		{`"Action":"s3:*","Resource":"*"`, "s3:" + strings.Repeat("A", 500), "arn:aws:s3:::b", true},
		{`"NotAction":"iam:*","Resource":"*"`, "s3:GetObject", "arn:aws:s3:::b", true},
		{`"NotAction":["iam:*","S3:*"],"Resource":"*"`, "s3:GetObject", "arn:aws:s3:::b", false},
		{`"Action":"*","Resource":"arn:aws:s3:::B"`, "s3:GetObject", "arn:aws:s3:::b", false},
		{`"Action":"*","Resource":"arn:aws:s3"`, "s3:GetObject", "arn:aws:s3:::b", true},
		{`"Action":"*","Resource":"arn:aws:s3"`, "s3:GetObject", "arn:aws:sns:::b", false},
		{`"Action":"*","Resource":"a:aws:s3:::b"`, "s3:GetObject", "arn:aws:s3:::b", true},
		{`"Action":"*","NotResource":"arn:aws:s3:::b/*"`, "s3:GetObject", "arn:aws:s3:::b", true},
		{`"Action":"*","NotResource":"arn:aws:s3:::${absent}"`, "s3:GetObject", "arn:aws:s3:::b", false},
		{`"Action":"*","Resource":"arn:aws:s3:::b/*"`, "s3:GetObject", "arn:aws:s3:::b/../c", true},
	} {
		request := get(alice, account)
		request.Action, request.Resource = c.action, c.resource
		p := one(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow",`+c.element+`}}`, Identity)
		if got := Evaluate(&Set{Identity: p}, request).Allowed(); got != c.want {
			t.Errorf("%s for %.30s on %s: got %v, want %v", c.element, c.action, c.resource, got, c.want)
		}
	}
}
