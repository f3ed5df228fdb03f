package policy

import (
	"slices"
	"testing"
)

func TestParseOperator(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Operator{
		"StringEquals":                     {Compares: Strings},
		"stringnotequalsignorecase":        {Compares: Strings, Negated: true},
		"StringLike":                       {Compares: Strings, Wildcards: true},
		"ForAllValues:StringNotLike":       {Compares: Strings, Wildcards: true, Negated: true, ForAll: true},
		"ForAnyValue:StringEqualsIfExists": {Compares: Strings, ForAny: true, IfExists: true},
		"ArnEquals":                        {Compares: ARNs, Wildcards: true},
		"NumericLessThanEqualsIfExists":    {Compares: Numbers, IfExists: true},
		"DateNotEquals":                    {Compares: Dates, Negated: true},
		"Bool":                             {Compares: Booleans},
		"BinaryEquals":                     {Compares: Binaries},
		"NotIpAddress":                     {Compares: Addresses, Negated: true},
		"Null":                             {Compares: Presence},
	} {
		if got, known := ParseOperator(name); !known || got != want {
			t.Errorf("%s: %+v, %t", name, got, known)
		}
	}
	for _, name := range []string{"", "StringEqual", "NullIfExists", "ForAllValues:Null", "ForEach:StringEquals", "BinaryNotEquals"} {
		if got, known := ParseOperator(name); known || got != (Operator{}) {
			t.Errorf("%q: %+v", name, got)
		}
	}
}

func TestUnreadableValues(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		operator     string
		values, want []string
	}{
		{"Bool", []string{"true", "FALSE", "yes"}, []string{"yes"}},
		{"Null", []string{"1"}, []string{"1"}},
		{"NumericEquals", []string{"1.5", "1e3"}, []string{"1e3"}},
		{"DateLessThan", []string{"2026-01-02", "tomorrow"}, []string{"tomorrow"}},
		{"IpAddress", []string{"10.0.0.0/8", "10.0.0.0/99", "host"}, []string{"10.0.0.0/99", "host"}},
		{"BinaryEquals", []string{"QQ==", "%"}, []string{"%"}},
		{"ArnLike", []string{"*", "${aws:PrincipalArn}", "arn:aws:iam::*:role/x", "arn:aws:sns:*:t"}, []string{"arn:aws:sns:*:t"}},
		{"StringLike", []string{"", "*"}, nil},
		{"Odd", []string{"x"}, nil},
	} {
		c := Condition{Operator: tt.operator, Values: tt.values}
		if got := c.Unreadable(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.operator, got, tt.want)
		}
	}
}
