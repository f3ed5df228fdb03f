package audit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// chainOf returns a log of n lines.
func chainOf(n int) []byte {
	var b []byte
	last := origin()
	for i := range n {
		e := getCallerIdentity()
		e.ID = fmt.Sprintf("event-%d", i+1)
		r := newRecord().(*record)
		r.build(e)
		b = last.append(b, r)
	}
	return b
}

func verify(t testing.TB, log []byte) Report {
	t.Helper()
	report, err := Verify(bytes.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestVerify(t *testing.T) {
	t.Parallel()
	lines := bytes.SplitAfter(chainOf(6), []byte("\n"))[:6]
	log := func(order ...int) []byte {
		var b []byte
		for _, i := range order {
			b = append(b, lines[i-1]...)
		}
		return b
	}
	other := chainOf(3)
	foreign := bytes.SplitAfter(bytes.ReplaceAll(other, []byte("event-1"), []byte("event-9")), []byte("\n"))
	tests := []struct {
		name   string
		log    []byte
		lines  int
		broken int
		reason string
		torn   int
	}{
		{"whole", log(1, 2, 3, 4, 5, 6), 6, 0, "", 0},
		{"empty", nil, 0, 0, "", 0},
		{"end cut off", log(1, 2, 3), 3, 0, "", 0},
		{"line deleted", log(1, 2, 4, 5, 6), 2, 3, "line 4 of the chain follows line 2", 0},
		{"first line deleted", log(2, 3), 0, 1, "line 2 of the chain follows line 0", 0},
		{"line repeated", log(1, 2, 2, 3), 2, 3, "line 2 of the chain follows line 2", 0},
		{"lines exchanged", log(1, 3, 2, 4), 1, 2, "line 3 of the chain follows line 1", 0},
		{"started anew", append(log(1, 2), log(1, 2)...), 2, 3, "line 1 of the chain follows line 2", 0},
		{"line of another log", slices.Concat(lines[0], []byte(strings.Replace(string(lines[1]), "event-2", "event-8", 1))), 1, 2, "altered", 0},
		{"edited", foreign[0], 0, 1, "altered", 0},
		{"empty line", append(log(1), '\n'), 1, 2, "not a line", 0},
		{"text", append(log(1), "hello\n"...), 1, 2, "not a line", 0},
		{"torn", append(log(1, 2), lines[2][:40]...), 2, 0, "", 40},
		{"torn by its end", bytes.TrimSuffix(log(1, 2), []byte("\n")), 1, 0, "", len(lines[1]) - 1},
		{"carriage return", bytes.ReplaceAll(log(1), []byte("\n"), []byte("\r\n")), 0, 1, "not a line", 0},
		{"endless line", bytes.Repeat([]byte("a"), 3*maxLine), 0, 1, "longer than", 0},
		{"long line", append(bytes.Repeat([]byte("a"), maxLine+1), '\n'), 0, 1, "longer than", 0},
	}
	for _, tt := range tests {
		got := verify(t, tt.log)
		if got.Lines != tt.lines || got.TornBytes != tt.torn || (got.Break != nil) != (tt.broken > 0) {
			t.Errorf("%s: %+v, %+v", tt.name, got, got.Break)
			continue
		}
		if got.Break != nil && (got.Break.Line != tt.broken || !strings.Contains(got.Break.Reason, tt.reason)) {
			t.Errorf("%s: %+v, want line %d, %q", tt.name, *got.Break, tt.broken, tt.reason)
		}
		if got.Sequence != uint64(tt.lines) {
			t.Errorf("%s: sequence %d", tt.name, got.Sequence)
		}
	}
	if _, err := Verify(iotest.ErrReader(errors.New("broken disk"))); err == nil || !strings.Contains(err.Error(), "broken disk") {
		t.Errorf("a reader that fails: %v", err)
	}
}

// A line that was written anew with a hash that fits is found by the line after it.
func TestVerifyForgery(t *testing.T) {
	t.Parallel()
	forged := func(id string) []byte {
		last, b := origin(), []byte(nil)
		for _, id := range []string{"event-1", id} {
			e := getCallerIdentity()
			e.ID = id
			r := newRecord().(*record)
			r.build(e)
			b = last.append(b, r)
		}
		return b
	}
	third := bytes.SplitAfter(chainOf(3), []byte("\n"))[2]
	if got := verify(t, append(forged("event-2"), third...)); got.Break != nil || got.Lines != 3 {
		t.Errorf("positive control: %+v", got.Break)
	}
	got := verify(t, append(forged("event-X"), third...))
	if got.Break == nil || got.Break.Line != 3 || !strings.Contains(got.Break.Reason, "exchanged") {
		t.Errorf("%+v", got.Break)
	}
}

// Any change of any byte is found: by a break, or as a torn end.
func TestVerifyEveryByte(t *testing.T) {
	t.Parallel()
	log := chainOf(3)
	whole := verify(t, log)
	if whole.Break != nil || whole.Lines != 3 {
		t.Fatalf("positive control: %+v", whole)
	}
	count := 0
	found := func(what string, at int, mutant []byte) {
		t.Helper()
		count++
		if got := verify(t, mutant); got.Break == nil && got.TornBytes == 0 {
			t.Errorf("%s at byte %d was not found", what, at)
		}
	}
	mutant := bytes.Clone(log)
	for i := range log {
		for _, x := range []byte{0x01, 0x20, 0x80, log[i] ^ '\n', log[i] ^ '"'} {
			if x != 0 {
				mutant[i] = log[i] ^ x
				found("change", i, mutant)
			}
		}
		mutant[i] = log[i]
		found("deletion", i, slices.Concat(log[:i], log[i+1:]))
		found("insertion", i, slices.Concat(log[:i], []byte{' '}, log[i:]))
	}
	if count < 10_000 {
		t.Errorf("only %d mutants", count)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(chainOf(2))
	f.Add([]byte("\n"))
	f.Add([]byte(`{"chain":{"sequence":1,"previousHash":"","hash":""}}}`))
	f.Fuzz(func(t *testing.T, log []byte) {
		report := verify(t, log)
		if whole := bytes.Count(log, []byte("\n")); report.Lines > whole || report.Break != nil && report.Break.Line != report.Lines+1 {
			t.Errorf("%d lines: %+v", whole, report)
		}
	})
}
