package manifest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A file may describe many users.
func TestManyUsers(t *testing.T) {
	t.Parallel()
	const many = 5_000
	var b strings.Builder
	b.WriteString("accounts:\n  \"111122223333\":\n    groups: {devs: {}}\n    users:\n")
	for i := range many {
		fmt.Fprintf(&b, "      user%d: {groups: [devs], tags: {team: blue}, access_keys: [{}], attached_policies: [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]}\n", i)
	}
	begin := time.Now()
	f := mustParse(t, b.String())
	t.Logf("reading %d users took %v", many, time.Since(begin))
	begin = time.Now()
	p := mustPlan(t, f, empty(), options())
	t.Logf("planning took %v", time.Since(begin))
	if p.Summary.Created != many+2 || len(p.Generated) != many {
		t.Errorf("%d created, %d keys", p.Summary.Created, len(p.Generated))
	}
	v := apply(t, empty(), p.Change)
	begin = time.Now()
	if p := mustPlan(t, f, v, pruning()); !p.Empty() {
		t.Error("not the same again")
	}
	t.Logf("planning again took %v", time.Since(begin))
}
