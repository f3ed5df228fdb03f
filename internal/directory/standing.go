package directory

import (
	"iter"
	"maps"
	"slices"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/policy"
)

// Standing is an account's place in the organization with all that follows from it, made when the organization changes, so that
// no request searches.
type Standing struct {
	Organization *Organization
	Member       *Member
	// Paths is the account's path as condition keys have it: o-…/r-…/ou-…/. There is one; conditions take a list.
	Paths []string
	// SCPs and RCPs are the policies of each level from the root down to the account; nil while the type is disabled. Of the RCPs
	// that of AWS is left out: it allows everything, and only their denials count.
	SCPs, RCPs [][]policy.Attached
}

// Management reports whether the account is the management account, which no policy of the organization concerns.
func (s *Standing) Management() bool {
	return s.Member.Account == s.Organization.ManagementAccount
}

// Standing returns an account's place in the organization; false if it is in none.
func (v *View) Standing(account arn.AccountID) (*Standing, bool) {
	s, ok := v.standings[account]
	return s, ok
}

// ofOrganization reports whether standings follow from entities of the kind.
func ofOrganization(k Kind) bool {
	return k == KindOrganization || k == KindUnit || k == KindMember || k == KindControlPolicy
}

// maxLevels bounds a path that was written by somebody else: five units below the root, and room.
const maxLevels = 16

// level is the root or a unit with all above it.
type level struct {
	path       string
	scps, rcps [][]policy.Attached
	broken     bool // the path does not lead to the root
}

// stand makes the standings of all members.
func (v *View) stand() map[arn.AccountID]*Standing {
	o, ok := v.Organization()
	if !ok {
		return nil
	}
	levels := map[string]*level{o.RootID: v.below(&level{path: o.ID + "/"}, o, o.RootID, &o.Root)}
	standings := make(map[arn.AccountID]*Standing, len(o.Members))
	for _, id := range append([]arn.AccountID{o.ManagementAccount}, o.Members...) {
		m := v.member(o, id)
		parent := v.level(levels, o, m.Parent, maxLevels)
		own := v.below(parent, o, "", &m.Node)
		standings[id] = &Standing{Organization: o, Member: m, Paths: []string{parent.path}, SCPs: own.scps, RCPs: own.rcps}
	}
	return standings
}

// level finds or makes the level of a root or unit. A path that is damaged denies everything.
func (v *View) level(levels map[string]*level, o *Organization, id string, left int) *level {
	if l, ok := levels[id]; ok {
		return l
	}
	u, ok := v.Unit(id)
	if !ok || left == 0 {
		deny := [][]policy.Attached{{{Name: id, Policy: policy.DenyAll()}}}
		return &level{path: o.ID + "/", scps: deny, rcps: deny, broken: true}
	}
	l := v.below(v.level(levels, o, u.Parent, left-1), o, id, &u.Node)
	if !l.broken {
		levels[id] = l
	}
	return l
}

// below adds a root, unit or account to the levels above it.
func (v *View) below(above *level, o *Organization, id string, n *Node) *level {
	l := &level{path: above.path, scps: above.scps, rcps: above.rcps, broken: above.broken}
	if id != "" {
		l.path += id + "/"
	}
	if o.ServiceControl.Enabled {
		l.scps = append(slices.Clip(above.scps), v.attachedPolicies(o, n, ServiceControl))
	}
	if o.ResourceControl.Enabled {
		l.rcps = append(slices.Clip(above.rcps), v.attachedPolicies(o, n, ResourceControl))
	}
	return l
}

// attachedPolicies compiles the policies of one level. One that is not there denies: DeletePolicy refuses what is attached.
func (v *View) attachedPolicies(o *Organization, n *Node, t ControlType) []policy.Attached {
	language := policy.SCP
	if t == ResourceControl {
		language = policy.RCP
	}
	attached := []policy.Attached{}
	for _, id := range o.Attached(n, t) {
		if id == ResourceFullAccessID {
			continue
		}
		compiled := policy.Attached{Name: id, Policy: policy.DenyAll()}
		if p, ok := v.ControlPolicy(id); ok && p.Type == t {
			compiled = policy.Attached{Name: v.ControlPolicyARN(o, p), Policy: p.Document.Policy(language)}
		}
		attached = append(attached, compiled)
	}
	return attached
}

// ControlPolicyARN returns the ARN of a policy of the organization, or of AWS.
func (v *View) ControlPolicyARN(o *Organization, p *ControlPolicy) string {
	kind := "service_control_policy"
	if p.Type == ResourceControl {
		kind = "resource_control_policy"
	}
	if p.Owner == AWSAccount {
		return "arn:" + string(v.partition) + ":organizations::aws:policy/" + kind + "/" + p.ID
	}
	return o.ARN(v.partition, "policy", kind+"/"+p.ID)
}

// Unit returns an organizational unit by its id.
func (v *View) Unit(id string) (*Unit, bool) { return get[*Unit](v, Key{Global, KindUnit, id}) }

// Units yields the organizational units by id.
func (v *View) Units() iter.Seq[*Unit] { return all[*Unit](v, Global, KindUnit) }

// member returns what the organization knows of one of its accounts. Of one that a directory file named and nobody described it
// is the least: the account's number for its name, directly under the root.
func (v *View) member(o *Organization, account arn.AccountID) *Member {
	if m, ok := get[*Member](v, Key{Global, KindMember, string(account)}); ok {
		return m
	}
	return &Member{Account: account, Name: string(account), Joined: o.Created, Parent: o.RootID}
}

// OrganizationMembers yields the organization's accounts in order of their ids.
func (v *View) OrganizationMembers() iter.Seq[*Member] {
	return func(yield func(*Member) bool) {
		for _, id := range slices.Sorted(maps.Keys(v.standings)) {
			if !yield(v.standings[id].Member) {
				return
			}
		}
	}
}

// ControlPolicy returns a policy of the organization, or of AWS, by its id.
func (v *View) ControlPolicy(id string) (*ControlPolicy, bool) {
	if p, ok := get[*ControlPolicy](v, Key{Global, KindControlPolicy, id}); ok {
		return p, true
	}
	return get[*ControlPolicy](v, Key{AWSAccount, KindControlPolicy, id})
}

// ControlPolicies yields AWS's policies and then the organization's by id.
func (v *View) ControlPolicies() iter.Seq[*ControlPolicy] {
	return func(yield func(*ControlPolicy) bool) {
		for _, owner := range []arn.AccountID{AWSAccount, Global} {
			for p := range all[*ControlPolicy](v, owner, KindControlPolicy) {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// AccountRequest returns a call of CreateAccount.
func (v *View) AccountRequest(id string) (*AccountRequest, bool) {
	return get[*AccountRequest](v, Key{Global, KindAccountRequest, id})
}

// AccountRequests yields the calls of CreateAccount by id.
func (v *View) AccountRequests() iter.Seq[*AccountRequest] {
	return all[*AccountRequest](v, Global, KindAccountRequest)
}
