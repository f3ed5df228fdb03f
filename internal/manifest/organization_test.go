package manifest

import (
	"slices"
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
)

const organizationFile = `accounts: {"111122223333": {}, "444455556666": {}, "777788889999": {}, "999900001111": {}}
organization:
  management_account: 111122223333
  accounts: [777788889999]
  units:
    prod:
      scps: [fence]
      units: {eu: {accounts: [444455556666], rcps: [inside]}}
  scps:
    fence: {description: a fence, document: {Version: "2012-10-17", Statement: [{Effect: Deny, Action: "iam:*", Resource: "*"}]}}
    spread: {targets: [root, prod/eu, 777788889999], document: {Version: "2012-10-17", Statement: [{Effect: Deny, Action: "sts:*", Resource: "*"}]}}
    loose: {targets: [], document: {Version: "2012-10-17", Statement: [{Effect: Deny, Action: "s3:*", Resource: "*"}]}}
  rcps:
    inside: {document: {Version: "2012-10-17", Statement: [{Effect: Deny, Principal: "*", Action: "sts:*", Resource: "*"}]}}
`

// levelsOf gives the names of the policies of each level, from the root down to an account.
func levelsOf(t *testing.T, v *directory.View, account arn.AccountID, kind directory.ControlType) (levels [][]string) {
	t.Helper()
	s, ok := v.Standing(account)
	if !ok {
		t.Fatalf("%s is in no organization", account)
	}
	show := func(n *directory.Node) {
		level := []string{}
		for _, id := range s.Organization.Attached(n, kind) {
			p, ok := v.ControlPolicy(id)
			if !ok {
				t.Fatalf("no policy %s", id)
			}
			level = append(level, p.Name)
		}
		levels = append([][]string{level}, levels...)
	}
	show(&s.Member.Node)
	for u, ok := v.Unit(s.Member.Parent); ok; u, ok = v.Unit(u.Parent) {
		show(&u.Node)
	}
	show(&s.Organization.Root)
	return levels
}

func sameLevels(a, b [][]string) bool {
	return slices.EqualFunc(a, b, func(x, y []string) bool { return slices.Equal(x, y) })
}

func TestOrganization(t *testing.T) {
	t.Parallel()
	v := made(t, empty(), organizationFile, options())
	full, resourceFull := "FullAWSAccess", "RCPFullAWSAccess"
	for _, tt := range []struct {
		account arn.AccountID
		kind    directory.ControlType
		want    [][]string
	}{
		{"444455556666", directory.ServiceControl, [][]string{{full, "spread"}, {full, "fence"}, {full, "spread"}, {full}}},
		{"444455556666", directory.ResourceControl, [][]string{{resourceFull}, {resourceFull}, {resourceFull, "inside"}, {resourceFull}}},
		{"777788889999", directory.ServiceControl, [][]string{{full, "spread"}, {full, "spread"}}},
	} {
		if got := levelsOf(t, v, tt.account, tt.kind); !sameLevels(got, tt.want) {
			t.Errorf("%s %s: %v, want %v", tt.account, tt.kind, got, tt.want)
		}
	}
	if _, ok := v.Standing("999900001111"); ok {
		t.Error("an account that the organization does not list is a member")
	}

	if again := mustPlan(t, mustParse(t, organizationFile), v, options()); !again.Empty() {
		t.Errorf("applied again: %v", again.Summary.Lines)
	}
}

// What a later file says of attachments holds, and what it says nothing of stays.
func TestOrganizationChanged(t *testing.T) {
	t.Parallel()
	v := made(t, empty(), organizationFile, options())
	unit := func(name string) *directory.Unit {
		for u := range v.Units() {
			if u.Name == name {
				return u
			}
		}
		t.Fatalf("no unit %s", name)
		return nil
	}
	eu := unit("eu").ID
	v = made(t, v, `accounts: {"111122223333": {}, "444455556666": {}}
organization:
  management_account: 111122223333
  units: {prod: {accounts: [444455556666], scps: []}}
  scps:
    spread: {targets: [777788889999, prod/eu], document: {Version: "2012-10-17", Statement: [{Effect: Deny, Action: "sts:*", Resource: "*"}]}}
`, options())
	if got, want := levelsOf(t, v, "444455556666", directory.ServiceControl), [][]string{{"FullAWSAccess"}, {"FullAWSAccess"}, {"FullAWSAccess"}}; !sameLevels(got, want) {
		t.Errorf("moved account: %v, want %v", got, want)
	}
	if got, want := levelsOf(t, v, "777788889999", directory.ServiceControl), [][]string{{"FullAWSAccess"}, {"FullAWSAccess", "spread"}}; !sameLevels(got, want) {
		t.Errorf("account that the file does not place: %v, want %v", got, want)
	}
	if u := unit("eu"); u.ID != eu || len(u.SCPs.Policies) != 2 || len(u.RCPs.Policies) != 2 {
		t.Errorf("unit that the file does not name: %+v", u)
	}
}

// An organization without accounts and units has all accounts of the file.
func TestOrganizationOfAll(t *testing.T) {
	t.Parallel()
	v := made(t, empty(), `{accounts: {"111122223333": {}, "444455556666": {}}, organization: {management_account: "111122223333"}}`, options())
	s, ok := v.Standing("444455556666")
	if !ok || s.SCPs != nil || s.RCPs != nil || s.Management() {
		t.Errorf("standing %+v", s)
	}
	if s, ok = v.Standing("111122223333"); !ok || !s.Management() || s.Paths[0] != s.Organization.ID+"/"+s.Organization.RootID+"/" {
		t.Errorf("standing %+v", s)
	}
}
