package wire_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/wire"
)

const warningHeader = "X-Stint-Policy-Warning"

// What is said of a stored policy is in a header, bounded and plain, and all of it in the audit line; an answer to which nothing
// is to be said, and a refusal, have neither.
func TestPolicyWarnings(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	var warnings []string
	var failure error
	p.bind(wire.Bind(wire.CreateUser, func(_ context.Context, _ *directory.View, req *identity.Request, _ *api.CreateUserInput) (*api.CreateUserOutput, error) {
		req.PolicyWarnings = warnings
		return &api.CreateUserOutput{}, failure
	}))
	const create = "Action=CreateUser&UserName=eve"

	if r := p.serve(toIAM(p, create)).ok(t); len(r.Header()[warningHeader]) > 0 {
		t.Errorf("a warning of nothing: %q", r.Header())
	}
	warnings = []string{"CODE: a \"text\"\r\nX-Evil: 1 — é\x7f", "LONG: " + strings.Repeat("é", 400), strings.Repeat("x", 300)}
	got := p.serve(toIAM(p, create)).ok(t).Header()[warningHeader]
	want := []string{`CODE: a "text"??X-Evil: 1 ? ??`, "LONG: " + strings.Repeat("?", 291) + "...", strings.Repeat("x", 300)}
	if !slices.Equal(got, want) {
		t.Errorf("header %q, want %q", got, want)
	}
	failure = errors.New("the store broke")
	if r := p.serve(toIAM(p, create)); r.Code != 500 || len(r.Header()[warningHeader]) > 0 {
		t.Errorf("a refusal has %d %q", r.Code, r.Header())
	}
	failure = nil
	for i := range 9 {
		warnings = append(warnings, fmt.Sprintf("MORE: %d", i))
	}
	got = p.serve(toIAM(p, create)).ok(t).Header()[warningHeader]
	if len(got) != 6 || got[5] != "and 7 more" {
		t.Errorf("header %q", got)
	}

	lines, _ := p.audited()
	var counts []int
	for _, line := range lines {
		counts = append(counts, len(line.AdditionalEventData.PolicyWarnings))
	}
	if !slices.Equal(counts, []int{0, 3, 0, 12}) {
		t.Errorf("the audit log has %v warnings", counts)
	}
	if first := lines[1].AdditionalEventData.PolicyWarnings[0]; first != warnings[0] {
		t.Errorf("the audit log says %q, want %q", first, warnings[0])
	}
}
