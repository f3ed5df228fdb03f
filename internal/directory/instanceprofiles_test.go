package directory

import (
	"slices"
	"testing"
)

func TestInstanceProfilesOfRoles(t *testing.T) {
	t.Parallel()
	web, spare := newRole("web", "AROA1"), newRole("spare", "AROA2")
	first := &InstanceProfile{Account: accountA, Name: "First", ID: "AIPA1", RoleID: web.ID}
	second := &InstanceProfile{Account: accountA, Name: "second", ID: "AIPA2", RoleID: web.ID}
	bare := &InstanceProfile{Account: accountA, Name: "bare", ID: "AIPA3"}
	v := viewOf(web, spare, first, second, bare)
	names := func(v *View, r *Role) (out []string) {
		for p := range v.InstanceProfilesOf(r) {
			out = append(out, p.Name)
		}
		return out
	}
	if got := names(v, web); !slices.Equal(got, []string{"First", "second"}) {
		t.Errorf("profiles of the role: %v", got)
	}
	if got := names(v, spare); got != nil {
		t.Errorf("profiles of a role without: %v", got)
	}
	if r, ok := v.RoleOf(first); !ok || r != web {
		t.Errorf("the role of the profile is %v", r)
	}
	if r, ok := v.RoleOf(bare); ok {
		t.Errorf("a profile without a role has %v", r)
	}
	moved := first.Clone()
	moved.RoleID = spare.ID
	next := v.Apply(2, append(stored(moved), gone(second)...))
	if got := names(next, web); got != nil {
		t.Errorf("profiles of the role after: %v", got)
	}
	if got := names(next, spare); !slices.Equal(got, []string{"First"}) {
		t.Errorf("profiles of the other role after: %v", got)
	}
	if r, ok := next.Apply(3, gone(spare)).RoleOf(moved); ok {
		t.Errorf("a role that is gone is %v", r)
	}
}
