package session

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stint-sts/stint/internal/identity"
)

func tagsOf(n, valueLength int) []identity.SessionTag {
	tags := make([]identity.SessionTag, n)
	for i := range tags {
		tags[i] = identity.SessionTag{Key: fmt.Sprintf("key%d", i), Value: strings.Repeat("v", valueLength)}
	}
	return tags
}

func TestPackedFaults(t *testing.T) {
	t.Parallel()
	text := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		name    string
		policy  string
		arns    []string
		tags    []identity.SessionTag
		percent int
		message string
	}{
		{"nothing", "", nil, nil, 0, ""},
		{"one empty tag", "", nil, []identity.SessionTag{{}}, 1, ""},
		{"one character", "x", nil, nil, 1, ""},
		{"one percent", text(20), nil, nil, 1, ""},
		{"two percent", text(21), nil, nil, 2, ""},
		{"all of it", text(Allotment), nil, nil, 100, ""},
		{"a byte more", text(Allotment + 1), nil, nil, 101, "Packed policy consumes 101% of allotted space, please use smaller policy."},
		{"policy of 20,000", text(20000), nil, nil, 977, "Packed policy consumes 977% of allotted space, please use smaller policy."},
		{"nine tags of 250", "", nil, tagsOf(9, 250), 113, "Packed size of session tags consumes 113% of allotted space."},
		{"tags alone over, with a policy", text(10), nil, tagsOf(9, 250), 114, "Packed size of session tags consumes 113% of allotted space."},
		{"tags and policy together", text(1000), nil, tagsOf(5, 250), 112, "Packed policy consumes 112% of allotted space, please use smaller policy."},
		{"ARNs", "", []string{text(2000), text(100)}, nil, 103, "Packed policy consumes 103% of allotted space, please use smaller policy."},
	}
	for _, tt := range tests {
		size := Packed(tt.policy, tt.arns, tt.tags)
		if size.Percent() != tt.percent {
			t.Errorf("%s: %d%%, want %d%%", tt.name, size.Percent(), tt.percent)
		}
		f := size.Fault()
		if (f == nil) != (tt.message == "") || f != nil && (f.Message != tt.message || f.Code != identity.PackedPolicyTooLarge) {
			t.Errorf("%s: fault %v, want %q", tt.name, f, tt.message)
		}
	}
}

// More never takes less, what is transitive has no weight, and the size is that of the bytes in the token.
func TestPackedProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSession(t)
		before := Packed(s.Policy, s.PolicyARNs, s.Tags)
		encoded, err := appendSession(nil, s)
		if err != nil {
			t.Fatal(err)
		}
		bare := *s
		bare.Policy, bare.PolicyARNs, bare.Tags = "", nil, nil
		without, err := appendSession(nil, &bare)
		if err != nil {
			t.Fatal(err)
		}
		bytes := before.policies + before.tags
		outside := (len(s.Tags)+7)/8 + len(appendNumber(nil, int64(bytes))) - 1
		if got := len(encoded) - len(without) - outside; got != bytes {
			t.Fatalf("measured %d bytes, %d are in the token", bytes, got)
		}

		flipped := append([]identity.SessionTag(nil), s.Tags...)
		for i := range flipped {
			flipped[i].Transitive = !flipped[i].Transitive
		}
		if got := Packed(s.Policy, s.PolicyARNs, flipped); got != before {
			t.Fatalf("transitive flags changed the size from %v to %v", before, got)
		}
		more := []Size{
			Packed(s.Policy+"x", s.PolicyARNs, s.Tags),
			Packed(s.Policy, append(s.PolicyARNs, ""), s.Tags),
			Packed(s.Policy, s.PolicyARNs, append(s.Tags, identity.SessionTag{})),
		}
		for _, m := range more {
			if m.policies+m.tags <= bytes || m.Percent() < before.Percent() {
				t.Fatalf("more took less: %v after %v", m, before)
			}
		}
	})
}
