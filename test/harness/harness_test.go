package harness

import (
	"strings"
	"testing"
	"time"
)

func TestKeyIDsCarryTheirAccount(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"ASIAY34FZKBOKMUTVV7A": "609629065308",
		"AKIATZ2X44NMCEQW46PL": "261640479576",
		"ASIAQNZGKIQY56JQ7WML": "029608264753",
	} {
		if got, err := AccountOf(id); err != nil || got != want {
			t.Errorf("AccountOf(%s) = %s, %v, want %s", id, got, err, want)
		}
	}
	for _, account := range []string{"111122223333", "444455556666", "000000000001", "999999999999"} {
		id := NewKeyID("AKIA", account)
		if got, err := AccountOf(id); err != nil || got != account || len(id) != 20 {
			t.Errorf("AccountOf(NewKeyID(%s)) = %s, %v", account, got, err)
		}
	}
	if id := NewKeyID("ASIA", "111122223333"); !strings.HasPrefix(id, "ASIARTX3GSDS") {
		t.Errorf("NewKeyID gave %s", id)
	}
}

// The vectors are those of RFC 6238, appendix B, cut to six digits.
func TestCode(t *testing.T) {
	t.Parallel()
	const seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 20000000000: "353130"} {
		if got := Code(seed, time.Unix(at, 0), 0); got != want {
			t.Errorf("Code at %d = %s, want %s", at, got, want)
		}
	}
}
