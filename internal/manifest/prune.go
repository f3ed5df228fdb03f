package manifest

import (
	"iter"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
)

// prune marks what an account has and the file does not list. Groups and policies go only if nobody comes to refer to them
// meanwhile.
func (p *planner) prune(id arn.AccountID) {
	pruneKind(p, p.view.Users(id))
	pruneKind(p, p.view.Roles(id))
	pruneKind(p, p.view.Devices(id))
	pruneKind(p, p.view.OIDCProviders(id))
	pruneKind(p, p.view.SAMLProviders(id))
	others := len(p.gone)
	pruneKind(p, p.view.Groups(id))
	pruneKind(p, p.view.Policies(id))
	for _, k := range p.gone[others:] {
		if m, ok := p.pruned[k].(*directory.ManagedPolicy); ok {
			p.lostPolicies[m.ARN] = true
		}
	}
	if len(p.gone) > others {
		p.plan.Change.Freeze(p.view, id, directory.KindUser, directory.KindGroup, directory.KindRole)
	}
}

func pruneKind[E directory.Entity](p *planner, all iter.Seq[E]) {
	for e := range all {
		if _, listed := p.next[e.Key()]; !listed {
			p.pruned[e.Key()] = e
			p.gone = append(p.gone, e.Key())
		}
	}
}
