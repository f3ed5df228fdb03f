package organizations

import (
	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
)

// The kinds of node, as the API calls targets, parents and children.
const (
	kindRoot    = "ROOT"
	kindUnit    = "ORGANIZATIONAL_UNIT"
	kindAccount = "ACCOUNT"
)

// node is the root, a unit or an account, in a copy that may be altered.
type node struct {
	*directory.Node
	entity           directory.Entity // that the node is part of
	id, kind, parent string
}

// nodeOf finds what an id names.
func nodeOf(v *directory.View, o *directory.Organization, id string) (node, bool) {
	if id == o.RootID {
		c := o.Clone()
		return node{&c.Root, c, id, kindRoot, ""}, true
	}
	if u, ok := v.Unit(id); ok {
		c := u.Clone()
		return node{&c.Node, c, id, kindUnit, u.Parent}, true
	}
	if s, ok := v.Standing(arn.AccountID(id)); ok {
		c := s.Member.Clone()
		return node{&c.Node, c, id, kindAccount, s.Member.Parent}, true
	}
	return node{}, false
}

// parentOf finds a root or unit that something is below.
func parentOf(v *directory.View, o *directory.Organization, id string) (node, bool) {
	n, ok := nodeOf(v, o, id)
	return n, ok && n.kind != kindAccount
}

// depth counts the units from the root down to a unit, itself included.
func depth(v *directory.View, id string) int {
	n := 0
	for u, ok := v.Unit(id); ok && n <= maxDepth; u, ok = v.Unit(u.Parent) {
		n++
	}
	return n
}

// rely makes a change depend on a node's being there. The organization itself may be written in the same change.
func (n node) rely(c *directory.Change) { c.Require(n.entity) }

func isAccount(id arn.AccountID) func(arn.AccountID) bool {
	return func(other arn.AccountID) bool { return other == id }
}
