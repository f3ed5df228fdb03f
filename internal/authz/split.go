package authz

import "github.com/stint-sts/stint/policy"

// Part is what some of the policies of a caller come to, for a service that combines it with its resources' policies by itself.
// Only [Split] makes one, and nobody but such a service acts on it.
type Part uint8

// The parts. Whatever is none of the others denies.
const (
	PartDenies Part = iota // nothing else may allow it
	PartSilent             // allows nothing and leaves it to others
	PartAllows             // allows it unless another part denies
)

// Split decides by a caller's policies in two parts, for a service that allows what no part denies, and what the resource's policy
// or the first part allows, provided that the second part allows it, too, where there is one.
//
// What such a service has no place for is folded into the first part, so that nothing is allowed which [Authorizer.Authorize] with
// the resource's policy would not allow, where this names users, roles or sessions:
//   - where a boundary, an SCP or an RCP does not allow, it denies, so that no resource policy opens it;
//   - of a caller of another account than the resource's, which both accounts must allow, what it would allow it is silent about, and
//     what it would be silent about it denies.
//
// Boundaries and session policies thus also limit what a resource's policy grants to the user or session itself, which AWS leaves to
// the resource's policy alone.
type Split struct {
	bearing *Bearing
	keys    policy.Context
	foreign bool
	// everything allows all actions: in the place of the policies that are not asked about.
	everything []policy.Attached
}

const allowEverything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// NewSplit returns the Split of a caller. Foreign says that the resources belong to another account.
func NewSplit(b *Bearing, keys policy.Context, foreign bool) (*Split, error) {
	everything, err := policy.New(allowEverything, policy.Identity)
	if err != nil {
		return nil, err
	}
	return &Split{bearing: b, keys: keys, foreign: foreign, everything: []policy.Attached{{Policy: everything}}}, nil
}

// decide evaluates a set in which nothing belongs to another account.
func (s *Split) decide(set *policy.Set, action, resource string) policy.Decision {
	return policy.Evaluate(set, &policy.Request{Principal: s.bearing.Principal, Action: action, Resource: resource, Context: s.keys})
}

// Identity is the first part: all policies but those of the session.
func (s *Split) Identity(action, resource string) Part {
	set := s.bearing.Set
	set.Session, set.HasSession = s.everything, true
	own := s.decide(&set, action, resource)
	switch {
	case own.Allowed() && s.foreign:
		return PartSilent
	case own.Allowed():
		return PartAllows
	case s.foreign || own.Effect == policy.ExplicitDeny:
		return PartDenies
	}
	set.Identity = s.everything
	if s.decide(&set, action, resource).Allowed() {
		return PartSilent
	}
	return PartDenies
}

// HasSession reports whether there is a second part. A federated user always has one, be it without a policy.
func (s *Split) HasSession() bool {
	return s.bearing.Set.HasSession || s.bearing.Principal.Kind == policy.FederatedUser
}

// Session is the second part: the session policies alone.
func (s *Split) Session(action, resource string) Part {
	set := policy.Set{Identity: s.everything, Session: s.bearing.Set.Session, HasSession: true}
	switch own := s.decide(&set, action, resource); {
	case own.Allowed():
		return PartAllows
	case own.Effect == policy.ExplicitDeny:
		return PartDenies
	}
	return PartSilent
}
