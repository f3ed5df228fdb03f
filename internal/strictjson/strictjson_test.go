package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParseReadsValues(t *testing.T) {
	t.Parallel()
	text := `{"a": [1, -0.5e+3, "x\n\u00e9\ud83d\ude00", true, null], "b": {"": {}}, "c": []}`
	v, err := Parse([]byte(text), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	a, found := v.Get("a")
	if !found || a.Kind != Array || len(a.Elements) != 5 {
		t.Fatalf("a is %+v", a)
	}
	for i, want := range []Value{{Kind: Number, Text: "1"}, {Kind: Number, Text: "-0.5e+3"}, {Kind: String, Text: "x\né😀"},
		{Kind: Bool, Text: "true"}, {Kind: Null}} {
		got := a.Elements[i]
		if got.Kind != want.Kind || got.Text != want.Text {
			t.Errorf("element %d is %v %q, want %v %q", i, got.Kind, got.Text, want.Kind, want.Text)
		}
	}
	if got := text[a.Offset:a.End]; !strings.HasPrefix(got, "[1") || !strings.HasSuffix(got, "null]") {
		t.Errorf("a spans %q", got)
	}
	if got := text[a.Elements[2].Offset:a.Elements[2].End]; got != `"x\n\u00e9\ud83d\ude00"` {
		t.Errorf("string spans %q", got)
	}
	if got := text[v.Members[1].Offset:]; !strings.HasPrefix(got, `"b"`) {
		t.Errorf("key b at %q", got)
	}
	if _, found := v.Get("A"); found {
		t.Error("keys are found in another case")
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, reason string }{
		{"nothing", "", "document ends too early"},
		{"space", " \n", "document ends too early"},
		{"duplicate key", `{"a":1,"a":2}`, "duplicate key"},                         // advisory 52
		{"escaped duplicate key", `{"a":1,"\u0061":2}`, "duplicate key"},            // advisory 52
		{"key in another case", `{"Effect":1,"effect":2}`, "duplicate key"},         // advisory 52
		{"key folded by Unicode", `{"Statement":1,"ſtatement":2}`, "duplicate key"}, // advisory 52
		{"Kelvin sign", `{"k":1,"K":2}`, "duplicate key"},                           // advisory 52
		{"nested duplicate", `[{"x":{"b":1,"B":1}}]`, "duplicate key"},              // advisory 70
		{"trailing document", `{} {}`, "text after the document"},                   // advisory 52
		{"trailing comma", `[1,]`, "no value begins here"},
		{"trailing comma in object", `{"a":1,}`, "expected a key"},
		{"leading comma", `[,1]`, "no value begins here"},
		{"byte order mark", "\xEF\xBB\xBF{}", "byte order mark"},
		{"invalid UTF-8", "\"a\xff\"", "invalid UTF-8"},                        // advisory 52
		{"invalid UTF-8 after wide characters", "\"é☃\xff\"", "invalid UTF-8"}, // advisory 52
		{"overlong UTF-8", "\"\xc0\xaf\"", "invalid UTF-8"},
		{"encoded surrogate", "\"\xed\xa0\x80\"", "invalid UTF-8"},
		{"lone high surrogate", `"\ud800"`, "escape of a lone surrogate"},
		{"lone low surrogate", `"\udc00"`, "escape of a lone surrogate"},
		{"high surrogate twice", `"\ud800\ud800"`, "escape of a lone surrogate"},
		{"high surrogate and text", `"\ud800\n"`, "escape of a lone surrogate"},
		{"control character", "\"a\x01\"", "control character in a string"},
		{"control character after escape", "\"\\na\x01\"", "control character in a string"},
		{"zero byte", "\x00", "no value begins here"},
		{"zero byte in a string", "\"\x00\"", "control character in a string"},
		{"unknown escape", `"\x41"`, "malformed escape"},
		{"escaped zero byte", "\"\\\x00\"", "malformed escape"},
		{"short escape", `"\u00"`, "malformed escape"},
		{"escape without hex", `"\u00zz"`, "malformed escape"},
		{"open key", `{"abc`, "string without an end"},
		{"tokens at a key", "[" + strings.Repeat("1,", 19_996) + `{"a":1}]`, "too many tokens"},
		{"tokens at a value", "[" + strings.Repeat("1,", 19_997) + `{"a":1}]`, "too many tokens"},
		{"tokens at the end", "[" + strings.Repeat("1,", 19_998) + `1]`, "too many tokens"},
		{"open string", `"abc`, "string without an end"},
		{"open string after escape", `"\nabc`, "string without an end"},
		{"single quotes", `{'a':1}`, "expected a key"},
		{"bare key", `{a:1}`, "expected a key"},
		{"missing colon", `{"a" 1}`, "expected a colon"},
		{"missing value", `{"a":}`, "no value begins here"},
		{"missing comma", `[1 2]`, "expected a comma or the end of the array"},
		{"wrong bracket", `{"a":1]`, "expected a comma or the end of the object"},
		{"open object", `{"a":1`, "expected a comma or the end of the object"},
		{"open array", `[`, "document ends too early"},
		{"comment", `/**/1`, "no value begins here"},
		{"leading zero", `01`, "text after the document"},
		{"plus sign", `+1`, "no value begins here"},
		{"bare fraction", `.5`, "no value begins here"},
		{"no fraction", `1.`, "malformed number"},
		{"no exponent", `1e+`, "malformed number"},
		{"minus alone", `-`, "malformed number"},
		{"NaN", `NaN`, "no value begins here"},
		{"infinity", `-Infinity`, "malformed number"},
		{"hexadecimal", `0x10`, "text after the document"},
		{"word in capitals", `True`, "no value begins here"},
		{"word cut short", `nul`, "no value begins here"},
		{"no-break space", "\u00a01", "no value begins here"},
		{"depth", strings.Repeat("[", 33) + strings.Repeat("]", 33), "nested too deeply"},       // advisory 53
		{"open depth", strings.Repeat("[", 1_000_000), "nested too deeply"},                     // advisory 53
		{"tokens", "[" + strings.Repeat("1,", 20_000) + "1]", "too many tokens"},                // advisory 53
		{"key tokens", `{"a":[` + strings.Repeat(`{"b":1},`, 6_000) + `1]}`, "too many tokens"}, // advisory 53
		{"size", `"` + strings.Repeat("x", 1<<20) + `"`, "document too large"},                  // advisory 53
	} {
		_, err := Parse([]byte(c.text), Limits{})
		var refused *Error
		if !errors.As(err, &refused) || refused.Reason != c.reason {
			t.Errorf("%s: got %v, want %q", c.name, err, c.reason)
		}
	}
}

func TestParseTakesWhatIsWithinLimits(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 40 {
		many.WriteString(`"` + strings.Repeat("k", i+1) + `":0,`)
	}
	for name, text := range map[string]string{
		"depth":     strings.Repeat("[", 32) + strings.Repeat("]", 32),
		"tokens":    "[" + strings.Repeat("1,", 19_990) + "1]",
		"many keys": "{" + many.String() + `"z":{"a":1,"B":[],"é":"É"}}`,
		"space":     " \t\r\n{ \"a\" : [ 1 , 2 ] } \n",
		"zero":      "-0",
		"words":     "[true,false,null]",
		"escapes":   `"\"\\\/\b\f\n\r\t\u0000\uFFFD"`,
	} {
		if _, err := Parse([]byte(text), Limits{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Parse([]byte("{"+many.String()+`"K":0}`), Limits{}); err == nil {
		t.Error("a duplicate among many keys was taken")
	}
	if _, err := Parse([]byte(`[[1]]`), Limits{Depth: 1}); err == nil {
		t.Error("a limit of the caller's own was not held")
	}
}

func TestErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte(`{"secret":hunter2}`), Limits{})
	if err == nil || err.Error() != "reading JSON at byte 10: no value begins here" {
		t.Errorf("got %v", err)
	}
}

func TestCompact(t *testing.T) {
	t.Parallel()
	got := Compact([]byte(">"), []byte(" { \"a b\\\" \\\\\" :\t[ 1 ,\r\n2 ] } "))
	if want := `>{"a b\" \\":[1,2]}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAppendStringReadsBack(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"": "", `a"b\c`: `a"b\c`, "\x00\n\x1f\u2028é😀<>&": "\x00\n\x1f\u2028é😀<>&", "a\xff": "a\uFFFD"} {
		v, err := Parse(AppendString(nil, given), Limits{})
		if err != nil || v.Text != want {
			t.Errorf("%q reads back as %q, %v", given, v.Text, err)
		}
	}
}

func TestKindNames(t *testing.T) {
	t.Parallel()
	if Object.String() != "object" || Kind(99).String() != "invalid" {
		t.Errorf("got %v and %v", Object, Kind(99))
	}
}

// plain turns a tree into what encoding/json makes of the same text.
func plain(v Value) any {
	switch v.Kind {
	case Bool:
		return v.Text == "true"
	case Number:
		return json.Number(v.Text)
	case String:
		return v.Text
	case Array:
		list := make([]any, 0, len(v.Elements))
		for _, e := range v.Elements {
			list = append(list, plain(e))
		}
		return list
	case Object:
		members := make(map[string]any, len(v.Members))
		for _, m := range v.Members {
			members[m.Name] = plain(m.Value)
		}
		return members
	}
	return nil
}

func readPlain(t *testing.T, data []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("encoding/json refuses %q: %v", data, err)
	}
	return v
}

// FuzzParse: what Parse accepts, encoding/json accepts with the same meaning, before and after Compact.
func FuzzParse(f *testing.F) {
	for _, text := range []string{`{"a":[1,2.5e-3,"\ud83d\ude00",null,true],"b":{}}`, `{"a":1,"A":2}`, `"\u0000"`, ` [ ] `, `-0`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Parse(data, Limits{})
		if err != nil {
			return
		}
		want := readPlain(t, data)
		if got := plain(v); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %v, want %v", data, got, want)
		}
		compact := Compact(nil, data)
		if got := readPlain(t, compact); !reflect.DeepEqual(got, want) {
			t.Fatalf("compact %q: got %v, want %v", compact, got, want)
		}
		if v.Offset < 0 || v.End > len(data) || len(bytes.TrimSpace(data)) != v.End-v.Offset {
			t.Fatalf("%q spans %d to %d", data, v.Offset, v.End)
		}
	})
}
