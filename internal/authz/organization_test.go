package authz_test

import (
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	dt "github.com/stint-sts/stint/internal/directory/directorytest"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
)

// organized puts account A under a unit of B's organization, with policies on the unit.
func organized(b *dt.Builder, scp, rcp string) *directory.Organization {
	o := &directory.Organization{ID: "o-abcdefghij", RootID: "r-abcd", ManagementAccount: dt.B, Members: []arn.AccountID{dt.B, dt.A}}
	o.ServiceControl, o.ResourceControl = directory.ControlState{Enabled: true, Era: 1}, directory.ControlState{Enabled: true, Era: 1}
	unit := &directory.Unit{ID: "ou-abcd-12345678", Name: "dev", Parent: o.RootID}
	attach := func(t directory.ControlType, id, text string) {
		policies := []string{t.FullAccess()}
		if text != "" {
			b.Put(&directory.ControlPolicy{Owner: directory.Global, ID: id, Name: id, Type: t, Document: directory.NewDocument(text)})
			policies = append(policies, id)
		}
		o.Attach(&unit.Node, t, policies)
	}
	attach(directory.ServiceControl, "p-scp0000000", scp)
	attach(directory.ResourceControl, "p-rcp0000000", rcp)
	b.Put(o)
	b.Put(unit)
	b.Put(&directory.Member{Account: dt.A, Name: "a", Parent: unit.ID})
	return o
}

const denyAssume = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}]}`

// SCPs limit the users, roles and root of member accounts, RCPs what is done to the roles of member accounts by whomever.
func TestOrganizationPolicies(t *testing.T) {
	t.Parallel()
	open := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
	for _, policies := range [][2]string{{"", ""}, {deny("s3:*"), denyAssume}} {
		b := dt.New(t, nil)
		organized(b, policies[0], policies[1])
		inA, inB := b.User(dt.A, "a", dt.AllowAll), b.User(dt.B, "b", dt.AllowAll)
		roleA, roleB := b.Role(dt.A, "r", open), b.Role(dt.B, "r", open)
		rootA := identity.Caller{Kind: identity.Root, Account: dt.A, ARN: arn.Root(arn.AWS, dt.A), UserID: string(dt.A), PrincipalID: string(dt.A)}
		v := b.View()
		assume := func(r *directory.Role) authz.Query {
			return authz.Query{Action: "sts:AssumeRole", Resource: r.ARN, ResourceAccount: r.Account, Role: r}
		}
		object := authz.Query{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}
		for _, tt := range []struct {
			name    string
			caller  identity.Caller
			query   authz.Query
			limited bool
			by      policy.Type
		}{
			{"member's user", user(inA), object, true, policy.SCP},
			{"member's root", rootA, object, true, policy.SCP},
			{"management account's user", user(inB), object, false, 0},
			{"member's role by a member", user(inA), assume(roleA), true, policy.RCP},
			{"member's role by another", user(inB), assume(roleA), true, policy.RCP},
			{"management account's role", user(inA), assume(roleB), false, 0},
			{"IAM in a member", user(inA), authz.Query{Action: "iam:ListUsers", Resource: "*"}, false, 0},
		} {
			d := authz.New().Authorize(v, request(tt.caller), tt.query)
			if denied := tt.limited && policies[0] != ""; d.Allowed() == denied || denied && (d.Effect != policy.ExplicitDeny || d.By != tt.by) {
				t.Errorf("%s with %q: %v by %v", tt.name, policies, d.Effect, d.By)
			}
		}
	}
}

// A path that does not lead to the root, and a policy that is gone, deny everything.
func TestDamagedOrganizationDenies(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(b *dt.Builder, o *directory.Organization){
		"as it should be": func(*dt.Builder, *directory.Organization) {},
		"unit gone": func(b *dt.Builder, _ *directory.Organization) {
			b.Put(&directory.Member{Account: dt.A, Name: "a", Parent: "ou-abcd-gone0000"})
		},
		"a ring of units": func(b *dt.Builder, _ *directory.Organization) {
			b.Put(&directory.Unit{ID: "ou-abcd-12345678", Name: "dev", Parent: "ou-abcd-12345678"})
		},
		"policy gone": func(b *dt.Builder, o *directory.Organization) {
			o.Attach(&o.Root, directory.ServiceControl, []string{directory.FullAccessID, "p-gone000000"})
		},
		"nothing attached": func(_ *dt.Builder, o *directory.Organization) { o.Attach(&o.Root, directory.ServiceControl, nil) },
	} {
		b := dt.New(t, nil)
		spoil(b, organized(b, "", ""))
		u := b.User(dt.A, "a", dt.AllowAll)
		d := authz.New().Authorize(b.View(), request(user(u)), authz.Query{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"})
		if d.Allowed() != (name == "as it should be") {
			t.Errorf("%s: %v", name, d.Effect)
		}
	}
}

func TestOrganizationKeys(t *testing.T) {
	t.Parallel()
	b := dt.New(t, nil)
	organized(b, "", "")
	condition := func(operator, key, value string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"` + operator + `":{"` + key + `":"` + value + `"}}}]}`
	}
	for i, c := range []struct {
		operator, key, value string
		want                 bool
	}{
		{"StringEquals", "aws:PrincipalOrgID", "o-abcdefghij", true},
		{"ForAnyValue:StringEquals", "aws:PrincipalOrgPaths", "o-abcdefghij/r-abcd/ou-abcd-12345678/", true},
		{"ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-abcdefghij/r-abcd/ou-other*", false},
		{"StringEquals", "aws:ResourceOrgID", "o-abcdefghij", true},
		{"ForAnyValue:StringEquals", "aws:ResourceOrgPaths", "o-abcdefghij/r-abcd/ou-abcd-12345678/", true},
		{"StringEquals", "aws:ResourceAccount", string(dt.A), true},
	} {
		u := b.User(dt.A, "u"+string(rune('a'+i)), condition(c.operator, c.key, c.value))
		d := authz.New().Authorize(b.View(), request(user(u)), authz.Query{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"})
		if d.Allowed() != c.want {
			t.Errorf("%s %s %s: %v", c.operator, c.key, c.value, d.Effect)
		}
	}
}
