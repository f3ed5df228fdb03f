package session

import (
	"fmt"
	"math/bits"

	"github.com/stint-sts/stint/internal/identity"
)

// Allotment is the room for session policies and session tags in a token, in bytes: 100 % of PackedPolicySize. An inline
// policy alone fills it with 2,048 characters, AWS's limit for its plain text.
const Allotment = 2048

// Size is how much of the allotment the policies and tags of a session take.
type Size struct{ policies, tags int }

// Packed measures the bytes that Seal puts into the token for a session's policies and tags. They are not compressed, so
// that more never takes less, and that the length of a token says nothing about its content but its length. What is
// transitive is kept elsewhere in the token and has no weight.
func Packed(policy string, policyARNs []string, tags []identity.SessionTag) Size {
	size := Size{policies: len(policy)}
	for _, a := range policyARNs {
		size.policies += textSize(a)
	}
	for _, t := range tags {
		size.tags += textSize(t.Key) + textSize(t.Value)
	}
	return size
}

// Percent is PackedPolicySize: 0 only if there is neither policy nor tag.
func (s Size) Percent() int { return percent(s.policies + s.tags) }

// Fault returns AWS's refusal if the allotment is exceeded, else nil (docs/wire-compatibility.md §3, Tags and packed size).
func (s Size) Fault() *identity.Fault {
	switch {
	case s.policies+s.tags <= Allotment:
		return nil
	case s.tags > Allotment:
		return identity.NewFault(identity.PackedPolicyTooLarge,
			fmt.Sprintf("Packed size of session tags consumes %d%% of allotted space.", percent(s.tags)))
	default:
		return identity.NewFault(identity.PackedPolicyTooLarge,
			fmt.Sprintf("Packed policy consumes %d%% of allotted space, please use smaller policy.", s.Percent()))
	}
}

func percent(n int) int { return (100*n + Allotment - 1) / Allotment }

// textSize is the length of what appendText appends.
func textSize(s string) int { return max(1, (bits.Len(uint(len(s)))+6)/7) + len(s) }
